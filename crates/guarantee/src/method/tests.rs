use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::coverage::Window;
use crate::exclusion::{Exclusion, ExclusionClass};
use crate::rollup::{Counts, Rollup, Source};

/// 2026-06-01T00:00Z; a month of 30 days.
const START: u32 = 29_671_200;
const MONTH: u32 = 30 * 1440;

fn region() -> Region {
    "eu-west".parse().expect("a region")
}

fn percent(text: &str) -> Percent {
    text.parse().expect("a share")
}

fn coverage(method: Method, floor: u64, target: &str) -> Coverage {
    Coverage {
        module: Module::Media,
        region: region(),
        method,
        guard_good_from: None,
        window: Window::Period,
        floor,
        target: percent(target),
        fee_share: Percent::ONE,
        critical: true,
    }
}

fn slices(slice_minutes: u16, good_from: &str) -> Method {
    Method::Timeslices {
        slice_minutes,
        good_from: percent(good_from),
    }
}

/// What a source says from one minute of the test to another.
type Said<'a> = (std::ops::Range<u32>, &'a str, Option<Counts>);

fn time(up_ms: u64, down_ms: u64) -> Option<Counts> {
    Some(Counts {
        up_ms,
        down_ms,
        ..Counts::default()
    })
}

fn samples(good: u64, bad: u64) -> Option<Counts> {
    Some(Counts {
        good,
        bad,
        ..Counts::default()
    })
}

