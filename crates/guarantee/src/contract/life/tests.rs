use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::contract::plan::Plan;
use crate::contract::policy::{self, RenewalMode};
use crate::interval::IntervalSet;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().expect("a day")
}

/// A year from 17 March 2027 in Berlin; signed renewal, 30 days of notice, 14 of
/// grace.
fn contract(version: u32, start: &str) -> Contract {
    let (mut contract, _) = Contract::from_yaml(Plan::Entry.yaml()).expect("a plan");
    contract.id = "show".to_owned();
    contract.version = version;
    contract.term.start = day(start);
    contract.term.zone = "Europe/Berlin".to_owned();
    contract
}

/// Versions and facts in the order in which they are logged.
fn record(versions: &[(&Contract, &str)], facts: &[(Fact, &str)]) -> Record {
    let mut record = Record::default();
    for (leaf, (contract, logged)) in (0..).zip(versions) {
        let taken = record.handle_contract(contract, leaf, at(logged));
        taken.expect("room");
    }
    for (leaf, (fact, logged)) in (100..).zip(facts) {
        let taken = record.handle_fact(fact.clone(), leaf, at(logged));
        taken.expect("room");
    }
    record
}

fn signed(term_end: &str, by: Side) -> Fact {
    Fact::RenewalSigned {
        contract: "show".to_owned(),
        version: 1,
        term_end: day(term_end),
        by,
    }
}

fn refused(term_end: &str) -> Fact {
    Fact::NonRenewal {
        contract: "show".to_owned(),
        version: 1,
        term_end: day(term_end),
        by: Side::Customer,
    }
}

/// `INDEX START END DAYS/OF` of the last periods before an instant.
fn last(contract: &Contract, record: &Record, horizon: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::new(contract, record, Timestamp::MAX).expect("a schedule");
    let periods = schedule.periods(at(horizon)).expect("periods");
    for period in &periods {
        assert_eq!(schedule.period(period.index).expect("found"), Some(*period));
    }
    let from = periods.len().saturating_sub(count);
    let text = |p: &Period| {
        let (days, of) = (p.days, p.month_days);
        format!("{} {} {} {days}/{of}", p.index, p.start, p.end)
    };
    periods[from..].iter().map(text).collect()
}

#[test]
fn a_contract_goes_through_its_states() {
    let contract = contract(1, "2027-03-17");
    let both = |logged: [&'static str; 2]| {
        [
            (signed("2028-03-17", Side::Provider), logged[0]),
            (signed("2028-03-17", Side::Customer), logged[1]),
        ]
    };
    let never: [(Fact, &str); 0] = [];
    let in_grace = both(["2028-03-18T00:00:00Z", "2028-03-20T00:00:00Z"]);
    let early = both(["2028-01-10T00:00:00Z", "2028-01-20T00:00:00Z"]);
    let late = both(["2028-03-18T00:00:00Z", "2028-04-20T00:00:00Z"]);
    let no = [(refused("2028-03-17"), "2028-01-01T00:00:00Z")];
    let logged = "2027-03-01T12:00:00Z";
    for (facts, now, state, since, until) in [
        (&never[..], "2027-02-01T00:00:00Z", State::Draft, None, None),
        (
            &never,
            "2027-03-02T00:00:00Z",
            State::Signed,
            Some(logged),
            Some("2027-03-16T23:00:00Z"),
        ),
        (
            &never,
            "2027-03-16T23:00:00Z",
            State::Active,
            Some("2027-03-16T23:00:00Z"),
            Some("2028-02-15T23:00:00Z"),
        ),
        (
            &never,
            "2028-03-01T00:00:00Z",
            State::Renewing,
            Some("2028-02-15T23:00:00Z"),
            Some("2028-03-16T23:00:00Z"),
        ),
        (
            &no,
            "2028-03-01T00:00:00Z",
            State::Active,
            Some("2027-03-16T23:00:00Z"),
            Some("2028-03-16T23:00:00Z"),
        ),
        // Fourteen days of grace, over the night that clocks go forward.
        (
            &never,
            "2028-03-17T00:00:00Z",
            State::Grace,
            Some("2028-03-16T23:00:00Z"),
            Some("2028-03-30T22:00:00Z"),
        ),
        (
            &never,
            "2028-05-01T00:00:00Z",
            State::Expired,
            Some("2028-03-30T22:00:00Z"),
            None,
        ),
        (
            &in_grace,
            "2028-03-19T00:00:00Z",
            State::Grace,
            Some("2028-03-16T23:00:00Z"),
            Some("2028-03-30T22:00:00Z"),
        ),
        (
            &in_grace,
            "2028-03-20T00:00:00Z",
            State::Active,
            Some("2028-03-20T00:00:00Z"),
            Some("2029-02-14T23:00:00Z"),
        ),
        (
            &early,
            "2028-04-01T00:00:00Z",
            State::Active,
            Some("2028-03-16T23:00:00Z"),
            Some("2029-02-14T23:00:00Z"),
        ),
        (
            &late,
            "2028-05-01T00:00:00Z",
            State::Expired,
            Some("2028-03-30T22:00:00Z"),
            None,
        ),
    ] {
        let record = record(&[(&contract, logged)], facts);
        let life = life(&contract, &record, at(now)).expect("a life");
        let found = (life.state, life.since, life.until);
        assert_eq!(found, (state, since.map(at), until.map(at)), "{now}");
    }
}

