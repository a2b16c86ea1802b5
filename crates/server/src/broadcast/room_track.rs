//! One track of an encoder on its way into the room, as RTP.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use surecast_audio::{AacToOpus, OpusSettings};
use surecast_media::codec::Codec;
use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime, Shape};
use surecast_media::h264;
use surecast_media::local::LocalPacket;
use surecast_room::proto;
use surecast_wire::rtp::Packetizer;

/// Payload bytes of a packet: with its headers, SRTP and an extra tunnel it
/// stays below 1,280 bytes, which every path carries.
const MTU: usize = 1160;

/// Frames that wait until the room has taken note of the track, which takes
/// milliseconds: a second of video, two of sound. Then the oldest go.
const MAX_WAITING: usize = 100;

/// Why a track cannot be heard or seen by WebRTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// Pictures are not in the order in which they are shown.
    Reordered,
    /// Rooms do not carry the codec.
    Codec(FrameCodec),
    /// Sound that cannot be made Opus.
    Sound(String),
}

impl std::fmt::Display for Barrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Reordered => f.write_str(
                "the video has B-frames, which WebRTC cannot play: turn them off in the encoder \
                 (x264: bframes=0, or tune=zerolatency; OBS: Max B-frames 0). HLS, FLV, RTMP and SRT play it as it is",
            ),
            Self::Sound(why) => write!(
                f,
                "the sound cannot be made Opus, which WebRTC plays: {why}. HLS, FLV, RTMP and SRT play it as it is",
            ),
            Self::Codec(codec) => write!(
                f,
                "rooms do not carry {codec}: browsers do not play it by WebRTC. HLS, FLV, RTMP and SRT play it as it is",
            ),
        }
    }
}

/// What stands between this format and WebRTC.
pub fn barrier(format: &Format) -> Option<Barrier> {
    match format.codec {
        FrameCodec::H264 => {
            let sets = h264::parameter_sets(&format.config)?;
            let sps = sets.sps.first().and_then(|sps| h264::Sps::parse(sps))?;
            let reorders = sps.reorder_frames.is_some_and(|frames| frames > 0);
            reorders.then_some(Barrier::Reordered)
        }
        FrameCodec::Vp8
        | FrameCodec::Vp9
        | FrameCodec::Av1
        | FrameCodec::Opus
        | FrameCodec::Aac => None,
        FrameCodec::H265 | FrameCodec::Mp3 => Some(Barrier::Codec(format.codec)),
    }
}

/// Instants of the timeline on the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    at: Instant,
    time: MediaTime,
}

impl Anchor {
    /// This moment on both.
    pub fn new(at: Instant, time: MediaTime) -> Self {
        Self { at, time }
    }

    /// The instant at a time of the timeline.
    pub fn instant(&self, time: MediaTime) -> Instant {
        let micros = time.since(self.time);
        let by = Duration::from_micros(micros.unsigned_abs());
        let moved = if micros < 0 {
            self.at.checked_sub(by)
        } else {
            self.at.checked_add(by)
        };
        moved.unwrap_or(self.at)
    }

    /// The time of the timeline at an instant.
    pub fn time(&self, at: Instant) -> MediaTime {
        let ahead = at.saturating_duration_since(self.at);
        let behind = self.at.saturating_duration_since(at);
        let micros = |by: Duration| i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.time.plus(micros(ahead) - micros(behind))
    }
}

/// A track in the room.
pub struct RoomTrack {
    /// Our name of it towards the room.
    pub cid: Arc<str>,
    codec: Codec,
    packetizer: Packetizer,
    /// Sound that rooms do not carry becomes Opus on the way.
    to_opus: Option<Box<AacToOpus>>,
    seq: u64,
    /// Added to RTP timestamps (RFC 3550 §5.1: they begin anywhere).
    start: u32,
    published: bool,
    waiting: VecDeque<Frame>,
    shown: Option<MediaTime>,
}

impl RoomTrack {
    /// A track that goes into the room as it is, or as Opus.
    ///
    /// # Errors
    /// Rooms cannot carry it.
    pub fn new(cid: &str, format: &Format) -> Result<Self, Barrier> {
        let (to_opus, carried) = carried(format)?;
        let codec = carried.codec.rtp().ok_or(Barrier::Codec(format.codec))?;
        Ok(Self {
            cid: Arc::from(cid),
            codec,
            packetizer: Packetizer::new(&carried, MTU),
            to_opus,
            seq: u64::from(fastrand::u16(1..0x4000)),
            start: fastrand::u32(..),
            published: false,
            waiting: VecDeque::new(),
            shown: None,
        })
    }

