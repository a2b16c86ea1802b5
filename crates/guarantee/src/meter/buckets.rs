//! The minutes that are still open.

use std::collections::BTreeMap;

use super::{MINUTE, minute_of};
use crate::module::{Module, Region};
use crate::rollup::experience::{Experienced, Indicator};
use crate::rollup::{Counts, MAX_MS, MAX_SAMPLES, Minute};

/// Where the counts of a region's sessions go: places in the list of lines, and
/// among the regions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines {
    pub join: Option<usize>,
    pub media: Option<usize>,
    region: Option<usize>,
}

impl Lines {
    pub const fn is_unknown(self) -> bool {
        self.region.is_none()
    }
}

/// Counts of an open minute, by line, and experiences by region.
#[derive(Clone, Debug)]
struct Bucket {
    lines: Vec<Counts>,
    regions: Vec<Experienced>,
}

impl Bucket {
    fn empty(lines: usize, regions: usize) -> Self {
        Self {
            lines: vec![Counts::default(); lines],
            regions: vec![Experienced::default(); regions],
        }
    }
}

/// A minute that nothing can change any more.
pub(super) struct Closed {
    lines: Vec<Counts>,
    pub experiences: Vec<(Region, Experienced)>,
}

impl Closed {
    pub fn line(&self, line: usize) -> Counts {
        self.lines.get(line).copied().unwrap_or_default()
    }
}

/// Few: those of the lateness and the levels, two or three.
pub(super) struct Buckets {
    places: BTreeMap<(Module, Region), usize>,
    regions: Vec<Region>,
    /// The first minute that is measured.
    first: u32,
    open: BTreeMap<u32, Bucket>,
    /// Runs of minutes without data, first and first after, in order.
    no_data: Vec<(u32, u32)>,
}

impl Buckets {
    /// Counts of minutes before `first` are nobody's.
    pub fn new(lines: &[(Module, Region)], first: u32) -> Self {
        let mut regions: Vec<Region> = lines.iter().map(|(_, region)| region.clone()).collect();
        regions.sort_unstable();
        regions.dedup();
        Self {
            places: lines.iter().cloned().zip(0..).collect(),
            regions,
            first,
            open: BTreeMap::new(),
            no_data: Vec::new(),
        }
    }

    pub fn lines_of(&self, region: &Region) -> Lines {
        let place = |module| self.places.get(&(module, region.clone())).copied();
        Lines {
            join: place(Module::Join),
            media: place(Module::Media),
            region: self.regions.binary_search(region).ok(),
        }
    }

    /// Adds counts to a module's minute; `false` where it is not configured.
    pub fn count(&mut self, module: Module, region: &Region, at: i64, counts: Counts) -> bool {
        let place = self.places.get(&(module, region.clone())).copied();
        self.add(place, minute_of(at), counts);
        place.is_some()
    }

    /// A sum stays within what a rollup may hold: half of it each for good and
    /// bad.
    pub fn add(&mut self, line: Option<usize>, minute: u32, counts: Counts) {
        let Some(line) = line.filter(|_| minute >= self.first) else {
            return;
        };
        let Some(sum) = self.bucket(minute).lines.get_mut(line) else {
            return;
        };
        let add = |a: &mut u64, b: u64, most: u64| *a = a.saturating_add(b).min(most / 2);
        add(&mut sum.up_ms, counts.up_ms, MAX_MS);
        add(&mut sum.down_ms, counts.down_ms, MAX_MS);
        add(&mut sum.good, counts.good, MAX_SAMPLES);
        add(&mut sum.bad, counts.bad, MAX_SAMPLES);
    }

    pub fn experienced(
        &mut self,
        lines: Lines,
        minute: u32,
        indicator: Indicator,
        good: u64,
        all: u64,
    ) {
        let Some(region) = lines.region.filter(|_| minute >= self.first) else {
            return;
        };
        if let Some(experienced) = self.bucket(minute).regions.get_mut(region) {
            // Within what a line of the log may hold; the bad part goes in first.
            let room = indicator
                .most()
                .saturating_sub(experienced.share(indicator).den);
            let bad = (all - good.min(all)).min(room);
            let good = good.min(room - bad);
            experienced.add(indicator, good, good + bad);
        }
    }

    /// Nobody can say anything of these minutes.
    pub fn no_data(&mut self, from: u32, to: u32) {
        if from >= to {
            return;
        }
        match self.no_data.last_mut() {
            Some(last) if from <= last.1 => *last = (last.0.min(from), last.1.max(to)),
            _ => self.no_data.push((from, to)),
        }
    }

    pub fn forget_before(&mut self, minute: u32) {
        self.open = self.open.split_off(&minute);
        self.no_data.retain(|&(_, to)| to > minute);
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// The counts of a minute; `None` where it has no data.
    pub fn close(&mut self, minute: Minute) -> Option<Closed> {
        let bucket = self.open.remove(&minute.0);
        let missing = |&(from, to): &(u32, u32)| from <= minute.0 && minute.0 < to;
        let no_data = self.no_data.iter().any(missing);
        self.forget_before(minute.0.saturating_add(1));
        if no_data {
            return None;
        }
        let bucket = bucket.unwrap_or_else(|| Bucket::empty(self.places.len(), self.regions.len()));
        let regions = self.regions.iter().cloned();
        Some(Closed {
            lines: bucket.lines,
            experiences: regions.zip(bucket.regions).collect(),
        })
    }

    fn bucket(&mut self, minute: u32) -> &mut Bucket {
        let (lines, regions) = (self.places.len(), self.regions.len());
        self.open
            .entry(minute)
            .or_insert_with(|| Bucket::empty(lines, regions))
    }
}

/// Cuts a span at the borders of minutes.
pub(super) fn by_minute(from: i64, to: i64, mut each: impl FnMut(u32, u64)) {
    let mut at = from;
    while at < to {
        let border = (at.div_euclid(MINUTE) + 1) * MINUTE;
        let end = border.min(to);
        each(minute_of(at), u64::try_from(end - at).unwrap_or(0));
        at = end;
    }
}
