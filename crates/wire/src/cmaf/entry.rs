//! Sample entries: the codec of a track and its configuration.

use surecast_media::frame::{Format, FrameCodec, Shape};
use surecast_media::opus::Head;

use super::boxes::Boxes;

/// `AudioSpecificConfig` follows (ISO/IEC 14496-1, table 5).
const OBJECT_AAC: u8 = 0x40;
/// MPEG-1 audio; decoders read the rest from the frames.
const OBJECT_MP3: u8 = 0x6b;

/// The entry of a format; `None` where its configuration is damaged.
pub(super) fn entry(out: &mut Boxes, format: &Format) -> Option<()> {
    let config = &format.config[..];
    match format.codec {
        FrameCodec::H264 => video(out, b"avc1", format, |out| plain(out, b"avcC", config)),
        FrameCodec::H265 => video(out, b"hvc1", format, |out| plain(out, b"hvcC", config)),
        FrameCodec::Av1 => video(out, b"av01", format, |out| plain(out, b"av1C", config)),
        FrameCodec::Vp8 => video(out, b"vp08", format, |out| vp(out, config)),
        FrameCodec::Vp9 => video(out, b"vp09", format, |out| vp(out, config)),
        FrameCodec::Aac => audio(out, b"mp4a", format, |out| esds(out, OBJECT_AAC, config)),
        FrameCodec::Mp3 => audio(out, b"mp4a", format, |out| esds(out, OBJECT_MP3, &[])),
        FrameCodec::Opus => {
            let head = Head::parse(config)?;
            audio(out, b"Opus", format, |out| dops(out, &head));
        }
    }
    Some(())
}

fn video(out: &mut Boxes, kind: &[u8; 4], format: &Format, config: impl FnOnce(&mut Boxes)) {
    let Shape::Video { width, height } = format.shape else {
        return;
    };
    out.within(kind, |out| {
        out.zeros(6);
        out.u16(1);
        out.zeros(16);
        out.u16(u16::try_from(width).unwrap_or(u16::MAX));
        out.u16(u16::try_from(height).unwrap_or(u16::MAX));
        // 72 dots per inch, one frame per sample, no name, 24 bits.
        out.u32(0x0048_0000);
        out.u32(0x0048_0000);
        out.u32(0);
        out.u16(1);
        out.zeros(32);
        out.u16(0x18);
        out.u16(0xffff);
        config(out);
    });
}

fn audio(out: &mut Boxes, kind: &[u8; 4], format: &Format, config: impl FnOnce(&mut Boxes)) {
    let Shape::Audio { rate, channels } = format.shape else {
        return;
    };
    out.within(kind, |out| {
        out.zeros(6);
        out.u16(1);
        out.zeros(8);
        out.u16(u16::from(channels));
        out.u16(16);
        out.u32(0);
        // 16.16; what does not fit is told by the configuration.
        out.u32(u32::from(u16::try_from(rate).unwrap_or(0)) << 16);
        config(out);
    });
}

fn plain(out: &mut Boxes, kind: &[u8; 4], config: &[u8]) {
    out.within(kind, |out| out.put(config));
}

fn vp(out: &mut Boxes, config: &[u8]) {
    out.full(b"vpcC", 1, 0, |out| out.put(config));
}

/// Opus in ISOBMFF §4.3.2: as the identification header, big-endian.
fn dops(out: &mut Boxes, head: &Head<'_>) {
    out.within(b"dOps", |out| {
        out.u8(0);
        out.u8(head.channels);
        out.u16(head.preskip);
        out.u32(head.rate_in);
        out.u16(head.gain as u16);
        out.u8(head.family);
        out.put(head.mapping);
    });
}

/// ISO/IEC 14496-14 §5.6.1 and 14496-1 §7.2.6.
fn esds(out: &mut Boxes, object: u8, specific: &[u8]) {
    let specific = &specific[..specific.len().min(64)];
    let specific_len = if specific.is_empty() {
        0
    } else {
        2 + specific.len()
    };
    let config_len = 13 + specific_len;
    out.full(b"esds", 0, 0, |out| {
        // ES descriptor: number 0, no flags.
        out.put(&[0x03, (3 + 2 + config_len + 3) as u8, 0, 0, 0]);
        // Decoder: audio stream; buffer size and rates are not told.
        out.put(&[0x04, config_len as u8, object, 0x15]);
        out.zeros(11);
        if !specific.is_empty() {
            out.put(&[0x05, specific.len() as u8]);
            out.put(specific);
        }
        // Synchronisation: as MP4 files have it.
        out.put(&[0x06, 1, 2]);
    });
}
