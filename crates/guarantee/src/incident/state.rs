//! The states of an incident, and the table of what leads where.

use serde::{Deserialize, Serialize};

/// Where an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The evidence shows it; no human has said anything yet.
    Detected,
    /// A human is on it.
    Acknowledged,
    /// It measures clear; the cause may still be there.
    Mitigated,
    /// It is over.
    Resolved,
    /// What happened was looked at afterwards. The end.
    Reviewed,
}

/// What can happen to an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A human takes it.
    Acknowledge,
    /// It measures clear.
    Mitigate,
    /// It measures bad again.
    Recur,
    /// It is said to be over.
    Resolve,
    /// It was looked at.
    Review,
}

impl State {
    /// All, in order.
    pub const ALL: [Self; 5] = [
        Self::Detected,
        Self::Acknowledged,
        Self::Mitigated,
        Self::Resolved,
        Self::Reviewed,
    ];

    /// The name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Acknowledged => "acknowledged",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
            Self::Reviewed => "reviewed",
        }
    }

    /// Where a step leads; `None` where it does not fit. A late acknowledgement
    /// of what is mitigated already changes nothing but stops the clock of the
    /// response.
    #[must_use]
    pub const fn next(self, step: Step) -> Option<Self> {
        match (self, step) {
            (Self::Detected, Step::Acknowledge) => Some(Self::Acknowledged),
            (Self::Detected | Self::Acknowledged, Step::Mitigate)
            | (Self::Mitigated, Step::Acknowledge) => Some(Self::Mitigated),
            (Self::Mitigated | Self::Resolved, Step::Recur) => Some(Self::Detected),
            (Self::Mitigated, Step::Resolve) => Some(Self::Resolved),
            (Self::Resolved, Step::Review) => Some(Self::Reviewed),
            _ => None,
        }
    }

    /// Whether somebody still has to do something about the failure itself.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Resolved | Self::Reviewed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_this_one() {
        use State::{Acknowledged, Detected, Mitigated, Resolved, Reviewed};
        let steps = [
            Step::Acknowledge,
            Step::Mitigate,
            Step::Recur,
            Step::Resolve,
            Step::Review,
        ];
        let table = [
            (
                Detected,
                [Some(Acknowledged), Some(Mitigated), None, None, None],
            ),
            (Acknowledged, [None, Some(Mitigated), None, None, None]),
            (
                Mitigated,
                [Some(Mitigated), None, Some(Detected), Some(Resolved), None],
            ),
            (Resolved, [None, None, Some(Detected), None, Some(Reviewed)]),
            (Reviewed, [None; 5]),
        ];
        assert_eq!(table.map(|(state, _)| state), State::ALL);
        for (state, expected) in table {
            assert_eq!(steps.map(|step| state.next(step)), expected, "{state:?}");
        }
    }
}
