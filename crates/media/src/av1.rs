//! AV1: OBUs, sequence header, configuration record; and in RTP the aggregation
//! header and the mandatory part of the dependency descriptor (RTP Payload
//! Format For AV1 v1.0, §4.4 and appendix A.8).

pub mod obu;
mod sequence;
#[cfg(test)]
mod tests;

pub use obu::{Obu, is_key_temporal_unit, obus, sequence_header, temporal_unit};
pub use sequence::{
    SequenceHeader, format_from_config, format_from_sequence_header, sequence_header_of_config,
};

use crate::bits::Reader;

/// A LEB128 length takes at most eight bytes (AV1 §4.10.5).
const MAX_LEB128: u32 = 8;

/// The first byte of each payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregationHeader {
    /// `Z`: the first element goes on from the previous packet.
    pub continues: bool,
    /// `Y`: the last element goes on in the next packet.
    pub continued: bool,
    /// `W`: number of elements, 1 to 3; 0 when each has a length of its own.
    pub elements: u8,
    /// `N`: first packet of a coded video sequence.
    pub new_sequence: bool,
}

/// What every dependency descriptor carries, whether or not its structure is
/// known, and whether it brings a structure of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DependencyDescriptor {
    /// First packet of the frame.
    pub start_of_frame: bool,
    /// Last packet of the frame.
    pub end_of_frame: bool,
    /// Template of the frame, 0 to 63, modulo the structure's offset.
    pub template_id: u8,
    /// Running number of the frame, wrapping.
    pub frame_number: u16,
    /// A template structure is attached: senders do that on key frames.
    pub structure: bool,
}

impl AggregationHeader {
    /// Reads the first byte; `None` when there is none.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let byte = *payload.first()?;
        Some(Self {
            continues: byte & 0x80 != 0,
            continued: byte & 0x40 != 0,
            elements: byte >> 4 & 0x03,
            new_sequence: byte & 0x08 != 0,
        })
    }
}

impl DependencyDescriptor {
    /// Reads the value of the header extension; `None` when it is shorter than
    /// its mandatory three bytes.
    #[must_use]
    pub fn parse(extension: &[u8]) -> Option<Self> {
        let (&[head, n0, n1], rest) = extension.split_first_chunk::<3>()?;
        Some(Self {
            start_of_frame: head & 0x80 != 0,
            end_of_frame: head & 0x40 != 0,
            template_id: head & 0x3f,
            frame_number: u16::from_be_bytes([n0, n1]),
            structure: rest.first().is_some_and(|flags| flags & 0x80 != 0),
        })
    }
}

/// The packet begins a coded video sequence, that is a key frame: its header
/// says so, or its first element is a sequence header.
#[must_use]
pub fn is_keyframe(payload: &[u8]) -> bool {
    let Some(header) = AggregationHeader::parse(payload) else {
        return false;
    };
    if header.continues {
        return false;
    }
    let Some(element) = first_element(payload, header) else {
        return false;
    };
    header.new_sequence || obu_type(element) == Some(obu::SEQUENCE_HEADER)
}

/// The first element's bytes; `None` when the payload ends before it, or it is
/// empty.
fn first_element(payload: &[u8], header: AggregationHeader) -> Option<&[u8]> {
    let mut reader = Reader::new(payload);
    reader.u8()?;
    // With `W` = 1 the only element reaches to the end and has no length.
    let element = if header.elements == 1 {
        reader.rest()
    } else {
        let len = leb128(&mut reader)?;
        reader.take(usize::try_from(len).ok()?)?
    };
    (!element.is_empty()).then_some(element)
}

fn obu_type(element: &[u8]) -> Option<u8> {
    element.first().map(|byte| byte >> 3 & 0x0f)
}

/// A number in groups of seven bits, the lowest first (AV1 §4.10.5).
pub(crate) fn leb128(reader: &mut Reader<'_>) -> Option<u64> {
    let mut value = 0;
    for index in 0..MAX_LEB128 {
        let byte = reader.u8()?;
        value |= u64::from(byte & 0x7f) << (index * 7);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
