//! Time that does not count, declared beforehand.
//!
//! An exclusion is valid only if the contract's policy allows its class, if it
//! was declared early enough, if it is in the log, and as long as its class has
//! not used up its cap. What is valid is taken from the downtime *and* from the
//! time that is counted at all.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::interval::{Interval, IntervalSet};
use crate::module::{Module, Region};
use crate::ratio::Ratio;

/// Why time may be left out. What each class needs (notice, cap) stands in the
/// contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionClass {
    /// Declared maintenance.
    Maintenance,
    /// The customer's effective settings differ from the frozen ones.
    ConfigurationDrift,
    /// More load than the declared peak.
    AbovePeak,
    /// The customer's minimum spend was not reached.
    MinimumSpend,
    /// Beyond anybody's control, as the contract defines it.
    ForceMajeure,
}

impl ExclusionClass {
    /// Whether people declare it. The others follow from a condition of the
    /// contract, its notice and what the log shows; a leaf that merely says so
    /// would let the provider take out any time it likes.
    #[must_use]
    pub const fn is_declared(self) -> bool {
        matches!(self, Self::Maintenance | Self::ForceMajeure)
    }
}

/// One declared exclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Why.
    pub class: ExclusionClass,
    /// When it was logged; notice is counted from here.
    pub declared_at: Timestamp,
    /// When it is to apply.
    pub interval: Interval,
    /// Only this module; `None` = all.
    pub module: Option<Module>,
    /// Only this region; `None` = all.
    pub region: Option<Region>,
    /// Who approved it.
    pub approved_by: String,
    /// Its leaf in the log. An exclusion without one is not valid.
    pub log_index: Option<u64>,
    /// Names of the agreements that it is about; empty = all whose policy allows
    /// it. Leaves from before there was such a list have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contracts: Vec<String>,
}

/// What a class of exclusions needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRule {
    /// Seconds from `declared_at` to the start of the interval, at least. 0 =
    /// until the very start.
    pub notice_s: u64,
    /// Seconds per period that count at most; `None` = no cap.
    pub cap_s: Option<u64>,
}

/// Which classes are allowed, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExclusionPolicy(pub BTreeMap<ExclusionClass, ClassRule>);

/// An exclusion that counts, cut to the period and to what its class may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValidExclusion {
    /// As declared.
    pub exclusion: Exclusion,
    /// What of it counts.
    pub counted: IntervalSet,
}

/// Why an exclusion does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    /// The contract does not know this class.
    #[error("the contract allows no exclusion of the class {0:?}")]
    ClassNotAllowed(ExclusionClass),
    /// Declared too late.
    #[error("declared {given_s} s before its start, and {needed_s} s are needed")]
    ShortNotice {
        /// Seconds that there were; negative = after the start.
        given_s: i64,
        /// Seconds of the contract.
        needed_s: u64,
    },
    /// Not in the log.
    #[error("it is not in the log: an exclusion counts from the leaf that declares it")]
    NotLogged,
    /// It ends before it starts, or is empty.
    #[error("its interval is empty")]
    Empty,
    /// Earlier exclusions of the class have used the whole cap.
    #[error("the class has used its {cap_s} s of this period")]
    CapUsed {
        /// Seconds of the contract.
        cap_s: u64,
    },
    /// Declared, where only a condition can make it.
    #[error(
        "nobody can declare the class {0:?}: it follows from a condition of the contract that is \
         not kept, after its notice"
    )]
    NotFromCondition(ExclusionClass),
    /// It has nothing in the period.
    #[error("it is outside the period")]
    OutsidePeriod,
}

impl Exclusion {
    /// Whether it is about this module and region.
    #[must_use]
    pub fn covers(&self, module: Module, region: &Region) -> bool {
        self.module.is_none_or(|m| m == module) && self.region.as_ref().is_none_or(|r| r == region)
    }

    /// Whether it is about this agreement at all.
    #[must_use]
    pub fn concerns(&self, contract: &str) -> bool {
        self.contracts.is_empty() || self.contracts.iter().any(|id| id == contract)
    }

    /// What does not depend on others: class, log, notice.
    fn check(&self, policy: &ExclusionPolicy) -> Result<ClassRule, Invalid> {
        let rule = policy.0.get(&self.class).copied();
        let rule = rule.ok_or(Invalid::ClassNotAllowed(self.class))?;
        if self.log_index.is_none() {
            return Err(Invalid::NotLogged);
        }
        if self.interval.is_empty() {
            return Err(Invalid::Empty);
        }
        let given = self.declared_at.duration_until(self.interval.start);
        let needed = SignedDuration::from_secs(i64::try_from(rule.notice_s).unwrap_or(i64::MAX));
        if given < needed {
            return Err(Invalid::ShortNotice {
                given_s: given.as_secs(),
                needed_s: rule.notice_s,
            });
        }
        Ok(rule)
    }
}

