//! `surecast probe` against a running server, and its reports in the log.

use std::path::Path;
use std::process::Output;

use http_body_util::Full;
use hyper::Request;
use surecast_guarantee::evidence::{Kind, SigningKey};
use surecast_guarantee::report::probe::{FORMAT, Logged, Round, Statement, Verdict};
use surecast_guarantee::rollup::Minute;

use crate::guarantee::leaves;
use crate::harness::{Answer, Server, run, surecast};

/// Makes the key of a vantage; gives its public part.
fn make_key(path: &Path, vantage: &str) -> String {
    let output = surecast()
        .args(["probe", "key", "--vantage", vantage, "--key"])
        .arg(path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn start(data: &Path, probes: &str) -> Server {
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .env("SURECAST_GUARANTEE__PROBES", probes);
    Server::start(command)
}

async fn probe(args: Vec<String>) -> Output {
    let call = move || surecast().arg("probe").args(args).output().unwrap();
    tokio::task::spawn_blocking(call).await.unwrap()
}

fn args(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

async fn post(server: &Server, note: String) -> Answer {
    let request = Request::post(server.url("/guarantee/v1/probes"));
    server.send(request.body(Full::from(note)).unwrap()).await
}

#[tokio::test]
async fn a_round_is_measured_reported_and_logged_once() {
    let dir = tempfile::tempdir().unwrap();
    let (data, key) = (dir.path().join("data"), dir.path().join("fra.key"));
    let vkey = make_key(&key, "fra");
    assert_eq!(make_key(&key, "fra"), vkey);
    let server = start(&data, &vkey);
    let url = server.url("");
    let key = key.to_str().unwrap();
    let call = [
        "--url",
        &url,
        "--report",
        &url,
        "--key",
        key,
        "--duration",
        "2s",
        "--json",
    ];
    let output = probe(args(&call)).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", server.log());
    let round: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for module in ["join", "signalling", "media"] {
        assert_eq!(round[module], "good", "{round}");
    }
    assert_eq!(round["vantage"], "fra");
    for step in [
        "websocket_ms",
        "join_response_ms",
        "ice_ms",
        "dtls_ms",
        "first_media_ms",
    ] {
        assert!(round["subscriber"][step].is_number(), "{step}: {round}");
    }

    let there = leaves(&data);
    let receipts: Vec<usize> = (0..there.len())
        .filter(|at| *there[*at].kind() == Kind::Receipt)
        .collect();
    let [at] = receipts[..] else {
        panic!("one receipt, not {receipts:?}")
    };
    let logged: Logged = there[at].decode().unwrap();
    assert_eq!(logged.key, vkey);
    let signed = logged.open().unwrap();
    let lines = there[at + 1..at + 4]
        .iter()
        .map(|leaf| leaf.payload().to_owned());
    let expected: Vec<String> = signed
        .statement
        .rollups()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    assert!(
        expected[2].ends_with("media local probe:fra measured up=0 down=0 good=1 bad=0"),
        "{expected:?}"
    );

    // The same again changes nothing, before and after a restart.
    let again = post(&server, logged.note.clone()).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["leaf"]),
        (200, &at.into())
    );
    server.stop();
    let server = start(&data, &vkey);
    let again = post(&server, logged.note.clone()).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["leaf"]),
        (200, &at.into())
    );
    server.stop();
    let receipts = leaves(&data)
        .iter()
        .filter(|leaf| *leaf.kind() == Kind::Receipt)
        .count();
    assert_eq!(receipts, 1);
}

fn statement(at: jiff::Timestamp, verdict: Verdict) -> Statement {
    Statement {
        format: FORMAT.into(),
        minute: Minute::of(at).unwrap(),
        probe: "fra".into(),
        region: "local".parse().unwrap(),
        target: "wss://live.example.com".into(),
        rounds: vec![Round {
            at,
            join: verdict,
            signalling: verdict,
            media: verdict,
            join_ms: None,
            first_media_ms: None,
            delay_ms: None,
            audio_gap_ms: None,
            video_gap_ms: None,
            lost_ppm: None,
            why: String::new(),
        }],
    }
}

#[tokio::test]
async fn what_is_not_signed_fresh_and_said_once_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("fra.key"), dir.path().join("other.key"));
    let vkey = make_key(&path, "fra");
    make_key(&other, "fra");
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        SigningKey::from_secret_text(text.trim()).unwrap()
    };
    let (key, other) = (read(&path), read(&other));
    let server = start(&dir.path().join("data"), &vkey);
    let now = jiff::Timestamp::now();
    let good = statement(now, Verdict::Good);
    let sign = |statement: &Statement| statement.sign(&key).unwrap().to_string();

    let stranger = good.sign(&other).unwrap().to_string();
    let forged = sign(&good).replacen("\"good\"", "\"bad\"", 1);
    let hours = |hours: i64| now + jiff::SignedDuration::from_hours(hours);
    let old = sign(&statement(hours(-25), Verdict::Good));
    let early = sign(&statement(hours(1), Verdict::Good));
    let elsewhere = Statement {
        region: "mars".parse().unwrap(),
        ..good.clone()
    };
    for (note, status, says) in [
        (stranger, 403, "no known key"),
        (forged, 403, "does not fit"),
        (old, 400, "older than a day"),
        (early, 400, "check the clock"),
        (sign(&elsewhere), 400, "mars"),
        ("hello".to_owned(), 400, "signatures"),
        ("x".repeat(100_000), 413, ""),
    ] {
        let answer = post(&server, note).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        assert!(answer.text().contains(says), "{}", answer.text());
    }
    assert_eq!(post(&server, sign(&good)).await.status.as_u16(), 200);
    let changed = post(&server, sign(&statement(now, Verdict::Bad))).await;
    assert_eq!(changed.status.as_u16(), 409, "{}", changed.text());
    // A minute of a day ago: the probe tells it when the server is back.
    let late = sign(&statement(hours(-23), Verdict::Bad));
    assert_eq!(post(&server, late).await.status.as_u16(), 200);
    server.stop();
}

#[tokio::test]
async fn outages_own_failures_and_wrong_calls_are_told_apart() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("ws://{}", closed.local_addr().unwrap());
    drop(closed);
    let server = Server::dev(&[]);
    let url = server.url("");
    for (call, code, verdict) in [
        (vec!["--url", &nobody], 1, "bad"),
        (vec!["--url", "ws://no.such.name.invalid"], 1, "failed"),
        (vec!["--url", &url, "--api-secret", "wrong"], 1, "failed"),
    ] {
        let output = probe(args(&[&call[..], &["--json"]].concat())).await;
        assert_eq!(output.status.code(), Some(code), "{call:?}: {output:?}");
        let round: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        for module in ["join", "signalling", "media"] {
            assert_eq!(round[module], verdict, "{round}");
        }
        assert!(!round["why"][0].as_str().unwrap().is_empty());
    }
    for (call, says) in [
        (vec!["--url", "ftp://x"], "must begin with"),
        (vec!["--duration", "0s"], "--duration"),
        (vec!["--every", "11s"], "--every"),
        (vec!["--report", "http://x"], "--key"),
        (
            vec!["--report", "http://x", "--key", "/nonexistent/key"],
            "surecast probe key",
        ),
        (vec!["--vantage", "a b"], "--vantage"),
        (vec!["--token-pub", "x"], "--token-sub"),
    ] {
        let output = run(&[&["probe"], &call[..]].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{call:?}: {error}");
        assert!(error.contains(says), "{error}");
    }
    server.stop();
}
