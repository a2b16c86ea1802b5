//! RFC 6184: single NAL units, STAP-A, FU-A.

use bytes::Bytes;
use surecast_media::{h264, nal};

use super::assemble::{Picture, Unit};
use super::joined::Joined;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const START: u8 = 0x80;
const END: u8 = 0x40;

/// The parameter sets that came last.
#[derive(Debug, Default)]
pub(super) struct Sets {
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
}

impl Sets {
    pub(super) fn assemble(&mut self, unit: &Unit) -> Option<Picture> {
        let mut units = Joined::default();
        for payload in unit.payloads() {
            push(&mut units, payload)?;
        }
        let picture = h264::access_unit(units.parts()?);
        // A picture's sets are all that it and its successors need.
        if !picture.sps.is_empty() {
            self.sps = picture.sps;
        }
        if !picture.pps.is_empty() {
            self.pps = picture.pps;
        }
        let format = picture.keyframe.then(|| self.format()).flatten();
        Some(Picture {
            data: picture.data,
            keyframe: picture.keyframe,
            format,
        })
    }

    fn format(&self) -> Option<surecast_media::frame::Format> {
        let sps: Vec<&[u8]> = self.sps.iter().map(AsRef::as_ref).collect();
        let pps: Vec<&[u8]> = self.pps.iter().map(AsRef::as_ref).collect();
        h264::format(&sps, &pps)
    }
}

/// Adds the NAL units of a payload. `None` where it does not fit to what came
/// before.
fn push(units: &mut Joined, payload: &[u8]) -> Option<()> {
    let (&indicator, rest) = payload.split_first()?;
    match indicator & 0x1f {
        FU_A => return push_fragment(units, indicator, rest),
        _ if units.is_open() => return None,
        1..=23 => units.push(payload),
        STAP_A => nal::length_prefixed(rest, 2).for_each(|unit| units.push(unit)),
        // Of other packetization modes, which nobody negotiates.
        _ => {}
    }
    Some(())
}

fn push_fragment(units: &mut Joined, indicator: u8, rest: &[u8]) -> Option<()> {
    let (&header, data) = rest.split_first()?;
    let begins = header & START != 0;
    if begins == units.is_open() {
        return None;
    }
    if begins {
        units.open(&[indicator & 0xe0 | header & 0x1f]);
    }
    units.extend(data);
    if header & END != 0 {
        units.close();
    }
    Some(())
}
