//! Where hashes and entries stand.
//! [C2SP tlog-tiles](https://c2sp.org/tlog-tiles)

use std::fmt;
use std::str::FromStr;

use super::hash::Hash;

/// Hashes or entries of a full tile.
pub const WIDTH: u16 = 256;

/// Levels of tiles that a tree of 2⁶⁴ leaves can have.
pub const LEVELS: u8 = 8;

/// What stands in a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Hashes: level 0 of leaves, level `n` of full tiles of level `n - 1`.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

impl Kind {
    const fn level(self) -> u8 {
        match self {
            Self::Hashes(level) => level,
            Self::Entries => 0,
        }
    }
}

/// One file of the log. Its text is the path: `tile/0/x001/067.p/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// What is in it.
    pub kind: Kind,
    /// Which one in its level, from 0.
    pub index: u64,
    /// How many hashes or entries: 1 to [`WIDTH`].
    pub width: u16,
}

impl Tile {
    /// The tile of hashes at `level` with that `index` in a tree of `size`
    /// leaves; `None` when there is none.
    #[must_use]
    pub fn hashes(level: u8, index: u64, size: u64) -> Option<Self> {
        Self::in_tree(Kind::Hashes(level), index, size)
    }

    /// The bundle of entries with that `index` in a tree of `size` leaves;
    /// `None` when there is none.
    #[must_use]
    pub fn entries(index: u64, size: u64) -> Option<Self> {
        Self::in_tree(Kind::Entries, index, size)
    }

    fn in_tree(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let row = row_len(kind.level(), size);
        let rest = row.checked_sub(index.checked_mul(u64::from(WIDTH))?)?;
        let width = u16::try_from(rest.min(u64::from(WIDTH))).ok()?;
        (width > 0).then_some(Self { kind, index, width })
    }

    /// Whether a tree of `size` leaves has this tile, in this width or wider.
    #[must_use]
    pub fn is_in(&self, size: u64) -> bool {
        Self::in_tree(self.kind, self.index, size).is_some_and(|tile| self.width <= tile.width)
    }

    /// Whether it is as wide as a tile can be.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The same, full.
    #[must_use]
    pub const fn full(self) -> Self {
        Self {
            width: WIDTH,
            ..self
        }
    }

    /// The directory of the partial tiles before this one was full.
    #[must_use]
    pub fn partials(&self) -> String {
        format!("{}.p", self.full())
    }

    /// The leaves under position `at` of the tile: first, and first after.
    /// The end saturates in trees that nobody can have.
    #[must_use]
    pub fn leaves(&self, at: u16) -> (u64, u64) {
        let span = 1u64
            .checked_shl(8 * u32::from(self.kind.level()))
            .unwrap_or(u64::MAX);
        let first = self
            .index
            .saturating_mul(u64::from(WIDTH))
            .saturating_add(u64::from(at));
        (
            first.saturating_mul(span),
            first.saturating_add(1).saturating_mul(span),
        )
    }
}

/// How many hashes there are at a level of tiles in a tree of `size` leaves.
#[must_use]
pub fn row_len(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        // A u64 has at most 20 digits: 7 groups.
        let groups = (1..7)
            .rev()
            .skip_while(|group| self.index < 1000u64.pow(*group));
        for group in groups {
            write!(f, "x{:03}/", self.index / 1000u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for Tile {
    type Err = String;

    /// Only the canonical spelling is a tile's path.
    fn from_str(path: &str) -> Result<Self, String> {
        let tile = parse(path).filter(|tile| tile.to_string() == path);
        tile.ok_or_else(|| {
            let shown: String = path.chars().take(80).collect();
            format!("`{shown}` is not the path of a tile: write it like `tile/0/x001/067` or `tile/entries/000.p/8`")
        })
    }
}

fn parse(path: &str) -> Option<Tile> {
    let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => Kind::Entries,
        level => Kind::Hashes(level.parse().ok().filter(|level| *level < 64)?),
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok()?),
        None => (rest, WIDTH),
    };
    if width == 0 || width > WIDTH {
        return None;
    }
    let mut index = 0u64;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(Tile { kind, index, width })
}

/// Takes the bytes of a tile apart. A longer one is cut: a full tile stands in
/// for each of its partial ones.
///
/// # Errors
/// Says how long it is, and how long it should be.
pub fn hashes_of(tile: &Tile, bytes: &[u8]) -> Result<Vec<Hash>, String> {
    let wanted = usize::from(tile.width) * Hash::LEN;
    if bytes.len() < wanted || !bytes.len().is_multiple_of(Hash::LEN) {
        return Err(format!(
            "it has {} bytes where {wanted} are expected: it is cut off or not a tile",
            bytes.len()
        ));
    }
    let chunks = bytes[..wanted].chunks_exact(Hash::LEN);
    Ok(chunks
        .map(|chunk| {
            let mut hash = [0; Hash::LEN];
            hash.copy_from_slice(chunk);
            Hash(hash)
        })
        .collect())
}

/// The bytes of a tile of hashes.
#[must_use]
pub fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tree_of_70_000() {
        for (level, index, expected) in [
            (0, 0, Some("tile/0/000")),
            (0, 272, Some("tile/0/272")),
            (0, 273, Some("tile/0/273.p/112")),
            (0, 274, None),
            (1, 0, Some("tile/1/000")),
            (1, 1, Some("tile/1/001.p/17")),
            (2, 0, Some("tile/2/000.p/1")),
            (2, 1, None),
            (3, 0, None),
        ] {
            let path = Tile::hashes(level, index, 70_000).map(|tile| tile.to_string());
            assert_eq!(path.as_deref(), expected);
        }
    }

    #[test]
    fn paths() {
        for path in [
            "tile/0/x001/x234/067",
            "tile/63/000",
            "tile/entries/000.p/255",
            "tile/0/x018/x446/x744/x073/x709/x551/615",
        ] {
            let tile: Tile = path.parse().expect(path);
            assert_eq!(tile.to_string(), path);
        }
        for path in [
            "",
            "tile/0",
            "tile/00/000",
            "tile/64/000",
            "tile/0/0",
            "tile/0/x000/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/../000",
            "tile/0/x099/x446/x744/x073/x709/x551/616",
            "/tile/0/000",
            "tile/-1/000",
            "tile/+1/000",
        ] {
            assert!(path.parse::<Tile>().is_err(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_tile_is_read_as_it_is_written(level in 0u8..64, index: u64, width in 1..=WIDTH, entries: bool) {
            let kind = if entries { Kind::Entries } else { Kind::Hashes(level) };
            let tile = Tile { kind, index, width };
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }

        #[test]
        fn paths_are_those_of_another_implementation(index in 0u64..1 << 40, width in 1..=WIDTH, level in 0u8..6) {
            let tile = Tile { kind: Kind::Hashes(level), index, width };
            let theirs = tlog_tiles::Tile::new(8, level, index, u32::from(width), false).path();
            // Theirs carries the height, which ours has fixed to 8.
            prop_assert_eq!(tile.to_string(), theirs.replacen("tile/8/", "tile/", 1));
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = text.parse::<Tile>();
        }
    }
}
