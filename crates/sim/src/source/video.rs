use std::sync::Arc;
use std::time::{Duration, Instant};

use surecast_media::vp8::{Descriptor, PictureId, Temporal};

use super::{Clock, MAX_BEHIND, Packet};
use crate::stamp::{self, Stamp};

const FPS: u32 = 30;
const TICKS: u32 = 90_000 / FPS;

/// A key frame each four seconds, asked for or not.
const KEYFRAME_FRAMES: u64 = 4 * FPS as u64;

/// A key frame is so many times as large as the others.
const KEYFRAME_FACTOR: u32 = 8;

/// With RTP header, extensions and SRTP tag a datagram of about 1200 bytes.
const MAX_PAYLOAD: usize = 1140;

/// Descriptor, payload header of a key frame, stamp: nothing is smaller.
const MIN_PAYLOAD: usize = 6 + 10 + stamp::LEN;

/// libwebrtc's pacer sends at two and a half times the target rate.
const PACING_PERCENT: u64 = 250;

/// libwebrtc answers key frame requests no faster than this.
const KEYFRAME_SPACING: Duration = Duration::from_millis(300);

/// One encoding of a video track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Simulcast name; `None` when there is but one encoding.
    pub rid: Option<&'static str>,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Bits per second of payload.
    pub bitrate: u32,
}

impl Encoding {
    /// One encoding of 1280 x 720 at 1.5 Mbps.
    pub const HD: [Self; 1] = [Self::new(None, 1280, 720, 1_500_000)];

    /// Three encodings, lowest first, named as LiveKit's clients do.
    pub const SIMULCAST: [Self; 3] = [
        Self::new(Some("q"), 320, 180, 150_000),
        Self::new(Some("h"), 640, 360, 500_000),
        Self::new(Some("f"), 1280, 720, 1_500_000),
    ];

    const fn new(rid: Option<&'static str>, width: u16, height: u16, bitrate: u32) -> Self {
        Self {
            rid,
            width,
            height,
            bitrate,
        }
    }
}

/// A VP8-shaped stream of 30 frames per second: valid payload descriptors and
/// frame headers, frame sizes that vary, key frames on request and every four
/// seconds, packets spaced as a real sender's pacer does.
#[derive(Debug)]
pub struct Video {
    encoding: Encoding,
    clock: Clock,
    source: u32,
    rng: fastrand::Rng,
    first_timestamp: u32,
    /// Index of the frame that comes next.
    frame: u64,
    last_keyframe: Option<(u64, Instant)>,
    keyframe_wanted: bool,
    /// What is left of the current frame.
    current: Option<Frame>,
    next_due: Instant,
    picture_id: u16,
    tl0_pic_idx: u8,
    sent: u32,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    timestamp: u32,
    is_keyframe: bool,
    started: bool,
    bytes_left: usize,
}

impl Video {
    /// `source` marks its packets; `rng` chooses first numbers and sizes.
    pub fn new(source: u32, encoding: Encoding, clock: Clock, rng: &mut fastrand::Rng) -> Self {
        Self {
            encoding,
            clock,
            source,
            first_timestamp: rng.u32(..),
            picture_id: rng.u16(..0x8000),
            tl0_pic_idx: rng.u8(..),
            rng: rng.fork(),
            frame: 0,
            last_keyframe: None,
            keyframe_wanted: false,
            current: None,
            next_due: clock.start,
            sent: 0,
        }
    }

    /// Which encoding.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// When the next packet is due.
    #[must_use]
    pub const fn next_due(&self) -> Instant {
        self.next_due
    }

