//! RFC 9628, non-flexible mode, one layer.

use surecast_media::frame::Frame;

use super::{Output, pieces};

const PICTURE_ID: u8 = 0x80;
const INTER_PICTURE: u8 = 0x40;
const LAYERS: u8 = 0x20;
const START: u8 = 0x08;
const END: u8 = 0x04;
const STRUCTURE: u8 = 0x02;

/// The longest descriptor: flags, picture id, layer, index, and a structure of
/// one layer with its size and a group of one picture.
const DESCRIPTOR: usize = 5 + 8;

/// Layer and index are there although there is only one layer, and a key frame
/// tells its structure: receivers of non-flexible mode find references by them.
pub(super) fn packetize(picture: u16, size: Option<(u32, u32)>, frame: &Frame, out: &mut Output) {
    let [high, low] = (picture | 0x8000).to_be_bytes();
    let index = low;
    let inter = if frame.keyframe { 0 } else { INTER_PICTURE };
    for piece in pieces(&frame.data, out.mtu - DESCRIPTOR) {
        let flags = PICTURE_ID
            | LAYERS
            | inter
            | if piece.first { START } else { 0 }
            | if piece.last { END } else { 0 };
        let mut head = Vec::with_capacity(DESCRIPTOR);
        head.extend([flags, high, low, 0, index]);
        if piece.first && frame.keyframe {
            head[0] |= STRUCTURE;
            push_structure(size, &mut head);
        }
        out.push(&head, piece.data);
    }
}

/// One spatial layer, and each picture refers to the one before.
fn push_structure(size: Option<(u32, u32)>, head: &mut Vec<u8>) {
    const HAS_SIZE: u8 = 0x10;
    const HAS_GROUP: u8 = 0x08;
    let size = size.and_then(|(width, height)| {
        let width = u16::try_from(width).ok().filter(|&it| it > 0)?;
        Some((width, u16::try_from(height).ok().filter(|&it| it > 0)?))
    });
    head.push(HAS_GROUP | if size.is_some() { HAS_SIZE } else { 0 });
    if let Some((width, height)) = size {
        head.extend(width.to_be_bytes());
        head.extend(height.to_be_bytes());
    }
    // One picture: temporal layer 0, one reference, one picture back.
    head.extend([1, 1 << 2, 1]);
}
