use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::bounds::{MAX_BODY, MAX_MESSAGES, MAX_OPEN, MAX_SUBJECT};
use super::*;
use crate::burn::{BurnDetector, Burned};
use crate::clock::ClockKind;
use crate::contract::Contract;
use crate::contract::plan::Plan;
use crate::contract::support::{Channel, Role};
use crate::incident::output::{BreachLine, counted_once};
use crate::incident::{self, Actor, Author, Incidents, Refused, Seen};
use crate::module::{Module, Region};
use crate::rollup::Minute;
use crate::severity::Severity;

/// Monday evening.
const START: &str = "2027-05-03T18:00:00Z";

fn after(seconds: i64) -> Timestamp {
    let start: Timestamp = START.parse().expect("an instant");
    start + SignedDuration::from_secs(seconds)
}

fn eu() -> Region {
    "eu".parse().expect("a region")
}

fn contract() -> Arc<Contract> {
    let (contract, _) = Contract::from_yaml(Plan::Custom.yaml()).expect("a contract");
    Arc::new(contract)
}

fn radical() -> Arc<Contract> {
    let (contract, _) = Contract::from_yaml(Plan::Radical.yaml()).expect("a contract");
    Arc::new(contract)
}

fn engine(contract: &Arc<Contract>) -> Tickets {
    Tickets::new(Arc::clone(contract)).expect("an engine")
}

fn actor(kind: Author) -> Actor {
    Actor::new(kind, "Somebody")
}

fn text(ticket: Option<u64>, kind: Author, body: &str) -> Incoming {
    Incoming {
        ticket,
        channel: Channel::Web,
        author: actor(kind),
        automatic: false,
        subject: "No sound".to_owned(),
        body: body.to_owned(),
        about: About {
            module: Some(Module::Media),
            region: Some(eu()),
            since: None,
        },
    }
}

fn drain(engine: &mut Tickets) -> Vec<Output> {
    std::iter::from_fn(|| engine.poll_output()).collect()
}

fn run(engine: &mut Tickets, until: Timestamp) {
    while let Some(next) = engine.poll_timeout().filter(|next| *next <= until) {
        engine.handle_timeout(next);
    }
    engine.handle_timeout(until);
}

fn calls(outputs: &[Output], of: ClockKind) -> Vec<(Role, i64)> {
    let call = |output: &Output| match output {
        Output::Leaf(TicketEntry {
            at,
            change: TicketChange::Called { clock, role, .. },
            ..
        }) => (*clock == of).then(|| (*role, at.duration_since(after(0)).as_secs())),
        _ => None,
    };
    outputs.iter().filter_map(call).collect()
}

fn breaches(outputs: &[Output]) -> Vec<BreachLine> {
    let breach = |output: &Output| match output {
        Output::Breach(line) => Some(line.clone()),
        _ => None,
    };
    outputs.iter().filter_map(breach).collect()
}

const fn turn(lead: i64, manager: i64, expert: i64) -> [(Role, i64); 3] {
    [
        (Role::Lead, lead),
        (Role::AccountManager, manager),
        (Role::Expert, expert),
    ]
}

/// An incident of media in Europe: down from `START` for so many minutes.
fn outage(contract: &Arc<Contract>, minutes: i64) -> Incidents {
    let mut incidents = Incidents::new(Arc::clone(contract)).expect("an engine");
    let target = contract.coverage[1].target;
    let mut detector = BurnDetector::new(target);
    for n in -60..minutes {
        let (good, bad) = if n < 0 { (1000, 0) } else { (0, 1000) };
        let minute = Minute::of(after(n * 60)).expect("a minute");
        detector
            .handle_minute(minute, Burned::Counted { good, bad })
            .expect("in time");
        let seen = Seen::of(&detector, &contract.severity, vec![]).expect("a minute");
        incidents
            .handle_burn(Module::Media, &eu(), &seen, after(n * 60 + 60))
            .expect("covered");
    }
    incidents
}

