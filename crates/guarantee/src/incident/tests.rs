use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::output::{Audience, counted_once};
use super::payload::{Context, alertmanager, pagerduty, webhook};
use super::review::timeline;
use super::*;
use crate::burn::{Alert, BurnDetector, Burned};
use crate::clock::ClockKind;
use crate::contract::Contract;
use crate::contract::plan::Plan;
use crate::contract::support::Role;
use crate::exclusion::{Exclusion, ExclusionClass};
use crate::interval::Interval;
use crate::module::{Module, Region};
use crate::ratio::Ratio;
use crate::rollup::Minute;
use crate::severity::Severity;

/// Monday evening, no event.
const START: &str = "2027-05-03T18:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn after(seconds: i64) -> Timestamp {
    at(START) + SignedDuration::from_secs(seconds)
}

fn minute(n: i64) -> Minute {
    Minute::of(after(n * 60)).expect("a minute")
}

fn region(name: &str) -> Region {
    name.parse().expect("a region")
}

fn actor(kind: Author) -> Actor {
    Actor::new(kind, "Somebody")
}

/// The custom plan, and a second region for media.
fn contract() -> Arc<Contract> {
    let (mut contract, _) = Contract::from_yaml(Plan::Custom.yaml()).expect("a contract");
    let mut us = contract.coverage[1].clone();
    us.region = region("us");
    contract.coverage.push(us);
    Arc::new(contract)
}

fn engine() -> Incidents {
    Incidents::new(contract()).expect("an engine")
}

/// Minute `n`, so many per mille bad for so many minutes; it burns if it is bad.
fn seen(n: i64, per_mille: u64, minutes: u32) -> Seen {
    let bad = Ratio {
        num: per_mille,
        den: 1000,
    };
    let first = Minute(minute(n).0 + 1 - minutes);
    Seen {
        minute: minute(n),
        alert: (per_mille > 0).then_some(Alert::Page),
        first_bad: (per_mille > 0).then_some(first),
        last: bad,
        spans: vec![Span { minutes, bad }],
        refs: vec![u64::from(minute(n).0)],
    }
}

/// A minute of media in Europe, given when it is over.
fn give(engine: &mut Incidents, n: i64, per_mille: u64, minutes: u32) {
    let now = after(n * 60 + 60);
    let seen = seen(n, per_mille, minutes);
    engine
        .handle_burn(Module::Media, &region("eu"), &seen, now)
        .expect("covered");
}

fn drain(engine: &mut Incidents) -> Vec<Output> {
    std::iter::from_fn(|| engine.poll_output()).collect()
}

/// Runs every timeout up to `until` at its instant.
fn run(engine: &mut Incidents, until: Timestamp) {
    while let Some(next) = engine.poll_timeout().filter(|next| *next <= until) {
        engine.handle_timeout(next);
    }
    engine.handle_timeout(until);
}

fn calls(outputs: &[Output]) -> Vec<(ClockKind, Role, i64)> {
    let call = |output: &Output| match output {
        Output::Leaf(Entry {
            at,
            change: Change::Called { clock, role, .. },
            ..
        }) => Some((*clock, *role, at.duration_since(after(0)).as_secs())),
        _ => None,
    };
    outputs.iter().filter_map(call).collect()
}

