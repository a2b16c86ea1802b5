//! The engine: minutes and people's actions in, changes out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::actor::{Actor, Author, Refused};
use super::model::{Incident, LineState};
use super::output::{Change, Entry, MAX_REFS, Output, Reason};
use super::seen::Seen;
use super::state::{State, Step};
use super::timer::Timer;
use crate::canonical::{self, CanonicalError};
use crate::clock::ClockKind;
use crate::contract::Contract;
use crate::coverage::Coverage;
use crate::exclusion::{ClassRule, Exclusion, ExclusionClass, ExclusionPolicy, judge};
use crate::module::{Module, Region};
use crate::rollup::Minute;
use crate::severity::{Evidence, Severity, SeverityPolicy, assess};

/// Incidents that are kept. There are 7 modules, so at most 7 are not resolved;
/// the others wait for their review or are there to be looked at. A contract
/// that has more of them has other troubles: the oldest resolved one goes, and
/// the log has all of it.
pub const MAX_INCIDENTS: usize = 64;

/// A line that burns again within this time after its incident was resolved
/// opens the same one again. It is the shortest long window of the burn
/// detector: within it, bad minutes of before still count.
pub const REOPEN_MINUTES: i64 = 60;

/// Longest update or review, in bytes: a page of text; six times as much, when
/// every character is escaped, still fits into a leaf.
pub const MAX_TEXT: usize = 8 * 1024;

/// Refused attempts of one incident that are put into the log. A script that
/// tries a thousand times is refused as often, but says nothing new.
pub const MAX_REFUSED: u32 = 100;

/// Declared maintenance that is kept at once: one for every night of half a year.
pub const MAX_MAINTENANCE: usize = 200;

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
    const fn name(&self) -> &'static str {
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

/// Why a snapshot was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Not a snapshot of this engine.
    #[error("the snapshot cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// The contract has no hash.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// It was taken under another version of the contract.
    #[error("the snapshot is of contract {found}, not of {expected}: restore it with that one")]
    OtherContract {
        /// SHA-256 in the snapshot.
        found: String,
        /// SHA-256 of the contract at hand.
        expected: String,
    },
}

/// All that a snapshot holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    /// SHA-256 of the contract.
    contract: String,
    /// The latest instant that was heard of.
    pub(super) now: Timestamp,
    last_id: u64,
    pub(super) incidents: BTreeMap<u64, Incident>,
    maintenance: Vec<Exclusion>,
    outputs: VecDeque<Output>,
}

/// The incidents of one contract.
///
/// Whatever `now` the inputs come with, time does not run backwards in it: an
/// earlier instant is taken for the latest one that was heard of. Call
/// [`Incidents::handle_timeout`] when [`Incidents::poll_timeout`] says so, and
/// take all of [`Incidents::poll_output`] after every input.
pub struct Incidents {
    pub(super) contract: Arc<Contract>,
    policy: SeverityPolicy,
    pub(super) saved: Saved,
}

impl Incidents {
    /// Begins with none.
    ///
    /// # Errors
    /// The contract has no canonical form.
    pub fn new(contract: Arc<Contract>) -> Result<Self, CanonicalError> {
        let saved = Saved {
            contract: contract.hash()?,
            now: Timestamp::MIN,
            ..Saved::default()
        };
        Ok(Self::with(contract, saved))
    }

    /// Goes on from a snapshot, exactly as the engine would have that gave it.
    ///
    /// # Errors
    /// It is no snapshot, or one of another version of the contract.
    pub fn restore(contract: Arc<Contract>, snapshot: &str) -> Result<Self, RestoreError> {
        let saved: Saved = serde_json::from_str(snapshot)?;
        let expected = contract.hash()?;
        if saved.contract != expected {
            return Err(RestoreError::OtherContract {
                found: saved.contract,
                expected,
            });
        }
        Ok(Self::with(contract, saved))
    }

    /// The whole state, outputs that were not taken among it, in canonical JSON.
    ///
    /// # Errors
    /// None that can happen: there are no fractions in it.
    pub fn snapshot(&self) -> Result<String, CanonicalError> {
        canonical::to_string(&self.saved)
    }

    fn with(contract: Arc<Contract>, saved: Saved) -> Self {
        // A contract that was checked does not have more rules than a policy.
        let policy = SeverityPolicy::new(contract.severity.rules.clone()).unwrap_or_default();
        Self {
            contract,
            policy,
            saved,
        }
    }

