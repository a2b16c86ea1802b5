//! The header of an MPEG audio frame (ISO/IEC 11172-3 §2.4.1.3, 13818-3).

use bytes::Bytes;
use surecast_media::frame::{Format, FrameCodec, Shape};

/// The format of a frame of layer III; `None` where it begins with no header of
/// one.
pub(super) fn format(frame: &[u8]) -> Option<Format> {
    let &[b0, b1, b2, b3] = frame.first_chunk::<4>()?;
    let layer = b1 >> 1 & 0x03;
    if b0 != 0xff || b1 & 0xe0 != 0xe0 || layer != 1 {
        return None;
    }
    let rate = match b2 >> 2 & 0x03 {
        0 => 44_100,
        1 => 48_000,
        2 => 32_000,
        _ => return None,
    };
    let rate = match b1 >> 3 & 0x03 {
        // MPEG-1, MPEG-2, and what is called MPEG-2.5.
        3 => rate,
        2 => rate / 2,
        0 => rate / 4,
        _ => return None,
    };
    Some(Format {
        codec: FrameCodec::Mp3,
        shape: Shape::Audio {
            rate,
            channels: if b3 >> 6 == 3 { 1 } else { 2 },
        },
        config: Bytes::new(),
    })
}
