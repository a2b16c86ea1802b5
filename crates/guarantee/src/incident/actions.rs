//! What people do about an incident, and what they may not.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::actor::{Actor, Author, Refused};
use super::engine::Incidents;
use super::output::{Change, Reason};
use super::state::{State, Step};
use super::timer::Timer;
use crate::canonical;
use crate::clock::ClockKind;
use crate::severity::Severity;

/// Longest update or review, in bytes: a page of text; six times as much, when
/// every character is escaped, still fits into a leaf.
pub const MAX_TEXT: usize = 8 * 1024;

/// Something that somebody does about an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// I am on it. Lead, agent, manager, expert.
    Acknowledge,
    /// A word to the customer. It is a response, too, and the clock of the next
    /// update starts anew.
    Update {
        /// At most [`MAX_TEXT`] bytes.
        text: String,
    },
    /// It works again. Only while it measures clear.
    Mitigate,
    /// It is over. Only once it was mitigated, and has measured clear for the
    /// contract's minutes.
    Resolve,
    /// Let the severity fall. Only the customer or an expert, and only once it
    /// has measured clear for the contract's minutes.
    Lower {
        /// To which.
        to: Severity,
    },
    /// It was looked at. Lead, manager, expert.
    Review {
        /// What was found; at most [`MAX_TEXT`] bytes.
        text: String,
    },
}

impl Action {
    /// What its author wrote, if anything.
    pub(super) const fn text(&self) -> Option<&String> {
        match self {
            Self::Update { text } | Self::Review { text } => Some(text),
            _ => None,
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Update { .. } => "update",
            Self::Mitigate => "mitigate",
            Self::Resolve => "resolve",
            Self::Lower { .. } => "lower",
            Self::Review { .. } => "review",
        }
    }
}

impl Incidents {
    pub(super) fn act(&mut self, actor: &Actor, id: u64, action: &Action) -> Result<(), Refused> {
        let unknown = || Refused::Unknown {
            what: "incident".to_owned(),
            id,
        };
        let incident = self.saved.incidents.get(&id).ok_or_else(unknown)?;
        let misfit = Refused::State {
            state: incident.state.name().to_owned(),
        };
        let clear = incident.clear_minutes();
        let needed = self.contract.severity.clear_minutes;
        let not_clear = |needed_minutes| Refused::NotClear {
            clear_minutes: clear,
            needed_minutes,
        };
        if !matches!(action, Action::Lower { .. }) && !actor.kind.responds() {
            return Err(not_yours(actor, "a human of the provider does"));
        }
        match action {
            Action::Acknowledge => {
                let next = incident.state.next(Step::Acknowledge).ok_or(misfit)?;
                self.respond(id, Some(next));
                self.record(id, Change::Acknowledged { by: actor.kind });
            }
            Action::Update { text } => {
                check_text(text)?;
                if !incident.state.is_open() {
                    return Err(misfit);
                }
                self.update(id, actor, text);
            }
            Action::Mitigate => {
                incident.state.next(Step::Mitigate).ok_or(misfit)?;
                if clear == 0 {
                    return Err(not_clear(1));
                }
                self.respond(id, None);
                self.mitigate(id, Some(actor.kind));
            }
            Action::Resolve => {
                let next = incident.state.next(Step::Resolve).ok_or(misfit)?;
                if clear < needed {
                    return Err(not_clear(needed));
                }
                self.resolve(id, actor, next);
            }
            Action::Lower { to } => self.lower(id, actor, *to)?,
            Action::Review { text } => {
                check_text(text)?;
                let next = incident.state.next(Step::Review).ok_or(misfit)?;
                if actor.kind == Author::Agent {
                    return Err(not_yours(actor, "the lead, the manager or an expert does"));
                }
                self.set_state(id, next);
                let (by, sha256) = (actor.kind, canonical::sha256_hex(text.as_bytes()));
                self.record(id, Change::Reviewed { by, sha256 });
            }
        }
        Ok(())
    }

