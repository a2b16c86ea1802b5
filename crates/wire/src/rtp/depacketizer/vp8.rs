//! RFC 7741.

use bytes::{BufMut, Bytes, BytesMut};
use surecast_media::vp8;

use super::assemble::Unit;

/// The payloads one after the other; the first has to begin the frame.
pub(super) fn assemble(unit: &Unit) -> Option<Bytes> {
    let mut data = BytesMut::new();
    for (at, payload) in unit.payloads().enumerate() {
        let packet = vp8::parse(payload)?;
        let begins = packet.descriptor.start_of_partition && packet.descriptor.partition == 0;
        if begins != (at == 0) {
            return None;
        }
        data.put_slice(packet.data);
    }
    Some(data.freeze())
}
