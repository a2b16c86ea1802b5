//! VP9: the header of key frames; and in RTP the payload descriptor (RFC 9628
//! §4.2).

mod header;
mod superframe;
#[cfg(test)]
mod tests;

pub use header::{Header, format_from_keyframe, is_key_frame};
pub use superframe::{join_superframe, superframe};

use crate::bits::Reader;
pub use crate::vp8::PictureId;

/// `N_S` has three bits, so there are at most eight spatial layers.
pub const MAX_SPATIAL_LAYERS: usize = 8;

/// In flexible mode a picture names at most three references (RFC 9628 §4.2:
/// `P_DIFF`, up to three times).
pub const MAX_REFERENCES: usize = 3;

/// Layer indices (`L` fields of the descriptor).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Temporal layer, 0 to 7.
    pub tid: u8,
    /// `U`: from here on a receiver may go up to this temporal layer.
    pub switching_up: bool,
    /// Spatial layer, 0 to 7.
    pub sid: u8,
    /// `D`: predicted from the next lower spatial layer of the same picture.
    pub inter_layer: bool,
}

/// The scalability structure (`V` fields of the descriptor).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scalability {
    /// Spatial layers, 1 to [`MAX_SPATIAL_LAYERS`].
    pub spatial_layers: u8,
    /// Width and height in pixels, lowest layer first; unset past
    /// `spatial_layers`, and everywhere when the sender left sizes out.
    pub sizes: [Option<(u16, u16)>; MAX_SPATIAL_LAYERS],
    /// Pictures in the described group; 0 when it is not described.
    pub group_len: u8,
}

/// The payload descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Running number of the picture.
    pub picture_id: Option<PictureId>,
    /// `P`: predicted from earlier pictures.
    pub inter_picture: bool,
    /// `F`: references are named in each packet.
    pub flexible: bool,
    /// `B`: first packet of a layer frame.
    pub start_of_frame: bool,
    /// `E`: last packet of a layer frame.
    pub end_of_frame: bool,
    /// `Z`: no higher spatial layer refers to this one.
    pub not_reference: bool,
    /// Layer indices.
    pub layer: Option<Layer>,
    /// Running number of base-layer pictures, in non-flexible mode.
    pub tl0_pic_idx: Option<u8>,
    /// How many pictures back each reference lies, in flexible mode.
    pub references: [Option<u8>; MAX_REFERENCES],
    /// Scalability structure.
    pub scalability: Option<Scalability>,
}

impl Descriptor {
    /// Reads the descriptor; the second value is its length in bytes. `None`
    /// when the payload ends within it or it names too many references.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<(Self, usize)> {
        let mut reader = Reader::new(payload);
        let flags = reader.u8()?;
        let has = |bit: u8| flags & bit != 0;
        let mut descriptor = Self {
            inter_picture: has(0x40),
            flexible: has(0x10),
            start_of_frame: has(0x08),
            end_of_frame: has(0x04),
            not_reference: has(0x01),
            ..Self::default()
        };
        if has(0x80) {
            descriptor.picture_id = Some(parse_picture_id(&mut reader)?);
        }
        if has(0x20) {
            descriptor.layer = Some(parse_layer(&mut reader)?);
            if !descriptor.flexible {
                descriptor.tl0_pic_idx = Some(reader.u8()?);
            }
        }
        if descriptor.inter_picture && descriptor.flexible {
            descriptor.references = parse_references(&mut reader)?;
        }
        if has(0x02) {
            descriptor.scalability = Some(parse_scalability(&mut reader)?);
        }
        Some((descriptor, payload.len() - reader.rest().len()))
    }

    /// Spatial layer, 0 where the descriptor has no layer indices.
    #[must_use]
    pub fn sid(&self) -> u8 {
        self.layer.map_or(0, |layer| layer.sid)
    }

    /// Temporal layer, 0 where the descriptor has no layer indices.
    #[must_use]
    pub fn tid(&self) -> u8 {
        self.layer.map_or(0, |layer| layer.tid)
    }

    /// The packet begins a key picture: the first packet of the lowest spatial
    /// layer, predicted from nothing.
    #[must_use]
    pub fn is_keyframe(&self) -> bool {
        self.start_of_frame && !self.inter_picture && self.sid() == 0
    }
}

/// The packet begins a key picture.
#[must_use]
pub fn is_keyframe(payload: &[u8]) -> bool {
    Descriptor::parse(payload)
        .is_some_and(|(descriptor, len)| descriptor.is_keyframe() && payload.len() > len)
}

fn parse_picture_id(reader: &mut Reader<'_>) -> Option<PictureId> {
    let high = reader.u8()?;
    Some(if high & 0x80 == 0 {
        PictureId::Short(high)
    } else {
        PictureId::Long(u16::from_be_bytes([high & 0x7f, reader.u8()?]))
    })
}

fn parse_layer(reader: &mut Reader<'_>) -> Option<Layer> {
    let byte = reader.u8()?;
    Some(Layer {
        tid: byte >> 5,
        switching_up: byte & 0x10 != 0,
        sid: byte >> 1 & 0x07,
        inter_layer: byte & 0x01 != 0,
    })
}

fn parse_references(reader: &mut Reader<'_>) -> Option<[Option<u8>; MAX_REFERENCES]> {
    let mut references = [None; MAX_REFERENCES];
    for reference in &mut references {
        let byte = reader.u8()?;
        *reference = Some(byte >> 1);
        if byte & 0x01 == 0 {
            return Some(references);
        }
    }
    None
}

fn parse_scalability(reader: &mut Reader<'_>) -> Option<Scalability> {
    let head = reader.u8()?;
    let mut scalability = Scalability {
        spatial_layers: (head >> 5) + 1,
        ..Scalability::default()
    };
    if head & 0x10 != 0 {
        let layers = usize::from(scalability.spatial_layers);
        for size in scalability.sizes.iter_mut().take(layers) {
            *size = Some((reader.u16()?, reader.u16()?));
        }
    }
    if head & 0x08 != 0 {
        scalability.group_len = reader.u8()?;
        // Who needs the group's shape can decode it from the stream; here it
        // only has to be stepped over. At most 255 pictures of 3 references.
        for _ in 0..scalability.group_len {
            let references = reader.u8()? >> 2 & 0x03;
            reader.take(usize::from(references))?;
        }
    }
    Some(scalability)
}
