//! Who is told, who is called, and what is missed.

use std::sync::Arc;

use jiff::Timestamp;

use super::engine::Incidents;
use super::model::Incident;
use super::output::{
    Audience, BreachLine, Change, Facts, Output, Reason, messages, people, remedy,
};
use super::timer::{Due, Timer};
use super::words::Word;
use crate::clock::ClockKind;
use crate::contract::support::Role;
use crate::ratio::Percent;

impl Incidents {
    /// Does what is due by `now`: each call of the escalation and each missed
    /// target exactly once, the earliest first.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.saved.now = self.saved.now.max(now);
        let now = self.saved.now;
        let contract = Arc::clone(&self.contract);
        let mut due: Vec<(Due, u64, ClockKind)> = Vec::new();
        let held: Vec<u64> = self.held().into_iter().map(|(id, _)| id).collect();
        for incident in self.saved.incidents.values_mut() {
            if held.contains(&incident.id) {
                continue;
            }
            for timer in incident.timers.values_mut() {
                let id = incident.id;
                let kind = timer.kind;
                let new = timer.take_due(&contract.support, now);
                due.extend(new.into_iter().map(|due| (due, id, kind)));
            }
        }
        due.sort_by_key(|(due, id, kind)| (due.at(), *id, *kind));
        for (due, id, kind) in due {
            match due {
                Due::Call { share, role, due } => self.call(id, kind, share, role, due),
                Due::Missed { due } => self.miss(id, kind, due),
            }
        }
    }

    /// When [`Incidents::handle_timeout`] has something to do; `None` = not
    /// before the next input.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let held = self.held();
        let next = |incident: &Incident| {
            let timers = incident.timers.values();
            let next = timers.filter_map(|timer| timer.next).min()?;
            let until = held.iter().find(|(id, _)| *id == incident.id);
            Some(until.map_or(next, |(_, until)| next.max(*until)))
        };
        self.saved.incidents.values().filter_map(next).min()
    }

    /// Incidents about which nobody is called now, and until when.
    fn held(&self) -> Vec<(u64, Timestamp)> {
        let until = |i: &Incident| Some((i.id, self.in_maintenance(i)?));
        self.saved.incidents.values().filter_map(until).collect()
    }

    fn call(&mut self, id: u64, clock: ClockKind, share: Percent, role: Role, due: Timestamp) {
        let contract = Arc::clone(&self.contract);
        let now = self.saved.now;
        let Some((incident, timer)) = self.timer(id, clock) else {
            return;
        };
        let people = people(&contract, role, Some(incident.module));
        let change = Change::Called {
            clock,
            round: timer.round,
            share,
            role,
            due,
        };
        let reason = Reason::Escalated {
            clock,
            share,
            target_due: timer.clock(&contract.support).and_then(|c| c.due()),
        };
        let facts = self.facts(incident, reason);
        let names = people.iter().map(|c| c.name.clone()).collect();
        self.record(id, change);
        self.keep(id, Word::called(now, names));
        for person in people {
            for message in messages(person, Audience::Escalation(role), &facts) {
                self.put(Output::Notify(Box::new(message)));
            }
        }
    }

    fn miss(&mut self, id: u64, clock: ClockKind, due: Timestamp) {
        let contract = Arc::clone(&self.contract);
        let Some((incident, timer)) = self.timer(id, clock) else {
            return;
        };
        let (gives, worth) = remedy(&contract, clock, timer.severity);
        let line = BreachLine {
            contract: contract.id.clone(),
            incident: Some(incident.id),
            ticket: None,
            clock,
            round: timer.round,
            severity: timer.severity,
            started: timer.started,
            due,
            remedy: gives,
            worth,
        };
        let round = timer.round;
        self.record(id, Change::Missed { clock, round, due });
        self.put(Output::Breach(line));
    }

    fn timer(&self, id: u64, clock: ClockKind) -> Option<(&Incident, &Timer)> {
        let incident = self.saved.incidents.get(&id)?;
        Some((incident, incident.timers.get(&clock)?))
    }

    fn facts(&self, incident: &Incident, reason: Reason) -> Facts {
        Facts {
            contract: self.contract.id.clone(),
            incident: Some(incident.id),
            ticket: None,
            at: self.saved.now,
            module: Some(incident.module),
            regions: incident.regions(),
            severity: incident.severity,
            state: incident.state.name().to_owned(),
            since: incident.first_bad,
            reason,
        }
    }

    /// Tells both parties' contacts, unless maintenance was declared.
    pub(super) fn tell(&mut self, id: u64, reason: &Reason) {
        let contract = Arc::clone(&self.contract);
        let Some(incident) = self.saved.incidents.get(&id) else {
            return;
        };
        if self.in_maintenance(incident).is_some() {
            return;
        }
        let facts = self.facts(incident, reason.clone());
        let parties = [
            (&contract.parties.provider.contact, Audience::Desk),
            (&contract.parties.customer.contact, Audience::Customer),
        ];
        for (contact, audience) in parties {
            for message in messages(contact, audience, &facts) {
                self.put(Output::Notify(Box::new(message)));
            }
        }
    }
}
