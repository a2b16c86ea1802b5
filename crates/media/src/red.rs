//! Redundant audio data (RFC 2198): several encodings in one RTP payload.
//!
//! ```text
//! per redundant block  |1| PT (7) | timestamp offset (14) | length (10) |
//! for the primary      |0| PT (7) |
//! then the data in the same order, the primary last, up to the end
//! ```

use crate::bits::Reader;

/// libwebrtc sends one redundant block, at most nine when told to; twice that
/// with the primary is room enough, and a packet that names more is refused.
pub const MAX_BLOCKS: usize = 20;

/// Fourteen bits: how far back a redundant block may lie, in clock ticks.
pub const MAX_OFFSET: u32 = 0x3fff;

/// Ten bits: how long a redundant block may be, in bytes.
pub const MAX_LEN: usize = 0x3ff;

/// One encoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block<'a> {
    /// RTP payload type of the encoding, seven bits.
    pub payload_type: u8,
    /// How many clock ticks before the packet's own timestamp; 0 on the
    /// primary.
    pub offset: u16,
    /// The encoding.
    pub data: &'a [u8],
}

/// A payload taken apart. Redundant blocks come oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Red<'a> {
    blocks: [Block<'a>; MAX_BLOCKS],
    redundant: usize,
}

impl<'a> Red<'a> {
    /// Takes a payload apart. `None` when it ends too early or names more than
    /// [`MAX_BLOCKS`] blocks.
    #[must_use]
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let mut blocks = [Block::default(); MAX_BLOCKS];
        let mut lens = [0; MAX_BLOCKS];
        let mut redundant = 0;
        let primary_type = loop {
            let head = reader.u8()?;
            if head & 0x80 == 0 {
                break head;
            }
            let &[b0, b1, b2] = reader.take(3)?.first_chunk::<3>()?;
            // One place stays free for the primary.
            if redundant + 1 == MAX_BLOCKS {
                return None;
            }
            blocks[redundant].payload_type = head & 0x7f;
            blocks[redundant].offset = u16::from_be_bytes([b0, b1]) >> 2;
            lens[redundant] = usize::from(b1 & 0x03) << 8 | usize::from(b2);
            redundant += 1;
        };
        for (block, len) in blocks.iter_mut().zip(lens).take(redundant) {
            block.data = reader.take(len)?;
        }
        blocks[redundant] = Block {
            payload_type: primary_type,
            offset: 0,
            data: reader.rest(),
        };
        Some(Self { blocks, redundant })
    }

    /// The newest encoding: what is left when the redundancy is stripped.
    #[must_use]
    pub fn primary(&self) -> Block<'a> {
        self.blocks[self.redundant]
    }

    /// The older encodings, oldest first.
    #[must_use]
    pub fn redundant(&self) -> &[Block<'a>] {
        &self.blocks[..self.redundant]
    }
}

/// The primary encoding of a payload, cheaper than [`Red::parse`]: type and
/// bytes. `None` on what that refuses.
#[must_use]
pub fn primary(payload: &[u8]) -> Option<(u8, &[u8])> {
    let mut reader = Reader::new(payload);
    let mut skip = 0;
    for _ in 0..MAX_BLOCKS {
        let head = reader.u8()?;
        if head & 0x80 == 0 {
            reader.take(skip)?;
            return Some((head, reader.rest()));
        }
        let &[_, b1, b2] = reader.take(3)?.first_chunk::<3>()?;
        skip += usize::from(b1 & 0x03) << 8 | usize::from(b2);
    }
    None
}

/// Appends a payload made of the primary and the redundant blocks, oldest
/// first. Blocks that RFC 2198 cannot express (offset over [`MAX_OFFSET`],
/// more than [`MAX_LEN`] bytes) and those past [`MAX_BLOCKS`] are left out: a
/// packet with less redundancy is better than none.
pub fn write(primary_type: u8, primary: &[u8], redundant: &[Block<'_>], out: &mut Vec<u8>) {
    let sendable = || {
        let fits = |b: &&Block<'_>| u32::from(b.offset) <= MAX_OFFSET && b.data.len() <= MAX_LEN;
        redundant.iter().filter(fits).take(MAX_BLOCKS - 1)
    };
    for block in sendable() {
        let [l0, l1] = u16::try_from(block.data.len()).unwrap_or(0).to_be_bytes();
        let [o0, o1] = (block.offset << 2).to_be_bytes();
        out.extend([0x80 | block.payload_type, o0, o1 | l0, l1]);
    }
    out.push(primary_type & 0x7f);
    for block in sendable() {
        out.extend(block.data);
    }
    out.extend(primary);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_redundant_block() {
        // Offset 960, length 3.
        let payload = [0x80 | 111, 0x0f, 0x00, 0x03, 111, 1, 2, 3, 9, 8];
        let red = Red::parse(&payload).unwrap();
        assert_eq!(
            red.redundant(),
            [Block {
                payload_type: 111,
                offset: 960,
                data: &[1, 2, 3]
            }]
        );
        assert_eq!(red.primary().data, [9, 8]);
        assert_eq!(primary(&payload), Some((111, &[9, 8][..])));
    }

    #[test]
    fn primary_alone() {
        assert_eq!(primary(&[111]), Some((111, &[][..])));
        assert_eq!(Red::parse(&[111, 7]).unwrap().primary().data, [7]);
        assert_eq!(primary(&[]), None);
    }

    #[test]
    fn truncated_or_endless() {
        assert_eq!(Red::parse(&[0x80 | 111, 0, 0]), None);
        assert_eq!(Red::parse(&[0x80 | 111, 0, 0, 5, 111, 1]), None);
        let endless = [0x80; 4 * MAX_BLOCKS + 1];
        assert_eq!(Red::parse(&endless), None);
        assert_eq!(primary(&endless), None);
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let long = [0; MAX_LEN + 1];
        let blocks = [
            Block {
                payload_type: 111,
                offset: 0x4000,
                data: &[1],
            },
            Block {
                payload_type: 111,
                offset: 960,
                data: &long,
            },
            Block {
                payload_type: 111,
                offset: 960,
                data: &[2],
            },
        ];
        let mut out = Vec::new();
        write(111, &[3], &blocks, &mut out);
        let red = Red::parse(&out).unwrap();
        assert_eq!(red.redundant(), &blocks[2..]);
        assert_eq!(red.primary().data, [3]);
    }

    proptest! {
        #[test]
        fn any_bytes(payload: Vec<u8>) {
            let whole = Red::parse(&payload).map(|red| {
                let block = red.primary();
                (block.payload_type, block.data)
            });
            prop_assert_eq!(whole, primary(&payload));
        }

        #[test]
        fn round_trip(
            primary_data: Vec<u8>,
            kind in 0u8..0x80,
            inner in prop::collection::vec(
                (0u8..0x80, 0u16..0x4000, prop::collection::vec(any::<u8>(), 0..300)),
                0..MAX_BLOCKS - 1,
            ),
        ) {
            let blocks: Vec<_> = inner
                .iter()
                .map(|(payload_type, offset, data)| Block {
                    payload_type: *payload_type,
                    offset: *offset,
                    data,
                })
                .collect();
            let mut out = Vec::new();
            write(kind, &primary_data, &blocks, &mut out);
            let red = Red::parse(&out).unwrap();
            prop_assert_eq!(red.redundant(), &blocks[..]);
            prop_assert_eq!(red.primary().data, &primary_data[..]);
            prop_assert_eq!(red.primary().payload_type, kind);
        }
    }
}
