//! VP8: the header of key frames; and in RTP payload descriptor and payload header
//! (RFC 7741 §4.2, §4.3).

#[cfg(test)]
mod tests;

use crate::bits::Reader;
use crate::frame::{Format, FrameCodec, Shape};

/// Number of a picture, in the width the sender chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureId {
    /// Seven bits.
    Short(u8),
    /// Fifteen bits.
    Long(u16),
}

impl PictureId {
    /// The number without its width.
    #[must_use]
    pub fn value(self) -> u16 {
        match self {
            Self::Short(id) => u16::from(id),
            Self::Long(id) => id,
        }
    }
}

/// Temporal layer of a frame (`T` fields of the descriptor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Temporal {
    /// Temporal layer, 0 to 3.
    pub tid: u8,
    /// `Y`: depends on the base layer only.
    pub layer_sync: bool,
}

/// The payload descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// `N`: no other frame refers to this one.
    pub non_reference: bool,
    /// `S`: the packet begins a partition.
    pub start_of_partition: bool,
    /// `PID`: partition index, 0 to 7.
    pub partition: u8,
    /// Running number of the picture.
    pub picture_id: Option<PictureId>,
    /// Running number of base-layer pictures.
    pub tl0_pic_idx: Option<u8>,
    /// Temporal layer.
    pub temporal: Option<Temporal>,
    /// Temporal key frame index, 0 to 31.
    pub key_idx: Option<u8>,
}

/// What a packet says about its frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The descriptor.
    pub descriptor: Descriptor,
    /// The packet begins a key frame.
    pub is_keyframe: bool,
    /// Width and height in pixels, on the packet that begins a key frame and
    /// carries its ten-byte header whole.
    pub size: Option<(u16, u16)>,
    /// What follows the descriptor.
    pub data: &'a [u8],
}

impl Descriptor {
    /// Reads the descriptor; the second value is its length in bytes. `None`
    /// when the payload ends within it.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<(Self, usize)> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        let mut descriptor = Self {
            non_reference: first & 0x20 != 0,
            start_of_partition: first & 0x10 != 0,
            partition: first & 0x07,
            ..Self::default()
        };
        if first & 0x80 != 0 {
            descriptor.parse_extension(&mut reader)?;
        }
        Some((descriptor, payload.len() - reader.rest().len()))
    }

    /// Appends the descriptor. Fields are cut to their widths.
    pub fn write(&self, out: &mut Vec<u8>) {
        let extension = self.extension_flags();
        out.push(
            flag(extension != 0, 0x80)
                | flag(self.non_reference, 0x20)
                | flag(self.start_of_partition, 0x10)
                | (self.partition & 0x07),
        );
        if extension == 0 {
            return;
        }
        out.push(extension);
        match self.picture_id {
            Some(PictureId::Short(id)) => out.push(id & 0x7f),
            Some(PictureId::Long(id)) => out.extend((id | 0x8000).to_be_bytes()),
            None => {}
        }
        out.extend(self.tl0_pic_idx);
        if self.temporal.is_some() || self.key_idx.is_some() {
            let (tid, sync) = self.temporal.map_or((0, false), |t| (t.tid, t.layer_sync));
            out.push((tid & 0x03) << 6 | flag(sync, 0x20) | self.key_idx.unwrap_or(0) & 0x1f);
        }
    }

    fn parse_extension(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let flags = reader.u8()?;
        if flags & 0x80 != 0 {
            let high = reader.u8()?;
            self.picture_id = Some(if high & 0x80 == 0 {
                PictureId::Short(high)
            } else {
                PictureId::Long(u16::from_be_bytes([high & 0x7f, reader.u8()?]))
            });
        }
        if flags & 0x40 != 0 {
            self.tl0_pic_idx = Some(reader.u8()?);
        }
        if flags & 0x30 != 0 {
            let byte = reader.u8()?;
            self.temporal = (flags & 0x20 != 0).then_some(Temporal {
                tid: byte >> 6,
                layer_sync: byte & 0x20 != 0,
            });
            self.key_idx = (flags & 0x10 != 0).then_some(byte & 0x1f);
        }
        Some(())
    }

    fn extension_flags(&self) -> u8 {
        flag(self.picture_id.is_some(), 0x80)
            | flag(self.tl0_pic_idx.is_some(), 0x40)
            | flag(self.temporal.is_some(), 0x20)
            | flag(self.key_idx.is_some(), 0x10)
    }
}

/// Reads descriptor and, where the frame begins, the payload header. `None`
/// when the payload ends within the descriptor.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Packet<'_>> {
    let (descriptor, len) = Descriptor::parse(payload)?;
    let data = payload.get(len..)?;
    let begins_frame = descriptor.start_of_partition && descriptor.partition == 0;
    // `P` of the payload header is inverse: 0 is a key frame (RFC 7741 §4.3).
    let is_keyframe = begins_frame && data.first().is_some_and(|byte| byte & 0x01 == 0);
    Some(Packet {
        descriptor,
        is_keyframe,
        size: is_keyframe.then(|| frame_size(data)).flatten(),
        data,
    })
}

/// The packet begins a key frame.
#[must_use]
pub fn is_keyframe(payload: &[u8]) -> bool {
    parse(payload).is_some_and(|packet| packet.is_keyframe)
}

/// The frame (a whole one, not an RTP payload) is a key frame (RFC 6386 §9.1).
#[must_use]
pub fn is_key_frame(frame: &[u8]) -> bool {
    frame.first().is_some_and(|byte| byte & 0x01 == 0)
}

/// The format that a key frame (a whole one, not an RTP payload) describes.
/// `None` where it is none or has no size.
#[must_use]
pub fn format_from_keyframe(frame: &[u8]) -> Option<Format> {
    if !is_key_frame(frame) {
        return None;
    }
    let (width, height) = frame_size(frame)?;
    if width == 0 || height == 0 {
        return None;
    }
    let profile = frame[0] >> 1 & 0x07;
    Some(Format {
        codec: FrameCodec::Vp8,
        shape: Shape::Video {
            width: width.into(),
            height: height.into(),
        },
        // VP8 has no levels. Eight bits, 4:2:0 with chroma beside luma, colours
        // not told, nothing to initialise with.
        config: vec![profile, 0, 8 << 4 | 1 << 1, 2, 2, 2, 0, 0].into(),
    })
}

/// Width and height from the uncompressed header of a key frame (RFC 6386
/// §9.1): three bytes of frame tag, the start code, two little-endian words
/// whose upper two bits are a scaling hint.
fn frame_size(data: &[u8]) -> Option<(u16, u16)> {
    let header = data.first_chunk::<10>()?;
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = *header else {
        return None;
    };
    Some((
        u16::from_le_bytes([w0, w1]) & 0x3fff,
        u16::from_le_bytes([h0, h1]) & 0x3fff,
    ))
}

const fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}
