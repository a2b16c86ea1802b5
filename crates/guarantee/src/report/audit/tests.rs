use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::*;
use crate::evidence::{Algorithm, SigningKey};
use crate::report::probe::{FORMAT, Logged, Round, Signed, Statement, Verdict};
use crate::rollup::Minute;

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, Algorithm::Ed25519, [7; 32]).expect("a key")
}

fn probe() -> Logged {
    let round = Round {
        at: Minute(29_671_200).start(),
        join: Verdict::Good,
        signalling: Verdict::Good,
        media: Verdict::Good,
        join_ms: None,
        first_media_ms: None,
        delay_ms: None,
        audio_gap_ms: None,
        video_gap_ms: None,
        lost_ppm: None,
        why: String::new(),
    };
    let statement = Statement {
        format: FORMAT.into(),
        minute: Minute(29_671_200),
        probe: "fra".into(),
        region: "eu-west".parse().expect("a region"),
        target: "wss://live.example.com".into(),
        rounds: vec![round],
    };
    let note = statement.sign(&key("fra")).expect("signed").to_string();
    let known = [key("fra").public().clone()];
    let signed = Signed::read(note.as_bytes(), &known);
    signed.expect("read").logged()
}

fn clients() -> receipt::Logged {
    let mut hashes: Vec<_> = ["a", "b", "c"].map(receipt::hash).to_vec();
    hashes.sort_unstable();
    receipt::Logged {
        by: receipt::By::Clients,
        minute: Minute(29_671_200),
        region: "eu-west".parse().expect("a region"),
        connected: 4,
        hashes: hashes.iter().map(|hash| STANDARD.encode(hash)).collect(),
        root: receipt::root(&hashes).to_string(),
        key: key("live.example.com/receipts").public().to_string(),
    }
}

fn leaf(payload: &impl serde::Serialize) -> Vec<u8> {
    let leaf = Leaf::json(Kind::Receipt, Timestamp::UNIX_EPOCH, payload);
    leaf.expect("a leaf").to_bytes()
}

#[test]
fn receipts_that_are_right_are_counted_and_others_are_passed_over() {
    let mut audit = ReceiptAudit::default();
    assert_eq!(audit.finish(), Ok(Vec::new()));
    for entry in [
        leaf(&probe()),
        leaf(&clients()),
        leaf(&serde_json::json!({"by": "somebody else", "what": 1})),
        leaf(&serde_json::json!({"what": 1})),
        b"receipt 2027-06-01T00:00:00Z a text".to_vec(),
        b"junk".to_vec(),
    ] {
        assert_eq!(audit.handle_leaf(0, &entry), Ok(()));
    }
    assert_eq!((audit.probes, audit.clients, audit.minutes), (1, 3, 1));
    assert_eq!(audit.finish().expect("fine").len(), 2);
}

#[test]
fn a_receipt_that_is_not_what_it_says_is_found_out() {
    let wrong = |entry: Vec<u8>, what: &str| {
        let said = ReceiptAudit::default().handle_leaf(7, &entry);
        let why = said.expect_err(what);
        assert!(why.contains(what), "{why}");
    };
    let mut said = probe();
    said.note = said.note.replace("live.example.com", "live.example.org");
    wrong(leaf(&said), "a probe's");
    let mut said = probe();
    said.key = key("ams").public().to_string();
    wrong(leaf(&said), "a probe's");
    let mut said = probe();
    said.sha256 = "0".repeat(64);
    wrong(leaf(&said), "sha256");
    let mut said = clients();
    said.hashes.pop();
    wrong(leaf(&said), "root");
    let mut said = clients();
    said.hashes.swap(0, 1);
    wrong(leaf(&said), "order");
    let mut said = clients();
    said.hashes.clear();
    wrong(leaf(&said), "hashes");
    let mut said = clients();
    said.key = "nobody".to_owned();
    wrong(leaf(&said), "key");
    wrong(
        leaf(&serde_json::json!({"by": "probe"})),
        "not what it says",
    );
}
