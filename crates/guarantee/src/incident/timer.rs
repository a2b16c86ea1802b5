//! A clock together with what was done about it.
//!
//! Steps of the plan's escalation are called each once per timer, and a miss is
//! told once, whatever happens to severities, pauses and restarts in between.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock::{Clock, ClockKind, Pause};
use crate::contract::support::{Role, SupportPlan};
use crate::ratio::Percent;
use crate::severity::Severity;

/// One running or stopped clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    /// What it waits for.
    pub kind: ClockKind,
    /// 1 for the first; a next-update clock starts anew with every update.
    pub round: u32,
    /// Whose target runs.
    pub severity: Severity,
    /// Where it starts; after maintenance it may be in the future.
    pub started: Timestamp,
    /// Where it stopped.
    pub stopped: Option<Timestamp>,
    /// Logged waits for the customer.
    pub pauses: Vec<Pause>,
    /// Steps of the plan's escalation that were called, by their place in it.
    pub called: BTreeSet<usize>,
    /// The target was missed, and that was told.
    pub missed: bool,
    /// When there is something to do next; `None` = never, as it stands.
    pub next: Option<Timestamp>,
}

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Somebody is to be called.
    Call {
        /// Which share of the target is used up.
        share: Percent,
        /// Whom.
        role: Role,
        /// Since when.
        due: Timestamp,
    },
    /// The target was missed.
    Missed {
        /// When it ran out.
        due: Timestamp,
    },
}

impl Due {
    /// Since when it is due.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Call { due, .. } | Self::Missed { due } => *due,
        }
    }
}

impl Timer {
    /// Starts one. Where the plan promises nothing it never has anything to do.
    #[must_use]
    pub fn start(
        plan: &SupportPlan,
        kind: ClockKind,
        severity: Severity,
        started: Timestamp,
        round: u32,
    ) -> Self {
        let mut timer = Self {
            kind,
            round,
            severity,
            started,
            stopped: None,
            pauses: Vec::new(),
            called: BTreeSet::new(),
            missed: false,
            next: None,
        };
        timer.plan_next(plan);
        timer
    }

    /// The clock itself, for what is elapsed and left; `None` if nothing is
    /// promised.
    #[must_use]
    pub fn clock(&self, plan: &SupportPlan) -> Option<Clock> {
        let clock = plan.clock(self.kind, self.severity, self.started)?.ok()?;
        Some(clock.restore(self.pauses.clone(), self.stopped))
    }

    /// What is due by `now` and was not told yet, in the order of its instants.
    pub fn take_due(&mut self, plan: &SupportPlan, now: Timestamp) -> Vec<Due> {
        if self.next.is_none_or(|next| now < next) {
            return Vec::new();
        }
        let mut due = Vec::new();
        if let Some(clock) = self.clock(plan) {
            for (at, step) in plan.escalation.iter().enumerate() {
                let Some(when) = clock.at_share(step.at) else {
                    continue;
                };
                let in_time = self.stopped.is_none_or(|stopped| when < stopped);
                if when <= now && in_time && self.called.insert(at) {
                    let (share, role) = (step.at, step.to);
                    due.push(Due::Call {
                        share,
                        role,
                        due: when,
                    });
                }
            }
            if !self.missed && clock.is_missed(now) {
                self.missed = true;
                let when = clock.due().unwrap_or(now);
                due.push(Due::Missed { due: when });
            }
        }
        due.sort_by_key(Due::at);
        self.plan_next(plan);
        due
    }

    /// Another severity's target from now on; what was called stays called.
    pub fn retarget(&mut self, plan: &SupportPlan, severity: Severity) {
        self.severity = severity;
        self.plan_next(plan);
    }

    /// What it waited for happened at `at`. The first stop counts.
    pub fn stop(&mut self, plan: &SupportPlan, at: Timestamp) {
        self.stopped = self.stopped.or(Some(at));
        self.plan_next(plan);
    }

    /// It did not happen after all: the time in between counts.
    pub fn resume(&mut self, plan: &SupportPlan) {
        self.stopped = None;
        self.plan_next(plan);
    }

    /// Works out `next` again; after `pauses` were changed.
    pub fn plan_next(&mut self, plan: &SupportPlan) {
        self.next = None;
        if self.stopped.is_some() {
            return;
        }
        let Some(clock) = self.clock(plan) else {
            return;
        };
        let uncalled = plan.escalation.iter().enumerate();
        let uncalled = uncalled.filter(|(at, _)| !self.called.contains(at));
        let calls = uncalled.filter_map(|(_, step)| clock.at_share(step.at));
        let miss = (!self.missed).then(|| self.miss(plan)).flatten();
        self.next = calls.chain(miss).min();
    }

    /// The first instant at which more than the target has elapsed: with hours of
    /// business, that is not always the one after it ran out.
    fn miss(&self, plan: &SupportPlan) -> Option<Timestamp> {
        let target = plan.targets.get(&self.severity)?;
        let calendar = plan.calendar(&target.calendar)?.ok()?;
        let beyond = target
            .duration(self.kind)?
            .saturating_add(SignedDuration::from_nanos(1));
        let clock = Clock::start(self.kind, calendar, beyond, self.started);
        clock.restore(self.pauses.clone(), None).due()
    }
}
