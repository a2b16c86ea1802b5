//! Which leaves of the log a result stands on.

use serde::{Deserialize, Serialize};

use crate::rollup::Minute;
use crate::rollup::table::Column;

/// Leaves of the log, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LeafRange {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl LeafRange {
    /// The smallest range that holds `leaf` and all of `range`.
    pub(super) fn grown(range: Option<Self>, leaf: u64) -> Self {
        range.map_or(
            Self {
                first: leaf,
                last: leaf,
            },
            |range| Self {
                first: range.first.min(leaf),
                last: range.last.max(leaf),
            },
        )
    }
}

/// The leaves of some minutes, sorted, neighbours melted.
pub(super) fn leaves_of<'a>(
    columns: impl Iterator<Item = &'a Column>,
    runs: &[(Minute, Minute)],
) -> Vec<LeafRange> {
    let mut leaves: Vec<u64> = Vec::new();
    for column in columns {
        for &(from, to) in runs {
            let cells = (from.0..to.0).map(|minute| column.get(Minute(minute)));
            leaves.extend(cells.filter_map(|cell| cell?.leaf));
        }
    }
    leaves.sort_unstable();
    let mut ranges: Vec<LeafRange> = Vec::new();
    for leaf in leaves {
        match ranges.last_mut() {
            Some(range) if leaf <= range.last.saturating_add(1) => range.last = leaf,
            _ => ranges.push(LeafRange {
                first: leaf,
                last: leaf,
            }),
        }
    }
    ranges
}
