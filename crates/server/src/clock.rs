//! The only place that reads the clock for the cores.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use surecast_media::time::Now;

/// Milliseconds that the guarantee's clock is ahead of the real one. A wall
/// clock is one for the whole process; this one is moved at most once, before
/// anything asks for it.
static SHIFT: OnceLock<i64> = OnceLock::new();

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

/// Moves the guarantee's clock, for `--dev-time`. The first call decides.
pub fn shift_guarantee(ms: i64) {
    let _ = SHIFT.set(ms);
}

/// How far the guarantee's clock is ahead of the real one, in milliseconds.
pub fn guarantee_shift() -> i64 {
    SHIFT.get().copied().unwrap_or(0)
}