/// Sorts out which exclusions count in `period`.
///
/// A cap is used in the order of the log, so that an exclusion declared later
/// never takes from one declared before; time that an earlier one of its class
/// already took is not charged twice. The answers are in the order of
/// `exclusions`.
#[must_use]
pub fn judge(
    exclusions: &[Exclusion],
    policy: &ExclusionPolicy,
    period: Interval,
) -> Vec<Result<ValidExclusion, Invalid>> {
    let mut order: Vec<usize> = (0..exclusions.len()).collect();
    order.sort_by_key(|&i| (exclusions[i].log_index, i));
    let mut used: BTreeMap<ExclusionClass, IntervalSet> = BTreeMap::new();
    let mut verdicts: Vec<(usize, Result<ValidExclusion, Invalid>)> = order
        .into_iter()
        .map(|i| {
            let taken = used.entry(exclusions[i].class).or_default();
            (i, judge_one(&exclusions[i], policy, period, taken))
        })
        .collect();
    verdicts.sort_by_key(|(i, _)| *i);
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

fn judge_one(
    exclusion: &Exclusion,
    policy: &ExclusionPolicy,
    period: Interval,
    taken: &mut IntervalSet,
) -> Result<ValidExclusion, Invalid> {
    let rule = exclusion.check(policy)?;
    let wanted = IntervalSet::from(exclusion.interval).clip(period);
    if wanted.is_empty() {
        return Err(Invalid::OutsidePeriod);
    }
    let mut counted = wanted;
    if let Some(cap_s) = rule.cap_s {
        let left = (u128::from(cap_s) * 1_000_000_000).saturating_sub(taken.nanos());
        let again = counted.intersect(taken);
        counted = first_nanos(&counted.subtract(taken), left).union(&again);
        if counted.is_empty() {
            return Err(Invalid::CapUsed { cap_s });
        }
    }
    *taken = taken.union(&counted);
    Ok(ValidExclusion {
        exclusion: exclusion.clone(),
        counted,
    })
}

/// The first `nanos` nanoseconds of a set.
fn first_nanos(set: &IntervalSet, mut nanos: u128) -> IntervalSet {
    let mut parts = Vec::new();
    for part in set.parts() {
        let take = part.nanos().min(nanos);
        nanos -= take;
        let take = i128::try_from(take).unwrap_or(i128::MAX);
        let end = Timestamp::from_nanosecond(part.start.as_nanosecond().saturating_add(take));
        parts.push(Interval {
            start: part.start,
            end: end.unwrap_or(part.end),
        });
    }
    parts.into_iter().collect()
}

/// What `valid` leaves out for one module and region.
#[must_use]
pub fn excluded(valid: &[ValidExclusion], module: Module, region: &Region) -> IntervalSet {
    valid
        .iter()
        .filter(|v| v.exclusion.covers(module, region))
        .flat_map(|v| v.counted.parts().iter().copied())
        .collect()
}

/// Downtime as it counts in a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountedDowntime {
    /// union(down) − union(valid exclusions), within the period.
    pub down: IntervalSet,
    /// The time that counts at all: the period − union(valid exclusions).
    pub counted_ms: u64,
    /// Of it, what was down.
    pub down_ms: u64,
}

impl CountedDowntime {
    /// Share of the counted time that was not down.
    #[must_use]
    pub fn availability(&self) -> Ratio {
        Ratio {
            num: self.counted_ms.saturating_sub(self.down_ms),
            den: self.counted_ms,
        }
    }
}

/// Counts outages that are given as intervals: overlaps once, exclusions not at
/// all, neither as downtime nor as time. Milliseconds of downtime are rounded
/// up and those of the counted time down.
#[must_use]
pub fn counted_downtime(
    down: &IntervalSet,
    excluded: &IntervalSet,
    period: Interval,
) -> CountedDowntime {
    let excluded = excluded.clip(period);
    let down = down.clip(period).subtract(&excluded);
    let counted = period.nanos().saturating_sub(excluded.nanos());
    let ms = |nanos: u128| u64::try_from(nanos).unwrap_or(u64::MAX);
    CountedDowntime {
        counted_ms: ms(counted / 1_000_000),
        down_ms: ms(down.nanos().div_ceil(1_000_000)),
        down,
    }
}

#[cfg(test)]
mod tests;
