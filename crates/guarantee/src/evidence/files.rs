//! The log's files, wherever they are.

use super::bundle::{self, MAX_BUNDLE};
use super::hash::Hash;
use super::tile::{self, Kind, Tile, WIDTH};

/// The current checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// The checkpoint that is to take its place.
pub const NEXT: &str = "checkpoint.next";

/// The last checkpoint that a witness signed.
pub const WITNESSED: &str = "checkpoint.witnessed";

/// What becomes [`WITNESSED`].
pub const WITNESSED_NEXT: &str = "checkpoint.witnessed.next";

/// Longest file that a log can have: a bundle of the longest entries.
pub const MAX_FILE: usize = MAX_BUNDLE;

/// Reads files of a log.
pub trait Files {
    /// The bytes of the file at `path`, which is relative to the log; `None`
    /// when there is none. Files beyond [`MAX_FILE`] may be refused.
    ///
    /// # Errors
    /// It is not known whether there is one; says why.
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String>;
}

/// A file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFault {
    /// It cannot be read; this says nothing of the log.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// Which one.
        path: String,
        /// As the system says.
        why: String,
    },
    /// It is not there.
    #[error("{path} is missing (leaves {first} to {last})")]
    Missing {
        /// Which one.
        path: String,
        /// The first leaf under it.
        first: u64,
        /// The last leaf under it.
        last: u64,
    },
    /// Its length or structure is wrong.
    #[error("{path} is damaged at leaf {leaf}: {why}")]
    Damaged {
        /// Which one.
        path: String,
        /// The first leaf that is concerned.
        leaf: u64,
        /// What is wrong.
        why: String,
    },
}

/// Reads a file that has to be there, for a tile; the full tile stands in for a
/// partial one that was removed.
///
/// # Errors
/// Neither is there, or reading failed.
pub fn read(files: &mut impl Files, tile: &Tile) -> Result<Vec<u8>, FileFault> {
    let mut get = |tile: &Tile| {
        let path = tile.to_string();
        let found = files.read(&path);
        found.map_err(|why| FileFault::Unreadable { path, why })
    };
    if let Some(bytes) = get(tile)? {
        return Ok(bytes);
    }
    if !tile.is_full()
        && let Some(bytes) = get(&tile.full())?
    {
        return Ok(bytes);
    }
    Err(FileFault::Missing {
        path: tile.to_string(),
        first: tile.leaves(0).0,
        last: tile.leaves(tile.width - 1).1 - 1,
    })
}

/// Reads the hashes of a tile. They are as they stand there, not yet checked.
///
/// # Errors
/// See [`FileFault`].
pub fn read_hashes(files: &mut impl Files, tile: &Tile) -> Result<Vec<Hash>, FileFault> {
    let bytes = read(files, tile)?;
    tile::hashes_of(tile, &bytes).map_err(|why| {
        let whole = bytes.len() / Hash::LEN;
        let at = u16::try_from(whole).unwrap_or(WIDTH).min(tile.width - 1);
        FileFault::Damaged {
            path: tile.to_string(),
            leaf: tile.leaves(at).0,
            why,
        }
    })
}

/// Takes the entries of a bundle apart.
///
/// # Errors
/// [`FileFault::Damaged`]
pub fn entries<'a>(tile: &Tile, bytes: &'a [u8]) -> Result<Vec<&'a [u8]>, FileFault> {
    // What stands behind the entries of a partial bundle is another tree's.
    bundle::entries(bytes, tile.width).map_err(|broken| FileFault::Damaged {
        path: tile.to_string(),
        leaf: tile.leaves(broken.at).0,
        why: broken.to_string(),
    })
}

/// Computes the hashes of a tile from what is below it: the entries, or the
/// tiles of the next lower level, none of which is checked.
///
/// # Errors
/// See [`FileFault`].
pub fn recompute(files: &mut impl Files, tile: &Tile, size: u64) -> Result<Vec<Hash>, FileFault> {
    let below = match tile.kind {
        Kind::Hashes(level) if level > 0 => level - 1,
        _ => {
            let bundle = Tile {
                kind: Kind::Entries,
                ..*tile
            };
            let bytes = read(files, &bundle)?;
            let entries = entries(&bundle, &bytes)?;
            return Ok(entries.into_iter().map(Hash::leaf).collect());
        }
    };
    let first = tile.index * u64::from(WIDTH);
    (first..first + u64::from(tile.width))
        .filter_map(|index| Tile::hashes(below, index, size))
        .map(|child| {
            let hashes = read_hashes(files, &child)?;
            Ok(Hash::fold(&hashes, None).unwrap_or_else(Hash::empty))
        })
        .collect()
}
