use crate::contract::Contract;
use crate::contract::plan::Plan;
use crate::contract::problem::Problem;

/// All problems of a plan with some lines changed.
fn problems(plan: Plan, changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = plan.yaml().to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let problems = match Contract::from_yaml(&text) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    problems.iter().map(Problem::to_string).collect()
}

/// What is changed in the entry plan, and what comes of it.
const ENTRY: &[(&str, &str, &str)] = &[
    // Coverage.
    (
        "module: signalling",
        "module: join",
        "16:5: error: coverage[1]: `join` in `global` is covered already by coverage[0], line 15; \
         keep one line, or name another region",
    ),
    (
        "fee_share: 20%",
        "fee_share: 19.5%",
        "15:3: error: coverage: the fee shares of all lines are 99.5% together; 0.5% are missing",
    ),
    (
        "fee_share: 20%",
        "fee_share: 21%",
        "15:3: error: coverage: the fee shares of all lines are 101% together; 1% are too much",
    ),
    (
        "region: global, method: session-seconds",
        "region: moon, method: session-seconds",
        "15:3: warning: coverage: `signalling` is not covered in global; \
         add a line for each, or make sure that the gap is meant",
    ),
    (
        "target: 99.5%, fee_share: 20%",
        "target: 100%, fee_share: 20%",
        "16:86: error: coverage[1].target: 100% of session-seconds cannot be kept: one frozen \
         second breaks it; promise what can be measured, as 99.99%",
    ),
    (
        "target: 99.5%, fee_share: 20%",
        "target: 99.4%, fee_share: 20%",
        "38:17: error: remedies.scheme.tiers[0].below: it credits below 99.5%, but coverage[1] \
         promises only 99.4%; raise the target, or lower the bound: a kept promise is not a breach",
    ),
    (
        "target: 99.5%, fee_share: 20%",
        "target: 99.6%, fee_share: 20%",
        "16:86: warning: coverage[1].target: between 99.6% and 99.5% the target is missed and \
         nothing is credited; let the first tier begin at the target",
    ),
    (
        "slice_minutes: 5",
        "slice_minutes: 7",
        "15:71: error: coverage[0].slice_minutes: an hour does not divide into slices of 7 \
         minutes; use 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60",
    ),
    // Terms and zones.
    (
        "kind: 1y, start: 2026-12-01",
        "kind: 1y, start: 2028-02-29",
        "13:25: error: term.start: 1 year(s) from 2028-02-29 would end on a 29 February that does \
         not exist; write `end: 2029-02-28` or `end: 2029-03-01` (the first day after the term)",
    ),
    (
        "kind: 1y, start: 2026-12-01",
        "kind: custom, start: 2026-12-01, end: 2026-11-30",
        "13:46: error: term.end: the term ends on 2026-11-30 (exclusive), not after its start \
         2026-12-01; the end is the first day after the term",
    ),
    (
        "kind: 1y",
        "kind: custom",
        "13:7: error: term: a custom term needs `end`, the first day after it",
    ),
    (
        "start: 2026-12-01, zone: UTC, alignment: calendar",
        "start: 2026-12-02, zone: UTC, alignment: next_month",
        "13:59: warning: term.alignment: with `next_month` the first 30 days from 2026-12-02 are \
         not settled; start on the first of a month, or align with `calendar`",
    ),
    (
        "zone: UTC",
        "zone: Asia/Shangai",
        "13:43: error: term.zone: `Asia/Shangai` is not a time zone of the IANA database 2026f; \
         did you mean `Asia/Shanghai`?",
    ),
    (
        "tzdb: 2026f",
        "tzdb: 2020a",
        "48:7: warning: tzdb: days were agreed with time-zone database 2020a, this program \
         computes with 2026f; settle with the program's version that has it, or agree on a new \
         version",
    ),
    // Calendars.
    (
        "zone: Europe/Berlin\n",
        "zone: Europe/Berln\n",
        "22:13: error: support.calendars.office.zone: `Europe/Berln` is not a time zone of the \
         IANA database 2026f; did you mean `Europe/Berlin`?",
    ),
    (
        "\"09:00-12:00\"",
        "\"09:00-13:30\"",
        "24:9: error: support.calendars.office.hours: the spans 09:00-13:30 and 13:00-18:00 \
         overlap; join them",
    ),
    (
        "\"09:00-12:00\"",
        "\"12:00-12:00\"",
        "24:9: error: support.calendars.office.hours: the span 12:00-12:00 is empty: its end is \
         not after its start; for hours over midnight write two spans, as 22:00-24:00 and \
         00:00-06:00",
    ),
    (
        "zone: Europe/Berlin\n",
        "zone: Europe/Berlin\n      holidays: [2026-12-25, 2025-12-25]\n",
        "23:30: warning: support.calendars.office.holidays[1]: 2025-12-25 is outside the term, \
         2026-12-01 to 2027-12-01; take it out, or correct the year",
    ),
    (
        "S2: {calendar: office",
        "S2: {calendar: offcie",
        "27:20: error: support.targets.S2.calendar: there is no calendar `offcie`; did you mean \
         `office`?",
    ),
    // Support.
    (
        "restore_minutes: 480",
        "restore_minutes: 59",
        "26:88: error: support.targets.S1.restore_minutes: restored within 59 minutes, but \
         answered only within 60; the answer comes first",
    ),
    (
        "    S3: {calendar: office, response_minutes: 480, update_minutes: 960}\n",
        "",
        "26:5: error: support.targets: nothing is promised for S3; add `S3:` with calendar, \
         response and update",
    ),
    (
        "account_manager: {name: Account manager, mail: account@provider.example}",
        "account_manager: {name: Account manager}",
        "31:20: error: support.account_manager: there is no way to reach `Account manager`; \
         add mail, phone or webhook",
    ),
    (
        "account@provider.example",
        "account",
        "31:50: error: support.account_manager.mail: `account` is not a mail address",
    ),
    (
        "{at: 100%, to: account_manager}",
        "{at: 100%, to: expert}",
        "34:22: error: support.escalation[1].to: there is no expert to call; add support.experts",
    ),
    (
        "{at: 100%, to: account_manager}",
        "{at: 40%, to: account_manager}",
        "34:12: error: support.escalation[1].at: 40% does not come after 50%; order the steps by \
         their shares",
    ),
    // Remedies.
    (
        "{below: 99%, credit: 25%}",
        "{below: 99.5%, credit: 25%}",
        "39:17: error: remedies.scheme.tiers[1].below: 99.5% does not come after 99.5%; order \
         them from the best availability to the worst",
    ),
    (
        "{below: 99%, credit: 25%}",
        "{below: 99%, credit: 5%}",
        "39:9: error: remedies.scheme.tiers[1]: below 99% the credit is 5%, less than 10% for \
         better service; a worse availability is worth at least as much",
    ),
    (
        "cap: 50%",
        "cap: 50%\n  minimum: 251",
        "42:12: error: remedies.minimum: the minimum is above the cap, 250; lower it, or raise \
         the cap",
    ),
    (
        "cap: 50%",
        "cap: 50%\n  late_response: {S1: {amount: 501}}",
        "42:23: error: remedies.late_response.S1: one breach is worth more than the fee, 500; the \
         cap would cut it anyway",
    ),
    (
        "cap: 50%",
        "cap: 50%\n  late_restoration: {S3: {percent: 1%}}",
        "42:26: error: remedies.late_restoration.S3: no restoration is promised for S3; add \
         support.targets.S3.restore_minutes",
    ),
    // The rest.
    (
        "id: entry",
        "id: En try",
        "3:5: error: id: this cannot be an id; use 1 to 64 of a-z, 0-9, `-` and `.`, beginning \
         with a letter or digit",
    ),
    (
        "currency: EUR",
        "currency: euro",
        "12:17: error: fee.currency: this is not a currency of ISO 4217; write three capital \
         letters, as `EUR` or `CNY`",
    ),
    (
        "notice_hours: 48",
        "notice_hours: 0",
        "44:31: error: exclusions.maintenance.notice_hours: maintenance without notice is an \
         outage; agree on hours between the declaration and the start",
    ),
    (
        "exclusions:\n",
        "exclusions:\n  above_peak: {notice_hours: 0, cap_minutes: 60}\n",
        "44:15: error: exclusions.above_peak: no condition says what is agreed (declared_peak); \
         add the condition, or take the exclusion out",
    ),
    (
        "notice_days: 30, grace_days: 14",
        "notice_days: 365, grace_days: 14",
        "47:38: error: renewal.notice_days: the notice would have to come before the term of 365 \
         days; agree on fewer days",
    ),
];

