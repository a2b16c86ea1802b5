//! The evidence log under a process that is killed, and the command that checks
//! it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use surecast_guarantee::evidence::appender::Settings;
use surecast_guarantee::evidence::{Algorithm, Kind, Leaf, SigningKey};
use surecast_guarantee::report::receipt;
use surecast_guarantee::rollup::Minute;
use surecast_server::evidence::EvidenceLog;

use crate::harness::{run, surecast};
use crate::settle::append;

const ORIGIN: &str = "live.example.com/log";

/// Where the child writes; it is this test program, run once more.
const DIR: &str = "EVIDENCE_TEST_DIR";

fn settings() -> Settings {
    Settings {
        interval: Duration::ZERO,
        ..Settings::default()
    }
}

fn leaf(n: u64) -> Leaf {
    let at = "2026-09-01T00:00:00Z".parse().unwrap();
    Leaf::text(Kind::Note, at, &format!("leaf {n}")).unwrap()
}

#[test]
#[ignore = "run by the test that kills it"]
fn appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let log = EvidenceLog::open(Path::new(&dir), ORIGIN, Vec::new(), settings()).unwrap();
    let mut next = log.published().borrow().size;
    loop {
        let leaves = (next..next + 100).map(leaf).collect();
        let indexes = runtime.block_on(log.append(leaves)).unwrap();
        assert_eq!(indexes, next..next + 100);
        next = indexes.end;
        // Whoever reads this may be gone, and then this is about to be killed.
        let _ = writeln!(std::io::stdout(), "acknowledged {next}");
    }
}

fn child(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "evidence::appends_until_it_is_killed",
        ])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills the child after so many of its answers; gives the last one.
fn kill_after(dir: &Path, answers: usize) -> u64 {
    let mut child = child(dir);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said = lines.map_while(Result::ok).filter_map(|line| {
        let (_, n) = line.split_once("acknowledged ")?;
        n.parse::<u64>().ok()
    });
    said.by_ref().take(answers).for_each(drop);
    child.kill().unwrap();
    // What it had said and nobody had read yet counts too.
    let last = said.last();
    child.wait().unwrap();
    last.unwrap_or_default()
}

fn evidence(args: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = surecast().arg("evidence").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn a_killed_log_has_all_that_was_acknowledged_and_goes_on() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    let kept = temp.path().join("kept");
    let kept = kept.to_str().unwrap();
    let mut acknowledged = 0;
    for answers in [1, 4, 9, 2] {
        acknowledged = kill_after(temp.path(), answers).max(acknowledged);
        let earlier: &[&str] = if answers == 1 { &[] } else { &["--from", kept] };
        let args = [&["verify", "--log", dir, "--json", "--keep", kept], earlier].concat();
        let (code, out, error) = evidence(&args);
        assert_eq!(code, 0, "{out}{error}");
        let found: serde_json::Value = serde_json::from_str(&out).unwrap();
        let size = found["size"].as_u64().unwrap();
        assert!(size >= acknowledged, "{size} of {acknowledged} leaves");
    }
    let log = EvidenceLog::open(temp.path(), ORIGIN, Vec::new(), settings()).unwrap();
    assert!(log.published().borrow().size >= acknowledged);
    let (_, out, _) = evidence(&["export", "--log", dir]);
    for (n, line) in out.lines().enumerate() {
        assert_eq!(line, format!("{n} {}", leaf(n as u64)));
    }
    assert!(out.lines().count() as u64 >= acknowledged);
}

