use proptest::prelude::*;

use super::*;
use crate::module::Region;
use crate::ratio::Ratio;
use crate::rollup::RollupState;
use crate::rollup::experience::Indicator;

/// 2026-06-01T00:00Z.
const START: u32 = 29_671_200;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(i64::from(START) * MINUTE + ms).expect("in range")
}

fn region() -> Region {
    "eu-west".parse().expect("a region")
}

fn settings() -> Settings {
    let lines = [Module::Join, Module::Media, Module::Messaging];
    let lines = lines.map(|module| (module, region())).to_vec();
    Settings::new(Source::Server("a".to_owned()), lines)
}

fn meter() -> Meter {
    Meter::new(settings(), None, at(0)).expect("settings")
}

fn sample(ms: i64, session: u64, what: What) -> Sample {
    Sample {
        at: at(ms),
        session: SessionId(session),
        region: region(),
        what,
    }
}

fn joined() -> What {
    What::Joined(Milestones::default())
}

fn wanted(kind: MediaKind) -> What {
    What::MediaWanted {
        subscription: 1,
        kind,
    }
}

const FLOWING: What = What::MediaFlowing { subscription: 1 };
const FROZEN: What = What::Frozen { subscription: 1 };
const UNWANTED: What = What::MediaUnwanted { subscription: 1 };

/// Calls the meter every 10 s until `until`.
fn tick(meter: &mut Meter, from: i64, until: i64) {
    let mut now = from;
    while now < until {
        now = (now + 10_000).min(until);
        meter.handle_timeout(at(now));
    }
}

/// Runs samples in order, then lets `minutes` minutes be closed.
fn run(events: Vec<(i64, What)>, minutes: i64) -> Vec<Rollup> {
    let mut meter = meter();
    let mut now = 0;
    for (ms, what) in events {
        tick(&mut meter, now, ms);
        now = ms;
        meter.handle_sample(sample(ms, 1, what), at(ms));
    }
    tick(&mut meter, now, minutes * MINUTE + 15_001);
    assert_eq!(meter.corrections(), Corrections::default());
    std::iter::from_fn(|| meter.poll_rollup()).collect()
}

/// up, down, good, bad of one module by minute; `None` = idle.
fn counted(rollups: &[Rollup], module: Module) -> Vec<Option<(u64, u64, u64, u64)>> {
    let of = rollups.iter().filter(|rollup| rollup.module == module);
    of.map(|r| {
        assert_ne!(r.state, RollupState::NoData);
        let counts = (r.up_ms, r.down_ms, r.good, r.bad);
        (r.state == RollupState::Measured).then_some(counts)
    })
    .collect()
}

#[test]
fn joins_are_counted_and_their_time() {
    let failed = || What::JoinFailed(JoinFailure::Failed);
    let start = || What::JoinStarted;
    for (name, events, expected) in [
        (
            "quick",
            vec![(10_000, start()), (15_000, joined()), (90_000, What::Left)],
            [Some((50_000, 0, 1, 0)), Some((30_000, 0, 0, 0))],
        ),
        (
            "slow: down from its start",
            vec![(10_000, start()), (15_001, joined()), (60_000, What::Left)],
            [Some((44_999, 5_001, 0, 1)), None],
        ),
        (
            "over the border, down in both minutes",
            vec![(58_000, start()), (64_000, joined()), (70_000, What::Left)],
            [Some((0, 2_000, 0, 0)), Some((6_000, 4_000, 0, 1))],
        ),
        (
            "failed, down until the next one succeeds",
            vec![
                (10_000, start()),
                (11_000, failed()),
                (40_000, start()),
                (41_000, joined()),
                (60_000, What::Left),
            ],
            [Some((19_000, 31_000, 1, 1)), None],
        ),
        (
            "refused is nobody's fault",
            vec![(0, start()), (0, What::JoinFailed(JoinFailure::Refused))],
            [None, None],
        ),
        (
            "gave up after too long",
            vec![(10_000, start()), (20_000, What::Left)],
            [Some((0, 10_000, 0, 1)), None],
        ),
        (
            "gave up soon",
            vec![(10_000, start()), (12_000, What::Left)],
            [Some((2_000, 0, 0, 0)), None],
        ),
        (
            "started again without an end",
            vec![
                (10_000, start()),
                (12_000, start()),
                (13_000, joined()),
                (60_000, What::Left),
            ],
            [Some((47_000, 3_000, 1, 1)), None],
        ),
    ] {
        let rollups = run(events, 2);
        assert_eq!(counted(&rollups, Module::Join), expected, "{name}");
    }
}

