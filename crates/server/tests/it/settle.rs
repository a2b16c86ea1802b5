//! `surecast contract settle`, and `evidence verify` that settles again.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::plan::Plan;
use surecast_guarantee::evidence::appender::Settings;
use surecast_guarantee::evidence::{Kind, Leaf};
use surecast_guarantee::module::Module;
use surecast_guarantee::rollup::{Counts, Minute, Rollup, Source};
use surecast_server::evidence::EvidenceLog;

use crate::harness::surecast;

/// 2026-06-01T00:00Z, three days.
pub const START: u32 = 29_671_200;
const DAYS: u32 = 3;

/// Maintenance declared in time, and an outage at noon, on the second day.
const MAINTENANCE: std::ops::Range<u32> = 1440 + 120..1440 + 240;
const OUTAGE: std::ops::Range<u32> = 1440 + 720..1440 + 750;

pub fn yaml() -> String {
    let plan = Plan::Entry.yaml();
    let line = "  - {module: media, region: eu-west, method: session-seconds, floor: 10, \
                target: 99.5%, fee_share: 100%, critical: true}";
    let kept = plan.lines().filter(|l| !l.starts_with("  - {module:"));
    let lines: Vec<String> = kept
        .map(|l| match l {
            "coverage:" => format!("coverage:\n{line}"),
            l if l.starts_with("term:") => "term: {kind: custom, start: 2026-06-01, end: \
                 2026-06-04, zone: UTC, alignment: calendar}"
                .to_owned(),
            l if l.starts_with("renewal:") => {
                "renewal: {mode: signed, notice_days: 1, grace_days: 0}".to_owned()
            }
            l => l.to_owned(),
        })
        .collect();
    lines.join("\n") + "\n"
}

pub fn leaves() -> Vec<Leaf> {
    let (contract, _) = Contract::from_yaml(&yaml()).unwrap();
    let at = "2026-05-30T00:00:00Z".parse().unwrap();
    let span = |run: std::ops::Range<u32>| {
        Minute::span(Minute(START + run.start), Minute(START + run.end))
    };
    let exclusion = json!({
        "class": "maintenance", "declared_at": at, "interval": span(MAINTENANCE),
        "module": null, "region": null, "approved_by": "ops", "log_index": null,
    });
    let mut leaves = vec![
        Leaf::json(Kind::Contract, at, &contract).unwrap(),
        Leaf::json(Kind::Exclusion, at, &exclusion).unwrap(),
    ];
    leaves.extend((0..DAYS * 1440).map(|minute| {
        let down = MAINTENANCE.contains(&minute) || OUTAGE.contains(&minute);
        let (up_ms, down_ms) = if down { (0, 6_000_000) } else { (6_000_000, 0) };
        let counts = Counts {
            up_ms,
            down_ms,
            good: if down { 0 } else { 100 },
            bad: if down { 100 } else { 0 },
        };
        let source = Source::Server("a".to_owned());
        let region = "eu-west".parse().unwrap();
        let minute = Minute(START + minute);
        let rollup = Rollup::new(minute, Module::Media, region, source, counts).unwrap();
        Leaf::text(Kind::Rollup, minute.next().start(), &rollup.to_string()).unwrap()
    }));
    leaves
}

pub fn append(dir: &Path, leaves: Vec<Leaf>) {
    let settings = Settings {
        interval: Duration::ZERO,
        ..Settings::default()
    };
    let append = || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let log = EvidenceLog::open(dir, "live.example.com/log", Vec::new(), settings).unwrap();
        runtime.block_on(log.append(leaves)).unwrap();
        runtime.block_on(log.close());
    };
    // On a thread of its own: the test may have a runtime already.
    std::thread::scope(|scope| scope.spawn(append).join().unwrap());
}

