//! One outgoing RTP stream out of several incoming ones.
//!
//! A subscriber sees a single SSRC per track. What feeds it changes: another
//! rendition, another publisher's packet stream after a reconnect, a pause.
//! Sequence numbers, timestamps and VP8 picture ids must go on without a gap
//! or a jump back (RFC 3550 §5.1, RFC 7741 §4.2).

use std::time::{Duration, Instant};

/// Numbers of an incoming packet.
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    /// Extended sequence number on its own stream.
    pub seq: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// When it was captured, as well as we know.
    pub wall: Instant,
    /// Ticks per second of `timestamp`.
    pub clock_rate: u32,
}

/// Numbers for the outgoing packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Extended sequence number.
    pub seq: u64,
    /// RTP timestamp.
    pub timestamp: u32,
}

/// Keeps one outgoing stream continuous.
#[derive(Clone, Debug)]
pub struct Rewriter {
    /// Added to incoming sequence numbers.
    seq_offset: i64,
    /// Added to incoming timestamps.
    timestamp_offset: u32,
    /// First incoming sequence number of the present source; what is older
    /// belongs to frames that were never begun here.
    floor: u64,
    /// Highest number sent, and what it carried.
    last: Option<Last>,
    first_seq: u64,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    seq: u64,
    timestamp: u32,
    wall: Instant,
}

/// A source may be away for long; beyond this the timestamp need not tell how
/// long exactly, and 32 bits at 90 kHz must not wrap.
const LONGEST_GAP: Duration = Duration::from_secs(3600);

impl Rewriter {
    /// `first_seq` below 2^15, so that receivers start at rollover counter 0.
    #[must_use]
    pub fn new(first_seq: u16) -> Self {
        Self {
            seq_offset: 0,
            timestamp_offset: 0,
            floor: u64::MAX,
            last: None,
            first_seq: u64::from(first_seq & 0x7fff),
        }
    }

    /// From this packet on the stream is fed by its source.
    pub fn switch_to(&mut self, p: &Incoming) {
        let (seq, timestamp) = match self.last {
            None => (self.first_seq, p.timestamp),
            Some(last) => {
                let gap = p.wall.saturating_duration_since(last.wall);
                let micros = gap.min(LONGEST_GAP).as_micros();
                let ticks = micros * u128::from(p.clock_rate) / 1_000_000;
                // A new frame is never at the same instant as the last one.
                let ticks = u32::try_from(ticks).unwrap_or(u32::MAX).max(1);
                (last.seq + 1, last.timestamp.wrapping_add(ticks))
            }
        };
        self.seq_offset = seq.cast_signed().wrapping_sub(p.seq.cast_signed());
        self.timestamp_offset = timestamp.wrapping_sub(p.timestamp);
        self.floor = p.seq;
    }

    /// The packet's numbers on the outgoing stream; `None` for a packet from
    /// before the present source was switched to.
    pub fn forward(&mut self, p: &Incoming) -> Option<Outgoing> {
        if p.seq < self.floor {
            return None;
        }
        let seq = p.seq.checked_add_signed(self.seq_offset)?;
        let timestamp = p.timestamp.wrapping_add(self.timestamp_offset);
        if self.last.is_none_or(|last| seq > last.seq) {
            self.last = Some(Last {
                seq,
                timestamp,
                wall: p.wall,
            });
        }
        Some(Outgoing { seq, timestamp })
    }
}

/// Keeps VP8's picture id and layer-0 index continuous over switches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vp8Continuity {
    picture_offset: u16,
    tl0_offset: u8,
    last_picture: Option<u16>,
    last_tl0: Option<u8>,
}

impl Vp8Continuity {
    /// The next packet comes from another source with these ids.
    pub fn switch_to(&mut self, picture: Option<u16>, tl0: Option<u8>) {
        if let (Some(last), Some(now)) = (self.last_picture, picture) {
            self.picture_offset = last.wrapping_add(1).wrapping_sub(now);
        }
        if let (Some(last), Some(now)) = (self.last_tl0, tl0) {
            self.tl0_offset = last.wrapping_add(1).wrapping_sub(now);
        }
    }