    /// Those that are kept, by number.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.saved.incidents.values()
    }

    /// One of them.
    #[must_use]
    pub fn incident(&self, id: u64) -> Option<&Incident> {
        self.saved.incidents.get(&id)
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.saved.outputs.pop_front()
    }

    /// Takes a minute of a line of coverage. Give every minute of every line, in
    /// order; a minute before the line's last one is passed over.
    ///
    /// # Errors
    /// The contract has no such line.
    pub fn handle_burn(
        &mut self,
        module: Module,
        region: &Region,
        seen: &Seen,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let contract = Arc::clone(&self.contract);
        let mut lines = contract.coverage.iter();
        let line = lines.find(|c| c.module == module && c.region == *region);
        let line = line.ok_or_else(|| Refused::NotCovered {
            module: module.name().to_owned(),
            region: region.name().to_owned(),
        })?;
        self.handle_timeout(now);
        // Quiet is neither bad nor clear.
        let clear = seen.is_clear(line.target);
        let burns = seen.alert.filter(|_| clear == Some(false));
        match self.current(module, seen.minute) {
            Some(id) => {
                let known = self.incident(id);
                // What is resolved is only watched for whether it burns again.
                let known =
                    known.is_some_and(|i| i.state.is_open() && i.lines.contains_key(region));
                let joined = self
                    .incident(id)
                    .is_some_and(|i| i.lines.contains_key(region));
                if !joined && burns.is_some() {
                    self.join(id, line, seen);
                }
                if known || burns.is_some() {
                    self.measure(id, line, seen, clear);
                }
            }
            None => {
                if let Some(alert) = burns {
                    let id = self.detect(line, seen, alert);
                    self.measure(id, line, seen, clear);
                }
            }
        }
        Ok(())
    }

    /// Takes declared maintenance. While all lines of an incident are within
    /// such, nobody is called; clocks that would start within it start at its
    /// end. It counts only if it is in the log and was declared early enough for
    /// the contract.
    ///
    /// # Errors
    /// It is not valid, or there are more than [`MAX_MAINTENANCE`] to come.
    pub fn handle_maintenance(
        &mut self,
        declared: Exclusion,
        now: Timestamp,
    ) -> Result<(), String> {
        self.handle_timeout(now);
        let now = self.saved.now;
        self.saved.maintenance.retain(|m| now < m.interval.end);
        if self.saved.maintenance.len() >= MAX_MAINTENANCE {
            return Err(format!(
                "{MAX_MAINTENANCE} intervals of maintenance are declared, which is the most"
            ));
        }
        if declared.class != ExclusionClass::Maintenance {
            return Err("only maintenance is announced beforehand".to_owned());
        }
        let rules = self.contract.exclusions.iter().map(|(class, rule)| {
            let rule = ClassRule {
                notice_s: rule.notice_s(),
                cap_s: Some(rule.cap_s()),
            };
            (*class, rule)
        });
        let policy = ExclusionPolicy(rules.collect());
        let verdicts = judge(
            &[declared],
            &policy,
            crate::interval::Interval {
                start: Timestamp::MIN,
                end: Timestamp::MAX,
            },
        );
        for verdict in verdicts {
            let valid = verdict.map_err(|e| e.to_string())?;
            self.saved.maintenance.push(valid.exclusion);
        }
        Ok(())
    }

    /// Takes what somebody does. The caller has checked who they are.
    ///
    /// # Errors
    /// It was refused; that is in the log, too, but for numbers that do not exist.
    pub fn handle_action(
        &mut self,
        actor: &Actor,
        id: u64,
        action: &Action,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.handle_timeout(now);
        actor.check()?;
        if !self.saved.incidents.contains_key(&id) {
            return Err(Refused::Unknown {
                what: "incident".to_owned(),
                id,
            });
        }
        let done = self.act(actor, id, action);
        if let Err(why) = &done
            && let Some(incident) = self.saved.incidents.get_mut(&id)
            && incident.refused < MAX_REFUSED
        {
            incident.refused += 1;
            let change = Change::Refused {
                by: actor.clone(),
                wanted: action.name().to_owned(),
                why: why.clone(),
            };
            self.record(id, change);
        }
        done
    }

    /// The module's incident that a minute belongs to, if there is one.
    fn current(&self, module: Module, minute: Minute) -> Option<u64> {
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

    fn detect(&mut self, line: &Coverage, seen: &Seen, alert: crate::burn::Alert) -> u64 {
        self.make_room();
        let id = self.saved.last_id + 1;
        self.saved.last_id = id;
        let first_bad = seen.first_bad.unwrap_or(seen.minute).start();
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
            severity: self.assess(line, seen).unwrap_or(Severity::S4),
            first_bad,
            detected: self.saved.now,
            resolved: None,
            timers: BTreeMap::new(),
            refs: BTreeSet::new(),
            refused: 0,
        };
        let refs = incident.take_refs(&seen.refs);
        let started = self.after_maintenance(&incident, first_bad);
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

    fn join(&mut self, id: u64, line: &Coverage, seen: &Seen) {
        let plan = Arc::clone(&self.contract);
        let Some(incident) = self.saved.incidents.get_mut(&id) else {
            return;
        };
        let first_bad = seen.first_bad.unwrap_or(seen.minute).start();
        let state = LineState {
            minute: Minute(seen.minute.0.saturating_sub(1)),
            clear_since: None,
        };
        incident.lines.insert(line.region.clone(), state);
        if first_bad < incident.first_bad {
            incident.first_bad = first_bad;
            for timer in incident.timers.values_mut().filter(|t| t.round == 1) {
                timer.started = timer.started.min(first_bad);
                timer.plan_next(&plan.support);
            }
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
    fn measure(&mut self, id: u64, line: &Coverage, seen: &Seen, clear: Option<bool>) {
        let plan = Arc::clone(&self.contract);
        let assessed = self.assess(line, seen);
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

    /// The worst that the evidence says; `None` if nothing is bad.
    fn assess(&self, line: &Coverage, seen: &Seen) -> Option<Severity> {
        let at = seen.minute.start();
        let event = self
            .contract
            .severity
            .is_event(at, line.module, &line.region);
        let of = |span: &super::seen::Span| {
            let evidence = Evidence {
                critical: line.critical,
                registered_event: event,
                minutes: span.minutes,
                bad: span.bad,
            };
            assess(&evidence, &self.policy)
        };
        seen.spans.iter().map(of).min()
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

    fn mitigate(&mut self, id: u64, by: Option<Actor>) {
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

    fn act(&mut self, actor: &Actor, id: u64, action: &Action) -> Result<(), Refused> {
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
                self.record(id, Change::Acknowledged { by: actor.clone() });
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
                self.mitigate(id, Some(actor.clone()));
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
                let (by, text) = (actor.clone(), text.clone());
                self.record(id, Change::Reviewed { by, text });
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
        let (by, text) = (actor.clone(), text.to_owned());
        let reason = Reason::Updated { text: text.clone() };
        self.record(id, Change::Updated { by, text });
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
        self.record(id, Change::Resolved { by: actor.clone() });
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
        let by = actor.clone();
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

    /// Lets the oldest reviewed one go, or else the oldest resolved one.
    fn make_room(&mut self) {
        while self.saved.incidents.len() >= MAX_INCIDENTS {
            let oldest = |state| {
                let mut all = self.saved.incidents.values();
                all.find(|i| i.state == state).map(|i| i.id)
            };
            let Some(id) = oldest(State::Reviewed).or_else(|| oldest(State::Resolved)) else {
                return;
            };
            self.saved.incidents.remove(&id);
        }
    }

    /// Until when maintenance covers all lines of an incident; `None` = not now.
    pub(super) fn in_maintenance(&self, incident: &Incident) -> Option<Timestamp> {
        self.covered_at(incident, self.saved.now)
    }

    fn covered_at(&self, incident: &Incident, at: Timestamp) -> Option<Timestamp> {
        let until = |region: &Region| {
            let covering = self
                .saved
                .maintenance
                .iter()
                .filter(|m| m.covers(incident.module, region) && m.interval.contains(at));
            covering.map(|m| m.interval.end).max()
        };
        let all: Option<Vec<_>> = incident.lines.keys().map(until).collect();
        all?.into_iter().min()
    }

    /// `at`, or the end of the maintenance that it is in, and of what joins it.
    fn after_maintenance(&self, incident: &Incident, mut at: Timestamp) -> Timestamp {
        while let Some(end) = self.covered_at(incident, at) {
            at = end;
        }
        at
    }

    /// Puts a change into the log.
    pub(super) fn record(&mut self, id: u64, change: Change) {
        let Some(incident) = self.saved.incidents.get(&id) else {
            return;
        };
        debug_assert!(incident.refs.len() <= MAX_REFS);
        let entry = Entry {
            contract: self.contract.id.clone(),
            incident: id,
            at: self.saved.now,
            module: incident.module,
            regions: incident.regions(),
            state: incident.state,
            severity: incident.severity,
            change,
        };
        self.saved.outputs.push_back(Output::Leaf(entry));
    }

    pub(super) fn put(&mut self, output: Output) {
        self.saved.outputs.push_back(output);
    }
}

fn not_yours(actor: &Actor, instead: &str) -> Refused {
    Refused::NotYours {
        who: format!("{:?}", actor.kind).to_lowercase(),
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
