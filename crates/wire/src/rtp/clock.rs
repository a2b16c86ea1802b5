//! RTP timestamps on the timeline of a stream.

use surecast_media::frame::MediaTime;
use surecast_media::seq::Extend32;

/// How far the capture times have to be from the timeline, in microseconds on
/// average, before it is bent towards them. They waver by some 100 µs, and by
/// some milliseconds before the first sender report.
const TOLERANCE: i64 = 5_000;

/// Beyond this (people notice sound 45 ms ahead of the picture, ITU-R BT.1359)
/// the timeline is bent ten times as fast.
const NOTICEABLE: i64 = 40_000;

/// A jump, not a drift: the timeline starts anew.
const JUMP: i64 = 500_000;

/// One part in so many is how far an observation moves the average: over two
/// seconds of video.
const SMOOTHING: i64 = 64;

/// Makes times out of the RTP timestamps of a track: even as the timestamps, in
/// the long run true to the capture times, and always growing.
///
/// Two tracks of one stream run by two clocks, that of the camera and that of
/// the microphone; without the capture times they would drift apart.
#[derive(Clone, Debug)]
pub struct Clock {
    rate: u32,
    ticks: Extend32,
    /// Microseconds: time of the timeline less time by the timestamps.
    offset: i64,
    /// Microseconds, on average: capture time less time of the timeline.
    error: i64,
    /// Microseconds by which the timeline is ahead of the capture times for
    /// good, because they once went back.
    ahead: i64,
    last: Option<Last>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    by_ticks: i64,
    time: MediaTime,
}

impl Clock {
    /// `rate` is the ticks of RTP timestamps per second.
    #[must_use]
    pub const fn new(rate: u32) -> Self {
        Self {
            rate,
            ticks: Extend32::new(),
            offset: 0,
            error: 0,
            ahead: 0,
            last: None,
        }
    }

    /// The time of the next frame, later than that of the one before.
    pub fn time(&mut self, timestamp: u32, captured: MediaTime) -> MediaTime {
        let ticks = self.ticks.extend(timestamp);
        let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
        let by_ticks = MediaTime::from_ticks(ticks, self.rate).0;
        let time = match self.last {
            Some(last) => self.follow(last, by_ticks, captured),
            None => {
                self.offset = captured.0.saturating_sub(by_ticks);
                captured
            }
        };
        self.last = Some(Last { by_ticks, time });
        time
    }

    /// The next timestamp has nothing to do with the ones before: another stream
    /// begins. Times go on growing.
    pub fn restart(&mut self) {
        self.ticks = Extend32::new();
    }

    fn follow(&mut self, last: Last, by_ticks: i64, captured: MediaTime) -> MediaTime {
        let captured = captured.plus(self.ahead);
        let time = MediaTime(by_ticks.saturating_add(self.offset));
        let error = captured.since(time);
        if error.saturating_abs() > JUMP {
            return self.jump(last, by_ticks, captured);
        }
        self.error += (error - self.error) / SMOOTHING;
        let bend = self.bend(by_ticks.saturating_sub(last.by_ticks));
        self.offset = self.offset.saturating_add(bend);
        self.error -= bend;
        time.plus(bend).max(last.time.plus(1))
    }

    /// By how much to bend after so many microseconds of media.
    fn bend(&self, elapsed: i64) -> i64 {
        let size = self.error.abs();
        if size < TOLERANCE {
            return 0;
        }
        // Half a percent is not heard; five percent are soon over.
        let share = if size < NOTICEABLE { 200 } else { 20 };
        let most = (elapsed.clamp(0, JUMP) / share).min(size);
        self.error.clamp(-most, most)
    }

    fn jump(&mut self, last: Last, by_ticks: i64, captured: MediaTime) -> MediaTime {
        // A millisecond: what is seen as one after the other in every container.
        let time = captured.max(last.time.plus(1000));
        self.ahead = self.ahead.saturating_add(time.since(captured));
        self.offset = time.0.saturating_sub(by_ticks);
        self.error = 0;
        time
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn jitter_of_capture_times_is_not_seen() {
        let mut clock = Clock::new(90_000);
        let first = clock.time(0xffff_f000, MediaTime(1_000_000));
        for frame in 1..10_000u32 {
            let even = i64::from(frame) * 40_000;
            let jitter = if frame % 3 == 0 { 300 } else { -200 };
            let captured = first.plus(even + jitter);
            let time = clock.time(0xffff_f000u32.wrapping_add(frame * 3600), captured);
            assert_eq!(time, first.plus(even), "frame {frame}");
        }
    }

    #[test]
    fn drift_is_followed() {
        // A camera that runs 200 ppm fast, for an hour.
        let mut clock = Clock::new(90_000);
        let mut time = MediaTime(0);
        let mut captured = MediaTime(0);
        for frame in 0..90_000u32 {
            captured = MediaTime(i64::from(frame) * 39_992);
            let last = time;
            time = clock.time(frame * 3600, captured);
            if frame > 0 {
                let step = time.since(last);
                assert!((39_700..=40_300).contains(&step), "even, but {step}");
            }
        }
        assert!(captured.since(time).abs() < 10_000);
    }

    #[test]
    fn a_first_sender_report_moves_the_timeline_softly() {
        let mut clock = Clock::new(48_000);
        let mut last = None;
        for frame in 0..500u32 {
            let late = if frame < 50 { 150_000 } else { 0 };
            let captured = MediaTime(i64::from(frame) * 20_000 + late);
            let time = clock.time(frame * 960, captured);
            if let Some(last) = last {
                assert!(time.since(last) >= 18_000);
            }
            if frame == 499 {
                assert!(time.since(captured).abs() < 40_000);
            }
            last = Some(time);
        }
    }

    #[test]
    fn jumps_start_anew() {
        let mut clock = Clock::new(90_000);
        assert_eq!(clock.time(0, MediaTime(0)), MediaTime(0));
        let later = MediaTime(5_000_000);
        assert_eq!(clock.time(1_000_000_000, later), later, "of timestamps");
        // Of capture times, back: time goes on all the same.
        let back = clock.time(1_000_003_600, MediaTime(1_000_000));
        assert_eq!(back, later.plus(1000));
        let next = clock.time(1_000_007_200, MediaTime(1_040_000));
        assert_eq!(next, later.plus(41_000));
    }

    proptest! {
        #[test]
        fn times_grow(inputs in prop::collection::vec((any::<u32>(), any::<i64>(), any::<bool>()), 1..100)) {
            let mut clock = Clock::new(90_000);
            let mut last: Option<MediaTime> = None;
            for (timestamp, captured, restart) in inputs {
                if restart {
                    clock.restart();
                }
                // A million years on either side.
                let time = clock.time(timestamp, MediaTime(captured / 1000));
                if let Some(last) = last {
                    prop_assert!(time > last);
                }
                last = Some(time);
            }
        }
    }
}
