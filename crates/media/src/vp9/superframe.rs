//! Superframes: several frames of one instant as one (VP9 bitstream
//! specification, annex B).

use bytes::{BufMut, Bytes, BytesMut};

/// Three bits count them.
const MAX_FRAMES: usize = 8;

/// The frames of a superframe in order; the frame itself where it is none.
pub fn superframe(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (count, size_len) = index(data).unwrap_or((1, 0));
    let index_len = if size_len == 0 {
        0
    } else {
        2 + count * size_len
    };
    let (frames, index) = data.split_at(data.len() - index_len);
    let mut rest = frames;
    (0..count)
        .map_while(move |frame| {
            if size_len == 0 {
                return Some(rest);
            }
            let at = 1 + frame * size_len;
            let size = index.get(at..at + size_len)?;
            let size = size
                .iter()
                .rev()
                .fold(0usize, |n, &b| n << 8 | usize::from(b));
            let (frame, tail) = rest.split_at_checked(size)?;
            rest = tail;
            Some(frame)
        })
        .filter(|frame| !frame.is_empty())
}

/// The frames of one instant as one: with an index where there are several. What
/// is past the eighth is left out.
#[must_use]
pub fn join_superframe(frames: &[&[u8]]) -> Bytes {
    let frames = &frames[..frames.len().min(MAX_FRAMES)];
    let mut out = BytesMut::with_capacity(frames.iter().map(|it| it.len()).sum::<usize>() + 34);
    frames.iter().for_each(|frame| out.put_slice(frame));
    if frames.len() > 1 {
        // Sizes in four bytes each.
        let marker = 0xc0 | 3 << 3 | u8::try_from(frames.len() - 1).unwrap_or(0);
        out.put_u8(marker);
        for frame in frames {
            out.put_u32_le(u32::try_from(frame.len()).unwrap_or(u32::MAX));
        }
        out.put_u8(marker);
    }
    out.freeze()
}

/// How many frames there are and how many bytes each size takes. `None` where
/// there is no index.
fn index(data: &[u8]) -> Option<(usize, usize)> {
    let &marker = data.last()?;
    if marker & 0xe0 != 0xc0 {
        return None;
    }
    let count = usize::from(marker & 0x07) + 1;
    let size_len = usize::from(marker >> 3 & 0x03) + 1;
    let start = data.len().checked_sub(2 + count * size_len)?;
    (data[start] == marker).then_some((count, size_len))
}
