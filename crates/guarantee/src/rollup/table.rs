//! Many minutes in memory: one dense column per module, region and source.
//!
//! What is in the table depends on which rollups were imported and not on their
//! order or on how often each came. Two that speak of the same minute and do not
//! say the same contradict each other: the worse one is kept and the minute is
//! noted.
//!
//! A column is made of pages of one day. A minute costs 17 bytes, with the
//! index of its leaf 25; a year of 25 columns is 223 MB.

mod page;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use thiserror::Error;

use super::{Counts, Minute, Rollup, RollupError, RollupState, Source};
use crate::interval::Interval;
use crate::module::{Module, Region};

pub(crate) use page::Page;

/// Most pages of a table: ten sources of 25 module-region pairs for a year are
/// 91,250. Full, they take 2.4 GB, and 3.6 GB with the indexes of leaves.
pub const MAX_PAGES: usize = 100_000;

/// Most contradictions that are remembered one by one: whoever has more has to
/// look at the source and not at the list.
pub const MAX_CONTRADICTIONS: usize = 10_000;

/// Minutes of a page.
pub(crate) const DAY: u32 = 1440;

/// What one source says of one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Whether anything is known.
    pub state: RollupState,
    /// What was counted; all 0 unless measured.
    pub counts: Counts,
    /// Index of its leaf in the log, if it came from there.
    pub leaf: Option<u64>,
}

impl Cell {
    /// Larger is worse. Of cells that say the same, the earlier leaf is the
    /// larger, so that a copy in the log does not change the evidence.
    fn badness(&self) -> impl Ord + use<> {
        let Counts {
            up_ms,
            down_ms,
            good,
            bad,
        } = self.counts;
        let no_data = self.state == RollupState::NoData;
        let leaf = Reverse(self.leaf.unwrap_or(u64::MAX));
        (no_data, down_ms, bad, Reverse(up_ms), Reverse(good), leaf)
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.state == other.state && self.counts == other.counts
    }
}

/// What an import did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// Nothing was known of that minute.
    New,
    /// It was known and says the same.
    Duplicate,
    /// It was known and says something else. The worse of the two is kept.
    Contradiction,
}

/// Why a rollup was not imported.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// It is not a rollup.
    #[error(transparent)]
    Invalid(#[from] RollupError),
    /// The table is full.
    #[error(
        "the table is full: it holds {0} days of sources; evaluate a shorter period or fewer lines at a time"
    )]
    Full(usize),
}

/// A minute of which one source said two things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Contradiction {
    /// Which minute.
    pub minute: Minute,
    /// What.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// Who.
    pub source: Source,
}

/// Rollups of many minutes.
#[derive(Clone, Debug)]
pub struct RollupTable {
    columns: BTreeMap<Module, BTreeMap<Region, BTreeMap<Source, Column>>>,
    pages: usize,
    max_pages: usize,
    contradictions: BTreeSet<Contradiction>,
    more_contradictions: bool,
}

/// What one source says of one module in one region.
#[derive(Clone, Debug, Default)]
pub struct Column {
    pages: BTreeMap<u32, Page>,
    /// From when to when the source is expected to say something, as first and
    /// first after; in order.
    expected: Vec<(Minute, Option<Minute>)>,
}

impl Default for RollupTable {
    fn default() -> Self {
        Self::with_max_pages(MAX_PAGES)
    }
}

impl RollupTable {
    /// An empty table with room for [`MAX_PAGES`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty table with room for `max_pages` days of one source, at most
    /// [`MAX_PAGES`].
    #[must_use]
    pub fn with_max_pages(max_pages: usize) -> Self {
        Self {
            columns: BTreeMap::new(),
            pages: 0,
            max_pages: max_pages.min(MAX_PAGES),
            contradictions: BTreeSet::new(),
            more_contradictions: false,
        }
    }

