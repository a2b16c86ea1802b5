//! RFC 6184, packetization mode 1.

use surecast_media::nal;

use super::{Output, pieces};

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const START: u8 = 0x80;
const END: u8 = 0x40;

/// Parameter sets go in one aggregate, each other unit in a packet of its own or
/// in several.
pub(super) fn packetize(sets: &[Vec<u8>], data: &[u8], out: &mut Output) {
    if !aggregate(sets, out) {
        sets.iter().for_each(|set| unit(set, out));
    }
    nal::length_prefixed(data, 4).for_each(|it| unit(it, out));
}

/// False where there is nothing to aggregate or it does not fit.
fn aggregate(sets: &[Vec<u8>], out: &mut Output) -> bool {
    let len = 1 + sets.iter().map(|set| 2 + set.len()).sum::<usize>();
    if sets.len() < 2 || len > out.mtu {
        return false;
    }
    // The importance of the most important (§5.7).
    let importance = sets
        .iter()
        .filter_map(|set| Some(set.first()? & 0x60))
        .max();
    let mut payload = Vec::with_capacity(len);
    payload.push(importance.unwrap_or(0) | STAP_A);
    for set in sets {
        let Ok(len) = u16::try_from(set.len()) else {
            return false;
        };
        payload.extend(len.to_be_bytes());
        payload.extend(set);
    }
    out.push(&[], &payload);
    true
}

fn unit(unit: &[u8], out: &mut Output) {
    if unit.len() <= out.mtu {
        return out.push(&[], unit);
    }
    let Some((&header, body)) = unit.split_first() else {
        return;
    };
    for piece in pieces(body, out.mtu - 2) {
        let flags = if piece.first { START } else { 0 } | if piece.last { END } else { 0 };
        out.push(&[header & 0xe0 | FU_A, flags | header & 0x1f], piece.data);
    }
}