fn table(said: &[Said<'_>]) -> RollupTable {
    let mut table = RollupTable::new();
    for (minutes, source, counts) in said {
        for minute in minutes.clone() {
            let source: Source = source.parse().expect("a source");
            let minute = Minute(START + minute);
            let rollup = match counts {
                Some(counts) => Rollup::new(minute, Module::Media, region(), source, *counts),
                None => Ok(Rollup::no_data(minute, Module::Media, region(), source)),
            };
            let leaf = u64::from(minute.0 - START);
            table
                .import(&rollup.expect("in bounds"), Some(leaf))
                .expect("imported");
        }
    }
    table
}

fn period(minutes: u32) -> Interval {
    Minute::span(Minute(START), Minute(START + minutes))
}

fn run(coverage: &Coverage, said: &[Said<'_>], minutes: u32) -> LineResult {
    evaluate(coverage, &table(said), period(minutes), &[]).expect("evaluated")
}

/// Rounded half up to 5 decimals of a percent, as the reference writes it.
fn shown(ratio: Ratio) -> String {
    let parts = (u128::from(ratio.num) * 20_000_000 / u128::from(ratio.den)).div_ceil(2);
    format!("{}.{:05}", parts / 100_000, parts % 100_000)
}

fn ratio(ratio: Ratio) -> (u64, u64) {
    (ratio.num, ratio.den)
}

/// Reference: 8,640 five-minute slots, 12 fail fully, 6 by half.
#[test]
fn slots_of_a_month() {
    let said = [
        (0..60, "server:a", samples(0, 100)),
        (60..90, "server:a", samples(50, 50)),
        (90..MONTH, "server:a", samples(100, 0)),
    ];
    let ratio_slices = Method::RatioTimeslices { slice_minutes: 5 };
    for (method, expected) in [(ratio_slices, "99.82639"), (slices(5, "95%"), "99.79167")] {
        let result = run(&coverage(method, 0, "99.9%"), &said, MONTH);
        assert_eq!(shown(result.attained), expected);
        assert_eq!((result.tally.good, result.tally.bad), (8_622, 18));
        assert_eq!(result.bad.parts(), [period(90)]);
        assert!(!result.met);
    }
}

/// Reference: login attempts and successes of one minute, 95 % and a floor of
/// 100 attempts.
#[test]
fn attempts_of_a_minute() {
    let line = coverage(slices(1, "95%"), 100, "99.5%");
    for (good, bad, expected) in [
        (
            99,
            0,
            Tally {
                bad: 1,
                no_data: 1,
                ..Tally::default()
            },
        ),
        (
            0,
            99,
            Tally {
                bad: 1,
                no_data: 1,
                ..Tally::default()
            },
        ),
        (
            94,
            6,
            Tally {
                bad: 1,
                ..Tally::default()
            },
        ),
        (
            95,
            5,
            Tally {
                good: 1,
                ..Tally::default()
            },
        ),
    ] {
        let result = run(&line, &[(0..1, "server:a", samples(good, bad))], 1);
        assert_eq!(result.tally, expected, "{good} {bad}");
    }
}

/// Reference: user A 120 s up and 120 s down, with 6 requests of which 2 fail; a
/// robot with one good request per second for 240 s.
#[test]
fn a_robot_does_not_hide_a_user() {
    let a_up = Counts {
        up_ms: 60_000,
        down_ms: 0,
        good: 2,
        bad: 0,
    };
    let a_down = Counts {
        up_ms: 0,
        down_ms: 60_000,
        good: 0,
        bad: 1,
    };
    let robot = Counts {
        up_ms: 60_000,
        down_ms: 0,
        good: 60,
        bad: 0,
    };
    let said = [
        (0..2, "server:a", Some(a_up)),
        (2..4, "server:a", Some(a_down)),
        (0..4, "server:robot", Some(robot)),
    ];
    for (method, expected) in [
        (Method::SessionSeconds, "75.00000"),
        (Method::Occurrences, "99.18699"),
    ] {
        let result = run(&coverage(method, 0, "99.9%"), &said, 4);
        assert_eq!(shown(result.primary), expected);
    }
}

#[test]
fn the_guard_is_used_where_it_is_worse() {
    let line = coverage(Method::SessionSeconds, 0, "99.9%");
    // The night: one session down for an hour among days of a hundred.
    let night = [
        (0..60, "server:a", time(0, 60_000)),
        (60..1440, "server:a", time(6_000_000, 0)),
    ];
    let result = run(&line, &night, 1440);
    assert_eq!(result.used, Used::Guard);
    assert_eq!(ratio(result.attained), (1380, 1440));
    assert!(result.primary.reaches(percent("99.9%")) && !result.met);
    assert_eq!(
        result.budget,
        Budget {
            allowed: 1,
            used: 60
        }
    );
    assert_eq!(result.budget.left(), -59);
    // Many minutes, each a little bad, are all good for the guard.
    let result = run(
        &line,
        &[(0..1440, "server:a", time(5_800_000, 200_000))],
        1440,
    );
    assert_eq!(result.used, Used::SessionSeconds);
    assert_eq!(shown(result.attained), "96.66667");
    // Nine tenths are not enough for it.
    let result = run(&line, &[(0..10, "server:a", time(900, 100))], 10);
    assert_eq!(result.used, Used::Guard);
    assert_eq!(ratio(result.attained), (0, 10));
}

#[test]
fn below_the_floor_probes_decide() {
    let probe = |name, good, bad| (0..10, name, samples(good, bad));
    let three_good = vec![
        probe("probe:a", 1, 0),
        probe("probe:b", 1, 0),
        probe("probe:c", 1, 0),
    ];
    let one_bad = vec![
        probe("probe:a", 1, 0),
        probe("probe:b", 1, 0),
        probe("probe:c", 0, 1),
    ];
    let two_bad = vec![
        probe("probe:a", 1, 0),
        probe("probe:b", 0, 1),
        probe("probe:c", 0, 1),
    ];
    let one_failed = vec![
        probe("probe:a", 1, 0),
        probe("probe:b", 1, 0),
        (0..10, "probe:c", None),
    ];
    let idle = (0..10, "server:a", Some(Counts::default()));
    let some = (
        0..10,
        "server:a",
        Some(Counts {
            up_ms: 600_000,
            down_ms: 0,
            good: 10,
            bad: 0,
        }),
    );
    let methods = [
        Method::SessionSeconds,
        Method::Occurrences,
        slices(5, "95%"),
        Method::RatioTimeslices { slice_minutes: 10 },
    ];
    // floor, what there was, probes, good, no data
    for (floor, server, probes, good, no_data) in [
        (0, &idle, &three_good, true, false),
        (0, &idle, &one_bad, true, false),
        (0, &idle, &two_bad, false, false),
        (0, &idle, &one_failed, false, true),
        (0, &idle, &Vec::new(), false, true),
        (1000, &some, &three_good, true, false),
        (1000, &some, &two_bad, false, false),
        (1000, &some, &Vec::new(), false, true),
        (10, &some, &two_bad, true, false),
    ] {
        let said: Vec<_> = [server.clone()]
            .into_iter()
            .chain(probes.iter().cloned())
            .collect();
        for method in methods {
            let result = run(&coverage(method, floor, "99%"), &said, 10);
            let context = format!("{method:?} {floor} {probes:?}");
            assert_eq!(result.met, good, "{context}");
            assert_eq!(result.tally.no_data > 0, no_data, "{context}");
            assert_eq!(result.tally.good == 0, !good, "{context}");
        }
    }
}

#[test]
fn missing_minutes_are_bad_at_their_weight() {
    let line = coverage(Method::SessionSeconds, 0, "99%");
    let up = |minutes, sessions: u64| (minutes, "server:a", time(sessions * 60_000, 0));
    // what is said; session-minutes up and down; minutes good and bad
    for (name, said, (up_min, down_min), (good, bad)) in [
        (
            "a gap weighs as its larger side",
            vec![up(0..4, 5), up(6..10, 7)],
            (48, 14),
            (8, 2),
        ),
        (
            "the other side",
            vec![up(0..4, 9), up(6..10, 7)],
            (64, 18),
            (8, 2),
        ),
        (
            "said or not, it is the same",
            vec![up(0..4, 5), (4..6, "server:a", None), up(6..10, 7)],
            (48, 14),
            (8, 2),
        ),
        ("the start", vec![up(3..10, 2)], (14, 6), (7, 3)),
        ("the end", vec![up(0..8, 2)], (16, 4), (8, 2)),
        ("nothing at all", vec![], (0, 10), (0, 10)),
        (
            "one server of two",
            vec![
                up(0..10, 1),
                (0..4, "server:b", time(300_000, 0)),
                (5..10, "server:b", time(60_000, 0)),
            ],
            (35, 5),
            (9, 1),
        ),
        (
            "a server that took over",
            vec![up(0..5, 2), (5..10, "server:b", time(120_000, 0))],
            (20, 0),
            (10, 0),
        ),
        (
            "nobody took over at once",
            vec![up(0..4, 2), (6..10, "server:b", time(180_000, 0))],
            (20, 6),
            (8, 2),
        ),
    ] {
        let result = run(&line, &said, 10);
        let minutes = |n: u64| n * 60_000;
        let expected = (minutes(up_min), minutes(up_min + down_min));
        assert_eq!(ratio(result.primary), expected, "{name}");
        assert_eq!((result.tally.good, result.tally.bad), (good, bad), "{name}");
    }
}

#[test]
fn a_slice_is_not_better_than_what_is_known_of_it() {
    let said = [
        (0..4, "server:a", samples(100, 0)),
        (5..10, "server:a", samples(100, 0)),
    ];
    let result = run(&coverage(slices(5, "95%"), 0, "99%"), &said, 10);
    assert_eq!((result.tally.good, result.tally.bad), (1, 1));
    let method = Method::RatioTimeslices { slice_minutes: 5 };
    let result = run(&coverage(method, 0, "99%"), &said, 10);
    assert_eq!(shown(result.attained), "90.00000");
}

#[test]
fn receipts_count_where_they_are_worse() {
    let line = coverage(Method::SessionSeconds, 0, "99%");
    for (receipts, expected) in [
        (time(50_000, 10_000), (50_000, 60_000)),
        (time(10_000, 0), (58_000, 60_000)),
        (time(0, 1_000), (58_000, 60_000)),
        (time(60_000, 60_000), (60_000, 120_000)),
    ] {
        let said = [
            (0..1, "server:a", time(58_000, 2_000)),
            (0..1, "receipts:a", receipts),
        ];
        let result = run(&line, &said, 1);
        assert_eq!(ratio(result.primary), expected);
    }
}

fn maintenance(from_s: i64, to_s: i64) -> ValidExclusion {
    let at = |s: i64| Timestamp::from_second(i64::from(START) * 60 + s).expect("in range");
    let interval = Interval {
        start: at(from_s),
        end: at(to_s),
    };
    let exclusion = Exclusion {
        class: ExclusionClass::Maintenance,
        declared_at: at(-1000),
        interval,
        module: None,
        region: None,
        approved_by: "ops".to_owned(),
        log_index: Some(1),
        contracts: Vec::new(),
    };
    ValidExclusion {
        counted: interval.into(),
        exclusion,
    }
}

#[test]
fn excluded_minutes_leave_both_sides() {
    let said = [
        (0..10, "server:a", time(60_000, 0)),
        (2..4, "server:b", time(0, 60_000)),
    ];
    let line = coverage(Method::SessionSeconds, 0, "99%");
    let table = table(&said);
    for (exclusions, expected, left_out) in [
        (vec![], (600_000, 720_000), 0),
        (vec![maintenance(120, 240)], (480_000, 480_000), 2),
        // Begun minutes are not left out.
        (vec![maintenance(121, 240)], (540_000, 600_000), 1),
        (vec![maintenance(121, 239)], (600_000, 720_000), 0),
        // Two that meet in a minute leave it out together.
        (
            vec![maintenance(120, 150), maintenance(150, 240)],
            (480_000, 480_000),
            2,
        ),
        (vec![maintenance(-600, 6_000)], (0, 0), 10),
    ] {
        let result = evaluate(&line, &table, period(10), &exclusions).expect("evaluated");
        assert_eq!(ratio(result.primary), expected);
        assert_eq!(result.tally.excluded_minutes, left_out);
        if left_out == 10 {
            assert!(result.met && result.attained.known().is_none());
        }
    }
    let mut elsewhere = maintenance(120, 240);
    elsewhere.exclusion.module = Some(Module::Join);
    let result = evaluate(&line, &table, period(10), &[elsewhere]).expect("evaluated");
    assert_eq!(result.tally.excluded_minutes, 0);
}

/// A source that dies while another one reports costs nothing, unless the log
/// expects it.
#[test]
fn a_source_that_has_started_counts_until_it_is_retired() {
    let said = [
        (0..10, "server:a", time(120_000, 0)),
        (0..2, "server:b", time(60_000, 0)),
    ];
    let b = "server:b".parse().expect("a source");
    let c = "server:c".parse().expect("a source");
    let line = coverage(Method::SessionSeconds, 0, "99%");
    let attained = |table: &RollupTable| {
        let result = evaluate(&line, table, period(10), &[]).expect("evaluated");
        (result.primary.num / 60_000, result.primary.den / 60_000)
    };
    let mut table = table(&said);
    assert_eq!(attained(&table), (22, 22));
    let early = Minute(START - 100).start();
    table
        .start(Module::Media, &region(), &b, early)
        .expect("room");
    assert_eq!(attained(&table), (22, 30));
    // Twice is once.
    table
        .start(Module::Media, &region(), &b, Minute(START + 5).start())
        .expect("room");
    assert_eq!(attained(&table), (22, 30));
    table.retire(&b, Minute(START + 5).start());
    assert_eq!(attained(&table), (22, 25));
    // One that never said anything weighs one session.
    table
        .start(Module::Media, &region(), &c, Minute(START + 7).start())
        .expect("room");
    assert_eq!(attained(&table), (22, 28));
    table.retire(&c, Minute(START + 7).start());
    assert_eq!(attained(&table), (22, 25));
    // Elsewhere nothing is expected of it.
    table
        .start(Module::Join, &region(), &c, early)
        .expect("room");
    assert_eq!(attained(&table), (22, 25));
}

/// The quiet minutes beside a peak are not what its silence weighs.
#[test]
fn silence_of_an_expected_source_weighs_the_median_at_least() {
    let said = [
        (0..6, "server:a", time(600_000, 0)),
        (6..7, "server:a", time(60_000, 0)),
        (8..9, "server:a", time(60_000, 0)),
    ];
    let line = coverage(Method::SessionSeconds, 0, "99%");
    let down = |table: &RollupTable| {
        let result = evaluate(&line, table, period(9), &[]).expect("evaluated");
        (result.primary.den - result.primary.num) / 60_000
    };
    let mut table = table(&said);
    assert_eq!(down(&table), 1);
    let a = "server:a".parse().expect("a source");
    table
        .start(Module::Media, &region(), &a, Minute(START).start())
        .expect("room");
    assert_eq!(down(&table), 10);
}

#[test]
fn the_guard_can_be_stricter_than_95_percent() {
    let said = [(0..10, "server:a", time(97_000, 3_000))];
    let mut line = coverage(Method::SessionSeconds, 0, "99%");
    assert_eq!(run(&line, &said, 10).used, Used::SessionSeconds);
    line.guard_good_from = Some(percent("98%"));
    let result = run(&line, &said, 10);
    assert_eq!((result.used, result.attained.num), (Used::Guard, 0));
}

#[test]
fn leaves_are_passed_on() {
    let said = [
        (0..4, "server:a", time(60_000, 0)),
        (4..6, "server:a", time(0, 60_000)),
        (6..7, "server:a", time(60_000, 0)),
        (7..8, "server:a", time(0, 60_000)),
        (8..9, "server:a", time(60_000, 0)),
    ];
    let result = run(&coverage(Method::SessionSeconds, 0, "99%"), &said, 9);
    let range = |first, last| LeafRange { first, last };
    assert_eq!(result.leaves, Some(range(0, 8)));
    assert_eq!(result.bad_leaves, [range(4, 5), range(7, 7)]);
}

#[test]
fn a_minute_burns_as_it_is_evaluated() {
    let probes =
        |good, bad| ["probe:a", "probe:b", "probe:c"].map(|name| (0..1, name, samples(good, bad)));
    let idle = (0..1, "server:a", Some(Counts::default()));
    let half = (0..1, "server:a", time(30_000, 30_000));
    let counted = |good, bad| Burned::Counted { good, bad };
    for (floor, server, probes, expected) in [
        (0, None, probes(1, 0).to_vec(), Burned::NoData),
        (0, Some((0..1, "server:a", None)), vec![], Burned::NoData),
        (0, Some(idle.clone()), vec![], counted(0, 0)),
        (
            0,
            Some(idle.clone()),
            probes(1, 0).to_vec(),
            counted(60_000, 0),
        ),
        (0, Some(idle), probes(0, 1).to_vec(), counted(0, 60_000)),
        (
            0,
            Some(half.clone()),
            probes(0, 1).to_vec(),
            counted(30_000, 30_000),
        ),
        (
            9,
            Some(half),
            probes(0, 1).to_vec(),
            counted(30_000, 90_000),
        ),
    ] {
        let said: Vec<_> = server.into_iter().chain(probes).collect();
        let line = coverage(Method::SessionSeconds, floor, "99%");
        assert_eq!(
            burned(&line, &table(&said), Minute(START)),
            expected,
            "{said:?}"
        );
    }
}

#[test]
fn what_cannot_be_evaluated_is_an_error() {
    let line = coverage(slices(7, "95%"), 0, "99%");
    let table = RollupTable::new();
    let verdict = |line: &Coverage, period| evaluate(line, &table, period, &[]).map(|_| ());
    assert_eq!(verdict(&line, period(10)), Err(EvaluateError::Slice(7)));
    assert_eq!(
        verdict(&line, period(0)),
        Err(EvaluateError::EmptyPeriod(period(0)))
    );
    let long = period(11 * 366 * 1440);
    assert_eq!(verdict(&line, long), Err(EvaluateError::LongPeriod(long)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// More downtime, or a good minute gone, never gives a better result,
    /// whatever the method.
    #[test]
    fn more_downtime_is_never_better(
        minutes in prop::collection::vec((0..9_u64, 0..9_u64), 1..40),
        worse in any::<prop::sample::Index>(),
        gone in any::<bool>(),
        method in prop::sample::select(vec![
            Method::SessionSeconds,
            Method::Occurrences,
            slices(5, "95%"),
            Method::RatioTimeslices { slice_minutes: 5 },
        ]),
    ) {
        let said = |minutes: &[Option<(u64, u64)>]| -> LineResult {
            let said: Vec<Said<'_>> = (0..)
                .zip(minutes)
                .map(|(i, minute)| {
                    let counts = minute.map(|(good, bad)| Counts {
                        up_ms: good * 60_000,
                        down_ms: bad * 60_000,
                        good,
                        bad,
                    });
                    (i..i + 1, "server:a", counts)
                })
                .collect();
            run(&coverage(method, 0, "99%"), &said, said.len() as u32)
        };
        let mut minutes: Vec<_> = minutes.into_iter().map(|(good, bad)| Some((good + 1, bad))).collect();
        let at = worse.index(minutes.len());
        if gone {
            // What a bad minute was is not known once it is gone; that a good
            // one is gone is never better.
            minutes[at] = minutes[at].map(|(good, _)| (good, 0));
        }
        let before = said(&minutes);
        minutes[at] = minutes[at].map(|(good, bad)| (good - 1, bad + 1)).filter(|_| !gone);
        let after = said(&minutes);
        prop_assert_ne!(after.attained.compare(before.attained), std::cmp::Ordering::Greater);
        prop_assert!(after.tally.good <= before.tally.good);
    }

    /// To leave a minute out never pays in the guard, and in session time only
    /// where its downtime is more than it weighs.
    #[test]
    fn reporting_is_never_worse_than_omitting(
        minutes in prop::collection::vec((0..9_u64, 0..9_u64), 2..40),
        at in any::<prop::sample::Index>(),
        expected in any::<bool>(),
    ) {
        let length = minutes.len() as u32;
        let at = at.index(minutes.len());
        let line = coverage(Method::SessionSeconds, 0, "99%");
        let result = |omitted: Option<usize>| {
            let said: Vec<Said<'_>> = (0..)
                .zip(&minutes)
                .filter(|(i, _)| omitted != Some(*i as usize))
                .map(|(i, &(up, down))| {
                    let counts = Counts { up_ms: up * 60_000, down_ms: down * 60_000, ..Counts::default() };
                    (i..i + 1, "server:a", Some(counts))
                })
                .collect();
            let mut table = table(&said);
            if expected {
                let source = "server:a".parse().expect("a source");
                table.start(Module::Media, &region(), &source, Minute(START).start()).expect("room");
            }
            evaluate(&line, &table, period(length), &[]).expect("evaluated")
        };
        let (reported, omitted) = (result(None), result(Some(at)));
        let guard = |r: &LineResult| r.guard.expect("a guard");
        prop_assert_ne!(guard(&omitted).compare(guard(&reported)), std::cmp::Ordering::Greater);
        let load = |i: Option<usize>| i.and_then(|i| minutes.get(i)).map_or(0, |m| m.0 + m.1);
        let weight = load(at.checked_sub(1)).max(load(Some(at + 1))).max(1);
        if minutes[at].1 <= weight {
            prop_assert_ne!(omitted.attained.compare(reported.attained), std::cmp::Ordering::Greater);
        }
    }

    #[test]
    fn the_order_of_rollups_is_nothing(order in Just((0..30_u32).collect::<Vec<_>>()).prop_shuffle()) {
        let rollup = |minute: u32| {
            let down = u64::from(minute % 7) * 1000;
            let counts = Counts { up_ms: 60_000 - down, down_ms: down, good: 1, bad: 0 };
            let source = Source::Server("a".to_owned());
            Rollup::new(Minute(START + minute), Module::Media, region(), source, counts)
        };
        let line = coverage(Method::SessionSeconds, 0, "99%");
        let result = |order: &[u32]| {
            let mut table = RollupTable::new();
            for &minute in order {
                table.import(&rollup(minute).expect("in bounds"), None).expect("imported");
            }
            let result = evaluate(&line, &table, period(30), &[]).expect("evaluated");
            serde_json::to_string(&result).expect("written")
        };
        prop_assert_eq!(result(&order), result(&(0..30).collect::<Vec<_>>()));
    }
}