#[test]
fn a_failed_join_is_down_until_the_cut_off() {
    let failed = What::JoinFailed(JoinFailure::Failed);
    let rollups = run(vec![(30_000, What::JoinStarted), (31_000, failed)], 12);
    let mut expected = vec![Some((0, 30_000, 0, 1))];
    expected.extend([Some((0, 60_000, 0, 0)); 9]);
    expected.extend([Some((0, 30_000, 0, 0)), None]);
    assert_eq!(counted(&rollups, Module::Join), expected);
    // One that never ends is a failed one at the cut-off.
    let rollups = run(vec![(0, What::JoinStarted)], 12);
    let join = counted(&rollups, Module::Join);
    assert_eq!(
        (join[9], join[10]),
        (Some((0, 60_000, 0, 0)), Some((0, 0, 0, 1)))
    );
}

#[test]
fn media_is_up_while_it_flows_and_does_not_freeze() {
    use MediaKind::{Audio, Video};
    for (name, events, expected) in [
        (
            "flows",
            vec![
                (10_000, wanted(Video)),
                (11_000, FLOWING),
                (70_000, UNWANTED),
            ],
            [Some((50_000, 0, 1, 0)), Some((10_000, 0, 1, 0))],
        ),
        (
            "does not start in time",
            vec![
                (10_000, wanted(Video)),
                (20_000, FLOWING),
                (60_000, UNWANTED),
            ],
            [Some((40_000, 10_000, 0, 1)), None],
        ),
        (
            "a short freeze of video does not count",
            vec![
                (0, wanted(Video)),
                (1, FLOWING),
                (10_000, FROZEN),
                (10_599, FLOWING),
                (60_000, UNWANTED),
            ],
            [Some((60_000, 0, 1, 0)), None],
        ),
        (
            "a longer one counts whole",
            vec![
                (0, wanted(Video)),
                (1, FLOWING),
                (10_000, FROZEN),
                (10_600, FLOWING),
                (60_000, UNWANTED),
            ],
            [Some((59_400, 600, 0, 1)), None],
        ),
        (
            "audio is heard earlier",
            vec![
                (0, wanted(Audio)),
                (1, FLOWING),
                (10_000, FROZEN),
                (10_200, FLOWING),
                (60_000, UNWANTED),
            ],
            [Some((59_800, 200, 0, 1)), None],
        ),
        (
            "over the border",
            vec![
                (0, wanted(Video)),
                (1, FLOWING),
                (59_900, FROZEN),
                (61_000, FLOWING),
                (120_000, UNWANTED),
            ],
            [Some((59_900, 100, 0, 1)), Some((59_000, 1_000, 0, 1))],
        ),
        (
            "nothing wanted is nothing",
            vec![(0, joined()), (100_000, What::Left)],
            [None, None],
        ),
    ] {
        let mut events = events;
        if name != "nothing wanted is nothing" {
            events.insert(0, (0, joined()));
        }
        let rollups = run(events, 2);
        assert_eq!(counted(&rollups, Module::Media), expected, "{name}");
    }
}