#[test]
fn a_term_that_is_renewed_goes_on_and_grace_is_cut() {
    let mut contract = contract(1, "2027-03-17");
    let logged = "2027-03-01T12:00:00Z";
    let none = record(&[(&contract, logged)], &[]);
    // The term ends within a month; its last days and the grace are periods.
    assert_eq!(
        last(&contract, &none, "2030-01-01T00:00:00Z", 2),
        [
            "12 2028-03-01 2028-03-17 16/31",
            "13 2028-03-17 2028-03-31 14/31"
        ]
    );
    contract.renewal.mode = RenewalMode::Automatic;
    let expected = [
        "12 2028-03-01 2028-03-17 16/31",
        "13 2028-03-17 2028-04-01 15/31",
    ];
    assert_eq!(last(&contract, &none, "2028-03-31T00:00:00Z", 2), expected);
    let long = last(&contract, &none, "2030-03-20T00:00:00Z", 1);
    assert_eq!(long, ["39 2030-03-17 2030-04-01 15/31"]);
    // A notice that comes in time ends it, one that is late does not.
    for (logged_no, count) in [("2028-02-15T22:59:59Z", 14), ("2028-02-15T23:00:00Z", 16)] {
        let facts = [(refused("2028-03-17"), logged_no)];
        let record = record(&[(&contract, logged)], &facts);
        let periods = last(&contract, &record, "2028-05-15T00:00:00Z", 99);
        assert_eq!(periods.len(), count, "{logged_no} {periods:?}");
    }
}