/// The seed case: a fault in the peak hour, a ticket that an agent marks as "not
/// urgent", silence for two days.
#[test]
fn two_days_of_silence_about_a_fault_in_the_peak_hour() {
    let contract = contract();
    let mut tickets = engine(&contract);
    // Four minutes after the first bad sample the customer writes.
    let mut incidents = outage(&contract, 4);
    let id = tickets
        .handle_message(
            text(None, Author::Customer, "Nobody hears anything!"),
            after(240),
        )
        .expect("opened");
    tickets.handle_incident(incidents.incident(1).expect("detected"), after(250));
    let mark = Action::Mark { urgent: false };
    let marked = tickets.handle_action(&actor(Author::Agent), id, &mark, after(300));
    assert_eq!(marked, Err(Refused::ByEvidence { is: Severity::S1 }));
    let lower = incident::Action::Lower { to: Severity::S4 };
    let lowered = incidents.handle_action(&actor(Author::Agent), 1, &lower, after(300));
    assert!(lowered.is_err());

    // The fault goes on, everybody is silent; timeouts come at their instants.
    let end = after(2 * 86_400);
    run(&mut tickets, end);
    while let Some(next) = incidents.poll_timeout().filter(|next| *next <= end) {
        incidents.handle_timeout(next);
    }
    let ticket = tickets.ticket(id).expect("there");
    assert_eq!((ticket.severity, ticket.incident), (Severity::S1, Some(1)));
    assert_eq!(ticket.state, TicketState::New);
    assert_eq!(
        incidents.incident(1).map(|i| i.severity),
        Some(Severity::S1)
    );

    // S1: 15 minutes for an answer, 30 for an update, 4 hours to restore; the
    // ticket's clocks from its opening, the incident's from the first bad sample.
    let outputs = drain(&mut tickets);
    let (response, update) = (ClockKind::FirstResponse, ClockKind::NextUpdate);
    assert_eq!(
        calls(&outputs, response),
        turn(240 + 450, 240 + 675, 240 + 900)
    );
    assert_eq!(
        calls(&outputs, update),
        turn(240 + 900, 240 + 1350, 240 + 1800)
    );
    assert_eq!(calls(&outputs, ClockKind::Restoration), []);
    let mut lines = breaches(&outputs);
    let mut incident_calls = Vec::new();
    while let Some(output) = incidents.poll_output() {
        match output {
            incident::Output::Breach(line) => lines.push(line),
            incident::Output::Leaf(incident::Entry {
                at,
                change:
                    incident::Change::Called {
                        clock: ClockKind::Restoration,
                        role,
                        ..
                    },
                ..
            }) => incident_calls.push((role, at.duration_since(after(0)).as_secs())),
            _ => {}
        }
    }
    assert_eq!(incident_calls, turn(7200, 10_800, 14_400));
    let amounts: Vec<_> = counted_once(&lines)
        .into_iter()
        .filter(|line| line.remedy.is_some())
        .map(|line| (line.clock, line.severity, line.due, line.worth))
        .collect();
    // 2 % and 5 % of a fee of 8000.
    assert_eq!(
        amounts,
        [
            (response, Severity::S1, after(240 + 900), Decimal::from(160)),
            (
                ClockKind::Restoration,
                Severity::S1,
                after(14_400),
                Decimal::from(400)
            ),
        ]
    );
    let marked = |output: &&Output| {
        let change = match output {
            Output::Leaf(entry) => Some(&entry.change),
            _ => None,
        };
        matches!(
            change,
            Some(TicketChange::Marked { urgent: false, .. } | TicketChange::Refused { .. })
        )
    };
    assert_eq!(
        outputs.iter().filter(marked).count(),
        2,
        "the mark is in the log"
    );
}

