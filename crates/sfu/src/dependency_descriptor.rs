//! The dependency descriptor (AV1 RTP specification, appendix A) on its way
//! through: as it came.
//!
//! A receiver of AV1 in several spatial layers finds frames and key pictures
//! by it. All layers of a stream are forwarded, so nothing in it has to change.

use std::sync::Arc;

use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues};

const URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// Our number for it; an offer may choose another.
pub(crate) const ID: u8 = 8;

/// Longest value of the two-byte form (RFC 8285 §4.3).
const MAX_LEN: usize = 255;

/// Longest value of the one-byte form (RFC 8285 §4.2).
const MAX_SHORT: usize = 16;

/// The extension's value, shared by all subscribers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DependencyDescriptor(Arc<[u8]>);

/// For the extension map of a connection.
pub(crate) fn extension() -> Extension {
    Extension::with_serializer(URI, PassThrough)
}

/// Takes the descriptor over to an outgoing packet.
pub(crate) fn carry(from: &ExtensionValues, to: &mut ExtensionValues) {
    if let Some(descriptor) = from.user_values.get::<DependencyDescriptor>() {
        to.user_values.set(descriptor.clone());
    }
}

#[derive(Debug)]
struct PassThrough;

impl ExtensionSerializer for PassThrough {
    fn write_to(&self, buf: &mut [u8], ev: &ExtensionValues) -> usize {
        let Some(DependencyDescriptor(value)) = ev.user_values.get() else {
            return 0;
        };
        let Some(place) = buf.get_mut(..value.len()) else {
            return 0;
        };
        place.copy_from_slice(value);
        value.len()
    }

    fn parse_value(&self, buf: &[u8], ev: &mut ExtensionValues) -> bool {
        if buf.is_empty() || buf.len() > MAX_LEN {
            return false;
        }
        ev.user_values.set(DependencyDescriptor(Arc::from(buf)));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, ev: &ExtensionValues) -> bool {
        let value = ev.user_values.get::<DependencyDescriptor>();
        value.is_some_and(|DependencyDescriptor(v)| v.len() > MAX_SHORT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_goes_through_unchanged() {
        for len in [3, 16, 17, 100] {
            let value: Vec<u8> = (0..len).collect();
            let mut received = ExtensionValues::default();
            assert!(PassThrough.parse_value(&value, &mut received));
            let mut sent = ExtensionValues::default();
            carry(&received, &mut sent);
            let mut buf = [0; 200];
            let written = PassThrough.write_to(&mut buf, &sent);
            assert_eq!(buf[..written], value);
            assert_eq!(PassThrough.requires_two_byte_form(&sent), len > 16);
        }
    }

    #[test]
    fn a_packet_without_one_stays_without() {
        let mut sent = ExtensionValues::default();
        carry(&ExtensionValues::default(), &mut sent);
        assert_eq!(PassThrough.write_to(&mut [0; 20], &sent), 0);
        assert!(!PassThrough.parse_value(&[], &mut sent));
        assert_eq!(PassThrough.write_to(&mut [], &sent), 0);
    }
}
