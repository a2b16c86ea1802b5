use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use surecast_guarantee::evidence::replay::Census;
use surecast_guarantee::evidence::{Algorithm, Audit, Kind, SigningKey};

use super::*;

const ORIGIN: &str = "live.example.com/log";

/// Commits at once: a test waits for nothing that it does not have to.
fn settings() -> Settings {
    Settings {
        interval: Duration::ZERO,
        ..Settings::default()
    }
}

fn open(dir: &Path) -> anyhow::Result<EvidenceLog> {
    EvidenceLog::open(dir, ORIGIN, Vec::new(), settings())
}

fn leaf(n: u64) -> Leaf {
    let at = "2026-09-01T00:00:00Z".parse().unwrap();
    Leaf::text(Kind::Note, at, &n.to_string()).unwrap()
}

/// Verifies all of it; gives the number of leaves.
fn verify(log: &Path, key: &VerifyingKey) -> u64 {
    let mut reader = Reader::new(log);
    let audit = Audit::open(&mut reader, key).unwrap();
    let mut census = Census::default();
    walk(&audit, vec![reader.clone(), reader], &mut census, |_| {}).unwrap();
    assert_eq!(census.unreadable, 0);
    assert_eq!(census.kinds.values().sum::<u64>(), audit.head().size);
    audit.head().size
}

#[tokio::test]
async fn a_log_goes_on_where_it_was_left() {
    let temp = tempfile::tempdir().unwrap();
    let mut key = None;
    for round in 0..3u64 {
        let log = open(temp.path()).unwrap();
        assert_eq!(log.published().borrow().size, round * 700);
        let error = open(temp.path()).unwrap_err().to_string();
        assert!(error.contains("in use by another surecast"), "{error}");
        assert_eq!(log.append(Vec::new()).await.unwrap().count(), 0);
        let first = log.append(vec![leaf(0)]).await.unwrap();
        assert_eq!(first, round * 700..round * 700 + 1);
        let rest = log.append((1..700).map(leaf).collect()).await.unwrap();
        assert_eq!(rest.end, (round + 1) * 700);
        assert_eq!(log.published().borrow().size, rest.end);
        assert_eq!(*key.get_or_insert(log.key().clone()), *log.key());
        assert_eq!(verify(log.root(), log.key()), rest.end);
        log.close().await;
    }
    let mode = fs::metadata(temp.path().join("key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let vkey = fs::read_to_string(temp.path().join("log/vkey")).unwrap();
    assert_eq!(vkey.trim_end(), key.unwrap().to_string());
}

#[tokio::test]
async fn what_cannot_be_written_is_refused_until_it_can() {
    let temp = tempfile::tempdir().unwrap();
    let log = open(temp.path()).unwrap();
    // A file stands where the entries' directory has to be.
    let way = temp.path().join("log/tile");
    fs::write(&way, "").unwrap();
    for _ in 0..3 {
        let error = log.append(vec![leaf(1)]).await.unwrap_err();
        assert!(matches!(error, AppendFailure::Disk(_)), "{error}");
        let error = error.to_string();
        assert!(
            error.starts_with("the log cannot be written: cannot write"),
            "{error}"
        );
        assert!(error.contains("log/tile/0/000.p/1"), "{error}");
    }
    assert_eq!(log.published().borrow().size, 0);
    fs::remove_file(&way).unwrap();
    assert_eq!(log.append(vec![leaf(1)]).await.unwrap(), 0..1);
    assert_eq!(verify(log.root(), log.key()), 1);
}

#[tokio::test]
async fn closing_writes_what_waits() {
    let temp = tempfile::tempdir().unwrap();
    let settings = Settings {
        interval: Duration::from_secs(3600),
        ..Settings::default()
    };
    let log = EvidenceLog::open(temp.path(), ORIGIN, Vec::new(), settings).unwrap();
    log.append(vec![leaf(0)]).await.unwrap();
    let waiting = tokio::spawn({
        let log = log.clone();
        async move { log.append(vec![leaf(1)]).await }
    });
    // The spawned call comes first: this runtime has one thread.
    tokio::task::yield_now().await;
    let (root, key) = (log.root().to_owned(), log.key().clone());
    log.close().await;
    assert_eq!(waiting.await.unwrap().unwrap(), 1..2);
    assert_eq!(verify(&root, &key), 2);
}

#[tokio::test]
async fn keys_and_checkpoints_that_are_lost_are_named() {
    let temp = tempfile::tempdir().unwrap();
    let log = open(temp.path()).unwrap();
    log.append(vec![leaf(0)]).await.unwrap();
    log.close().await;
    let refused = |origin: &str| {
        let result = EvidenceLog::open(temp.path(), origin, Vec::new(), settings());
        format!("{:#}", result.unwrap_err())
    };
    let error = refused("other.example.com/log");
    assert!(error.contains("a log keeps its name"), "{error}");
    let (key, hidden) = (temp.path().join("key"), temp.path().join("hidden"));
    fs::rename(&key, &hidden).unwrap();
    let error = refused(ORIGIN);
    assert!(error.contains("is missing: bring it back"), "{error}");
    fs::rename(&hidden, &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let error = refused(ORIGIN);
    assert!(error.contains("others can read it"), "{error}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(temp.path().join("log/checkpoint")).unwrap();
    let error = refused(ORIGIN);
    assert!(
        error.contains("the file `checkpoint` is missing, though `tile/0/000.p/1` is there"),
        "{error}"
    );
}

#[tokio::test]
async fn a_witness_is_kept_over_a_restart() {
    let temp = tempfile::tempdir().unwrap();
    let witness = SigningKey::from_seed("witness", Algorithm::Cosignature, [1; 32]).unwrap();
    let known = vec![witness.public().clone()];
    let open = || EvidenceLog::open(temp.path(), ORIGIN, known.clone(), settings()).unwrap();
    let log = open();
    log.append(vec![leaf(0)]).await.unwrap();
    let mut note = Note::parse(log.published().borrow().checkpoint.as_bytes()).unwrap();
    let error = log.witness(note.clone()).await.unwrap_err();
    assert!(matches!(
        error,
        WitnessFailure::Refused(WitnessError::NoWitness)
    ));
    note.cosign(&witness, 1_800_000_000);
    assert_eq!(log.witness(note.clone()).await.unwrap(), 1);
    log.close().await;
    let log = open();
    assert_eq!(*log.published().borrow().checkpoint, *note.to_string());
    log.append(vec![leaf(1)]).await.unwrap();
    let published = log.published().borrow().clone();
    assert_eq!(published.size, 2);
    assert_eq!(
        published.witnessed.as_deref(),
        Some(note.to_string().as_str())
    );
}
