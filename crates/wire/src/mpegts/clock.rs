//! 33 bits of 90 kHz become a timeline that goes on.

use surecast_media::frame::MediaTime;

/// Ticks a second of PTS and DTS (ISO/IEC 13818-1 §2.4.2).
pub(super) const RATE: u32 = 90_000;
/// Bits of a timestamp: it starts again after 26.5 hours.
const BITS: u32 = 33;

/// Continues timestamps over their wrap. All streams of a program share one, so
/// that they stay together.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: Option<i64>,
}

impl Clock {
    /// The time nearest to the last one that has these 33 bits, in ticks.
    pub(super) fn extend(&mut self, ticks: u64) -> i64 {
        let time = self.near(ticks);
        self.last = Some(time);
        time
    }

    /// The same without remembering it.
    pub(super) fn near(&self, ticks: u64) -> i64 {
        let ticks = (ticks & ((1 << BITS) - 1)) as i64;
        let Some(last) = self.last else {
            return ticks;
        };
        let half = 1i64 << (BITS - 1);
        // 2^33 divides 2^64, so wrapping is right for any `last`.
        let ahead = ticks
            .wrapping_sub(last)
            .wrapping_add(half)
            .rem_euclid(1 << BITS)
            - half;
        last.wrapping_add(ahead)
    }
}

/// In microseconds.
pub(super) fn media_time(ticks: i64) -> MediaTime {
    MediaTime::from_ticks(ticks, RATE)
}

/// The 33 bits that a packet carries.
pub(super) fn ticks(time: MediaTime) -> u64 {
    time.to_ticks(RATE).rem_euclid(1 << BITS) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_over_the_wrap_in_both_directions() {
        let mut clock = Clock::default();
        let end = (1 << 33) - 10;
        assert_eq!(clock.extend(end), end as i64);
        assert_eq!(clock.extend(5), (1 << 33) + 5);
        assert_eq!(clock.extend(end), end as i64);
        assert_eq!(ticks(media_time((1 << 33) + 90)), 90);
        assert_eq!(ticks(media_time(-90)), (1 << 33) - 90);
    }
}