    /// Packets made so far.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent as u64
    }

    /// A receiver cannot go on without a key frame.
    pub const fn request_keyframe(&mut self) {
        self.keyframe_wanted = true;
    }

    /// The next packet, if it is due.
    pub fn poll(&mut self, now: Instant) -> Option<Packet> {
        let behind = now.checked_duration_since(self.next_due)?;
        if behind > MAX_BEHIND {
            self.skip_to(now);
        }
        let mut frame = match self.current.take() {
            Some(frame) => frame,
            None => self.next_frame(now),
        };
        let mut buffer = [0x55; MAX_PAYLOAD];
        let payload = self.fill(&mut buffer, &mut frame, now);
        let len = payload.len();
        let packet = Packet {
            seq: u64::from(self.sent) + 1,
            timestamp: frame.timestamp,
            marker: frame.bytes_left == 0,
            level: None,
            payload: Arc::from(payload),
        };
        self.sent += 1;
        self.current = (frame.bytes_left > 0).then_some(frame);
        self.schedule(len);
        Some(packet)
    }

    /// Writes the packet that comes next of the frame.
    fn fill<'a>(
        &self,
        buffer: &'a mut [u8; MAX_PAYLOAD],
        frame: &mut Frame,
        now: Instant,
    ) -> &'a [u8] {
        let packets = frame.bytes_left.div_ceil(MAX_PAYLOAD).max(1);
        let len = (frame.bytes_left / packets).clamp(MIN_PAYLOAD, MAX_PAYLOAD);
        frame.bytes_left = if packets == 1 {
            0
        } else {
            frame.bytes_left.saturating_sub(len)
        };
        let head = self.head(frame);
        buffer[..head.len()].copy_from_slice(&head);
        frame.started = true;
        let payload = &mut buffer[..len];
        let stamp = Stamp {
            source: self.source,
            number: self.sent,
            sent: self.clock.stamp_time(now),
        };
        stamp.write(payload);
        payload
    }

    /// Payload descriptor and, on the first packet, the frame's own header.
    fn head(&self, frame: &Frame) -> Vec<u8> {
        let mut head = Vec::with_capacity(MIN_PAYLOAD);
        let descriptor = Descriptor {
            start_of_partition: !frame.started,
            picture_id: Some(PictureId::Long(self.picture_id)),
            tl0_pic_idx: Some(self.tl0_pic_idx),
            temporal: Some(Temporal {
                tid: 0,
                layer_sync: false,
            }),
            ..Descriptor::default()
        };
        descriptor.write(&mut head);
        if frame.started {
            return head;
        }
        if frame.is_keyframe {
            // Shown, version 0; start code; size (RFC 6386 §9.1).
            head.extend([0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a]);
            head.extend(self.encoding.width.to_le_bytes());
            head.extend(self.encoding.height.to_le_bytes());
        } else {
            head.extend([0x11, 0x02, 0x00]);
        }
        head
    }

    fn next_frame(&mut self, now: Instant) -> Frame {
        let is_keyframe = self.is_keyframe_due(now);
        if is_keyframe {
            self.last_keyframe = Some((self.frame, now));
            self.keyframe_wanted = false;
        }
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0_pic_idx = self.tl0_pic_idx.wrapping_add(1);
        #[expect(clippy::cast_possible_truncation, reason = "a timestamp wraps")]
        let ticks = (self.frame as u32).wrapping_mul(TICKS);
        self.frame += 1;
        Frame {
            timestamp: self.first_timestamp.wrapping_add(ticks),
            is_keyframe,
            started: false,
            bytes_left: self.frame_bytes(is_keyframe),
        }
    }

    fn is_keyframe_due(&self, now: Instant) -> bool {
        let Some((frame, at)) = self.last_keyframe else {
            return true;
        };
        let spaced = now.saturating_duration_since(at) >= KEYFRAME_SPACING;
        self.frame - frame >= KEYFRAME_FRAMES || (self.keyframe_wanted && spaced)
    }

    /// Bytes of a frame, so that with a key frame in each period the bitrate is
    /// met; other frames vary by a fifth to each side.
    fn frame_bytes(&mut self, is_keyframe: bool) -> usize {
        let period = u64::from(self.encoding.bitrate) / 8 * KEYFRAME_FRAMES / u64::from(FPS);
        let parts = KEYFRAME_FRAMES + u64::from(KEYFRAME_FACTOR) - 1;
        let plain = period / parts;
        let bytes = if is_keyframe {
            plain * u64::from(KEYFRAME_FACTOR)
        } else {
            plain * self.rng.u64(80..=120) / 100
        };
        usize::try_from(bytes)
            .unwrap_or(MAX_PAYLOAD)
            .max(MIN_PAYLOAD)
    }

    fn schedule(&mut self, len: usize) {
        let rate = u64::from(self.encoding.bitrate) * PACING_PERCENT / 100;
        let spacing = Duration::from_nanos(len as u64 * 8_000_000_000 / rate.max(1));
        self.next_due += spacing;
        if self.current.is_none() {
            self.next_due = self.next_due.max(self.frame_due(self.frame));
        }
    }

    fn frame_due(&self, frame: u64) -> Instant {
        self.clock.start + Duration::from_nanos(frame * 1_000_000_000 / u64::from(FPS))
    }

    fn skip_to(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.clock.start);
        let frame = elapsed.as_millis() * u128::from(FPS) / 1000;
        self.frame = self.frame.max(u64::try_from(frame).unwrap_or(self.frame));
        self.next_due = now;
    }
}

