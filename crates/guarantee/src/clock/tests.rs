use super::*;
use crate::calendar::tests::{some_calendar, some_instant};
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    format!("2026-05-04T{text}:00Z")
        .parse()
        .expect("an instant")
}

fn minutes(n: i64) -> SignedDuration {
    SignedDuration::from_mins(n)
}

fn clock(kind: ClockKind, target: i64, started: &str) -> Clock {
    Clock::start(kind, Calendar::Always, minutes(target), at(started))
}

/// The reference: opened 10:00, target 240 min, paused 11–15: due 18:00.
#[test]
fn a_wait_for_the_customer_moves_what_is_due() {
    let mut clock = clock(ClockKind::Restoration, 240, "10:00");
    assert_eq!(clock.due(), Some(at("14:00")));
    clock.pause(at("11:00"), 7).expect("a pause");
    assert_eq!(clock.due(), None);
    assert!(clock.is_paused(at("12:00")));
    assert_eq!(clock.elapsed(at("13:00")), minutes(60));
    clock.resume(at("15:00")).expect("an answer");
    assert_eq!(clock.due(), Some(at("18:00")));
    assert!(!clock.is_paused(at("15:00")));
    assert_eq!(clock.elapsed(at("16:30")), minutes(150));
    assert_eq!(clock.remaining(at("16:30")), minutes(90));
    for (share, expected) in [("50%", "16:00"), ("75%", "17:00"), ("100%", "18:00")] {
        let share = share.parse().expect("a share");
        assert_eq!(clock.at_share(share), Some(at(expected)));
    }
    assert!(!clock.is_missed(at("18:00")));
    assert!(clock.is_missed(at("18:01")));
    assert_eq!(clock.remaining(at("19:00")), minutes(-60));
}

#[test]
fn a_pause_is_not_lost_when_it_is_resolved_from_pause() {
    let mut clock = clock(ClockKind::Restoration, 240, "10:00");
    clock.pause(at("11:00"), 7).expect("a pause");
    clock.stop(at("20:00")).expect("a restoration");
    assert_eq!(clock.elapsed(at("23:00")), minutes(60));
    assert!(!clock.is_missed(at("23:00")));
    assert!(!clock.is_paused(at("21:00")));
    assert_eq!(clock.pauses()[0].until, Some(at("20:00")));
}

#[test]
fn the_share_before_an_open_pause_is_known() {
    let mut clock = clock(ClockKind::Restoration, 240, "10:00");
    clock.pause(at("12:30"), 7).expect("a pause");
    let half = clock.at_share("50%".parse().expect("a share"));
    assert_eq!(half, Some(at("12:00")));
    assert_eq!(clock.due(), None);
}

#[test]
fn a_clock_refuses_what_makes_no_sense() {
    for kind in [ClockKind::FirstResponse, ClockKind::NextUpdate] {
        let mut clock = clock(kind, 15, "10:00");
        let refused = clock.pause(at("10:05"), 1);
        assert_eq!(refused, Err(ClockError::NeverPauses(kind)));
        assert_eq!(clock.due(), Some(at("10:15")));
        // Not even a pause out of a store counts.
        let pause = Pause {
            from: at("10:01"),
            until: None,
            log_index: 1,
        };
        assert_eq!(clock.restore(vec![pause], None).due(), Some(at("10:15")));
    }
    let mut clock = clock(ClockKind::Restoration, 240, "10:00");
    assert_eq!(clock.resume(at("10:30")), Err(ClockError::NotPaused));
    let (at_, last) = (at("09:00"), at("10:00"));
    let backwards = Err(ClockError::Backwards { at: at_, last });
    assert_eq!(clock.pause(at_, 1), backwards);
    clock.pause(at("11:00"), 1).expect("a pause");
    let paused = Err(ClockError::IsPaused(at("11:00")));
    assert_eq!(clock.pause(at("11:30"), 2), paused);
    clock.stop(at("12:00")).expect("a restoration");
    let stopped = Err(ClockError::HasStopped(at("12:00")));
    assert_eq!(clock.stop(at("13:00")), stopped);
    assert_eq!(clock.resume(at("13:00")), stopped);
}

fn some_pauses() -> impl Strategy<Value = Vec<Pause>> {
    let pause =
        (some_instant(), 0_i64..400_000, 0_u64..100).prop_map(|(from, seconds, log_index)| Pause {
            from,
            until: Some(from + SignedDuration::from_secs(seconds)),
            log_index,
        });
    prop::collection::vec(pause, 0..8)
}

proptest! {
    #[test]
    fn due_grows_with_the_target(
        calendar in some_calendar(),
        started in some_instant(),
        pauses in some_pauses(),
        short in 0_i64..10_000,
        more in 0_i64..10_000,
    ) {
        let due = |target| {
            Clock::start(ClockKind::Restoration, calendar.clone(), minutes(target), started)
                .restore(pauses.clone(), None)
                .due()
                .expect("no open pause")
        };
        prop_assert!(due(short) <= due(short + more));
    }

    #[test]
    fn elapsed_at_the_due_instant_is_the_target(
        calendar in some_calendar(),
        started in some_instant(),
        pauses in some_pauses(),
        target in 0_i64..10_000,
    ) {
        let clock = Clock::start(ClockKind::Restoration, calendar, minutes(target), started)
            .restore(pauses, None);
        let due = clock.due().expect("no open pause");
        prop_assert_eq!(clock.elapsed(due), clock.target());
        prop_assert!(!clock.is_missed(due));
    }

    /// What elapsed up to `b` is what elapsed up to `a` and what a clock that
    /// starts at `a` has at `b`.
    #[test]
    fn elapsed_adds_up(
        calendar in some_calendar(),
        mut instants in prop::collection::vec(some_instant(), 3),
        pauses in some_pauses(),
    ) {
        instants.sort_unstable();
        let [start, a, b] = [instants[0], instants[1], instants[2]];
        let from = |started| {
            Clock::start(ClockKind::Restoration, calendar.clone(), minutes(1), started)
                .restore(pauses.clone(), None)
        };
        let whole = from(start).elapsed(b);
        prop_assert_eq!(from(start).elapsed(a) + from(a).elapsed(b), whole);
    }

    #[test]
    fn the_order_of_pauses_does_not_matter(
        calendar in some_calendar(),
        started in some_instant(),
        now in some_instant(),
        (pauses, shuffled) in some_pauses().prop_flat_map(|pauses| {
            (Just(pauses.clone()), Just(pauses).prop_shuffle())
        }),
        target in 0_i64..10_000,
    ) {
        let with = |pauses| {
            Clock::start(ClockKind::Restoration, calendar.clone(), minutes(target), started)
                .restore(pauses, None)
        };
        let (one, other) = (with(pauses), with(shuffled));
        prop_assert_eq!(one.due(), other.due());
        prop_assert_eq!(one.elapsed(now), other.elapsed(now));
    }
}
