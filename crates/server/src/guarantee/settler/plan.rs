//! What is to be done with a period, and when.

use jiff::{SignedDuration, Timestamp};
use surecast_guarantee::interval::Interval;
use surecast_guarantee::rollup::Minute;
use surecast_guarantee::settlement::Status;

/// When periods are settled and made final.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// After the end of a period, so that late leaves arrive.
    pub settle_after: SignedDuration,
    /// After a statement that nobody objected to.
    pub final_after: SignedDuration,
}

/// Where the last entry of a period stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// What was done last.
    pub status: Status,
    /// When that was logged.
    pub at: Timestamp,
    /// Since when something is known that it may not stand on.
    pub late: Option<Timestamp>,
}

/// How far the log is.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// The last minute that this server has logged of itself, in all its runs.
    pub last: Option<Minute>,
    /// When this run began.
    pub begun: Timestamp,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Compute it, and say it if it is new.
    Compute,
    /// The time for objections is over.
    Finalise,
}

impl Reach {
    /// Whether this server has said all it can of this time. One that was off
    /// begins with the minutes that it missed, so that they are in the log soon
    /// after its start; a log without any begins with the run.
    fn covers(self, period: Interval) -> bool {
        let until = self.last.map_or(self.begun, |last| last.next().start());
        until >= period.end
    }
}

impl Standing {
    /// Whether it may still change by itself: after that, people decide.
    pub const fn is_open(self) -> bool {
        matches!(self.status, Status::Provisional | Status::Recomputed)
    }
}

impl Rules {
    /// What is due of a period, if anything.
    pub fn due(
        &self,
        period: Interval,
        standing: Option<Standing>,
        reach: Reach,
        now: Timestamp,
    ) -> Option<Due> {
        let over = |since: Timestamp, wait: SignedDuration| now.duration_since(since) >= wait;
        let Some(standing) = standing else {
            let complete = reach.covers(period) && over(period.end, self.settle_after);
            return complete.then_some(Due::Compute);
        };
        if !standing.is_open() {
            return None;
        }
        // What comes late seldom comes alone.
        if let Some(since) = standing.late {
            return over(since, self.settle_after).then_some(Due::Compute);
        }
        over(standing.at, self.final_after).then_some(Due::Finalise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-06-01T00:00Z.
    const START: u32 = 29_671_200;

    fn at(minutes: u32) -> Timestamp {
        Minute(START + minutes).start()
    }

    fn due(standing: Option<Standing>, last: Option<u32>, begun: u32, now: u32) -> Option<Due> {
        let rules = Rules {
            settle_after: SignedDuration::from_mins(15),
            final_after: SignedDuration::from_hours(24),
        };
        let period = Interval {
            start: at(0),
            end: at(1440),
        };
        let reach = Reach {
            last: last.map(|minute| Minute(START + minute)),
            begun: at(begun),
        };
        rules.due(period, standing, reach, at(now))
    }

    #[test]
    fn a_period_is_settled_when_its_last_minute_is_in_the_log_and_late_leaves_had_time() {
        for (last, begun, now, expected) in [
            (Some(1439), 0, 1455, Some(Due::Compute)),
            (Some(1439), 0, 1454, None),
            (Some(1438), 0, 9000, None),
            (None, 1440, 1455, Some(Due::Compute)),
            (None, 1439, 9000, None),
            // Off at the end of the period; what was missed is not logged yet.
            (Some(700), 5000, 5001, None),
            (Some(5000), 5000, 5001, Some(Due::Compute)),
        ] {
            assert_eq!(
                due(None, last, begun, now),
                expected,
                "{last:?} {begun} {now}"
            );
        }
    }

    #[test]
    fn a_statement_becomes_final_unless_people_or_late_leaves_are_in_the_way() {
        use Status::{Credited, Disputed, Final, Provisional, Recomputed};
        for (status, late, now, expected) in [
            (Provisional, None, 1500 + 1439, None),
            (Provisional, None, 1500 + 1440, Some(Due::Finalise)),
            (Recomputed, None, 1500 + 1440, Some(Due::Finalise)),
            (Disputed, None, 9000, None),
            (Disputed, Some(1500), 9000, None),
            (Final, Some(1500), 9000, None),
            (Credited, None, 9000, None),
            (Provisional, Some(2000), 2014, None),
            (Provisional, Some(2000), 2015, Some(Due::Compute)),
            (Provisional, Some(2930), 1500 + 1440, None),
        ] {
            let standing = Standing {
                status,
                at: at(1500),
                late: late.map(at),
            };
            let found = due(Some(standing), Some(9000), 0, now);
            assert_eq!(found, expected, "{status} {late:?} {now}");
        }
    }
}
