//! What the log says: its rollups, and what they come to.

mod lines;
mod people;
mod status;
mod trail;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use surecast_guarantee::burn::{Alert, BurnDetector};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::{Fact, Measures, Record, Schedule};
use surecast_guarantee::contract::policy::SeverityPolicy;
use surecast_guarantee::coverage::Coverage;
use surecast_guarantee::evidence::{Audit, Kind, Leaf, Replay, VerifyingKey};
use surecast_guarantee::exclusion::Exclusion;
use surecast_guarantee::incident::output::MAX_REFS;
use surecast_guarantee::incident::{Entry, Seen};
use surecast_guarantee::method::burned;
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::experience::{self, Experience, ExperienceTable};
use surecast_guarantee::rollup::{Minute, Rollup, RollupState, RollupTable, Source};
use surecast_guarantee::term::Period;
use tokio::sync::Notify;

use super::Shared;
use super::desk::Logged;
use super::reports::Taken;
use crate::evidence::{Reader, walk};
use crate::metrics::Metrics;

use people::People;

pub use lines::Lines;
pub use people::{OpenIncident, Planned};
pub use status::{ContractLine, LineStatus, MinuteStatus, Shown, Status};
pub use trail::Trail;

/// Minutes that burn rates look back over: three days.
const WATCHED: u32 = 72 * 60;

/// Minutes that wait for the desk: three days of a line with as much again. What is
/// beyond waits as rollups, and is looked at once there is room.
const MAX_SEEN: usize = 8_192;

/// The rollups of the log, and whom they concern.
pub struct Book {
    lines: Vec<(Module, Region)>,
    source: Source,
    table: RollupTable,
    experiences: ExperienceTable,
    people: People,
    first: Option<Minute>,
    last: Option<Minute>,
    hashes: BTreeSet<String>,
    /// The log's time.
    latest: Timestamp,
    /// What the log expects of this server and since when, and its settings there.
    started: BTreeSet<Measures>,
    begun: Option<Minute>,
    settings: Option<BTreeMap<Module, String>>,
    /// What decides when contracts hold.
    record: Arc<Record>,
    contracts: Vec<Contract>,
    watched: Vec<Watched>,
    trail: Trail,
    /// What was reported, from the log to whoever takes reports.
    reports: Taken,
    seen: VecDeque<SeenAt>,
    waker: Arc<Notify>,
    logged: Logged,
}

/// Minutes for which a rollup may come late and is still looked at: probes report
/// every minute and try again for some; an hour is much for them, and bounds what
/// waits of a line to 60 minutes.
const LATE: u32 = 60;

/// A minute of a line of a contract, as the desk takes it.
#[derive(Clone, Debug)]
pub(super) struct SeenAt {
    /// Name of the contract.
    pub contract: String,
    /// Its version.
    pub version: u32,
    /// Of what.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// The line after the minute.
    pub seen: Seen,
}

/// A line of a contract that is measured here.
struct Watched {
    contract: String,
    version: u32,
    policy: SeverityPolicy,
    coverage: Coverage,
    detector: BurnDetector,
    /// The next minute to be looked at.
    next: Option<Minute>,
    /// Minutes that were looked at, and of which more has come since.
    late: BTreeSet<Minute>,
    alert: Option<Alert>,
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book").field("last", &self.last).finish()
    }
}

impl Book {
    /// An empty one for these lines, seen by `source`.
    pub fn new(lines: Vec<(Module, Region)>, source: Source) -> Self {
        Self {
            lines,
            source,
            table: RollupTable::new(),
            experiences: ExperienceTable::new(),
            people: People::default(),
            first: None,
            last: None,
            hashes: BTreeSet::new(),
            latest: Timestamp::MIN,
            started: BTreeSet::new(),
            begun: None,
            settings: None,
            record: Arc::default(),
            contracts: Vec::new(),
            watched: Vec::new(),
            trail: Trail::default(),
            reports: Taken::default(),
            seen: VecDeque::new(),
            waker: Arc::default(),
            logged: Logged::default(),
        }
    }

    /// The last minute that the log has of this server.
    pub const fn last(&self) -> Option<Minute> {
        self.last
    }

