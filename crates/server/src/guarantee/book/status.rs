//! What everybody may see.

use jiff::Timestamp;
use serde::Serialize;
use surecast_guarantee::burn::Alert;
use surecast_guarantee::contract::{Contract, life};
use surecast_guarantee::exclusion::{ClassRule, ExclusionPolicy, ValidExclusion, judge};
use surecast_guarantee::interval::Interval;
use surecast_guarantee::method::{GUARD_GOOD_FROM, evaluate};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::ratio::{Percent, Ratio};
use surecast_guarantee::rollup::table::Cell;
use surecast_guarantee::rollup::{MINUTE_MS, Minute, RollupState};

use super::{Book, OpenIncident, Planned, day_of};

/// Minutes that are shown.
const MINUTES: u32 = 60;

/// All lines.
#[derive(Debug, Serialize)]
pub struct Status {
    /// When it was asked for.
    pub now: Timestamp,
    /// Who measures, `server:NAME`.
    pub source: String,
    /// The first minute of the log.
    pub since: Option<Timestamp>,
    /// Line by line.
    pub lines: Vec<LineStatus>,
    /// Incidents that are not over, the worst first. Whose contract it is about
    /// is nobody's business.
    pub incidents: Vec<OpenIncident>,
    /// Declared maintenance that goes on or is to come.
    pub maintenance: Vec<Planned>,
}

/// A module in a region.
#[derive(Debug, Serialize)]
pub struct LineStatus {
    /// What.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// The last hour, oldest first.
    pub minutes: Vec<MinuteStatus>,
    /// up / (up + down) of the day so far, in milliseconds of sessions. `den` 0:
    /// nothing was going on.
    pub day: Ratio,
    /// What contracts promise of it.
    pub contracts: Vec<ContractLine>,
}

/// A minute.
#[derive(Debug, Serialize)]
pub struct MinuteStatus {
    /// Its first instant.
    pub minute: Timestamp,
    /// What it was.
    pub state: Shown,
    /// Milliseconds of sessions that were fine.
    pub up_ms: u64,
    /// Milliseconds of sessions that were not.
    pub down_ms: u64,
    /// Good samples.
    pub good: u64,
    /// Bad samples.
    pub bad: u64,
    /// The leaf that says so.
    pub leaf: Option<u64>,
}

/// What a minute was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// At least 95 % up, as the guard of session-seconds has it.
    Good,
    /// Less.
    Bad,
    /// Nothing was going on.
    Idle,
    /// Nobody can say; counts as bad.
    NoData,
    /// Not good, in maintenance that was declared before it began.
    Maintenance,
    /// The log does not have it: it is not closed yet, or before the log began.
    Unknown,
}

impl Shown {
    /// Larger is worse.
    pub const fn badness(self) -> u8 {
        match self {
            Self::Idle => 0,
            Self::Good => 1,
            Self::Unknown => 2,
            Self::Maintenance => 3,
            Self::NoData => 4,
            Self::Bad => 5,
        }
    }
}

/// What a contract promises of a line, and what it came to so far.
#[derive(Debug, Serialize)]
pub struct ContractLine {
    /// Which contract.
    pub contract: String,
    /// Of which version.
    pub version: u32,
    /// What is promised.
    pub target: Percent,
    /// From the start of the settlement period to the last minute in the log.
    pub period: Interval,
    /// As the settlement counts it, with the exclusions that are in the log.
    pub attained: Ratio,
    /// Whether that reaches the target.
    pub met: bool,
    /// Whether the budget burns too fast.
    pub burn: Option<Alert>,
}

impl Book {
    /// What everybody may see at `now`.
    pub fn status(&self, now: Timestamp) -> Status {
        Status {
            now,
            source: self.source.to_string(),
            since: self.first.map(Minute::start),
            lines: self.lines.iter().map(|line| self.line(line, now)).collect(),
            incidents: self.incidents(),
            maintenance: self.people.planned(now),
        }
    }

    /// Two contracts about the same trouble are one for everybody else.
    fn incidents(&self) -> Vec<OpenIncident> {
        let mut incidents: Vec<OpenIncident> = self.people.incidents.values().cloned().collect();
        incidents.sort_by(|a, b| {
            let key = |i: &OpenIncident| (i.severity, i.module, i.since, i.leaf);
            key(a).cmp(&key(b))
        });
        incidents.dedup_by(|b, a| (a.module, &a.regions) == (b.module, &b.regions));
        incidents
    }