#[test]
fn a_later_version_takes_over_in_the_middle_of_a_period() {
    let one = contract(1, "2027-03-17");
    let mut two = contract(2, "2027-09-11");
    let logged = ["2027-03-01T12:00:00Z", "2027-09-01T12:00:00Z"];
    let from = "2027-12-01T00:00:00Z";
    let early = record(&[(&one, logged[0]), (&two, logged[1])], &[]);
    assert_eq!(
        last(&one, &early, from, 1),
        ["6 2027-09-01 2027-09-11 10/30"]
    );
    assert_eq!(
        last(&two, &early, "2027-09-12T00:00:00Z", 1),
        ["0 2027-09-11 2027-10-01 20/30"]
    );
    // The term goes on: it holds from the first midnight after it was logged.
    two.term.start = one.term.start;
    let kept = record(&[(&one, logged[0]), (&two, logged[1])], &[]);
    assert_eq!(last(&one, &kept, from, 1), ["6 2027-09-01 2027-09-02 1/30"]);
    assert_eq!(
        last(&two, &kept, "2027-09-12T00:00:00Z", 9),
        ["6 2027-09-02 2027-10-01 29/30"]
    );
    // A fact can name a later day, and cannot once that has come.
    let fact = |day_: &str| Fact::Supersession {
        contract: "show".to_owned(),
        version: 2,
        from: day(day_),
    };
    for (logged_fact, expected) in [
        ("2027-09-01T13:00:00Z", "6 2027-09-01 2027-09-21 20/30"),
        ("2027-09-02T13:00:00Z", "6 2027-09-01 2027-09-02 1/30"),
    ] {
        let facts = [(fact("2027-09-21"), logged_fact)];
        let record = record(&[(&one, logged[0]), (&two, logged[1])], &facts);
        assert_eq!(last(&one, &record, from, 1), [expected]);
    }
    let states = |now: &str| {
        let state = |c| life(c, &kept, at(now)).expect("a life").state;
        (state(&one), state(&two))
    };
    assert_eq!(
        states("2027-09-01T12:00:00Z"),
        (State::Active, State::Signed)
    );
    assert_eq!(
        states("2027-09-01T22:00:00Z"),
        (State::Superseded, State::Active)
    );
    let soon = life(&one, &kept, at("2027-09-01T12:00:00Z")).expect("a life");
    assert_eq!(soon.next, Some(State::Superseded));
    assert_eq!(soon.superseded_by, Some(2));
}

#[test]
fn a_new_contract_after_the_end_of_the_old_one_holds_from_its_start() {
    let one = contract(1, "2027-03-17");
    let two = contract(2, "2028-03-20");
    // Signed when the grace of the first was long over.
    let record = record(
        &[
            (&one, "2027-03-01T12:00:00Z"),
            (&two, "2028-06-01T12:00:00Z"),
        ],
        &[],
    );
    let ends = last(&one, &record, "2029-01-01T00:00:00Z", 1);
    assert_eq!(ends, ["13 2028-03-17 2028-03-31 14/31"]);
    let begins = last(&two, &record, "2028-03-31T12:00:00Z", 1);
    assert_eq!(begins, ["0 2028-03-31 2028-04-01 1/31"]);
}

fn on(version: u32, fact: &str, condition: u32) -> Fact {
    let contract = "show".to_owned();
    match fact {
        "notice" => Fact::ConditionNotice {
            contract,
            version,
            condition,
        },
        _ => Fact::ConditionCured {
            contract,
            version,
            condition,
        },
    }
}

fn settings(media: char) -> Fact {
    Fact::Settings {
        source: "server:a".parse().expect("a source"),
        modules: hashes(media),
    }
}

fn hashes(media: char) -> BTreeMap<Module, String> {
    let hash = |c: char| c.to_string().repeat(64);
    BTreeMap::from([(Module::Join, hash('a')), (Module::Media, hash(media))])
}

fn frozen(effect: Effect) -> policy::Condition {
    policy::Condition {
        requires: Requirement::FrozenConfig {
            sha256: settings_hash(&hashes('b')).expect("a hash"),
            modules: Vec::new(),
        },
        cure_days: 5,
        effect,
    }
}

