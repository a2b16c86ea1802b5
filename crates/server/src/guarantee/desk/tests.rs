use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use surecast_guarantee::clock::ClockKind;
use surecast_guarantee::contract::plan::Plan;
use surecast_guarantee::contract::support::{Channel, Role};
use surecast_guarantee::evidence::{Audit, Replay, appender};
use surecast_guarantee::exclusion::ExclusionClass;
use surecast_guarantee::incident::output::{Audience, Reason};
use surecast_guarantee::incident::{Author, Notify};
use surecast_guarantee::interval::Interval;
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::{Minute, Rollup, RollupState, Source};
use surecast_guarantee::settlement::{BreachedClock, Replayer};
use surecast_guarantee::severity::Severity;
use surecast_guarantee::ticket::About;

use super::super::delivery::Parcel;
use super::super::{Book, read_back, run};
use super::*;
use crate::evidence::{EvidenceLog, Reader, walk};

/// Monday evening.
fn after(seconds: i64) -> Timestamp {
    let start: Timestamp = "2027-05-03T18:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

fn eu() -> Region {
    "eu".parse().unwrap()
}

fn source() -> Source {
    Source::Server("live.example.com".into())
}

fn contract() -> Contract {
    Contract::from_yaml(Plan::Custom.yaml()).unwrap().0
}

/// A server without its sockets and its clock.
struct World {
    log: EvidenceLog,
    shared: Arc<Shared>,
    store: Store,
    worker: Worker,
    desk: Desk,
    queue: mpsc::Receiver<Request>,
}

impl World {
    async fn open(dir: &Path, contract: &Contract, now: Timestamp) -> Self {
        Self::open_all(dir, std::slice::from_ref(contract), now).await
    }

    async fn open_all(dir: &Path, contracts: &[Contract], now: Timestamp) -> Self {
        let settings = appender::Settings {
            interval: Duration::ZERO,
            ..Default::default()
        };
        let log =
            EvidenceLog::open(&dir.join("e"), "live.example.com/log", vec![], settings).unwrap();
        let lines = vec![(Module::Media, eu())];
        let mut book = read_back(&log, Book::new(lines, source())).await.unwrap();
        for contract in contracts {
            book.handle_contract(contract, 0, after(-86_400));
        }
        book.begin(contracts.to_vec());
        let shared = crate::guarantee::tests::shared(log.clone(), book, dir);
        let store = Store::open(dir, "").await.unwrap();
        let (worker, desk, queue) = Desk::assemble(
            contracts,
            &shared,
            store.clone(),
            Arc::new(Metrics::new()),
            Box::new(|| {}),
            now,
        )
        .await
        .unwrap();
        Self {
            log,
            shared,
            store,
            worker,
            desk,
            queue,
        }
    }

    /// As if the process were killed.
    async fn crash(self) {
        let (log, store) = (self.log.clone(), self.store.clone());
        drop(self);
        log.close().await;
        store.close().await;
    }

    /// Minutes of media in Europe into the log, so many per mille of them bad.
    async fn minutes(&self, minutes: std::ops::Range<i64>, bad: u64) {
        let rollup = |n: i64| Rollup {
            minute: Minute::of(after(n * 60)).unwrap(),
            module: Module::Media,
            region: eu(),
            source: source(),
            state: RollupState::Measured,
            up_ms: 60 * (1000 - bad),
            down_ms: 60 * bad,
            good: 1000 - bad,
            bad,
        };
        let rollups: Vec<Rollup> = minutes.clone().map(rollup).collect();
        let at = after(minutes.end * 60);
        let leaves = rollups.iter().map(|r| run::leaf(r, at).unwrap()).collect();
        let indexes = self.log.append(leaves).await.unwrap();
        let mut book = self.shared.write();
        for (rollup, index) in rollups.iter().zip(indexes) {
            book.handle_rollup(rollup, index);
        }
    }

    async fn round(&mut self, now: Timestamp) {
        self.worker.round(Vec::new(), now).await;
    }

    /// Every timeout at its instant.
    async fn run(&mut self, until: Timestamp) {
        loop {
            let due = self.worker.cases.values().filter_map(Case::poll_timeout);
            match due.min().filter(|due| *due <= until) {
                Some(due) => self.round(due).await,
                None => break,
            }
        }
        self.round(until).await;
    }

    /// What is answered to somebody who asks now.
    async fn ask<T>(&mut self, now: Timestamp, asked: impl AsyncFnOnce(Desk) -> T) -> T {
        let desk = self.desk.clone();
        let (worker, queue) = (&mut self.worker, &mut self.queue);
        let work = async {
            let request = queue.recv().await.unwrap();
            worker.round(vec![request], now).await;
        };
        tokio::join!(asked(desk), work).0
    }

    async fn parcels(&self) -> Vec<(Parcel, i64)> {
        let letters = self.store.letters_due(i64::MAX, 10_000).await.unwrap();
        let parcel = |letter: &crate::store::Letter| {
            let parcel = serde_json::from_str(&letter.body).unwrap();
            (parcel, letter.due_ms)
        };
        letters.iter().map(parcel).collect()
    }

    /// Whom the escalation calls for a clock of the incident, and when.
    async fn calls(&self, of: ClockKind) -> Vec<(Role, i64)> {
        let call = |(parcel, due): (Parcel, i64)| {
            let Parcel::Notify(notify) = parcel else {
                return None;
            };
            let Notify {
                audience, facts, ..
            } = *notify;
            match (audience, facts.reason) {
                (Audience::Escalation(role), Reason::Escalated { clock, .. })
                    if clock == of && facts.ticket.is_none() =>
                {
                    Some((role, (due - after(0).as_millisecond()) / 1000))
                }
                _ => None,
            }
        };
        self.parcels().await.into_iter().filter_map(call).collect()
    }

    fn replay(&self, replay: &mut impl Replay) {
        let mut reader = Reader::new(self.log.root());
        let audit = Audit::open(&mut reader, self.log.key()).unwrap();
        walk(&audit, vec![reader], replay, |_| {}).unwrap();
    }

    fn leaves(&self, kind: &str) -> Vec<String> {
        struct Lines(Vec<String>);
        impl Replay for Lines {
            fn handle_leaf(&mut self, _: u64, entry: &[u8]) -> Result<(), String> {
                self.0.push(String::from_utf8_lossy(entry).into_owned());
                Ok(())
            }
            fn finish(&mut self) -> Result<Vec<String>, String> {
                Ok(Vec::new())
            }
        }
        let mut lines = Lines(Vec::new());
        self.replay(&mut lines);
        let start = format!("{kind} ");
        lines.0.retain(|line| line.starts_with(&start));
        lines.0
    }
}

fn person(kind: Author) -> Actor {
    Actor::new(kind, "Ada Lovelace")
}

fn text(body: &str) -> Incoming {
    Incoming {
        ticket: None,
        channel: Channel::Web,
        author: person(Author::Customer),
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

fn show() -> RegisteredEvent {
    RegisteredEvent {
        name: "Peak hour".to_owned(),
        start: after(-600),
        end: after(4 * 3600),
        modules: vec![Module::Media],
        regions: vec![eu()],
    }
}

const TURN: [Role; 3] = [Role::Lead, Role::AccountManager, Role::Expert];

/// The seed case: a fault in the peak hour of a registered show, a ticket that an
/// agent marks as "not urgent", silence for two days.
#[tokio::test]
async fn two_days_of_silence_about_a_fault_in_the_peak_hour() {
    let dir = tempfile::tempdir().unwrap();
    let contract = contract();
    let id = contract.id.as_str();
    let mut world = World::open(dir.path(), &contract, after(-4000)).await;
    let manager = person(Author::Manager);
    let event = world
        .ask(after(-3700), async |desk| {
            desk.register_event(id, manager, show()).await
        })
        .await
        .expect("registered");
    assert_eq!(event, 0, "its leaf comes before the show");
    world.minutes(-60..0, 0).await;
    world.round(after(0)).await;
    // 40 % bad: of the first severity only because a show runs.
    for n in 0..4 {
        world.minutes(n..n + 1, 400).await;
        world.round(after(n * 60 + 60)).await;
    }
    let incident = &world.desk.view(id).unwrap().incidents[0];
    assert_eq!(
        (incident.severity, incident.first_bad),
        (Severity::S1, after(0))
    );
    assert!(!incident.refs.is_empty(), "it names its evidence");

    let ticket = world
        .ask(after(240), async |desk| {
            desk.write(id, text("Nobody hears anything!")).await
        })
        .await
        .expect("opened");
    let mark = ticket::Action::Mark { urgent: false };
    let marked = world
        .ask(after(300), async |desk| {
            desk.ticket(id, person(Author::Agent), ticket, mark).await
        })
        .await;
    let by_evidence = Refused::ByEvidence { is: Severity::S1 };
    assert!(matches!(marked, Err(DeskError::Refused(why)) if why == by_evidence));
    let marks = world.leaves("ticket").into_iter();
    let marks = marks.filter(|leaf| leaf.contains("marked") || leaf.contains("refused"));
    assert_eq!(marks.count(), 2, "the mark is in the log");

    // The fault goes on, everybody is silent.
    for hour in 0..48 {
        let from = if hour == 0 { 4 } else { hour * 60 };
        world.run(after(hour * 3600 + 3599)).await;
        world.minutes(from..hour * 60 + 60, 400).await;
        world.round(after(hour * 3600 + 3600)).await;
    }
    let view = world.desk.view(id).unwrap();
    assert_eq!(view.incidents[0].severity, Severity::S1);
    assert_eq!(view.tickets[0].severity, Severity::S1);
    assert_eq!(view.tickets[0].incident, Some(1));
    let turn = |at: [i64; 3]| TURN.into_iter().zip(at).collect::<Vec<_>>();
    let response = world.calls(ClockKind::FirstResponse).await;
    assert_eq!(response, turn([450, 675, 900]));
    let restoration = world.calls(ClockKind::Restoration).await;
    assert_eq!(restoration, turn([7200, 10_800, 14_400]));

    // Incident and ticket missed the response: one failure.
    assert_eq!(world.leaves("breach").len(), 2);
    for leaf in world
        .leaves("incident")
        .iter()
        .chain(&world.leaves("ticket"))
    {
        assert!(
            !leaf.contains("Ada") && !leaf.contains("Shift lead"),
            "{leaf}"
        );
    }
    let mut replayer = Replayer::new();
    world.replay(&mut replayer);
    let periods = contract.term.periods().unwrap();
    let mut periods = periods.iter();
    let period = periods.find(|p| p.interval.contains(after(0))).unwrap();
    let settled = replayer.settle(&contract, period, None).unwrap();
    let breaches: Vec<_> = settled
        .breaches
        .iter()
        .map(|b| {
            let credit = b.credit.normalize().to_string();
            (b.incident.as_str(), b.clock, b.severity, b.due, credit)
        })
        .collect();
    // 2 % and 5 % of a fee of 8000.
    assert_eq!(
        breaches,
        [
            (
                "incident-1",
                BreachedClock::Response,
                Severity::S1,
                after(900),
                "160".to_owned()
            ),
            (
                "incident-1",
                BreachedClock::Restoration,
                Severity::S1,
                after(14_400),
                "400".to_owned()
            ),
        ]
    );
    assert_eq!(settled.breach_credit.normalize().to_string(), "560");
    assert!(settled.credit >= settled.breach_credit);
}

/// An outage of four minutes, as far as it is carried out.
async fn outage(dir: &Path, contract: &Contract) -> World {
    let mut world = World::open(dir, contract, after(-4000)).await;
    world.minutes(-60..0, 0).await;
    world.round(after(0)).await;
    for n in 0..4 {
        world.minutes(n..n + 1, 1000).await;
        world.round(after(n * 60 + 60)).await;
    }
    world
}

#[tokio::test]
async fn a_crash_at_any_step_says_nothing_twice_and_forgets_nothing() {
    let contract = contract();
    let mut seen = Vec::new();
    // Nothing, saved, logged, carried out, all of it.
    for crash in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let mut world = outage(dir.path(), &contract).await;
        let now = after(901);
        for case in world.worker.cases.values_mut() {
            case.timeout(now);
        }
        if crash > 0 {
            world.worker.save(now).await.unwrap();
        }
        if crash > 1 {
            let leaves = world.worker.append(now).await.unwrap();
            if crash > 2 {
                world.worker.carried_out(&leaves, now);
            }
        }
        if crash > 3 {
            world.worker.save(now).await.unwrap();
        }
        world.crash().await;
        let mut world = World::open(dir.path(), &contract, now).await;
        world.round(now).await;
        world.round(now).await;
        let logged = (
            world.leaves("incident"),
            world.leaves("breach"),
            world.parcels().await.len(),
        );
        let mut once = logged.0.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), logged.0.len(), "crash {crash}");
        assert_eq!(logged.1.len(), 1, "crash {crash}");
        seen.push(logged);
        world.crash().await;
    }
    for (crash, logged) in seen.iter().enumerate() {
        assert_eq!(logged, &seen[4], "crash {crash}");
    }
}

