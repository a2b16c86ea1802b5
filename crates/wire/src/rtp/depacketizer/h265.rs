//! RFC 7798, without decoding order numbers.

use bytes::Bytes;
use surecast_media::h265::{self, unit_type};
use surecast_media::nal;

use super::assemble::{Picture, Unit};
use super::joined::Joined;

const AGGREGATION: u8 = 48;
const FRAGMENTATION: u8 = 49;
const START: u8 = 0x80;
const END: u8 = 0x40;

/// The parameter sets that came last.
#[derive(Debug, Default)]
pub(super) struct Sets {
    vps: Vec<Bytes>,
    sps: Vec<Bytes>,
    pps: Vec<Bytes>,
}

impl Sets {
    pub(super) fn assemble(&mut self, unit: &Unit) -> Option<Picture> {
        let mut units = Joined::default();
        for payload in unit.payloads() {
            push(&mut units, payload)?;
        }
        let picture = h265::access_unit(units.parts()?);
        let came = [
            (&mut self.vps, picture.vps),
            (&mut self.sps, picture.sps),
            (&mut self.pps, picture.pps),
        ];
        // A picture's sets are all that it and its successors need.
        for (known, new) in came {
            if !new.is_empty() {
                *known = new;
            }
        }
        let format = picture.keyframe.then(|| self.format()).flatten();
        Some(Picture {
            data: picture.data,
            keyframe: picture.keyframe,
            format,
        })
    }

    fn format(&self) -> Option<surecast_media::frame::Format> {
        let vps: Vec<&[u8]> = self.vps.iter().map(AsRef::as_ref).collect();
        let sps: Vec<&[u8]> = self.sps.iter().map(AsRef::as_ref).collect();
        let pps: Vec<&[u8]> = self.pps.iter().map(AsRef::as_ref).collect();
        h265::format(&vps, &sps, &pps)
    }
}

/// Adds the NAL units of a payload. `None` where it does not fit to what came
/// before.
fn push(units: &mut Joined, payload: &[u8]) -> Option<()> {
    let (&[high, low], rest) = payload.split_first_chunk::<2>()?;
    match unit_type(high) {
        FRAGMENTATION => return push_fragment(units, [high, low], rest),
        _ if units.is_open() => return None,
        AGGREGATION => nal::length_prefixed(rest, 2).for_each(|unit| units.push(unit)),
        0..AGGREGATION => units.push(payload),
        // PACI and what is not defined.
        _ => {}
    }
    Some(())
}

fn push_fragment(units: &mut Joined, [high, low]: [u8; 2], rest: &[u8]) -> Option<()> {
    let (&header, data) = rest.split_first()?;
    let begins = header & START != 0;
    if begins == units.is_open() {
        return None;
    }
    if begins {
        units.open(&[high & 0x81 | (header & 0x3f) << 1, low]);
    }
    units.extend(data);
    if header & END != 0 {
        units.close();
    }
    Some(())
}