#[test]
fn a_condition_needs_notice_cure_and_evidence() {
    let mut contract = contract(1, "2027-03-17");
    contract.conditions = vec![frozen(Effect::SuspendCredits)];
    let logged = "2027-03-01T12:00:00Z";
    let facts = [
        (settings('b'), "2027-04-01T00:00:00Z"),
        (settings('c'), "2027-04-02T00:00:00Z"),
        (on(1, "notice", 0), "2027-04-03T10:00:00Z"),
        (settings('b'), "2027-04-20T00:00:00Z"),
        (settings('c'), "2027-04-21T00:00:00Z"),
        (on(1, "cured", 0), "2027-04-22T00:00:00Z"),
    ];
    let record = record(&[(&contract, logged)], &facts);
    for (now, state, until) in [
        (
            "2027-04-02T12:00:00Z",
            State::Active,
            "2028-02-15T23:00:00Z",
        ),
        ("2027-04-03T10:00:00Z", State::Cure, "2027-04-08T22:00:00Z"),
        (
            "2027-04-08T22:00:00Z",
            State::Degraded,
            "2028-03-16T23:00:00Z",
        ),
        (
            "2027-04-20T00:00:00Z",
            State::Active,
            "2028-02-15T23:00:00Z",
        ),
        (
            "2027-04-21T00:00:00Z",
            State::Degraded,
            "2028-03-16T23:00:00Z",
        ),
        (
            "2027-04-22T00:00:00Z",
            State::Active,
            "2028-02-15T23:00:00Z",
        ),
    ] {
        let life = life(&contract, &record, at(now)).expect("a life");
        assert_eq!((life.state, life.until), (state, Some(at(until))), "{now}");
    }
    let schedule = Schedule::new(&contract, &record, Timestamp::MAX).expect("a schedule");
    let requires = &contract.conditions[0].requires;
    let found = condition::breaches(
        &contract,
        requires,
        &schedule,
        &record,
        Timestamp::MAX,
        None,
    );
    let found = found.expect("found");
    let modules: Vec<_> = found.iter().map(|b| b.module).collect();
    assert_eq!(modules, [Some(Module::Media)], "only what drifted");
}

#[test]
fn spend_is_compared_with_the_periods_part_of_it() {
    let mut contract = contract(1, "2027-03-17");
    contract.conditions = vec![policy::Condition {
        requires: Requirement::MinSpend {
            amount: 3_100.into(),
        },
        cure_days: 30,
        effect: Effect::Exclude,
    }];
    let spend = |period, amount: i64| Fact::Spend {
        contract: "show".to_owned(),
        version: 1,
        period,
        amount: amount.into(),
    };
    // The first period has 15 of 31 days: 1,500 are enough.
    let facts = [
        (spend(0, 1_500), "2027-04-02T00:00:00Z"),
        (spend(1, 3_099), "2027-05-02T00:00:00Z"),
        (spend(1, 3_100), "2027-05-10T00:00:00Z"),
        (spend(1, 10), "2027-05-11T00:00:00Z"),
        (spend(99, 10), "2027-05-12T00:00:00Z"),
    ];
    let record = record(&[(&contract, "2027-03-01T12:00:00Z")], &facts);
    let schedule = Schedule::new(&contract, &record, Timestamp::MAX).expect("a schedule");
    let requires = &contract.conditions[0].requires;
    let found = condition::breaches(
        &contract,
        requires,
        &schedule,
        &record,
        Timestamp::MAX,
        None,
    );
    let expected = IntervalSet::from(Interval {
        start: at("2027-05-02T00:00:00Z"),
        end: at("2027-05-10T00:00:00Z"),
    });
    assert_eq!(found.expect("found")[0].when, expected);
}

#[test]
fn support_of_a_generation_ends_some_days_after_its_successor() {
    let contract = contract(1, "2027-03-17");
    let released = Fact::GenerationReleased {
        generation: "2".to_owned(),
        replaces: "1".to_owned(),
    };
    let logged = [(&contract, "2027-03-01T12:00:00Z")];
    let facts = [(released, "2027-06-01T10:00:00Z")];
    let with = record(&logged, &facts);
    let unsupported = |r: &Record| {
        let life = life(&contract, r, at("2027-07-01T00:00:00Z"));
        life.expect("a life").unsupported_from
    };
    // 180 days after 1 June.
    assert_eq!(unsupported(&with), Some(at("2027-11-28T23:00:00Z")));
    assert_eq!(unsupported(&record(&logged, &[])), None);
}

fn upgraded(generation: &str, from: &str) -> Fact {
    Fact::GenerationUpgraded {
        contract: "show".to_owned(),
        version: 1,
        generation: generation.to_owned(),
        from: day(from),
    }
}

fn released(generation: &str, replaces: &str) -> Fact {
    Fact::GenerationReleased {
        generation: generation.to_owned(),
        replaces: replaces.to_owned(),
    }
}

