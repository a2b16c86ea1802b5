//! How bad an incident is. The evidence says so, not an opinion.

use serde::{Deserialize, Serialize};

/// Worst first: `S1 < S2`, so the smaller of two is the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// A critical module is largely down, or a registered event suffers.
    S1,
    /// A critical module suffers noticeably.
    S2,
    /// Some of the service suffers.
    S3,
    /// Hardly anybody notices.
    S4,
}
