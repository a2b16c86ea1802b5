//! The states of a ticket, and the table of what leads where.

use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// Nobody has answered.
    New,
    /// The provider is on it.
    Open,
    /// The customer was asked something.
    WaitingCustomer,
    /// The provider says that it is done.
    Resolved,
    /// The end.
    Closed,
}

/// What can happen to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TicketStep {
    /// A human of the provider wrote.
    Answer,
    /// The customer wrote.
    Wrote,
    /// The customer is asked something.
    Ask,
    /// It is said to be done.
    Resolve,
    /// The customer agrees, or has been silent for long.
    Close,
}

impl TicketState {
    /// All, in order.
    pub const ALL: [Self; 5] = [
        Self::New,
        Self::Open,
        Self::WaitingCustomer,
        Self::Resolved,
        Self::Closed,
    ];

    /// The name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::WaitingCustomer => "waiting_customer",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    /// Where a step leads; `None` where it does not fit. A question or a solution
    /// as the first answer opens the ticket in passing.
    #[must_use]
    pub const fn next(self, step: TicketStep) -> Option<Self> {
        match (self, step) {
            (Self::Closed, _) => None,
            (Self::New | Self::Open, TicketStep::Answer)
            | (Self::Open | Self::WaitingCustomer | Self::Resolved, TicketStep::Wrote) => {
                Some(Self::Open)
            }
            (Self::New, TicketStep::Wrote) => Some(Self::New),
            (Self::WaitingCustomer, TicketStep::Answer)
            | (Self::New | Self::Open, TicketStep::Ask) => Some(Self::WaitingCustomer),
            (Self::Resolved, TicketStep::Answer)
            | (Self::New | Self::Open | Self::WaitingCustomer, TicketStep::Resolve) => {
                Some(Self::Resolved)
            }
            (Self::Resolved, TicketStep::Close) => Some(Self::Closed),
            (_, TicketStep::Close | TicketStep::Ask | TicketStep::Resolve) => None,
        }
    }

    /// Whether somebody still has to do something.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Resolved | Self::Closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_this_one() {
        use TicketState::{Closed, New, Open, Resolved, WaitingCustomer};
        let steps = [
            TicketStep::Answer,
            TicketStep::Wrote,
            TicketStep::Ask,
            TicketStep::Resolve,
            TicketStep::Close,
        ];
        let (waiting, open) = (Some(WaitingCustomer), Some(Open));
        let table = [
            (New, [open, Some(New), waiting, Some(Resolved), None]),
            (Open, [open, open, waiting, Some(Resolved), None]),
            (WaitingCustomer, [waiting, open, None, Some(Resolved), None]),
            (Resolved, [Some(Resolved), open, None, None, Some(Closed)]),
            (Closed, [None; 5]),
        ];
        assert_eq!(table.map(|(state, _)| state), TicketState::ALL);
        for (state, expected) in table {
            assert_eq!(steps.map(|step| state.next(step)), expected, "{state:?}");
        }
    }
}
