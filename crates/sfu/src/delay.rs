//! How long media takes from capture until it reaches a subscriber, estimated
//! without anybody's help:
//!
//! ```text
//! publisher's RTT / 2 + lateness against its fastest packet + time in here + subscriber's RTT / 2
//! ```
//!
//! Capture times come from sender reports, and lateness is counted against the
//! least of the last minute or two, because clocks drift apart; what is late for
//! longer shows in the round trip. Not in it: the publisher's encoder, the
//! subscriber's pacer, jitter buffer, decoder and screen.

use std::time::{Duration, Instant};

use crate::engine::Sfu;
use crate::peer::Slot;

/// A mean that forgets: the newest counts one sixteenth.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    /// Sixteenths of microseconds.
    sum: u64,
}

/// Longer is a clock that is wrong, not a delay.
const LONGEST_US: u128 = 10_000_000;

impl Mean {
    pub(crate) fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros().min(LONGEST_US)).unwrap_or(0);
        self.sum = self.sum - self.sum / 16 + micros;
    }

    pub(crate) const fn value(self) -> Duration {
        Duration::from_micros(self.sum / 16)
    }
}

/// How much later than its fastest packets a stream comes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lateness {
    mean: Mean,
    /// When the present minute began.
    since: Option<Instant>,
    /// The least of it, and of the one before.
    least: Duration,
    before: Duration,
}

/// Clocks of computers drift by up to 3 ms in that time.
const WINDOW: Duration = Duration::from_secs(60);

impl Lateness {
    /// A packet came at `at`, `late` after it was captured by some clock.
    pub(crate) fn add(&mut self, late: Duration, at: Instant) {
        match self.since {
            None => {
                (self.least, self.before) = (late, late);
                self.since = Some(at);
            }
            Some(since) if at.saturating_duration_since(since) >= WINDOW => {
                self.before = std::mem::replace(&mut self.least, late);
                self.since = Some(at);
            }
            Some(_) => self.least = self.least.min(late),
        }
        let least = self.least.min(self.before);
        self.mean.add(late.saturating_sub(least));
    }

    pub(crate) const fn value(self) -> Duration {
        self.mean.value()
    }
}

impl Sfu {
    /// From capture until it leaves here: the worst of the streams that flow to
    /// this connection; `None` while no publisher's round trip is known.
    pub(crate) fn upstream_delay(&self, slot: Slot) -> Option<Duration> {
        let peer = self.peers[slot].as_deref()?;
        let flowing = peer.subscriptions.values().filter(|s| s.flow.is_flowing());
        let delays = flowing.filter_map(|subscription| {
            let track = self.tracks.get(&subscription.track)?;
            let publisher = self.peers[track.publisher].as_deref()?;
            let up = publisher.health.rtt? / 2;
            Some(up + track.late.value() + track.residence.value())
        });
        delays.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_drifts_is_not_late() {
        #[allow(clippy::disallowed_methods, reason = "tests need some instant")]
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut lateness = Lateness::default();
        // Three hours; the clock loses 50 ppm.
        for second in 0..10_800 {
            let at = start + Duration::from_secs(second);
            lateness.add(ms(20) + Duration::from_micros(50 * second), at);
        }
        assert!(lateness.value() < ms(10), "{:?}", lateness.value());
        for packet in 0..100 {
            lateness.add(ms(1000), start + Duration::from_secs(10_800) + ms(packet));
        }
        assert!(lateness.value() > ms(300), "{:?}", lateness.value());
    }

    #[test]
    fn the_mean_follows() {
        let mut mean = Mean::default();
        (0..200).for_each(|_| mean.add(Duration::from_millis(40)));
        assert!(mean.value() > Duration::from_millis(39));
        (0..200).for_each(|_| mean.add(Duration::from_secs(1_000_000)));
        assert!(mean.value() <= Duration::from_secs(10));
        (0..400).for_each(|_| mean.add(Duration::ZERO));
        assert!(mean.value() < Duration::from_millis(1));
    }
}