/// An outage of media at full, as the detector sees it.
#[test]
fn an_outage_is_detected_grows_and_calls_people_in_turn() {
    let contract = contract();
    let mut engine = Incidents::new(Arc::clone(&contract)).expect("an engine");
    let line = &contract.coverage[1];
    let mut detector = BurnDetector::new(line.target);
    for n in -60..4 {
        let (good, bad) = if n < 0 { (1000, 0) } else { (0, 1000) };
        let burned = Burned::Counted { good, bad };
        detector.handle_minute(minute(n), burned).expect("in time");
        let seen = Seen::of(&detector, &contract.severity, vec![]).expect("a minute");
        let now = after(n * 60 + 60);
        engine
            .handle_burn(line.module, &line.region, &seen, now)
            .expect("covered");
        let severity = engine.incident(1).map(|i| (i.severity, i.first_bad));
        let expected = match n {
            ..0 => None,
            0 | 1 => Some((Severity::S4, after(0))),
            _ => Some((Severity::S1, after(0))),
        };
        assert_eq!(severity, expected, "minute {n}");
    }
    run(&mut engine, after(86_400));
    let outputs = drain(&mut engine);
    let of = |kind: ClockKind| -> Vec<(Role, i64)> {
        let calls = calls(&outputs).into_iter();
        calls.filter(|c| c.0 == kind).map(|c| (c.1, c.2)).collect()
    };
    let turn = |a, b, c| {
        vec![
            (Role::Lead, a),
            (Role::AccountManager, b),
            (Role::Expert, c),
        ]
    };
    assert_eq!(of(ClockKind::FirstResponse), turn(450, 675, 900));
    assert_eq!(of(ClockKind::NextUpdate), turn(900, 1350, 1800));
    assert_eq!(of(ClockKind::Restoration), turn(7200, 10_800, 14_400));
    let worth: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Breach(line) => Some((line.clock, line.worth)),
            _ => None,
        })
        .collect();
    // 2 % and 5 % of 8000; nothing for updates.
    assert_eq!(
        worth,
        [
            (ClockKind::FirstResponse, Decimal::from(160)),
            (ClockKind::NextUpdate, Decimal::ZERO),
            (ClockKind::Restoration, Decimal::from(400)),
        ]
    );
    assert_eq!(engine.poll_timeout(), None);
}

/// A whole life, and its timeline from the leaves alone.
#[test]
fn a_life_is_told_by_its_leaves() {
    let mut engine = engine();
    for n in 0..6 {
        give(&mut engine, n, 800, u32::try_from(n).expect("few") + 1);
    }
    let lead = actor(Author::Lead);
    let act = |engine: &mut Incidents, action, now| engine.handle_action(&lead, 1, &action, now);
    assert_eq!(
        act(&mut engine, Action::Mitigate, after(400)),
        Err(Refused::NotClear {
            clear_minutes: 0,
            needed_minutes: 1
        })
    );
    act(&mut engine, Action::Acknowledge, after(480)).expect("fits");
    for n in 6..21 {
        give(&mut engine, n, 0, 1);
    }
    let incident = engine.incident(1).expect("there");
    assert_eq!(incident.state, State::Mitigated, "by the measurement alone");
    assert_eq!(incident.restored(), Some(after(360)));
    act(&mut engine, Action::Resolve, after(1300)).expect("clear for long");
    let text = "A switch broke.".to_owned();
    act(&mut engine, Action::Review { text }, after(9000)).expect("resolved");
    let outputs = drain(&mut engine);
    let leaves: Vec<_> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Leaf(entry) => Some(entry.leaf().expect("a leaf")),
            _ => None,
        })
        .collect();
    let line = timeline(&leaves, "custom", 1);
    assert_eq!(line.entries.len(), leaves.len());
    assert_eq!(line.worst, Some(Severity::S1));
    assert_eq!(
        [
            line.detect_s,
            line.acknowledge_s,
            line.mitigate_s,
            line.restore_s,
            line.resolve_s
        ],
        [Some(60), Some(480), Some(1260), Some(360), Some(1300)]
    );
    let called: Vec<_> = line.calls.iter().map(|c| c.role).collect();
    assert_eq!(called, [Role::Lead, Role::Lead]);
    assert_eq!((line.refused, line.missed.len()), (1, 0));
    assert_eq!(timeline(&leaves, "other", 1).entries.len(), 0);
}

/// Its bad minutes still stand in the detector's windows.
#[test]
fn what_was_left_behind_starts_no_clock_and_makes_nothing_worse() {
    let mut engine = engine();
    for n in 0..4 {
        give(&mut engine, n, 1000, u32::try_from(n).expect("few") + 1);
    }
    for n in 4..19 {
        give(&mut engine, n, 0, 1);
    }
    let expert = actor(Author::Expert);
    let text = "A switch broke.".to_owned();
    for (second, action) in [(1150, Action::Resolve), (1160, Action::Review { text })] {
        let done = engine.handle_action(&expert, 1, &action, after(second));
        done.expect("fits");
    }
    drain(&mut engine);
    // Minute 19 is a little bad; as a whole the 20 minutes since the first bad one
    // would be S1.
    let mut seen = seen(19, 20, 20);
    seen.spans = vec![
        Span {
            minutes: 1,
            bad: seen.last,
        },
        Span {
            minutes: 20,
            bad: Ratio { num: 1, den: 2 },
        },
    ];
    engine
        .handle_burn(Module::Media, &region("eu"), &seen, after(1200))
        .expect("covered");
    let second = engine.incident(2).expect("another one");
    assert_eq!(second.first_bad, after(1150));
    assert_eq!(
        second.timers[&ClockKind::FirstResponse].started,
        after(1150)
    );
    assert_eq!(second.severity, Severity::S4);
}