    /// Outgoing picture id for an incoming one of 7 or 15 bits.
    pub fn picture(&mut self, id: u16, fifteen_bits: bool) -> u16 {
        let mask = if fifteen_bits { 0x7fff } else { 0x7f };
        let out = id.wrapping_add(self.picture_offset) & mask;
        let ahead = |last: u16| out.wrapping_sub(last) & mask < mask / 2;
        if self.last_picture.is_none_or(ahead) {
            self.last_picture = Some(out);
        }
        out
    }

    /// Outgoing layer-0 index for an incoming one.
    pub fn tl0(&mut self, index: u8) -> u8 {
        let out = index.wrapping_add(self.tl0_offset);
        if self.last_tl0.is_none_or(|l| out.wrapping_sub(l) < 128) {
            self.last_tl0 = Some(out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn incoming(seq: u64, timestamp: u32, wall: Instant) -> Incoming {
        Incoming {
            seq,
            timestamp,
            wall,
            clock_rate: 90_000,
        }
    }

    /// Any instant does: only differences count.
    fn epoch() -> Instant {
        use std::sync::OnceLock;
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        #[allow(clippy::disallowed_methods, reason = "tests need some instant")]
        *EPOCH.get_or_init(Instant::now)
    }

    #[test]
    fn a_switch_goes_on_where_the_old_source_stopped() {
        let t = epoch();
        let mut r = Rewriter::new(100);
        let a = incoming(70_000, 5000, t);
        r.switch_to(&a);
        assert_eq!(r.forward(&a).unwrap().seq, 100);
        let b = incoming(9, u32::MAX - 10, t + Duration::from_millis(40));
        r.switch_to(&b);
        let out = r.forward(&b).unwrap();
        assert_eq!((out.seq, out.timestamp), (101, 5000 + 3600));
        assert_eq!(r.forward(&incoming(8, 0, t)), None, "older than the switch");
    }

    proptest! {
        /// Over any switches, with wraps of both counters, sequence numbers
        /// have no gap and timestamps grow by what the clock says.
        #[test]
        fn continuity(runs in proptest::collection::vec(
            (0u64..200_000, any::<u32>(), 1u64..50, 0u64..5000), 1..20)) {
            let mut wall = epoch();
            let mut r = Rewriter::new(0x7000);
            let mut last: Option<Outgoing> = None;
            for (seq, ts, count, gap_ms) in runs {
                wall += Duration::from_millis(gap_ms);
                for i in 0..count {
                    let frame = u32::try_from(i).unwrap() * 3000;
                    let p = incoming(seq + i, ts.wrapping_add(frame), wall);
                    if i == 0 { r.switch_to(&p); }
                    let out = r.forward(&p).unwrap();
                    if let Some(last) = last {
                        prop_assert_eq!(out.seq, last.seq + 1);
                        let step = out.timestamp.wrapping_sub(last.timestamp);
                        prop_assert!((1..=5034 * 90).contains(&step), "step {}", step);
                    }
                    last = Some(out);
                    wall += Duration::from_micros(33_333);
                }
            }
        }

        /// Picture ids go up by one per frame over any switch, in 15 bits.
        #[test]
        fn picture_ids(runs in proptest::collection::vec((0u16..0x8000, 1u16..40), 1..20)) {
            let mut c = Vp8Continuity::default();
            let mut last: Option<u16> = None;
            for (start, count) in runs {
                c.switch_to(Some(start), None);
                for i in 0..count {
                    let out = c.picture(start.wrapping_add(i) & 0x7fff, true);
                    if let Some(last) = last {
                        prop_assert_eq!(out, (last + 1) & 0x7fff);
                    }
                    last = Some(out);
                }
            }
        }
    }
}