fn call(args: &[&str]) -> (i32, String, String) {
    let output = surecast().args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn a_settlement_is_made_appended_and_made_again_by_whoever_checks() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    let text = |name: &str| path(name).to_str().unwrap().to_owned();
    let (file, page, log) = (text("c.contract.yaml"), text("page.html"), text("live"));
    std::fs::write(&file, yaml()).unwrap();
    std::fs::create_dir(&log).unwrap();
    append(&path("live"), leaves());

    let settle = ["contract", "settle", &file, "--log", &log];
    let (code, out, error) = call(&[&settle[..], &["--append", "--html", &page]].concat());
    assert_eq!(code, 0, "{error}");
    // 30 of 4,200 minutes of three days; a tenth of a tenth of 500.
    for said in [
        "99.285714%",
        "credit 5.00 EUR",
        "takes out 7200 s",
        "appended as leaf 4322",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("5.00 EUR") && html.contains("<svg"), "{html}");
    let (code, out, _) = call(&[&settle[..], &["--append", "--period", "2026-06"]].concat());
    assert_eq!(code, 0);
    assert!(out.contains("the log has it as leaf 4322"), "{out}");
    let dispute = ["--append", "--step", "dispute", "--reason", "Whose noon?"];
    assert_eq!(call(&[&settle[..], &dispute].concat()).0, 0);
    let (code, out, _) = call(&[&settle[..], &["--append"]].concat());
    assert_eq!(code, 0);
    assert!(
        out.contains("recomputed") && out.contains("leaf 4324"),
        "{out}"
    );
    let refused = ["--append", "--step", "credit"];
    let (code, _, error) = call(&[&settle[..], &refused].concat());
    assert_eq!(code, 2, "{error}");

    // The public files alone.
    copy(&path("live/log"), &path("public"));
    let public = text("public");
    let (code, out, error) = call(&["evidence", "verify", "--log", &public]);
    assert_eq!(code, 0, "{error}");
    for said in ["the same byte for byte: 2", "say the same as before: 1"] {
        assert!(out.contains(said), "{said}: {out}");
    }

    let tile = path("public/tile/entries/008");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let (code, _, error) = call(&["evidence", "verify", "--log", &public]);
    assert_eq!(code, 1);
    assert!(error.contains("leaf 2048 was changed"), "{error}");
}

#[test]
fn a_settlement_is_printed_in_two_languages() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (file, log) = (path("c.contract.yaml"), path("log"));
    std::fs::write(&file, yaml()).unwrap();
    std::fs::create_dir(&log).unwrap();
    append(Path::new(&log), leaves());
    let settle = ["contract", "settle", &file, "--log", &log];
    let printed = |lang: &str, name: &str| {
        let pdf = path(name);
        let args = [&settle[..], &["--pdf", &pdf, "--lang", lang]].concat();
        let (code, _, error) = call(&args);
        assert_eq!(code, 0, "{error}");
        std::fs::read(pdf).unwrap()
    };
    let (english, chinese) = (printed("en", "en.pdf"), printed("zh", "zh.pdf"));
    assert!(english.starts_with(b"%PDF-") && chinese.starts_with(b"%PDF-"));
    assert_ne!(english, chinese);
    assert_eq!(english, printed("en", "again.pdf"));
}

#[test]
fn a_more_favourable_settlement_under_the_same_key_is_found_out() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    let text = |name: &str| path(name).to_str().unwrap().to_owned();
    let (file, honest, forged) = (text("c.contract.yaml"), text("honest"), text("forged"));
    std::fs::write(&file, yaml()).unwrap();
    std::fs::create_dir(&honest).unwrap();
    append(&path("honest"), leaves());
    std::fs::create_dir(&forged).unwrap();
    std::fs::copy(path("honest/key"), path("forged/key")).unwrap();
    let (code, out, error) = call(&["contract", "settle", &file, "--log", &honest, "--json"]);
    assert_eq!(code, 0, "{error}");
    let mut settlement: Value = serde_json::from_str(&out).unwrap();
    settlement["lines"][0]["credit"] = json!("0");
    settlement["sum"] = json!("0");
    settlement["credit"] = json!("0");
    let at = "2026-06-05T00:00:00Z".parse().unwrap();
    let mut leaves = leaves();
    leaves.push(Leaf::json(Kind::Settlement, at, &settlement).unwrap());
    append(&path("forged"), leaves);
    let (code, _, error) = call(&["evidence", "verify", "--log", &forged]);
    assert_eq!(code, 1);
    let expected = "surecast: leaf 4322: the settlement of entry version 1, period 0: \
                    lines.1.credit (media eu-west): the log says \"0\", the evidence says \"5\"\n";
    assert_eq!(error, expected);
}

