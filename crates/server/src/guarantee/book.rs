//! What the log says: its rollups, and what they come to.

mod lines;
mod status;
mod trail;

use std::collections::BTreeSet;
use std::path::Path;

use jiff::Timestamp;
use surecast_guarantee::burn::{Alert, BurnDetector};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::coverage::Coverage;
use surecast_guarantee::evidence::{Audit, Kind, Leaf, Replay, VerifyingKey};
use surecast_guarantee::incident::Entry;
use surecast_guarantee::method::burned;
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::{Minute, Rollup, RollupTable, Source};

use super::Shared;
use super::reports::Taken;
use crate::evidence::{Reader, walk};
use crate::metrics::Metrics;

pub use lines::Lines;
pub use status::{ContractLine, LineStatus, MinuteStatus, Shown, Status};
pub use trail::Trail;

/// Minutes that burn rates look back over: three days.
const WATCHED: u32 = 72 * 60;

/// The rollups of the log, and whom they concern.
pub struct Book {
    lines: Vec<(Module, Region)>,
    source: Source,
    table: RollupTable,
    first: Option<Minute>,
    last: Option<Minute>,
    hashes: BTreeSet<String>,
    contracts: Vec<Contract>,
    watched: Vec<Watched>,
    trail: Trail,
    /// What was reported, from the log to whoever takes reports.
    reports: Taken,
}

/// A line of a contract that is measured here.
struct Watched {
    contract: String,
    coverage: Coverage,
    detector: BurnDetector,
    /// The next minute to be looked at.
    next: Option<Minute>,
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
            first: None,
            last: None,
            hashes: BTreeSet::new(),
            contracts: Vec::new(),
            watched: Vec::new(),
            trail: Trail::default(),
            reports: Taken::default(),
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

    /// Takes a change of an incident that is in the log.
    pub(super) fn handle_incident(&mut self, entry: &Entry, index: u64) {
        self.trail.handle_entry(entry, index);
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

    /// Whether the log does not have this version of a contract yet; it is
    /// taken for known from now on.
    pub(super) fn is_new_contract(&mut self, hash: String) -> bool {
        self.hashes.insert(hash)
    }

    /// Watches the lines of these contracts from what is known on.
    pub(super) fn begin(&mut self, contracts: Vec<Contract>) {
        let lines = contracts.iter().flat_map(|contract| {
            let lines = contract.coverage.iter();
            lines.map(|coverage| (contract.id.clone(), coverage.clone()))
        });
        let here = |coverage: &Coverage| {
            self.lines
                .contains(&(coverage.module, coverage.region.clone()))
        };
        let watched = lines.filter(|(_, coverage)| here(coverage));
        self.watched = watched
            .map(|(contract, coverage)| Watched {
                contract,
                detector: BurnDetector::new(coverage.target),
                coverage,
                next: None,
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
        if rollup.source == self.source {
            self.first = Some(self.first.map_or(rollup.minute, |m| m.min(rollup.minute)));
            self.last = self.last.max(Some(rollup.minute));
        }
    }

    /// Looks how fast budgets burn, and says when that changes.
    pub(super) fn watch(&mut self, metrics: &Metrics) {
        let (Some(first), Some(last)) = (self.first, self.last) else {
            return;
        };
        for line in &mut self.watched {
            let oldest = Minute(last.0.saturating_sub(WATCHED)).max(first);
            let from = line.next.unwrap_or(oldest).max(oldest);
            for minute in (from.0..=last.0).map(Minute) {
                let burned = burned(&line.coverage, &self.table, minute);
                // Minutes come in order, so that none is too late.
                let _ = line.detector.handle_minute(minute, burned);
            }
            line.next = Some(last.next());
            let alert = line.detector.poll_state().and_then(|state| state.alert);
            line.tell(alert, metrics);
        }
    }
}

impl Watched {
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
        match leaf.kind() {
            Kind::Rollup | Kind::NoData => {
                if let Ok(rollup) = leaf.payload().parse() {
                    self.book.handle_rollup(&rollup, index);
                }
            }
            Kind::Incident => {
                if let Ok(entry) = leaf.decode() {
                    self.book.handle_incident(&entry, index);
                }
            }
            Kind::Receipt => self.book.reports.handle_leaf(&leaf, index),
            Kind::Contract => {
                if let Ok(hash) = leaf.decode().and_then(|c: Contract| Ok(c.hash()?)) {
                    self.book.hashes.insert(hash);
                }
            }
            _ => {}
        }
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