    /// Takes a rollup, with the index of its leaf if it comes from a log.
    pub fn import(&mut self, rollup: &Rollup, leaf: Option<u64>) -> Result<Imported, ImportError> {
        rollup.check()?;
        let cell = Cell {
            state: rollup.state,
            counts: rollup.counts(),
            leaf,
        };
        let (day, minute) = (rollup.minute.0 / DAY, rollup.minute.0 % DAY);
        let Some(page) = self.page_mut(rollup, day) else {
            self.add_page(rollup, day)?.set(minute, cell);
            return Ok(Imported::New);
        };
        let Some(known) = page.get(minute) else {
            page.set(minute, cell);
            return Ok(Imported::New);
        };
        if cell.badness() > known.badness() {
            page.set(minute, cell);
        }
        if cell.says_the_same(&known) {
            return Ok(Imported::Duplicate);
        }
        self.note(rollup);
        Ok(Imported::Contradiction)
    }

    /// A source is expected to report from the first whole minute on, until it
    /// is retired. One that has started already goes on.
    pub fn start(&mut self, module: Module, region: &Region, source: &Source, at: Timestamp) {
        let regions = self.columns.entry(module).or_default();
        let sources = regions.entry(region.clone()).or_default();
        let expected = &mut sources.entry(source.clone()).or_default().expected;
        if expected.last().is_none_or(|(_, end)| end.is_some()) {
            let (first, _) = Minute::within(Interval {
                start: at,
                end: Timestamp::MAX,
            });
            expected.push((first, None));
        }
    }

    /// A source is not expected any more, in any line.
    pub fn retire(&mut self, source: &Source, at: Timestamp) {
        let Some(end) = Minute::of(at) else {
            return;
        };
        let regions = self.columns.values_mut().flat_map(BTreeMap::values_mut);
        for column in regions.filter_map(|sources| sources.get_mut(source)) {
            if let Some((first, open @ None)) = column.expected.last_mut() {
                *open = Some(end.max(*first));
            }
        }
    }

    /// The columns of one module and region, by source.
    pub fn columns(
        &self,
        module: Module,
        region: &Region,
    ) -> impl Iterator<Item = (&Source, &Column)> {
        let regions = self.columns.get(&module);
        regions.and_then(|r| r.get(region)).into_iter().flatten()
    }

    /// All columns.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Module, &Region, &Source, &Column)> {
        self.columns.iter().flat_map(|(module, regions)| {
            regions.iter().flat_map(move |(region, sources)| {
                let columns = sources.iter();
                columns.map(move |(source, column)| (*module, region, source, column))
            })
        })
    }

    /// What one source says of one minute.
    #[must_use]
    pub fn get(
        &self,
        module: Module,
        region: &Region,
        source: &Source,
        minute: Minute,
    ) -> Option<Cell> {
        let column = self.columns.get(&module)?.get(region)?.get(source)?;
        column.get(minute)
    }

    /// Minutes of which a source said two things, in order; at most
    /// [`MAX_CONTRADICTIONS`], the first ones.
    pub fn contradictions(&self) -> impl Iterator<Item = &Contradiction> {
        self.contradictions.iter()
    }

    /// Whether there are more than [`RollupTable::contradictions`] lists.
    #[must_use]
    pub const fn has_more_contradictions(&self) -> bool {
        self.more_contradictions
    }

    /// Runs of minutes in `from..to` of which a source says nothing at all or
    /// that it cannot say, as first and first after.
    #[must_use]
    pub fn gaps(
        &self,
        module: Module,
        region: &Region,
        source: &Source,
        from: Minute,
        to: Minute,
    ) -> Vec<(Minute, Minute)> {
        let sources = self.columns.get(&module).and_then(|r| r.get(region));
        let Some(column) = sources.and_then(|s| s.get(source)) else {
            return if from < to {
                vec![(from, to)]
            } else {
                Vec::new()
            };
        };
        let mut gaps: Vec<(Minute, Minute)> = Vec::new();
        for minute in (from.0..to.0).map(Minute) {
            if matches!(
                column.state(minute),
                Some(RollupState::Measured | RollupState::Idle)
            ) {
                continue;
            }
            match gaps.last_mut() {
                Some(gap) if gap.1 == minute => gap.1 = minute.next(),
                _ => gaps.push((minute, minute.next())),
            }
        }
        gaps
    }

    fn page_mut(&mut self, rollup: &Rollup, day: u32) -> Option<&mut Page> {
        let regions = self.columns.get_mut(&rollup.module)?;
        let sources = regions.get_mut(&rollup.region)?;
        sources.get_mut(&rollup.source)?.pages.get_mut(&day)
    }

    fn add_page(&mut self, rollup: &Rollup, day: u32) -> Result<&mut Page, ImportError> {
        if self.pages >= self.max_pages {
            return Err(ImportError::Full(self.max_pages));
        }
        self.pages += 1;
        let regions = self.columns.entry(rollup.module).or_default();
        let sources = regions.entry(rollup.region.clone()).or_default();
        let column = sources.entry(rollup.source.clone()).or_default();
        Ok(column.pages.entry(day).or_default())
    }

    fn note(&mut self, rollup: &Rollup) {
        self.contradictions.insert(Contradiction {
            minute: rollup.minute,
            module: rollup.module,
            region: rollup.region.clone(),
            source: rollup.source.clone(),
        });
        // The first ones stay, whatever the order in which they came.
        if self.contradictions.len() > MAX_CONTRADICTIONS {
            self.contradictions.pop_last();
            self.more_contradictions = true;
        }
    }
}

