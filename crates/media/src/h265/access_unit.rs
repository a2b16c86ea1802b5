//! NAL units of one picture to a frame's data.

use bytes::{Bytes, BytesMut};

use super::{NAL_PPS, NAL_SPS, NAL_VPS, unit_type};
use crate::nal::push_length_prefixed;

/// BLA, IDR, CRA (table 7-1).
const KEY: std::ops::RangeInclusive<u8> = 16..=21;
/// Access unit delimiter, ends of sequence and of bitstream, filler data: a
/// frame goes without them.
const DROPPED: std::ops::RangeInclusive<u8> = 35..=38;

/// More parameter sets than an encoder sends before one picture; later ones are
/// ignored.
const MAX_SETS: usize = 32;

/// One picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessUnit {
    /// As in [`Frame::data`](crate::frame::Frame::data); empty where there was
    /// nothing but parameter sets.
    pub data: Bytes,
    /// A decoder can start here: BLA, IDR or CRA.
    pub keyframe: bool,
    /// Video parameter sets that came with it.
    pub vps: Vec<Bytes>,
    /// Sequence parameter sets that came with it.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets that came with it.
    pub pps: Vec<Bytes>,
}

/// Collects the NAL units (with headers) of one picture.
pub fn access_unit<'a>(units: impl Iterator<Item = &'a [u8]>) -> AccessUnit {
    let mut picture = AccessUnit::default();
    let mut data = BytesMut::new();
    for unit in units {
        // A header is two bytes.
        let &[header, _, ..] = unit else {
            continue;
        };
        match unit_type(header) {
            NAL_VPS => push_set(&mut picture.vps, unit),
            NAL_SPS => push_set(&mut picture.sps, unit),
            NAL_PPS => push_set(&mut picture.pps, unit),
            // Of RTP.
            48.. => {}
            kind if DROPPED.contains(&kind) => {}
            kind => {
                picture.keyframe |= KEY.contains(&kind);
                push_length_prefixed(&mut data, unit);
            }
        }
    }
    picture.data = data.freeze();
    picture
}

fn push_set(sets: &mut Vec<Bytes>, unit: &[u8]) {
    if sets.len() < MAX_SETS && !sets.iter().any(|set| set == unit) {
        sets.push(Bytes::copy_from_slice(unit));
    }
}
