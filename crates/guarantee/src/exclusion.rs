//! Time that does not count, declared beforehand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::interval::Interval;
use crate::module::{Module, Region};

/// Why time may be left out. What each class needs (notice, cap) stands in the
/// contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionClass {
    /// Declared maintenance.
    Maintenance,
    /// The customer's effective settings differ from the frozen ones.
    ConfigurationDrift,
    /// More load than the declared peak.
    AbovePeak,
    /// The customer's minimum spend was not reached.
    MinimumSpend,
    /// Beyond anybody's control, as the contract defines it.
    ForceMajeure,
}

/// One declared exclusion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Why.
    pub class: ExclusionClass,
    /// When it was logged; notice is counted from here.
    pub declared_at: Timestamp,
    /// When it is to apply.
    pub interval: Interval,
    /// Only this module; `None` = all.
    pub module: Option<Module>,
    /// Only this region; `None` = all.
    pub region: Option<Region>,
    /// Who approved it.
    pub approved_by: String,
    /// Its leaf in the log. An exclusion without one is not valid.
    pub log_index: Option<u64>,
}
