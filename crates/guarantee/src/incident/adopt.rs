//! Going on under another version of the contract.

use std::sync::Arc;

use super::engine::{Incidents, RestoreError, Saved};
use super::output::Change;
use super::state::State;
use crate::contract::Contract;
use crate::module::Region;

impl Incidents {
    /// Goes on from a snapshot of another version of the same contract. Nothing
    /// that is open is forgotten: clocks go on where they started, what was called
    /// or missed stays so, and the targets of the new version hold from now on, as
    /// when a severity changes. An incident of which the new version covers no line
    /// is over. The log is told.
    ///
    /// # Errors
    /// It is no snapshot.
    pub fn adopt(contract: Arc<Contract>, snapshot: &str) -> Result<Self, RestoreError> {
        let mut saved: Saved = serde_json::from_str(snapshot)?;
        let to = contract.hash()?;
        let from = std::mem::replace(&mut saved.contract, to.clone());
        let mut engine = Self::with(contract, saved);
        let ids: Vec<u64> = engine.saved.incidents.keys().copied().collect();
        for id in ids {
            if engine.supersede(id) {
                let (from, to) = (from.clone(), to.clone());
                engine.record(id, Change::Superseded { from, to });
            }
        }
        Ok(engine)
    }

    /// Whether it was open.
    fn supersede(&mut self, id: u64) -> bool {
        let contract = Arc::clone(&self.contract);
        let now = self.saved.now;
        let Some(incident) = self.saved.incidents.get_mut(&id) else {
            return false;
        };
        let module = incident.module;
        let open = incident.state.is_open();
        let covered = |region: &Region| {
            let mut lines = contract.coverage.iter();
            lines.any(|line| line.module == module && line.region == *region)
        };
        if incident.lines.keys().any(covered) {
            incident.lines.retain(|region, _| covered(region));
        } else if open {
            incident.state = State::Resolved;
            incident.resolved = Some(now);
            for timer in incident.timers.values_mut() {
                timer.stop(&contract.support, now);
            }
        }
        for timer in incident.timers.values_mut() {
            timer.plan_next(&contract.support);
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::burn::Alert;
    use crate::clock::ClockKind;
    use crate::contract::plan::Plan;
    use crate::incident::{Entry, Output, Seen, Span};
    use crate::module::Module;
    use crate::ratio::Ratio;
    use crate::rollup::Minute;

    fn after(minutes: i64) -> Timestamp {
        let start: Timestamp = "2027-05-03T18:00:00Z".parse().expect("an instant");
        start + SignedDuration::from_mins(minutes)
    }

    fn outage(contract: &Arc<Contract>) -> Incidents {
        let mut engine = Incidents::new(Arc::clone(contract)).expect("an engine");
        let bad = Ratio { num: 1, den: 1 };
        for n in 0..4 {
            let minute = Minute::of(after(n)).expect("a minute");
            let seen = Seen {
                minute,
                alert: Some(Alert::Page),
                first_bad: Minute::of(after(0)),
                last: bad,
                spans: vec![Span {
                    minutes: u32::try_from(n).expect("few") + 1,
                    bad,
                }],
                refs: Vec::new(),
            };
            let line = &contract.coverage[1];
            engine
                .handle_burn(line.module, &line.region, &seen, after(n + 1))
                .expect("covered");
        }
        while engine.poll_output().is_some() {}
        engine
    }

    fn changes(engine: &mut Incidents) -> Vec<Change> {
        let leaf = |output| match output {
            Output::Leaf(Entry { change, .. }) => Some(change),
            _ => None,
        };
        let outputs: Vec<_> = std::iter::from_fn(|| engine.poll_output()).collect();
        outputs.into_iter().filter_map(leaf).collect()
    }

    #[test]
    fn what_is_open_goes_on_with_the_new_targets() {
        let (mut contract, _) = Contract::from_yaml(Plan::Custom.yaml()).expect("a contract");
        let old = Arc::new(contract.clone());
        let snapshot = outage(&old).snapshot().expect("JSON");
        contract.version += 1;
        for target in contract.support.targets.values_mut() {
            target.restore_minutes = Some(60);
        }
        let mut engine = Incidents::adopt(Arc::new(contract), &snapshot).expect("adopted");
        assert!(matches!(
            changes(&mut engine)[..],
            [Change::Superseded { .. }]
        ));
        let restoration = &engine.incident(1).expect("open").timers[&ClockKind::Restoration];
        assert_eq!(restoration.started, after(0));
        engine.handle_timeout(after(61));
        let missed = |change: &Change| {
            let wanted = ClockKind::Restoration;
            matches!(change, Change::Missed { clock, due, .. } if *clock == wanted && *due == after(60))
        };
        assert!(changes(&mut engine).iter().any(missed));
    }

    #[test]
    fn what_is_not_covered_any_more_is_over() {
        let (mut contract, _) = Contract::from_yaml(Plan::Custom.yaml()).expect("a contract");
        let old = Arc::new(contract.clone());
        let snapshot = outage(&old).snapshot().expect("JSON");
        contract.version += 1;
        contract
            .coverage
            .retain(|line| line.module != Module::Media);
        let mut engine = Incidents::adopt(Arc::new(contract), &snapshot).expect("adopted");
        assert_eq!(engine.incident(1).map(|i| i.state), Some(State::Resolved));
        assert_eq!(engine.poll_timeout(), None);
        changes(&mut engine);
    }
}