#[tokio::test]
async fn without_the_log_nothing_is_answered_and_nothing_lost() {
    let dir = tempfile::tempdir().unwrap();
    let contract = contract();
    let id = contract.id.as_str();
    let mut world = World::open(dir.path(), &contract, after(0)).await;
    world.log.clone().close().await;
    let wrote = world
        .ask(after(1), async |desk| desk.write(id, text("Hello?")).await)
        .await;
    assert!(matches!(wrote, Err(DeskError::Unavailable(_))), "{wrote:?}");
    // Nothing more is taken until that is carried out.
    let again = world
        .ask(after(2), async |desk| desk.write(id, text("Hello?")).await)
        .await;
    assert!(matches!(again, Err(DeskError::Unavailable(_))), "{again:?}");
    assert!(world.parcels().await.is_empty(), "nobody is told");
    assert!(world.desk.view(id).unwrap().tickets.is_empty());
    world.crash().await;
    let mut world = World::open(dir.path(), &contract, after(3)).await;
    world.round(after(3)).await;
    assert_eq!(world.desk.view(id).unwrap().tickets.len(), 1);
    assert_eq!(world.leaves("ticket").len(), 1);
    assert!(!world.parcels().await.is_empty());
    world.crash().await;
}

#[tokio::test]
async fn maintenance_is_declared_in_the_log_and_found_there() {
    let dir = tempfile::tempdir().unwrap();
    let contract = contract();
    let id = contract.id.as_str();
    let mut world = World::open(dir.path(), &contract, after(0)).await;
    let planned = |hours: i64| Exclusion {
        class: ExclusionClass::Maintenance,
        declared_at: after(-1_000_000),
        interval: Interval {
            start: after(hours * 3600),
            end: after(hours * 3600 + 3600),
        },
        module: None,
        region: None,
        approved_by: String::new(),
        log_index: None,
        contracts: Vec::new(),
    };
    for (by, hours) in [
        (Author::Lead, 47),
        (Author::Agent, 49),
        (Author::Customer, 49),
    ] {
        let refused = world
            .ask(after(0), async |desk| {
                desk.declare(id, person(by), planned(hours)).await
            })
            .await;
        assert!(refused.is_err(), "{by:?} {hours}");
    }
    assert!(world.leaves("exclusion").is_empty());
    // It names contracts that are not there, or not the one it is declared under.
    for names in [vec!["nobody"], vec![id, "nobody"]] {
        let mut named = planned(49);
        named.contracts = names.into_iter().map(str::to_owned).collect();
        let refused = world
            .ask(after(0), async |desk| {
                desk.declare(id, person(Author::Lead), named).await
            })
            .await;
        assert!(matches!(refused, Err(DeskError::UnknownContract(name)) if name == "nobody"));
    }
    let leaf = world
        .ask(after(0), async |desk| {
            let own = Exclusion {
                contracts: vec![id.to_owned(), id.to_owned()],
                ..planned(49)
            };
            desk.declare(id, person(Author::Lead), own).await
        })
        .await
        .expect("early enough");
    let maintenance = world.desk.view(id).unwrap().maintenance.clone();
    assert_eq!(maintenance[0].log_index, Some(leaf));
    assert_eq!(maintenance[0].declared_at, after(0));
    assert_eq!(maintenance[0].approved_by, "Ada Lovelace");
    assert_eq!(maintenance[0].contracts, [id]);
    let leaves = world.leaves("exclusion");
    assert!(
        leaves.len() == 1 && !leaves[0].contains("Ada"),
        "{leaves:?}"
    );
    world.crash().await;
    // A crash after the leaf and before the store: the log has it.
    std::fs::remove_file(dir.path().join("surecast.db")).unwrap();
    let world = World::open(dir.path(), &contract, after(10)).await;
    let case = &world.worker.cases[id];
    assert_eq!(case.view().maintenance[0].log_index, Some(leaf));
    world.crash().await;
}

