//! When was it captured? From sender reports (RFC 3550 §6.4.1) to our clock.
//!
//! Audio and video of one publisher must keep their relation on the way to the
//! subscriber: the sender reports that we send are made from the instants that
//! are computed here. One publisher has one NTP clock, whatever number of
//! streams it sends, so the mapping from its clock to ours is kept once.

use std::time::{Duration, Instant, SystemTime};

/// A capture instant this far from arrival is a broken clock, not a delay.
const SANE: Duration = Duration::from_secs(10);

/// The publisher's NTP clock against ours.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublisherClock {
    anchor: Option<(SystemTime, Instant)>,
}

impl PublisherClock {
    /// A sender report with this NTP time arrived.
    pub fn report(&mut self, ntp: SystemTime, arrived: Instant) {
        let Some((ntp0, local0)) = self.anchor else {
            self.anchor = Some((ntp, arrived));
            return;
        };
        // The report that travelled fastest is nearest to the truth.
        let elapsed = signed_since(ntp, ntp0);
        match shift(local0, elapsed) {
            Some(expected) if arrived < expected => self.anchor = Some((ntp, arrived)),
            Some(expected) if arrived > expected + SANE => self.anchor = Some((ntp, arrived)),
            Some(_) => {}
            None => self.anchor = Some((ntp, arrived)),
        }
    }

    fn local(&self, ntp: SystemTime) -> Option<Instant> {
        let (ntp0, local0) = self.anchor?;
        shift(local0, signed_since(ntp, ntp0))
    }
}

/// The last sender report of one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamReport {
    /// NTP time of the report.
    pub ntp: SystemTime,
    /// RTP timestamp at that time.
    pub timestamp: u32,
}

impl StreamReport {
    /// When the frame with this timestamp was captured, on our clock.
    #[must_use]
    pub fn captured(
        &self,
        clock: &PublisherClock,
        timestamp: u32,
        clock_rate: u32,
        arrived: Instant,
    ) -> Option<Instant> {
        let ticks = timestamp.wrapping_sub(self.timestamp).cast_signed();
        let micros = i64::from(ticks) * 1_000_000 / i64::from(clock_rate.max(1));
        let at = shift(clock.local(self.ntp)?, micros)?;
        let off = at.max(arrived) - at.min(arrived);
        (off < SANE).then_some(at)
    }
}

/// Microseconds from `b` to `a`.
fn signed_since(a: SystemTime, b: SystemTime) -> i64 {
    let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
    match a.duration_since(b) {
        Ok(d) => micros(d),
        Err(e) => -micros(e.duration()),
    }
}

fn shift(at: Instant, micros: i64) -> Option<Instant> {
    let by = Duration::from_micros(micros.unsigned_abs());
    if micros >= 0 {
        at.checked_add(by)
    } else {
        at.checked_sub(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_and_video_keep_their_relation() {
        #[allow(clippy::disallowed_methods, reason = "tests need some instant")]
        let now = Instant::now() + Duration::from_secs(100);
        let ntp = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut clock = PublisherClock::default();
        // The audio report arrives 30 ms late, the video report at once.
        clock.report(ntp, now + Duration::from_millis(30));
        clock.report(
            ntp + Duration::from_millis(10),
            now + Duration::from_millis(10),
        );
        let audio = StreamReport { ntp, timestamp: 0 };
        let video = StreamReport {
            ntp: ntp + Duration::from_millis(10),
            timestamp: u32::MAX,
        };
        let a = audio.captured(&clock, 48_000, 48_000, now).unwrap();
        let v = video.captured(&clock, 89_100 - 1, 90_000, now).unwrap();
        assert_eq!(a, now + Duration::from_secs(1));
        assert_eq!(v, a, "captured together, across the wrap");
    }

    #[test]
    fn a_mad_clock_is_not_believed() {
        #[allow(clippy::disallowed_methods, reason = "tests need some instant")]
        let now = Instant::now() + Duration::from_secs(100);
        let ntp = SystemTime::UNIX_EPOCH;
        let mut clock = PublisherClock::default();
        clock.report(ntp, now);
        let report = StreamReport { ntp, timestamp: 0 };
        assert_eq!(report.captured(&clock, 90_000 * 60, 90_000, now), None);
    }
}
