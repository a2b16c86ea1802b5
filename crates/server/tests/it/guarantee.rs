//! Measuring, the evidence log and the status page of a running server.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use surecast_guarantee::burn::Alert;
use surecast_guarantee::contract::life::Fact;
use surecast_guarantee::evidence::{Audit, Kind, Leaf, VerifyingKey, appender};
use surecast_guarantee::exclusion::{Exclusion, ExclusionClass};
use surecast_guarantee::incident::{Author, Change, Entry, State};
use surecast_guarantee::interval::Interval;
use surecast_guarantee::module::Module;
use surecast_guarantee::rollup::{Counts, Minute, Rollup, RollupState, Source, experience};
use surecast_guarantee::severity::Severity;
use surecast_server::evidence::{EvidenceLog, Reader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::harness::{Server, eventually, joiner, run, surecast, token_for};

fn start(data: &Path) -> Server {
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .env("SURECAST_GUARANTEE__ORIGIN", "live.example.com/log");
    Server::start(command)
}

/// Verifies the whole log with the library and gives its leaves.
pub fn leaves(data: &Path) -> Vec<Leaf> {
    let root = data.join("evidence/log");
    let key: VerifyingKey = std::fs::read_to_string(root.join("vkey"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let mut reader = Reader::new(&root);
    let mut audit = Audit::open(&mut reader, &key).unwrap();
    let mut leaves = Vec::new();
    for bundle in 0..audit.bundles() {
        let take = |_, entry: &[u8]| {
            leaves.push(Leaf::parse(entry).unwrap());
            Ok(())
        };
        audit.handle_bundle(&mut reader, bundle, take).unwrap();
    }
    assert_eq!(leaves.len() as u64, audit.head().size);
    leaves
}

fn rollups(data: &Path) -> Vec<Rollup> {
    let leaves = leaves(data);
    let of = leaves
        .iter()
        .filter(|leaf| matches!(leaf.kind(), Kind::Rollup | Kind::NoData));
    let of = of.filter(|leaf| !leaf.payload().starts_with(experience::TAG));
    of.map(|leaf| {
        let rollup: Rollup = leaf.payload().parse().unwrap();
        let no_data = rollup.state == RollupState::NoData;
        assert_eq!(*leaf.kind() == Kind::NoData, no_data);
        rollup
    })
    .collect()
}

/// Every minute once in each of the three lines, without holes.
fn assert_whole(rollups: &[Rollup]) {
    assert_eq!(rollups.len() % 3, 0);
    for (row, pair) in rollups.chunks(3).zip(rollups.chunks(3).skip(1)) {
        assert_eq!(row[0].minute.next(), pair[0].minute);
    }
    for row in rollups.chunks(3) {
        let lines: Vec<String> = row.iter().map(|r| r.module.to_string()).collect();
        assert_eq!(lines, ["join", "signalling", "media"]);
        assert!(row.iter().all(|r| r.minute == row[0].minute));
        assert_eq!(row[0].source.to_string(), "server:live.example.com");
    }
}

#[tokio::test]
async fn attempts_are_seen_and_the_open_minute_is_closed_at_the_end() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let token = token_for(&joiner("r", "anna"));
    let url = format!("ws://{}/rtc?access_token={token}", server.address);
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    assert!(matches!(socket.next().await, Some(Ok(Message::Binary(_)))));
    drop(socket);
    let bad = server.get("/rtc?access_token=wrong").await;
    assert!(!bad.status.is_success());
    let started = r#"surecast_guarantee_samples_total{what="join_started"}"#;
    eventually(
        "the attempt is counted, the wrong token is not",
        async || server.metric(started).await == Some(1.0),
    )
    .await;
    let status = server.get("/guarantee/v1/status").await.json();
    assert_eq!(status["log"]["origin"], "live.example.com/log");
    assert_eq!(status["status"]["lines"].as_array().unwrap().len(), 3);
    let url = server.url("/log/");
    let verified = tokio::task::spawn_blocking(move || run(&["evidence", "verify", "--log", &url]));
    assert_eq!(verified.await.unwrap().status.code(), Some(0));
    server.stop();
    let rollups = rollups(data.path());
    assert_whole(&rollups);
    // It measures from the first whole minute on; the last one was not seen whole.
    let leaves = leaves(data.path());
    let is_start = |leaf: &&Leaf| leaf.payload().contains("source_started");
    let started = leaves.iter().find(is_start).unwrap().at();
    assert!(rollups.iter().all(|r| r.minute.start() >= started));
    let last = rollups.iter().rev().take(3);
    assert!(last.into_iter().all(|r| r.state == RollupState::NoData));
}

#[tokio::test]
async fn the_time_between_two_runs_has_no_data() {
    let data = tempfile::tempdir().unwrap();
    let now = jiff::Timestamp::now();
    let last = Minute(Minute::of(now).unwrap().0 - 10);
    ended_at(data.path(), last).await;
    let server = start(data.path());
    eventually("the gap is in the log and on the page", async || {
        let shown = server.get("/guarantee/v1/status").await.json();
        let minutes = &shown["status"]["lines"][0]["minutes"];
        let minutes = minutes.as_array().unwrap().iter();
        let missing = minutes.filter(|m| m["state"] == "no_data" && m["leaf"].is_u64());
        missing.count() >= 9
    })
    .await;
    server.stop();
    let rollups = rollups(data.path());
    assert_whole(&rollups);
    assert_eq!(rollups[0].minute, last);
    assert_eq!(rollups[0].state, RollupState::Idle);
    let gap = &rollups[3..30];
    assert!(gap.iter().all(|r| r.state == RollupState::NoData));
}

/// A log as a server leaves it whose last whole minute was `last`.
async fn ended_at(data: &Path, last: Minute) {
    let dir = data.join("evidence");
    let settings = appender::Settings::default();
    let log = EvidenceLog::open(&dir, "live.example.com/log", Vec::new(), settings).unwrap();
    let modules = [Module::Join, Module::Signalling, Module::Media];
    let leaves = modules.map(|module| {
        let region = "local".parse().unwrap();
        let source = Source::Server("live.example.com".into());
        let rollup = Rollup::new(last, module, region, source, Counts::default()).unwrap();
        Leaf::text(Kind::Rollup, last.next().start(), &rollup.to_string()).unwrap()
    });
    log.append(leaves.to_vec()).await.unwrap();
    log.close().await;
}

#[tokio::test]
async fn a_killed_server_leaves_a_log_that_verifies() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut server = start(data.path());
        server.signal("KILL");
        server.wait();
        leaves(data.path());
    }
    start(data.path()).stop();
    assert_whole(&rollups(data.path()));
}

