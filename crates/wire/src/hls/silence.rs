//! Frames of silence, which keep sound going where frames are missing: players
//! wait for a rendition that stands still.

use bytes::Bytes;
use surecast_media::aac::AudioSpecificConfig;
use surecast_media::frame::{Format, FrameCodec, Shape};
use surecast_media::opus;

/// 20 ms of Opus, full band, mono, which decoders play on any number of channels
/// of mapping family 0.
const OPUS: &[u8] = &[0xf8, 0xff, 0xfe];
/// One raw data block of AAC-LC with an empty single channel element.
const AAC_MONO: &[u8] = &[0x00, 0xc8, 0x00, 0x80, 0x23, 0x80];
/// The same with a channel pair element.
const AAC_STEREO: &[u8] = &[0x21, 0x00, 0x49, 0x90, 0x02, 0x19, 0x00, 0x23, 0x80];

/// A frame of silence; `None` where none is known for the format.
pub(super) fn frame(format: &Format) -> Option<Bytes> {
    let Shape::Audio { channels, .. } = format.shape else {
        return None;
    };
    let frame = match format.codec {
        FrameCodec::Opus if channels <= 2 => OPUS,
        FrameCodec::Aac => {
            let config = AudioSpecificConfig::parse(&format.config)?;
            let plain = config.object_type == 2 && config.sbr_rate.is_none();
            match (plain && config.frame_len == 1024, config.channels) {
                (true, 1) => AAC_MONO,
                (true, 2) => AAC_STEREO,
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Bytes::from_static(frame))
}

/// Samples that an audio frame lasts, by its format; `None` for pictures.
pub(super) fn samples(format: &Format, data: &[u8]) -> Option<i64> {
    let Shape::Audio { rate, .. } = format.shape else {
        return None;
    };
    Some(match format.codec {
        FrameCodec::Opus => {
            let at_48k = i64::from(opus::packet_samples(data).unwrap_or(960));
            (at_48k * i64::from(rate.max(1)) / 48_000).max(1)
        }
        FrameCodec::Mp3 if rate < 32_000 => 576,
        FrameCodec::Mp3 => 1152,
        _ => AudioSpecificConfig::parse(&format.config)
            .map_or(1024, |config| i64::from(config.frame_len).max(1)),
    })
}
