//! The packets of a transport stream (ISO/IEC 13818-1 §2.4.3).

/// Bytes of a transport packet.
pub const PACKET_BYTES: usize = 188;
/// The first byte of each packet.
pub(super) const SYNC: u8 = 0x47;
/// The program association table.
pub(super) const PID_PAT: u16 = 0;
/// Stuffing, to be skipped.
pub(super) const PID_NULL: u16 = 0x1fff;

/// One transport packet, looked at where it lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// Packet identifier, 13 bits.
    pub pid: u16,
    /// A PES packet or a section begins in the payload.
    pub start: bool,
    /// The payload is encrypted (transport_scrambling_control).
    pub scrambled: bool,
    /// continuity_counter, 4 bits.
    pub counter: u8,
    /// The stream says itself that the counter jumps here.
    pub discontinuity: bool,
    /// `None` where the packet carries an adaptation field only: its counter
    /// does not count.
    pub payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    /// `None` for what is no packet, and for one that a demodulator marked as
    /// broken: its bytes, the PID among them, mean nothing.
    pub(super) fn parse(bytes: &'a [u8; PACKET_BYTES]) -> Option<Self> {
        let [sync, b1, b2, b3, rest @ ..] = bytes;
        let broken = b1 & 0x80 != 0;
        if *sync != SYNC || broken {
            return None;
        }
        let (discontinuity, payload) = match b3 >> 4 & 3 {
            1 => (false, Some(&rest[..])),
            2 => (adaptation(rest)?.0, None),
            3 => {
                let (discontinuity, payload) = adaptation(rest)?;
                (discontinuity, Some(payload))
            }
            _ => return None,
        };
        Some(Self {
            pid: u16::from(b1 & 0x1f) << 8 | u16::from(*b2),
            start: b1 & 0x40 != 0,
            scrambled: b3 & 0xc0 != 0,
            counter: b3 & 0x0f,
            discontinuity,
            payload,
        })
    }
}

/// The adaptation field's discontinuity_indicator, and what follows the field.
fn adaptation(rest: &[u8]) -> Option<(bool, &[u8])> {
    let (length, rest) = rest.split_first()?;
    let (field, payload) = rest.split_at_checked(usize::from(*length))?;
    let flags = field.first().copied().unwrap_or(0);
    Some((flags & 0x80 != 0, payload))
}

/// Cuts a run of bytes, however it is chunked, into packets.
///
/// In step it takes 188 bytes at a time. Out of step it looks for a sync byte
/// that is followed by another one 188 bytes on. It keeps less than two
/// packets: what it needs to see that.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    carry: Vec<u8>,
    in_step: bool,
    /// How often it fell out of step.
    pub losses: u64,
}

impl Cutter {
    /// Calls `each` for all packets that are whole now.
    pub(super) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8; PACKET_BYTES])) {
        self.carry.extend_from_slice(bytes);
        let carry = std::mem::take(&mut self.carry);
        let mut left = carry.as_slice();
        while let Some((packet, rest)) = self.cut(&mut left) {
            each(packet);
            left = rest;
        }
        // Never more than a packet and the byte after it.
        self.carry = left.to_vec();
    }

    /// The next packet and what follows it. Moves `left` over what is no
    /// packet.
    fn cut<'a>(&mut self, left: &mut &'a [u8]) -> Option<(&'a [u8; PACKET_BYTES], &'a [u8])> {
        if !self.in_step {
            *left = seek(left)?;
            self.in_step = true;
        } else if left.first().is_some_and(|first| *first != SYNC) {
            self.in_step = false;
            self.losses += 1;
            return self.cut(left);
        }
        left.split_first_chunk()
    }

    /// The last packet, which has no byte after it to confirm it.
    pub(super) fn finish(&mut self, mut each: impl FnMut(&[u8; PACKET_BYTES])) {
        if let Some((packet, [])) = self.carry.split_first_chunk()
            && packet[0] == SYNC
        {
            each(packet);
        }
        self.carry.clear();
        self.in_step = false;
    }
}

/// From the first sync byte that another one confirms. Where none is: leaves
/// in `left` what may still become one.
fn seek<'a>(left: &mut &'a [u8]) -> Option<&'a [u8]> {
    let confirmed = |at: &usize| left[*at] == SYNC && left[at + PACKET_BYTES] == SYNC;
    let seen = left.len().saturating_sub(PACKET_BYTES);
    match (0..seen).find(confirmed) {
        Some(at) => Some(&left[at..]),
        None => {
            *left = &left[seen..];
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(chunks: &[&[u8]]) -> (Vec<u8>, u64) {
        let mut cutter = Cutter::default();
        let mut seen = Vec::new();
        for chunk in chunks {
            cutter.push(chunk, |packet| seen.push(packet[1]));
        }
        cutter.finish(|packet| seen.push(packet[1]));
        (seen, cutter.losses)
    }

    fn packet(mark: u8) -> Vec<u8> {
        let mut packet = vec![0xff; PACKET_BYTES];
        packet[..4].copy_from_slice(&[SYNC, mark, 0, 0x10]);
        packet
    }

    #[test]
    fn finds_back_into_step() {
        let stream = [
            &[SYNC, 9, 9][..],
            &packet(1),
            &packet(2),
            &[0; 77],
            &packet(3),
            &packet(4),
        ];
        assert_eq!(packets(&stream), (vec![1, 2, 3, 4], 1));
        let bytes = stream.concat();
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(packets(&single), (vec![1, 2, 3, 4], 1));
    }

    #[test]
    fn a_field_longer_than_the_packet_is_no_packet() {
        let mut bytes = [0xff; PACKET_BYTES];
        bytes[..5].copy_from_slice(&[SYNC, 0x40, 0x20, 0x30, 184]);
        assert!(Packet::parse(&bytes).is_none());
        bytes[4] = 183;
        assert_eq!(
            Packet::parse(&bytes).and_then(|packet| packet.payload),
            Some(&[][..])
        );
    }
}