#[tokio::test]
async fn the_page_speaks_two_languages_and_needs_nothing_else() {
    let server = Server::dev(&[]);
    let english = server.get("/status").await;
    assert!(english.text().contains("Service status"));
    assert!(english.text().contains(r#"<html lang="en">"#));
    let chinese = server.get("/status?lang=zh").await;
    assert!(chinese.text().contains("服务状态"));
    for page in [english.text(), chinese.text()] {
        assert!(!page.contains("<script") && !page.contains("src="));
        assert!(!page.contains('{') || page.contains("<style>"));
        for name in ["{title}", "{lines}", "{key}", "{size}"] {
            assert!(!page.contains(name), "{name} is left");
        }
    }
    server.stop();
}

#[test]
fn contracts_are_checked_at_the_start_and_logged_once() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("a.contract.yaml");
    let new = run(&[
        "contract",
        "new",
        "entry",
        "--provider",
        "P",
        "--provider-mail",
        "p@example.com",
        "--customer",
        "C",
        "--customer-mail",
        "c@example.com",
        "--start",
        "2026-01-01",
    ]);
    std::fs::write(&file, &new.stdout).unwrap();
    for _ in 0..2 {
        let mut command = surecast();
        command
            .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
            .arg(data.path().join("data"))
            .env("SURECAST_GUARANTEE__CONTRACTS", &file);
        Server::start(command).stop();
    }
    let leaves = leaves(&data.path().join("data"));
    let contracts = leaves.iter().filter(|l| *l.kind() == Kind::Contract);
    assert_eq!(contracts.count(), 1);
    // It says once that it measures, and once with which settings.
    let facts = leaves.iter().filter_map(|leaf| Fact::of(leaf).unwrap());
    let names = facts.map(|fact| match fact {
        Fact::SourceStarted { .. } => "started",
        Fact::Settings { .. } => "settings",
        _ => "another",
    });
    assert_eq!(names.collect::<Vec<_>>(), ["started", "settings"]);

    std::fs::write(&file, "id: x\nversion: 0\n").unwrap();
    let output = surecast()
        .args(["serve", "--dev", "--http", "127.0.0.1:0"])
        .env("SURECAST_GUARANTEE__CONTRACTS", &file)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("a.contract.yaml:"), "{error}");
}

