//! Minutes without data, and what they weigh.

use crate::rollup::table::{Column, DAY};
use crate::rollup::{Counts, MINUTE_MS, Minute, RollupState};

/// A run of minutes without data, and what each of them weighs.
#[derive(Clone, Copy, Debug)]
struct Gap {
    from: Minute,
    to: Minute,
    ms: u64,
    samples: u64,
}

/// Gaps in order, and how far they are passed.
#[derive(Default)]
pub(super) struct Gaps {
    gaps: Vec<Gap>,
    next: usize,
}

impl Gap {
    /// Weighs as the larger of its neighbours, and one session and one sample
    /// at least.
    fn between(from: Minute, to: Minute, before: Counts, after: Counts) -> Self {
        let ms = |counts: Counts| counts.up_ms + counts.down_ms;
        let samples = |counts: Counts| counts.good + counts.bad;
        Self {
            from,
            to,
            ms: ms(before).max(ms(after)).max(MINUTE_MS),
            samples: samples(before).max(samples(after)).max(1),
        }
    }
}

impl Gaps {
    /// Adds what is missing in `minute`. Minutes must come in order.
    pub fn weigh(&mut self, minute: Minute, sum: &mut Counts) {
        while self.gaps.get(self.next).is_some_and(|gap| gap.to <= minute) {
            self.next += 1;
        }
        if let Some(gap) = self.gaps.get(self.next).filter(|gap| gap.from <= minute) {
            sum.down_ms = sum.down_ms.saturating_add(gap.ms);
            sum.bad = sum.bad.saturating_add(gap.samples);
        }
    }

    /// The gaps of a column between two minutes of which it says something.
    pub fn within(column: &Column, first: Minute, end: Minute) -> Self {
        let mut gaps = Vec::new();
        let mut before = Counts::default();
        let mut open: Option<Minute> = None;
        for day in first.0 / DAY..=(end.0 - 1) / DAY {
            let page = column.page(day);
            for minute in first.0.max(day * DAY)..end.0.min((day + 1) * DAY) {
                let state = page.and_then(|page| page.state(minute % DAY));
                if !matches!(state, Some(RollupState::Measured | RollupState::Idle)) {
                    open.get_or_insert(Minute(minute));
                    continue;
                }
                let counts = page.map_or_else(Counts::default, |page| page.counts(minute % DAY));
                if let Some(from) = open.take() {
                    gaps.push(Gap::between(from, Minute(minute), before, counts));
                }
                before = counts;
            }
        }
        if let Some(from) = open {
            gaps.push(Gap::between(from, end, before, Counts::default()));
        }
        Self { gaps, next: 0 }
    }

    /// The minutes that no server's time covers.
    pub fn uncovered(
        columns: &[&Column],
        mut extents: Vec<(Minute, Minute)>,
        (start, to): (Minute, Minute),
    ) -> Self {
        extents.sort_unstable();
        let mut gaps = Vec::new();
        let mut end = start;
        for (first, after) in extents.into_iter().chain([(to, to)]) {
            if first > end {
                gaps.push((end, first));
            }
            end = end.max(after);
        }
        let all = |minute: Option<u32>| {
            let mut sum = Counts::default();
            for column in columns {
                let cell = minute.and_then(|minute| column.get(Minute(minute)));
                add(
                    &mut sum,
                    cell.map_or_else(Counts::default, |cell| cell.counts),
                );
            }
            sum
        };
        let in_period = |minute: u32| (start.0..to.0).contains(&minute).then_some(minute);
        let weighed = gaps.into_iter().map(|(from, to)| {
            let before = all(from.0.checked_sub(1).and_then(in_period));
            Gap::between(from, to, before, all(in_period(to.0)))
        });
        Self {
            gaps: weighed.collect(),
            next: 0,
        }
    }
}

pub(super) fn add(sum: &mut Counts, more: Counts) {
    sum.up_ms = sum.up_ms.saturating_add(more.up_ms);
    sum.down_ms = sum.down_ms.saturating_add(more.down_ms);
    sum.good = sum.good.saturating_add(more.good);
    sum.bad = sum.bad.saturating_add(more.bad);
}
