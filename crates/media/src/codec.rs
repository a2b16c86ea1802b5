//! The codecs that rooms carry, by their registered names.

use std::fmt;

use crate::control::Kind;
use crate::{av1, h264, h265, vp8, vp9};

/// A codec that rooms carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// Opus (RFC 7587).
    Opus,
    /// Redundant audio, of Opus in practice (RFC 2198).
    Red,
    /// G.711 µ-law (RFC 3551).
    Pcmu,
    /// G.711 A-law (RFC 3551).
    Pcma,
    /// VP8 (RFC 7741).
    Vp8,
    /// H.264 (RFC 6184).
    H264,
    /// VP9 (RFC 9628).
    Vp9,
    /// AV1 (RTP Payload Format For AV1).
    Av1,
    /// H.265 (RFC 7798).
    H265,
}

impl Codec {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Opus,
        Self::Red,
        Self::Pcmu,
        Self::Pcma,
        Self::Vp8,
        Self::H264,
        Self::Vp9,
        Self::Av1,
        Self::H265,
    ];

    /// Media type as LiveKit clients write it.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Opus => "audio/opus",
            Self::Red => "audio/red",
            Self::Pcmu => "audio/PCMU",
            Self::Pcma => "audio/PCMA",
            Self::Vp8 => "video/VP8",
            Self::H264 => "video/H264",
            Self::Vp9 => "video/VP9",
            Self::Av1 => "video/AV1",
            Self::H265 => "video/H265",
        }
    }

    /// By media type, in any case; `None` for what rooms do not carry.
    #[must_use]
    pub fn from_mime(mime: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.mime().eq_ignore_ascii_case(mime))
    }

    /// Audio or video.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Opus | Self::Red | Self::Pcmu | Self::Pcma => Kind::Audio,
            Self::Vp8 | Self::H264 | Self::Vp9 | Self::Av1 | Self::H265 => Kind::Video,
        }
    }

    /// RTP clock ticks per second.
    #[must_use]
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus | Self::Red => 48_000,
            Self::Pcmu | Self::Pcma => 8_000,
            Self::Vp8 | Self::H264 | Self::Vp9 | Self::Av1 | Self::H265 => 90_000,
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mime())
    }
}

/// A decoder can start at this packet. Audio always can.
///
/// With H.264 and H.265 several packets of one frame can answer `true`: a
/// switch takes the first.
#[must_use]
pub fn is_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Opus | Codec::Red | Codec::Pcmu | Codec::Pcma => true,
        Codec::Vp8 => vp8::is_keyframe(payload),
        Codec::H264 => h264::is_keyframe(payload),
        Codec::Vp9 => vp9::is_keyframe(payload),
        Codec::Av1 => av1::is_keyframe(payload),
        Codec::H265 => h265::is_keyframe(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_in_any_case() {
        for codec in Codec::ALL {
            assert_eq!(Codec::from_mime(codec.mime()), Some(codec));
            assert_eq!(Codec::from_mime(&codec.mime().to_uppercase()), Some(codec));
            let prefix = match codec.kind() {
                Kind::Audio => "audio/",
                Kind::Video => "video/",
            };
            assert!(codec.mime().starts_with(prefix));
        }
        assert_eq!(Codec::from_mime("video/rtx"), None);
        assert_eq!(Codec::from_mime(""), None);
    }
}