    /// The same codec with another configuration. `false` where that is another
    /// track.
    ///
    /// # Errors
    /// As `new`.
    pub fn continues_with(&mut self, format: &Format) -> Result<bool, Barrier> {
        let (to_opus, carried) = carried(format)?;
        let same = carried.codec.rtp() == Some(self.codec);
        if same {
            self.packetizer.handle_format(&carried);
            self.to_opus = to_opus;
        }
        Ok(same)
    }

    /// The announcement of the track.
    #[allow(deprecated, reason = "clients read them")]
    pub fn request(&self, format: &Format) -> proto::AddTrackRequest {
        let (width, height) = match format.shape {
            Shape::Video { width, height } => (width, height),
            Shape::Audio { .. } => (0, 0),
        };
        let video = self.codec.kind() == Kind::Video;
        let (kind, source) = if video {
            (proto::TrackType::Video, proto::TrackSource::Camera)
        } else {
            (proto::TrackType::Audio, proto::TrackSource::Microphone)
        };
        let layer = proto::VideoLayer {
            quality: proto::VideoQuality::High as i32,
            width,
            height,
            ..Default::default()
        };
        let codec = proto::SimulcastCodec {
            codec: self
                .codec
                .mime()
                .split('/')
                .nth(1)
                .unwrap_or_default()
                .to_lowercase(),
            cid: self.cid.to_string(),
            ..Default::default()
        };
        proto::AddTrackRequest {
            cid: self.cid.to_string(),
            r#type: kind as i32,
            source: source as i32,
            width,
            height,
            layers: if video { vec![layer] } else { Vec::new() },
            simulcast_codecs: if video { vec![codec] } else { Vec::new() },
            stereo: matches!(format.shape, Shape::Audio { channels: 2.., .. }),
            disable_dtx: true,
            disable_red: true,
            ..Default::default()
        }
    }

    /// The room has taken note of it; what waited goes now.
    pub fn published(&mut self, anchor: &Anchor) -> Vec<LocalPacket> {
        self.published = true;
        let waiting = std::mem::take(&mut self.waiting);
        waiting
            .iter()
            .flat_map(|frame| self.packets(frame, anchor))
            .collect()
    }

    /// A frame's packets, as soon as they can go.
    ///
    /// # Errors
    /// The frame is shown before one that came earlier, or is no sound.
    pub fn frame(&mut self, frame: Frame, anchor: &Anchor) -> Result<Vec<LocalPacket>, Barrier> {
        let mut packets = Vec::new();
        let Some(stage) = &mut self.to_opus else {
            self.carry(frame, anchor, &mut packets)?;
            return Ok(packets);
        };
        stage.push(&frame).map_err(sound)?;
        let mut frames = Vec::new();
        while let Some(frame) = stage.poll() {
            frames.push(frame);
        }
        for frame in frames {
            self.carry(frame, anchor, &mut packets)?;
        }
        Ok(packets)
    }

    fn carry(
        &mut self,
        frame: Frame,
        anchor: &Anchor,
        packets: &mut Vec<LocalPacket>,
    ) -> Result<(), Barrier> {
        if self.shown.is_some_and(|shown| frame.pts <= shown) {
            return Err(Barrier::Reordered);
        }
        self.shown = Some(frame.pts);
        if self.published {
            packets.extend(self.packets(&frame, anchor));
            return Ok(());
        }
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(frame);
        Ok(())
    }

    fn packets(&mut self, frame: &Frame, anchor: &Anchor) -> Vec<LocalPacket> {
        let ticks = frame.pts.to_ticks(self.codec.clock_rate());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "RTP timestamps are the low 32 bits (RFC 3550 §5.1)"
        )]
        let timestamp = (ticks as u32).wrapping_add(self.start);
        let captured = anchor.instant(frame.pts);
        let payloads = self.packetizer.packetize(frame);
        let mut first = frame.keyframe;
        let mut packets = Vec::with_capacity(payloads.len());
        for payload in payloads {
            packets.push(LocalPacket {
                codec: self.codec,
                seq: self.seq,
                timestamp,
                marker: payload.marker,
                keyframe: std::mem::take(&mut first),
                captured,
                payload: payload.bytes,
            });
            self.seq += 1;
        }
        packets
    }
}

/// What of the format the room carries, and how it becomes that.
fn carried(format: &Format) -> Result<(Option<Box<AacToOpus>>, Format), Barrier> {
    if format.codec != FrameCodec::Aac {
        return Ok((None, format.clone()));
    }
    let stage = AacToOpus::new(format, OpusSettings::default()).map_err(sound)?;
    let carried = Format::clone(stage.format());
    Ok((Some(Box::new(stage)), carried))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn sound(error: surecast_audio::Error) -> Barrier {
    Barrier::Sound(error.to_string())
}