    /// Which leaves tell of which incident.
    pub const fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Time that was declared not to count, in the order of the log.
    pub fn exclusions(&self) -> &[Exclusion] {
        &self.people.exclusions
    }

    /// Takes what is in the log of incidents and exclusions. Being told again
    /// changes nothing.
    pub(super) fn handle_said(&mut self, leaf: &Leaf, index: u64) {
        self.people.handle_leaf(index, leaf);
        if *leaf.kind() == Kind::Incident
            && let Ok(entry) = leaf.decode::<Entry>()
        {
            self.trail.handle_entry(&entry, index);
        }
    }

    /// The minute after which the log expects this server's minutes: the last that
    /// it has, or the one in which the server said that it measures from then on.
    pub(super) fn accounted(&self) -> Option<Minute> {
        self.last.or(self.begun)
    }

    /// Regions of which something is measured or promised here.
    pub(super) fn regions(&self) -> Vec<Region> {
        let measured = self.lines.iter().map(|(_, region)| region);
        let contracts = self.contracts.iter().flat_map(|c| &c.coverage);
        let promised = contracts.map(|coverage| &coverage.region);
        let regions: BTreeSet<&Region> = measured.chain(promised).collect();
        regions.into_iter().cloned().collect()
    }

    /// What the log says was reported.
    pub(super) fn take_reports(&mut self) -> Taken {
        std::mem::take(&mut self.reports)
    }

    /// Whether the log does not have this version of a contract yet.
    pub(super) fn is_new_contract(&self, hash: &str) -> bool {
        !self.hashes.contains(hash)
    }

    /// Takes a contract that is in the log.
    pub(super) fn handle_contract(&mut self, contract: &Contract, index: u64, at: Timestamp) {
        self.latest = self.latest.max(at);
        self.hashes.extend(contract.hash());
        let record = Arc::make_mut(&mut self.record);
        if let Err(error) = record.handle_contract(contract, index, self.latest) {
            tracing::warn!(contract = contract.id, %error, "a contract does not count");
        }
    }

    /// What the log says of the lives of contracts.
    pub fn record(&self) -> Arc<Record> {
        self.record.clone()
    }

    /// The periods of a contract's own term, and those of renewals and grace that
    /// have begun; cut where another version holds.
    pub fn periods(&self, contract: &Contract, now: Timestamp) -> Vec<Period> {
        let term = contract.term.interval();
        let horizon = term.map_or(now, |term| term.end.max(now));
        let schedule = Schedule::new(contract, &self.record, Timestamp::MAX);
        let periods = schedule.and_then(|schedule| schedule.periods(horizon));
        periods.unwrap_or_default()
    }

    /// The lines that the log expects of this server.
    pub(super) const fn started(&self) -> &BTreeSet<Measures> {
        &self.started
    }

    /// The settings that the log has of this server.
    pub(super) const fn settings(&self) -> Option<&BTreeMap<Module, String>> {
        self.settings.as_ref()
    }

    /// Takes a fact that is in the log.
    pub(super) fn handle_fact(&mut self, fact: &Fact, index: u64, at: Timestamp) {
        self.latest = self.latest.max(at);
        let at = self.latest;
        let record = Arc::make_mut(&mut self.record);
        if let Err(error) = record.handle_fact(fact.clone(), index, at) {
            tracing::warn!(index, %error, "a fact does not count");
        }
        if let Err(error) = fact.tell(&mut self.table, at) {
            tracing::warn!(%error, "a source is not expected");
        }
        match fact {
            Fact::SourceStarted { source, lines } if *source == self.source => {
                self.started.extend(lines.iter().cloned());
                self.begun = self.begun.or(Minute::of(at));
            }
            Fact::SourceRetired { source } if *source == self.source => self.started.clear(),
            Fact::Settings { source, modules } if *source == self.source => {
                self.settings = Some(modules.clone());
            }
            _ => {}
        }
    }

