//! What is promised of one module in one region, and how it is measured.

use serde::{Deserialize, Serialize};

use crate::module::{Module, Region};
use crate::ratio::Percent;

/// How samples become an availability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "method", deny_unknown_fields)]
pub enum Method {
    /// up seconds / (up + down seconds) of all sessions; guarded by one-minute
    /// timeslices: the worse of the two counts.
    SessionSeconds,
    /// Share of slices that reach `good_from`.
    Timeslices {
        /// Minutes of a slice, 1 to 60, dividing 60.
        slice_minutes: u16,
        /// A slice is good if at least this share of its samples was.
        good_from: Percent,
    },
    /// Mean of the slices' shares.
    RatioTimeslices {
        /// Minutes of a slice, 1 to 60, dividing 60.
        slice_minutes: u16,
    },
    /// good / all of the samples of the whole window.
    Occurrences,
}

/// One line of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coverage {
    /// What is covered.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// How it is measured.
    #[serde(flatten)]
    pub method: Method,
    /// Fewer samples than this in a slice, and probes decide; 0 = none needed.
    pub floor: u64,
    /// What is promised.
    pub target: Percent,
    /// Its part of the period's fee, for credits. All lines together: 100 %.
    pub fee_share: Percent,
    /// Severity S1 and S2 are for critical lines alone.
    pub critical: bool,
}
