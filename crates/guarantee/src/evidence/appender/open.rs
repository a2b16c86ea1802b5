//! Finding the log again.

use std::collections::VecDeque;
use std::time::Duration;

use super::super::checkpoint::{Checkpoint, CheckpointError};
use super::super::files::{self, CHECKPOINT, FileFault, Files, NEXT, WITNESSED};
use super::super::hash::Hash;
use super::super::key::SigningKey;
use super::super::note::Note;
use super::super::tile::{Kind, Tile, WIDTH};
use super::super::tree::Edge;
use super::commit::{Commit, Publish, entries_of};
use super::{Appender, Head, Settings};

/// Why a log cannot be continued. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A file, and no other file makes up for it.
    #[error("{0}: take the file from a copy of the log")]
    File(#[from] FileFault),
    /// The checkpoint was damaged, or another key signed it.
    #[error(
        "the file `{path}` is not a checkpoint of this log: {error}: take it from a copy of the log, or bring back the key that signed it"
    )]
    Checkpoint {
        /// Which one.
        path: &'static str,
        /// What is wrong with it.
        error: CheckpointError,
    },
    /// There are tiles and no checkpoint.
    #[error(
        "the file `{CHECKPOINT}` is missing, though `{0}` is there: take it from a copy of the log; a log that starts again would contradict what it has signed"
    )]
    NoCheckpoint(String),
    /// Two checkpoints of one size.
    #[error(
        "`{CHECKPOINT}` and `{NEXT}` are signed for the same {0} leaves and differ: somebody else has used the key"
    )]
    Fork(u64),
    /// The tree is not the one that was signed.
    #[error(
        "the tiles of the log do not lead to the root in `{CHECKPOINT}`: run `surecast evidence verify` to see which one is wrong, and take it from a copy of the log"
    )]
    Root,
}

impl Appender {
    /// Opens a log: a new one where there is none, else the one that was left,
    /// however it was left. Damaged tiles at the right edge are made again.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        key: SigningKey,
        settings: Settings,
        files: &mut impl Files,
    ) -> Result<Self, OpenError> {
        let current = read_checkpoint(files, CHECKPOINT, &key)?;
        // What cannot be read here was not finished, and nobody has seen it.
        let next = match read_checkpoint(files, NEXT, &key) {
            Err(OpenError::Checkpoint { .. }) => None,
            other => other?,
        };
        let size = current.as_ref().map(|(_, checkpoint)| checkpoint.size);
        let newer = match (&current, next) {
            (Some((_, current)), Some((_, next))) if current.size == next.size => {
                if current.root != next.root {
                    return Err(OpenError::Fork(next.size));
                }
                None
            }
            (_, next) => next.filter(|(_, next)| size.is_none_or(|size| next.size > size)),
        };
        // All that `next` covers was durable before it was written; itself it may
        // not be: the run that wrote it was killed before it could say. Others
        // may have seen it under its last name, so it is never passed over.
        if let Some((note, checkpoint)) = newer {
            let (head, _) = load(files, note, &checkpoint)?;
            let commit = Commit::publish(&head, Publish::SyncFound);
            return Ok(Self::with(key, settings, head, Some(commit), files));
        }
        let Some((note, checkpoint)) = current else {
            return Self::create(key, settings, files);
        };
        let (head, repaired) = load(files, note, &checkpoint)?;
        let commit = repaired.then(|| Commit::repair(&head));
        Ok(Self::with(key, settings, head, commit, files))
    }

    /// A new log begins with a signed checkpoint of nothing: from then on a
    /// missing checkpoint means that one was lost.
    fn create(
        key: SigningKey,
        settings: Settings,
        files: &mut impl Files,
    ) -> Result<Self, OpenError> {
        for width in 1..=WIDTH {
            let kind = Kind::Hashes(0);
            let path = Tile {
                kind,
                index: 0,
                width,
            }
            .to_string();
            if read(files, &path)?.is_some() {
                return Err(OpenError::NoCheckpoint(path));
            }
        }
        let checkpoint = Checkpoint {
            origin: key.public().name().to_owned(),
            size: 0,
            root: Hash::empty(),
            extensions: Vec::new(),
        };
        let head = Head {
            edge: Edge::new(),
            bundle: Vec::new(),
            note: checkpoint.sign(&key),
        };
        let commit = Commit::publish(&head, Publish::Write);
        Ok(Self::with(key, settings, head, Some(commit), files))
    }

    fn with(
        key: SigningKey,
        settings: Settings,
        durable: Head,
        commit: Option<Commit>,
        files: &mut impl Files,
    ) -> Self {
        // A witness's signature can be had again; that of another log is no use.
        let witnessed = read_checkpoint(files, WITNESSED, &key).ok().flatten();
        Self {
            key,
            settings,
            durable,
            waiting: Vec::new(),
            waiting_bytes: 0,
            commit,
            witnessed: witnessed.map(|(note, checkpoint)| (checkpoint.size, note)),
            not_before: Duration::ZERO,
            retry_at: None,
            busy: false,
            events: VecDeque::new(),
        }
    }
}