#[test]
fn one_changed_byte_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let log = EvidenceLog::open(temp.path(), ORIGIN, Vec::new(), settings()).unwrap();
    runtime
        .block_on(log.append((0..700).map(leaf).collect()))
        .unwrap();
    // The public files alone.
    let public = temp.path().join("log");
    let dir = public.to_str().unwrap();
    let (code, out, error) = evidence(&["verify", "--log", dir]);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.starts_with("live.example.com/log: 700 leaves are as they were signed for\n"),
        "{out}"
    );
    assert!(out.ends_with("  700 note\n"), "{out}");
    let (code, out, _) = evidence(&["show", "--log", dir, "513"]);
    assert_eq!(code, 0);
    assert!(
        out.starts_with("note 2026-09-01T00:00:00Z leaf 513\n\nleaf 513 of 700"),
        "{out}"
    );
    for (path, at, expected) in [
        (
            "tile/0/001",
            32 * 7,
            "tile/0/001 is wrong at hash 7 (leaf 263)",
        ),
        (
            "tile/entries/002.p/188",
            3,
            "leaf 512 was changed in tile/entries/002.p/188",
        ),
    ] {
        let path = public.join(path);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let (code, out, error) = evidence(&["verify", "--log", dir]);
        assert_eq!((code, out.as_str()), (1, ""), "{error}");
        assert!(
            error.starts_with(&format!("surecast: {expected}")),
            "{error}"
        );
        bytes[at] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn a_log_is_verified_over_http() {
    let temp = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let log = EvidenceLog::open(temp.path(), ORIGIN, Vec::new(), settings()).unwrap();
    runtime
        .block_on(log.append((0..5000).map(leaf).collect()))
        .unwrap();
    let key = log.key().to_string();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let url = format!("http://{}/log", listener.local_addr().unwrap());
    runtime.spawn(
        async move { axum::serve(listener, surecast_server::doors::log::routes(log)).await },
    );
    let (code, out, error) = evidence(&["verify", "--log", &url, "--key", &key]);
    assert_eq!(code, 0, "{error}");
    assert!(
        out.contains("5000 leaves are as they were signed for"),
        "{out}"
    );
    assert_eq!(evidence(&["key", "--log", &url]).1, format!("{key}\n"));
}

#[test]
fn wrong_calls_end_with_2() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().to_str().unwrap();
    for (args, expected) in [
        (
            &["verify", "--log", dir][..],
            "there is no file `checkpoint` in it",
        ),
        (
            &["verify", "--log", "ftp://example.com"],
            "only http:// and https:// are known",
        ),
        (
            &["verify", "--log", dir, "--key", "x"],
            "this is not a public key",
        ),
        (
            &["export", "--log", dir, "--kind", "A"],
            "the leaf must begin with a kind",
        ),
    ] {
        let (code, out, error) = evidence(args);
        assert_eq!((code, out.as_str()), (2, ""), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

/// Receipts that are not what they say end the checking at their leaf.
#[test]
fn a_forged_receipt_is_named() {
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let verify = || run(&["evidence", "verify", "--log", log.to_str().unwrap()]);
    let key = SigningKey::from_seed("live/receipts", Algorithm::Ed25519, [7; 32]).unwrap();
    let hashes = [receipt::hash("a")];
    let mut logged = receipt::Logged {
        by: receipt::By::Clients,
        minute: Minute(29_671_200),
        region: "local".parse().unwrap(),
        connected: 1,
        hashes: hashes.map(|hash| STANDARD.encode(hash)).to_vec(),
        root: receipt::root(&hashes).to_string(),
        key: key.public().to_string(),
    };
    let at = "2026-06-05T00:00:00Z".parse().unwrap();
    let leaf = |logged: &receipt::Logged| Leaf::json(Kind::Receipt, at, logged).unwrap();
    append(data.path(), vec![leaf(&logged)]);
    let verified = verify();
    assert_eq!(verified.status.code(), Some(0));
    let text = String::from_utf8_lossy(&verified.stdout);
    assert!(text.contains("hashes of what clients signed"), "{text}");
    logged.connected = 0;
    logged.hashes = vec![STANDARD.encode(receipt::hash("b"))];
    append(data.path(), vec![leaf(&logged)]);
    let verified = verify();
    assert_eq!(verified.status.code(), Some(1));
    let error = String::from_utf8_lossy(&verified.stderr);
    assert!(
        error.contains("leaf 1") && error.contains("`root`"),
        "{error}"
    );
}
