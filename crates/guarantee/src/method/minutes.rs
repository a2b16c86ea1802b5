//! The minutes of a line, one after the other, all sources put together.

use super::evidence::LeafRange;
use super::gaps::{Gaps, add};
use super::probes::{Verdict, Votes};
use crate::coverage::{Coverage, Method};
use crate::interval::IntervalSet;
use crate::ratio::Ratio;
use crate::rollup::table::{Column, DAY, Page};
use crate::rollup::{Counts, MINUTE_MS, Minute, RollupState, RollupTable, Source};

/// What is known of a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// At least one server counted or was idle.
    Seen,
    /// No server can say.
    Missing,
}

/// A minute that counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub minute: Minute,
    pub known: Known,
    /// All servers together, or the receipts where they are worse. What is
    /// missing is in `down_ms` and `bad`, at its weight.
    pub counts: Counts,
    /// Fewer samples than the floor, or none.
    pub below_floor: bool,
    /// What the probes say.
    pub probes: Verdict,
}

struct Server<'a> {
    column: &'a Column,
    gaps: Gaps,
}

/// The minutes of a line.
pub(super) struct Minutes<'a> {
    from: Minute,
    to: Minute,
    floor: u64,
    by_time: bool,
    servers: Vec<Server<'a>>,
    receipts: Vec<&'a Column>,
    probes: Vec<&'a Column>,
    /// Minutes outside of every server's time.
    nobody: Gaps,
    /// Minutes wholly excluded, as first and first after.
    excluded: Vec<(Minute, Minute)>,
    /// How many minutes counted.
    pub visited: u64,
    pub probe_samples: Ratio,
    pub leaves: Option<LeafRange>,
}

impl<'a> Minutes<'a> {
    pub fn new(
        coverage: &Coverage,
        table: &'a RollupTable,
        (from, to): (Minute, Minute),
        excluded: &IntervalSet,
    ) -> Self {
        let mut minutes = Self {
            from,
            to,
            floor: coverage.floor.max(1),
            by_time: coverage.method == Method::SessionSeconds,
            servers: Vec::new(),
            receipts: Vec::new(),
            probes: Vec::new(),
            nobody: Gaps::default(),
            excluded: excluded
                .parts()
                .iter()
                .map(|&part| Minute::within(part))
                .collect(),
            visited: 0,
            probe_samples: Ratio { num: 0, den: 0 },
            leaves: None,
        };
        let mut extents = Vec::new();
        for (source, column) in table.columns(coverage.module, &coverage.region) {
            match source {
                Source::Server(_) => {
                    let (spans, is_expected) = column.spans(from, to);
                    if spans.is_empty() {
                        continue;
                    }
                    let gaps = Gaps::within(column, &spans, is_expected);
                    extents.extend(spans);
                    minutes.servers.push(Server { column, gaps });
                }
                Source::Receipts(_) => minutes.receipts.push(column),
                Source::Probe(_) => minutes.probes.push(column),
            }
        }
        let columns: Vec<_> = minutes.servers.iter().map(|s| s.column).collect();
        minutes.nobody = Gaps::uncovered(&columns, extents, (from, to));
        minutes
    }

    pub const fn first(&self) -> Minute {
        self.from
    }

