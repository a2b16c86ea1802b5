//! Does a stream flow, or does it freeze? What a subscriber is sent, frame by
//! frame, judged as W3C webrtc-stats counts freezes (`freezeCount`): a gap of at
//! least max(3 · avg, avg + 150 ms), avg over the last 30 intervals.
//!
//! A packet costs a comparison of two numbers; a frame costs a handful of
//! integer operations. Nothing is allocated.

use std::time::{Duration, Instant};

/// Intervals of the mean.
const INTERVALS: usize = 30;

/// 150 ms.
const EXTRA_US: u64 = 150_000;

/// A gap before there is a mean: one second is more than any rate needs.
const FIRST_US: u64 = 1_000_000;

/// A source that may pause (silence that is not sent, a page that stands still)
/// sends something all the same: Opus every 400 ms, a browser's screen share
/// every second. Twice that without a packet is no pause.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A packet as it leaves, on the outgoing stream's numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// When it arrived from the publisher.
    pub(crate) at: Instant,
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    /// Ticks per second of `timestamp`.
    pub(crate) clock_rate: u32,
}

/// What a packet shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// All goes on as it did.
    Same,
    /// It flows: the first packet, or the one that ends a freeze that is known.
    Flows,
    /// It ends a freeze that nobody knew of.
    Froze {
        /// The last frame before.
        from: Instant,
    },
}

/// What was told of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Told {
    /// Nothing since it was wanted.
    #[default]
    Nothing,
    Flows,
    Frozen,
}

/// Why a source may leave a gap on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pauses {
    /// It never does.
    No,
    /// Silence is not sent (RFC 7587 §3.1.3, DTX).
    Silence,
    /// What does not change is not sent: a screen.
    Stillness,
}

/// Watches one stream towards one subscriber.
#[derive(Debug)]
pub(crate) struct Flow {
    pauses: Pauses,
    /// The newest frame, by its first packet.
    frame: Option<Sent>,
    /// Highest sequence number.
    seq: u64,
    told: Told,
    /// Microseconds; the `count` latest, in a ring.
    intervals: [u32; INTERVALS],
    next: usize,
    count: usize,
    sum: u64,
}

impl Flow {
    pub(crate) fn new(pauses: Pauses) -> Self {
        Self {
            pauses,
            frame: None,
            seq: 0,
            told: Told::Nothing,
            intervals: [0; INTERVALS],
            next: 0,
            count: 0,
            sum: 0,
        }
    }