/// The same of the custom plan, which has what the entry plan has not.
const CUSTOM: &[(&str, &str, &str)] = &[
    (
        "end: 2027-05-01T23:00:00Z",
        "end: 2027-05-01T18:00:00Z",
        "severity.events[0].end: `Spring gala` is empty: its end is not after its start",
    ),
    (
        "regions: [eu]",
        "regions: [us]",
        "severity.events[0].regions[0]: no line covers `us`",
    ),
    (
        "{severity: S3, min_minutes: 5, bad_from: 1%}",
        "{severity: S2, min_minutes: 5, bad_from: 1%}",
        "severity.rules[3]: S1 and S2 are for critical lines alone; add `critical: true`",
    ),
    (
        "critical: true, min_minutes: 3, bad_from: 50%",
        "critical: true, min_minutes: 3, bad_from: 5%",
        "severity.rules[1]: severity.rules[0] fits whenever this one does",
    ),
    (
        "sha256: e3b0",
        "sha256: E3b0",
        "conditions[1].requires.frozen_config.sha256: this is not a SHA-256",
    ),
    (
        "sessions: 20000",
        "sessions: 0",
        "conditions[2].requires.declared_peak.sessions: a peak of nothing excludes everything",
    ),
    (
        "  above_peak: {notice_hours: 0, cap_minutes: 1440}\n",
        "",
        "conditions[2].requires: the effect `exclude` has none: the contract excludes no such \
         time; add `above_peak` to `exclusions`",
    ),
    (
        "requires: {min_spend: {amount: \"1000\"}}",
        "requires: {frozen_config: {sha256: \"0\", modules: [media, join]}}",
        "conditions[1].requires: conditions[0] asks for the same; keep one of them",
    ),
    (
        "[30%, 35%, 40%, 45%]",
        "[30%, 35%, 40%]",
        "remedies.scheme.matrix.rows[2].credits: this row has 3 credits, the first one 4",
    ),
    (
        "[30%, 35%, 40%, 45%]",
        "[30%, 35%, 34%, 45%]",
        "remedies.scheme.matrix.rows[2].credits: more missed indicators are worth less",
    ),
];