#[test]
fn experience_is_counted_by_kind() {
    let mut meter = meter();
    let delay = |delay_ms| What::Delay {
        delay_ms,
        covers_ms: 1_000,
    };
    for (ms, what) in [
        (0, What::JoinStarted),
        (1_000, joined()),
        (2_000, wanted(MediaKind::Audio)),
        (2_100, FLOWING),
        (10_000, FROZEN),
        (11_000, FLOWING),
        (12_000, delay(400)),
        (13_000, delay(401)),
    ] {
        meter.handle_sample(sample(ms, 1, what), at(ms));
    }
    tick(&mut meter, 13_000, 75_001);
    while meter.poll_rollup().is_some() {}
    let experience = meter.poll_experience().expect("one minute");
    let share = |indicator| {
        let Ratio { num, den } = experience.counts.share(indicator);
        (num, den)
    };
    assert_eq!(share(Indicator::Join), (1, 1));
    assert_eq!(share(Indicator::Audio), (57_000, 58_000));
    assert_eq!(share(Indicator::Video), (0, 0));
    assert_eq!(share(Indicator::Delay), (1_000, 2_000));
    assert_eq!(experience.check(), Ok(()));
}

#[test]
fn late_samples_are_counted_and_take_effect() {
    let mut meter = meter();
    tick(&mut meter, 0, 100_000);
    // 5 s late is in time, and goes into its minute; a minute late is not.
    let count = |good| What::Counted {
        module: Module::Messaging,
        counts: Counts {
            good,
            ..Counts::default()
        },
    };
    meter.handle_sample(sample(95_000, 0, count(1)), at(100_000));
    meter.handle_sample(sample(30_000, 0, count(10)), at(100_000));
    assert_eq!(meter.corrections().late_samples, 1);
    tick(&mut meter, 100_000, 135_001);
    let rollups: Vec<_> = std::iter::from_fn(|| meter.poll_rollup()).collect();
    let expected = [None, Some((0, 0, 11, 0))];
    assert_eq!(counted(&rollups, Module::Messaging), expected);
}

#[test]
fn what_does_not_fit_is_counted() {
    let mut meter = meter();
    let elsewhere = Sample {
        region: "mars-1".parse().expect("a region"),
        ..sample(0, 1, What::JoinStarted)
    };
    meter.handle_sample(elsewhere, at(0));
    meter.handle_sample(sample(0, 9, FLOWING), at(0));
    for subscription in 0..300 {
        let kind = MediaKind::Audio;
        let what = What::MediaWanted { subscription, kind };
        meter.handle_sample(sample(1, 1, what), at(1));
    }
    tick(&mut meter, 0, 20_000);
    meter.handle_timeout(at(10_000));
    let expected = Corrections {
        unknown_lines: 1,
        unknown_sessions: 1,
        refused_streams: 44,
        clock_back: 1,
        ..Corrections::default()
    };
    assert_eq!(meter.corrections(), expected);
}

/// States by minute of the first line.
fn states(meter: &mut Meter) -> Vec<(u32, RollupState)> {
    let rollups = std::iter::from_fn(|| meter.poll_rollup());
    let first = rollups.filter(|rollup| rollup.module == Module::Join);
    first.map(|r| (r.minute.0 - START, r.state)).collect()
}

