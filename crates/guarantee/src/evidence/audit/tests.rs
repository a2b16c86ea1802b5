use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::evidence::appender::{Appender, Settings, Step};
use crate::evidence::key::{Algorithm, SigningKey};

#[derive(Clone, Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Files for Memory {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(path).cloned())
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed("example.com/log", Algorithm::Ed25519, [3; 32]).unwrap()
}

/// A log of `n` leaves, with its checkpoints on the way at `stops`.
fn log(n: u64, stops: &[u64]) -> (Memory, Vec<Checkpoint>) {
    let mut files = Memory::default();
    let mut log = Appender::open(key(), Settings::default(), &mut files).unwrap();
    let mut earlier = Vec::new();
    let mut now = Duration::ZERO;
    let mut commit = |log: &mut Appender, files: &mut Memory| {
        now += Duration::from_secs(2);
        while let Some(step) = log.poll_step(now) {
            match step {
                Step::Write { path, bytes } => {
                    files.0.insert(path, bytes);
                }
                Step::Rename { from, to } => {
                    let bytes = files.0.remove(from).unwrap();
                    files.0.insert(to.into(), bytes);
                }
                Step::Remove { path } => files.0.retain(|file, _| !file.starts_with(&path)),
                Step::Sync => {}
            }
            log.handle_done();
        }
        Checkpoint::open(log.published(), key().public()).unwrap()
    };
    for index in 0..n {
        if stops.contains(&index) {
            earlier.push(commit(&mut log, &mut files));
        }
        log.handle_leaves(vec![format!("leaf {index}").into_bytes()])
            .unwrap();
        if index % 100_000 == 99_999 {
            commit(&mut log, &mut files);
        }
    }
    commit(&mut log, &mut files);
    (files, earlier)
}

/// All of it, as the command does it.
fn verify(files: &mut Memory) -> Result<u64, Fault> {
    let mut audit = Audit::open(files, key().public())?;
    let mut seen = 0;
    for bundle in 0..audit.bundles() {
        audit.handle_bundle(files, bundle, |index, leaf| {
            assert_eq!(leaf, format!("leaf {index}").as_bytes());
            seen += 1;
            Ok(())
        })?;
    }
    Ok(seen)
}

#[test]
fn logs_of_many_sizes_are_fine() {
    for n in [
        0, 1, 2, 255, 256, 257, 511, 512, 700, 65_536, 65_537, 70_000,
    ] {
        let (mut files, _) = log(n, &[]);
        assert_eq!(verify(&mut files), Ok(n));
    }
}

#[test]
fn a_changed_byte_is_found_where_it_is() {
    // Three levels of tiles.
    let (files, _) = log(66_000, &[]);
    for (path, byte, expected) in [
        (
            "tile/entries/000",
            4,
            "leaf 0 was changed in tile/entries/000",
        ),
        (
            "tile/entries/257.p/208",
            5,
            "leaf 65792 was changed in tile/entries/257.p/208",
        ),
        (
            "tile/0/003",
            32 * 7 + 31,
            "tile/0/003 is wrong at hash 7 (leaf 775)",
        ),
        (
            "tile/0/257.p/208",
            32 * 207,
            "tile/0/257.p/208 is wrong at hash 207 (leaf 65999)",
        ),
        (
            "tile/1/000",
            32 * 255,
            "tile/1/000 is wrong at hash 255 (leaves 65280 to 65535)",
        ),
        (
            "tile/1/001.p/1",
            1,
            "tile/1/001.p/1 is wrong at hash 0 (leaves 65536 to 65791)",
        ),
        (
            "tile/2/000.p/1",
            9,
            "tile/2/000.p/1 is wrong at hash 0 (leaves 0 to 65535)",
        ),
    ] {
        let mut files = files.clone();
        files.0.get_mut(path).unwrap()[byte] ^= 0x10;
        let fault = verify(&mut files).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{fault}");
        assert!(fault.contains("expected"), "{fault}");
    }
}

