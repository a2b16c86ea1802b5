//! What the engines of incidents and tickets give to the outside, as data.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::actor::{Author, Refused};
use super::events::EventEntry;
use super::state::State;
use crate::burn::Alert;
use crate::clock::ClockKind;
use crate::contract::Contract;
use crate::contract::remedy::Breach;
use crate::contract::support::{Contact, Role};
use crate::evidence::leaf::{Kind, Leaf, LeafError};
use crate::module::{Module, Region};
use crate::ratio::Percent;
use crate::severity::Severity;

/// Most leaves that an incident names as its evidence. The rollups of its hours
/// are found by module, region and time anyway; these are where to begin.
pub const MAX_REFS: usize = 64;

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A leaf for the log; nothing of what it says may be told to anybody before
    /// it is there.
    Leaf(Entry),
    /// Somebody is to be told something.
    Notify(Box<Notify>),
    /// A promise was missed: a line of the settlement.
    Breach(BreachLine),
    /// A leaf for the log: a show was registered.
    Registered(EventEntry),
}

/// A change of an incident, as its leaf says it: with roles and hashes instead of
/// names and words, because the log is public. The [incident](super::Incident)
/// keeps those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name of the contract.
    pub contract: String,
    /// Number of the incident within the contract.
    pub incident: u64,
    /// When.
    pub at: Timestamp,
    /// Of what.
    pub module: Module,
    /// Where.
    pub regions: Vec<Region>,
    /// Where it stands after the change.
    pub state: State,
    /// How bad it is after the change.
    pub severity: Severity,
    /// What changed.
    pub change: Change,
}

impl Entry {
    /// The leaf, of kind `incident`.
    ///
    /// # Errors
    /// None that can happen: all that is in it has bounds.
    pub fn leaf(&self) -> Result<Leaf, LeafError> {
        Leaf::json(Kind::Incident, self.at, self)
    }
}

/// What changed of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// It began.
    Detected {
        /// First bad sample.
        first_bad: Timestamp,
        /// How urgent the detector found it.
        alert: Alert,
        /// Maintenance was declared for all of its lines.
        maintenance: bool,
        /// Leaves of the evidence.
        refs: Vec<u64>,
    },
    /// Another line of the module burns, too.
    Joined {
        /// Where.
        region: Region,
        /// First bad sample there.
        first_bad: Timestamp,
        /// Leaves of the evidence.
        refs: Vec<u64>,
    },
    /// The evidence makes it worse.
    SeverityRose {
        /// What it was.
        from: Severity,
        /// Leaves of the evidence.
        refs: Vec<u64>,
    },
    /// It fell by the rule.
    SeverityFell {
        /// What it was.
        from: Severity,
        /// Who agreed.
        by: Author,
        /// Since when it measured clear.
        clear_since: Timestamp,
    },
    /// A human took it.
    Acknowledged {
        /// Who.
        by: Author,
    },
    /// A word to the customer.
    Updated {
        /// Who.
        by: Author,
        /// SHA-256 of the text, in hexadecimal.
        sha256: String,
    },
    /// It measures clear.
    Mitigated {
        /// Who said so; none = the measurement alone.
        by: Option<Author>,
        /// Since when.
        clear_since: Timestamp,
    },
    /// It measures bad again: it was never restored.
    Recurred {
        /// First bad minute after it was clear.
        bad_from: Timestamp,
    },
    /// It is over.
    Resolved {
        /// Who said so.
        by: Author,
    },
    /// It was looked at.
    Reviewed {
        /// By whom.
        by: Author,
        /// SHA-256 of the text, in hexadecimal.
        sha256: String,
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
    /// Another version of the contract is in force; what was called stays called,
    /// and its targets hold from now on. What it does not cover is over.
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
        /// What.
        wanted: String,
        /// Why not.
        why: Refused,
    },
}

/// How somebody is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Via {
    Mail,
    Phone,
    Webhook,
}

/// In which part somebody is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// The provider's contact of the contract.
    Desk,
    /// The customer's contact of the contract.
    Customer,
    /// Called by the escalation.
    Escalation(Role),
}

/// One message on one channel. Words are made of it by whoever sends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// How.
    pub via: Via,
    /// Address, number or URL.
    pub to: String,
    /// Name of the person.
    pub name: String,
    /// In which part.
    pub audience: Audience,
    /// About what.
    pub facts: Facts,
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Name of the contract.
    pub contract: String,
    /// The incident, if there is one.
    pub incident: Option<u64>,
    /// The ticket, if it is about one.
    pub ticket: Option<u64>,
    /// When this was said.
    pub at: Timestamp,
    /// Of what; a ticket may not say.
    pub module: Option<Module>,
    /// Where.
    pub regions: Vec<Region>,
    /// How bad.
    pub severity: Severity,
    /// Name of its state.
    pub state: String,
    /// Where its clocks start.
    pub since: Timestamp,
    /// Why this is said.
    pub reason: Reason,
}

