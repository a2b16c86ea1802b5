use super::*;
use proptest::prelude::*;

fn hours(zone: &str, days: &[Day], spans: &[&str], holidays: &[&str]) -> BusinessHours {
    BusinessHours {
        zone: zone.to_owned(),
        hours: vec![Hours {
            days: days.to_vec(),
            spans: spans.iter().map(|s| s.parse().expect("a span")).collect(),
        }],
        holidays: holidays
            .iter()
            .map(|d| d.parse().expect("a date"))
            .collect(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

const WEEK: [Day; 5] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
const ALL: [Day; 7] = [
    Day::Mon,
    Day::Tue,
    Day::Wed,
    Day::Thu,
    Day::Fri,
    Day::Sat,
    Day::Sun,
];

/// Zone, days, spans, holidays, from, minutes, the instant after them.
type Row<'a> = (
    &'a str,
    &'a [Day],
    &'a [&'a str],
    &'a [&'a str],
    &'a str,
    i64,
    &'a str,
);

/// The first two rows are the reference's.
const AFTER: [Row<'_>; 11] = [
    (
        "America/New_York",
        &WEEK,
        &["09:00-17:00"],
        &[],
        "2026-03-06T21:00:00Z",
        480,
        "2026-03-09T20:00:00Z",
    ),
    (
        "Europe/Berlin",
        &WEEK,
        &["09:00-12:00", "13:00-18:00"],
        &[],
        "2026-05-04T09:30:00Z",
        120,
        "2026-05-04T12:30:00Z",
    ),
    // A holiday is skipped.
    (
        "Europe/Berlin",
        &WEEK,
        &["09:00-17:00"],
        &["2026-12-25"],
        "2026-12-24T15:00:00Z",
        120,
        "2026-12-28T09:00:00Z",
    ),
    // Exactly at closing time it is over; nothing waits for the next morning.
    (
        "UTC",
        &WEEK,
        &["09:00-17:00"],
        &[],
        "2026-05-04T09:00:00Z",
        480,
        "2026-05-04T17:00:00Z",
    ),
    // From outside the hours.
    (
        "UTC",
        &WEEK,
        &["09:00-17:00"],
        &[],
        "2026-05-02T03:00:00Z",
        1,
        "2026-05-04T09:01:00Z",
    ),
    (
        "UTC",
        &WEEK,
        &["09:00-17:00"],
        &[],
        "2026-05-02T03:00:00Z",
        0,
        "2026-05-02T03:00:00Z",
    ),
    // The hour from 2 to 3 is skipped on 29 March: 1 to 4 has two hours.
    (
        "Europe/Berlin",
        &ALL,
        &["01:00-04:00"],
        &[],
        "2026-03-29T00:00:00Z",
        120,
        "2026-03-29T02:00:00Z",
    ),
    // A span that begins within the skipped hour begins at the jump.
    (
        "Europe/Berlin",
        &ALL,
        &["02:30-04:00"],
        &[],
        "2026-03-28T23:00:00Z",
        60,
        "2026-03-29T02:00:00Z",
    ),
    // The hour from 2 to 3 comes twice on 25 October: 1 to 4 has four hours.
    (
        "Europe/Berlin",
        &ALL,
        &["01:00-04:00"],
        &[],
        "2026-10-24T23:00:00Z",
        240,
        "2026-10-25T03:00:00Z",
    ),
    // Overnight, in two spans that meet at midnight.
    (
        "Asia/Shanghai",
        &ALL,
        &["00:00-02:00", "22:00-24:00"],
        &[],
        "2026-05-04T14:00:00Z",
        180,
        "2026-05-04T17:00:00Z",
    ),
    // Summer time takes midnight away in Cairo on 24 April.
    (
        "Africa/Cairo",
        &ALL,
        &["00:00-02:00"],
        &[],
        "2026-04-23T22:00:00Z",
        60,
        "2026-04-23T23:00:00Z",
    ),
];

