//! RTP packets, as a network delivers them, to frames.

mod assemble;
mod av1;
mod h264;
mod h265;
mod joined;
mod reorder;
mod vp8;
mod vp9;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};

use self::assemble::{Assembler, Unit};
use self::reorder::{Event, Reorder};
use super::Clock;

/// How long a missing picture packet is waited for. Retransmissions are asked
/// for several times within it, on paths of up to 200 ms.
const VIDEO_PATIENCE: Duration = Duration::from_millis(400);

/// The same for sound, of which 20 ms can be missed, but not half a second.
const AUDIO_PATIENCE: Duration = Duration::from_millis(200);

/// What was not fetched: many seconds of sound or video. What comes then is left
/// out, up to a keyframe.
const MAX_WAITING: usize = 1024;

/// A packet of one track.
#[derive(Clone, Debug)]
pub struct RtpIn {
    /// Extended sequence number: never wraps, one more with each packet sent.
    pub seq: u64,
    /// In ticks of the codec's RTP clock.
    pub timestamp: u32,
    /// Marker bit: the last packet of a picture.
    pub marker: bool,
    /// RTP payload. Redundant audio (RFC 2198) is unpacked already.
    pub payload: Arc<[u8]>,
    /// When the frame was captured.
    pub pts: MediaTime,
    /// When the packet came.
    pub arrived: Instant,
}

/// What comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The frames that follow are in this format; the next one is a keyframe.
    Format(Arc<Format>),
    /// A frame. Its `dts` is its `pts`: WebRTC knows no other order. The first
    /// one, and each one that follows a loss, is a keyframe.
    Frame(Frame),
}

/// Puts the packets of one track in order and together to frames.
///
/// A hole in the sequence is waited for, but not for ever; then what follows is
/// left out up to a keyframe, which [`Self::needs_keyframe`] asks for. Packets
/// are bounded in number, bytes and time.
#[derive(Debug)]
pub struct Depacketizer {
    codec: FrameCodec,
    reorder: Reorder,
    assembler: Assembler,
    clock: Clock,
    /// The present picture's packets so far: contiguous, of one timestamp.
    unit: Unit,
    format: Option<Arc<Format>>,
    /// All frames that the next ones refer to have come out.
    synced: bool,
    outputs: VecDeque<Output>,
}

impl Depacketizer {
    /// For a track of this codec. Of AAC and MP3, which WebRTC does not carry,
    /// nothing comes out.
    #[must_use]
    pub fn new(codec: FrameCodec) -> Self {
        let patience = match codec.kind() {
            Kind::Video => VIDEO_PATIENCE,
            Kind::Audio => AUDIO_PATIENCE,
        };
        Self {
            codec,
            reorder: Reorder::new(codec, patience),
            assembler: Assembler::new(codec),
            clock: Clock::new(codec.rtp().map_or(90_000, |codec| codec.clock_rate())),
            unit: Unit::default(),
            format: None,
            synced: false,
            outputs: VecDeque::new(),
        }
    }

