//! Encoded frames: what the doors that are not RTP have in common.
//!
//! A stream is a set of tracks; each has one [`Format`] at a time and a run of
//! [`Frame`]s in decoding order. RTMP, FLV, SRT, HLS and recordings read and
//! write these; RTP packets become frames, and frames RTP packets, once per
//! track.

mod codec_string;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::codec::Codec;
use crate::control::Kind;

/// What a frame is encoded with. More than rooms carry ([`Codec`]): encoders
/// send AAC and MP3 as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FrameCodec {
    /// H.264 (ISO/IEC 14496-10).
    H264,
    /// H.265 (ISO/IEC 23008-2).
    H265,
    /// AV1.
    Av1,
    /// VP8.
    Vp8,
    /// VP9.
    Vp9,
    /// Opus (RFC 6716).
    Opus,
    /// AAC (ISO/IEC 14496-3).
    Aac,
    /// MPEG-1/2 audio layer III.
    Mp3,
}

impl FrameCodec {
    /// Audio or video.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::H264 | Self::H265 | Self::Av1 | Self::Vp8 | Self::Vp9 => Kind::Video,
            Self::Opus | Self::Aac | Self::Mp3 => Kind::Audio,
        }
    }

    /// The codec of a room's track; `None` for what WebRTC does not carry.
    #[must_use]
    pub const fn rtp(self) -> Option<Codec> {
        Some(match self {
            Self::H264 => Codec::H264,
            Self::H265 => Codec::H265,
            Self::Av1 => Codec::Av1,
            Self::Vp8 => Codec::Vp8,
            Self::Vp9 => Codec::Vp9,
            Self::Opus => Codec::Opus,
            Self::Aac | Self::Mp3 => return None,
        })
    }

    /// Of a room's track; `None` for audio that only telephones use. Redundant
    /// audio (RFC 2198) carries Opus.
    #[must_use]
    pub const fn from_rtp(codec: Codec) -> Option<Self> {
        Some(match codec {
            Codec::Opus | Codec::Red => Self::Opus,
            Codec::H264 => Self::H264,
            Codec::H265 => Self::H265,
            Codec::Av1 => Self::Av1,
            Codec::Vp8 => Self::Vp8,
            Codec::Vp9 => Self::Vp9,
            Codec::Pcmu | Codec::Pcma => return None,
        })
    }

    /// As people write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::H264 => "H.264",
            Self::H265 => "H.265",
            Self::Av1 => "AV1",
            Self::Vp8 => "VP8",
            Self::Vp9 => "VP9",
            Self::Opus => "Opus",
            Self::Aac => "AAC",
            Self::Mp3 => "MP3",
        }
    }
}

impl fmt::Display for FrameCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Microseconds on a timeline. A protocol's own timestamps count from wherever
/// that protocol says; the hub moves them onto one timeline for all tracks of a
/// stream, on which 0 is the Unix epoch.
///
/// Finer than half a tick of any clock in use (192 kHz: 5.2 µs), so that going
/// to ticks and back by the nearest loses nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaTime(pub i64);

impl MediaTime {
    /// From ticks of a clock that has `rate` a second (`rate` > 0), to the
    /// nearest microsecond.
    #[must_use]
    pub fn from_ticks(ticks: i64, rate: u32) -> Self {
        Self(rescale(ticks, 1_000_000, i128::from(rate.max(1))))
    }

    /// In ticks of a clock that has `rate` a second, to the nearest.
    #[must_use]
    pub fn to_ticks(self, rate: u32) -> i64 {
        rescale(self.0, i128::from(rate), 1_000_000)
    }

    /// From milliseconds.
    #[must_use]
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// In milliseconds, to the nearest.
    #[must_use]
    pub fn to_millis(self) -> i64 {
        self.to_ticks(1000)
    }

