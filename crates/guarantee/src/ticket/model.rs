//! One ticket, what goes in and what comes out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::state::TicketState;
use crate::clock::ClockKind;
use crate::contract::support::{Channel, Role};
use crate::evidence::leaf::{Kind, Leaf, LeafError};
use crate::incident::actor::{Actor, Author, Refused};
use crate::incident::output::{BreachLine, Notify};
use crate::incident::timer::Timer;
use crate::interval::Interval;
use crate::module::{Module, Region};
use crate::ratio::Percent;
use crate::severity::Severity;

/// How far around the opening of a ticket its evidence reaches: people write
/// when it is over, and sometimes before the measurement is sure.
const AROUND: SignedDuration = SignedDuration::from_mins(60);

/// What a ticket is about, as far as its author knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct About {
    /// Of what; none = it may be anything.
    pub module: Option<Module>,
    /// Where; none = it may be anywhere.
    pub region: Option<Region>,
    /// Since when; none = an hour before the ticket was opened.
    pub since: Option<Timestamp>,
}

/// A text that came in, decoded, from whatever channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incoming {
    /// To which ticket; none = a new one.
    pub ticket: Option<u64>,
    /// How it came.
    pub channel: Channel,
    /// Who wrote it.
    pub author: Actor,
    /// No human wrote it: an auto-acknowledgement, an out-of-office note. What
    /// the system writes always is.
    pub automatic: bool,
    /// Subject; only that of a new ticket is kept.
    pub subject: String,
    /// Text, or HTML as text.
    pub body: String,
    /// What it is about; only that of a new ticket is kept.
    pub about: About,
}

/// A text of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// When it came.
    pub at: Timestamp,
    /// How it came; none = with an action, from the agents' page.
    pub channel: Option<Channel>,
    /// Who wrote it.
    pub author: Actor,
    /// No human wrote it.
    pub automatic: bool,
    /// The text, as it came. It is not safe to be shown without escaping.
    pub body: String,
}

/// One ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ticket {
    /// Its number within the contract, from 1.
    pub id: u64,
    /// How it was opened.
    pub channel: Channel,
    /// As it came. It is not safe to be shown without escaping.
    pub subject: String,
    /// What it is about.
    pub about: About,
    /// When it was opened.
    pub opened: Timestamp,
    /// Where it stands.
    pub state: TicketState,
    /// That of its incident; S4 without one.
    pub severity: Severity,
    /// The incident that it is linked to.
    pub incident: Option<u64>,
    /// When the customer was asked what was not answered yet.
    pub asked: Option<Timestamp>,
    /// When it was said to be done.
    pub resolved: Option<Timestamp>,
    /// Its clocks. A ticket that is linked has none of restoration: that of the
    /// incident counts.
    pub timers: BTreeMap<ClockKind, Timer>,
    /// All that was written.
    pub messages: Vec<Message>,
    /// Bytes of all that was written.
    pub bytes: usize,
    /// Attempts that were refused and are in the log.
    pub refused: u32,
}

impl Ticket {
    /// The time that it is evidence for.
    #[must_use]
    pub fn span(&self) -> Interval {
        let around = |at: Timestamp, by| at.saturating_add(by).unwrap_or(at);
        let from = around(self.opened, -AROUND);
        Interval {
            start: self.about.since.unwrap_or(from),
            end: around(self.opened, AROUND),
        }
    }
}

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A leaf for the log. That of a [`TicketChange::Asked`] is answered with
    /// [`super::Tickets::handle_logged`].
    Leaf(TicketEntry),
    /// Somebody is to be told something.
    Notify(Box<Notify>),
    /// A promise was missed: a line of the settlement.
    Breach(BreachLine),
}

/// A change of a ticket, as its leaf says it: without the customer's words and
/// names, because the log is public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketEntry {
    /// Name of the contract.
    pub contract: String,
    /// Number of the ticket within the contract.
    pub ticket: u64,
    /// When.
    pub at: Timestamp,
    /// Where it stands after the change.
    pub state: TicketState,
    /// How bad it is after the change.
    pub severity: Severity,
    /// The incident that it is linked to.
    pub incident: Option<u64>,
    /// What changed.
    pub change: TicketChange,
}

impl TicketEntry {
    /// The leaf, of kind `ticket`.
    ///
    /// # Errors
    /// None that can happen: all that is in it has bounds.
    pub fn leaf(&self) -> Result<Leaf, LeafError> {
        Leaf::json(Kind::Ticket, self.at, self)
    }
}

/// What changed of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TicketChange {
    /// It was opened.
    Opened {
        /// How.
        channel: Channel,
        /// By whom.
        by: Author,
        /// What it is about.
        about: About,
        /// SHA-256 of the text, in hexadecimal.
        sha256: String,
    },
    /// Somebody wrote.
    Wrote {
        /// Who.
        by: Author,
        /// No human did.
        automatic: bool,
        /// SHA-256 of the text, in hexadecimal.
        sha256: String,
    },
    /// The customer was asked something, and is waited for.
    Asked {
        /// By whom.
        by: Author,
        /// SHA-256 of the text, in hexadecimal.
        sha256: String,
    },
    /// It was said to be done.
    Resolved {
        /// By whom.
        by: Author,
    },
    /// It ended.
    Closed {
        /// By whom; none = by time.
        by: Option<Author>,
    },
    /// It belongs to an incident.
    Linked {
        /// What its severity was.
        from: Severity,
    },
    /// Its incident's severity changed.
    SeverityFollowed {
        /// What it was.
        from: Severity,
    },
    /// Somebody marked it; that has no effect.
    Marked {
        /// Who.
        by: Author,
        /// As urgent, or as not urgent.
        urgent: bool,
    },
    /// Somebody was called.
    Called {
        /// For which clock.
        clock: ClockKind,
        /// Which round of it.
        round: u32,
        /// Share of the target that was used up.
        share: Percent,
        /// In which role.
        role: Role,
        /// Since when that was due.
        due: Timestamp,
    },
    /// A target was missed.
    Missed {
        /// Of which clock.
        clock: ClockKind,
        /// Which round of it.
        round: u32,
        /// When it ran out.
        due: Timestamp,
    },
    /// Another version of the contract is in force; its targets hold from now on.
    Superseded {
        /// SHA-256 of the version before.
        from: String,
        /// SHA-256 of the version in force.
        to: String,
    },
    /// Somebody tried what they may not.
    Refused {
        /// Who.
        by: Author,
        /// Why not.
        why: Refused,
    },
}
