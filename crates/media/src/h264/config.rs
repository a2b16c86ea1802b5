//! `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).

use bytes::Bytes;

use super::sps::{Sps, has_chroma_format};
use crate::bits::Reader;
use crate::frame::{Format, FrameCodec, Shape};

/// Five bits count them.
const MAX_SPS: usize = 31;
/// Eight bits count them.
const MAX_PPS: usize = 255;

/// What a configuration record carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterSets {
    /// Sequence parameter sets, at most 31.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, at most 255.
    pub pps: Vec<Bytes>,
    /// How many bytes the length before a NAL unit takes, 1 to 4. Of a
    /// [`Format`] always 4.
    pub length_size: usize,
}

/// The format that these NAL units (with their headers) describe. `None` where
/// one kind is missing, there are more than a record holds, or the first
/// sequence parameter set cannot be read.
#[must_use]
pub fn format(sps: &[&[u8]], pps: &[&[u8]]) -> Option<Format> {
    let parsed = Sps::parse(sps.first()?)?;
    if sps.len() > MAX_SPS || pps.is_empty() || pps.len() > MAX_PPS {
        return None;
    }
    let mut record = vec![
        1,
        parsed.profile_idc,
        parsed.constraints,
        parsed.level_idc,
        // Six ones, then lengths of four bytes.
        0xff,
        0xe0 | u8::try_from(sps.len()).ok()?,
    ];
    push_units(&mut record, sps)?;
    record.push(u8::try_from(pps.len()).ok()?);
    push_units(&mut record, pps)?;
    if has_chroma_format(parsed.profile_idc) {
        record.extend([
            0xfc | parsed.chroma_format,
            0xf8 | (parsed.luma_depth - 8),
            0xf8 | (parsed.chroma_depth - 8),
            0,
        ]);
    }
    Some(new_format(record.into(), &parsed))
}

/// Reads a record; `None` when it is cut or of an unknown version.
#[must_use]
pub fn parameter_sets(config: &[u8]) -> Option<ParameterSets> {
    let mut reader = Reader::new(config);
    let &[version, _, _, _, lengths, sps] = reader.take(6)?.first_chunk::<6>()?;
    if version != 1 {
        return None;
    }
    let sps = take_units(&mut reader, sps & 0x1f)?;
    let count = reader.u8()?;
    Some(ParameterSets {
        sps,
        pps: take_units(&mut reader, count)?,
        length_size: usize::from(lengths & 0x03) + 1,
    })
}

/// The format that a record describes; `None` where it cannot be read or has no
/// readable sequence parameter set.
///
/// The format's record names lengths of four bytes, as frames have them. Whoever
/// cuts up what came with the record asks [`parameter_sets`] for the length that
/// it really names.
#[must_use]
pub fn format_from_config(avcc: Bytes) -> Option<Format> {
    let sets = parameter_sets(&avcc)?;
    let sps = Sps::parse(sets.sps.first()?)?;
    let config = if sets.length_size == 4 {
        avcc
    } else {
        let mut record = avcc.to_vec();
        *record.get_mut(4)? |= 0x03;
        record.into()
    };
    Some(new_format(config, &sps))
}

fn new_format(config: Bytes, sps: &Sps) -> Format {
    Format {
        codec: FrameCodec::H264,
        shape: Shape::Video {
            width: sps.width,
            height: sps.height,
        },
        config,
    }
}

fn push_units(record: &mut Vec<u8>, units: &[&[u8]]) -> Option<()> {
    for unit in units {
        record.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
        record.extend_from_slice(unit);
    }
    Some(())
}

fn take_units(reader: &mut Reader<'_>, count: u8) -> Option<Vec<Bytes>> {
    (0..count)
        .map(|_| {
            let len = reader.u16()?;
            reader.take(usize::from(len)).map(Bytes::copy_from_slice)
        })
        .collect()
}
