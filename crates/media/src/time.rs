//! Time as the cores see it: handed in, never asked for.

use std::time::{Duration, Instant};

/// A moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic: for every time-out and interval.
    pub at: Instant,
    /// Milliseconds since the Unix epoch: for what clients and logs are told.
    pub unix_ms: u64,
}

impl Now {
    /// The same moment moved into the future, on both clocks.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self {
            at: self.at + by,
            unix_ms: self.unix_ms + u64::try_from(by.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub fn unix_secs(self) -> i64 {
        i64::try_from(self.unix_ms / 1000).unwrap_or(i64::MAX)
    }
}