    /// What it was does not matter any more: it was paused or muted on purpose,
    /// or is wanted again.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.pauses);
    }

    pub(crate) fn is_flowing(&self) -> bool {
        self.told == Told::Flows
    }

    pub(crate) fn handle_packet(&mut self, sent: Sent) -> Seen {
        let Some(frame) = self.frame else {
            self.frame = Some(sent);
            self.seq = sent.seq;
            self.told = Told::Flows;
            return Seen::Flows;
        };
        if sent.timestamp == frame.timestamp || sent.seq <= self.seq {
            // More of the same frame, or something that was sent again.
            self.seq = self.seq.max(sent.seq);
            return Seen::Same;
        }
        let missing = sent.seq - self.seq - 1;
        self.seq = sent.seq;
        self.frame = Some(sent);
        let gap = micros(sent.at.saturating_duration_since(frame.at));
        let seen = match self.told {
            Told::Frozen => Seen::Flows,
            _ if !self.is_freeze(gap) => Seen::Same,
            _ if self.paused(&frame, &sent, gap, missing) => return Seen::Same,
            _ => Seen::Froze { from: frame.at },
        };
        self.told = Told::Flows;
        self.push(gap);
        seen
    }

    /// Since when it freezes, when that was not known yet.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<Instant> {
        let from = self.frame?.at;
        let gap = now.saturating_duration_since(from);
        let longest = self.pauses == Pauses::No || gap >= LONGEST_PAUSE;
        if self.told != Told::Flows || !longest || !self.is_freeze(micros(gap)) {
            return None;
        }
        self.told = Told::Frozen;
        Some(from)
    }

    /// The gap is the source's own: it let time pass in its timestamps, and what
    /// is missing of its packets would not be a freeze by itself.
    fn paused(&self, frame: &Sent, sent: &Sent, gap: u64, missing: u64) -> bool {
        let ticks = u64::from(sent.timestamp.wrapping_sub(frame.timestamp));
        let media = ticks * 1_000_000 / u64::from(sent.clock_rate.max(1));
        let on_time = media.abs_diff(gap) <= EXTRA_US;
        let short = gap < micros(LONGEST_PAUSE);
        let whole = match self.pauses {
            Pauses::No => false,
            Pauses::Silence => {
                let mean = self.sum / (self.count as u64).max(1);
                !self.is_freeze(mean.saturating_mul(missing.saturating_add(1)))
            }
            Pauses::Stillness => missing == 0,
        };
        whole && on_time && short
    }

    fn push(&mut self, gap: u64) {
        let gap = u32::try_from(gap).unwrap_or(u32::MAX);
        let old = std::mem::replace(&mut self.intervals[self.next], gap);
        self.sum = self.sum + u64::from(gap) - u64::from(old);
        self.next = (self.next + 1) % INTERVALS;
        self.count = (self.count + 1).min(INTERVALS);
    }

    /// Compared without a division: gap ≥ max(3 · sum / n, sum / n + 150 ms).
    const fn is_freeze(&self, gap: u64) -> bool {
        let n = self.count as u64;
        if n == 0 {
            return gap >= FIRST_US;
        }
        let gap = gap.saturating_mul(n);
        gap >= 3 * self.sum && gap >= self.sum + n * EXTRA_US
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        flow: Flow,
        start: Instant,
        now_ms: u64,
        seq: u64,
        timestamp: u32,
    }

    impl Bench {
        /// A stream of a second, a packet every 20 ms, that flows.
        fn new(pauses: Pauses) -> Self {
            #[allow(clippy::disallowed_methods, reason = "tests need some instant")]
            let start = Instant::now();
            let mut bench = Self {
                flow: Flow::new(pauses),
                start,
                now_ms: 0,
                seq: 1,
                timestamp: u32::MAX - 9600,
            };
            assert_eq!(bench.packet(0, 0, 0), Seen::Flows);
            bench.flows(50);
            bench
        }

        fn at(&self, ms: u64) -> Instant {
            self.start + Duration::from_millis(ms)
        }

        /// `gap` and `media` in milliseconds since the last one, with so many
        /// missing in between.
        fn packet(&mut self, gap: u64, media: u32, missing: u64) -> Seen {
            self.now_ms += gap;
            self.seq += missing + 1;
            self.timestamp = self.timestamp.wrapping_add(media * 48);
            let sent = Sent {
                at: self.at(self.now_ms),
                seq: self.seq,
                timestamp: self.timestamp,
                clock_rate: 48_000,
            };
            self.flow.handle_packet(sent)
        }

        fn flows(&mut self, packets: usize) {
            for _ in 0..packets {
                assert_eq!(self.packet(20, 20, 0), Seen::Same);
            }
        }
    }

    #[test]
    fn a_gap_is_a_freeze_by_the_rule() {
        for (gap, froze) in [(169, false), (170, true), (900, true)] {
            let mut bench = Bench::new(Pauses::No);
            let from = bench.at(bench.now_ms);
            let expected = if froze {
                Seen::Froze { from }
            } else {
                Seen::Same
            };
            assert_eq!(bench.packet(gap, 20, 0), expected, "{gap}");
            assert_eq!(bench.packet(20, 20, 0), Seen::Same);
        }
    }

    #[test]
    fn a_freeze_is_known_while_it_lasts() {
        let mut bench = Bench::new(Pauses::No);
        let last = bench.now_ms;
        assert_eq!(bench.flow.handle_timeout(bench.at(last + 169)), None);
        let from = Some(bench.at(last));
        assert_eq!(bench.flow.handle_timeout(bench.at(last + 170)), from);
        assert_eq!(bench.flow.handle_timeout(bench.at(last + 500)), None);
        assert!(!bench.flow.is_flowing());
        assert_eq!(bench.packet(800, 800, 0), Seen::Flows);
    }

    #[test]
    fn silence_is_no_freeze() {
        let mut bench = Bench::new(Pauses::Silence);
        for _ in 0..20 {
            assert_eq!(bench.packet(400, 400, 0), Seen::Same);
        }
        // One comfort packet of the silence is lost.
        assert_eq!(bench.packet(800, 800, 1), Seen::Same);
        let now = bench.at(bench.now_ms + 1999);
        assert_eq!(bench.flow.handle_timeout(now), None);
        assert_eq!(bench.packet(410, 400, 0), Seen::Same);
        bench.flows(5);
        // Nothing at all is sent by no Opus encoder.
        let (last, now) = (bench.at(bench.now_ms), bench.at(bench.now_ms + 2000));
        assert_eq!(bench.flow.handle_timeout(now), Some(last));
    }

    #[test]
    fn what_was_lost_or_late_is_no_silence() {
        for (gap, media, missing) in [
            // Sixteen packets of speech are missing.
            (340, 340, 16),
            // The network stood still, and what it held comes now.
            (600, 20, 0),
            (2000, 2000, 0),
        ] {
            let mut bench = Bench::new(Pauses::Silence);
            let from = bench.at(bench.now_ms);
            let expected = Seen::Froze { from };
            assert_eq!(bench.packet(gap, media, missing), expected, "{gap}");
        }
    }

    #[test]
    fn a_screen_that_stands_still_does_not_freeze() {
        let mut bench = Bench::new(Pauses::Stillness);
        assert_eq!(bench.packet(1000, 1000, 0), Seen::Same);
        let from = bench.at(bench.now_ms);
        assert_eq!(bench.packet(1000, 1000, 1), Seen::Froze { from });
    }

    #[test]
    fn a_stream_that_sent_one_frame_is_watched_too() {
        let mut bench = Bench::new(Pauses::No);
        bench.flow.reset();
        assert_eq!(bench.packet(9000, 9000, 0), Seen::Flows);
        let from = bench.at(bench.now_ms);
        assert_eq!(bench.packet(5, 0, 0), Seen::Same, "the same frame");
        let now = bench.at(bench.now_ms + 1000);
        assert_eq!(bench.flow.handle_timeout(now), Some(from));
    }

    #[test]
    fn what_is_sent_again_changes_nothing() {
        let mut bench = Bench::new(Pauses::No);
        assert_eq!(bench.packet(40, 40, 1), Seen::Same);
        let (seq, timestamp) = (bench.seq, bench.timestamp);
        bench.seq -= 2;
        assert_eq!(bench.packet(100, 0, 0), Seen::Same);
        (bench.seq, bench.timestamp) = (seq, timestamp);
        let from = bench.at(bench.now_ms - 100);
        assert_eq!(bench.packet(100, 20, 0), Seen::Froze { from });
    }
}