#[test]
fn where_the_meter_did_not_run_there_is_no_data() {
    use RollupState::{Idle, Measured, NoData};
    let mut meter = meter();
    meter.handle_sample(sample(0, 1, What::JoinStarted), at(0));
    meter.handle_sample(sample(1_000, 1, joined()), at(1_000));
    tick(&mut meter, 1_000, 70_000);
    // The machine sleeps from 1:10 to 4:20.
    meter.handle_timeout(at(260_000));
    tick(&mut meter, 260_000, 375_001);
    let expected = [
        (0, Measured),
        (1, NoData),
        (2, NoData),
        (3, NoData),
        (4, NoData),
        (5, Measured),
    ];
    assert_eq!(states(&mut meter), expected);
    assert_eq!(meter.corrections().silences, 1);
    // A restart at 10:30: the last minute that was given out is 5.
    let last = Some(Minute(START + 5));
    let mut meter = Meter::new(settings(), last, at(630_000)).expect("settings");
    tick(&mut meter, 630_000, 735_001);
    let mut expected: Vec<_> = (6..=10).map(|minute| (minute, NoData)).collect();
    expected.push((11, Idle));
    assert_eq!(states(&mut meter), expected);
    // A restart with a clock that is behind: nothing until it has caught up.
    let mut meter = Meter::new(settings(), last, at(60_000)).expect("settings");
    tick(&mut meter, 60_000, 375_001);
    assert_eq!(states(&mut meter), []);
    tick(&mut meter, 375_001, 435_001);
    assert_eq!(states(&mut meter), [(6, Idle)]);
}

/// What happened in the minute that had begun is part of no minute, and what goes
/// on counts from the first whole one.
#[test]
fn a_source_that_never_measured_begins_with_a_whole_minute() {
    use RollupState::{Idle, Measured, NoData};
    let fresh = |ms| Meter::new(settings(), None, at(ms)).expect("settings");
    let mut meter = fresh(20_000);
    tick(&mut meter, 20_000, 195_001);
    assert_eq!(states(&mut meter), [(1, Idle), (2, Idle)]);
    let mut meter = fresh(20_000);
    meter.handle_sample(sample(20_000, 1, What::JoinStarted), at(20_000));
    meter.handle_sample(sample(21_000, 1, joined()), at(21_000));
    tick(&mut meter, 21_000, 135_001);
    assert_eq!(states(&mut meter), [(1, Measured)]);
    assert_eq!(meter.corrections(), Corrections::default());
    // It ends before it has measured anything.
    let mut meter = fresh(20_000);
    meter.handle_end(at(50_000));
    assert_eq!(states(&mut meter), []);
    // The one that has begun when it ends is as before.
    let mut meter = fresh(20_000);
    tick(&mut meter, 20_000, 70_000);
    meter.handle_end(at(70_000));
    assert_eq!(states(&mut meter), [(1, NoData)]);
    let mut meter = fresh(0);
    tick(&mut meter, 0, 75_001);
    assert_eq!(states(&mut meter), [(0, Idle)]);
}

/// A leap second that is smeared over a day makes the clock slower by one part in
/// 86,400; and then the clock is set back.
#[test]
fn smeared_seconds_and_a_clock_that_is_set_back_count_nothing_twice() {
    let mut meter = meter();
    meter.handle_sample(sample(0, 1, What::JoinStarted), at(0));
    meter.handle_sample(sample(1_000, 1, joined()), at(1_000));
    let smeared = |tens: i64| {
        let nanos = tens * 10_000_000_000 / 86_400 * 86_399;
        at(0) + jiff::SignedDuration::from_nanos(nanos)
    };
    for tens in 1..=40 {
        meter.handle_timeout(smeared(tens));
    }
    // From 6:40 back to 4:40.
    tick(&mut meter, 280_000, 495_001);
    let rollups: Vec<Rollup> = std::iter::from_fn(|| meter.poll_rollup()).collect();
    let joins = rollups.iter().filter(|r| r.module == Module::Join);
    let minutes: Vec<_> = joins.clone().map(|r| r.minute.0 - START).collect();
    assert_eq!(minutes, (0..8).collect::<Vec<_>>());
    for rollup in joins {
        assert!(rollup.up_ms + rollup.down_ms <= 60_000, "{rollup:?}");
    }
    let before: u64 = rollups.iter().take(15).map(|r| r.up_ms).sum();
    assert_eq!(before, 5 * 60_000, "smeared minutes are whole");
}

