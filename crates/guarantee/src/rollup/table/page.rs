//! A day of one column.

use std::collections::BTreeMap;

use super::{Cell, Counts, DAY, RollupState};

const MINUTES: usize = DAY as usize;

/// A day of minutes. Counts are kept in 32 bits, which hold 71,000 sessions;
/// the rare minute that needs more is kept beside.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    marks: Box<[Mark; MINUTES]>,
    narrow: Box<[[u32; 4]; MINUTES]>,
    wide: BTreeMap<u32, Counts>,
    /// Indexes of leaves, once a minute has one; `u64::MAX` = none.
    leaves: Option<Box<[u64; MINUTES]>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Nothing,
    Narrow,
    Wide,
    Idle,
    NoData,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            marks: Box::new([Mark::Nothing; MINUTES]),
            narrow: Box::new([[0; 4]; MINUTES]),
            wide: BTreeMap::new(),
            leaves: None,
        }
    }
}

impl Page {
    /// Minutes of which anything is said, in order.
    pub(crate) fn said(&self) -> impl DoubleEndedIterator<Item = u32> {
        (0..DAY).filter(|&minute| self.mark(minute) != Mark::Nothing)
    }

    pub(crate) fn state(&self, minute: u32) -> Option<RollupState> {
        match self.mark(minute) {
            Mark::Nothing => None,
            Mark::Narrow | Mark::Wide => Some(RollupState::Measured),
            Mark::Idle => Some(RollupState::Idle),
            Mark::NoData => Some(RollupState::NoData),
        }
    }

    /// Counts of a minute; all 0 unless measured.
    pub(crate) fn counts(&self, minute: u32) -> Counts {
        match self.mark(minute) {
            Mark::Narrow => {
                let narrow = self.narrow.get(minute as usize).copied();
                let [up_ms, down_ms, good, bad] = narrow.unwrap_or_default().map(u64::from);
                Counts {
                    up_ms,
                    down_ms,
                    good,
                    bad,
                }
            }
            Mark::Wide => self.wide.get(&minute).copied().unwrap_or_default(),
            Mark::Nothing | Mark::Idle | Mark::NoData => Counts::default(),
        }
    }

    pub(crate) fn leaf(&self, minute: u32) -> Option<u64> {
        let leaf = self.leaves.as_ref()?.get(minute as usize).copied();
        leaf.filter(|&leaf| leaf != u64::MAX)
    }

    pub(super) fn get(&self, minute: u32) -> Option<Cell> {
        Some(Cell {
            state: self.state(minute)?,
            counts: self.counts(minute),
            leaf: self.leaf(minute),
        })
    }

    pub(super) fn set(&mut self, minute: u32, cell: Cell) {
        let at = minute as usize;
        let (Some(mark), Some(narrow)) = (self.marks.get_mut(at), self.narrow.get_mut(at)) else {
            return;
        };
        *narrow = [0; 4];
        self.wide.remove(&minute);
        *mark = match cell.state {
            RollupState::Idle => Mark::Idle,
            RollupState::NoData => Mark::NoData,
            RollupState::Measured => {
                if let Some(fits) = narrowed(cell.counts) {
                    *narrow = fits;
                    Mark::Narrow
                } else {
                    self.wide.insert(minute, cell.counts);
                    Mark::Wide
                }
            }
        };
        if cell.leaf.is_some() || self.leaves.is_some() {
            let none = || Box::new([u64::MAX; MINUTES]);
            let leaves = self.leaves.get_or_insert_with(none);
            leaves[at] = cell.leaf.unwrap_or(u64::MAX);
        }
    }

    fn mark(&self, minute: u32) -> Mark {
        let mark = self.marks.get(minute as usize).copied();
        mark.unwrap_or(Mark::Nothing)
    }
}

fn narrowed(counts: Counts) -> Option<[u32; 4]> {
    let Counts {
        up_ms,
        down_ms,
        good,
        bad,
    } = counts;
    let mut narrow = [0; 4];
    for (slot, count) in narrow.iter_mut().zip([up_ms, down_ms, good, bad]) {
        *slot = u32::try_from(count).ok()?;
    }
    Some(narrow)
}
