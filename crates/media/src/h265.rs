//! H.265 in RTP: single NAL units, aggregation and fragmentation packets
//! (RFC 7798 §4.4), as browsers send them: without decoding order numbers
//! (`sprop-max-don-diff` 0).

use crate::bits::Reader;

/// Video parameter set (H.265 table 7-1).
pub const NAL_VPS: u8 = 32;
/// Sequence parameter set.
pub const NAL_SPS: u8 = 33;
/// Picture parameter set.
pub const NAL_PPS: u8 = 34;
/// The slice types from which decoding can start: BLA, IDR, CRA; 22 and 23 are
/// reserved for more of them.
pub const IRAP: std::ops::RangeInclusive<u8> = 16..=23;
const AGGREGATION: u8 = 48;
const FRAGMENTATION: u8 = 49;

/// As in H.264: more than any encoder aggregates; the rest is ignored.
const MAX_UNITS: usize = 32;

/// Types of the NAL units that begin in one RTP payload.
#[derive(Clone, Debug)]
pub struct UnitTypes<'a> {
    state: State<'a>,
    left: usize,
}

#[derive(Clone, Debug)]
enum State<'a> {
    One(Option<u8>),
    Aggregate(Reader<'a>),
}

/// Types of the NAL units that begin in the payload.
#[must_use]
pub fn unit_types(payload: &[u8]) -> UnitTypes<'_> {
    UnitTypes {
        state: first_state(payload),
        left: MAX_UNITS,
    }
}

/// The packet carries the beginning of a slice from which decoding can start,
/// or a video or sequence parameter set. As in H.264 this can hold for several
/// packets of one picture: a switch takes the first.
#[must_use]
pub fn is_keyframe(payload: &[u8]) -> bool {
    unit_types(payload).any(|kind| IRAP.contains(&kind) || matches!(kind, NAL_VPS | NAL_SPS))
}

impl Iterator for UnitTypes<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.state {
            State::One(kind) => kind.take(),
            State::Aggregate(reader) => {
                let len = reader.u16()?;
                let (&[high, _], _) = reader.take(usize::from(len))?.split_first_chunk::<2>()?;
                nal_type(high >> 1 & 0x3f)
            }
        }
    }
}

fn first_state(payload: &[u8]) -> State<'_> {
    let Some((&[high, _], rest)) = payload.split_first_chunk::<2>() else {
        return State::One(None);
    };
    match high >> 1 & 0x3f {
        AGGREGATION => State::Aggregate(Reader::new(rest)),
        FRAGMENTATION => State::One(fragment(rest)),
        kind => State::One(nal_type(kind)),
    }
}

fn fragment(bytes: &[u8]) -> Option<u8> {
    let header = *bytes.first()?;
    let start = header & 0x80 != 0;
    nal_type(header & 0x3f).filter(|_| start)
}

/// 48 and above are packet types of RFC 7798, not NAL units.
fn nal_type(kind: u8) -> Option<u8> {
    (kind < AGGREGATION).then_some(kind)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn header(kind: u8) -> [u8; 2] {
        [kind << 1, 1]
    }

    #[test]
    fn single_units() {
        assert!(is_keyframe(&header(19)), "IDR_W_RADL");
        assert!(is_keyframe(&header(21)), "CRA");
        assert!(is_keyframe(&header(NAL_VPS)));
        assert!(!is_keyframe(&header(1)), "TRAIL_R");
        assert!(!is_keyframe(&header(NAL_PPS)));
        assert!(!is_keyframe(&[19 << 1]), "cut header");
    }

    #[test]
    fn aggregates() {
        let [h0, h1] = header(AGGREGATION);
        let [v0, v1] = header(NAL_VPS);
        let [s0, s1] = header(NAL_SPS);
        let payload = [h0, h1, 0, 3, v0, v1, 0xaa, 0, 2, s0, s1];
        let kinds: Vec<_> = unit_types(&payload).collect();
        assert_eq!(kinds, [NAL_VPS, NAL_SPS]);
        assert!(!is_keyframe(&[h0, h1, 0, 9, v0, v1]), "length past the end");
    }

    #[test]
    fn fragments() {
        let [h0, h1] = header(FRAGMENTATION);
        assert!(is_keyframe(&[h0, h1, 0x80 | 19]));
        assert!(!is_keyframe(&[h0, h1, 19]), "middle");
        assert!(!is_keyframe(&[h0, h1, 0x80 | 1]));
    }

    proptest! {
        #[test]
        fn any_bytes(payload: Vec<u8>) {
            prop_assert!(unit_types(&payload).count() <= MAX_UNITS);
            let _ = is_keyframe(&payload);
        }
    }
}
