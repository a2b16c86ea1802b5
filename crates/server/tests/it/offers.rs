//! `surecast offers`: what it prints, what it refuses.

use crate::harness::surecast;

/// Exit code, standard output, standard error.
fn offers(args: &[&str]) -> (i32, String, String) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/guarantee");
    let output = surecast()
        .arg("offers")
        .args(args)
        .current_dir(root)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn offers_are_compared_as_text_json_and_page() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("offers.html");
    let (code, json, error) = offers(&[
        "compare",
        "--need=need-show.yaml",
        "offer-evidence.yaml",
        "agora-xla",
        "zoom-support",
        "--runs=50",
        "--json",
        "--html",
        page.to_str().unwrap(),
    ]);
    assert_eq!((code, error.as_str()), (0, ""));
    let compared: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(compared["rows"].as_array().unwrap().len(), 2);
    assert_eq!(compared["not_computed"][0]["id"], "zoom-support");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Plan with evidence") && page.ends_with("</html>\n"));
    let (code, text, _) = offers(&["compare", "--need=need-companion.yaml", "--lang=zh"]);
    assert_eq!(code, 0);
    assert!(text.contains("未覆盖损失"), "{text}");
}

#[test]
fn advice_lists_and_offers_are_shown() {
    for (args, shown) in [
        (
            &["advise", "--need=need-show.yaml"][..],
            "Service level: Radical",
        ),
        (
            &["advise", "--need=need-companion.yaml"],
            "Service level: Entry",
        ),
        (&["list"], "aws-medialive"),
        (&["show", "tencent-vod"], "vendor backend records final"),
    ] {
        let (code, out, error) = offers(args);
        assert_eq!((code, error.as_str()), (0, ""), "{args:?}");
        assert!(out.contains(shown), "{out}");
    }
}

#[test]
fn wrong_calls_end_with_two_and_say_what_to_do() {
    for (args, message) in [
        (&["show", "agora-xal"][..], "did you mean `agora-xla`?"),
        (
            &["compare", "--need=nowhere.yaml"],
            "cannot read nowhere.yaml",
        ),
        (
            &["compare", "--need=offer-evidence.yaml"],
            "offer-evidence.yaml:6:1: id: there is no such key",
        ),
        (
            &["compare", "--need=need-show.yaml", "--runs=9000000"],
            "ask for 1 to 55555 runs",
        ),
    ] {
        let (code, out, error) = offers(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        assert!(error.contains(message), "{error}");
    }
}
