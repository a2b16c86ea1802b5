//! What a minute of measurement means for the incidents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::engine::Incidents;
use super::model::{Incident, LineState};
use super::output::{Change, Reason};
use super::seen::{Seen, Span};
use super::state::{State, Step};
use super::timer::Timer;
use super::words::Words;
use crate::burn::Alert;
use crate::clock::ClockKind;
use crate::coverage::Coverage;
use crate::module::Module;
use crate::rollup::Minute;
use crate::severity::{Evidence, Severity, assess};

/// A line that burns again within this time after its incident was resolved
/// opens the same one again. It is the shortest long window of the burn
/// detector: within it, bad minutes of before still count.
pub const REOPEN_MINUTES: i64 = 60;

impl Incidents {
    /// The module's incident that a minute belongs to, if there is one.
    pub(super) fn current(&self, module: Module, minute: Minute) -> Option<u64> {
        let reopen = SignedDuration::from_mins(REOPEN_MINUTES);
        let within = |i: &&Incident| {
            i.module == module
                && (i.state.is_open()
                    || i.state == State::Resolved
                        && i.resolved
                            .is_some_and(|at| minute.start().duration_since(at) < reopen))
        };
        self.saved
            .incidents
            .values()
            .rev()
            .find(within)
            .map(|i| i.id)
    }

    pub(super) fn detect(&mut self, line: &Coverage, seen: &Seen, alert: Alert) -> u64 {
        self.make_room();
        let id = self.saved.last_id + 1;
        self.saved.last_id = id;
        let first_bad = self.first_bad(id, line, seen);
        let before = Minute(seen.minute.0.saturating_sub(1));
        let state = LineState {
            minute: before,
            clear_since: None,
        };
        let mut incident = Incident {
            id,
            module: line.module,
            lines: BTreeMap::from([(line.region.clone(), state)]),
            state: State::Detected,
            severity: self.assess(id, line, seen).unwrap_or(Severity::S4),
            first_bad,
            detected: self.saved.now,
            resolved: None,
            timers: BTreeMap::new(),
            refs: BTreeSet::new(),
            refused: 0,
            words: Words::default(),
        };
        let refs = incident.take_refs(&seen.refs);
        let started = self.after_maintenance(line.module, &line.region, first_bad);
        for kind in [
            ClockKind::FirstResponse,
            ClockKind::NextUpdate,
            ClockKind::Restoration,
        ] {
            let timer = Timer::start(&self.contract.support, kind, incident.severity, started, 1);
            incident.timers.insert(kind, timer);
        }
        let maintenance = self.in_maintenance(&incident).is_some();
        self.saved.incidents.insert(id, incident);
        let change = Change::Detected {
            first_bad,
            alert,
            maintenance,
            refs,
        };
        self.record(id, change);
        self.tell(id, &Reason::Opened);
        id
    }

    pub(super) fn join(&mut self, id: u64, line: &Coverage, seen: &Seen) {
        let plan = Arc::clone(&self.contract);
        let first_bad = self.first_bad(id, line, seen);
        let started = self.after_maintenance(line.module, &line.region, first_bad);
        let Some(incident) = self.saved.incidents.get_mut(&id) else {
            return;
        };
        let state = LineState {
            minute: Minute(seen.minute.0.saturating_sub(1)),
            clear_since: None,
        };
        incident.lines.insert(line.region.clone(), state);
        incident.first_bad = incident.first_bad.min(first_bad);
        // It was bad there before, or there is no maintenance there.
        let first = incident.timers.values_mut().filter(|t| t.round == 1);
        for timer in first.filter(|t| started < t.started) {
            timer.started = started;
            timer.plan_next(&plan.support);
        }
        let refs = incident.take_refs(&seen.refs);
        let change = Change::Joined {
            region: line.region.clone(),
            first_bad,
            refs,
        };
        self.record(id, change);
    }