#[test]
fn what_nobody_can_keep_is_named_with_its_line() {
    for (from, to, expected) in ENTRY {
        let all = problems(Plan::Entry, &[(from, to)]);
        assert!(all.iter().any(|p| p == expected), "{expected}\n{all:#?}");
    }
    for (from, to, expected) in CUSTOM {
        let all = problems(Plan::Custom, &[(from, to)]);
        let found = all.iter().any(|p| p.contains(expected));
        assert!(found, "{expected}\n{all:#?}");
    }
}

/// Each module can have frozen settings of its own.
#[test]
fn frozen_settings_of_different_modules_are_different_conditions() {
    let change = (
        "requires: {min_spend: {amount: \"1000\"}}",
        "requires: {frozen_config: {sha256: \"0\", modules: [join]}}",
    );
    let all = problems(Plan::Custom, &[change]);
    assert!(
        !all.iter().any(|p| p.contains("asks for the same")),
        "{all:#?}"
    );
}

#[test]
fn all_problems_are_named_at_once_in_the_order_of_the_file() {
    let all = problems(
        Plan::Entry,
        &[
            ("tzdb: 2026f", "tzdb: 2020a"),
            ("id: entry", "id: \"\""),
            ("module: signalling", "module: join"),
            ("zone: UTC", "zone: Nowhere/Land"),
            ("restore_minutes: 480", "restore_minutes: 1"),
        ],
    );
    insta::assert_snapshot!(all.join("\n"));
}