#[test]
fn severity_falls_by_the_rule_alone() {
    let mut engine = engine();
    for n in 0..4 {
        give(&mut engine, n, 1000, u32::try_from(n).expect("few") + 1);
    }
    let lower = Action::Lower { to: Severity::S3 };
    let everybody = [
        Author::Customer,
        Author::Agent,
        Author::Lead,
        Author::Manager,
        Author::Expert,
        Author::System,
    ];
    for kind in everybody {
        let refused = engine.handle_action(&actor(kind), 1, &lower, after(300));
        assert!(refused.is_err(), "{kind:?}: it is bad");
    }
    for n in 4..19 {
        give(&mut engine, n, 0, 1);
    }
    for kind in [Author::Agent, Author::Lead, Author::Manager, Author::System] {
        let refused = engine.handle_action(&actor(kind), 1, &lower, after(1200));
        assert!(matches!(refused, Err(Refused::NotYours { .. })), "{kind:?}");
    }
    assert_eq!(engine.incident(1).map(|i| i.severity), Some(Severity::S1));
    let up = engine.handle_action(
        &actor(Author::Expert),
        1,
        &Action::Lower { to: Severity::S1 },
        after(1200),
    );
    assert_eq!(up, Err(Refused::NotLower { is: Severity::S1 }));
    engine
        .handle_action(&actor(Author::Expert), 1, &lower, after(1200))
        .expect("countersigned");
    assert_eq!(engine.incident(1).map(|i| i.severity), Some(Severity::S3));
    let refused = drain(&mut engine);
    let refused = refused.iter().filter(|o| {
        matches!(
            o,
            Output::Leaf(Entry {
                change: Change::Refused { .. },
                ..
            })
        )
    });
    assert_eq!(refused.count(), 11, "each attempt is in the log");
}

#[test]
fn an_event_makes_it_worse() {
    let mut engine = engine();
    let gala = at("2027-05-01T19:00:00Z");
    let mut seen = seen(0, 120, 6);
    seen.minute = Minute::of(gala).expect("a minute");
    seen.first_bad = Some(seen.minute);
    engine
        .handle_burn(Module::Media, &region("eu"), &seen, gala)
        .expect("covered");
    engine
        .handle_burn(Module::Messaging, &region("eu"), &seen, gala)
        .expect("covered");
    let severities: Vec<_> = engine.incidents().map(|i| i.severity).collect();
    assert_eq!(severities, [Severity::S1, Severity::S3]);
    assert!(
        engine
            .handle_burn(Module::Agent, &region("eu"), &seen, gala)
            .is_err()
    );
}

#[test]
fn lines_of_a_module_are_one_incident_and_flapping_is_the_same_one() {
    let mut engine = engine();
    give(&mut engine, 0, 500, 1);
    engine
        .handle_burn(Module::Media, &region("us"), &seen(1, 900, 3), after(120))
        .expect("covered");
    assert_eq!(engine.incidents().count(), 1);
    let incident = engine.incident(1).expect("there");
    assert_eq!(incident.regions(), [region("eu"), region("us")]);
    assert_eq!(
        incident.first_bad,
        after(-60),
        "the other line was bad before"
    );
    let both = |engine: &mut Incidents, n: i64, eu: u64| {
        give(engine, n, eu, 1);
        engine
            .handle_burn(
                Module::Media,
                &region("us"),
                &seen(n, 0, 1),
                after(n * 60 + 60),
            )
            .expect("covered");
    };
    for n in 2..17 {
        both(&mut engine, n, 0);
    }
    let lead = actor(Author::Lead);
    engine
        .handle_action(&lead, 1, &Action::Resolve, after(1100))
        .expect("clear");
    // Within the hour: the same, and it was never restored.
    both(&mut engine, 40, 700);
    let incident = engine.incident(1).expect("there");
    assert_eq!(
        (incident.state, incident.restored()),
        (State::Detected, None)
    );
    let restoration = &incident.timers[&ClockKind::Restoration];
    assert_eq!(
        (restoration.started, restoration.stopped),
        (after(-60), None)
    );
    for n in 41..60 {
        both(&mut engine, n, 0);
    }
    engine
        .handle_action(&lead, 1, &Action::Resolve, after(3600))
        .expect("clear");
    both(&mut engine, 121, 700);
    assert_eq!(
        engine.incidents().count(),
        2,
        "after the hour it is another one"
    );
}

