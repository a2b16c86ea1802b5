use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use surecast_guarantee::evidence::{Algorithm, Kind};
use surecast_guarantee::report::receipt::{Alg, FORMAT, Joined, Logged, Share};

use super::*;

/// 2026-06-01T00:00Z.
const START: u64 = 1_780_272_000_000;

const ANN: (&str, &str) = ("room", "ann");

fn receipts(dir: &Path) -> Receipts {
    let key = SigningKey::from_seed("x/log/receipts", Algorithm::Ed25519, [9; 32]).unwrap();
    Receipts::new(key, "x/log", "local".parse().unwrap(), "x", dir).unwrap()
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millisecond(i64::try_from(START + ms).unwrap()).unwrap()
}

/// Signed with the key of this number.
fn signed(key: u8, seq: u32, from: u64, to: u64) -> (String, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[key; 32]).unwrap();
    let all = to - from;
    let statement = Statement {
        format: FORMAT.into(),
        alg: Alg::Ed25519,
        key: STANDARD.encode(pair.public_key()),
        seq,
        start: START + from,
        end: START + to,
        join: (seq == 1).then_some(Joined {
            ms: 300,
            ok: true,
            first_media_ms: None,
        }),
        audio: Share { all, good: all },
        video: Share {
            all,
            good: all - all / 10,
        },
        delay: Share { all, good: all },
        concealed_ppm: None,
        freezes: None,
        rtt_ms: None,
    };
    let text = canonical::to_string(&statement).unwrap();
    let signature = STANDARD.encode(pair.sign(text.as_bytes()));
    (text, signature)
}

fn take(
    receipts: &Receipts,
    who: (&str, &str),
    (text, signature): &(String, String),
    now: u64,
) -> Result<String, ReceiptRefusal> {
    receipts.take(who, (text, signature), at(now))
}

#[test]
fn a_minute_is_countersigned_counted_and_logged() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    let first = signed(1, 1, 0, 60_000);
    let answer = take(&receipts, ANN, &first, 61_000).unwrap();
    let note = Note::parse(answer.as_bytes()).unwrap();
    assert_eq!(note.verify(receipts.key()), Ok(None));
    let said: Countersigned = serde_json::from_str(note.text.trim()).unwrap();
    let hash = STANDARD.encode(receipt::hash(&first.0));
    assert_eq!(said.receipt, hash);
    // The same again is the same, and does not count twice.
    assert_eq!(take(&receipts, ANN, &first, 62_000).unwrap(), answer);
    take(&receipts, ("room", "ben"), &signed(2, 1, 0, 60_000), 62_000).unwrap();

    assert!(receipts.close(2, at(79_999), false).is_empty());
    let closed = receipts.close(2, at(80_000), false);
    let [closed] = &closed[..] else {
        panic!("one minute")
    };
    let logged: Logged = closed.leaves[0].decode().unwrap();
    assert_eq!(*closed.leaves[0].kind(), Kind::Receipt);
    assert_eq!((logged.hashes.len(), logged.connected), (2, 2));
    assert!(logged.hashes.contains(&hash));
    assert!(!closed.leaves[0].to_string().contains("ann"));
    let lines: Vec<&str> = closed.leaves[1..].iter().map(Leaf::payload).collect();
    assert_eq!(
        lines,
        [
            "experience 2026-06-01T00:00Z local receipts:x join=2/2 audio=120000/120000 video=108000/120000 delay=120000/120000",
            "rollup 2026-06-01T00:00Z join local receipts:x measured up=0 down=0 good=2 bad=0",
            "rollup 2026-06-01T00:00Z media local receipts:x measured up=108000 down=12000 good=0 bad=0",
        ]
    );
    assert!(receipts.close(2, at(200_000), true).is_empty());
}

