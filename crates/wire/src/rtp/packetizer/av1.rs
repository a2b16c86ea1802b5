//! RTP Payload Format For AV1 v1.0.

use bytes::{Bytes, BytesMut};
use surecast_media::av1::obu::put_leb128;
use surecast_media::av1::{Obu, obus, sequence_header};
use surecast_media::frame::Frame;

use super::Output;

const CONTINUES: u8 = 0x80;
const CONTINUED: u8 = 0x40;
const NEW_SEQUENCE: u8 = 0x08;

/// Two bits tell how many elements there are, so that the last needs no length.
const MAX_COUNTED: usize = 3;

/// What a length takes for any element of a packet below 16 KiB.
const LENGTH: usize = 2;

/// The OBUs go without size fields and fill packets up.
///
/// No packet but the last ends where an element ends: receivers that do not read
/// the dependency descriptor take a packet that continues nothing for the
/// beginning of a frame.
pub(super) fn packetize(prelude: &[Vec<u8>], frame: &Frame, out: &mut Output) {
    let prelude = if sequence_header(&frame.data).is_some() {
        &[]
    } else {
        prelude
    };
    let first = prelude.iter().filter_map(|obu| Obu::parse(obu));
    let elements: Vec<Bytes> = first.chain(obus(&frame.data)).map(element).collect();
    let mut packet = Packet::new(out.mtu);
    if frame.keyframe {
        packet.flags |= NEW_SEQUENCE;
    }
    for (at, element) in elements.iter().enumerate() {
        let more = at + 1 < elements.len();
        let mut rest = &element[..];
        while !rest.is_empty() {
            let mut taken = rest.len().min(packet.room());
            let full = packet.room() - taken <= LENGTH;
            if full && taken == rest.len() && taken > 1 && more {
                taken -= 1;
            }
            let (piece, tail) = rest.split_at(taken);
            packet.push(piece);
            rest = tail;
            if !rest.is_empty() || (full && more) {
                packet.flush(!rest.is_empty(), out);
            }
        }
    }
    packet.flush(false, out);
}

fn element(obu: Obu<'_>) -> Bytes {
    let mut out = BytesMut::with_capacity(obu.whole.len());
    obu.write_without_size(&mut out);
    out.freeze()
}

/// A packet as it fills.
struct Packet<'a> {
    flags: u8,
    mtu: usize,
    elements: Vec<&'a [u8]>,
    /// With a length for each element, and the header.
    len: usize,
}

impl<'a> Packet<'a> {
    const fn new(mtu: usize) -> Self {
        Self {
            flags: 0,
            mtu,
            elements: Vec::new(),
            len: 1,
        }
    }

    /// How long the next element may be; at least 1 in an empty packet and in
    /// one that was not found full.
    const fn room(&self) -> usize {
        self.mtu.saturating_sub(self.len + LENGTH)
    }

    fn push(&mut self, piece: &'a [u8]) {
        self.len += LENGTH + piece.len();
        self.elements.push(piece);
    }

    /// `continued`: the last element goes on in the next packet.
    fn flush(&mut self, continued: bool, out: &mut Output) {
        let Some((last, others)) = self.elements.split_last() else {
            return;
        };
        let counted = self.elements.len() <= MAX_COUNTED;
        let count = u8::try_from(self.elements.len()).unwrap_or(0);
        let mut payload = BytesMut::with_capacity(self.len);
        let flags = self.flags
            | if continued { CONTINUED } else { 0 }
            | if counted { count << 4 } else { 0 };
        payload.extend([flags]);
        for element in others {
            put_leb128(&mut payload, element.len());
            payload.extend_from_slice(element);
        }
        if !counted {
            put_leb128(&mut payload, last.len());
        }
        payload.extend_from_slice(last);
        out.push(&[], &payload);
        *self = Self::new(self.mtu);
        self.flags = if continued { CONTINUES } else { 0 };
    }
}
