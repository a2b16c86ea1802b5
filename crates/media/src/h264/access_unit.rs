//! NAL units of one picture to a frame's data.

use bytes::{Bytes, BytesMut};

use super::{NAL_IDR, NAL_PPS, NAL_SPS};
use crate::bits::BitReader;
use crate::nal::{push_length_prefixed, unescape};

const NAL_SLICE: u8 = 1;
const NAL_SEI: u8 = 6;
/// Access unit delimiter, ends of sequence and of stream, filler data: a frame
/// goes without them.
const DROPPED: std::ops::RangeInclusive<u8> = 9..=12;

/// More parameter sets than an encoder sends before one picture; later ones are
/// ignored.
const MAX_SETS: usize = 32;

/// One picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessUnit {
    /// As in [`Frame::data`](crate::frame::Frame::data); empty where there was
    /// nothing but parameter sets.
    pub data: Bytes,
    /// A decoder can start here: IDR, or a recovery point that is exact at once.
    pub keyframe: bool,
    /// A slice is of type B.
    pub has_b_slice: bool,
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
        let Some(&header) = unit.first() else {
            continue;
        };
        match header & 0x1f {
            NAL_SPS => push_set(&mut picture.sps, unit),
            NAL_PPS => push_set(&mut picture.pps, unit),
            // Not defined, or of RTP.
            0 | 24.. => {}
            kind if DROPPED.contains(&kind) => {}
            kind => {
                picture.keyframe |= kind == NAL_IDR || (kind == NAL_SEI && is_recovery_point(unit));
                picture.has_b_slice |= kind == NAL_SLICE && is_b_slice(unit);
                push_length_prefixed(&mut data, unit);
            }
        }
    }
    picture.data = data.freeze();
    picture
}

/// A slice of type B (H.264 table 7-6), of a NAL unit with its header.
#[must_use]
pub fn is_b_slice(unit: &[u8]) -> bool {
    let Some((&header, payload)) = unit.split_first() else {
        return false;
    };
    // Two Exp-Golomb codes: at most 63 bits each, and what escapes them.
    let payload = unescape(payload, 24);
    let mut reader = BitReader::new(&payload);
    let kind = reader.ue().and_then(|_| reader.ue());
    matches!(header & 0x1f, 1 | 2) && matches!(kind, Some(1 | 6))
}

/// Has a recovery point message that is exact at the picture itself (§D.2.8).
fn is_recovery_point(unit: &[u8]) -> bool {
    const RECOVERY_POINT: u32 = 6;
    // Encoders put it before long messages; what is further behind than this is
    // not looked for.
    let payload = unescape(&unit[1..], 256);
    let mut rest = payload.as_slice();
    while let Some((kind, tail)) = sei_number(rest) {
        let Some((len, tail)) = sei_number(tail) else {
            return false;
        };
        if kind == RECOVERY_POINT {
            return BitReader::new(tail).ue() == Some(0);
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some((_, tail)) = tail.split_at_checked(len) else {
            return false;
        };
        rest = tail;
    }
    false
}

/// A number in bytes of 255 and a last one (§7.3.2.3.1).
fn sei_number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let ones = bytes.iter().take_while(|&&byte| byte == 0xff).count();
    let (&last, rest) = bytes.get(ones..)?.split_first()?;
    Some((u32::try_from(ones).ok()? * 255 + u32::from(last), rest))
}

fn push_set(sets: &mut Vec<Bytes>, unit: &[u8]) {
    if sets.len() < MAX_SETS && !sets.iter().any(|set| set == unit) {
        sets.push(Bytes::copy_from_slice(unit));
    }
}