#[cfg(test)]
mod tests {
    use surecast_media::vp8;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn run(encoding: Encoding, seconds: u64, mut poke: impl FnMut(u64, &mut Video)) -> Vec<Packet> {
        let start = Instant::now();
        let clock = Clock {
            start,
            epoch: start,
        };
        let mut video = Video::new(1, encoding, clock, &mut fastrand::Rng::with_seed(1));
        let mut packets = Vec::new();
        for ms in 0..seconds * 1000 {
            poke(ms, &mut video);
            let now = start + Duration::from_millis(ms);
            packets.extend(std::iter::from_fn(|| video.poll(now)));
        }
        packets
    }

    fn keyframes(packets: &[Packet]) -> usize {
        packets
            .iter()
            .filter(|p| vp8::is_keyframe(&p.payload))
            .count()
    }

    #[test]
    fn bitrate_and_frame_rate_are_met() {
        for encoding in Encoding::HD.into_iter().chain(Encoding::SIMULCAST) {
            let packets = run(encoding, 20, |_, _| {});
            let bits: usize = packets.iter().map(|p| p.payload.len() * 8).sum();
            let rate = bits as f64 / 20.0 / f64::from(encoding.bitrate);
            assert!((0.95..1.05).contains(&rate), "{encoding:?}: {rate}");
            let frames = packets.iter().filter(|p| p.marker).count();
            assert!((598..=600).contains(&frames), "{frames}");
            assert_eq!(keyframes(&packets), 5);
        }
    }

    #[test]
    fn packets_are_vp8() {
        let packets = run(Encoding::HD[0], 1, |_, _| {});
        let first = vp8::parse(&packets[0].payload).unwrap();
        assert!(first.is_keyframe);
        assert_eq!(first.size, Some((1280, 720)));
        for pair in packets.windows(2) {
            let begins = vp8::parse(&pair[1].payload)
                .unwrap()
                .descriptor
                .start_of_partition;
            assert_eq!(begins, pair[0].marker);
            assert_eq!(begins, pair[0].timestamp != pair[1].timestamp);
            assert_eq!(pair[1].seq, pair[0].seq + 1);
        }
    }

    #[test]
    fn keyframes_on_request_but_not_too_often() {
        let packets = run(Encoding::HD[0], 3, |ms, video| {
            if (1000..1100).contains(&ms) {
                video.request_keyframe();
            }
        });
        assert_eq!(
            keyframes(&packets),
            3,
            "the first, one at once, one deferred"
        );
    }

    #[test]
    fn a_late_source_drops_frames() {
        let packets = run(Encoding::HD[0], 1, |_, _| {});
        assert!(packets.len() > 100);
        let start = packets[0].timestamp;
        #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
        let begin = Instant::now();
        let clock = Clock {
            start: begin,
            epoch: begin,
        };
        let mut video = Video::new(1, Encoding::HD[0], clock, &mut fastrand::Rng::with_seed(1));
        let late = begin + Duration::from_secs(10);
        let burst = std::iter::from_fn(|| video.poll(late)).count();
        assert!(burst <= 2, "{burst}");
        assert_eq!(video.first_timestamp, start);
    }
}