#[test]
fn maintenance_calls_nobody_and_is_recorded() {
    let mut engine = engine();
    let declare = |declared_at, log_index| Exclusion {
        class: ExclusionClass::Maintenance,
        declared_at,
        interval: Interval {
            start: after(-600),
            end: after(3600),
        },
        module: Some(Module::Media),
        region: None,
        approved_by: "Lead".to_owned(),
        log_index,
        contracts: Vec::new(),
    };
    let early = after(-3 * 86_400);
    assert!(
        engine
            .handle_maintenance(declare(early, None), early)
            .is_err(),
        "not logged"
    );
    assert!(
        engine
            .handle_maintenance(declare(after(-86_400), Some(7)), early)
            .is_err(),
        "too late"
    );
    engine
        .handle_maintenance(declare(early, Some(7)), early)
        .expect("valid");
    for n in 0..10 {
        give(&mut engine, n, 1000, u32::try_from(n).expect("few") + 1);
    }
    run(&mut engine, after(3599));
    let outputs = drain(&mut engine);
    assert!(
        outputs.iter().all(|o| matches!(o, Output::Leaf(_))),
        "nobody is told"
    );
    assert_eq!(calls(&outputs), []);
    // Where it ends the clocks begin.
    run(&mut engine, after(3600 + 900));
    assert_eq!(
        calls(&drain(&mut engine))[..3],
        [
            (ClockKind::FirstResponse, Role::Lead, 3600 + 450),
            (ClockKind::FirstResponse, Role::AccountManager, 3600 + 675),
            (ClockKind::FirstResponse, Role::Expert, 3600 + 900),
        ]
    );
}

#[test]
fn maintenance_of_one_line_does_not_cover_another() {
    let mut engine = engine();
    let early = after(-3 * 86_400);
    let declared = Exclusion {
        class: ExclusionClass::Maintenance,
        declared_at: early,
        interval: Interval {
            start: after(-600),
            end: after(3600),
        },
        module: Some(Module::Media),
        region: Some(region("eu")),
        approved_by: "Lead".to_owned(),
        log_index: Some(7),
        contracts: Vec::new(),
    };
    engine.handle_maintenance(declared, early).expect("valid");
    give(&mut engine, 0, 1000, 1);
    assert!(
        drain(&mut engine)
            .iter()
            .all(|o| matches!(o, Output::Leaf(_)))
    );
    engine
        .handle_burn(Module::Media, &region("us"), &seen(4, 1000, 3), after(300))
        .expect("covered");
    run(&mut engine, after(120 + 450));
    let first = (ClockKind::FirstResponse, Role::Lead, 120 + 450);
    assert_eq!(calls(&drain(&mut engine)), [first]);
}

#[test]
fn a_late_word_of_the_restoration_takes_nothing() {
    // It was back before the target ran out; that is known 15 minutes later.
    let mut engine = engine();
    for n in 0..239 {
        give(&mut engine, n, 1000, u32::try_from(n).expect("few") + 1);
    }
    for n in 239..260 {
        give(&mut engine, n, 0, 1);
    }
    run(&mut engine, after(86_400));
    let restorations = drain(&mut engine).into_iter().filter(|o| {
        matches!(
            o,
            Output::Breach(BreachLine {
                clock: ClockKind::Restoration,
                ..
            })
        )
    });
    assert_eq!(restorations.count(), 0);
}