#[test]
fn only_a_human_of_the_provider_responds() {
    let contract = radical();
    for (kind, automatic, stops) in [
        (Author::System, false, false),
        (Author::Agent, true, false),
        (Author::Customer, false, false),
        (Author::Agent, false, true),
        (Author::Lead, false, true),
        (Author::Manager, false, true),
        (Author::Expert, false, true),
    ] {
        let mut tickets = engine(&contract);
        let id = tickets
            .handle_message(text(None, Author::Customer, "Hello"), after(0))
            .expect("opened");
        let mut answer = text(Some(id), kind, "We got your message.");
        answer.automatic = automatic;
        tickets.handle_message(answer, after(60)).expect("kept");
        let ticket = tickets.ticket(id).expect("there");
        let stopped = ticket.timers[&ClockKind::FirstResponse].stopped;
        assert_eq!(stopped, stops.then(|| after(60)), "{kind:?} {automatic}");
        assert_eq!(ticket.state == TicketState::Open, stops);
        assert_eq!(ticket.messages.len(), 2);
    }
}

#[test]
fn waiting_pauses_restoration_alone_and_only_when_logged() {
    let contract = radical();
    let hour = 3600;
    for logged in [false, true] {
        let mut tickets = engine(&contract);
        let id = tickets
            .handle_message(text(None, Author::Customer, "Hello"), after(0))
            .expect("opened");
        let ask = Action::Ask {
            text: "Which browser?".to_owned(),
        };
        let agent = actor(Author::Agent);
        tickets
            .handle_action(&agent, id, &ask, after(hour))
            .expect("new");
        assert!(
            tickets
                .handle_action(&agent, id, &ask, after(hour))
                .is_err(),
            "asked already"
        );
        if logged {
            tickets
                .handle_logged(id, 12, after(hour + 5))
                .expect("asked");
        }
        assert_eq!(
            tickets.ticket(id).expect("there").state,
            TicketState::WaitingCustomer
        );
        tickets
            .handle_message(text(Some(id), Author::Customer, "Firefox"), after(6 * hour))
            .expect("kept");
        let ticket = tickets.ticket(id).expect("there");
        assert_eq!(ticket.state, TicketState::Open);
        let due = |kind| {
            let clock = ticket.timers[&kind]
                .clock(&contract.support)
                .expect("promised");
            clock.due()
        };
        // S4 of the radical plan: a week to restore, a day for an update.
        let week = 168 * hour;
        let waited = if logged { 5 * hour } else { 0 };
        assert_eq!(due(ClockKind::Restoration), Some(after(week + waited)));
        assert_eq!(due(ClockKind::NextUpdate), Some(after(hour + 24 * hour)));
        assert!(
            tickets.handle_logged(id, 13, after(7 * hour)).is_err(),
            "nobody waits"
        );
    }
}

#[test]
fn a_forgotten_ticket_escalates_after_the_last_word() {
    let contract = radical();
    let mut tickets = engine(&contract);
    let id = tickets
        .handle_message(text(None, Author::Customer, "Hello"), after(0))
        .expect("opened");
    tickets
        .handle_message(text(Some(id), Author::Agent, "We look."), after(600))
        .expect("kept");
    run(&mut tickets, after(2 * 86_400));
    let day = 86_400;
    let expected = turn(600 + day / 2, 600 + day * 3 / 4, 600 + day);
    let outputs = drain(&mut tickets);
    assert_eq!(calls(&outputs, ClockKind::NextUpdate), expected);
    assert_eq!(calls(&outputs, ClockKind::FirstResponse), []);
}

