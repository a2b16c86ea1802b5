//! A minute of one module in one region, as it was seen by one source.

pub mod experience;
pub mod line;
pub mod minute;
pub mod table;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::module::{Module, Region};

pub use minute::Minute;
pub use table::RollupTable;

/// Milliseconds of a minute.
pub const MINUTE_MS: u64 = 60_000;

/// Most milliseconds of sessions in one rollup: a million sessions at once, some
/// twenty times what one machine forwards. All minutes of the largest table
/// together still fit into 64 bits.
pub const MAX_MS: u64 = 1_000_000 * MINUTE_MS;

/// Most samples in one rollup: a thousand per session and minute of a million
/// sessions.
pub const MAX_SAMPLES: u64 = 1_000_000_000;

/// Longest name of a source: a host name's label.
pub const MAX_SOURCE: usize = 63;

/// Who saw it. In lines of the log it is `server:a`, `probe:fra`, `receipts:a`.
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

impl Source {
    /// The name without its kind.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Server(name) | Self::Probe(name) | Self::Receipts(name) => name,
        }
    }

    /// `server`, `probe` or `receipts`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Server(_) => "server",
            Self::Probe(_) => "probe",
            Self::Receipts(_) => "receipts",
        }
    }

    /// Whether the name can stand in a line of the log: 1 to 63 of `a-z`, `A-Z`,
    /// `0-9`, `.`, `_` and `-`.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let name = self.name();
        !name.is_empty() && name.len() <= MAX_SOURCE && name.bytes().all(fits)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.name())
    }
}

impl FromStr for Source {
    type Err = RollupError;

    fn from_str(text: &str) -> Result<Self, RollupError> {
        let wrong = || RollupError::Source(text.chars().take(MAX_SOURCE).collect());
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        let make = match kind {
            "server" => Self::Server,
            "probe" => Self::Probe,
            "receipts" => Self::Receipts,
            _ => return Err(wrong()),
        };
        let source = make(name.chars().take(MAX_SOURCE + 1).collect());
        if source.is_valid() {
            Ok(source)
        } else {
            Err(wrong())
        }
    }
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

/// What was counted in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counts {
    /// Milliseconds of sessions that were fine.
    pub up_ms: u64,
    /// Milliseconds of sessions that were not.
    pub down_ms: u64,
    /// Samples that were good.
    pub good: u64,
    /// Samples that were bad.
    pub bad: u64,
}

impl Counts {
    /// No time and no sample.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.up_ms == 0 && self.down_ms == 0 && self.good == 0 && self.bad == 0
    }

    fn check(&self) -> Result<(), RollupError> {
        let too_large = |what, given: u64, most| RollupError::TooLarge { what, given, most };
        let sum = self.up_ms.saturating_add(self.down_ms);
        if sum > MAX_MS {
            return Err(too_large("up + down milliseconds", sum, MAX_MS));
        }
        let sum = self.good.saturating_add(self.bad);
        if sum > MAX_SAMPLES {
            return Err(too_large("good + bad samples", sum, MAX_SAMPLES));
        }
        Ok(())
    }
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

/// What is wrong with a rollup or with the line it should be read from.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RollupError {
    /// A count is beyond its bound.
    #[error("{what}: {given} is more than the {most} that one source can see in a minute")]
    TooLarge {
        /// Which count.
        what: &'static str,
        /// What it is.
        given: u64,
        /// What it may be.
        most: u64,
    },
    /// The state and the counts say different things.
    #[error(
        "state and counts do not fit: `measured` has at least one count above 0, `idle` and `no_data` have none"
    )]
    State,
    /// After the year 9999.
    #[error("the minute is beyond 9999-12-31T23:59Z")]
    Minute,
    /// Not a source.
    #[error(
        "`{0}` is not a source: write `server:NAME`, `probe:NAME` or `receipts:NAME` with 1 to 63 of a-z, A-Z, 0-9, `.`, `_`, `-`"
    )]
    Source(String),
    /// The line has another form.
    #[error("column {column}: expected {expected}")]
    Line {
        /// From 1, in bytes.
        column: usize,
        /// What should stand there.
        expected: String,
    },
}

impl Rollup {
    /// A minute with counts; [`RollupState::Idle`] where they are all 0.
    pub fn new(
        minute: Minute,
        module: Module,
        region: Region,
        source: Source,
        counts: Counts,
    ) -> Result<Self, RollupError> {
        let state = if counts.is_empty() {
            RollupState::Idle
        } else {
            RollupState::Measured
        };
        let rollup = Self {
            minute,
            module,
            region,
            source,
            state,
            up_ms: counts.up_ms,
            down_ms: counts.down_ms,
            good: counts.good,
            bad: counts.bad,
        };
        rollup.check()?;
        Ok(rollup)
    }

    /// A minute of which the source cannot say anything.
    #[must_use]
    pub const fn no_data(minute: Minute, module: Module, region: Region, source: Source) -> Self {
        Self {
            minute,
            module,
            region,
            source,
            state: RollupState::NoData,
            up_ms: 0,
            down_ms: 0,
            good: 0,
            bad: 0,
        }
    }

    /// Its counts.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        Counts {
            up_ms: self.up_ms,
            down_ms: self.down_ms,
            good: self.good,
            bad: self.bad,
        }
    }

    /// Whether bounds, names, state and counts are as they must be. Everything
    /// that takes rollups from outside asks this first.
    pub fn check(&self) -> Result<(), RollupError> {
        if self.minute > Minute::MAX {
            return Err(RollupError::Minute);
        }
        if !self.source.is_valid() {
            let shown = self.source.to_string().chars().take(MAX_SOURCE).collect();
            return Err(RollupError::Source(shown));
        }
        self.counts().check()?;
        if (self.state == RollupState::Measured) == self.counts().is_empty() {
            return Err(RollupError::State);
        }
        Ok(())
    }
}
