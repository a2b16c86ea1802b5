//! A tree that grows: of all hashes only those of the tiles that are not full
//! yet. [C2SP tlog-tiles](https://c2sp.org/tlog-tiles), "Merkle Tree"

use super::hash::Hash;
use super::tile::{LEVELS, Tile, WIDTH};

/// The right edge of the tree: 8 levels of at most 255 hashes, 64 KiB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// One per level that has anything; the hashes of its tile that is not full.
    rows: Vec<Vec<Hash>>,
}

impl Edge {
    /// A tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A tree of `size` leaves; `row(tile)` gives the hashes of each tile that
    /// is not full.
    ///
    /// # Errors
    /// Those of `row`.
    pub fn load<E>(
        size: u64,
        mut row: impl FnMut(&Tile) -> Result<Vec<Hash>, E>,
    ) -> Result<Self, E> {
        let mut edge = Self {
            size,
            rows: Vec::new(),
        };
        for level in 0..LEVELS {
            edge.rows.push(match edge.partial(level) {
                Some(tile) => row(&tile)?,
                None => Vec::new(),
            });
        }
        Ok(edge)
    }

    /// How many leaves there are.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hash of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut root = None;
        for row in &self.rows {
            root = Hash::fold(row, root);
        }
        root.unwrap_or_else(Hash::empty)
    }

    /// Adds a leaf. Tiles that it makes full are given to `full`, lowest first.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(Tile, &[Hash])) {
        let mut hash = leaf;
        self.size += 1;
        for level in 0..LEVELS {
            let at = usize::from(level);
            if self.rows.len() <= at {
                self.rows.push(Vec::new());
            }
            let row = &mut self.rows[at];
            row.push(hash);
            if row.len() < usize::from(WIDTH) {
                return;
            }
            // The row was completed by this leaf, so its last tile is this one.
            let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
            if let Some(tile) = Tile::hashes(level, index, self.size) {
                full(tile, row);
            }
            let Some(above) = Hash::perfect(row) else {
                return;
            };
            row.clear();
            hash = above;
        }
    }

    /// The tile at `level` that is not full, if there is one.
    #[must_use]
    pub fn partial(&self, level: u8) -> Option<Tile> {
        let row = super::tile::row_len(level, self.size);
        let tile = Tile::hashes(level, row / u64::from(WIDTH), self.size)?;
        (!tile.is_full()).then_some(tile)
    }

    /// The tiles that are not full, and their hashes, lowest first.
    pub fn partials(&self) -> impl Iterator<Item = (Tile, &[Hash])> {
        (0..LEVELS)
            .zip(&self.rows)
            .filter_map(|(level, row)| Some((self.partial(level)?, row.as_slice())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6962, section 2.1, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::empty(),
            [leaf] => *leaf,
            _ => {
                let k = leaves.len().next_power_of_two() / 2;
                Hash::node(mth(&leaves[..k]), mth(&leaves[k..]))
            }
        }
    }

    fn leaves(n: usize) -> Vec<Hash> {
        (0..n).map(|i| Hash::leaf(&i.to_be_bytes())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn the_root_is_that_of_the_definition(n in 0usize..1500) {
            let leaves = leaves(n);
            let mut edge = Edge::new();
            for leaf in &leaves {
                edge.push(*leaf, |tile, hashes| {
                    assert_eq!(hashes.len(), 256, "{tile}");
                });
            }
            prop_assert_eq!(edge.root(), mth(&leaves));
        }
    }

    #[test]
    fn tiles_of_a_large_tree() {
        let mut edge = Edge::new();
        let mut full = Vec::new();
        for leaf in leaves(70_000) {
            edge.push(leaf, |tile, _| full.push(tile));
        }
        let at = |level| {
            full.iter()
                .filter(|t| t.kind == super::super::tile::Kind::Hashes(level))
                .count()
        };
        assert_eq!((at(0), at(1), at(2)), (273, 1, 0));
        assert_eq!(full.last().unwrap().to_string(), "tile/0/272");
        let partials: Vec<String> = edge.partials().map(|(tile, _)| tile.to_string()).collect();
        assert_eq!(
            partials,
            ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
        );
        let loaded = Edge::load(70_000, |tile| {
            let row = edge.partials().find(|(partial, _)| partial == tile);
            row.map(|(_, row)| row.to_vec()).ok_or(())
        });
        assert_eq!(loaded.unwrap().root(), edge.root());
    }
}
