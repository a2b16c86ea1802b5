use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn span(start: &str, end: &str) -> Interval {
    Interval::new(at(start), at(end)).expect("in order")
}

fn minute_span(start: i64, minutes: i64) -> Interval {
    let at = |m: i64| Timestamp::from_second(m * 60).expect("in range");
    Interval {
        start: at(start),
        end: at(start + minutes),
    }
}

fn exclusion(declared_at: Timestamp, interval: Interval, log_index: u64) -> Exclusion {
    Exclusion {
        class: ExclusionClass::Maintenance,
        declared_at,
        interval,
        module: None,
        region: None,
        approved_by: "ops".to_owned(),
        log_index: Some(log_index),
        contracts: Vec::new(),
    }
}

fn policy(notice_s: u64, cap_s: Option<u64>) -> ExclusionPolicy {
    let rule = ClassRule { notice_s, cap_s };
    ExclusionPolicy([(ExclusionClass::Maintenance, rule)].into())
}

/// Reference, worked examples: 48 hours' notice needed, a month of 30 days.
#[test]
fn maintenance_counts_only_with_its_notice() {
    let month = span("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z");
    let down: IntervalSet = [
        span("2026-06-10T01:50:00Z", "2026-06-10T02:40:00Z"),
        span("2026-06-10T02:10:00Z", "2026-06-10T02:40:00Z"),
        span("2026-06-10T10:00:00Z", "2026-06-10T10:20:00Z"),
    ]
    .into_iter()
    .collect();
    let maintenance = span("2026-06-10T02:00:00Z", "2026-06-10T04:00:00Z");
    // declared, minutes down, availability rounded half up to 5 decimals
    for (declared, minutes, availability) in [
        ("2026-06-08T02:00:00Z", 30, 9_993_036),
        ("2026-06-08T14:00:00Z", 70, 9_983_796),
    ] {
        let declared = exclusion(at(declared), maintenance, 7);
        let valid: Vec<ValidExclusion> = judge(&[declared], &policy(48 * 3600, None), month)
            .into_iter()
            .flatten()
            .collect();
        let region = "eu-west".parse().expect("a region");
        let excluded = excluded(&valid, Module::Media, &region);
        let counted = counted_downtime(&down, &excluded, month);
        assert_eq!(counted.down_ms, minutes * 60_000);
        let share = counted.availability();
        let rounded = (u128::from(share.num) * 20_000_000 / u128::from(share.den)).div_ceil(2);
        assert_eq!(rounded, availability);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let month = span("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z");
    let good = exclusion(at("2026-06-01T00:00:00Z"), minute_span(29_682_000, 60), 1);
    let cases = [
        (
            Exclusion {
                class: ExclusionClass::AbovePeak,
                ..good.clone()
            },
            Invalid::ClassNotAllowed(ExclusionClass::AbovePeak),
        ),
        (
            Exclusion {
                log_index: None,
                contracts: Vec::new(),
                ..good.clone()
            },
            Invalid::NotLogged,
        ),
        (
            Exclusion {
                declared_at: good.interval.end,
                ..good.clone()
            },
            Invalid::ShortNotice {
                given_s: -3600,
                needed_s: 60,
            },
        ),
        (
            Exclusion {
                interval: minute_span(29_682_000, 0),
                ..good.clone()
            },
            Invalid::Empty,
        ),
        (
            Exclusion {
                interval: minute_span(39_682_000, 9),
                ..good.clone()
            },
            Invalid::OutsidePeriod,
        ),
    ];
    for (exclusion, expected) in cases {
        let verdict = judge(&[exclusion], &policy(60, None), month);
        assert_eq!(verdict, [Err(expected)]);
    }
}

#[test]
fn a_cap_is_used_in_the_order_of_the_log() {
    let month = span("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z");
    let start = month.start.as_second() / 60;
    let declare = |from: i64, minutes: i64, index: u64| {
        exclusion(month.start, minute_span(start + from, minutes), index)
    };
    // 100 minutes may be used; given in another order than logged.
    let given = [
        declare(500, 90, 3),
        declare(100, 60, 1),
        declare(130, 60, 2),
        declare(110, 10, 9),
    ];
    let verdicts = judge(&given, &policy(0, Some(6_000)), month);
    let minutes: Vec<_> = verdicts
        .iter()
        .map(|v| v.as_ref().map(|v| v.counted.nanos() / 60_000_000_000))
        .collect();
    // 60, then 30 new ones beside 30 known ones, then the last 10; what is
    // already out may be declared again.
    assert_eq!(minutes, [Ok(10), Ok(60), Ok(60), Ok(10)]);
    let more = judge(
        &[&given[..], &[declare(900, 5, 10)]].concat(),
        &policy(0, Some(6_000)),
        month,
    );
    assert_eq!(more[4], Err(Invalid::CapUsed { cap_s: 6_000 }));
}

proptest! {
    #[test]
    fn a_cap_holds_and_order_of_giving_is_nothing(
        spans in prop::collection::vec((0..2_000_i64, 1..200_i64), 1..12),
        cap_s in 0..30_000_u64,
    ) {
        let month = minute_span(0, 2_100);
        let mut given: Vec<Exclusion> = spans
            .iter()
            .zip(0..)
            .map(|(&(from, minutes), index)| {
                exclusion(month.start, minute_span(from, minutes), index)
            })
            .collect();
        let verdicts = judge(&given, &policy(0, Some(cap_s)), month);
        let all: IntervalSet = verdicts
            .iter()
            .flatten()
            .flat_map(|v| v.counted.parts().iter().copied())
            .collect();
        prop_assert!(all.nanos() <= u128::from(cap_s) * 1_000_000_000);
        given.reverse();
        let mut reversed = judge(&given, &policy(0, Some(cap_s)), month);
        reversed.reverse();
        prop_assert_eq!(verdicts, reversed);
    }
}
