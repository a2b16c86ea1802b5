//! Payloads become packets of 188 bytes.

use bytes::{BufMut, Bytes, BytesMut};

use crate::mpegts::packet::{PACKET_BYTES, SYNC};

/// Bytes of a packet after its header.
const ROOM: usize = PACKET_BYTES - 4;
const HAS_PAYLOAD: u8 = 0x10;
const HAS_ADAPTATION: u8 = 0x20;
const FLAG_RANDOM_ACCESS: u8 = 0x40;
const FLAG_PCR: u8 = 0x10;

/// The continuity counter of one PID.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter(u8);

impl Counter {
    fn next(&mut self) -> u8 {
        let now = self.0;
        self.0 = (now + 1) & 0x0f;
        now
    }

    /// That of the last packet with a payload: packets without one repeat it.
    fn last(self) -> u8 {
        self.0.wrapping_sub(1) & 0x0f
    }
}

/// Packets on their way out.
#[derive(Debug, Default)]
pub(super) struct Packets(BytesMut);

impl Packets {
    pub(super) fn take(&mut self) -> Bytes {
        self.0.split().freeze()
    }

    /// A section, its end stuffed.
    pub(super) fn section(&mut self, pid: u16, counter: &mut Counter, section: &[u8]) {
        let mut start = true;
        // The pointer field: the section begins right behind it.
        let bytes = [&[0], section].concat();
        for piece in bytes.chunks(ROOM) {
            self.header(pid, start, HAS_PAYLOAD | counter.next());
            self.0.put_slice(piece);
            self.0.put_bytes(0xff, ROOM - piece.len());
            start = false;
        }
    }

    /// A PES packet. Its first transport packet carries the clock reference, if
    /// any (90 kHz).
    pub(super) fn pes(
        &mut self,
        pid: u16,
        counter: &mut Counter,
        pcr: Option<u64>,
        random_access: bool,
        bytes: &[u8],
    ) {
        self.0.reserve((bytes.len() / ROOM + 2) * PACKET_BYTES);
        let mut field = Adaptation::new(pcr, random_access);
        let mut start = true;
        let mut left = bytes;
        while !left.is_empty() {
            let (now, rest) = left.split_at(left.len().min(ROOM - field.len()));
            let space = ROOM - now.len();
            let flag = if space == 0 { 0 } else { HAS_ADAPTATION };
            self.header(pid, start, counter.next() | HAS_PAYLOAD | flag);
            field.write(&mut self.0, space);
            self.0.put_slice(now);
            left = rest;
            start = false;
            field = Adaptation::default();
        }
    }

    /// A clock reference without payload.
    pub(super) fn pcr(&mut self, pid: u16, counter: Counter, pcr: u64) {
        let field = Adaptation::new(Some(pcr), false);
        self.header(pid, false, HAS_ADAPTATION | counter.last());
        field.write(&mut self.0, ROOM);
    }

    fn header(&mut self, pid: u16, start: bool, last: u8) {
        let [high, low] = pid.to_be_bytes();
        self.0
            .put_slice(&[SYNC, u8::from(start) << 6 | high, low, last]);
    }
}

/// The adaptation field (§2.4.3.4): empty, or flags and a clock reference.
#[derive(Debug, Default)]
struct Adaptation {
    body: Vec<u8>,
}

impl Adaptation {
    fn new(pcr: Option<u64>, random_access: bool) -> Self {
        let mut flags = if random_access { FLAG_RANDOM_ACCESS } else { 0 };
        let mut body = Vec::new();
        if let Some(pcr) = pcr {
            flags |= FLAG_PCR;
            body = vec![flags];
            // 33 bits at 90 kHz, six reserved, nine of the 27 MHz extension.
            body.extend((pcr << 15 | 0x7e00).to_be_bytes()[2..].iter().copied());
        } else if random_access {
            body = vec![flags];
        }
        Self { body }
    }

    /// Bytes that it needs, its length field included.
    fn len(&self) -> usize {
        if self.body.is_empty() {
            0
        } else {
            1 + self.body.len()
        }
    }

    /// Fills `space` bytes.
    fn write(&self, out: &mut BytesMut, space: usize) {
        let Some(length) = space.checked_sub(1) else {
            return;
        };
        out.put_u8(u8::try_from(length).unwrap_or(0));
        if length == 0 {
            return;
        }
        if self.body.is_empty() {
            out.put_u8(0);
        }
        out.put_slice(&self.body);
        let written = self.body.len().max(1);
        out.put_bytes(0xff, length.saturating_sub(written));
    }
}