    /// Moved by a signed number of microseconds.
    #[must_use]
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` until this; negative where it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// `value * to / from`, to the nearest, halves away from zero, saturating.
fn rescale(value: i64, to: i128, from: i128) -> i64 {
    let product = i128::from(value) * to;
    let half = if product < 0 { -from / 2 } else { from / 2 };
    let quotient = (product + half) / from;
    i64::try_from(quotient).unwrap_or(if quotient < 0 { i64::MIN } else { i64::MAX })
}

/// All that a decoder has to know before the first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// What the frames are encoded with.
    pub codec: FrameCodec,
    /// Picture or sound.
    pub shape: Shape,
    /// The decoder's configuration, by codec:
    ///
    /// - H.264: `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1);
    /// - H.265: `HEVCDecoderConfigurationRecord` (§8.3.3.1);
    /// - AV1: `AV1CodecConfigurationRecord` (AV1 in ISOBMFF §2.3);
    /// - VP8, VP9: `VPCodecConfigurationRecord` without version and flags (VP
    ///   Codec ISO Media File Format Binding §2.2);
    /// - AAC: `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1);
    /// - Opus: the identification header from its version field on, that is
    ///   without the magic `OpusHead`, little-endian (RFC 7845 §5.1);
    /// - MP3: empty.
    pub config: Bytes,
}

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Pixels; 0 where not known.
    Video {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Sound.
    Audio {
        /// Samples a second per channel.
        rate: u32,
        /// Channels.
        channels: u8,
    },
}

/// One access unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When a decoder takes it. Grows from frame to frame of a track.
    pub dts: MediaTime,
    /// When it is shown. Audio: equal to `dts`.
    pub pts: MediaTime,
    /// A decoder can start here. True for all audio.
    pub keyframe: bool,
    /// The access unit, by codec:
    ///
    /// - H.264, H.265: NAL units, each after its length in four bytes
    ///   (big-endian), without parameter sets (they are in [`Format::config`])
    ///   and without access unit delimiters;
    /// - AV1: a temporal unit of OBUs with size fields, without the temporal
    ///   delimiter (as in AV1 in ISOBMFF §2.4);
    /// - VP8, VP9: the frame (VP9: the superframe);
    /// - AAC: the raw data block, without ADTS;
    /// - Opus: one packet; MP3: one frame with its header.
    pub data: Bytes,
}

/// Number of a track within its stream. Which number means what is told by its
/// [`Format`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrackNumber(pub u8);

/// What a stream consists of, in the order in which it goes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The track begins, or goes on in another format: the next video frame is
    /// a keyframe.
    Format {
        /// Which.
        track: TrackNumber,
        /// How its frames are encoded from here on.
        format: Arc<Format>,
    },
    /// A frame.
    Frame {
        /// Of which track.
        track: TrackNumber,
        /// The frame.
        frame: Frame,
    },
    /// Timed metadata.
    Data {
        /// When it applies.
        pts: MediaTime,
        /// What it is.
        data: TimedData,
    },
    /// The track ends; its number may come back with another format.
    End {
        /// Which.
        track: TrackNumber,
    },
}

/// Timed metadata of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimedData {
    /// An ID3v2 tag, whole.
    Id3(Bytes),
    /// A message of the room: its topic and its content.
    Message {
        /// Topic of the data packet; may be empty.
        topic: String,
        /// As published.
        payload: Bytes,
    },
    /// A script data message of RTMP or FLV as JSON, such as `onTextData` or
    /// `onCuePoint`; `onMetaData` is not passed on.
    Script {
        /// Its name.
        name: String,
        /// Its value as a JSON text.
        json: String,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_round_to_the_nearest() {
        assert_eq!(MediaTime::from_ticks(1, 90_000), MediaTime(11));
        assert_eq!(MediaTime::from_ticks(-1, 90_000), MediaTime(-11));
        assert_eq!(MediaTime(1499).to_millis(), 1);
        assert_eq!(MediaTime(1500).to_millis(), 2);
        assert_eq!(MediaTime(-1500).to_millis(), -2);
        assert_eq!(MediaTime::from_ticks(i64::MAX, 1), MediaTime(i64::MAX));
    }

    proptest! {
        #[test]
        fn ticks_survive(ticks in -1_000_000_000_000i64..1_000_000_000_000, rate in 1u32..=192_000) {
            let time = MediaTime::from_ticks(ticks, rate);
            prop_assert_eq!(time.to_ticks(rate), ticks);
        }
    }
}