#[test]
fn evidence_links_where_time_module_and_region_overlap() {
    let contract = contract();
    let hour = 3600;
    let incidents = outage(&contract, 4);
    let incident = incidents.incident(1).expect("detected");
    for (module, region, opened, since, linked) in [
        (Some(Module::Media), Some("eu"), 240, None, true),
        (None, None, 240, None, true),
        (Some(Module::Playback), Some("eu"), 240, None, false),
        (Some(Module::Media), Some("us"), 240, None, false),
        // Before the fault was measured, and long before.
        (Some(Module::Media), Some("eu"), -hour + 60, None, true),
        (Some(Module::Media), Some("eu"), -hour, None, false),
        (Some(Module::Media), Some("eu"), 240, Some(-hour), true),
    ] {
        let mut tickets = engine(&contract);
        let mut first = text(None, Author::Customer, "Hello");
        first.about = About {
            module,
            region: region.map(|r| r.parse().expect("a region")),
            since: since.map(after),
        };
        let id = tickets
            .handle_message(first, after(opened))
            .expect("opened");
        assert_eq!(tickets.ticket(id).map(|t| t.severity), Some(Severity::S4));
        tickets.handle_incident(incident, after(opened.max(250)));
        let ticket = tickets.ticket(id).expect("there");
        let expected = if linked {
            (Some(1), Severity::S1)
        } else {
            (None, Severity::S4)
        };
        assert_eq!(
            (ticket.incident, ticket.severity),
            expected,
            "{module:?} {region:?} {opened}"
        );
        assert_ne!(ticket.timers.contains_key(&ClockKind::Restoration), linked);
    }
}

#[test]
fn a_ticket_follows_its_incident_and_ends_after_it() {
    let contract = contract();
    let mut tickets = engine(&contract);
    let mut incident = outage(&contract, 4).incident(1).expect("detected").clone();
    tickets.handle_incident(&incident, after(240));
    let id = tickets
        .handle_message(text(None, Author::Customer, "Hello"), after(300))
        .expect("opened");
    assert_eq!(tickets.ticket(id).map(|t| t.severity), Some(Severity::S1));
    let agent = actor(Author::Agent);
    let early = tickets.handle_action(&agent, id, &Action::Resolve, after(400));
    assert_eq!(early, Err(Refused::IncidentOpen { incident: 1 }));
    incident.severity = Severity::S3;
    incident.state = incident::State::Resolved;
    tickets.handle_incident(&incident, after(4000));
    assert_eq!(tickets.ticket(id).map(|t| t.severity), Some(Severity::S3));
    tickets
        .handle_action(&agent, id, &Action::Resolve, after(4100))
        .expect("over");
    assert!(
        tickets
            .handle_action(&agent, id, &Action::Close, after(4200))
            .is_err()
    );
    // The customer objects, and then says nothing for a week.
    tickets
        .handle_message(text(Some(id), Author::Customer, "No!"), after(4300))
        .expect("kept");
    assert_eq!(tickets.ticket(id).map(|t| t.state), Some(TicketState::Open));
    let response = &tickets.ticket(id).expect("there").timers[&ClockKind::FirstResponse];
    assert_eq!(response.stopped, None, "done without a word is no answer");
    tickets
        .handle_action(&agent, id, &Action::Resolve, after(4400))
        .expect("open");
    run(&mut tickets, after(4400) + CLOSE_AFTER);
    assert_eq!(
        tickets.ticket(id).map(|t| t.state),
        Some(TicketState::Closed)
    );
    let late = tickets.handle_message(text(Some(id), Author::Customer, "Hm"), after(5000));
    assert!(matches!(late, Err(Refused::State { .. })));
}

