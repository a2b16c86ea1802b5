//! RFC 7798, without decoding order numbers.

use surecast_media::h265::unit_type;
use surecast_media::nal;

use super::{Output, pieces};

const AGGREGATION: u8 = 48;
const FRAGMENTATION: u8 = 49;
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
    let len = 2 + sets.iter().map(|set| 2 + set.len()).sum::<usize>();
    if sets.len() < 2 || len > out.mtu {
        return false;
    }
    // Layer 0 and temporal id 0, the lowest of all (§4.4.2).
    let mut payload = Vec::with_capacity(len);
    payload.extend([AGGREGATION << 1, 1]);
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
    let Some((&[high, low], body)) = unit.split_first_chunk::<2>() else {
        return;
    };
    let kind = unit_type(high);
    for piece in pieces(body, out.mtu - 3) {
        let flags = if piece.first { START } else { 0 } | if piece.last { END } else { 0 };
        let head = [high & 0x81 | FRAGMENTATION << 1, low, flags | kind];
        out.push(&head, piece.data);
    }
}