#[test]
fn wrong_calls_end_with_2() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (file, log) = (path("c.contract.yaml"), path("log"));
    std::fs::write(&file, yaml()).unwrap();
    std::fs::create_dir(&log).unwrap();
    append(Path::new(&log), leaves()[1..].to_vec());
    let public = path("log/log");
    for (args, code, expected) in [
        (
            vec!["--log", &log, "--period", "2027-01"],
            2,
            "no period begins in 2027-01",
        ),
        (
            vec!["--log", &log, "--index", "1"],
            2,
            "there is no period 1",
        ),
        (
            vec!["--log", &public, "--append"],
            2,
            "is not the directory of a log with its private key",
        ),
        (
            vec!["--log", &log, "--step", "finalise"],
            2,
            "no settlement of this period",
        ),
        (
            vec!["--log", &log, "--append"],
            1,
            "the contract is not in the log",
        ),
    ] {
        let args = [&["contract", "settle", &file][..], &args].concat();
        let (found, _, error) = call(&args);
        assert_eq!(found, code, "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn facts_are_appended_and_a_contracts_state_follows() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (file, log) = (path("c.contract.yaml"), path("log"));
    std::fs::write(&file, yaml()).unwrap();
    std::fs::create_dir(&log).unwrap();
    append(Path::new(&log), leaves()[..1].to_vec());
    let status = |more: &[&str]| {
        let args = [&["contract", "status", &file][..], more].concat();
        let (code, out, error) = call(&args);
        assert_eq!(code, 0, "{error}");
        out
    };
    let during = ["--at", "2026-06-02T12:00:00Z"];
    let text = status(&during);
    assert!(text.starts_with("entry version 1: active since"), "{text}");
    let with_log = [&["--log", &log][..], &["--at", "2026-05-29T00:00:00Z"]].concat();
    assert!(status(&with_log).starts_with("entry version 1: draft"));
    let with_log = [&["--log", &log, "--json"][..], &during].concat();
    let json: Value = serde_json::from_str(&status(&with_log)).unwrap();
    assert_eq!(
        (&json["state"], &json["period"]),
        (&json!("active"), &json!(0))
    );
    assert_eq!(json["next"], "renewing");

    let retired = r#"{"fact":"source_retired","source":"server:a"}"#;
    let (code, out, error) = call(&["evidence", "fact", "--log", &log, retired]);
    assert_eq!((code, out.as_str()), (0, "appended as leaf 1\n"), "{error}");
    for wrong in ["{}", r#"{"fact":"source_retired","source":"a"}"#] {
        let (code, _, error) = call(&["evidence", "fact", "--log", &log, wrong]);
        assert_eq!(code, 2, "{error}");
    }
}

#[test]
fn a_period_that_is_not_over_is_not_settled() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name).to_str().unwrap().to_owned();
    let (file, log) = (path("c.contract.yaml"), path("log"));
    std::fs::write(&file, yaml().replace("2026-06-0", "2999-06-0")).unwrap();
    std::fs::create_dir(&log).unwrap();
    append(Path::new(&log), leaves());
    for asked in [["--index", "0"], ["--period", "2999-06"]] {
        let settle = ["contract", "settle", &file, "--log", &log];
        let (code, out, error) = call(&[&settle[..], &asked[..]].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{error}");
        let expected = "the period from 2999-06-01T00:00:00Z is not over before \
                        2999-06-04T00:00:00Z: until then, the minutes to come would count as down";
        assert!(error.contains(expected), "{error}");
    }
}
