//! RFC 7741, with a picture id of 15 bits.

use surecast_media::vp8::{Descriptor, PictureId};

use super::{Output, pieces};

/// `X` and `I` with a long picture id: four bytes.
const DESCRIPTOR: usize = 4;

pub(super) fn packetize(picture: u16, data: &[u8], out: &mut Output) {
    for piece in pieces(data, out.mtu - DESCRIPTOR) {
        let mut head = Vec::with_capacity(DESCRIPTOR);
        let descriptor = Descriptor {
            start_of_partition: piece.first,
            picture_id: Some(PictureId::Long(picture)),
            ..Descriptor::default()
        };
        descriptor.write(&mut head);
        out.push(&head, piece.data);
    }
}