#[test]
fn updates_restart_their_clock_and_have_a_bound() {
    let mut engine = engine();
    for n in 0..4 {
        give(&mut engine, n, 1000, u32::try_from(n).expect("few") + 1);
    }
    let agent = actor(Author::Agent);
    let long = Action::Update {
        text: "x".repeat(MAX_TEXT + 1),
    };
    assert!(engine.handle_action(&agent, 1, &long, after(300)).is_err());
    let full = Action::Update {
        text: "\u{1}".repeat(MAX_TEXT),
    };
    engine
        .handle_action(&agent, 1, &full, after(300))
        .expect("fits");
    let incident = engine.incident(1).expect("there");
    let update = &incident.timers[&ClockKind::NextUpdate];
    assert_eq!((update.round, update.started), (2, after(300)));
    assert_eq!(
        incident.timers[&ClockKind::FirstResponse].stopped,
        Some(after(300))
    );
    for output in drain(&mut engine) {
        if let Output::Leaf(entry) = output {
            entry.leaf().expect("even the longest fits into a leaf");
        }
    }
}

#[test]
fn the_log_has_neither_names_nor_words() {
    let mut engine = engine();
    for n in 0..4 {
        give(&mut engine, n, 1000, u32::try_from(n).expect("few") + 1);
    }
    let lead = Actor::new(Author::Lead, "Ada Lovelace");
    let update = Action::Update {
        text: "the router of hall 5".to_owned(),
    };
    engine
        .handle_action(&lead, 1, &Action::Acknowledge, after(250))
        .expect("hers");
    engine
        .handle_action(&lead, 1, &update, after(300))
        .expect("hers");
    // Refused, too.
    engine
        .handle_action(&lead, 1, &Action::Resolve, after(300))
        .expect_err("it is bad");
    run(&mut engine, after(7200));
    for output in drain(&mut engine) {
        if let Output::Leaf(entry) = output {
            let leaf = entry.leaf().expect("a leaf").to_string();
            for secret in ["Ada", "router", "Shift lead", "Somebody"] {
                assert!(!leaf.contains(secret), "{leaf}");
            }
        }
    }
    // The incident itself has both.
    let words = &engine.incident(1).expect("there").words;
    let words: Vec<_> = words
        .iter()
        .map(|w| (w.what.as_str(), w.text.as_str()))
        .collect();
    assert_eq!(
        words[..2],
        [("acknowledge", ""), ("update", "the router of hall 5")]
    );
    let words = &engine.incident(1).expect("there").words;
    assert!(words.iter().any(|w| w.called == ["Shift lead"]));
}

#[test]
fn words_of_an_incident_have_a_bound() {
    let mut engine = engine();
    give(&mut engine, 0, 1000, 1);
    let lead = Actor::new(Author::Lead, "Lead");
    for n in 0..400 {
        let text = "x".repeat(if n < 20 { MAX_TEXT } else { 1 });
        let update = Action::Update { text };
        engine
            .handle_action(&lead, 1, &update, after(100 + n))
            .expect("open");
    }
    let words = &engine.incident(1).expect("there").words;
    assert_eq!(words.iter().len(), MAX_WORDS);
    assert!(words.iter().map(|w| w.text.len()).sum::<usize>() <= MAX_WORD_BYTES);
}

#[test]
fn minutes_of_before_are_passed_over() {
    let mut engine = engine();
    engine.pass_over(minute(3));
    for n in 0..3 {
        give(&mut engine, n, 1000, u32::try_from(n).expect("few") + 1);
    }
    assert_eq!(engine.incidents().count(), 0);
    give(&mut engine, 4, 1000, 5);
    assert_eq!(engine.incidents().count(), 1);
    assert_eq!(
        engine.last_seen(Module::Media, &region("eu")),
        Some(minute(4))
    );
}