#[test]
fn at_the_end_whole_minutes_are_given_out_at_once() {
    let mut meter = meter();
    meter.handle_sample(sample(1_000, 1, What::JoinStarted), at(1_000));
    meter.handle_sample(sample(2_000, 1, joined()), at(2_000));
    tick(&mut meter, 2_000, 62_000);
    assert!(meter.poll_rollup().is_none(), "it could still change");
    meter.handle_end(at(62_000));
    let rollups: Vec<Rollup> = std::iter::from_fn(|| meter.poll_rollup()).collect();
    let joins = counted(&rollups[..3], Module::Join);
    assert_eq!(joins, [Some((59_000, 0, 1, 0))]);
    let rest: Vec<_> = rollups[3..].iter().map(|r| r.state).collect();
    assert_eq!(rest, [RollupState::NoData; 3]);
}

#[test]
fn lost_samples_leave_no_data_and_no_ghosts() {
    let mut meter = meter();
    meter.handle_sample(sample(1_000, 1, joined()), at(1_000));
    tick(&mut meter, 1_000, 70_000);
    meter.handle_loss(at(65_000), at(70_000));
    assert_eq!(meter.sessions(), 0);
    tick(&mut meter, 70_000, 200_000);
    let rollups: Vec<Rollup> = std::iter::from_fn(|| meter.poll_rollup()).collect();
    let joins = counted(&rollups[..3], Module::Join);
    assert_eq!(joins, [Some((59_000, 0, 1, 0))]);
    let states: Vec<_> = rollups.iter().map(|r| r.state).collect();
    assert_eq!(states[3..6], [RollupState::NoData; 3]);
    assert_eq!(states[6..9], [RollupState::Idle; 3]);
}

#[test]
fn the_settings_are_checked() {
    let with = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        Meter::new(settings, None, at(0))
            .map(|_| ())
            .expect_err("refused")
    };
    assert_eq!(with(|s| s.lines.clear()), SettingsError::Lines(0));
    assert_eq!(
        with(|s| s.lateness = 60_001),
        SettingsError::Lateness(60_001)
    );
    assert_eq!(with(|s| s.join_cutoff = 1), SettingsError::Levels);
    assert_eq!(with(|s| s.heartbeat = 0), SettingsError::Heartbeat);
    assert_eq!(with(|s| s.silence = 29_999), SettingsError::Heartbeat);
    let bad_source = with(|s| s.source = Source::Server("a b".to_owned()));
    assert_eq!(bad_source, SettingsError::Source("server"));
}

#[test]
fn a_meter_that_stood_still_has_no_data() {
    let mut settings = settings();
    (settings.heartbeat, settings.silence) = (1_000, 3_000);
    let mut meter = Meter::new(settings, None, at(0)).expect("a meter");
    meter.handle_sample(sample(0, 1, joined()), at(0));
    meter.handle_sample(sample(0, 1, wanted(MediaKind::Video)), at(0));
    meter.handle_sample(sample(0, 1, FLOWING), at(0));
    // Stopped for five seconds in the second minute; told so in the fourth.
    for now in (0..=90_000).chain(95_000..300_000).step_by(1000) {
        if (200_000..205_000).contains(&now) {
            meter.handle_stall(at(200_000), at(now));
        } else {
            meter.handle_timeout(at(now));
        }
    }
    let rollups = std::iter::from_fn(|| meter.poll_rollup());
    let media = rollups.filter(|rollup| rollup.module == Module::Media);
    let found: Vec<_> = media.map(|rollup| (rollup.state, rollup.up_ms)).collect();
    let good = (RollupState::Measured, MINUTE_MS);
    let none = (RollupState::NoData, 0);
    assert_eq!(found, [good, none, good, none]);
}

#[test]
fn sessions_are_bounded() {
    let mut meter = meter();
    for session in 0..=MAX_SESSIONS as u64 {
        meter.handle_sample(sample(0, session, What::JoinStarted), at(0));
    }
    tick(&mut meter, 0, 20_000);
    assert_eq!(meter.sessions(), MAX_SESSIONS);
    assert_eq!(meter.corrections().refused_sessions, 1);
}