#[tokio::test]
async fn a_new_version_keeps_what_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut contract = contract();
    let world = outage(dir.path(), &contract).await;
    world.crash().await;
    contract.version += 1;
    let mut world = World::open(dir.path(), &contract, after(300)).await;
    world.round(after(300)).await;
    let view = world.desk.view(&contract.id).unwrap();
    assert_eq!(view.contract.version, contract.version);
    assert!(view.incidents[0].state.is_open());
    assert_eq!(view.incidents.len(), 1, "old minutes are passed over");
    let leaves = world.leaves("incident");
    assert!(leaves.iter().any(|leaf| leaf.contains("superseded")));
    world.run(after(1000)).await;
    assert_eq!(world.calls(ClockKind::FirstResponse).await.len(), 3);
    world.crash().await;
}

#[tokio::test]
async fn a_change_of_an_incident_goes_to_other_products() {
    let dir = tempfile::tempdir().unwrap();
    let contract = contract();
    let id = contract.id.as_str();
    let mut world = outage(dir.path(), &contract).await;
    let lead = person(Author::Lead);
    world
        .ask(after(300), async |desk| {
            desk.incident(id, lead, 1, incident::Action::Acknowledge)
                .await
        })
        .await
        .expect("acknowledged");
    let changes = world.parcels().await.into_iter();
    let changes: Vec<_> = changes
        .filter_map(|(parcel, _)| match parcel {
            Parcel::Incident { incident, .. } => Some((incident.state, incident.severity)),
            Parcel::Notify(_) => None,
        })
        .collect();
    let detected = incident::State::Detected;
    assert_eq!(
        changes,
        [
            (detected, Severity::S4),
            (detected, Severity::S1),
            (incident::State::Acknowledged, Severity::S1),
        ]
    );
    // The desk has names, the letters and the log do not.
    let words = world.desk.view(id).unwrap().incidents[0].words.clone();
    assert!(words.iter().any(|w| w.by == Some(person(Author::Lead))));
    world.crash().await;
}