    /// Watches the lines of these contracts from what is known on.
    pub(super) fn begin(&mut self, contracts: Vec<Contract>) {
        let lines = contracts.iter().flat_map(|contract| {
            let lines = contract.coverage.iter();
            lines.map(move |coverage| (contract, coverage.clone()))
        });
        let here = |coverage: &Coverage| {
            self.lines
                .contains(&(coverage.module, coverage.region.clone()))
        };
        let watched = lines.filter(|(_, coverage)| here(coverage));
        self.watched = watched
            .map(|(contract, coverage)| Watched {
                contract: contract.id.clone(),
                version: contract.version,
                policy: contract.severity.clone(),
                detector: BurnDetector::new(coverage.target),
                coverage,
                next: None,
                late: BTreeSet::new(),
                alert: None,
            })
            .collect();
        self.contracts = contracts;
    }

    /// Takes a rollup that is in the log.
    pub(super) fn handle_rollup(&mut self, rollup: &Rollup, index: u64) {
        // Full after 91 years of three lines; the log has it all the same.
        if let Err(error) = self.table.import(rollup, Some(index)) {
            tracing::warn!(%error, "a rollup is not shown");
        }
        for line in &mut self.watched {
            line.is_late(rollup);
        }
        if rollup.source == self.source {
            self.first = Some(self.first.map_or(rollup.minute, |m| m.min(rollup.minute)));
            self.last = self.last.max(Some(rollup.minute));
        }
    }

    /// Takes an experience that is in the log.
    pub(super) fn handle_experience(&mut self, experience: &Experience) {
        // Full after 5 years; the log has it all the same.
        if let Err(error) = self.experiences.import(experience) {
            tracing::warn!(%error, "an experience is not kept");
        }
    }

    /// Takes any leaf that is in the log.
    pub(super) fn handle_leaf(&mut self, index: u64, leaf: &Leaf) {
        match leaf.kind() {
            Kind::Rollup if leaf.payload().starts_with(experience::TAG) => {
                if let Ok(experience) = leaf.payload().parse() {
                    self.handle_experience(&experience);
                }
            }
            Kind::Rollup | Kind::NoData => {
                if let Ok(rollup) = leaf.payload().parse() {
                    self.handle_rollup(&rollup, index);
                }
            }
            Kind::Contract => {
                if let Ok(contract) = leaf.decode::<Contract>() {
                    self.handle_contract(&contract, index, leaf.at());
                }
            }
            Kind::Note => {
                if let Ok(Some(fact)) = Fact::of(leaf) {
                    self.handle_fact(&fact, index, leaf.at());
                }
            }
            Kind::Receipt => self.reports.handle_leaf(leaf, index),
            _ => self.handle_said(leaf, index),
        }
    }

    /// What users experienced, minute by minute.
    pub const fn experiences(&self) -> &ExperienceTable {
        &self.experiences
    }

    /// Looks how fast budgets burn, and says when that changes.
    pub(super) fn watch(&mut self, metrics: &Metrics) {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return;
        };
        let oldest = Minute(last.0.saturating_sub(WATCHED)).max(first);
        let from = self.watched.iter().filter_map(|line| line.next).min();
        let from = from.unwrap_or(oldest).max(oldest);
        for line in &mut self.watched {
            line.look_again(&self.table);
        }
        for minute in (from.0..=last.0).map(Minute) {
            let full = self.seen.len() + self.watched.len() > MAX_SEEN;
            if full && !self.seen.is_empty() {
                break;
            }
            for line in &mut self.watched {
                self.seen.extend(line.look(minute, &self.table));
            }
        }
        if !self.seen.is_empty() {
            self.waker.notify_one();
        }
        for line in &mut self.watched {
            let alert = line.detector.poll_state().and_then(|state| state.alert);
            line.tell(alert, metrics);
        }
    }
}

impl Book {
    /// Takes the minutes that wait, each line's in order.
    pub(super) fn take_seen(&mut self) -> Vec<SeenAt> {
        self.seen.drain(..).collect()
    }

    /// Wakes whoever takes minutes.
    pub(super) fn waker(&self) -> Arc<Notify> {
        Arc::clone(&self.waker)
    }

    /// What the log said of incidents and tickets when it was read back.
    pub(super) fn take_logged(&mut self) -> Logged {
        std::mem::take(&mut self.logged)
    }
}

