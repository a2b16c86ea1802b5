//! Maintenance that was declared beforehand: nobody is called for it.

use jiff::Timestamp;

use super::engine::Incidents;
use super::model::Incident;
use crate::exclusion::{ClassRule, Exclusion, ExclusionClass, ExclusionPolicy, Invalid, judge};
use crate::interval::Interval;
use crate::module::{Module, Region};

/// Declared maintenance that is kept at once: one for every night of half a year.
pub const MAX_MAINTENANCE: usize = 200;

/// Why maintenance is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// The contract does not let it count.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is enough of it.
    #[error("{MAX_MAINTENANCE} intervals of maintenance are declared, which is the most")]
    Full,
    /// It is about others.
    #[error("it is about other contracts")]
    Others,
    /// It is something else.
    #[error("only maintenance is announced beforehand")]
    Class,
}

impl Incidents {
    /// Takes declared maintenance. While all lines of an incident are within
    /// such, nobody is called; clocks that would start within it start at its
    /// end. It counts only if it is in the log and was declared early enough for
    /// the contract, and no longer than its cap; what other exclusions have used
    /// of the cap is the settlement's business.
    ///
    /// # Errors
    /// It is not valid, or there are more than [`MAX_MAINTENANCE`] to come.
    pub fn handle_maintenance(
        &mut self,
        declared: Exclusion,
        now: Timestamp,
    ) -> Result<(), NotTaken> {
        self.handle_timeout(now);
        let now = self.saved.now;
        self.saved.maintenance.retain(|m| now < m.interval.end);
        let valid = self.check_maintenance(declared)?;
        self.saved.maintenance.extend(valid);
        Ok(())
    }

    /// What would count of declared maintenance, without taking it.
    ///
    /// # Errors
    /// As [`Incidents::handle_maintenance`].
    pub fn check_maintenance(&self, declared: Exclusion) -> Result<Vec<Exclusion>, NotTaken> {
        if self.saved.maintenance.len() >= MAX_MAINTENANCE {
            return Err(NotTaken::Full);
        }
        if !declared.concerns(&self.contract.id) {
            return Err(NotTaken::Others);
        }
        if declared.class != ExclusionClass::Maintenance {
            return Err(NotTaken::Class);
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
            Interval {
                start: Timestamp::MIN,
                end: Timestamp::MAX,
            },
        );
        let mut counting = Vec::new();
        for verdict in verdicts {
            let valid = verdict?;
            let mut exclusion = valid.exclusion;
            // What is beyond the cap counts, so people are called.
            if let Some(last) = valid.counted.parts().last() {
                exclusion.interval.end = last.end;
            }
            counting.push(exclusion);
        }
        Ok(counting)
    }

    /// Maintenance that is declared and not over, as it counts.
    #[must_use]
    pub fn maintenance(&self) -> &[Exclusion] {
        &self.saved.maintenance
    }

    /// Whether nobody is called about an incident now, because maintenance covers
    /// all of its lines.
    #[must_use]
    pub fn is_in_maintenance(&self, id: u64) -> bool {
        let incident = self.saved.incidents.get(&id);
        incident.is_some_and(|incident| self.in_maintenance(incident).is_some())
    }

    /// Until when maintenance covers all lines of an incident; `None` = not now.
    pub(super) fn in_maintenance(&self, incident: &Incident) -> Option<Timestamp> {
        self.covered_at(incident, self.saved.now)
    }

    fn covered_at(&self, incident: &Incident, at: Timestamp) -> Option<Timestamp> {
        let until = |region| self.line_covered_at(incident.module, region, at);
        let all: Option<Vec<_>> = incident.lines.keys().map(until).collect();
        all?.into_iter().min()
    }

    fn line_covered_at(&self, module: Module, region: &Region, at: Timestamp) -> Option<Timestamp> {
        let covers = |m: &&Exclusion| m.covers(module, region) && m.interval.contains(at);
        let covering = self.saved.maintenance.iter().filter(covers);
        covering.map(|m| m.interval.end).max()
    }

    /// `at`, or the end of the maintenance of a line that it is in, and of what
    /// joins that.
    pub(super) fn after_maintenance(
        &self,
        module: Module,
        region: &Region,
        mut at: Timestamp,
    ) -> Timestamp {
        while let Some(end) = self.line_covered_at(module, region, at) {
            at = end;
        }
        at
    }
}