#[test]
fn other_products_get_what_they_understand() {
    let mut engine = engine();
    for n in 0..4 {
        give(&mut engine, n, 1000, u32::try_from(n).expect("few") + 1);
    }
    let incident = engine.incident(1).expect("there");
    let context = Context {
        contract: "custom",
        base_url: "https://live.example",
    };
    let show = |value: serde_json::Value| serde_json::to_string_pretty(&value).expect("JSON");
    insta::assert_snapshot!("alertmanager", show(alertmanager(incident, context)));
    insta::assert_snapshot!("pagerduty", show(pagerduty(incident, context, "R0UT1NG")));
    insta::assert_snapshot!("webhook", show(webhook(incident, context, "7", after(240))));
}

#[test]
fn messages_go_to_both_parties_and_name_their_way() {
    let mut engine = engine();
    give(&mut engine, 0, 1000, 1);
    let told: Vec<_> = drain(&mut engine)
        .into_iter()
        .filter_map(|output| match output {
            Output::Notify(n) => Some((n.audience, n.to)),
            _ => None,
        })
        .collect();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        told,
        [
            (Audience::Desk, text("desk@provider.example")),
            (Audience::Desk, text("+49 30 1234567")),
            (Audience::Customer, text("ops@customer.example")),
            (
                Audience::Customer,
                text("https://customer.example/hooks/guarantee")
            ),
        ]
    );
}

#[test]
fn a_failure_counts_once() {
    let line = |incident, ticket, clock, worth: i64, due| BreachLine {
        contract: "custom".to_owned(),
        incident,
        ticket,
        clock,
        round: 1,
        severity: Severity::S1,
        started: after(0),
        due: after(due),
        remedy: None,
        worth: Decimal::from(worth),
    };
    let response = ClockKind::FirstResponse;
    let lines = [
        line(Some(1), Some(4), response, 100, 30),
        line(Some(1), None, response, 160, 20),
        line(None, Some(5), response, 100, 10),
        line(None, Some(6), response, 100, 40),
        line(Some(1), None, ClockKind::Restoration, 400, 50),
    ];
    let worth: Vec<_> = counted_once(&lines).into_iter().map(|l| l.worth).collect();
    assert_eq!(worth, [100, 160, 100, 400].map(Decimal::from));
}

#[test]
fn a_snapshot_belongs_to_its_contract() {
    let snapshot = engine().snapshot().expect("JSON");
    let (radical, _) = Contract::from_yaml(Plan::Radical.yaml()).expect("a contract");
    let other = Incidents::restore(Arc::new(radical), &snapshot);
    assert!(matches!(other, Err(RestoreError::OtherContract { .. })));
    assert!(Incidents::restore(contract(), "{}").is_err());
}

#[test]
fn the_number_of_incidents_is_bounded() {
    let mut engine = engine();
    let lead = actor(Author::Lead);
    for round in 0..70 {
        let n = round * 200;
        give(&mut engine, n, 1000, 1);
        for clear in 1..17 {
            give(&mut engine, n + clear, 0, 1);
        }
        let id = u64::try_from(round).expect("few") + 1;
        let now = after((n + 18) * 60);
        engine
            .handle_action(&lead, id, &Action::Resolve, now)
            .expect("clear");
        drain(&mut engine);
    }
    assert_eq!(engine.incidents().count(), MAX_INCIDENTS);
    assert_eq!(engine.incidents().last().map(|i| i.id), Some(70));
}

/// What can come in. Times go back at will.
#[derive(Clone, Debug)]
enum Input {
    Burn {
        us: bool,
        n: i64,
        per_mille: u64,
        minutes: u32,
    },
    Act {
        kind: Author,
        id: u64,
        action: Action,
    },
    Wait,
}

fn input() -> impl Strategy<Value = (Input, i64)> {
    let kind = prop::sample::select(vec![
        Author::Customer,
        Author::Agent,
        Author::Lead,
        Author::Expert,
        Author::System,
    ]);
    let to = prop::sample::select(vec![Severity::S1, Severity::S2, Severity::S3, Severity::S4]);
    let action = prop_oneof![
        Just(Action::Acknowledge),
        Just(Action::Mitigate),
        Just(Action::Resolve),
        to.prop_map(|to| Action::Lower { to }),
        "[a-z]{0,3}".prop_map(|text| Action::Update { text }),
        "[a-z]{0,3}".prop_map(|text| Action::Review { text }),
    ];
    let per_mille = prop_oneof![Just(0_u64), Just(0), 0..=1000_u64];
    let input = prop_oneof![
        4 => (any::<bool>(), 0..4_i64, per_mille, 1..20_u32).prop_map(|(us, n, per_mille, minutes)| {
            Input::Burn { us, n, per_mille, minutes }
        }),
        2 => (kind, 0..3_u64, action).prop_map(|(kind, id, action)| Input::Act { kind, id, action }),
        1 => Just(Input::Wait),
    ];
    (input, -300..2000_i64)
}

