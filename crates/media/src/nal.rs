//! NAL units of H.264 and H.265: byte streams with start codes (H.264 annex B,
//! H.265 annex B) and units after their lengths (ISO/IEC 14496-15 §4.3.2).

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::{Format, FrameCodec};
use crate::{h264, h265};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The NAL units of a byte stream, without start codes and the zeros that may
/// trail them; none of them is empty. What comes before the first start code is
/// left out.
pub fn annex_b(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(data);
    std::iter::from_fn(move || {
        loop {
            let unit = rest?;
            let (unit, next) = match start_code(unit) {
                Some(at) => (&unit[..at], Some(&unit[at + 3..])),
                None => (unit, None),
            };
            rest = next;
            let len = unit.iter().rposition(|&byte| byte != 0);
            if let Some(len) = len {
                return Some(&unit[..=len]);
            }
        }
    })
}

/// The NAL units of data in which each comes after its length in `length_size`
/// bytes (1 to 4, big-endian); none of them is empty. Ends before a length that
/// reaches past the end.
pub fn length_prefixed(data: &[u8], length_size: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        if !(1..=4).contains(&length_size) {
            return None;
        }
        loop {
            let (length, tail) = rest.split_at_checked(length_size)?;
            let length = length.iter().fold(0usize, |n, &b| n << 8 | usize::from(b));
            let (unit, tail) = tail.split_at_checked(length)?;
            rest = tail;
            if !unit.is_empty() {
                return Some(unit);
            }
        }
    })
}

/// The units, each after its length in four bytes. Empty ones are left out, and
/// so would be one of 4 GiB and more.
pub fn join_length_prefixed<'a>(units: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut joined = BytesMut::new();
    for unit in units {
        push_length_prefixed(&mut joined, unit);
    }
    joined.freeze()
}

pub(crate) fn push_length_prefixed(out: &mut BytesMut, unit: &[u8]) {
    let Ok(length) = u32::try_from(unit.len()) else {
        return;
    };
    if length > 0 {
        out.put_u32(length);
        out.put_slice(unit);
    }
}

/// The data of an H.264 or H.265 [`Frame`](crate::frame::Frame) as a byte
/// stream with start codes, with the parameter sets of `config` first where it
/// is given.
#[must_use]
pub fn to_annex_b(data: &[u8], config: Option<&Format>) -> Vec<u8> {
    // Start codes are as long as the lengths that they take the place of.
    let mut out = Vec::with_capacity(data.len() + config.map_or(0, |it| it.config.len() + 16));
    let mut push = |unit: &[u8]| {
        out.extend_from_slice(&START_CODE);
        out.extend_from_slice(unit);
    };
    if let Some(format) = config {
        parameter_sets(format).iter().for_each(|unit| push(unit));
    }
    length_prefixed(data, 4).for_each(push);
    out
}

/// The parameter sets of an H.264 or H.265 format in the order in which a
/// decoder takes them; none where the format is of another codec or damaged.
#[must_use]
pub fn parameter_sets(format: &Format) -> Vec<Bytes> {
    match format.codec {
        FrameCodec::H264 => h264::parameter_sets(&format.config)
            .map(|sets| [sets.sps, sets.pps].concat())
            .unwrap_or_default(),
        FrameCodec::H265 => h265::parameter_sets(&format.config)
            .map(|sets| [sets.vps, sets.sps, sets.pps].concat())
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The payload of a NAL unit without the bytes that keep start codes from
/// appearing in it (H.264 §7.4.1.1), of at most `max` bytes of the unit:
/// parsers of headers need no more.
pub(crate) fn unescape(unit: &[u8], max: usize) -> Vec<u8> {
    let unit = &unit[..unit.len().min(max)];
    let mut out = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for &byte in unit {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

fn after_start_code(data: &[u8]) -> Option<&[u8]> {
    start_code(data).map(|at| &data[at + 3..])
}

/// Where the next 00 00 01 begins.
fn start_code(data: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(&[b0, b1, b2]) = data.get(at..at + 3).and_then(|it| it.first_chunk::<3>()) {
        // Most bytes are none of these, so most steps are of three bytes.
        match (b0, b1, b2) {
            (0, 0, 1) => return Some(at),
            (_, _, 2..) => at += 3,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(data: &[u8]) -> Vec<&[u8]> {
        annex_b(data).collect()
    }

    #[test]
    fn start_codes_of_both_lengths() {
        let data = [
            9, 0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 0, 0, 1, 0, 0, 1, 0x65, 0, 0,
        ];
        assert_eq!(split(&data), [&[0x67, 1][..], &[0x68], &[0x65]]);
        assert!(split(&[0x67, 0, 0]).is_empty(), "none");
    }

    #[test]
    fn lengths_stop_at_a_lie() {
        let data = [0, 1, 0x65, 0, 0, 0, 2, 1, 2, 0, 9, 1];
        let units: Vec<_> = length_prefixed(&data, 2).collect();
        assert_eq!(units, [&[0x65][..], &[1, 2]]);
        assert_eq!(length_prefixed(&data, 0).count(), 0);
        assert_eq!(length_prefixed(&data, 5).count(), 0);
    }

    proptest! {
        #[test]
        fn any_bytes(data: Vec<u8>, size in 0usize..6) {
            prop_assert!(annex_b(&data).all(|unit| !unit.is_empty()));
            prop_assert!(length_prefixed(&data, size).all(|unit| !unit.is_empty()));
        }

        #[test]
        fn units_survive_both_forms(
            units in prop::collection::vec(prop::collection::vec(2u8.., 1..20), 0..8),
        ) {
            let joined = join_length_prefixed(units.iter().map(Vec::as_slice));
            let stream = to_annex_b(&joined, None);
            let again: Vec<_> = annex_b(&stream).map(<[u8]>::to_vec).collect();
            prop_assert_eq!(again, units);
        }

        #[test]
        fn unescaping_finds_what_was_escaped(payload in prop::collection::vec(0u8..5, 0..60)) {
            let mut escaped = Vec::new();
            let mut zeros = 0;
            for &byte in &payload {
                if zeros == 2 && byte <= 3 {
                    escaped.push(3);
                    zeros = 0;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
                escaped.push(byte);
            }
            prop_assert_eq!(unescape(&escaped, usize::MAX), payload);
        }
    }
}