impl Watched {
    /// Looks at a minute, unless it was looked at.
    fn look(&mut self, minute: Minute, table: &RollupTable) -> Option<SeenAt> {
        if self.next.is_some_and(|next| minute < next) {
            return None;
        }
        self.next = Some(minute.next());
        let burned = burned(&self.coverage, table, minute);
        // Minutes come in order, so that none is too late.
        let _ = self.detector.handle_minute(minute, burned);
        let refs = self.refs(minute, table);
        let seen = Seen::of(&self.detector, &self.policy, refs)?;
        Some(SeenAt {
            contract: self.contract.clone(),
            version: self.version,
            module: self.coverage.module,
            region: self.coverage.region.clone(),
            seen,
        })
    }

    /// Notes a minute that was looked at, to be looked at again.
    fn is_late(&mut self, rollup: &Rollup) {
        let Some(next) = self.next.filter(|next| rollup.minute < *next) else {
            return;
        };
        let coverage = &self.coverage;
        let mine = (rollup.module, &rollup.region) == (coverage.module, &coverage.region);
        if mine && next.0 - rollup.minute.0 <= LATE {
            self.late.insert(rollup.minute);
        }
    }

    /// Takes what came late into the detector: the next minute says what follows.
    fn look_again(&mut self, table: &RollupTable) {
        for minute in std::mem::take(&mut self.late) {
            let burned = burned(&self.coverage, table, minute);
            // It was looked at within the hour, and so it is watched.
            let _ = self.detector.handle_minute(minute, burned);
        }
    }

    /// Leaves of the bad minutes of the window that fires, the first of them.
    fn refs(&self, minute: Minute, table: &RollupTable) -> Vec<u64> {
        let state = self.detector.poll_state();
        let Some(first) = state.and_then(|state| state.first_bad) else {
            return Vec::new();
        };
        let (module, region) = (self.coverage.module, &self.coverage.region);
        let minutes = (first.0..=minute.0).map(Minute);
        let leaves = minutes.flat_map(|minute| {
            let cells = table.columns(module, region);
            let cells = cells.filter_map(move |(_, column)| column.get(minute));
            let bad = cells.filter(|cell| {
                cell.state == RollupState::NoData || cell.counts.bad > 0 || cell.counts.down_ms > 0
            });
            bad.filter_map(|cell| cell.leaf)
        });
        leaves.take(MAX_REFS).collect()
    }

    fn tell(&mut self, alert: Option<Alert>, metrics: &Metrics) {
        let (module, region) = (self.coverage.module, &self.coverage.region);
        let level = match alert {
            None => 0,
            Some(Alert::Ticket) => 1,
            Some(Alert::Page) => 2,
        };
        metrics.guarantee_burn(&self.contract, module.name(), region.name(), level);
        if alert != self.alert {
            tracing::warn!(contract = self.contract, %module, %region, ?alert,
                "the budget's burn rate has changed");
        }
        self.alert = alert;
    }
}

/// Reads a whole log into the book, verifying it on the way.
pub(super) fn read_back(root: &Path, key: &VerifyingKey, book: Book) -> anyhow::Result<Book> {
    let mut reader = Reader::new(root);
    let audit = Audit::open(&mut reader, key)?;
    let mut reading = Reading { book };
    walk(&audit, vec![reader.clone(), reader], &mut reading, |_| {})?;
    Ok(reading.book)
}

struct Reading {
    book: Book,
}

impl Replay for Reading {
    fn handle_leaf(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        // Leaves of other programs, or of later versions, are not ours to judge.
        let Ok(leaf) = Leaf::parse(entry) else {
            return Ok(());
        };
        self.book.latest = self.book.latest.max(leaf.at());
        self.book.handle_leaf(index, &leaf);
        self.book.logged.handle_leaf(index, entry, &leaf);
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
}

/// The day of an instant in UTC, from its first minute.
fn day_of(now: Timestamp) -> Minute {
    let minute = Minute::of(now).unwrap_or(Minute(0)).0;
    Minute(minute - minute % 1440)
}
