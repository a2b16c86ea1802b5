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

    fn at_least(self, least: Counts) -> Self {
        Self {
            ms: self.ms.max(least.up_ms),
            samples: self.samples.max(least.good),
            ..self
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

    /// The gaps of a column in the times of which it has to account for. A
    /// source that the log expects weighs in each of them at least as much as in
    /// the median of the minutes of which it says something, so that silence
    /// around a peak is not as light as the quiet minutes beside it.
    pub fn within(column: &Column, spans: &[(Minute, Minute)], is_expected: bool) -> Self {
        let least = if is_expected {
            median(column, spans)
        } else {
            Counts::default()
        };
        let mut gaps = Vec::new();
        for &(first, end) in spans {
            let before = if is_expected {
                column.before(first)
            } else {
                Counts::default()
            };
            within(column, (first, end), (before, least), &mut gaps);
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

/// The gaps of one span; before it the source was seen like `before`.
fn within(
    column: &Column,
    (first, end): (Minute, Minute),
    (mut before, least): (Counts, Counts),
    gaps: &mut Vec<Gap>,
) {
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
                let gap = Gap::between(from, Minute(minute), before, counts);
                gaps.push(gap.at_least(least));
            }
            before = counts;
        }
    }
    if let Some(from) = open {
        let gap = Gap::between(from, end, before, Counts::default());
        gaps.push(gap.at_least(least));
    }
}

/// The medians of the session time (as `up_ms`) and of the samples (as `good`)
/// of the minutes of which something is said; the lower of two.
fn median(column: &Column, spans: &[(Minute, Minute)]) -> Counts {
    let minutes = spans.iter().flat_map(|&(from, to)| from.0..to.0);
    let cells = minutes.filter_map(|minute| column.get(Minute(minute)));
    let known = cells.filter(|cell| cell.state != RollupState::NoData);
    let (mut ms, mut samples): (Vec<u64>, Vec<u64>) = known
        .map(|cell| {
            let counts = cell.counts;
            (counts.up_ms + counts.down_ms, counts.good + counts.bad)
        })
        .unzip();
    let middle = |values: &mut Vec<u64>| {
        let at = values.len().saturating_sub(1) / 2;
        values.sort_unstable();
        values.get(at).copied().unwrap_or(0)
    };
    Counts {
        up_ms: middle(&mut ms),
        good: middle(&mut samples),
        ..Counts::default()
    }
}

pub(super) fn add(sum: &mut Counts, more: Counts) {
    sum.up_ms = sum.up_ms.saturating_add(more.up_ms);
    sum.down_ms = sum.down_ms.saturating_add(more.down_ms);
    sum.good = sum.good.saturating_add(more.good);
    sum.bad = sum.bad.saturating_add(more.bad);
}