    /// Samples that a slice needs to count by itself; 1 at least.
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// All columns that were looked at.
    pub fn columns(&self) -> impl Iterator<Item = &'a Column> {
        let servers = self.servers.iter().map(|server| server.column);
        let others = self.receipts.iter().chain(&self.probes).copied();
        servers.chain(others)
    }

    /// Calls `visit` for each minute that is not excluded.
    pub fn each(&mut self, mut visit: impl FnMut(&Seen)) {
        let mut excluded = std::mem::take(&mut self.excluded).into_iter().peekable();
        for day in self.from.0 / DAY..=(self.to.0 - 1) / DAY {
            let pages = |columns: &[&'a Column]| -> Vec<Option<&'a Page>> {
                columns.iter().map(|column| column.page(day)).collect()
            };
            let servers: Vec<_> = self.servers.iter().map(|s| s.column.page(day)).collect();
            let (receipts, probes) = (pages(&self.receipts), pages(&self.probes));
            let first = self.from.0.max(day * DAY);
            for minute in first..self.to.0.min((day + 1) * DAY) {
                while excluded.next_if(|&(_, to)| to.0 <= minute).is_some() {}
                if excluded.peek().is_some_and(|&(from, _)| from.0 <= minute) {
                    continue;
                }
                self.visited += 1;
                let seen = self.see(Minute(minute), &servers, &receipts, &probes);
                visit(&seen);
            }
        }
    }

    fn see(
        &mut self,
        minute: Minute,
        servers: &[Option<&Page>],
        receipts: &[Option<&Page>],
        probes: &[Option<&Page>],
    ) -> Seen {
        let (known, mut counts) = self.servers_say(minute, servers);
        if !receipts.is_empty() {
            let said = self.receipts_say(minute, receipts);
            counts = worse(counts, said);
        }
        let samples = self.samples(counts);
        let below_floor = samples < self.floor;
        let probes = if probes.is_empty() {
            Verdict::Unknown
        } else {
            self.probes_say(minute, probes)
        };
        Seen {
            minute,
            known,
            counts,
            below_floor,
            probes,
        }
    }

    fn servers_say(&mut self, minute: Minute, pages: &[Option<&Page>]) -> (Known, Counts) {
        let at = minute.0 % DAY;
        let mut known = Known::Missing;
        let mut sum = Counts::default();
        for (server, page) in self.servers.iter_mut().zip(pages) {
            let state = page.and_then(|page| page.state(at));
            if let Some(leaf) = page.and_then(|page| page.leaf(at)) {
                self.leaves = Some(LeafRange::grown(self.leaves, leaf));
            }
            match state {
                Some(RollupState::Measured) => {
                    known = Known::Seen;
                    add(
                        &mut sum,
                        page.map_or_else(Counts::default, |page| page.counts(at)),
                    );
                }
                Some(RollupState::Idle) => known = Known::Seen,
                Some(RollupState::NoData) | None => server.gaps.weigh(minute, &mut sum),
            }
        }
        if known == Known::Missing {
            self.nobody.weigh(minute, &mut sum);
        }
        (known, sum)
    }

    fn receipts_say(&mut self, minute: Minute, pages: &[Option<&Page>]) -> Counts {
        let at = minute.0 % DAY;
        let mut sum = Counts::default();
        for page in pages.iter().flatten() {
            add(&mut sum, page.counts(at));
            if let Some(leaf) = page.leaf(at) {
                self.leaves = Some(LeafRange::grown(self.leaves, leaf));
            }
        }
        sum
    }

    fn probes_say(&mut self, minute: Minute, pages: &[Option<&Page>]) -> Verdict {
        let at = minute.0 % DAY;
        let mut votes = Votes::default();
        for page in pages.iter().flatten() {
            let Some(state) = page.state(at) else {
                continue;
            };
            let counts = page.counts(at);
            votes.add(state, counts);
            let samples = &mut self.probe_samples;
            samples.num = samples.num.saturating_add(counts.good);
            samples.den = samples.den.saturating_add(counts.good + counts.bad);
            if let Some(leaf) = page.leaf(at) {
                self.leaves = Some(LeafRange::grown(self.leaves, leaf));
            }
        }
        votes.verdict()
    }

    /// What the floor is compared with: samples, and for session-seconds begun
    /// session-minutes where those are more.
    fn samples(&self, counts: Counts) -> u64 {
        let samples = counts.good + counts.bad;
        if self.by_time {
            samples.max((counts.up_ms + counts.down_ms).div_ceil(MINUTE_MS))
        } else {
            samples
        }
    }
}

/// The servers' view, with the larger downtime of both: what clients saw down
/// was not up.
fn worse(servers: Counts, receipts: Counts) -> Counts {
    let pair = |(up, down): (u64, u64), (more_up, more_down): (u64, u64)| {
        let total = up
            .saturating_add(down)
            .max(more_up.saturating_add(more_down));
        let down = down.max(more_down);
        (total - down, down)
    };
    let time = |c: Counts| (c.up_ms, c.down_ms);
    let samples = |c: Counts| (c.good, c.bad);
    let (up_ms, down_ms) = pair(time(servers), time(receipts));
    let (good, bad) = pair(samples(servers), samples(receipts));
    Counts {
        up_ms,
        down_ms,
        good,
        bad,
    }
}
