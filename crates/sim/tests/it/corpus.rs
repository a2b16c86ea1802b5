//! The fuzz corpora as plain tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use surecast_sim::fuzz::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = directory.read_dir().unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn every_file_of_the_corpus_is_survived() {
    for target in TARGETS {
        let directory = fuzz().join("corpus").join(target.name);
        let files: Vec<_> = directory.read_dir().unwrap().collect();
        assert!(!files.is_empty(), "{} has no seed", target.name);
        for file in files {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let outcome = std::panic::catch_unwind(|| (target.run)(&bytes));
            assert!(outcome.is_ok(), "{} panics", path.display());
        }
    }
}

#[test]
fn entry_points_targets_and_corpora_are_the_same() {
    let entry_points: BTreeSet<_> = TARGETS.iter().map(|t| t.name.to_owned()).collect();
    assert_eq!(entry_points, names(&fuzz().join("corpus")));
    assert_eq!(entry_points, names(&fuzz().join("fuzz_targets")));
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &entry_points {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}
