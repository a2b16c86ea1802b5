//! Spans of time: half-open, start in, end out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// From `start` up to, but not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interval {
    /// First instant in it.
    pub start: Timestamp,
    /// First instant after it; not before `start`.
    pub end: Timestamp,
}