    /// A human has answered: that clock stops.
    fn respond(&mut self, id: u64, state: Option<State>) {
        let plan = Arc::clone(&self.contract);
        let now = self.saved.now;
        if let Some(incident) = self.saved.incidents.get_mut(&id) {
            incident.state = state.unwrap_or(incident.state);
            if let Some(response) = incident.timers.get_mut(&ClockKind::FirstResponse) {
                response.stop(&plan.support, now);
            }
        }
    }

    fn update(&mut self, id: u64, actor: &Actor, text: &str) {
        let plan = Arc::clone(&self.contract);
        let now = self.saved.now;
        self.respond(id, None);
        if let Some(incident) = self.saved.incidents.get_mut(&id)
            && let Some(update) = incident.timers.get_mut(&ClockKind::NextUpdate)
        {
            let round = update.round.saturating_add(1);
            let kind = ClockKind::NextUpdate;
            *update = Timer::start(&plan.support, kind, incident.severity, now, round);
        }
        let (by, sha256) = (actor.kind, canonical::sha256_hex(text.as_bytes()));
        let reason = Reason::Updated {
            text: text.to_owned(),
        };
        self.record(id, Change::Updated { by, sha256 });
        self.tell(id, &reason);
    }

    fn resolve(&mut self, id: u64, actor: &Actor, next: State) {
        let plan = Arc::clone(&self.contract);
        let now = self.saved.now;
        self.respond(id, Some(next));
        if let Some(incident) = self.saved.incidents.get_mut(&id) {
            incident.resolved = Some(now);
            if let Some(update) = incident.timers.get_mut(&ClockKind::NextUpdate) {
                update.stop(&plan.support, now);
            }
        }
        self.record(id, Change::Resolved { by: actor.kind });
        self.tell(id, &Reason::Resolved);
    }

    fn lower(&mut self, id: u64, actor: &Actor, to: Severity) -> Result<(), Refused> {
        let plan = Arc::clone(&self.contract);
        let needed_minutes = self.contract.severity.clear_minutes;
        if !actor.kind.may_lower() {
            return Err(not_yours(
                actor,
                "the customer agrees or an expert countersigns",
            ));
        }
        let Some(incident) = self.saved.incidents.get_mut(&id) else {
            return Ok(());
        };
        if !incident.state.is_open() {
            let state = incident.state.name().to_owned();
            return Err(Refused::State { state });
        }
        let from = incident.severity;
        if to <= from {
            return Err(Refused::NotLower { is: from });
        }
        let clear_minutes = incident.clear_minutes();
        let clear_since = incident
            .clear_since()
            .filter(|_| clear_minutes >= needed_minutes);
        let clear_since = clear_since.ok_or(Refused::NotClear {
            clear_minutes,
            needed_minutes,
        })?;
        incident.severity = to;
        for timer in incident.timers.values_mut() {
            timer.retarget(&plan.support, to);
        }
        let by = actor.kind;
        self.record(
            id,
            Change::SeverityFell {
                from,
                by,
                clear_since,
            },
        );
        self.tell(id, &Reason::SeverityFell);
        Ok(())
    }

    fn set_state(&mut self, id: u64, state: State) {
        if let Some(incident) = self.saved.incidents.get_mut(&id) {
            incident.state = state;
        }
    }

    pub(super) fn mitigate(&mut self, id: u64, by: Option<Author>) {
        let Some(incident) = self.saved.incidents.get_mut(&id) else {
            return;
        };
        let (Some(next), Some(clear_since)) =
            (incident.state.next(Step::Mitigate), incident.clear_since())
        else {
            return;
        };
        incident.state = next;
        self.record(id, Change::Mitigated { by, clear_since });
        self.tell(id, &Reason::Mitigated);
    }
}

fn not_yours(actor: &Actor, instead: &str) -> Refused {
    Refused::NotYours {
        who: actor.kind.name().to_owned(),
        instead: instead.to_owned(),
    }
}

fn check_text(text: &str) -> Result<(), Refused> {
    if text.len() > MAX_TEXT {
        return Err(Refused::TooLong {
            what: "the text".to_owned(),
            most: MAX_TEXT,
        });
    }
    Ok(())
}