fn what() -> impl Strategy<Value = What> {
    prop::sample::select(vec![
        What::JoinStarted,
        joined(),
        What::JoinFailed(JoinFailure::Failed),
        What::JoinFailed(JoinFailure::GaveUp),
        wanted(MediaKind::Audio),
        What::MediaWanted {
            subscription: 2,
            kind: MediaKind::Video,
        },
        FLOWING,
        FROZEN,
        What::Frozen { subscription: 2 },
        What::MediaFlowing { subscription: 2 },
        UNWANTED,
        What::Left,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Whatever the clock does, minutes come one after the other, each line
    /// once, in bounds.
    #[test]
    fn every_minute_comes_once(
        steps in prop::collection::vec(
            (-200_000..400_000_i64, -30_000..5_000_i64, 0..3_u64, what()),
            1..60,
        ),
    ) {
        let mut meter = meter();
        let mut now = 0;
        let mut rollups = Vec::new();
        for (step, offset, session, what) in steps {
            now += if step % 3 == 0 { step } else { step.rem_euclid(20_000) };
            now = now.max(0);
            meter.handle_sample(sample(now + offset, session, what), at(now));
            rollups.extend(std::iter::from_fn(|| meter.poll_rollup()));
            prop_assert!(meter.poll_timeout().as_millisecond() > meter.now);
        }
        let lines = settings().lines;
        for (i, rollup) in rollups.iter().enumerate() {
            prop_assert_eq!(rollup.check(), Ok(()));
            prop_assert_eq!(rollup.minute, Minute(START + (i / lines.len()) as u32));
            prop_assert_eq!(rollup.module, lines[i % lines.len()].0);
        }
        prop_assert!(meter.buckets.len() <= 12, "{}", meter.buckets.len());
    }

    /// Within the lateness the order of arrival is nothing.
    #[test]
    fn order_within_the_lateness_is_nothing(
        events in prop::collection::vec((0..3_u64, what()), 1..40),
        delays in prop::collection::vec(0..10_000_i64, 40),
    ) {
        let result = |late: bool| {
            let events = (0..).zip(&events).zip(&delays).map(|((i, event), delay)| {
                let ms = i64::from(i) * 2_500;
                let arrives = if late { ms + delay } else { ms };
                (arrives, sample(ms, event.0, event.1.clone()))
            });
            let mut events: Vec<_> = events.collect();
            events.sort_by_key(|(arrives, _)| *arrives);
            let mut meter = meter();
            let mut now = 0;
            for (arrives, sample) in events {
                tick(&mut meter, now, arrives);
                now = arrives;
                meter.handle_sample(sample, at(now));
            }
            tick(&mut meter, now, 20 * MINUTE);
            let rollups: Vec<_> = std::iter::from_fn(|| meter.poll_rollup()).collect();
            (rollups, meter.corrections())
        };
        prop_assert_eq!(result(true), result(false));
    }

    /// No session is counted for more time than there was.
    #[test]
    fn time_is_counted_once(events in prop::collection::vec((0..9_000_i64, what()), 1..60)) {
        let mut ms = 0;
        let events: Vec<_> = events
            .into_iter()
            .map(|(step, what)| {
                ms += step;
                (ms, what)
            })
            .collect();
        let mut meter = meter();
        let mut now = 0;
        for (ms, what) in events {
            tick(&mut meter, now, ms);
            now = ms;
            meter.handle_sample(sample(ms, 1, what), at(ms));
        }
        tick(&mut meter, now, now + 2 * MINUTE);
        for rollup in std::iter::from_fn(|| meter.poll_rollup()) {
            prop_assert!(rollup.up_ms + rollup.down_ms <= MINUTE_MS);
            if rollup.module == Module::Media {
                prop_assert!(rollup.down_ms == 0 || rollup.bad > 0);
            }
        }
    }
}
