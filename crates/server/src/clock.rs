//! The only place that reads the clock for the cores.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use surecast_media::time::Now;

/// This moment on both clocks.
pub fn now() -> Now {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Now {
        at: Instant::now(),
        unix_ms: u64::try_from(unix.as_millis()).unwrap_or(u64::MAX),
    }
}
