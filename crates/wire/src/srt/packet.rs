//! Packets (draft-sharabayko-srt-01 §3).

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes before the payload of a data packet, or the body of a control packet.
pub(super) const HEADER_BYTES: usize = 16;
/// The payload of a data packet in live mode: an Ethernet frame without the
/// headers of IP, UDP and SRT (§3.1; libsrt's SRT_LIVE_MAX_PLSIZE).
pub(super) const MAX_PAYLOAD: usize = 1456;

/// Control types (§3.2, table 1).
pub(super) mod control {
    pub const HANDSHAKE: u16 = 0;
    pub const KEEPALIVE: u16 = 1;
    pub const ACK: u16 = 2;
    pub const NAK: u16 = 3;
    pub const SHUTDOWN: u16 = 5;
    pub const ACKACK: u16 = 6;
    pub const DROP_REQUEST: u16 = 7;
    pub const USER: u16 = 0x7fff;
}

/// A packet, looked at where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    Data(Data<'a>),
    Control(Control<'a>),
}

/// A data packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Data<'a> {
    /// 31 bits.
    pub seq: u32,
    /// Which key encrypts it: 0 none, 1 even, 2 odd.
    pub key: u8,
    pub retransmitted: bool,
    /// Microseconds of the sender's clock, 32 bits.
    pub time: u32,
    /// The receiver's socket.
    pub to: u32,
    pub payload: &'a [u8],
}

/// A control packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control<'a> {
    /// See [`control`].
    pub kind: u16,
    pub subtype: u16,
    /// Type-specific information.
    pub info: u32,
    pub time: u32,
    pub to: u32,
    pub body: &'a [u8],
}

impl<'a> Packet<'a> {
    pub(super) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (header, rest) = datagram.split_first_chunk::<HEADER_BYTES>()?;
        let [first, second, time, to] = words(header);
        if first >> 31 == 0 {
            return Some(Self::Data(Data {
                seq: first,
                key: (second >> 27) as u8 & 3,
                retransmitted: second >> 26 & 1 == 1,
                time,
                to,
                payload: rest,
            }));
        }
        Some(Self::Control(Control {
            kind: (first >> 16) as u16 & 0x7fff,
            subtype: first as u16,
            info: second,
            time,
            to,
            body: rest,
        }))
    }
}

fn words(header: &[u8; HEADER_BYTES]) -> [u32; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(header.chunks_exact(4)) {
        *word = bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte));
    }
    words
}

/// The big-endian words of a body; a remainder is left out.
pub(super) fn body_words(body: &[u8]) -> impl Iterator<Item = u32> {
    body.chunks_exact(4).map(|bytes| {
        bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u32::from(*byte))
    })
}

/// A data packet: a message of its own (PP 11), in order.
pub(super) fn write_data(data: &Data<'_>, message: u32) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEADER_BYTES + data.payload.len());
    bytes.put_u32(data.seq & 0x7fff_ffff);
    bytes.put_u32(
        0b111 << 29
            | u32::from(data.key & 3) << 27
            | u32::from(data.retransmitted) << 26
            | message & 0x03ff_ffff,
    );
    bytes.put_u32(data.time);
    bytes.put_u32(data.to);
    bytes.put_slice(data.payload);
    bytes.freeze()
}

/// A control packet. Bodies are padded to a word by who makes them; an empty
/// one is sent as one word, since libsrt never sends none.
pub(super) fn write_control(packet: &Control<'_>) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEADER_BYTES + packet.body.len().max(4));
    bytes.put_u32(1 << 31 | u32::from(packet.kind) << 16 | u32::from(packet.subtype));
    bytes.put_u32(packet.info);
    bytes.put_u32(packet.time);
    bytes.put_u32(packet.to);
    if packet.body.is_empty() {
        bytes.put_u32(0);
    }
    bytes.put_slice(packet.body);
    bytes.freeze()
}

/// Sequence numbers of 31 bits.
pub(super) mod seq {
    const MASK: u32 = 0x7fff_ffff;

    /// `seq` and this many on.
    pub fn add(seq: u32, count: usize) -> u32 {
        seq.wrapping_add(count as u32) & MASK
    }

    /// How far `to` is after `from`; negative where it is before.
    pub fn distance(from: u32, to: u32) -> i32 {
        // Signed by moving bit 30 into the sign.
        ((to.wrapping_sub(from) << 1).cast_signed()) >> 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_wrap() {
        assert_eq!(seq::distance(0x7fff_fffe, 1), 3);
        assert_eq!(seq::distance(1, 0x7fff_fffe), -3);
        assert_eq!(seq::add(0x7fff_ffff, 2), 1);
    }

    #[test]
    fn what_is_written_is_read() {
        let data = Data {
            seq: 7,
            key: 2,
            retransmitted: true,
            time: 9,
            to: 11,
            payload: b"abc",
        };
        assert_eq!(
            Packet::parse(&write_data(&data, 5)),
            Some(Packet::Data(data))
        );
        let ack = Control {
            kind: control::ACK,
            subtype: 0,
            info: 3,
            time: 4,
            to: 5,
            body: &[1, 2, 3, 4],
        };
        assert_eq!(
            Packet::parse(&write_control(&ack)),
            Some(Packet::Control(ack))
        );
        assert_eq!(Packet::parse(&[0; 15]), None);
    }
}
