//! Clocks as they stand now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use surecast_guarantee::clock::ClockKind;
use surecast_guarantee::contract::support::SupportPlan;
use surecast_guarantee::incident::timer::Timer;

/// A clock, computed now.
#[derive(Debug, Serialize)]
pub struct ClockView {
    kind: ClockKind,
    /// 1 for the first; the clock of the next update starts anew with each.
    round: u32,
    started: Timestamp,
    /// When the target runs out; none while the customer is waited for.
    due: Option<Timestamp>,
    target_minutes: i64,
    paused: bool,
    stopped: Option<Timestamp>,
    /// Whether it is missed by now, or was when it stopped.
    missed: bool,
}

/// Those of an incident or a ticket for which something is promised.
pub fn views(
    timers: &BTreeMap<ClockKind, Timer>,
    plan: &SupportPlan,
    now: Timestamp,
) -> Vec<ClockView> {
    let view = |timer: &Timer| {
        let clock = timer.clock(plan)?;
        Some(ClockView {
            kind: timer.kind,
            round: timer.round,
            started: timer.started,
            due: clock.due(),
            target_minutes: clock.target().as_secs() / 60,
            paused: clock.is_paused(now),
            stopped: timer.stopped,
            missed: clock.is_missed(now),
        })
    };
    timers.values().filter_map(view).collect()
}
