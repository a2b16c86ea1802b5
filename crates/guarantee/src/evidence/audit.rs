//! Checks a log from its files alone, from the signed root downwards: whatever
//! is given out was signed for.
//!
//! Tiles at the right edge are checked against the root, every other tile
//! against the hash in the tile above it, every entry against its hash in the
//! lowest tile. So a fault is found where it is, and one tile per level is all
//! that is held in memory.

use super::checkpoint::{Checkpoint, CheckpointError};
use super::files::{self, CHECKPOINT, FileFault, Files, WITNESSED};
use super::hash::Hash;
use super::key::VerifyingKey;
use super::note::{Note, NoteError};
use super::proof::{self, Hashes, ProofError};
use super::tile::{Kind, LEVELS, Tile, WIDTH};
use super::tree::Edge;

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A file.
    #[error(transparent)]
    File(#[from] FileFault),
    /// There is no checkpoint.
    #[error("there is no log here: the file `{CHECKPOINT}` is missing")]
    NoCheckpoint,
    /// A checkpoint that is not one, or not this log's.
    #[error("the file `{path}`: {error}")]
    Checkpoint {
        /// Which file.
        path: String,
        /// What is wrong with it.
        error: CheckpointError,
    },
    /// A hash in a tile is not that of what is below it.
    #[error("{tile} is wrong at hash {at} ({}): expected {expected}, found {found}", leaves(tile, *at))]
    Hash {
        /// The tile.
        tile: Tile,
        /// Which hash in it, from 0.
        at: u16,
        /// What the signed root demands.
        expected: Hash,
        /// What stands there.
        found: Hash,
    },
    /// A tile is wrong, and what is below it does not say where.
    #[error(
        "{tile} does not fit the signed root ({} to {}): expected {expected}, found {found}; \
         what is below it was changed as well",
        leaves(tile, 0), tile.leaves(tile.width - 1).1 - 1
    )]
    Tile {
        /// The tile.
        tile: Tile,
        /// The hash that the signed root demands of it.
        expected: Hash,
        /// The hash that it has.
        found: Hash,
    },
    /// The tiles at the right edge do not lead to the signed root.
    #[error(
        "the tiles of a tree of {size} leaves do not lead to the root in the checkpoint: \
         expected {expected}, found {found}; look at {tiles}"
    )]
    Root {
        /// Leaves in the checkpoint.
        size: u64,
        /// The root in the checkpoint.
        expected: Hash,
        /// The root of the tiles.
        found: Hash,
        /// Those that are concerned.
        tiles: String,
    },
    /// An entry is not what was signed for.
    #[error("leaf {index} was changed in {bundle}: expected hash {expected}, found {found}")]
    Leaf {
        /// Which leaf.
        index: u64,
        /// The file that it stands in.
        bundle: Tile,
        /// The hash in the tree.
        expected: Hash,
        /// The hash of what stands there.
        found: Hash,
    },
    /// The log does not continue an earlier checkpoint.
    #[error("the log does not continue the earlier checkpoint of {size} leaves: {error}")]
    Inconsistent {
        /// Leaves in the earlier checkpoint.
        size: u64,
        /// What is wrong.
        error: ProofError,
    },
    /// No checkpoint was signed by a witness.
    #[error("the witness {0} has signed neither `{CHECKPOINT}` nor `{WITNESSED}`")]
    NotWitnessed(String),
    /// A leaf that is not there.
    #[error("there is no leaf {index}: the log has {size} leaves")]
    NoLeaf {
        /// Which one was asked for.
        index: u64,
        /// How many there are.
        size: u64,
    },
    /// A leaf that contradicts others, as whoever reads them says.
    #[error("leaf {index}: {why}")]
    Contents {
        /// Which leaf.
        index: u64,
        /// What is wrong with it.
        why: String,
    },
}

fn leaves(tile: &Tile, at: u16) -> String {
    let (first, end) = tile.leaves(at);
    match end - first {
        1 => format!("leaf {first}"),
        _ => format!("leaves {first} to {}", end - 1),
    }
}

/// What a witness saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Whose key it was signed with.
    pub witness: String,
    /// Leaves that the log had.
    pub size: u64,
    /// When that was signed, in seconds since 1970, as the witness says.
    pub time: Option<u64>,
}

/// A log under examination. Cheap to clone, so that parts of a log can be
/// checked side by side.
#[derive(Clone, Debug)]
pub struct Audit {
    head: Checkpoint,
    edge: Vec<(Tile, Vec<Hash>)>,
    /// The tile of each level that was checked last.
    checked: Vec<Option<(u64, Vec<Hash>)>>,
}

