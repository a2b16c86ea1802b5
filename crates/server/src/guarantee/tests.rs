use surecast_guarantee::contract::life::{Fact, Measures};
use surecast_guarantee::meter::{Sample, SessionId, What};
use surecast_guarantee::rollup::RollupState;

use super::*;

/// 2026-06-01T00:00Z.
const START: u32 = 29_671_200;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(i64::from(START) * 60 + seconds).unwrap()
}

fn local() -> Region {
    "local".parse().unwrap()
}

fn sample(second: i64, session: u64, what: What) -> Message {
    Message::Sample(Sample {
        at: at(second),
        session: SessionId(session),
        region: local(),
        what,
    })
}

fn open_log(dir: &Path) -> EvidenceLog {
    let settings = appender::Settings {
        interval: Duration::ZERO,
        ..Default::default()
    };
    EvidenceLog::open(dir, "live.example.com/log", Vec::new(), settings).unwrap()
}

fn lines() -> Vec<(Module, Region)> {
    [Module::Join, Module::Media].map(|m| (m, local())).to_vec()
}

fn source() -> Source {
    Source::Server("live.example.com".into())
}

/// A run from `from` that is told these messages at their second and ends at
/// `until`; then the book that a later server reads back.
async fn run(
    dir: &Path,
    from: i64,
    messages: Vec<(i64, Message)>,
    until: fn() -> Timestamp,
) -> Book {
    let log = open_log(dir);
    let book = read_back(&log, Book::new(lines(), source())).await.unwrap();
    let meter = Meter::new(Settings::new(source(), lines()), book.last(), at(from)).unwrap();
    let shared = shared(log, book, dir);
    let metrics = Arc::new(Metrics::new());
    let mut runner = run::Runner::new(meter, shared.clone(), metrics, until);
    let mut now = from;
    for (second, message) in messages {
        // As often as the task would: longer, and the meter was not running.
        while now < second {
            now = (now + 10).min(second);
            runner.tick(at(now));
        }
        runner.handle(message, at(second));
    }
    while at(now) < until() {
        now += 10;
        runner.tick(at(now).min(until()));
    }
    runner.end().await;
    let log = shared.log.clone();
    let live = shared.book().status(at(0));
    let read = read_back(&log, Book::new(lines(), source())).await.unwrap();
    let (live, read_status) = (live.lines, read.status(at(0)).lines);
    assert_eq!(format!("{live:?}"), format!("{read_status:?}"));
    log.close().await;
    read
}

fn states(book: &Book, line: usize) -> Vec<Shown> {
    let status = book.status(at(0));
    let minutes = status.lines[line].minutes.iter();
    minutes
        .map(|m| m.state)
        .filter(|s| *s != Shown::Unknown)
        .collect()
}

#[tokio::test]
async fn minutes_reach_the_log_and_gaps_have_no_data() {
    let dir = tempfile::tempdir().unwrap();
    let joined = What::Joined(Default::default());
    let messages = vec![
        (5, sample(5, 1, What::JoinStarted)),
        (6, sample(6, 1, joined.clone())),
        (70, sample(70, 2, What::JoinStarted)),
        (71, sample(71, 2, joined)),
        (80, sample(80, 1, What::Left)),
    ];
    let book = run(dir.path(), 0, messages, || at(150)).await;
    assert_eq!(states(&book, 0), [Shown::Good, Shown::Good, Shown::NoData]);
    let status = book.status(at(0));
    let minutes: Vec<_> = status.lines[0].minutes.iter().rev().take(3).collect();
    assert_eq!((minutes[2].good, minutes[2].bad), (1, 0));
    assert_eq!((minutes[1].good, minutes[1].bad), (1, 0));
    assert_eq!(minutes[2].leaf, Some(0));
    // Down for five minutes; then nothing happens for one.
    let book = run(dir.path(), 450, Vec::new(), || at(545)).await;
    let mut expected = vec![Shown::Good, Shown::Good];
    expected.extend([Shown::NoData; 6]);
    expected.extend([Shown::Idle, Shown::NoData]);
    assert_eq!(states(&book, 0), expected);
}

/// What a fresh server was not there for, nobody was promised; after that, every
/// minute is missed.
#[tokio::test]
async fn a_fresh_server_begins_with_its_first_whole_minute() {
    let dir = tempfile::tempdir().unwrap();
    let joined = || What::Joined(Default::default());
    let messages = vec![
        (25, sample(25, 1, What::JoinStarted)),
        (26, sample(26, 1, joined())),
    ];
    let book = run(dir.path(), 20, messages, || at(120)).await;
    assert_eq!(states(&book, 0), [Shown::Good]);
    let status = book.status(at(0));
    let first = status.lines[0].minutes.last().unwrap();
    assert_eq!((first.up_ms, first.good, first.bad), (60_000, 0, 0));

    let minute = |minute| Some(Minute(START + minute));
    let started = Fact::SourceStarted {
        source: source(),
        lines: BTreeSet::from([Measures {
            module: Module::Join,
            region: local(),
        }]),
    };
    let mut fresh = Book::new(lines(), source());
    assert_eq!(missing_since(&fresh, at(20)), None);
    fresh.handle_fact(&started, 0, at(20));
    assert_eq!(missing_since(&fresh, at(59)), None);
    // It said that it measures, and was not heard of again.
    assert_eq!(missing_since(&fresh, at(200)), minute(0));
    assert_eq!(missing_since(&book, at(200)), minute(1));
}

#[tokio::test]
async fn lost_samples_are_minutes_without_data() {
    let dir = tempfile::tempdir().unwrap();
    let joined = || What::Joined(Default::default());
    let again = Sample {
        at: at(75),
        session: SessionId(1),
        region: local(),
        what: joined(),
    };
    let lost = Message::Lost {
        from: at(65),
        state: vec![again],
    };
    let messages = vec![(5, sample(5, 1, joined())), (75, lost)];
    let book = run(dir.path(), 0, messages, || at(180)).await;
    assert_eq!(states(&book, 0), [Shown::Good, Shown::NoData, Shown::Good]);
}

#[test]
fn a_missing_minute_has_its_kind() {
    let minute = Minute(START);
    let rollup =
        surecast_guarantee::rollup::Rollup::no_data(minute, Module::Join, local(), source());
    let leaf = run::leaf(&rollup, at(90)).unwrap();
    assert_eq!(rollup.state, RollupState::NoData);
    assert_eq!(
        leaf.to_string(),
        "no_data 2026-06-01T00:01:30Z rollup 2026-06-01T00:00Z join local server:live.example.com no_data"
    );
}

/// What doors and desk see, without probes; keys in `dir`.
pub(super) fn shared(log: EvidenceLog, book: Book, dir: &Path) -> Arc<Shared> {
    Arc::new(Shared {
        receipts: receipts(&log, dir, local()).unwrap(),
        log,
        book: RwLock::new(book),
        reports: Reports::new(Vec::new(), Vec::new(), reports::Taken::default()),
    })
}