#[test]
fn an_upgrade_keeps_the_term_or_begins_it_anew() {
    let logged = "2027-03-01T12:00:00Z";
    let facts = [
        (released("2", "1"), "2027-06-01T10:00:00Z"),
        // 30 days of notice: it runs from 2 July on, whatever it says.
        (upgraded("2", "2027-06-10"), "2027-06-01T11:00:00Z"),
        (released("3", "2"), "2027-08-01T10:00:00Z"),
    ];
    let mut contract = contract(1, "2027-03-17");
    contract.generations.successors = policy::Successors::Included;
    for (on_upgrade, end, sixth) in [
        (
            policy::OnUpgrade::KeepTerm,
            "2028-03-17",
            "2027-07-01 2027-08-01 31/31",
        ),
        (
            policy::OnUpgrade::RestartTerm,
            "2028-07-02",
            "2027-07-01 2027-07-02 1/31",
        ),
    ] {
        contract.generations.on_upgrade = on_upgrade;
        let record = record(&[(&contract, logged)], &facts);
        let now = life(&contract, &record, at("2027-09-01T00:00:00Z")).expect("a life");
        let ends = now.stretch.expect("a term").end;
        assert_eq!(
            ends,
            crate::calendar::midnight(&zone(), day(end)).expect("a midnight")
        );
        assert_eq!(now.renewals, 0);
        // It is the second that runs, and the third that follows it.
        let unsupported = Some(at("2028-01-28T23:00:00Z"));
        assert_eq!(now.unsupported_from, unsupported);
        let schedule = Schedule::new(&contract, &record, Timestamp::MAX).expect("a schedule");
        let period = schedule.period(4).expect("found").expect("a period");
        let text = format!(
            "{} {} {}/{}",
            period.start, period.end, period.days, period.month_days
        );
        assert_eq!(text, sixth, "{on_upgrade:?}");
    }
    // What is not part of the fee needs a later version, and what is not known
    // is no upgrade.
    for (successors, generation, why) in [
        (
            policy::Successors::FixesOnly,
            "2",
            generation::Refused::NotIncluded,
        ),
        (
            policy::Successors::Priced,
            "2",
            generation::Refused::NotIncluded,
        ),
        (
            policy::Successors::Included,
            "9",
            generation::Refused::Unknown,
        ),
        (policy::Successors::Included, "1", generation::Refused::Runs),
    ] {
        contract.generations.successors = successors;
        let facts = [
            facts[0].clone(),
            (upgraded(generation, "2027-09-01"), facts[1].1),
        ];
        let record = record(&[(&contract, logged)], &facts);
        let schedule = Schedule::new(&contract, &record, Timestamp::MAX).expect("a schedule");
        let found = schedule.generations(&contract, &record, Timestamp::MAX);
        assert_eq!(found.upgrades()[0].from, Err(why));
        let life = life(&contract, &record, at("2027-10-01T00:00:00Z")).expect("a life");
        assert_eq!(
            life.stretch.expect("a term").end,
            at("2028-03-16T23:00:00Z")
        );
    }
}

fn zone() -> jiff::tz::TimeZone {
    crate::calendar::zone("Europe/Berlin").expect("a zone")
}

fn some_fact() -> impl Strategy<Value = Fact> {
    let date = (0_i64..1200).prop_map(|days| {
        let start = day("2027-01-31");
        start.saturating_add(jiff::Span::new().days(days))
    });
    let ends = prop_oneof![
        Just(day("2028-01-31")),
        Just(day("2029-01-31")),
        date.clone()
    ];
    let side = prop_oneof![Just(Side::Provider), Just(Side::Customer)];
    (0_u8..4, 1_u32..4, ends, date, side).prop_map(|(kind, version, term_end, from, by)| {
        let contract = "show".to_owned();
        match kind {
            0 => Fact::NonRenewal {
                contract,
                version,
                term_end,
                by,
            },
            1 => Fact::RenewalSigned {
                contract,
                version,
                term_end,
                by,
            },
            2 => Fact::Supersession {
                contract,
                version,
                from,
            },
            _ => Fact::GenerationUpgraded {
                contract,
                version,
                generation: if by == Side::Provider { "2" } else { "3" }.to_owned(),
                from,
            },
        }
    })
}