    fn line(&self, (module, region): &(Module, Region), now: Timestamp) -> LineStatus {
        let end = self
            .last
            .map(Minute::next)
            .or(Minute::of(now))
            .unwrap_or(Minute(0));
        let from = end.0.saturating_sub(MINUTES);
        let minutes = (from..end.0).map(|minute| {
            let minute = Minute(minute);
            let cell = self.table.get(*module, region, &self.source, minute);
            let mut status = minute_status(minute, cell);
            let troubled = matches!(status.state, Shown::Bad | Shown::NoData);
            if troubled && self.people.maintained(*module, region, minute.start()) {
                status.state = Shown::Maintenance;
            }
            status
        });
        LineStatus {
            module: *module,
            region: region.clone(),
            minutes: minutes.collect(),
            day: self.day(*module, region, now),
            contracts: self.promises(*module, region, now),
        }
    }

    /// A minute without data is down for as many sessions as the one before it
    /// had, one at least, as burn rates have it.
    fn day(&self, module: Module, region: &Region, now: Timestamp) -> Ratio {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return Ratio::from_wide(0, 0);
        };
        let (mut up, mut all, mut before) = (0_u128, 0_u128, 0_u64);
        for minute in (day_of(now).max(first).0..=last.0).map(Minute) {
            if self.people.maintained(module, region, minute.start()) {
                continue;
            }
            let cell = self.table.get(module, region, &self.source, minute);
            let cell = cell.filter(|cell| cell.state != RollupState::NoData);
            let (good, total) = cell.map_or((0, before.max(MINUTE_MS)), |cell| {
                let counts = cell.counts;
                (counts.up_ms, counts.up_ms + counts.down_ms)
            });
            before = total;
            up += u128::from(good);
            all += u128::from(total);
        }
        Ratio::from_wide(up, all)
    }

    fn promises(&self, module: Module, region: &Region, now: Timestamp) -> Vec<ContractLine> {
        let mut promises = Vec::new();
        for contract in &self.contracts {
            let lines = contract.coverage.iter();
            let lines = lines.filter(|c| c.module == module && c.region == *region);
            for coverage in lines {
                let period = life::period_at(contract, &self.record, now);
                let Ok(Some(period)) = period.map(|p| p.map(|p| p.interval)) else {
                    continue;
                };
                let end = self.last.map_or(period.start, |m| m.next().start());
                let period = Interval {
                    start: period.start,
                    end: end.clamp(period.start, period.end),
                };
                // Before the first minute of the period there is nothing to say.
                let exclusions = self.valid(contract, period);
                let Ok(result) = evaluate(coverage, &self.table, period, &exclusions) else {
                    continue;
                };
                let watched = self.watched.iter().find(|watched| {
                    watched.contract == contract.id && watched.coverage == *coverage
                });
                promises.push(ContractLine {
                    contract: contract.id.clone(),
                    version: contract.version,
                    target: coverage.target,
                    period,
                    attained: result.attained,
                    met: result.met,
                    burn: watched.and_then(|watched| watched.alert),
                });
            }
        }
        promises
    }
}

impl Book {
    /// What the contract lets count of what was declared.
    fn valid(&self, contract: &Contract, period: Interval) -> Vec<ValidExclusion> {
        let rules = contract.exclusions.iter().map(|(class, rule)| {
            let rule = ClassRule {
                notice_s: rule.notice_s(),
                cap_s: Some(rule.cap_s()),
            };
            (*class, rule)
        });
        let policy = ExclusionPolicy(rules.collect());
        // What conditions take out is seen in the settlement.
        let declared = self.people.exclusions.iter().cloned();
        let declared = declared.filter(|e| e.class.is_declared() && e.concerns(&contract.id));
        let declared: Vec<_> = declared.collect();
        let judged = judge(&declared, &policy, period);
        judged.into_iter().filter_map(Result::ok).collect()
    }
}

fn minute_status(minute: Minute, cell: Option<Cell>) -> MinuteStatus {
    let counts = cell.map(|cell| cell.counts).unwrap_or_default();
    MinuteStatus {
        minute: minute.start(),
        state: cell.map_or(Shown::Unknown, shown),
        up_ms: counts.up_ms,
        down_ms: counts.down_ms,
        good: counts.good,
        bad: counts.bad,
        leaf: cell.and_then(|cell| cell.leaf),
    }
}

pub(super) fn shown(cell: Cell) -> Shown {
    let counts = cell.counts;
    let (good, bad) = match counts.up_ms + counts.down_ms {
        0 => (counts.good, counts.bad),
        _ => (counts.up_ms, counts.down_ms),
    };
    let ratio = Ratio::from_wide(good.into(), u128::from(good) + u128::from(bad));
    match cell.state {
        RollupState::NoData => Shown::NoData,
        RollupState::Idle => Shown::Idle,
        RollupState::Measured if ratio.reaches(GUARD_GOOD_FROM) => Shown::Good,
        RollupState::Measured => Shown::Bad,
    }
}