    /// Waits so long for a missing packet: by default 400 ms for video and 200 ms
    /// for audio.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.reorder.set_patience(patience);
        self
    }

    /// A packet came, in whatever order.
    pub fn push(&mut self, packet: RtpIn, now: Instant) {
        if self.reorder.push(packet, now) {
            self.clock.restart();
            self.lose();
        }
        self.drain(now);
    }

    /// Time went on; see [`Self::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.drain(now);
    }

    /// When to call [`Self::handle_timeout`] if no packet comes before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.reorder.deadline()
    }

    /// The next format or frame.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Nothing comes out until a keyframe comes in: ask the sender for one.
    #[must_use]
    pub fn needs_keyframe(&self) -> bool {
        self.codec.kind() == Kind::Video && !self.synced
    }

    /// The packets that follow are of another sequence: another SSRC, or another
    /// rendition. The timeline goes on.
    pub fn restart(&mut self) {
        self.reorder.restart();
        self.clock.restart();
        self.lose();
    }

    fn drain(&mut self, now: Instant) {
        loop {
            // Within a picture it is open of what kind it is.
            let astray = self.needs_keyframe() && self.unit.is_empty();
            if astray && !self.reorder.await_keyframe(now) {
                return;
            }
            match self.reorder.poll(now) {
                Some(Event::Packet(packet)) => self.packet(packet),
                Some(Event::Lost) => self.lose(),
                None => return,
            }
        }
    }

    /// The next packet of the sequence.
    fn packet(&mut self, packet: RtpIn) {
        if self
            .unit
            .timestamp()
            .is_some_and(|it| it != packet.timestamp)
        {
            // The marker was not set.
            self.finish();
        }
        let last = packet.marker || self.codec.kind() == Kind::Audio;
        // Nothing but padding fills its place in the sequence.
        if !packet.payload.is_empty() && !self.unit.push(packet) {
            self.lose();
        }
        if last {
            self.finish();
        }
    }

    /// The present picture is complete.
    fn finish(&mut self) {
        let Some((timestamp, captured)) = self.unit.begin() else {
            return;
        };
        let picture = self.assembler.assemble(&self.unit);
        self.unit.clear();
        let Some(picture) = picture else {
            return self.lose();
        };
        if picture.data.is_empty() {
            return;
        }
        if self.outputs.len() >= MAX_WAITING {
            return self.lose();
        }
        if picture.keyframe {
            self.synced = self.take_format(picture.format);
        }
        if !self.synced {
            return;
        }
        let time = self.clock.time(timestamp, captured);
        self.outputs.push_back(Output::Frame(Frame {
            dts: time,
            pts: time,
            keyframe: picture.keyframe,
            data: picture.data,
        }));
    }

    /// A keyframe's format; false where none is known.
    fn take_format(&mut self, format: Option<Format>) -> bool {
        if let Some(format) = format
            && self.format.as_deref() != Some(&format)
        {
            let format = Arc::new(format);
            self.format = Some(format.clone());
            self.outputs.push_back(Output::Format(format));
        }
        self.format.is_some()
    }

    /// What came of the present picture is worthless, and so is what refers to it.
    fn lose(&mut self) {
        self.unit.clear();
        self.synced = self.codec.kind() == Kind::Audio && self.format.is_some();
    }
}

/// Any bytes as packets of any codec: the first byte names the codec, then each
/// packet is led by its length, what its sequence number and its timestamp move
/// on by, and its marker.
#[doc(hidden)]
pub fn fuzz_depacketize(bytes: &[u8], now: Instant) {
    const CODECS: [FrameCodec; 6] = [
        FrameCodec::H264,
        FrameCodec::H265,
        FrameCodec::Av1,
        FrameCodec::Vp8,
        FrameCodec::Vp9,
        FrameCodec::Opus,
    ];
    let Some((&codec, mut rest)) = bytes.split_first() else {
        return;
    };
    let mut depacketizer = Depacketizer::new(CODECS[usize::from(codec) % CODECS.len()]);
    let (mut seq, mut timestamp, mut now) = (70_000u64, 0u32, now);
    while let Some((&[len, moves, flags], tail)) = rest.split_first_chunk::<3>() {
        let (payload, tail) = tail.split_at(usize::from(len).min(tail.len()));
        rest = tail;
        seq = seq.saturating_add_signed(i64::from(moves.cast_signed()));
        timestamp = timestamp.wrapping_add(u32::from(flags >> 1) * 90);
        now += Duration::from_millis(u64::from(flags >> 1));
        let packet = RtpIn {
            seq,
            timestamp,
            marker: flags & 1 == 1,
            payload: payload.into(),
            pts: MediaTime::from_ticks(timestamp.into(), 90_000),
            arrived: now,
        };
        depacketizer.push(packet, now);
        while depacketizer.poll().is_some() {}
    }
}
