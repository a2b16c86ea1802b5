//! What the customer had to keep, on a statement.
//!
//! `exclude` makes an exclusion of the condition's class for the time after the
//! cure in which the evidence shows that it was not kept; the contract's rule for
//! that class (`exclusions`) decides whether and how much of it counts, as of any
//! other. `suspend_credits` takes that time out of what is credited, not out of
//! what is measured. `notify` is written down.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Evidence, SettleError};
use crate::contract::Contract;
use crate::contract::life::Schedule;
use crate::contract::life::condition::{Breach, Notice, breaches, notices};
use crate::contract::policy::{Effect, Requirement};
use crate::coverage::Window;
use crate::exclusion::{Exclusion, ExclusionClass, ValidExclusion};
use crate::interval::{Interval, IntervalSet};
use crate::module::Module;
use crate::term::Period;

/// A condition of which a notice stood in the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionLine {
    /// Which of the contract's conditions, from 0.
    pub condition: u32,
    /// What it asks for, by its name in contracts.
    pub requires: String,
    /// What follows.
    pub effect: Effect,
    /// The leaf of the notice.
    pub leaf: u64,
    /// When it was given.
    pub notice: Timestamp,
    /// Until when it could be put right without any effect.
    pub cure_until: Timestamp,
    /// When it was.
    pub cured: Option<Timestamp>,
    /// Seconds of the period after the cure in which the log shows that it was
    /// not kept, all modules and places together.
    pub lapsed_s: u64,
    /// Modules that it was not kept for; empty = all, or none.
    pub modules: Vec<Module>,
}

/// What follows from all conditions.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Those with a notice in the period.
    pub lines: Vec<ConditionLine>,
    /// Declared exclusions, and those that conditions make.
    pub exclusions: Vec<Exclusion>,
    /// Declared ones of classes that only conditions make.
    pub refused: Vec<Exclusion>,
    /// Time that pays no credits.
    pub suspended: IntervalSet,
}

impl Effects {
    /// Of a period; its longest window is looked at.
    pub fn of(
        contract: &Contract,
        period: &Period,
        evidence: &Evidence<'_>,
    ) -> Result<Self, SettleError> {
        let mine = |e: &&Exclusion| e.concerns(&contract.id);
        let declared = evidence.exclusions.iter().filter(mine).cloned();
        let (exclusions, refused) = declared.partition(|e| e.class.is_declared());
        let mut effects = Self {
            exclusions,
            refused,
            ..Self::default()
        };
        if contract.conditions.is_empty() {
            return Ok(effects);
        }
        let known = Timestamp::MAX;
        let schedule = Schedule::new(contract, evidence.record, known)?;
        let within = longest_window(contract, period);
        for (index, condition) in contract.conditions.iter().enumerate() {
            let notices = notices(contract, index, &schedule, evidence.record, known)?;
            let stands = |n: &&Notice| n.at < within.end && n.lapse().end > within.start;
            let notices: Vec<Notice> = notices.iter().filter(stands).copied().collect();
            if notices.is_empty() {
                continue;
            }
            let found = breaches(
                contract,
                &condition.requires,
                &schedule,
                evidence.record,
                known,
                Some((evidence.table, within)),
            )?;
            for notice in &notices {
                effects.take(contract, index, notice, &found, period, within);
            }
        }
        Ok(effects)
    }

    fn take(
        &mut self,
        contract: &Contract,
        index: usize,
        notice: &Notice,
        found: &[Breach],
        period: &Period,
        within: Interval,
    ) {
        let condition = &contract.conditions[index];
        let lapse = IntervalSet::from(notice.lapse()).clip(within);
        let mut lapsed = IntervalSet::default();
        let mut modules = Vec::new();
        for breach in found {
            let when = breach.when.intersect(&lapse);
            let in_period = when.clip(period.interval);
            if !in_period.is_empty() {
                modules.extend(breach.module);
            }
            lapsed = lapsed.union(&in_period);
            match condition.effect {
                Effect::Notify => {}
                Effect::SuspendCredits => self.suspended = self.suspended.union(&when),
                Effect::Exclude => self.exclude(&condition.requires, notice, breach, &when, index),
            }
        }
        let interval = period.interval;
        if notice.at < interval.end && notice.lapse().end > interval.start {
            self.lines.push(ConditionLine {
                condition: u32::try_from(index).unwrap_or(u32::MAX),
                requires: condition.requires.name().to_owned(),
                effect: condition.effect,
                leaf: notice.leaf,
                notice: notice.at,
                cure_until: notice.cure_until,
                cured: notice.cured,
                lapsed_s: u64::try_from(lapsed.nanos() / 1_000_000_000).unwrap_or(u64::MAX),
                modules,
            });
        }
    }

    fn exclude(
        &mut self,
        requires: &Requirement,
        notice: &Notice,
        breach: &Breach,
        when: &IntervalSet,
        index: usize,
    ) {
        let class = match requires {
            Requirement::MinSpend { .. } => ExclusionClass::MinimumSpend,
            Requirement::FrozenConfig { .. } => ExclusionClass::ConfigurationDrift,
            Requirement::DeclaredPeak { .. } => ExclusionClass::AbovePeak,
        };
        let parts = when.parts().iter().map(|&interval| Exclusion {
            class,
            declared_at: notice.at,
            interval,
            module: breach.module,
            region: breach.region.clone(),
            approved_by: format!("conditions[{index}]"),
            log_index: Some(notice.leaf),
            contracts: Vec::new(),
        });
        self.exclusions.extend(parts);
    }

    /// The suspended time, as something that no line counts.
    pub fn suspension(&self) -> Option<ValidExclusion> {
        let first = self.suspended.parts().first()?;
        Some(ValidExclusion {
            exclusion: Exclusion {
                class: ExclusionClass::MinimumSpend,
                declared_at: first.start,
                interval: *first,
                module: None,
                region: None,
                approved_by: String::new(),
                log_index: None,
                contracts: Vec::new(),
            },
            counted: self.suspended.clone(),
        })
    }
}

/// From the start of the longest window of a line to the period's end.
fn longest_window(contract: &Contract, period: &Period) -> Interval {
    let days = contract.coverage.iter().map(|line| match line.window {
        Window::Period => 0,
        // A day in which clocks change has 25 hours.
        Window::RollingDays(days) => i64::from(days) + 1,
    });
    let back = SignedDuration::from_hours(24 * days.max().unwrap_or(0));
    let end = period.interval.end;
    let start = end.checked_sub(back).unwrap_or(Timestamp::MIN);
    Interval {
        start: start.min(period.interval.start),
        end,
    }
}