/// Why something is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reason {
    /// An incident began, or a ticket was opened.
    Opened,
    /// It is worse than it was.
    SeverityRose,
    /// It is better than it was.
    SeverityFell,
    /// A word to the customer.
    Updated {
        /// What.
        text: String,
    },
    /// It measures clear.
    Mitigated,
    /// It measures bad again.
    Recurred,
    /// It is over.
    Resolved,
    /// A target runs out.
    Escalated {
        /// Of which clock.
        clock: ClockKind,
        /// Share that is used up.
        share: Percent,
        /// When it runs out, or did; none while it is paused.
        target_due: Option<Timestamp>,
    },
}

/// A missed promise, as the settlement counts it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreachLine {
    /// Name of the contract.
    pub contract: String,
    /// The incident, or the one that a ticket is linked to.
    pub incident: Option<u64>,
    /// The ticket, if its clock was missed.
    pub ticket: Option<u64>,
    /// Which clock.
    pub clock: ClockKind,
    /// Which round of it.
    pub round: u32,
    /// How bad it was when the target was missed.
    pub severity: Severity,
    /// Where the clock started.
    pub started: Timestamp,
    /// When the target ran out.
    pub due: Timestamp,
    /// What the contract gives for it. Nothing is given for updates.
    pub remedy: Option<Breach>,
    /// What that is of the period's fee, in its currency, not rounded; 0 if
    /// nothing is given.
    pub worth: Decimal,
}

/// What a contract gives for a missed clock, and what that is worth.
#[must_use]
pub fn remedy(
    contract: &Contract,
    clock: ClockKind,
    severity: Severity,
) -> (Option<Breach>, Decimal) {
    let of = match clock {
        ClockKind::FirstResponse => &contract.remedies.late_response,
        ClockKind::Restoration => &contract.remedies.late_restoration,
        ClockKind::NextUpdate => return (None, Decimal::ZERO),
    };
    let breach = of.get(&severity).copied();
    let worth = breach.map_or(Decimal::ZERO, |b| b.worth(contract.fee.per_period));
    (breach, worth)
}

/// Lines of which each failure counts once: of an incident and the tickets that
/// are linked to it, the line of each clock that is worth most. In the order of
/// their instants.
#[must_use]
pub fn counted_once(lines: &[BreachLine]) -> Vec<BreachLine> {
    let key = |line: &BreachLine| {
        (
            line.incident,
            line.ticket.filter(|_| line.incident.is_none()),
        )
    };
    let mut kept: Vec<BreachLine> = Vec::new();
    for line in lines {
        // Updates are worth nothing, and every missed one is shown.
        let update = line.clock == ClockKind::NextUpdate;
        let same = |other: &&mut BreachLine| {
            !update && other.clock == line.clock && key(other) == key(line)
        };
        match kept.iter_mut().find(same) {
            Some(other) if other.worth < line.worth => other.clone_from(line),
            Some(_) => {}
            None => kept.push(line.clone()),
        }
    }
    kept.sort_by_key(|line| (line.due, line.clock, line.incident, line.ticket));
    kept
}

/// One message per way in which a person can be reached.
pub(crate) fn messages(contact: &Contact, audience: Audience, facts: &Facts) -> Vec<Notify> {
    let ways = [
        (Via::Mail, &contact.mail),
        (Via::Phone, &contact.phone),
        (Via::Webhook, &contact.webhook),
    ];
    let message = |(via, to): (Via, &Option<String>)| {
        Some(Notify {
            via,
            to: to.clone()?,
            name: contact.name.clone(),
            audience,
            facts: facts.clone(),
        })
    };
    ways.into_iter().filter_map(message).collect()
}

/// Whom a role means for a module. A role that nobody has falls to the lead, so
/// that somebody is always called.
pub(crate) fn people(contract: &Contract, role: Role, module: Option<Module>) -> Vec<&Contact> {
    let plan = &contract.support;
    let found = match module {
        Some(module) => plan.contacts(role, module),
        None if role == Role::Expert => plan.experts.iter().map(|e| &e.contact).collect(),
        None => plan.contacts(role, Module::Media),
    };
    if found.is_empty() {
        return vec![&plan.lead];
    }
    found
}