#[test]
fn bombs_are_refused_and_html_is_text() {
    let contract = contract();
    let mut tickets = engine(&contract);
    let html = "<script>alert('x')</script><b>Ärger</b>\0";
    let id = tickets
        .handle_message(text(None, Author::Customer, html), after(0))
        .expect("opened");
    assert_eq!(tickets.ticket(id).expect("there").messages[0].body, html);
    let mut long = text(Some(id), Author::Customer, "");
    long.body = "x".repeat(MAX_BODY + 1);
    assert!(matches!(
        tickets.handle_message(long, after(1)),
        Err(Refused::TooLong { .. })
    ));
    let mut subject = text(None, Author::Customer, "");
    subject.subject = "x".repeat(MAX_SUBJECT + 1);
    assert!(tickets.handle_message(subject, after(1)).is_err());
    for _ in 1..MAX_MESSAGES {
        tickets
            .handle_message(text(Some(id), Author::Customer, "again"), after(2))
            .expect("kept");
    }
    let more = tickets.handle_message(text(Some(id), Author::Customer, "again"), after(2));
    assert!(matches!(
        more,
        Err(Refused::Full {
            most: MAX_MESSAGES,
            ..
        })
    ));
    let big = "x".repeat(MAX_BODY);
    let id = tickets
        .handle_message(text(None, Author::Customer, &big), after(3))
        .expect("opened");
    let kept = (0..20).filter(|_| {
        tickets
            .handle_message(text(Some(id), Author::Customer, &big), after(3))
            .is_ok()
    });
    assert_eq!(
        kept.count(),
        6,
        "the subject takes a few bytes of the eighth"
    );
    for _ in 2..MAX_OPEN {
        tickets
            .handle_message(text(None, Author::Customer, ""), after(4))
            .expect("opened");
    }
    let more = tickets.handle_message(text(None, Author::Customer, ""), after(4));
    assert!(matches!(more, Err(Refused::Full { most: MAX_OPEN, .. })));
    for output in drain(&mut tickets) {
        if let Output::Leaf(entry) = output {
            let leaf = entry.leaf().expect("a leaf");
            assert!(
                !leaf.payload().contains("script"),
                "texts are not in the log"
            );
        }
    }
}

#[test]
fn words_are_found_in_any_case() {
    let contract = contract();
    let mut tickets = engine(&contract);
    tickets
        .handle_message(text(None, Author::Customer, "ÄRGER mit Firefox"), after(0))
        .expect("opened");
    tickets
        .handle_message(text(None, Author::Customer, "没有声音"), after(1))
        .expect("opened");
    tickets
        .handle_message(text(Some(1), Author::Agent, "Which version?"), after(2))
        .expect("kept");
    for (query, expected) in [
        ("ärger", vec![1]),
        ("firefox VERSION", vec![1]),
        ("sound", vec![2, 1]),
        ("声音", vec![2]),
        ("chrome", vec![]),
        ("sound chrome", vec![]),
        (" ", vec![]),
    ] {
        let found = tickets.search(query).expect("short");
        let found: Vec<_> = found.iter().map(|t| t.id).collect();
        assert_eq!(found, expected, "{query}");
    }
    assert!(tickets.search(&"x".repeat(257)).is_err());
    assert!(tickets.search("a b c d e f g h i").is_err());
}

#[derive(Clone, Debug)]
enum Input {
    Text {
        ticket: Option<u64>,
        kind: Author,
        automatic: bool,
    },
    Act {
        kind: Author,
        id: u64,
        action: Action,
    },
    Logged {
        id: u64,
    },
    Incident {
        severity: Severity,
        open: bool,
    },
    Wait,
}

fn input() -> impl Strategy<Value = (Input, i64)> {
    let kind = || {
        prop::sample::select(vec![
            Author::Customer,
            Author::Agent,
            Author::Lead,
            Author::Expert,
            Author::System,
        ])
    };
    let severity =
        prop::sample::select(vec![Severity::S1, Severity::S2, Severity::S3, Severity::S4]);
    let action = prop_oneof![
        Just(Action::Ask {
            text: "What?".to_owned()
        }),
        Just(Action::Resolve),
        Just(Action::Close),
        any::<bool>().prop_map(|urgent| Action::Mark { urgent }),
    ];
    let input = prop_oneof![
        3 => (prop::option::of(0..4_u64), kind(), any::<bool>())
            .prop_map(|(ticket, kind, automatic)| Input::Text { ticket, kind, automatic }),
        3 => (kind(), 0..4_u64, action).prop_map(|(kind, id, action)| Input::Act { kind, id, action }),
        1 => (0..4_u64).prop_map(|id| Input::Logged { id }),
        1 => (severity, any::<bool>()).prop_map(|(severity, open)| Input::Incident { severity, open }),
        1 => Just(Input::Wait),
    ];
    (input, prop_oneof![-300..2000_i64, 0..400_000_i64])
}

