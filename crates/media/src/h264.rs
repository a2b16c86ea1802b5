//! H.264: parameter sets, configuration records, pictures; and in RTP single NAL
//! units, STAP-A, FU-A (RFC 6184 §5.6 to §5.8).

mod access_unit;
mod config;
mod sps;
#[cfg(test)]
mod tests;

pub use access_unit::{AccessUnit, access_unit, is_b_slice};
pub use config::{ParameterSets, format, format_from_config, parameter_sets};
pub use sps::Sps;

use crate::bits::Reader;

/// A coded slice of an IDR picture (H.264 table 7-1).
pub const NAL_IDR: u8 = 5;
/// Sequence parameter set.
pub const NAL_SPS: u8 = 7;
/// Picture parameter set.
pub const NAL_PPS: u8 = 8;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// More units than any encoder puts into one packet: a parameter-set
/// aggregate has 2 or 3. Past it the rest of the packet is ignored, so a
/// packet of empty units costs no more than a plain one.
const MAX_UNITS: usize = 32;

/// The NAL units that begin in one RTP payload: their types and where they are
/// whole in the packet their bytes, header included. Of a fragmented unit
/// (FU-A) only the first fragment counts, and its bytes are cut.
#[derive(Clone, Debug)]
pub struct Units<'a> {
    state: State<'a>,
    left: usize,
}

/// One NAL unit that begins in the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit<'a> {
    /// `nal_unit_type`, 1 to 23.
    pub kind: u8,
    /// After the unit's header; cut at the packet's end when fragmented.
    pub data: &'a [u8],
}

#[derive(Clone, Debug)]
enum State<'a> {
    One(Option<Unit<'a>>),
    Aggregate(Reader<'a>),
}

/// The NAL units that begin in the payload.
#[must_use]
pub fn units(payload: &[u8]) -> Units<'_> {
    Units {
        state: first_state(payload),
        left: MAX_UNITS,
    }
}

/// The packet carries the beginning of an IDR slice or a sequence parameter
/// set, from where a decoder can start.
///
/// Parameter sets, and each slice of the picture, may come in packets of their
/// own with the same RTP timestamp, so this can hold for several packets of
/// one key frame: a switch takes the first.
#[must_use]
pub fn is_keyframe(payload: &[u8]) -> bool {
    units(payload).any(|unit| matches!(unit.kind, NAL_IDR | NAL_SPS))
}

impl<'a> Iterator for Units<'a> {
    type Item = Unit<'a>;

    fn next(&mut self) -> Option<Unit<'a>> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.state {
            State::One(unit) => unit.take(),
            State::Aggregate(reader) => {
                let len = reader.u16()?;
                unit(reader.take(usize::from(len))?)
            }
        }
    }
}

fn first_state(payload: &[u8]) -> State<'_> {
    let Some((&header, rest)) = payload.split_first() else {
        return State::One(None);
    };
    match header & 0x1f {
        STAP_A => State::Aggregate(Reader::new(rest)),
        FU_A => State::One(fragment(rest)),
        _ => State::One(unit(payload)),
    }
}

fn unit(bytes: &[u8]) -> Option<Unit<'_>> {
    let (&header, data) = bytes.split_first()?;
    let kind = header & 0x1f;
    // 0 and 24 to 31 are no NAL units: an aggregate holds no aggregates.
    (1..=23).contains(&kind).then_some(Unit { kind, data })
}

fn fragment(bytes: &[u8]) -> Option<Unit<'_>> {
    let (&header, data) = bytes.split_first()?;
    let kind = header & 0x1f;
    let start = header & 0x80 != 0;
    (start && (1..=23).contains(&kind)).then_some(Unit { kind, data })
}