impl Audit {
    /// Reads the checkpoint, checks that the log signed it, and checks the tiles
    /// at the right edge against it.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn open(files: &mut impl Files, log: &VerifyingKey) -> Result<Self, Fault> {
        let note = read_note(files, CHECKPOINT)?.ok_or(Fault::NoCheckpoint)?;
        let head = Checkpoint::open(&note, log).map_err(|error| Fault::Checkpoint {
            path: CHECKPOINT.into(),
            error,
        })?;
        Self::of(files, head)
    }

    /// The same for a checkpoint that is known and believed.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn of(files: &mut impl Files, head: Checkpoint) -> Result<Self, Fault> {
        let mut rows = Vec::new();
        let edge = Edge::load(head.size, |tile| {
            let row = files::read_hashes(files, tile)?;
            rows.push((*tile, row.clone()));
            Ok::<_, FileFault>(row)
        })?;
        if edge.root() != head.root {
            return Err(fault_at_edge(files, &head, &rows));
        }
        Ok(Self {
            head,
            edge: rows,
            checked: vec![None; usize::from(LEVELS)],
        })
    }

    /// What the log says of itself.
    #[must_use]
    pub const fn head(&self) -> &Checkpoint {
        &self.head
    }

    /// How many bundles of entries there are.
    #[must_use]
    pub const fn bundles(&self) -> u64 {
        self.head.size.div_ceil(WIDTH as u64)
    }

    /// Checks the bundle with that index, its tile, and the tiles above it, and
    /// gives its leaves to `leaf`, each with its index. All bundles together are
    /// the whole log.
    ///
    /// # Errors
    /// See [`Fault`]; what `leaf` says is [`Fault::Contents`].
    pub fn handle_bundle(
        &mut self,
        files: &mut impl Files,
        index: u64,
        mut leaf: impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<(), Fault> {
        let Some(bundle) = Tile::entries(index, self.head.size) else {
            return Ok(());
        };
        let bytes = files::read(files, &bundle)?;
        let hashes = self.tile(files, 0, index)?;
        let entries = files::entries(&bundle, &bytes)?;
        let first = bundle.leaves(0).0;
        for ((entry, expected), index) in entries.into_iter().zip(hashes).zip(first..) {
            let found = Hash::leaf(entry);
            if found != *expected {
                let expected = *expected;
                return Err(Fault::Leaf {
                    index,
                    bundle,
                    expected,
                    found,
                });
            }
            leaf(index, entry).map_err(|why| Fault::Contents { index, why })?;
        }
        Ok(())
    }

    /// One leaf, and the proof that it is in the tree.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn leaf(
        &mut self,
        files: &mut impl Files,
        index: u64,
    ) -> Result<(Vec<u8>, Vec<Hash>), Fault> {
        let size = self.head.size;
        if index >= size {
            return Err(Fault::NoLeaf { index, size });
        }
        let mut found = Vec::new();
        self.handle_bundle(files, index / u64::from(WIDTH), |at, entry| {
            if at == index {
                found = entry.to_vec();
            }
            Ok(())
        })?;
        let mut hashes = AuditedHashes { audit: self, files };
        let proof = proof::prove_inclusion(&mut hashes, index, size)?;
        Ok((found, proof))
    }

    /// The proof that this tree continues one of `from` leaves.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn consistency(&mut self, files: &mut impl Files, from: u64) -> Result<Vec<Hash>, Fault> {
        let size = self.head.size;
        let mut hashes = AuditedHashes { audit: self, files };
        proof::prove_consistency(&mut hashes, from, size)
    }

    /// Checks that the log continues an earlier checkpoint, which was believed
    /// when it was kept.
    ///
    /// # Errors
    /// [`Fault::Inconsistent`], or a fault found on the way.
    pub fn continues(&mut self, files: &mut impl Files, earlier: &Checkpoint) -> Result<(), Fault> {
        let (from, to) = (earlier.size, self.head.size);
        let fault = |error| Fault::Inconsistent { size: from, error };
        if from > to {
            return Err(fault(ProofError::Shrunk { from, to }));
        }
        let mut hashes = AuditedHashes { audit: self, files };
        // All tiles are at hand, so the earlier root is computed, not proven.
        if proof::range(&mut hashes, 0, from)? == earlier.root {
            Ok(())
        } else {
            Err(fault(ProofError::EarlierRoot))
        }
    }

    /// What the witness saw last, in the checkpoint or in the one that was kept
    /// with its signature; that one must be of this log and be continued by it.
    ///
    /// # Errors
    /// [`Fault::NotWitnessed`], or a fault found on the way.
    pub fn witnessed(
        &mut self,
        files: &mut impl Files,
        log: &VerifyingKey,
        witness: &VerifyingKey,
    ) -> Result<Witnessed, Fault> {
        for path in [CHECKPOINT, WITNESSED] {
            let Some(note) = read_note(files, path)? else {
                continue;
            };
            let fault = |error| Fault::Checkpoint {
                path: path.into(),
                error,
            };
            let time = match note.verify(witness) {
                Ok(time) => time,
                Err(NoteError::NotSigned(_)) => continue,
                Err(error) => return Err(fault(error.into())),
            };
            let seen = Checkpoint::open(&note, log).map_err(fault)?;
            // A checkpoint newer than the one under examination says the same
            // or more; what it adds is not looked at here.
            if seen.size <= self.head.size {
                self.continues(files, &seen)?;
            }
            return Ok(Witnessed {
                witness: witness.name().to_owned(),
                size: seen.size,
                time,
            });
        }
        Err(Fault::NotWitnessed(witness.name().to_owned()))
    }

    /// The hashes of a tile, checked.
    fn tile(&mut self, files: &mut impl Files, level: u8, index: u64) -> Result<&[Hash], Fault> {
        let slot = usize::from(level);
        if let Some(at) = self
            .edge
            .iter()
            .position(|(tile, _)| Tile::hashes(level, index, self.head.size) == Some(*tile))
        {
            return Ok(&self.edge[at].1);
        }
        let known = self.checked[slot].as_ref();
        if known.is_none_or(|(checked, _)| *checked != index) {
            let tile = Tile {
                kind: Kind::Hashes(level),
                index,
                width: WIDTH,
            };
            let above = self.tile(files, level + 1, index / u64::from(WIDTH))?;
            let at = usize::try_from(index % u64::from(WIDTH)).unwrap_or_default();
            let expected = above[at];
            let hashes = files::read_hashes(files, &tile)?;
            if Hash::perfect(&hashes) != Some(expected) {
                return Err(fault_in_tile(files, &self.head, tile, &hashes, expected));
            }
            self.checked[slot] = Some((index, hashes));
        }
        Ok(self.checked[slot]
            .as_ref()
            .map_or(&[], |(_, hashes)| hashes))
    }
}