#[test]
fn minutes_that_wait_have_a_bound_and_none_is_lost() {
    let mut book = Book::new(vec![(Module::Media, eu())], source());
    book.begin(vec![contract()]);
    let first = Minute::of(after(0)).unwrap().0;
    let metrics = Metrics::new();
    let mut taken = Vec::new();
    let mut last = first;
    // Fewer at once than burn rates look back over, and nobody takes any.
    for part in 0..3 {
        for n in part * 4000..part * 4000 + 4000 {
            last = first + n;
            let rollup = Rollup::no_data(Minute(last), Module::Media, eu(), source());
            book.handle_rollup(&rollup, u64::from(n));
        }
        book.watch(&metrics);
    }
    loop {
        let seen = book.take_seen();
        if seen.is_empty() {
            break;
        }
        assert!(seen.len() <= 8192);
        taken.extend(seen.into_iter().map(|at| at.seen.minute.0));
        book.watch(&metrics);
    }
    assert_eq!(taken, (first..=last).collect::<Vec<_>>());
}

/// A line in which nothing happens is judged by its probes; they can come late.
#[test]
fn a_rollup_that_comes_late_is_looked_at_again() {
    let mut contract = contract();
    let line = contract.coverage.iter_mut();
    let line = line.filter(|l| l.module == Module::Media && l.region == eu());
    line.for_each(|l| l.floor = 1);
    let first = Minute::of(after(0)).unwrap().0;
    let metrics = Metrics::new();
    let said = |source: Source, n: u32, bad: u64| Rollup {
        minute: Minute(first + n),
        module: Module::Media,
        region: eu(),
        state: if bad > 0 {
            RollupState::Measured
        } else {
            RollupState::Idle
        },
        source,
        up_ms: 0,
        down_ms: 0,
        good: 0,
        bad,
    };
    let mut book = Book::new(vec![(Module::Media, eu())], source());
    book.begin(vec![contract]);
    for n in 0..60 {
        book.handle_rollup(&said(source(), n, 0), n.into());
    }
    book.watch(&metrics);
    assert!(book.take_seen().iter().all(|at| at.seen.alert.is_none()));
    // Those of the last half hour come after it.
    for n in 30..60 {
        for probe in ["a", "b", "c"] {
            let probe = Source::Probe(probe.to_owned());
            book.handle_rollup(&said(probe, n, 1), (100 + n).into());
        }
    }
    book.watch(&metrics);
    assert!(book.take_seen().is_empty(), "no minute is told twice");
    book.handle_rollup(&said(source(), 60, 0), 60);
    book.watch(&metrics);
    let seen = book.take_seen();
    assert_eq!(seen[0].seen.first_bad, Some(Minute(first + 30)));
    assert!(seen[0].seen.alert.is_some());
}

