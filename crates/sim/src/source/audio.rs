use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Clock, MAX_BEHIND, Packet};
use crate::stamp::Stamp;

/// 64 kbps in packets of 20 ms.
const PAYLOAD_LEN: usize = 160;
const FRAME: Duration = Duration::from_millis(20);
const TICKS: u32 = 960;

/// Table of contents byte of Opus (RFC 6716 §3.1): CELT, fullband, 20 ms, mono,
/// one frame.
const TOC: u8 = 31 << 3;

/// Whoever publishes talks for five seconds of every ten, each from another
/// moment on, so that active speakers change.
const TALK: Duration = Duration::from_secs(5);
const TURN: Duration = Duration::from_secs(10);
const SPEECH: i8 = -25;
const SILENCE: i8 = -127;

/// An Opus-shaped stream of 50 packets and 64 kilobits per second, with
/// loudness.
#[derive(Debug)]
pub struct Audio {
    clock: Clock,
    source: u32,
    frame: u32,
    sent: u32,
    first_timestamp: u32,
    turn_offset: Duration,
    dtx: bool,
}

/// In silence an encoder with DTX sends one frame of twenty (RFC 6716 §2.1.9).
const DTX_FRAMES: u32 = 20;

impl Audio {
    /// `source` marks its packets; `rng` chooses the first timestamp and when
    /// it talks.
    pub fn new(source: u32, clock: Clock, rng: &mut fastrand::Rng) -> Self {
        Self {
            clock,
            source,
            frame: 0,
            sent: 0,
            first_timestamp: rng.u32(..),
            turn_offset: TURN.mul_f64(rng.f64()),
            dtx: false,
        }
    }

    /// Silence is not sent.
    #[must_use]
    pub const fn with_dtx(mut self) -> Self {
        self.dtx = true;
        self
    }

    /// When the next packet is due.
    #[must_use]
    pub fn next_due(&self) -> Instant {
        self.clock.start + FRAME * self.frame
    }

    /// Packets made so far.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent as u64
    }

    /// The next packet, if it is due.
    pub fn poll(&mut self, now: Instant) -> Option<Packet> {
        let behind = now.checked_duration_since(self.next_due())?;
        if behind > MAX_BEHIND {
            let frames = behind.as_millis() / FRAME.as_millis();
            self.frame += u32::try_from(frames).unwrap_or(u32::MAX / 2);
        }
        let mut payload = [0x55; PAYLOAD_LEN];
        payload[0] = TOC;
        let stamp = Stamp {
            source: self.source,
            number: self.sent,
            sent: self.clock.stamp_time(now),
        };
        stamp.write(&mut payload);
        let packet = Packet {
            seq: u64::from(self.sent) + 1,
            timestamp: self
                .first_timestamp
                .wrapping_add(self.frame.wrapping_mul(TICKS)),
            marker: false,
            level: Some(self.level()),
            payload: Arc::from(payload.as_slice()),
        };
        let silent = !self.level().1;
        self.frame += if self.dtx && silent { DTX_FRAMES } else { 1 };
        self.sent += 1;
        Some(packet)
    }

    fn level(&self) -> (i8, bool) {
        let at = (FRAME * self.frame + self.turn_offset).as_millis() % TURN.as_millis();
        if at < TALK.as_millis() {
            (SPEECH, true)
        } else {
            (SILENCE, false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn fifty_packets_a_second() {
        let start = Instant::now();
        let clock = Clock {
            start,
            epoch: start,
        };
        let mut audio = Audio::new(7, clock, &mut fastrand::Rng::with_seed(1));
        let mut packets = Vec::new();
        for ms in 0..1000 {
            let now = start + Duration::from_millis(ms);
            packets.extend(std::iter::from_fn(|| audio.poll(now)));
        }
        assert_eq!(packets.len(), 50);
        let step = packets[1].timestamp.wrapping_sub(packets[0].timestamp);
        assert_eq!(step, TICKS);
        let stamp = Stamp::read(&packets[49].payload).unwrap();
        assert_eq!((stamp.source, stamp.number), (7, 49));
    }
}