/// Gives the inputs; minutes and time go on by what each says.
fn feed(engine: &mut Incidents, inputs: &[(Input, i64)], from: (i64, i64)) -> (i64, i64) {
    let (mut now, mut minute) = from;
    for (input, step) in inputs {
        now += step;
        match input {
            Input::Burn {
                us,
                n,
                per_mille,
                minutes,
            } => {
                minute += n - 1;
                let place = region(if *us { "us" } else { "eu" });
                let seen = seen(minute, *per_mille, *minutes);
                // Not covered would be told; these lines are.
                let _ = engine.handle_burn(Module::Media, &place, &seen, after(now));
                if *n > 2 {
                    minute += 15;
                }
            }
            Input::Act { kind, id, action } => {
                let _ = engine.handle_action(&actor(*kind), *id, action, after(now));
            }
            Input::Wait => engine.handle_timeout(after(now)),
        }
    }
    (now, minute)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_comes_the_rules_hold(inputs in prop::collection::vec(input(), 0..60)) {
        let mut engine = engine();
        feed(&mut engine, &inputs, (0, 0));
        run(&mut engine, after(40 * 86_400));
        let mut severities: BTreeMap<u64, Severity> = BTreeMap::new();
        let mut called: BTreeMap<(u64, ClockKind, u32, String), u32> = BTreeMap::new();
        let mut missed: BTreeMap<(u64, ClockKind, u32), u32> = BTreeMap::new();
        let mut last = Timestamp::MIN;
        for output in drain(&mut engine) {
            let Output::Leaf(entry) = output else { continue };
            prop_assert!(entry.at >= last, "time does not run backwards");
            last = entry.at;
            prop_assert!(entry.leaf().is_ok());
            let before = severities.insert(entry.incident, entry.severity);
            match entry.change {
                Change::SeverityFell { ref by, clear_since, .. } => {
                    prop_assert!(by.may_lower());
                    prop_assert!(entry.severity > before.expect("detected"));
                    prop_assert!(clear_since < after(40 * 86_400));
                }
                _ => prop_assert!(before.is_none_or(|b| entry.severity <= b)),
            }
            match entry.change {
                Change::Called { clock, round, share, due, .. } => {
                    prop_assert!(due <= entry.at);
                    let key = (entry.incident, clock, round, share.to_string());
                    *called.entry(key).or_default() += 1;
                }
                Change::Missed { clock, round, due } => {
                    prop_assert!(due <= entry.at);
                    *missed.entry((entry.incident, clock, round)).or_default() += 1;
                }
                _ => {}
            }
        }
        prop_assert!(called.values().chain(missed.values()).all(|n| *n == 1));
        let open = engine.incidents().filter(|i| i.state.is_open()).count();
        prop_assert!(open <= 1, "one module, one open incident");
    }

    #[test]
    fn a_restart_changes_nothing(
        before in prop::collection::vec(input(), 0..40),
        then in prop::collection::vec(input(), 0..40),
    ) {
        let mut engine = engine();
        let from = feed(&mut engine, &before, (0, 0));
        let snapshot = engine.snapshot().expect("JSON");
        let mut again = Incidents::restore(contract(), &snapshot).expect("restored");
        prop_assert_eq!(again.snapshot().expect("JSON"), snapshot);
        for engine in [&mut engine, &mut again] {
            feed(engine, &then, from);
        }
        prop_assert_eq!(engine.poll_timeout(), again.poll_timeout());
        for engine in [&mut engine, &mut again] {
            run(engine, after(20 * 86_400));
        }
        prop_assert_eq!(drain(&mut engine), drain(&mut again));
        prop_assert_eq!(engine.snapshot().expect("JSON"), again.snapshot().expect("JSON"));
    }
}
