use super::*;
use proptest::prelude::*;

fn term(kind: TermKind, start: &str, end: Option<&str>, alignment: Alignment) -> Term {
    Term {
        kind,
        start: start.parse().expect("a date"),
        end: end.map(|e| e.parse().expect("a date")),
        zone: "UTC".to_owned(),
        alignment,
    }
}

fn days(term: &Term) -> Vec<(u32, u32)> {
    let periods = term.periods().expect("periods");
    periods.iter().map(|p| (p.days, p.month_days)).collect()
}

/// Start, end, alignment; days and month days of each period.
type Row<'a> = (&'a str, &'a str, Alignment, &'a [(u32, u32)]);

/// The reference's row of 2026-03-17, and what follows from the same rules.
#[test]
fn a_term_is_cut_into_periods() {
    use Alignment::{Anniversary, Calendar, NextMonth};
    let table: [Row<'_>; 8] = [
        (
            "2026-03-17",
            "2026-06-17",
            Calendar,
            &[(15, 31), (30, 30), (31, 31), (16, 30)],
        ),
        (
            "2026-03-17",
            "2026-06-17",
            Anniversary,
            &[(31, 31), (30, 30), (31, 31)],
        ),
        (
            "2026-03-17",
            "2026-06-17",
            NextMonth,
            &[(30, 30), (31, 31), (16, 30)],
        ),
        ("2026-03-01", "2026-05-01", NextMonth, &[(31, 31), (30, 30)]),
        // The 31st comes back after months that have none.
        (
            "2026-01-31",
            "2026-05-31",
            Anniversary,
            &[(28, 28), (31, 31), (30, 30), (31, 31)],
        ),
        // Ends within an anniversary month.
        (
            "2026-03-17",
            "2026-04-27",
            Anniversary,
            &[(31, 31), (10, 30)],
        ),
        ("2026-03-17", "2026-03-18", Calendar, &[(1, 31)]),
        (
            "2028-02-29",
            "2028-03-30",
            Anniversary,
            &[(29, 29), (1, 31)],
        ),
    ];
    for (start, end, alignment, expected) in table {
        let term = term(TermKind::Custom, start, Some(end), alignment);
        assert_eq!(days(&term), expected, "{start} {end} {alignment:?}");
    }
    let unsettled = term(
        TermKind::Custom,
        "2026-03-17",
        Some("2026-06-17"),
        NextMonth,
    );
    assert_eq!(unsettled.unsettled_days(), Ok(15));
}

/// The reference's minutes of months, two of them with a change of the clock.
#[test]
fn months_have_their_minutes() {
    for (zone, start, end, minutes) in [
        ("UTC", "2026-02-01", "2026-03-01", 40_320),
        ("UTC", "2026-10-01", "2026-11-01", 44_640),
        ("America/New_York", "2026-03-01", "2026-04-01", 44_580),
        ("America/New_York", "2026-11-01", "2026-12-01", 43_260),
    ] {
        let mut term = term(TermKind::Custom, start, Some(end), Alignment::Calendar);
        zone.clone_into(&mut term.zone);
        let periods = term.periods().expect("periods");
        assert_eq!(periods.len(), 1);
        assert_eq!(periods[0].minutes(), minutes, "{zone} {start}");
    }
}

#[test]
fn years_end_on_the_same_day() {
    for (kind, start, end, expected) in [
        (TermKind::OneYear, "2026-03-17", None, "2027-03-17"),
        (TermKind::ThreeYears, "2026-03-17", None, "2029-03-17"),
        (
            TermKind::OneYear,
            "2026-03-17",
            Some("2027-03-17"),
            "2027-03-17",
        ),
        (
            TermKind::OneYear,
            "2028-02-29",
            Some("2029-02-28"),
            "2029-02-28",
        ),
        (
            TermKind::OneYear,
            "2028-02-29",
            Some("2029-03-01"),
            "2029-03-01",
        ),
        (
            TermKind::Custom,
            "2028-02-29",
            Some("2032-02-29"),
            "2032-02-29",
        ),
    ] {
        let term = term(kind, start, end, Alignment::Calendar);
        assert_eq!(term.end_exclusive(), Ok(expected.parse().expect("a date")));
    }
}

#[test]
fn a_term_that_is_none_says_why() {
    for (kind, start, end, expected) in [
        (
            TermKind::Custom,
            "2026-03-17",
            None,
            "a custom term needs `end`, the first day after it",
        ),
        (
            TermKind::Custom,
            "2026-03-17",
            Some("2026-03-17"),
            "the term ends on 2026-03-17 (exclusive), not after its start 2026-03-17",
        ),
        (
            TermKind::Custom,
            "2026-03-17",
            Some("2206-03-18"),
            "the term is longer than 100 years",
        ),
        (
            TermKind::OneYear,
            "2026-03-17",
            Some("2027-03-16"),
            "1 year(s) from 2026-03-17 end on 2027-03-17 (exclusive), not on 2027-03-16",
        ),
        (
            TermKind::ThreeYears,
            "2028-02-29",
            None,
            "3 year(s) from 2028-02-29 would end on a 29 February that does not exist; \
             write `end: 2031-02-28` or `end: 2031-03-01` (the first day after the term)",
        ),
        (
            TermKind::OneYear,
            "9999-12-01",
            None,
            "the term is longer than 100 years",
        ),
    ] {
        let term = term(kind, start, end, Alignment::Calendar);
        let error = term.periods().expect_err(expected);
        assert_eq!(error.to_string(), expected);
    }
    let mut nowhere = term(TermKind::OneYear, "2026-03-17", None, Alignment::Calendar);
    nowhere.zone = "Europe/Berln".to_owned();
    assert!(nowhere.periods().is_err());
}

proptest! {
    #[test]
    fn periods_meet_and_fill_the_settled_term(
        start in 0_i32..20_000,
        length in 1_i32..2_000,
        alignment in prop::sample::select(vec![
            Alignment::Calendar, Alignment::Anniversary, Alignment::NextMonth,
        ]),
        zone in prop::sample::select(vec!["UTC", "America/Sao_Paulo", "Asia/Kolkata"]),
    ) {
        let day = |n: i32| jiff::civil::date(1995, 1, 1).saturating_add(Span::new().days(n));
        let term = Term {
            kind: TermKind::Custom,
            start: day(start),
            end: Some(day(start + length)),
            zone: zone.to_owned(),
            alignment,
        };
        let periods = term.periods().expect("periods");
        let unsettled = term.unsettled_days().expect("a term");
        let total: u32 = periods.iter().map(|p| p.days).sum();
        prop_assert_eq!(total + unsettled, u32::try_from(length).unwrap());
        prop_assert!(periods.windows(2).all(|p| p[0].interval.end == p[1].interval.start));
        prop_assert!(periods.iter().all(|p| p.days >= 1 && p.days <= p.month_days));
        if let Some(last) = periods.last() {
            prop_assert_eq!(last.interval.end, term.interval().expect("a term").end);
        }
    }
}
