//! `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1).

use bytes::Bytes;

use super::{NAL_PPS, NAL_SPS, NAL_VPS, Sps};
use crate::bits::Reader;
use crate::frame::{Format, FrameCodec, Shape};

/// Before the arrays.
const HEAD: usize = 22;
/// Where the size of lengths stands.
const LENGTHS_AT: usize = 21;

/// H.265 allows 16 video, 16 sequence and 64 picture parameter sets (§7.4.3).
const MAX_SETS: usize = 64;

/// What a configuration record carries; other arrays (messages) are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterSets {
    /// Video parameter sets, at most 64.
    pub vps: Vec<Bytes>,
    /// Sequence parameter sets, at most 64.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, at most 64.
    pub pps: Vec<Bytes>,
    /// How many bytes the length before a NAL unit takes, 1 to 4. Of a
    /// [`Format`] always 4.
    pub length_size: usize,
}

/// The format that these NAL units (with their headers) describe. `None` where
/// one kind is missing, there are too many, or the first sequence parameter set
/// cannot be read.
#[must_use]
pub fn format(vps: &[&[u8]], sps: &[&[u8]], pps: &[&[u8]]) -> Option<Format> {
    let parsed = Sps::parse(sps.first()?)?;
    let mut record = Vec::with_capacity(256);
    record.push(1);
    record.extend(parsed.profile);
    record.extend([
        // Not told: spatial segmentation, parallelism; each filled up by ones.
        0xf0,
        0x00,
        0xfc,
        0xfc | parsed.chroma_format,
        0xf8 | (parsed.luma_depth - 8) & 0x07,
        0xf8 | (parsed.chroma_depth - 8) & 0x07,
        // No average frame rate.
        0,
        0,
        // Lengths of four bytes.
        parsed.sub_layers << 3 | u8::from(parsed.nested) << 2 | 0x03,
        3,
    ]);
    for (kind, units) in [(NAL_VPS, vps), (NAL_SPS, sps), (NAL_PPS, pps)] {
        push_array(&mut record, kind, units)?;
    }
    Some(new_format(record.into(), &parsed))
}

/// Reads a record; `None` when it is cut, of an unknown version, or has more
/// parameter sets than there are numbers for.
#[must_use]
pub fn parameter_sets(config: &[u8]) -> Option<ParameterSets> {
    let mut reader = Reader::new(config);
    let head = reader.take(HEAD)?;
    // Version 0 was written before the standard was final; it is the same.
    if head[0] > 1 {
        return None;
    }
    let mut sets = ParameterSets {
        length_size: usize::from(head[LENGTHS_AT] & 0x03) + 1,
        ..ParameterSets::default()
    };
    for _ in 0..reader.u8()? {
        let kind = reader.u8()? & 0x3f;
        for _ in 0..reader.u16()? {
            let len = reader.u16()?;
            let unit = reader.take(usize::from(len))?;
            let into = match kind {
                NAL_VPS => &mut sets.vps,
                NAL_SPS => &mut sets.sps,
                NAL_PPS => &mut sets.pps,
                _ => continue,
            };
            if into.len() == MAX_SETS {
                return None;
            }
            into.push(Bytes::copy_from_slice(unit));
        }
    }
    Some(sets)
}

/// The format that a record describes; `None` where it cannot be read or has no
/// readable sequence parameter set.
///
/// The format's record names lengths of four bytes, as frames have them. Whoever
/// cuts up what came with the record asks [`parameter_sets`] for the length that
/// it really names.
#[must_use]
pub fn format_from_config(hvcc: Bytes) -> Option<Format> {
    let sets = parameter_sets(&hvcc)?;
    let sps = Sps::parse(sets.sps.first()?)?;
    let config = if sets.length_size == 4 && hvcc[0] == 1 {
        hvcc
    } else {
        let mut record = hvcc.to_vec();
        record[0] = 1;
        record[LENGTHS_AT] |= 0x03;
        record.into()
    };
    Some(new_format(config, &sps))
}

fn new_format(config: Bytes, sps: &Sps) -> Format {
    Format {
        codec: FrameCodec::H265,
        shape: Shape::Video {
            width: sps.width,
            height: sps.height,
        },
        config,
    }
}

fn push_array(record: &mut Vec<u8>, kind: u8, units: &[&[u8]]) -> Option<()> {
    if units.is_empty() || units.len() > MAX_SETS {
        return None;
    }
    // All of this kind are here, none is in the frames.
    record.push(0x80 | kind);
    record.extend(u16::try_from(units.len()).ok()?.to_be_bytes());
    for unit in units {
        record.extend(u16::try_from(unit.len()).ok()?.to_be_bytes());
        record.extend_from_slice(unit);
    }
    Some(())
}