/// Minutes in which the process stood still have no data, whatever is known from
/// before. The clock starts three seconds before a minute, the first that counts.
#[tokio::test]
async fn a_stopped_process_has_no_data() {
    let data = tempfile::tempdir().unwrap();
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data.path())
        .args(["--dev-time", "2026-09-30T23:48:57Z"])
        .env("SURECAST_GUARANTEE__ORIGIN", "live.example.com/log");
    let server = Server::start(command);
    eventually("the first minute is over", async || {
        let shown = server.get("/guarantee/v1/status").await.json();
        let now = shown["status"]["now"].as_str().unwrap().to_owned();
        now.as_str() > "2026-09-30T23:49:01"
    })
    .await;
    server.signal("STOP");
    // What is waited for is time itself: nobody answers while it is stopped.
    tokio::time::sleep(Duration::from_secs(5)).await;
    server.signal("CONT");
    let state = async |minute: &str| {
        let shown = server.get("/guarantee/v1/status").await.json();
        let minutes = shown["status"]["lines"][0]["minutes"].as_array().unwrap();
        let found = minutes.iter().find(|m| m["minute"] == minute);
        found.map(|m| m["state"].as_str().unwrap().to_owned())
    };
    let start = Instant::now();
    while state("2026-09-30T23:49:00Z").await.as_deref() != Some("no_data") {
        assert!(start.elapsed() < Duration::from_secs(120), "never shown");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    server.stop();
}

/// What people write into the log is on the page: maintenance is not down, and
/// an incident is there until it is over.
#[tokio::test]
async fn maintenance_and_incidents_are_shown_from_the_log() {
    let data = tempfile::tempdir().unwrap();
    let now = jiff::Timestamp::now();
    let minute = |back: u32| Minute(Minute::of(now).unwrap().0 - back);
    ended_at(data.path(), minute(10)).await;
    told(data.path(), minute(9).start(), minute(5).start(), now).await;
    let server = start(data.path());
    let shown = async || server.get("/guarantee/v1/status").await.json();
    eventually("the minutes are there", async || {
        let shown = shown().await;
        let minutes = shown["status"]["lines"][0]["minutes"].as_array().unwrap();
        let of = |back: u32, state: &str| {
            let start = minute(back).start().to_string();
            let found = minutes.iter().find(|m| m["minute"] == start.as_str());
            found.is_some_and(|m| m["state"] == state)
        };
        of(8, "maintenance") && of(4, "no_data")
    })
    .await;
    let incidents = shown().await["status"]["incidents"].clone();
    assert_eq!(incidents.as_array().unwrap().len(), 1, "{incidents}");
    assert_eq!(incidents[0]["severity"], "S2");
    assert_eq!(incidents[0]["state"], "acknowledged");
    assert!(incidents[0].get("contract").is_none());
    let page = server.get("/status").await.text();
    assert!(page.contains("Open incidents") && page.contains("being worked on"));
    let page = server.get("/status?lang=zh").await.text();
    assert!(page.contains("未结束的事件") && page.contains("维护"));
    server.stop();
}

/// Maintenance that was declared an hour before, and two incidents, one of which
/// is over.
async fn told(data: &Path, from: jiff::Timestamp, to: jiff::Timestamp, now: jiff::Timestamp) {
    let dir = data.join("evidence");
    let settings = appender::Settings::default();
    let log = EvidenceLog::open(&dir, "live.example.com/log", Vec::new(), settings).unwrap();
    let declared = from - Duration::from_secs(3600);
    let exclusion = Exclusion {
        class: ExclusionClass::Maintenance,
        declared_at: declared,
        interval: Interval::new(from, to).unwrap(),
        module: None,
        region: None,
        approved_by: "Ben".into(),
        log_index: None,
        contracts: Vec::new(),
    };
    let mut leaves = vec![Leaf::json(Kind::Exclusion, declared, &exclusion).unwrap()];
    let entry = |incident, state, change| Entry {
        contract: "c".into(),
        incident,
        at: now,
        module: Module::Media,
        regions: vec!["local".parse().unwrap()],
        state,
        severity: Severity::S2,
        change,
    };
    let detected = || Change::Detected {
        first_bad: from,
        alert: Alert::Page,
        maintenance: false,
        refs: Vec::new(),
    };
    let by = || Author::Lead;
    let entries = [
        entry(1, State::Detected, detected()),
        entry(1, State::Resolved, Change::Resolved { by: by() }),
        entry(2, State::Detected, detected()),
        entry(2, State::Acknowledged, Change::Acknowledged { by: by() }),
    ];
    leaves.extend(entries.iter().map(|entry| entry.leaf().unwrap()));
    log.append(leaves).await.unwrap();
    log.close().await;
}