#[test]
fn a_file_that_is_cut_off_or_gone_is_named() {
    let (files, _) = log(700, &[]);
    for (path, len, expected) in [
        (
            "tile/0/001",
            8_191,
            "tile/0/001 is damaged at leaf 511: it has 8191 bytes where 8192 are expected",
        ),
        (
            "tile/0/001",
            64,
            "tile/0/001 is damaged at leaf 258: it has 64 bytes",
        ),
        (
            "tile/entries/002.p/188",
            100,
            "tile/entries/002.p/188 is damaged at leaf 522: the bundle breaks off at entry 10",
        ),
        (
            "checkpoint",
            20,
            "the file `checkpoint`: the note has no signatures",
        ),
    ] {
        let mut files = files.clone();
        files.0.get_mut(path).unwrap().truncate(len);
        let fault = verify(&mut files).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{fault}");
    }
    for (path, expected) in [
        ("tile/0/001", "tile/0/001 is missing (leaves 256 to 511)"),
        (
            "tile/1/000.p/2",
            "tile/1/000.p/2 is missing (leaves 0 to 511)",
        ),
        (
            "tile/entries/000",
            "tile/entries/000 is missing (leaves 0 to 255)",
        ),
        (
            "checkpoint",
            "there is no log here: the file `checkpoint` is missing",
        ),
    ] {
        let mut files = files.clone();
        files.0.remove(path).unwrap();
        assert_eq!(verify(&mut files).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_leaf_that_was_changed_with_all_its_hashes_is_found() {
    let (mut files, _) = log(70_000, &[]);
    let bundle = files.0.get_mut("tile/entries/001").unwrap();
    bundle[4] ^= 1;
    let entries = crate::evidence::bundle::entries(bundle, 256).unwrap();
    let hashes: Vec<Hash> = entries.into_iter().map(Hash::leaf).collect();
    files.0.insert(
        "tile/0/001".into(),
        crate::evidence::tile::bytes_of(&hashes),
    );
    let fault = verify(&mut files).unwrap_err();
    assert!(matches!(fault, Fault::Tile { .. }), "{fault}");
    assert!(
        fault
            .to_string()
            .starts_with("tile/0/001 does not fit the signed root (leaf 256 to 511)"),
        "{fault}"
    );
}

#[test]
fn an_earlier_checkpoint_is_continued_or_not() {
    let stops = [1, 255, 256, 300, 512, 600, 699];
    let (mut files, earlier) = log(700, &stops);
    let mut audit = Audit::open(&mut files, key().public()).unwrap();
    for (checkpoint, size) in earlier.iter().zip(stops) {
        assert_eq!(checkpoint.size, size);
        audit.continues(&mut files, checkpoint).unwrap();
        let proof = audit.consistency(&mut files, size).unwrap();
        let head = audit.head();
        proof::check_consistency(&proof, size, checkpoint.root, head.size, head.root).unwrap();
        let other = Checkpoint {
            root: Hash::empty(),
            ..checkpoint.clone()
        };
        let fault = audit.continues(&mut files, &other).unwrap_err();
        assert!(matches!(
            fault,
            Fault::Inconsistent {
                error: ProofError::EarlierRoot,
                ..
            }
        ));
    }
    let later = Checkpoint {
        size: 701,
        ..earlier[0].clone()
    };
    let fault = audit.continues(&mut files, &later).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the log does not continue the earlier checkpoint of 701 leaves: the log has shrunk from 701 to 700 leaves"
    );
}

#[test]
fn a_leaf_comes_with_its_proof() {
    let (mut files, _) = log(700, &[]);
    let mut audit = Audit::open(&mut files, key().public()).unwrap();
    for index in [0, 255, 256, 699] {
        let (leaf, proof) = audit.leaf(&mut files, index).unwrap();
        assert_eq!(leaf, format!("leaf {index}").as_bytes());
        let head = audit.head();
        proof::check_inclusion(&proof, index, Hash::leaf(&leaf), head.size, head.root).unwrap();
    }
    assert_eq!(
        audit.leaf(&mut files, 700),
        Err(Fault::NoLeaf {
            index: 700,
            size: 700
        })
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_changed_byte_goes_unnoticed(file: prop::sample::Index, byte: prop::sample::Index, bit in 0u8..8) {
        let (mut files, _) = log(600, &[]);
        let names: Vec<String> = files.0.keys().cloned().collect();
        let path = &names[file.index(names.len())];
        let bytes = files.0.get_mut(path).unwrap();
        let at = byte.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(verify(&mut files).is_err(), "{} byte {}", path, at);
    }
}