impl Column {
    /// What is said of one minute.
    #[must_use]
    pub fn get(&self, minute: Minute) -> Option<Cell> {
        self.pages.get(&(minute.0 / DAY))?.get(minute.0 % DAY)
    }

    fn state(&self, minute: Minute) -> Option<RollupState> {
        self.pages.get(&(minute.0 / DAY))?.state(minute.0 % DAY)
    }

    /// First and last minute of which anything is said in `from..to`.
    pub(crate) fn extent(&self, from: Minute, to: Minute) -> Option<(Minute, Minute)> {
        let last = to.0.checked_sub(1).filter(|&last| last >= from.0)?;
        let said = |&(day, page): &(&u32, &Page)| {
            page.said()
                .map(|minute| Minute(day * DAY + minute))
                .find(|m| (from.0..to.0).contains(&m.0))
        };
        let said_last = |&(day, page): &(&u32, &Page)| {
            page.said()
                .rev()
                .map(|minute| Minute(day * DAY + minute))
                .find(|m| (from.0..to.0).contains(&m.0))
        };
        let pages = self.pages.range(from.0 / DAY..=last / DAY);
        let first = pages.clone().find_map(|page| said(&page))?;
        let last = pages.rev().find_map(|page| said_last(&page))?;
        Some((first, last))
    }

    /// The times in `from..to` of which the source has to account for every
    /// minute, in order: from its first to its last word, and while it is
    /// expected. And whether it is expected at any time.
    pub(crate) fn spans(&self, from: Minute, to: Minute) -> (Vec<(Minute, Minute)>, bool) {
        let heard = self
            .extent(from, to)
            .map(|(first, last)| (first, last.next()));
        let within = |&(start, end): &(Minute, Option<Minute>)| {
            let (start, end) = (start.max(from), end.unwrap_or(to).min(to));
            (start < end).then_some((start, end))
        };
        let expected: Vec<_> = self.expected.iter().filter_map(within).collect();
        let is_expected = !expected.is_empty();
        let mut all: Vec<_> = expected.into_iter().chain(heard).collect();
        all.sort_unstable();
        let mut spans: Vec<(Minute, Minute)> = Vec::new();
        for (start, end) in all {
            match spans.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => spans.push((start, end)),
            }
        }
        (spans, is_expected)
    }

    /// The counts of the last minute before one of which something is known.
    pub(crate) fn before(&self, minute: Minute) -> Counts {
        let pages = self.pages.range(..=minute.0 / DAY).rev();
        let known = pages.flat_map(|(&day, page)| {
            let minutes = page.said().rev();
            minutes.map(move |m| (Minute(day * DAY + m), page, m))
        });
        let mut known = known
            .filter(|&(at, page, m)| at < minute && page.state(m) != Some(RollupState::NoData));
        known
            .next()
            .map_or_else(Counts::default, |(_, page, m)| page.counts(m))
    }

    pub(crate) fn page(&self, day: u32) -> Option<&Page> {
        self.pages.get(&day)
    }
}

#[cfg(test)]
mod tests;