#[test]
fn business_time_is_added() {
    for (zone, days, spans, holidays, from, minutes, expected) in AFTER {
        let calendar = hours(zone, days, spans, holidays).compile().expect(zone);
        let amount = SignedDuration::from_mins(minutes);
        let after = calendar.after(at(from), amount).expect("within 100 years");
        assert_eq!(after, at(expected), "{zone} {spans:?} {from}");
        assert_eq!(calendar.between(at(from), after), amount, "{zone} {from}");
    }
}

#[test]
fn what_is_wrong_with_hours_is_said_once() {
    for (zone, spans, expected) in [
        (
            "Europe/Berln",
            &["09:00-17:00"][..],
            "`Europe/Berln` is not a time zone of the IANA database ",
        ),
        (
            "UTC",
            &["09:00-13:00", "12:00-17:00"],
            "the spans 09:00-13:00 and 12:00-17:00 overlap",
        ),
        (
            "UTC",
            &["09:00-09:00", "10:00-11:00"],
            "the span 09:00-09:00 is empty",
        ),
        ("UTC", &[], "the calendar has no hours at all"),
    ] {
        let problems = hours(zone, &WEEK, spans, &[]).problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let text = problems[0].to_string();
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn a_span_is_read_strictly() {
    for text in [
        "9:00-17:00",
        "09:00",
        "09:60-10:00",
        "09:00-24:01",
        "",
        "aa:bb-cc:dd",
    ] {
        assert!(text.parse::<DaySpan>().is_err(), "{text}");
    }
    let span: DaySpan = "22:00-24:00".parse().expect("a span");
    assert_eq!(span.to_string(), "22:00-24:00");
}

/// Some calendars with changes of the clock within a few years.
pub(crate) fn some_calendar() -> impl Strategy<Value = Calendar> {
    let zones = vec![
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Kolkata",
    ];
    let business = (
        prop::sample::select(zones),
        prop::collection::btree_set(0_u16..=48, 2..8),
        prop::collection::vec(0_i32..1_000, 0..20),
    )
        .prop_map(|(zone, half_hours, holidays)| {
            let marks: Vec<u16> = half_hours.into_iter().map(|h| h * 30).collect();
            let spans = marks.chunks_exact(2).map(|pair| DaySpan {
                from: pair[0],
                to: pair[1],
            });
            let day = |n: i32| {
                let first = jiff::civil::date(2026, 1, 1);
                first.saturating_add(jiff::Span::new().days(n))
            };
            let hours = BusinessHours {
                zone: zone.to_owned(),
                hours: vec![Hours {
                    days: WEEK.to_vec(),
                    spans: spans.collect(),
                }],
                holidays: holidays.into_iter().map(day).collect(),
            };
            hours.compile().expect("hours")
        });
    prop_oneof![1 => Just(Calendar::Always), 4 => business]
}

/// An instant of 2026 or 2027.
pub(crate) fn some_instant() -> impl Strategy<Value = Timestamp> {
    (1_767_225_600_i64..1_830_297_600).prop_map(|s| Timestamp::from_second(s).expect("an instant"))
}

proptest! {
    #[test]
    fn between_adds_up(
        calendar in some_calendar(),
        mut instants in prop::collection::vec(some_instant(), 3),
    ) {
        instants.sort_unstable();
        let [a, b, c] = [instants[0], instants[1], instants[2]];
        prop_assert_eq!(calendar.between(a, b) + calendar.between(b, c), calendar.between(a, c));
        prop_assert!(calendar.between(a, c) <= c.duration_since(a));
    }

    #[test]
    fn after_is_the_first_instant_with_that_much(
        calendar in some_calendar(),
        from in some_instant(),
        minutes in 1_i64..20_000,
    ) {
        let amount = SignedDuration::from_mins(minutes);
        let after = calendar.after(from, amount).expect("within 100 years");
        prop_assert_eq!(calendar.between(from, after), amount);
        let earlier = after - SignedDuration::from_nanos(1);
        prop_assert!(calendar.between(from, earlier) < amount);
    }
}