/// Leaves of up to three versions and some facts, at growing times.
#[derive(Clone, Debug)]
enum Logged {
    Version(Box<Contract>),
    Fact(Fact),
}

fn some_log() -> impl Strategy<Value = Vec<(i64, Logged)>> {
    let zone = prop_oneof![Just("Europe/Berlin"), Just("America/New_York"), Just("UTC")];
    let version = (
        1_u32..4,
        0_i64..900,
        any::<bool>(),
        0_u32..3,
        0_u32..90,
        zone,
    );
    let version = version.prop_map(|(version, later, automatic, align, grace, zone)| {
        let mut contract = contract(version, "2027-01-31");
        let start = contract.term.start;
        contract.term.start = start.saturating_add(jiff::Span::new().days(later));
        contract.term.zone = zone.to_owned();
        contract.term.alignment = [
            crate::term::Alignment::Calendar,
            crate::term::Alignment::Anniversary,
            crate::term::Alignment::NextMonth,
        ][align as usize];
        contract.renewal.grace_days = grace;
        contract
            .generations
            .included
            .extend(["2".to_owned(), "3".to_owned()]);
        if grace % 2 == 0 {
            contract.generations.on_upgrade = policy::OnUpgrade::RestartTerm;
        }
        if automatic {
            contract.renewal.mode = RenewalMode::Automatic;
        }
        if contract.term.start.day() == 29 && contract.term.start.month() == 2 {
            contract.term.start = day("2028-03-01");
        }
        Logged::Version(Box::new(contract))
    });
    let one = prop_oneof![
        1 => version,
        2 => some_fact().prop_map(Logged::Fact),
    ];
    prop::collection::vec((0_i64..150 * 86_400, one), 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// At every instant one version at most is settled, and no leaf changes a
    /// period that was over before it.
    #[test]
    fn nothing_is_settled_twice_and_what_is_over_stays(log in some_log()) {
        let mut now = at("2027-01-01T00:00:00Z");
        let mut record = Record::default();
        let mut contracts: Vec<Contract> = Vec::new();
        let mut over: BTreeMap<(u32, u32), Interval> = BTreeMap::new();
        let horizon = at("2031-01-01T00:00:00Z");
        for (leaf, (later, logged)) in (0..).zip(log) {
            now = now.checked_add(jiff::SignedDuration::from_secs(later)).expect("in range");
            // What is known before the leaf, and over by then.
            for contract in &contracts {
                let schedule = Schedule::new(contract, &record, Timestamp::MAX).expect("one");
                for period in schedule.periods(now).expect("periods") {
                    if period.interval.end <= now {
                        over.insert((contract.version, period.index), period.interval);
                    }
                }
            }
            match logged {
                Logged::Fact(fact) => record.handle_fact(fact, leaf, now).expect("room"),
                Logged::Version(contract) => {
                    record.handle_contract(&contract, leaf, now).expect("room");
                    let known = record.version("show", contract.version);
                    if known.is_some_and(|v| v.leaf == leaf) {
                        contracts.push(*contract);
                    }
                }
            }
            let mut all: Vec<Interval> = Vec::new();
            for contract in &contracts {
                let schedule = Schedule::new(contract, &record, Timestamp::MAX).expect("one");
                let periods = schedule.periods(horizon).expect("periods");
                for pair in periods.windows(2) {
                    prop_assert_eq!(pair[0].interval.end, pair[1].interval.start);
                    prop_assert_eq!(pair[0].index + 1, pair[1].index);
                }
                for period in &periods {
                    prop_assert!(!period.interval.is_empty() && period.days > 0);
                    prop_assert!(period.days <= period.month_days);
                }
                all.extend(periods.iter().map(|p| p.interval));
                let found = |index| periods.iter().find(|p| p.index == index);
                for ((version, index), interval) in &over {
                    if *version == contract.version {
                        prop_assert_eq!(found(*index).map(|p| p.interval), Some(*interval));
                    }
                }
                life(contract, &record, now).expect("a life");
            }
            all.sort_unstable();
            for pair in all.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start, "{:?}", pair);
            }
        }
    }
}