/// Reads a note; `None` when the file is not there.
fn read_note(files: &mut impl Files, path: &str) -> Result<Option<Note>, Fault> {
    let read = files.read(path).map_err(|why| FileFault::Unreadable {
        path: path.into(),
        why,
    })?;
    let note = read.map(|bytes| Note::parse(&bytes)).transpose();
    note.map_err(|error| Fault::Checkpoint {
        path: path.into(),
        error: error.into(),
    })
}

/// Hashes of an audited tree.
struct AuditedHashes<'a, F> {
    audit: &'a mut Audit,
    files: &'a mut F,
}

impl<F: Files> Hashes for AuditedHashes<'_, F> {
    type Error = Fault;

    fn hash(&mut self, height: u8, index: u64) -> Result<Hash, Fault> {
        let (level, part) = (height / 8, height % 8);
        let first = index << part;
        let tile = self
            .audit
            .tile(self.files, level, first / u64::from(WIDTH))?;
        let at = usize::try_from(first % u64::from(WIDTH)).unwrap_or_default();
        let hash = tile.get(at..at + (1 << part)).and_then(Hash::perfect);
        // Only ranges within the tree are asked for.
        debug_assert!(hash.is_some(), "height {height}, index {index}");
        Ok(hash.unwrap_or_else(Hash::empty))
    }
}

/// Says which hash of a full tile is wrong, by what is below it.
fn fault_in_tile(
    files: &mut impl Files,
    head: &Checkpoint,
    tile: Tile,
    hashes: &[Hash],
    expected: Hash,
) -> Fault {
    let found = Hash::perfect(hashes).unwrap_or_else(Hash::empty);
    let whole = Fault::Tile {
        tile,
        expected,
        found,
    };
    match files::recompute(files, &tile, head.size) {
        Ok(below) if Hash::perfect(&below) == Some(expected) => {
            first_difference(tile, &below, hashes).unwrap_or(whole)
        }
        _ => whole,
    }
}

fn first_difference(tile: Tile, right: &[Hash], wrong: &[Hash]) -> Option<Fault> {
    let mut pairs = right.iter().zip(wrong).zip(0u16..);
    let ((expected, found), at) = pairs.find(|((right, wrong), _)| right != wrong)?;
    Some(Fault::Hash {
        tile,
        at,
        expected: *expected,
        found: *found,
    })
}

/// Says which tile at the right edge is wrong: the one without which the others
/// lead to the root.
fn fault_at_edge(files: &mut impl Files, head: &Checkpoint, rows: &[(Tile, Vec<Hash>)]) -> Fault {
    let root_with = |at: usize, row: &[Hash]| {
        let rows = rows.iter().enumerate();
        let root = rows.fold(None, |root, (i, (_, stored))| {
            Hash::fold(if i == at { row } else { stored }, root)
        });
        root.unwrap_or_else(Hash::empty)
    };
    for (at, (tile, stored)) in rows.iter().enumerate() {
        let Ok(below) = files::recompute(files, tile, head.size) else {
            continue;
        };
        if root_with(at, &below) == head.root
            && let Some(fault) = first_difference(*tile, &below, stored)
        {
            return fault;
        }
    }
    let tiles: Vec<String> = rows.iter().map(|(tile, _)| tile.to_string()).collect();
    Fault::Root {
        size: head.size,
        expected: head.root,
        found: root_with(usize::MAX, &[]),
        tiles: tiles.join(", "),
    }
}

#[cfg(test)]
mod tests;
