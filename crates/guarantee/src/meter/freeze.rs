//! Freezes as W3C webrtc-stats counts them (`freezeCount`): a gap between two
//! frames of at least max(3 · avg, avg + 150 ms), where avg is the mean of the
//! last 30 intervals.

use std::collections::VecDeque;

/// Intervals of the mean.
const INTERVALS: usize = 30;

/// 150 ms.
const EXTRA_US: u64 = 150_000;

/// Watches the frames of one stream. Times are microseconds of any one clock.
#[derive(Clone, Debug, Default)]
pub struct FreezeDetector {
    intervals: VecDeque<u64>,
    sum: u64,
    last: Option<u64>,
    frozen: bool,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freeze {
    /// A gap has become a freeze. It began with the last frame.
    Began {
        /// When.
        from_us: u64,
    },
    /// A frame came after a freeze.
    Ended {
        /// When it had begun.
        from_us: u64,
        /// When the frame came.
        to_us: u64,
    },
}

impl FreezeDetector {
    /// A frame came. Frames that go back in time are ignored.
    pub fn handle_frame(&mut self, now_us: u64) -> Option<Freeze> {
        let Some(last) = self.last else {
            self.last = Some(now_us);
            return None;
        };
        let gap = now_us.checked_sub(last)?;
        let froze = self.frozen || self.is_freeze(gap);
        self.last = Some(now_us);
        self.frozen = false;
        self.intervals.push_back(gap);
        self.sum = self.sum.saturating_add(gap);
        if self.intervals.len() > INTERVALS {
            let old = self.intervals.pop_front().unwrap_or_default();
            self.sum = self.sum.saturating_sub(old);
        }
        froze.then_some(Freeze::Ended {
            from_us: last,
            to_us: now_us,
        })
    }

    /// Time passed without a frame.
    pub fn handle_timeout(&mut self, now_us: u64) -> Option<Freeze> {
        let from_us = self.last?;
        if self.frozen || !self.is_freeze(now_us.saturating_sub(from_us)) {
            return None;
        }
        self.frozen = true;
        Some(Freeze::Began { from_us })
    }

    /// When the gap becomes a freeze, unless a frame comes.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<u64> {
        if self.frozen || self.intervals.is_empty() {
            return None;
        }
        let n = self.intervals.len() as u64;
        let triple = self.sum.saturating_mul(3).div_ceil(n);
        let longer = self.sum.div_ceil(n).saturating_add(EXTRA_US);
        Some(self.last?.saturating_add(triple.max(longer)))
    }

    /// The stream was paused or ended on purpose: the gap does not count.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Compared without a division: gap ≥ max(3 · sum / n, sum / n + 150 ms).
    fn is_freeze(&self, gap: u64) -> bool {
        let (n, sum) = (self.intervals.len() as u128, u128::from(self.sum));
        let gap = u128::from(gap) * n;
        n > 0 && gap >= 3 * sum && gap >= sum + n * u128::from(EXTRA_US)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames every `interval` ms, then a gap.
    fn gap(interval: u64, gap: u64) -> (Option<Freeze>, Option<u64>) {
        let mut detector = FreezeDetector::default();
        for frame in 0..=40 {
            assert_eq!(detector.handle_frame(frame * interval * 1000), None);
        }
        let last = 40 * interval * 1000;
        let timeout = detector.poll_timeout().map(|at| (at - last) / 1000);
        (detector.handle_frame(last + gap * 1000), timeout)
    }

    #[test]
    fn a_gap_is_a_freeze_by_the_rule() {
        // interval, threshold: the larger of three times and 150 ms more
        for (interval, threshold) in [(20, 170), (33, 183), (75, 225), (100, 300), (200, 600)] {
            assert_eq!(gap(interval, threshold - 1).0, None, "{interval}");
            let (freeze, timeout) = gap(interval, threshold);
            assert!(matches!(freeze, Some(Freeze::Ended { .. })), "{interval}");
            assert_eq!(timeout, Some(threshold));
        }
    }

    #[test]
    fn a_freeze_is_known_before_it_ends() {
        let mut detector = FreezeDetector::default();
        for frame in 0..=10 {
            detector.handle_frame(frame * 20_000);
        }
        assert_eq!(detector.handle_timeout(369_999), None);
        let began = Some(Freeze::Began { from_us: 200_000 });
        assert_eq!(detector.handle_timeout(370_000), began);
        assert_eq!(detector.handle_timeout(380_000), None);
        assert_eq!(detector.poll_timeout(), None);
        let ended = Some(Freeze::Ended {
            from_us: 200_000,
            to_us: 900_000,
        });
        assert_eq!(detector.handle_frame(900_000), ended);
        detector.reset();
        assert_eq!(detector.handle_frame(9_000_000), None);
        assert_eq!(detector.handle_frame(8_000_000), None);
    }
}
