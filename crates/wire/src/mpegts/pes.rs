//! Packetized elementary streams (ISO/IEC 13818-1 §2.4.3.6).

use bytes::Bytes;

/// What a PES packet said before its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// Presentation, 33 bits at 90 kHz.
    pub pts: u64,
    /// Decoding; equal to `pts` where the packet did not say.
    pub dts: u64,
}

/// One PES packet, whole.
#[derive(Clone, Debug)]
pub(super) struct Pes {
    /// `None` where the packet carries none.
    pub times: Option<Times>,
    /// The elementary stream's bytes.
    pub payload: Bytes,
}

/// Puts PES packets together from the payloads of one PID.
#[derive(Debug)]
pub(super) struct Assembler {
    buffer: Vec<u8>,
    /// Bytes of the whole packet, from its header on; `None` while not known
    /// or not told (PES_packet_length 0: until the next begins).
    length: Option<usize>,
    collecting: bool,
    limit: usize,
}

impl Assembler {
    /// `limit`: bytes after which a packet that does not end is given up.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            length: None,
            collecting: false,
            limit,
        }
    }

    /// The PES packets that are complete with this payload.
    pub(super) fn push(&mut self, start: bool, payload: &[u8], mut each: impl FnMut(Pes)) {
        if start {
            if let Some(pes) = self.take() {
                each(pes);
            }
            self.collecting = true;
        }
        if !self.collecting {
            return;
        }
        if self.buffer.len() + payload.len() > self.limit {
            return self.forget();
        }
        self.buffer.extend_from_slice(payload);
        if self.length.is_none() {
            self.length = told_length(&self.buffer);
        }
        if self
            .length
            .is_some_and(|length| self.buffer.len() >= length)
            && let Some(pes) = self.take()
        {
            each(pes);
        }
    }

    /// Bytes are missing: what was collected is no packet.
    pub(super) fn forget(&mut self) {
        self.buffer.clear();
        self.length = None;
        self.collecting = false;
    }

    /// The packet as far as it came: it has no length, and another begins or
    /// the stream ends.
    pub(super) fn take(&mut self) -> Option<Pes> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let length = self.length.take();
        self.collecting = false;
        match length {
            // A packet that was to be longer is cut.
            Some(length) if buffer.len() < length => return None,
            Some(length) => buffer.truncate(length),
            None => {}
        }
        parse(buffer)
    }
}

/// Header and payload together, where the packet tells it.
fn told_length(bytes: &[u8]) -> Option<usize> {
    let [0, 0, 1, _, high, low, ..] = bytes else {
        return None;
    };
    match u16::from_be_bytes([*high, *low]) {
        0 => None,
        length => Some(6 + usize::from(length)),
    }
}

fn parse(bytes: Vec<u8>) -> Option<Pes> {
    let [0, 0, 1, _id, _, _, marker, flags, header_length, rest @ ..] = bytes.as_slice() else {
        return None;
    };
    // Others (padding, MPEG-1 systems) have another header.
    if marker & 0xc0 != 0x80 {
        return None;
    }
    let header = rest.get(..usize::from(*header_length))?;
    let times = times(flags >> 6, header);
    let start = 9 + header.len();
    let payload = Bytes::from(bytes).slice(start..);
    Some(Pes { times, payload })
}

fn times(flags: u8, header: &[u8]) -> Option<Times> {
    let pts = || header.first_chunk().map(timestamp);
    match flags {
        2 => pts().map(|pts| Times { pts, dts: pts }),
        3 => {
            let dts = header.get(5..)?.first_chunk().map(timestamp)?;
            pts().map(|pts| Times { pts, dts })
        }
        _ => None,
    }
}

/// 33 bits with marker bits between them.
fn timestamp(bytes: &[u8; 5]) -> u64 {
    let [a, b, c, d, e] = bytes.map(u64::from);
    (a >> 1 & 7) << 30 | b << 22 | (c >> 1) << 15 | d << 7 | e >> 1
}

/// The header of a PES packet with `payload` bytes after it. `times` are 33
/// bits at 90 kHz. Packets longer than the field can tell are written with
/// length 0, which only video may have (§2.4.3.7).
pub(super) fn write_header(stream_id: u8, times: Times, aligned: bool, payload: usize) -> Vec<u8> {
    let both = times.pts != times.dts;
    let header_length: u8 = if both { 10 } else { 5 };
    let length = 3 + usize::from(header_length) + payload;
    let length = u16::try_from(length).unwrap_or(0);
    let mut header = vec![0, 0, 1, stream_id];
    header.extend(length.to_be_bytes());
    header.push(if aligned { 0x84 } else { 0x80 });
    header.extend([if both { 0xc0 } else { 0x80 }, header_length]);
    header.extend(write_timestamp(if both { 3 } else { 2 }, times.pts));
    if both {
        header.extend(write_timestamp(1, times.dts));
    }
    header
}

fn write_timestamp(prefix: u8, time: u64) -> [u8; 5] {
    let byte = |shift: u32| (time >> shift) as u8;
    [
        prefix << 4 | byte(29) & 0x0e | 1,
        byte(22),
        byte(14) | 1,
        byte(7),
        byte(0) << 1 | 1,
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_survive(pts in 0u64..1 << 33, dts in 0u64..1 << 33, split in 1usize..40) {
            let times = Times { pts, dts };
            let mut bytes = write_header(0xe0, times, true, 5);
            bytes.extend([1, 2, 3, 4, 5]);
            let mut assembler = Assembler::new(1000);
            let mut seen = Vec::new();
            for (index, piece) in bytes.chunks(split).enumerate() {
                assembler.push(index == 0, piece, |pes| seen.push(pes));
            }
            prop_assert_eq!(seen.len(), 1);
            prop_assert_eq!(seen[0].times, Some(times));
            prop_assert_eq!(&seen[0].payload[..], &[1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn a_packet_without_length_ends_where_the_next_begins() {
        let mut bytes = write_header(0xe0, Times { pts: 1, dts: 1 }, true, 70_000);
        assert_eq!(bytes[4..6], [0, 0]);
        bytes.push(7);
        let mut assembler = Assembler::new(100);
        let mut seen = Vec::new();
        assembler.push(true, &bytes, |pes| seen.push(pes));
        assert!(seen.is_empty());
        assembler.push(true, &bytes, |pes| seen.push(pes));
        assert_eq!(seen.len(), 1);
        // Too long: given up until another begins.
        assembler.push(false, &[0; 100], |pes| seen.push(pes));
        assembler.push(true, &bytes, |pes| seen.push(pes));
        assert_eq!(seen.len(), 1);
    }

    #[test]
    fn a_cut_packet_is_dropped() {
        let bytes = write_header(0xc0, Times { pts: 1, dts: 1 }, true, 50);
        let mut assembler = Assembler::new(100);
        assembler.push(true, &bytes, |_| panic!("cut"));
        assembler.push(true, &bytes, |_| panic!("cut"));
    }
}
