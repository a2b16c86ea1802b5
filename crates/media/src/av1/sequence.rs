//! The sequence header (AV1 §5.5) and `AV1CodecConfigurationRecord` (AV1 in
//! ISOBMFF §2.3).

use bytes::{BufMut, Bytes, BytesMut};

use super::obu::{Obu, SEQUENCE_HEADER, obus};
use crate::bits::BitReader;
use crate::frame::{Format, FrameCodec, Shape};

/// Before the OBUs of a record.
const RECORD_HEAD: usize = 4;

/// What a sequence header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequenceHeader {
    /// Pixels: the largest frame.
    pub width: u32,
    /// Pixels: the largest frame.
    pub height: u32,
    /// `seq_profile`: 0 main, 1 high, 2 professional.
    pub profile: u8,
    /// `seq_level_idx` of the first operating point.
    pub level: u8,
    /// `seq_tier` of the first operating point: 0 main, 1 high.
    pub tier: u8,
    /// Bits of a sample: 8, 10 or 12.
    pub depth: u8,
    /// No chroma.
    pub monochrome: bool,
    /// Chroma has half the width; half the height.
    pub subsampling: (bool, bool),
    /// `chroma_sample_position`.
    pub sample_position: u8,
}

impl SequenceHeader {
    /// Reads the payload of a sequence header OBU.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut reader = BitReader::new(payload);
        let mut header = Self {
            profile: reader.u8(3)?,
            ..Self::default()
        };
        if header.profile > 2 {
            return None;
        }
        reader.flag()?;
        let reduced = reader.flag()?;
        if reduced {
            header.level = reader.u8(5)?;
        } else {
            header.parse_operating_points(&mut reader)?;
        }
        let width_bits = reader.bits(4)? + 1;
        let height_bits = reader.bits(4)? + 1;
        header.width = reader.bits(width_bits)? + 1;
        header.height = reader.bits(height_bits)? + 1;
        skip_tools(&mut reader, reduced)?;
        header.parse_color(&mut reader)?;
        Some(header)
    }

    fn parse_operating_points(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        let mut delay_bits = None;
        if reader.flag()? {
            reader.skip(64)?;
            if reader.flag()? {
                reader.uvlc()?;
            }
            if reader.flag()? {
                delay_bits = Some(reader.bits(5)? + 1);
                reader.skip(32 + 5 + 5)?;
            }
        }
        let display_delay = reader.flag()?;
        for point in 0..=reader.bits(5)? {
            reader.skip(12)?;
            let level = reader.u8(5)?;
            let tier = if level > 7 { reader.u8(1)? } else { 0 };
            if point == 0 {
                (self.level, self.tier) = (level, tier);
            }
            if let Some(bits) = delay_bits
                && reader.flag()?
            {
                reader.skip(usize::try_from(bits).ok()? * 2 + 1)?;
            }
            if display_delay && reader.flag()? {
                reader.skip(4)?;
            }
        }
        Some(())
    }

    /// §5.5.2.
    fn parse_color(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        const SRGB: u32 = 0x01_0d_00;
        let high = reader.flag()?;
        let twelve = self.profile == 2 && high && reader.flag()?;
        self.depth = match (high, twelve) {
            (_, true) => 12,
            (true, _) => 10,
            _ => 8,
        };
        self.monochrome = self.profile != 1 && reader.flag()?;
        let description = if reader.flag()? {
            reader.bits(24)?
        } else {
            0x02_02_02
        };
        if self.monochrome {
            self.subsampling = (true, true);
            return reader.skip(1);
        }
        if description == SRGB {
            return Some(());
        }
        reader.flag()?;
        self.subsampling = match self.profile {
            0 => (true, true),
            1 => (false, false),
            _ if twelve => {
                let x = reader.flag()?;
                (x, x && reader.flag()?)
            }
            _ => (true, false),
        };
        if self.subsampling == (true, true) {
            self.sample_position = reader.u8(2)?;
        }
        Some(())
    }

    fn record_head(&self) -> [u8; RECORD_HEAD] {
        let bit = |set: bool, at: u8| u8::from(set) << at;
        [
            // Marker and version.
            0x81,
            self.profile << 5 | self.level & 0x1f,
            self.tier << 7
                | bit(self.depth > 8, 6)
                | bit(self.depth == 12, 5)
                | bit(self.monochrome, 4)
                | bit(self.subsampling.0, 3)
                | bit(self.subsampling.1, 2)
                | self.sample_position & 0x03,
            0,
        ]
    }
}

/// The format that a sequence header OBU describes, given with its header, with
/// or without size field.
#[must_use]
pub fn format_from_sequence_header(obu: &[u8]) -> Option<Format> {
    let obu = Obu::parse(obu).filter(|obu| obu.kind == SEQUENCE_HEADER)?;
    let header = SequenceHeader::parse(obu.payload)?;
    let mut record = BytesMut::new();
    record.put_slice(&header.record_head());
    obu.write(&mut record);
    Some(new_format(&header, record.freeze()))
}

/// The format that a configuration record describes. Its size is not known where
/// the record carries no sequence header: frames then bring it.
#[must_use]
pub fn format_from_config(av1c: Bytes) -> Option<Format> {
    let (head, rest) = av1c.split_first_chunk::<RECORD_HEAD>()?;
    if head[0] != 0x81 {
        return None;
    }
    let header = match obus(rest).find(|obu| obu.kind == SEQUENCE_HEADER) {
        Some(obu) => SequenceHeader::parse(obu.payload)?,
        None => SequenceHeader::default(),
    };
    Some(new_format(&header, av1c))
}

/// The sequence header OBU (with its size) of a configuration record, if it
/// carries one.
#[must_use]
pub fn sequence_header_of_config(av1c: &[u8]) -> Option<Obu<'_>> {
    obus(av1c.get(RECORD_HEAD..)?).find(|obu| obu.kind == SEQUENCE_HEADER)
}

fn new_format(header: &SequenceHeader, config: Bytes) -> Format {
    Format {
        codec: FrameCodec::Av1,
        shape: Shape::Video {
            width: header.width,
            height: header.height,
        },
        config,
    }
}

/// From `frame_id_numbers_present_flag` to `enable_restoration`.
fn skip_tools(reader: &mut BitReader<'_>, reduced: bool) -> Option<()> {
    if !reduced && reader.flag()? {
        reader.skip(7)?;
    }
    reader.skip(3)?;
    if !reduced {
        reader.skip(4)?;
        let order_hint = reader.flag()?;
        if order_hint {
            reader.skip(2)?;
        }
        // Chosen per frame, which counts as 2, or told here.
        let screen_content = if reader.flag()? { 2 } else { reader.bits(1)? };
        if screen_content > 0 && !reader.flag()? {
            reader.skip(1)?;
        }
        if order_hint {
            reader.skip(3)?;
        }
    }
    reader.skip(3)
}
