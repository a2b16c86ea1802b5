//! Bits per second over the last moments.

use std::time::{Duration, Instant};

/// Long enough to span a keyframe and the small frames after it, short enough
/// to see a rendition start.
const WINDOW: Duration = Duration::from_millis(1000);

/// Counts bytes in windows of a second and remembers the last full one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RateMeter {
    began: Option<Instant>,
    bytes: u64,
    last_bps: Option<u64>,
}

impl RateMeter {
    pub(crate) fn add(&mut self, bytes: usize, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let elapsed = now.saturating_duration_since(began);
        if elapsed >= WINDOW {
            self.last_bps = Some(bps(self.bytes, elapsed));
            self.began = Some(now);
            self.bytes = 0;
        }
        self.bytes += bytes as u64;
    }

    /// Of the last full window; of the present one while there is none.
    pub(crate) fn bps(&self, now: Instant) -> u64 {
        match (self.last_bps, self.began) {
            (Some(bps), Some(t)) if now.saturating_duration_since(t) < 3 * WINDOW => bps,
            (None, Some(t)) => {
                let elapsed = now.saturating_duration_since(t);
                bps(self.bytes, elapsed.max(WINDOW / 4))
            }
            _ => 0,
        }
    }
}

fn bps(bytes: u64, over: Duration) -> u64 {
    let micros = u64::try_from(over.as_micros()).unwrap_or(u64::MAX).max(1);
    bytes.saturating_mul(8_000_000) / micros
}
