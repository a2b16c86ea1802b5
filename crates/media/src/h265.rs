//! H.265: parameter sets, configuration records, pictures; and in RTP single NAL
//! units, aggregation and fragmentation packets (RFC 7798 §4.4), as browsers send
//! them: without decoding order numbers (`sprop-max-don-diff` 0).

mod access_unit;
mod config;
mod sps;
#[cfg(test)]
mod tests;

pub use access_unit::{AccessUnit, access_unit};
pub use config::{ParameterSets, format, format_from_config, parameter_sets};
pub use sps::Sps;

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

/// `nal_unit_type`, 0 to 63, from the first byte of a NAL unit's header.
#[must_use]
pub const fn unit_type(header: u8) -> u8 {
    header >> 1 & 0x3f
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
                nal_type(unit_type(high))
            }
        }
    }
}

fn first_state(payload: &[u8]) -> State<'_> {
    let Some((&[high, _], rest)) = payload.split_first_chunk::<2>() else {
        return State::One(None);
    };
    match unit_type(high) {
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