fn read(files: &mut impl Files, path: &str) -> Result<Option<Vec<u8>>, OpenError> {
    let read = files.read(path).map_err(|why| FileFault::Unreadable {
        path: path.to_owned(),
        why,
    });
    Ok(read?)
}

fn read_checkpoint(
    files: &mut impl Files,
    path: &'static str,
    key: &SigningKey,
) -> Result<Option<(Note, Checkpoint)>, OpenError> {
    let Some(bytes) = read(files, path)? else {
        return Ok(None);
    };
    let note = Note::parse(&bytes).map_err(CheckpointError::from);
    let opened = note.and_then(|note| {
        let checkpoint = Checkpoint::open(&note, key.public())?;
        Ok((note, checkpoint))
    });
    opened
        .map(Some)
        .map_err(|error| OpenError::Checkpoint { path, error })
}

/// Loads the right edge of a signed tree; says whether tiles of it have to be
/// written again.
fn load(
    files: &mut impl Files,
    note: Note,
    checkpoint: &Checkpoint,
) -> Result<(Head, bool), OpenError> {
    let size = checkpoint.size;
    let stored = Edge::load(size, |tile| files::read_hashes(files, tile));
    let intact = stored.ok().filter(|edge| edge.root() == checkpoint.root);
    let repaired = intact.is_none();
    let edge = match intact {
        Some(edge) => edge,
        None => Edge::load(size, |tile| {
            // Where what is below is lost too, the tile itself may do.
            files::recompute(files, tile, size).or_else(|_| files::read_hashes(files, tile))
        })?,
    };
    if edge.root() != checkpoint.root {
        return Err(OpenError::Root);
    }
    let bundle = match edge.partial(0) {
        Some(tile) => load_bundle(files, tile, &edge)?,
        None => Vec::new(),
    };
    Ok((Head { edge, bundle, note }, repaired))
}

/// The entries of the bundle that is not full, each as it was signed for.
fn load_bundle(files: &mut impl Files, tile: Tile, edge: &Edge) -> Result<Vec<u8>, OpenError> {
    let path = entries_of(tile);
    let bytes = files::read(files, &path)?;
    let entries = files::entries(&path, &bytes)?;
    let hashes: Vec<Hash> = entries.iter().map(|entry| Hash::leaf(entry)).collect();
    let row = edge.partials().find(|(partial, _)| *partial == tile);
    let row = row.map_or(&[][..], |(_, row)| row);
    if let Some(at) = (0..row.len()).find(|at| hashes.get(*at) != row.get(*at)) {
        let at = u16::try_from(at).unwrap_or(WIDTH);
        return Err(OpenError::File(FileFault::Damaged {
            path: path.to_string(),
            leaf: tile.leaves(at).0,
            why: "it is not the entry that was signed for".into(),
        }));
    }
    // What stands behind belongs to a tree that was not published.
    let len = entries.iter().map(|entry| 2 + entry.len()).sum();
    let mut bundle = bytes;
    bundle.truncate(len);
    Ok(bundle)
}
