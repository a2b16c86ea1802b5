//! `surecast contract`.

use std::process::Output;

use crate::harness::{file, run, surecast};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn good(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// A command on a file; its path is written `x.contract.yaml` in what comes back.
fn on_file(yaml: &str, args: &[&str]) -> (i32, String, String) {
    let (_dir, path) = file("x.contract.yaml", yaml);
    let Output {
        status,
        stdout,
        stderr,
    } = surecast()
        .arg("contract")
        .args(args)
        .arg(&path)
        .output()
        .unwrap();
    let plain = |bytes: &[u8]| text(bytes).replace(path.to_str().unwrap(), "x.contract.yaml");
    (status.code().unwrap(), plain(&stdout), plain(&stderr))
}

#[test]
fn every_plan_is_listed_and_passes_its_check() {
    let plans = good(&["contract", "plans"]);
    assert_eq!(plans.lines().count(), 4);
    for line in plans.lines() {
        let name = line.split(' ').next().unwrap();
        let yaml = good(&["contract", "new", name]);
        let (code, out, error) = on_file(&yaml, &["check"]);
        assert_eq!((code, error.as_str()), (0, ""), "{out}");
        let says = format!("x.contract.yaml: fine: {name} version 1, ");
        assert!(out.starts_with(&says), "{out}");
    }
}

#[test]
fn a_plan_is_filled_in() {
    let filled = [
        "contract",
        "new",
        "radical",
        "--provider",
        "Net",
        "--provider-mail",
        "desk@net.example",
        "--customer",
        "Show",
        "--customer-mail",
        "ops@show.example",
        "--start",
        "2027-02-01",
        "--id",
        "show-2027",
    ];
    let (code, out, _) = on_file(&good(&filled), &["check"]);
    let says = "fine: show-2027 version 1, 2027-02-01 to 2030-02-01, 36 periods, sha256 ";
    assert!(code == 0 && out.contains(says), "{out}");
    let mut leap = filled;
    leap[12] = "2028-02-29";
    let output = run(&leap);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("29 February"));
    assert_eq!(run(&filled[..5]).status.code(), Some(2));
}

#[test]
fn what_is_wrong_has_its_line_and_exit_code_1() {
    let yaml = good(&["contract", "new", "entry"]);
    let broken = yaml
        .replace("zone: UTC", "zone: UCT+1")
        .replace("fee_share: 20%", "fee_share: 2%");
    let (code, out, error) = on_file(&broken, &["check"]);
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("1 of 1 contracts cannot be used"), "{error}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].starts_with("x.contract.yaml:13:43: error: term.zone: "));
    assert!(lines[1].starts_with("x.contract.yaml:15:3: error: coverage: "));
}

#[test]
fn a_file_that_cannot_be_read_is_a_wrong_call() {
    for path in ["/nonexistent/x.contract.yaml", "/dev/zero", "/"] {
        let output = run(&["contract", "check", path]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(text(&output.stderr).contains(path));
    }
}

#[test]
fn coverage_goes_through_openslo() {
    let yaml = good(&["contract", "new", "entry"]);
    let (code, documents, _) = on_file(&yaml, &["openslo"]);
    assert_eq!(code, 0);
    assert_eq!(documents.matches("kind: SLO").count(), 3);
    let (code, coverage, error) = on_file(&documents, &["openslo", "--import"]);
    assert_eq!((code, error.as_str()), (0, ""));
    let until = yaml.find("coverage:").unwrap();
    let from = yaml.find("support:").unwrap();
    let again = format!("{}{coverage}{}", &yaml[..until], &yaml[from..]);
    let hash = |yaml: &str| {
        let (code, out, _) = on_file(yaml, &["check"]);
        assert_eq!(code, 0, "{out}");
        out.rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(hash(&again), hash(&yaml));
}
