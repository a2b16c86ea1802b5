//! Which event may leave next: one lane per room, first in first out, at most
//! one under way. A lane that failed waits; the others go on.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Wait after the first failure.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Longest wait: a receiver that is back must not wait long for its events.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// All lanes of one receiver.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<String, Lane>,
    /// Lanes whose first event may leave.
    due: VecDeque<String>,
    /// Lanes that wait, by the end of their wait. The number tells equal times apart.
    pauses: BTreeMap<(Instant, u64), String>,
    counter: u64,
}

#[derive(Debug, Default)]
struct Lane {
    events: VecDeque<i64>,
    failures: u32,
}

impl Lanes {
    /// A new event at the end of its lane.
    pub(super) fn push(&mut self, room: String, id: i64) {
        match self.lanes.get_mut(&room) {
            Some(lane) => lane.events.push_back(id),
            None => {
                self.lanes.insert(
                    room.clone(),
                    Lane {
                        events: VecDeque::from([id]),
                        failures: 0,
                    },
                );
                self.due.push_back(room);
            }
        }
    }

    /// The next event to send; its lane is busy until [`Lanes::done`] or
    /// [`Lanes::failed`].
    pub(super) fn next(&mut self, now: Instant) -> Option<(String, i64)> {
        while let Some(entry) = self.pauses.first_entry() {
            if entry.key().0 > now {
                break;
            }
            self.due.push_back(entry.remove());
        }
        let room = self.due.pop_front()?;
        let id = *self.lanes.get(&room)?.events.front()?;
        Some((room, id))
    }

    /// The lane's first event is delivered or given up.
    pub(super) fn done(&mut self, room: String) {
        let Some(lane) = self.lanes.get_mut(&room) else {
            return;
        };
        lane.events.pop_front();
        lane.failures = 0;
        if lane.events.is_empty() {
            self.lanes.remove(&room);
        } else {
            self.due.push_back(room);
        }
    }

    /// The lane's first event has to be tried again. `jitter` is 0 to 1, so
    /// that lanes which failed together do not come back together. Returns the
    /// wait.
    pub(super) fn failed(&mut self, room: String, now: Instant, jitter: f64) -> Duration {
        let Some(lane) = self.lanes.get_mut(&room) else {
            return Duration::ZERO;
        };
        let doubled = FIRST_PAUSE.saturating_mul(1 << lane.failures.min(16));
        let pause = doubled
            .min(LONGEST_PAUSE)
            .mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0));
        lane.failures = lane.failures.saturating_add(1);
        self.counter += 1;
        self.pauses.insert((now + pause, self.counter), room);
        pause
    }

    /// When a waiting lane is due again.
    pub(super) fn next_pause_end(&self) -> Option<Instant> {
        self.pauses.first_key_value().map(|((at, _), _)| *at)
    }

    /// Whether something could be sent right now.
    pub(super) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_keeps_its_order_and_does_not_hold_others() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        for (room, id) in [("a", 1), ("a", 2), ("b", 3)] {
            lanes.push(room.into(), id);
        }
        assert_eq!(lanes.next(now), Some(("a".into(), 1)));
        assert_eq!(lanes.next(now), Some(("b".into(), 3)));
        assert_eq!(lanes.next(now), None, "a is busy");
        lanes.failed("a".into(), now, 1.0);
        lanes.done("b".into());
        assert_eq!(lanes.next(now), None, "a waits");
        let later = lanes.next_pause_end().unwrap();
        assert_eq!(
            lanes.next(later),
            Some(("a".into(), 1)),
            "the failed one again, not the next"
        );
        lanes.done("a".into());
        assert_eq!(lanes.next(later), Some(("a".into(), 2)));
        lanes.done("a".into());
        assert!(lanes.lanes.is_empty() && !lanes.has_due());
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_start_over() {
        let now = Instant::now();
        let mut lanes = Lanes::default();
        lanes.push("a".into(), 1);
        lanes.push("a".into(), 2);
        let mut pauses = Vec::new();
        for _ in 0..20 {
            lanes.next(now + Duration::from_secs(3600)).unwrap();
            pauses.push(lanes.failed("a".into(), now, 1.0));
        }
        assert_eq!(pauses[..3], [500, 1000, 2000].map(Duration::from_millis));
        assert_eq!(pauses[19], LONGEST_PAUSE);
        lanes.next(now + Duration::from_secs(3600)).unwrap();
        lanes.done("a".into());
        lanes.next(now).unwrap();
        assert_eq!(
            lanes.failed("a".into(), now, 0.0),
            Duration::from_millis(250)
        );
    }
}