/// Gives the inputs; what is refused is refused.
fn feed(
    tickets: &mut Tickets,
    incident: &incident::Incident,
    inputs: &[(Input, i64)],
    mut now: i64,
) -> i64 {
    for (input, step) in inputs {
        now += step;
        match input {
            Input::Text {
                ticket,
                kind,
                automatic,
            } => {
                let mut incoming = text(*ticket, *kind, "Hello");
                incoming.automatic = *automatic;
                let _ = tickets.handle_message(incoming, after(now));
            }
            Input::Act { kind, id, action } => {
                let _ = tickets.handle_action(&actor(*kind), *id, action, after(now));
            }
            Input::Logged { id } => {
                let _ = tickets.handle_logged(*id, 1, after(now));
            }
            Input::Incident { severity, open } => {
                let mut incident = incident.clone();
                incident.severity = *severity;
                if !open {
                    incident.state = incident::State::Resolved;
                }
                tickets.handle_incident(&incident, after(now));
            }
            Input::Wait => tickets.handle_timeout(after(now)),
        }
    }
    now
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn whatever_comes_the_rules_hold(inputs in prop::collection::vec(input(), 0..50)) {
        let contract = contract();
        let incident = outage(&contract, 4).incident(1).expect("detected").clone();
        let mut tickets = engine(&contract);
        feed(&mut tickets, &incident, &inputs, 0);
        run(&mut tickets, after(400 * 86_400));
        let mut once: BTreeMap<String, u32> = BTreeMap::new();
        let mut severities: BTreeMap<u64, Severity> = BTreeMap::new();
        let mut last = Timestamp::MIN;
        for output in drain(&mut tickets) {
            let Output::Leaf(entry) = output else { continue };
            prop_assert!(entry.at >= last, "time does not run backwards");
            last = entry.at;
            prop_assert!(entry.leaf().is_ok());
            let before = severities.insert(entry.ticket, entry.severity);
            let follows = matches!(entry.change, TicketChange::Linked { .. } | TicketChange::SeverityFollowed { .. });
            prop_assert!(follows || before.is_none_or(|b| b == entry.severity));
            let key = match entry.change {
                TicketChange::Called { clock, round, share, due, .. } => {
                    prop_assert!(due <= entry.at);
                    format!("{} {clock:?} {round} {share}", entry.ticket)
                }
                TicketChange::Missed { clock, round, due } => {
                    prop_assert!(due <= entry.at);
                    format!("{} {clock:?} {round}", entry.ticket)
                }
                _ => continue,
            };
            *once.entry(key).or_default() += 1;
        }
        prop_assert!(once.values().all(|n| *n == 1));
    }

    #[test]
    fn a_restart_changes_nothing(
        before in prop::collection::vec(input(), 0..30),
        then in prop::collection::vec(input(), 0..30),
    ) {
        let contract = contract();
        let incident = outage(&contract, 4).incident(1).expect("detected").clone();
        let mut tickets = engine(&contract);
        let now = feed(&mut tickets, &incident, &before, 0);
        let snapshot = tickets.snapshot().expect("JSON");
        let mut again = Tickets::restore(Arc::clone(&contract), &snapshot).expect("restored");
        for engine in [&mut tickets, &mut again] {
            feed(engine, &incident, &then, now);
            run(engine, after(400 * 86_400));
        }
        prop_assert_eq!(drain(&mut tickets), drain(&mut again));
        prop_assert_eq!(tickets.snapshot().expect("JSON"), again.snapshot().expect("JSON"));
    }
}
