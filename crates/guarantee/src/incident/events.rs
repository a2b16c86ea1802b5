//! Shows that are registered after the contract was signed.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::actor::{Actor, Author, MAX_NAME};
use super::engine::Incidents;
use super::output::Output;
use crate::contract::policy::RegisteredEvent;
use crate::evidence::leaf::{Kind, Leaf, LeafError};
use crate::module::Module;

/// Registered shows that are kept at once: four a week for a year.
pub const MAX_EVENTS: usize = 200;

/// Longest show: a festival of a week. What is always on is no event, and would
/// make every fault one of the first severity.
pub const MAX_EVENT_HOURS: i64 = 7 * 24;

/// Regions that a show can name: more than a contract has; a line of coverage in
/// each. A show that is everywhere names none.
const MAX_REGIONS: usize = 64;

/// Minutes may come so late, after a stop; until then a show that is over is kept.
const LATE: SignedDuration = SignedDuration::from_hours(72);

/// A show that was registered after the contract was signed, as its leaf says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventEntry {
    /// Name of the contract.
    pub contract: String,
    /// When it was registered.
    pub at: Timestamp,
    /// By whom.
    pub by: Author,
    /// The show.
    pub event: RegisteredEvent,
}

impl EventEntry {
    /// The leaf, of kind `note`.
    ///
    /// # Errors
    /// None that can happen: all that is in it has bounds.
    pub fn leaf(&self) -> Result<Leaf, LeafError> {
        Leaf::json(Kind::Note, self.at, self)
    }
}

impl Incidents {
    /// Takes a show that raises the severity while it runs, as those of the
    /// contract do. The log says so before it starts.
    ///
    /// # Errors
    /// It starts already, it is too long or says too much, or there are
    /// [`MAX_EVENTS`].
    pub fn handle_event(
        &mut self,
        by: &Actor,
        event: RegisteredEvent,
        now: Timestamp,
    ) -> Result<(), String> {
        self.handle_timeout(now);
        by.check().map_err(|why| why.to_string())?;
        let now = self.saved.now;
        let kept = |e: &RegisteredEvent| now < e.end.saturating_add(LATE).unwrap_or(e.end);
        self.saved.events.retain(kept);
        check(&event, now)?;
        if self.saved.events.contains(&event) {
            return Err(format!("`{}` is registered already", event.name));
        }
        if self.saved.events.len() >= MAX_EVENTS {
            return Err(format!(
                "{MAX_EVENTS} events are registered, which is the most"
            ));
        }
        let entry = EventEntry {
            contract: self.contract.id.clone(),
            at: now,
            by: by.kind,
            event: event.clone(),
        };
        self.saved.events.push(event);
        self.put(Output::Registered(entry));
        Ok(())
    }

    /// Those that are kept, in the order in which they came; those in the contract
    /// are not among them.
    #[must_use]
    pub fn events(&self) -> &[RegisteredEvent] {
        &self.saved.events
    }
}

fn check(event: &RegisteredEvent, now: Timestamp) -> Result<(), String> {
    let RegisteredEvent {
        name,
        start,
        end,
        modules,
        regions,
    } = event;
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(format!("the event's name must have 1 to {MAX_NAME} bytes"));
    }
    if *start <= now {
        return Err(format!(
            "the event starts at {start}, and it is {now}: register it before it starts"
        ));
    }
    if end <= start || end.duration_since(*start) > SignedDuration::from_hours(MAX_EVENT_HOURS) {
        return Err(format!(
            "the event must end after its start, within {MAX_EVENT_HOURS} hours"
        ));
    }
    if modules.len() > Module::ALL.len() || regions.len() > MAX_REGIONS {
        return Err(format!(
            "an event names at most {} modules and {MAX_REGIONS} regions; none = all",
            Module::ALL.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::contract::Contract;
    use crate::contract::plan::Plan;

    fn at(hour: i64) -> Timestamp {
        let start: Timestamp = "2027-06-01T00:00:00Z".parse().expect("an instant");
        start + SignedDuration::from_hours(hour)
    }

    fn event(name: &str, start: i64, end: i64) -> RegisteredEvent {
        RegisteredEvent {
            name: name.to_owned(),
            start: at(start),
            end: at(end),
            modules: vec![Module::Media],
            regions: Vec::new(),
        }
    }

    #[test]
    fn a_show_is_registered_before_it_starts_and_the_log_says_so() {
        let (contract, _) = Contract::from_yaml(Plan::Custom.yaml()).expect("a contract");
        let mut engine = Incidents::new(Arc::new(contract)).expect("an engine");
        let by = Actor::new(Author::Manager, "Somebody");
        let mut give = |event, now| engine.handle_event(&by, event, at(now));
        assert!(give(event("late", 0, 5), 0).is_err());
        assert!(give(event("", 3, 5), 0).is_err());
        assert!(give(event("always", 3, 3 + MAX_EVENT_HOURS + 1), 0).is_err());
        assert!(give(event("back", 5, 4), 0).is_err());
        give(event("show", 3, 5), 1).expect("in time");
        assert!(give(event("show", 3, 5), 1).is_err(), "twice");
        for n in 1..MAX_EVENTS {
            give(event(&format!("show {n}"), 3, 5), 1).expect("there is room");
        }
        assert!(give(event("one more", 3, 5), 1).is_err());
        // Three days after those are over.
        give(event("later", 90, 91), 5 + 72).expect("there is room");
        let Some(Output::Registered(entry)) = engine.poll_output() else {
            panic!("the log is told");
        };
        let leaf = entry.leaf().expect("a leaf");
        assert_eq!((leaf.kind(), leaf.at()), (&Kind::Note, at(1)));
        assert!(!leaf.to_string().contains("Somebody"));
    }
}
