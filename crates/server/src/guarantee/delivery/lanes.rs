//! What may leave next: one lane per receiver, first in first out, one item
//! under way. A lane that failed waits; the others go on. Times are Unix
//! milliseconds, because waits survive a restart.

use std::collections::{BTreeMap, VecDeque};

use super::receiver::Receiver;

/// What stands in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A letter, by its number, not before an instant.
    Letter { id: i64, due: i64 },
    /// All open incidents once more, for an Alertmanager.
    Resend,
}

/// How long is waited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    /// After the first failure.
    pub first_ms: i64,
    /// The longest: a receiver that is back must not wait long.
    pub longest_ms: i64,
}

/// All lanes.
#[derive(Debug, Default)]
pub(super) struct Lanes(BTreeMap<Receiver, Lane>);

#[derive(Debug, Default)]
struct Lane {
    items: VecDeque<Item>,
    busy: bool,
    failures: u32,
    paused_until: i64,
}

impl Lane {
    /// When its first item may leave.
    fn due(&self) -> Option<i64> {
        if self.busy {
            return None;
        }
        Some(match self.items.front()? {
            Item::Letter { due, .. } => self.paused_until.max(*due),
            Item::Resend => self.paused_until,
        })
    }
}

impl Lanes {
    /// An item at the end of a lane. `failures` are those that a letter had
    /// before a restart.
    pub fn push(&mut self, receiver: Receiver, item: Item, failures: u32) {
        let lane = self.0.entry(receiver).or_default();
        if lane.items.is_empty() && !lane.busy {
            lane.failures = lane.failures.max(failures);
        }
        if item != Item::Resend || !lane.items.contains(&item) {
            lane.items.push_back(item);
        }
    }

    /// The next item to send: of those that are due the lane whose item is
    /// oldest. The lane is busy until [`Lanes::done`] or [`Lanes::failed`].
    pub fn next(&mut self, now: i64) -> Option<(Receiver, Item)> {
        let due = self.0.iter_mut();
        let due = due.filter(|(_, lane)| lane.due().is_some_and(|at| at <= now));
        let age = |lane: &Lane| match lane.items.front() {
            Some(Item::Letter { id, .. }) => *id,
            Some(Item::Resend) | None => i64::MAX,
        };
        let (receiver, lane) = due.min_by_key(|(_, lane)| age(lane))?;
        lane.busy = true;
        Some((receiver.clone(), *lane.items.front()?))
    }

    /// When something is due next.
    pub fn next_due(&self) -> Option<i64> {
        self.0.values().filter_map(Lane::due).min()
    }

    /// The lane's first item is delivered, or given up.
    pub fn done(&mut self, receiver: &Receiver, delivered: bool) {
        let Some(lane) = self.0.get_mut(receiver) else {
            return;
        };
        lane.items.pop_front();
        lane.busy = false;
        if delivered {
            lane.failures = 0;
            lane.paused_until = 0;
        }
        if lane.items.is_empty() {
            self.0.remove(receiver);
        }
    }

    /// The lane's first item has to be tried again. `jitter` is 0 to 1, so that
    /// lanes which failed together do not come back together. Returns how often
    /// it has failed, and until when it waits.
    pub fn failed(
        &mut self,
        receiver: &Receiver,
        pauses: Pauses,
        now: i64,
        jitter: f64,
    ) -> (u32, i64) {
        let Some(lane) = self.0.get_mut(receiver) else {
            return (1, now);
        };
        // 2^20 times the first pause is beyond any longest one.
        let doubled = pauses.first_ms.saturating_mul(1 << lane.failures.min(20));
        let pause = doubled.min(pauses.longest_ms);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        let pause = (pause as f64 * 0.5f64.mul_add(jitter.clamp(0.0, 1.0), 0.5)) as i64;
        lane.busy = false;
        lane.failures = lane.failures.saturating_add(1);
        lane.paused_until = now.saturating_add(pause);
        (lane.failures, lane.paused_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses = Pauses {
        first_ms: 10_000,
        longest_ms: 300_000,
    };

    fn letter(id: i64) -> Item {
        Item::Letter { id, due: 0 }
    }

    fn mail(to: &str) -> Receiver {
        Receiver::Mail(to.into())
    }

    #[test]
    fn a_receiver_keeps_its_order_and_does_not_hold_others() {
        let mut lanes = Lanes::default();
        lanes.push(mail("b"), letter(1), 0);
        lanes.push(mail("b"), letter(2), 0);
        lanes.push(mail("a"), letter(3), 0);
        assert_eq!(lanes.next(0), Some((mail("b"), letter(1))), "the oldest");
        assert_eq!(lanes.next(0), Some((mail("a"), letter(3))), "b is busy");
        assert_eq!(lanes.next(0), None);
        lanes.failed(&mail("b"), PAUSES, 0, 1.0);
        lanes.done(&mail("a"), true);
        assert_eq!(lanes.next(9_999), None, "b waits");
        assert_eq!(lanes.next_due(), Some(10_000));
        assert_eq!(lanes.next(10_000), Some((mail("b"), letter(1))));
        lanes.done(&mail("b"), true);
        assert_eq!(lanes.next(10_000), Some((mail("b"), letter(2))));
        lanes.done(&mail("b"), true);
        assert!(lanes.0.is_empty());
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_outlive_a_restart() {
        let mut lanes = Lanes::default();
        lanes.push(mail("a"), letter(1), 0);
        let mut pauses = Vec::new();
        for _ in 0..30 {
            assert!(lanes.next(i64::MAX).is_some());
            pauses.push(lanes.failed(&mail("a"), PAUSES, 0, 1.0).1);
        }
        assert_eq!(pauses[..3], [10_000, 20_000, 40_000]);
        assert_eq!(pauses[29], 300_000);
        let mut after = Lanes::default();
        let waits = Item::Letter { id: 1, due: 77_000 };
        after.push(mail("a"), waits, 3);
        after.push(mail("a"), letter(2), 0);
        assert_eq!(
            after.next(76_999),
            None,
            "the second stays behind the first"
        );
        assert_eq!(after.next(77_000), Some((mail("a"), waits)));
        assert_eq!(after.failed(&mail("a"), PAUSES, 0, 0.0), (4, 40_000));
    }

    #[test]
    fn what_is_given_up_ends_no_pause_of_its_receiver() {
        let mut lanes = Lanes::default();
        lanes.push(mail("a"), letter(1), 0);
        lanes.push(mail("a"), letter(2), 0);
        lanes.next(0);
        lanes.failed(&mail("a"), PAUSES, 0, 1.0);
        lanes.next(10_000);
        lanes.done(&mail("a"), false);
        lanes.next(10_000);
        assert_eq!(lanes.failed(&mail("a"), PAUSES, 10_000, 1.0), (2, 30_000));
    }

    #[test]
    fn open_incidents_stand_in_a_lane_once() {
        let manager = Receiver::Alertmanager("http://a/".into());
        let mut lanes = Lanes::default();
        lanes.push(manager.clone(), Item::Resend, 0);
        lanes.push(manager.clone(), Item::Resend, 0);
        assert_eq!(lanes.next(0), Some((manager.clone(), Item::Resend)));
        lanes.done(&manager, true);
        assert_eq!(lanes.next(0), None);
    }
}
