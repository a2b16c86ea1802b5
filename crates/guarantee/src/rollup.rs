//! A minute of one module in one region, as it was seen by one source.

use serde::{Deserialize, Serialize};

use crate::module::{Module, Region};

/// Minutes since 1970-01-01T00:00Z, leap seconds smeared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minute(pub u32);

/// Who saw it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The server's own taps.
    Server(String),
    /// A probe at a vantage.
    Probe(String),
    /// Receipts that clients signed.
    Receipts(String),
}

/// What is known of the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollupState {
    /// Counts are there.
    Measured,
    /// The source was running and there was nothing to count.
    Idle,
    /// The source cannot say. Counts as bad.
    NoData,
}

/// A minute of one module in one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollup {
    /// Which minute.
    pub minute: Minute,
    /// What.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// Who saw it.
    pub source: Source,
    /// Whether anything is known.
    pub state: RollupState,
    /// Milliseconds of sessions that were fine.
    pub up_ms: u64,
    /// Milliseconds of sessions that were not.
    pub down_ms: u64,
    /// Samples (attempts, segments, probes) that were good.
    pub good: u64,
    /// Samples that were bad.
    pub bad: u64,
}