#[test]
fn time_cannot_be_claimed_twice() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    take(&receipts, ANN, &signed(1, 5, 0, 30_000), 31_000).unwrap();
    for (again, says) in [
        (signed(1, 6, 29_999, 40_000), "start"),
        (signed(1, 5, 30_000, 40_000), "seq"),
        (signed(1, 4, 30_000, 40_000), "seq"),
        // Not even with another key.
        (signed(2, 1, 0, 40_000), "start"),
    ] {
        let refused = take(&receipts, ANN, &again, 41_000).unwrap_err();
        assert!(refused.to_string().contains(says), "{refused}");
    }
    take(&receipts, ANN, &signed(2, 1, 30_000, 40_000), 41_000).unwrap();
}

#[test]
fn what_comes_too_late_too_early_or_too_often_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    let whole = signed(1, 1, 0, 60_000);
    assert!(take(&receipts, ANN, &whole, 54_999).is_err());
    assert!(take(&receipts, ANN, &whole, 80_000).is_err());
    for n in 0..u64::from(MOST) {
        let seq = u32::try_from(n).unwrap();
        let part = signed(1, seq, n * 1000, n * 1000 + 1000);
        take(&receipts, ANN, &part, 20_000).unwrap();
    }
    let more = take(&receipts, ANN, &signed(1, 99, 15_000, 16_000), 20_000);
    assert!(matches!(more, Err(ReceiptRefusal::Rate)));
    take(&receipts, ANN, &signed(1, 100, 60_000, 61_000), 62_000).unwrap();
}

/// Dropped without a stop, as a killed process leaves it.
#[test]
fn what_was_countersigned_survives_and_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let before = receipts(dir.path());
    let first = signed(1, 1, 0, 30_000);
    take(&before, ANN, &first, 31_000).unwrap();
    take(&before, ("room", "ben"), &signed(2, 1, 0, 30_000), 31_000).unwrap();
    drop(before);
    // The machine went down in the middle of a line.
    let minute = Minute::of(at(0)).unwrap();
    let file = dir.path().join("receipts").join(minute.0.to_string());
    let torn = std::fs::read_to_string(&file).unwrap() + "c2lnbmF0dXJl {\"aud";
    std::fs::write(&file, torn).unwrap();
    let after = receipts(dir.path());
    // The client did not get the answer and asks again, then goes on.
    take(&after, ANN, &first, 32_000).unwrap();
    assert!(take(&after, ANN, &signed(1, 2, 20_000, 40_000), 41_000).is_err());
    take(&after, ANN, &signed(1, 2, 30_000, 40_000), 41_000).unwrap();
    drop(after);
    let last = receipts(dir.path());
    let closed = last.close(0, at(80_000), false);
    let logged: Logged = closed[0].leaves[0].decode().unwrap();
    assert_eq!(logged.hashes.len(), 3);
    let hash = STANDARD.encode(receipt::hash(&first.0));
    assert!(logged.hashes.contains(&hash));
    let lines: Vec<&str> = closed[0].leaves.iter().map(Leaf::payload).collect();
    assert!(lines[2].ends_with("up=0 down=0 good=2 bad=0"), "{lines:?}");
    // Until the log has it, it is there; then it is not.
    drop(last);
    let again = receipts(dir.path());
    assert_eq!(again.close(0, at(80_000), false).len(), 1);
    again.logged(minute);
    drop(again);
    assert!(receipts(dir.path()).close(0, at(80_000), true).is_empty());
    assert!(!file.exists());
}

#[test]
fn what_cannot_be_written_down_is_not_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let receipts = receipts(dir.path());
    std::fs::remove_dir(dir.path().join("receipts")).unwrap();
    let refused = take(&receipts, ANN, &signed(1, 1, 0, 60_000), 61_000);
    assert!(matches!(refused, Err(ReceiptRefusal::Journal(_))));
    assert!(
        receipts
            .close(0, at(80_000), false)
            .iter()
            .all(|c| c.rollups.is_empty())
    );
}
