//! RTP Payload Format For AV1 v1.0.

use surecast_media::av1::obu::take_leb128;
use surecast_media::av1::{
    AggregationHeader, Obu, format_from_sequence_header, is_key_temporal_unit, sequence_header,
    temporal_unit,
};

use super::assemble::{Picture, Unit};
use super::joined::Joined;

pub(super) fn assemble(unit: &Unit) -> Option<Picture> {
    let mut elements = Joined::default();
    for payload in unit.payloads() {
        push(&mut elements, payload)?;
    }
    let data = temporal_unit(elements.parts()?.filter_map(Obu::parse));
    let header = sequence_header(&data);
    let format = header.and_then(|obu| format_from_sequence_header(obu.whole));
    Some(Picture {
        keyframe: is_key_temporal_unit(&data),
        format,
        data,
    })
}

/// Adds the elements of a payload. `None` where it does not fit to what came
/// before.
fn push(elements: &mut Joined, payload: &[u8]) -> Option<()> {
    let header = AggregationHeader::parse(payload)?;
    if header.continues != elements.is_open() {
        return None;
    }
    let mut rest = payload.get(1..)?;
    let mut count = 0u32;
    while !rest.is_empty() {
        count += 1;
        let element = if count == u32::from(header.elements) {
            std::mem::take(&mut rest)
        } else {
            let (len, tail) = take_leb128(rest)?;
            let (element, tail) = tail.split_at_checked(usize::try_from(len).ok()?)?;
            rest = tail;
            element
        };
        if count == 1 && header.continues {
            elements.extend(element);
        } else {
            elements.open(element);
        }
    }
    if !header.continued {
        elements.close();
    }
    Some(())
}
