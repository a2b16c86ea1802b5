use proptest::prelude::*;

use super::*;
use crate::evidence::note::NoteError;
use crate::rollup::RollupState;

const MINUTE: Minute = Minute(29_671_200);

fn key(name: &str) -> SigningKey {
    SigningKey::from_seed(name, Algorithm::Ed25519, [7; 32]).unwrap()
}

fn round(second: i64, verdict: Verdict) -> Round {
    Round {
        at: Timestamp::from_second(i64::from(MINUTE.0) * 60 + second).unwrap(),
        join: verdict,
        signalling: Verdict::Good,
        media: verdict,
        join_ms: Some(40),
        first_media_ms: None,
        delay_ms: Some(12),
        audio_gap_ms: None,
        video_gap_ms: None,
        lost_ppm: Some(0),
        why: String::new(),
    }
}

fn statement(rounds: Vec<Round>) -> Statement {
    Statement {
        format: FORMAT.into(),
        minute: MINUTE,
        probe: "fra".into(),
        region: "eu-west".parse().unwrap(),
        target: "wss://live.example.com".into(),
        rounds,
    }
}

#[test]
fn what_is_signed_is_read_again_and_gives_rollups() {
    let said = statement(vec![
        round(5, Verdict::Good),
        round(20, Verdict::Bad),
        round(40, Verdict::Failed),
    ]);
    let note = said.sign(&key("fra")).unwrap().to_string();
    let known = [key("ams").public().clone(), key("fra").public().clone()];
    let signed = Signed::read(note.as_bytes(), &known).unwrap();
    assert_eq!(signed.statement, said);
    let rollups = signed.statement.rollups().unwrap();
    let lines: Vec<String> = rollups.iter().map(Rollup::to_string).collect();
    assert_eq!(
        lines,
        [
            "rollup 2026-06-01T00:00Z join eu-west probe:fra measured up=0 down=0 good=1 bad=1",
            "rollup 2026-06-01T00:00Z signalling eu-west probe:fra measured up=0 down=0 good=3 bad=0",
            "rollup 2026-06-01T00:00Z media eu-west probe:fra measured up=0 down=0 good=1 bad=1",
        ]
    );
    assert_eq!(signed.logged().open().unwrap(), signed);
}

#[test]
fn a_probes_own_failure_is_no_data() {
    let said = statement(vec![round(5, Verdict::Failed)]);
    let rollups = said.rollups().unwrap();
    assert_eq!(rollups[0].state, RollupState::NoData);
    assert_eq!(rollups[1].state, RollupState::Measured);
}

#[test]
fn what_nobody_known_signed_is_refused() {
    let said = statement(vec![round(5, Verdict::Good)]);
    let note = said.sign(&key("fra")).unwrap().to_string();
    let other = SigningKey::from_seed("fra", Algorithm::Ed25519, [8; 32]).unwrap();
    let refused = Signed::read(note.as_bytes(), &[other.public().clone()]);
    assert_eq!(refused, Err(ReportError::Unknown));
    let forged = note.replace("\"join\":\"good\"", "\"join\":\"bad\"");
    assert_ne!(forged, note);
    let refused = Signed::read(forged.as_bytes(), &[key("fra").public().clone()]);
    assert_eq!(refused, Err(NoteError::Forged("fra".into()).into()));
    // One vantage does not speak for another.
    assert!(said.sign(&key("ams")).is_err());
    let mut logged = Signed::read(note.as_bytes(), &[key("fra").public().clone()])
        .unwrap()
        .logged();
    logged.sha256 = "0".repeat(64);
    assert!(logged.open().is_err());
}

#[test]
fn what_cannot_be_true_is_refused() {
    let good = || statement(vec![round(5, Verdict::Good)]);
    let cases: [(&str, fn(&mut Statement)); 7] = [
        ("format", |s| s.format = "surecast-probe/2".into()),
        ("probe", |s| s.probe = "a b".into()),
        ("rounds", |s| s.rounds.clear()),
        ("rounds", |s| s.minute = s.minute.next()),
        ("rounds", |s| s.rounds = vec![s.rounds[0].clone(); 61]),
        ("lost_ppm", |s| s.rounds[0].lost_ppm = Some(1_000_001)),
        ("why", |s| s.rounds[0].why = "x\ny".into()),
    ];
    assert_eq!(good().check(), Ok(()));
    for (field, spoil) in cases {
        let mut statement = good();
        spoil(&mut statement);
        let Err(ReportError::Field { field: found, .. }) = statement.check() else {
            panic!("{field}: {statement:?}")
        };
        assert_eq!(found, field);
    }
}

#[test]
fn the_largest_report_fits_into_a_leaf() {
    let mut largest = round(5, Verdict::Failed);
    for field in [
        &mut largest.join_ms,
        &mut largest.first_media_ms,
        &mut largest.delay_ms,
        &mut largest.audio_gap_ms,
        &mut largest.video_gap_ms,
    ] {
        *field = Some(u32::MAX);
    }
    largest.why = "\"".repeat(MAX_TEXT);
    let mut said = statement(vec![largest; MAX_ROUNDS]);
    said.target = "\"".repeat(MAX_TEXT);
    let note = said.sign(&key("fra")).unwrap().to_string();
    assert!(note.len() <= MAX_BYTES, "{}", note.len());
    let signed = Signed::read(note.as_bytes(), &[key("fra").public().clone()]).unwrap();
    let leaf = crate::evidence::Leaf::json(
        crate::evidence::Kind::Receipt,
        Timestamp::UNIX_EPOCH,
        &signed.logged(),
    );
    assert!(leaf.is_ok(), "{leaf:?}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Signed::read(&bytes, &[key("fra").public().clone()]);
    }

    #[test]
    fn whatever_is_signed_is_read_or_refused(line in r#"[{}":,a-z0-9]{0,80}"#) {
        let note = Note::sign(format!("{line}\n"), &key("fra")).to_string();
        let _ = Signed::read(note.as_bytes(), &[key("fra").public().clone()]);
    }

    #[test]
    fn every_sound_statement_survives(
        rounds in prop::collection::btree_map(0..60_i64, (0..3_u8, any::<Option<u32>>(), "[ -~é]{0,40}"), 1..20),
    ) {
        let verdicts = [Verdict::Good, Verdict::Bad, Verdict::Failed];
        let rounds = rounds.into_iter().map(|(second, (verdict, ms, why))| Round {
            join_ms: ms,
            why,
            ..round(second, verdicts[usize::from(verdict)])
        });
        let said = statement(rounds.collect());
        let note = said.sign(&key("fra")).unwrap().to_string();
        let signed = Signed::read(note.as_bytes(), &[key("fra").public().clone()]).unwrap();
        prop_assert_eq!(&signed.statement, &said);
        prop_assert_eq!(signed.logged().open().unwrap(), signed);
    }
}
