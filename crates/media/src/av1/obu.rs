//! OBUs: the parts of a temporal unit (AV1 §5.3).

use bytes::{BufMut, Bytes, BytesMut};

use super::leb128;
use crate::bits::{BitReader, Reader};

/// `obu_type` of a sequence header (AV1 §6.2.2).
pub const SEQUENCE_HEADER: u8 = 1;
/// `obu_type` of a temporal delimiter.
pub const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;

const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// One OBU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obu<'a> {
    /// `obu_type`, 0 to 15.
    pub kind: u8,
    /// Temporal layer, 0 to 7, and spatial layer, 0 to 3, where it names them.
    pub layer: Option<(u8, u8)>,
    /// After header and size.
    pub payload: &'a [u8],
    /// As it came: header, size if any, payload.
    pub whole: &'a [u8],
}

impl<'a> Obu<'a> {
    /// Reads the OBU at the front; without a size field it reaches to the end.
    /// `None` where it is cut or its forbidden bit is set.
    #[must_use]
    pub fn parse(data: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(data);
        let header = reader.u8()?;
        if header & 0x80 != 0 {
            return None;
        }
        let layer = if header & HAS_EXTENSION != 0 {
            let byte = reader.u8()?;
            Some((byte >> 5, byte >> 3 & 0x03))
        } else {
            None
        };
        let payload = if header & HAS_SIZE != 0 {
            let len = leb128(&mut reader)?;
            reader.take(usize::try_from(len).ok()?)?
        } else {
            let rest = reader.rest();
            reader.take(rest.len())?
        };
        Some(Self {
            kind: header >> 3 & 0x0f,
            layer,
            payload,
            whole: &data[..data.len() - reader.rest().len()],
        })
    }

    /// Appends it with a size field.
    pub fn write(&self, out: &mut BytesMut) {
        out.put_u8(self.kind << 3 | HAS_SIZE | self.extension_flag());
        self.put_extension(out);
        put_leb128(out, self.payload.len());
        out.put_slice(self.payload);
    }

    /// Appends it without a size field, as RTP carries it.
    pub fn write_without_size(&self, out: &mut BytesMut) {
        out.put_u8(self.kind << 3 | self.extension_flag());
        self.put_extension(out);
        out.put_slice(self.payload);
    }

    /// A frame goes without temporal delimiters, tile lists and padding (AV1 in
    /// ISOBMFF §2.4), and without what is reserved.
    #[must_use]
    pub const fn belongs_in_frame(&self) -> bool {
        !matches!(self.kind, 0 | TEMPORAL_DELIMITER | TILE_LIST..=PADDING)
    }

    const fn extension_flag(&self) -> u8 {
        if self.layer.is_some() {
            HAS_EXTENSION
        } else {
            0
        }
    }

    fn put_extension(&self, out: &mut BytesMut) {
        if let Some((temporal, spatial)) = self.layer {
            out.put_u8(temporal << 5 | (spatial & 0x03) << 3);
        }
    }
}

/// The OBUs of a temporal unit. Ends at what is none or is cut.
pub fn obus(data: &[u8]) -> impl Iterator<Item = Obu<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let obu = Obu::parse(rest)?;
        rest = &rest[obu.whole.len()..];
        Some(obu)
    })
}

/// A temporal unit in the form of [`Frame::data`](crate::frame::Frame::data):
/// each OBU with its size, without temporal delimiters and padding.
#[must_use]
pub fn temporal_unit<'a>(obus: impl Iterator<Item = Obu<'a>>) -> Bytes {
    let mut out = BytesMut::new();
    for obu in obus.filter(Obu::belongs_in_frame) {
        obu.write(&mut out);
    }
    out.freeze()
}

/// The sequence header of a temporal unit, if it carries one.
#[must_use]
pub fn sequence_header(data: &[u8]) -> Option<Obu<'_>> {
    obus(data).find(|obu| obu.kind == SEQUENCE_HEADER)
}

/// A decoder that knows the sequence header can start at this temporal unit: its
/// first frame is a key frame and is shown (AV1 §7.6.2, random access points).
#[must_use]
pub fn is_key_temporal_unit(data: &[u8]) -> bool {
    let mut reduced = false;
    for obu in obus(data) {
        match obu.kind {
            SEQUENCE_HEADER => {
                // seq_profile, still_picture, reduced_still_picture_header.
                reduced = obu.payload.first().is_some_and(|byte| byte & 0x08 != 0);
            }
            FRAME_HEADER | FRAME => {
                // show_existing_frame 0, frame_type 0, show_frame 1.
                let head = BitReader::new(obu.payload).bits(4);
                return reduced || head == Some(1);
            }
            _ => {}
        }
    }
    false
}

/// Reads a number in groups of seven bits, the lowest first (AV1 §4.10.5), and
/// tells what follows. `None` where it is cut or longer than eight bytes.
#[must_use]
pub fn take_leb128(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut reader = Reader::new(bytes);
    let value = leb128(&mut reader)?;
    Some((value, reader.rest()))
}

/// Writes a number in groups of seven bits, the lowest first.
pub fn put_leb128(out: &mut BytesMut, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.put_u8(low);
            return;
        }
        out.put_u8(low | 0x80);
    }
}