/// The later version begins on the next day: until then the first is in force.
#[tokio::test]
async fn each_minute_belongs_to_the_version_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let old = contract();
    let mut new = old.clone();
    new.version += 1;
    new.term.start = "2027-05-04".parse().unwrap();
    new.term.kind = surecast_guarantee::term::TermKind::OneYear;
    new.term.end = None;
    let zone = surecast_guarantee::calendar::zone(&new.term.zone).unwrap();
    let midnight = surecast_guarantee::calendar::midnight(&zone, new.term.start).unwrap();
    let first = after(0).duration_until(midnight).as_mins();
    let both = [new.clone(), old.clone()];
    let mut world = World::open_all(dir.path(), &both, after(0)).await;
    let version = |world: &World| world.desk.view(&old.id).unwrap().contract.version;
    assert_eq!(version(&world), old.version);
    // A fault under the first one opens an incident.
    world.minutes(0..5, 0).await;
    world.minutes(5..9, 600).await;
    world.round(after(540)).await;
    let open = |world: &World| {
        let view = world.desk.view(&old.id).unwrap();
        view.incidents.iter().filter(|i| i.state.is_open()).count()
    };
    assert_eq!(open(&world), 1);
    // A restart before the term of the second changes nothing.
    world.crash().await;
    let mut world = World::open_all(dir.path(), &both, after(600)).await;
    assert_eq!((version(&world), open(&world)), (old.version, 1));
    assert!(
        !world
            .leaves("incident")
            .iter()
            .any(|leaf| leaf.contains("superseded"))
    );
    // The last minute of the first version, and the first one of the second.
    world.minutes(first - 1..first, 600).await;
    world.round(after(first * 60 + 15)).await;
    assert_eq!(version(&world), old.version);
    world.minutes(first..first + 1, 600).await;
    world.round(after(first * 60 + 75)).await;
    assert_eq!((version(&world), open(&world)), (new.version, 1));
    assert!(
        world
            .leaves("incident")
            .iter()
            .any(|leaf| leaf.contains("superseded"))
    );
    world.crash().await;
    // Without any minute it is gone over some minutes after the start.
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open_all(dir.path(), &both, after(0)).await;
    world.round(after(first * 60 + 299)).await;
    assert_eq!(version(&world), old.version);
    world.round(after(first * 60 + 300)).await;
    assert_eq!(version(&world), new.version);
    world.crash().await;
}

#[tokio::test]
async fn without_contracts_there_is_a_desk_with_none() {
    let dir = tempfile::tempdir().unwrap();
    let settings = appender::Settings::default();
    let log = EvidenceLog::open(dir.path(), "live.example.com/log", vec![], settings).unwrap();
    let book = Book::new(Vec::new(), source());
    let shared = crate::guarantee::tests::shared(log, book, dir.path());
    let store = Store::open(dir.path(), "").await.unwrap();
    let (metrics, now) = (Arc::new(Metrics::new()), || after(0));
    let running = Desk::start(&[], &shared, store, metrics, Box::new(|| {}), now)
        .await
        .unwrap();
    assert!(running.desk.contracts().is_empty());
    let asked = running.desk.write("custom", text("Hello?")).await;
    assert!(matches!(asked, Err(DeskError::UnknownContract(_))));
    running.stop().await;
}
