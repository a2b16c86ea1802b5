//! One tapped track: packets in, items out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use surecast_media::codec::Codec;
use surecast_media::control::{Kind, Quality};
use surecast_media::frame::{FrameCodec, Item, TrackNumber};
use surecast_media::local::ReceivedPacket;
use surecast_wire::rtp::{Depacketizer, Output, RtpIn};

use crate::broadcast::room_track::Anchor;

/// Browsers send keyframes only when asked. Who comes to watch begins at one,
/// and a segment of HLS does: one every two seconds, as encoders are told to
/// send.
const KEYFRAMES: Duration = Duration::from_secs(2);

/// Without an answer, the question is put again after this.
const AGAIN: Duration = Duration::from_millis(500);

/// A track on its way to frames.
pub(super) struct TapTrack {
    /// `TR_…`
    pub(super) sid: Arc<str>,
    number: TrackNumber,
    codec: Codec,
    /// What the sequence numbers belong to.
    stream: (u32, Quality),
    depacketizer: Depacketizer,
    last_keyframe: Option<Instant>,
    asked: Option<Instant>,
}

impl TapTrack {
    /// `None` for a codec that has no frames here.
    pub(super) fn new(packet: &ReceivedPacket, number: TrackNumber) -> Option<Self> {
        let codec = FrameCodec::from_rtp(packet.codec)?;
        Some(Self {
            sid: packet.sid.clone(),
            number,
            codec: packet.codec,
            stream: (packet.stream, packet.quality),
            depacketizer: Depacketizer::new(codec),
            last_keyframe: None,
            asked: None,
        })
    }

    /// Whether the packet goes on what came before: the same codec.
    pub(super) fn is_for(&self, packet: &ReceivedPacket) -> bool {
        packet.codec == self.codec
    }

    pub(super) fn packet(&mut self, packet: ReceivedPacket, anchor: &Anchor) {
        let stream = (packet.stream, packet.quality);
        if std::mem::replace(&mut self.stream, stream) != stream {
            self.depacketizer.restart();
        }
        let arrived = packet.arrived;
        let packet = RtpIn {
            seq: packet.seq,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload: packet.payload,
            pts: anchor.time(packet.captured),
            arrived,
        };
        self.depacketizer.push(packet, arrived);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.depacketizer.handle_timeout(now);
    }

    pub(super) fn poll(&mut self, now: Instant) -> Option<Item> {
        let track = self.number;
        Some(match self.depacketizer.poll()? {
            Output::Format(format) => Item::Format { track, format },
            Output::Frame(frame) => {
                if frame.keyframe {
                    self.last_keyframe = Some(now);
                }
                Item::Frame { track, frame }
            }
        })
    }

    /// Whether to ask for a keyframe now.
    pub(super) fn wants_keyframe(&mut self, now: Instant) -> bool {
        if self.codec.kind() == Kind::Audio {
            return false;
        }
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let due = since(self.last_keyframe).is_none_or(|since| since >= KEYFRAMES);
        let wants = self.depacketizer.needs_keyframe() || due;
        let ask = wants && since(self.asked).is_none_or(|since| since >= AGAIN);
        if ask {
            self.asked = Some(now);
        }
        ask
    }
}
