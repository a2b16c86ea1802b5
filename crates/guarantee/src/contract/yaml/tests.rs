use super::*;
use crate::contract::Contract;
use crate::contract::plan::Plan;

/// The first problem of the entry plan with one line changed.
fn problem(from: &str, to: &str) -> String {
    let text = Plan::Entry.yaml();
    assert!(text.contains(from), "{from}");
    let text = text.replacen(from, to, 1);
    let error = load::<Contract>(&text).expect_err(to);
    error.in_file("x.contract.yaml")
}

#[test]
fn what_does_not_fit_is_named_with_its_place_and_a_hint() {
    for (from, to, expected) in [
        (
            "version: 1",
            "versoin: 1",
            "x.contract.yaml:4:1: error: versoin: there is no such key; did you mean `version`?",
        ),
        (
            "floor: 10, target: 99.5%, fee_share: 20%",
            "floor: 10, traget: 99.5%, fee_share: 20%",
            "x.contract.yaml:16:78: error: coverage[1].traget: there is no such key; did you mean `target`?",
        ),
        (
            "target: 99.5%, fee_share: 20%",
            "target: 99.5, fee_share: 20%",
            "x.contract.yaml:16:86: error: coverage[1].target: a number with decimals; \
             write money as text (\"1200.50\"), shares with a percent sign (99.95%)",
        ),
        (
            "target: 99.5%, fee_share: 20%",
            "target: 101%, fee_share: 20%",
            "x.contract.yaml:16:86: error: coverage[1].target: `101%` is not a share: write it \
             like `99.95%`, from 0% to 100%, with at most 6 decimals",
        ),
        (
            "alignment: calendar",
            "alignment: calender",
            "x.contract.yaml:13:59: error: term.alignment: `calender` is not possible here; \
             did you mean `calendar`?",
        ),
        (
            "    - {at: 50%, to: lead}",
            "    - {at: 50%, to: boss}",
            "x.contract.yaml:33:21: error: support.escalation[0].to: `boss` is not possible here; \
             possible: lead, account_manager, expert",
        ),
        (
            "tzdb: 2026f",
            "tzdb: 2026",
            "x.contract.yaml:48:7: error: tzdb: invalid type: integer `2026`, expected a string; \
             put it in quotes",
        ),
        (
            "tzdb: 2026f",
            "",
            "x.contract.yaml:3:1: error: `tzdb` is missing; add `tzdb:`",
        ),
        (
            "slice_minutes: 5, good_from: 95%",
            "slice_minutes: 5",
            "x.contract.yaml:15:5: error: coverage[0]: `good_from` is missing: say from which \
             share of good samples a slice is good",
        ),
        (
            "module: signalling, region: global",
            "module: signalling, slice_minutes: 5, region: global",
            "x.contract.yaml:16:41: error: coverage[1].slice_minutes: `slice_minutes` does not \
             belong to this method: it is for timeslices and ratio-timeslices",
        ),
    ] {
        assert_eq!(problem(from, to), expected);
    }
    let date = problem("start: 2026-12-01", "start: 2027-02-29");
    assert!(
        date.starts_with("x.contract.yaml:13:25: error: term.start: "),
        "{date}"
    );
    let span = problem("\"13:00-18:00\"", "\"13:00\"");
    let place = "x.contract.yaml:24:68: error: support.calendars.office.hours[0].spans[1]: ";
    assert!(span.starts_with(place), "{span}");
    let twice = problem("version: 1", "version: 1\nversion: 2");
    assert!(
        twice.starts_with("x.contract.yaml:5:1: error: not readable as YAML"),
        "{twice}"
    );
    let tier = problem("{below: 99%, credit: 25%}", "{below: 99%, credit: a lot}");
    assert!(tier.contains("remedies.scheme.tiers[1].credit"), "{tier}");
}

#[test]
fn a_file_cannot_grow_in_memory() {
    let bomb = "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n\
                c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n\
                e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    let deep = format!("a: {}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let long = format!("a: {}", "x".repeat(MAX_BYTES));
    let many = "- 1\n".repeat(MAX_NODES + 1);
    for text in [
        bomb,
        &deep,
        &long,
        &many,
        "a: *nowhere",
        "\u{0}",
        "? [a]: b",
        "",
        "---\n---\n",
    ] {
        let error = load::<Contract>(text).expect_err("refused");
        assert!(!error.what.is_empty());
    }
}

#[test]
fn all_documents_of_a_file_have_places() {
    let (all, places) = load_all("a: 1\n---\nb: [x, y]\n").expect("two documents");
    assert_eq!(all.len(), 2);
    assert_eq!(places.of("[1].b[1]"), Place { line: 3, column: 8 });
}