    /// What a minute means for an incident of which its line is one.
    pub(super) fn measure(&mut self, id: u64, line: &Coverage, seen: &Seen, clear: Option<bool>) {
        let plan = Arc::clone(&self.contract);
        let assessed = self.assess(id, line, seen);
        let Some(incident) = self.saved.incidents.get_mut(&id) else {
            return;
        };
        let Some(state) = incident.lines.get_mut(&line.region) else {
            return;
        };
        if seen.minute < state.minute {
            return;
        }
        let skipped = seen.minute.0 > state.minute.0.saturating_add(1);
        state.minute = seen.minute;
        state.clear_since = match clear {
            Some(true) if skipped => Some(seen.minute.start()),
            Some(true) => state.clear_since.or(Some(seen.minute.start())),
            Some(false) => None,
            None => state.clear_since.filter(|_| !skipped),
        };
        // The clock stops by the evidence, but not in the future.
        let now = self.saved.now;
        let clear_since = incident.clear_since().map(|at| at.min(now));
        if let Some(restoration) = incident.timers.get_mut(&ClockKind::Restoration)
            && restoration.stopped != clear_since
        {
            restoration.resume(&plan.support);
            if let Some(at) = clear_since {
                restoration.stop(&plan.support, at);
            }
        }
        if clear == Some(false) {
            self.recur(id, seen);
            self.rise(id, assessed, &seen.refs);
        }
        let long = self
            .incident(id)
            .is_some_and(|i| i.clear_minutes() >= self.contract.severity.clear_minutes);
        if long {
            self.mitigate(id, None);
        }
        self.handle_timeout(self.saved.now);
    }

    /// When an earlier incident of the line was left behind. What was bad before
    /// has been answered for: its minutes still burn in the detector's windows, but
    /// neither start the clocks of incident `id` nor make it worse.
    fn left_behind(&self, id: u64, line: &Coverage) -> Option<Timestamp> {
        let incidents = self.saved.incidents.values();
        let earlier = incidents.filter(|i| i.id < id && i.module == line.module);
        let here = earlier.filter(|i| i.lines.contains_key(&line.region));
        here.filter_map(|i| i.resolved).max()
    }

    fn first_bad(&self, id: u64, line: &Coverage, seen: &Seen) -> Timestamp {
        let first = seen.first_bad.unwrap_or(seen.minute).start();
        let left = self.left_behind(id, line);
        left.map_or(first, |left| first.max(left))
    }

    /// The worst that the evidence says; `None` if nothing is bad.
    fn assess(&self, id: u64, line: &Coverage, seen: &Seen) -> Option<Severity> {
        let at = seen.minute.start();
        let registered = self.saved.events.iter();
        let event = registered
            .chain(&self.contract.severity.events)
            .any(|event| event.covers(at, line.module, &line.region));
        let of = |span: &Span| {
            let evidence = Evidence {
                critical: line.critical,
                registered_event: event,
                minutes: span.minutes,
                bad: span.bad,
            };
            assess(&evidence, &self.policy)
        };
        let left = self.left_behind(id, line).and_then(Minute::of);
        let own = |span: &&Span| {
            left.is_none_or(|left| seen.minute.0.saturating_add(1) >= left.0 + span.minutes)
        };
        seen.spans.iter().filter(own).map(of).min()
    }

    /// It was clear and is bad again: then it was not restored.
    fn recur(&mut self, id: u64, seen: &Seen) {
        let plan = Arc::clone(&self.contract);
        let bad_from = seen.minute.start();
        let Some(incident) = self.saved.incidents.get_mut(&id) else {
            return;
        };
        let Some(next) = incident.state.next(Step::Recur) else {
            return;
        };
        incident.state = next;
        incident.resolved = None;
        let severity = incident.severity;
        if let Some(update) = incident.timers.get_mut(&ClockKind::NextUpdate)
            && update.stopped.is_some()
        {
            let round = update.round.saturating_add(1);
            let kind = ClockKind::NextUpdate;
            *update = Timer::start(&plan.support, kind, severity, bad_from, round);
        }
        self.record(id, Change::Recurred { bad_from });
        self.tell(id, &Reason::Recurred);
    }

    fn rise(&mut self, id: u64, assessed: Option<Severity>, refs: &[u64]) {
        let plan = Arc::clone(&self.contract);
        let Some(incident) = self.saved.incidents.get_mut(&id) else {
            return;
        };
        let from = incident.severity;
        // After it was resolved nothing is measured for it but whether it recurs.
        let Some(worse) = assessed.filter(|s| *s < from && incident.state.is_open()) else {
            return;
        };
        incident.severity = worse;
        for timer in incident.timers.values_mut() {
            timer.retarget(&plan.support, worse);
        }
        let refs = incident.take_refs(refs);
        self.record(id, Change::SeverityRose { from, refs });
        self.tell(id, &Reason::SeverityRose);
    }
}
