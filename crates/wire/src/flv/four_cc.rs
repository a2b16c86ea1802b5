//! Codecs as Enhanced RTMP names them.

use surecast_media::frame::FrameCodec;

use super::FlvError;

/// Four characters that name a codec (Enhanced RTMP v2, `VideoFourCc` and
/// `AudioFourCc`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FourCc(pub [u8; 4]);

impl FourCc {
    /// The codecs that are taken and sent.
    pub const ALL: [Self; 8] = [
        Self(*b"avc1"),
        Self(*b"hvc1"),
        Self(*b"av01"),
        Self(*b"vp09"),
        Self(*b"vp08"),
        Self(*b"mp4a"),
        Self(*b"Opus"),
        Self(*b".mp3"),
    ];

    /// Of a codec.
    #[must_use]
    pub const fn of(codec: FrameCodec) -> Self {
        Self(match codec {
            FrameCodec::H264 => *b"avc1",
            FrameCodec::H265 => *b"hvc1",
            FrameCodec::Av1 => *b"av01",
            FrameCodec::Vp9 => *b"vp09",
            FrameCodec::Vp8 => *b"vp08",
            FrameCodec::Aac => *b"mp4a",
            FrameCodec::Opus => *b"Opus",
            FrameCodec::Mp3 => *b".mp3",
        })
    }

    /// The codec.
    ///
    /// # Errors
    /// It is one that is not taken, such as `fLaC` and `ac-3`.
    pub fn codec(self) -> Result<FrameCodec, FlvError> {
        Ok(match &self.0 {
            b"avc1" => FrameCodec::H264,
            // The second one is what some encoders write all the same.
            b"hvc1" | b"hev1" => FrameCodec::H265,
            b"av01" => FrameCodec::Av1,
            b"vp09" => FrameCodec::Vp9,
            b"vp08" => FrameCodec::Vp8,
            b"mp4a" => FrameCodec::Aac,
            b"Opus" => FrameCodec::Opus,
            b".mp3" => FrameCodec::Mp3,
            b"fLaC" => return Err(FlvError::Unsupported("FLAC".into())),
            b"ac-3" => return Err(FlvError::Unsupported("AC-3".into())),
            b"ec-3" => return Err(FlvError::Unsupported("E-AC-3".into())),
            other => {
                let name = other.escape_ascii().to_string();
                return Err(FlvError::Unsupported(format!("codec '{name}'")));
            }
        })
    }

    /// As text.
    #[must_use]
    pub fn name(self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// As a number, in script data.
    #[must_use]
    pub const fn number(self) -> u32 {
        u32::from_be_bytes(self.0)
    }
}
