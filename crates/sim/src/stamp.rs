//! The mark that a synthetic packet carries: who sent it, its number, when.
//!
//! It is the payload's last [`LEN`] bytes, so that it survives servers that
//! rewrite the codec's payload descriptor, which stands in front:
//!
//! ```text
//! magic (4) | source (4) | number (4) | nanoseconds since the epoch (8)
//! ```
//! all big-endian. The epoch is whatever the clients of one process agree on.

use std::time::Duration;

/// Bytes at the end of the payload.
pub const LEN: usize = 20;

const MAGIC: [u8; 4] = *b"SCLD";

/// Who sent the packet, its number, when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// One encoding of one published track, unique in the process.
    pub source: u32,
    /// Running number of the packet within the source, wrapping.
    pub number: u32,
    /// Since the epoch.
    pub sent: Duration,
}

impl Stamp {
    /// Overwrites the payload's last bytes; a payload that is too short stays
    /// as it is.
    pub fn write(&self, payload: &mut [u8]) {
        let Some(tail) = payload.last_chunk_mut::<LEN>() else {
            return;
        };
        let nanos = u64::try_from(self.sent.as_nanos()).unwrap_or(u64::MAX);
        tail[..4].copy_from_slice(&MAGIC);
        tail[4..8].copy_from_slice(&self.source.to_be_bytes());
        tail[8..12].copy_from_slice(&self.number.to_be_bytes());
        tail[12..].copy_from_slice(&nanos.to_be_bytes());
    }

    /// Reads the mark; `None` where there is none, as on packets that a server
    /// made itself.
    #[must_use]
    pub fn read(payload: &[u8]) -> Option<Self> {
        let tail = payload.last_chunk::<LEN>()?;
        let (magic, tail) = tail.split_first_chunk::<4>()?;
        let (source, tail) = tail.split_first_chunk::<4>()?;
        let (number, tail) = tail.split_first_chunk::<4>()?;
        let nanos = tail.first_chunk::<8>()?;
        (*magic == MAGIC).then(|| Self {
            source: u32::from_be_bytes(*source),
            number: u32::from_be_bytes(*number),
            sent: Duration::from_nanos(u64::from_be_bytes(*nanos)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trip(source: u32, number: u32, nanos: u64, mut payload: Vec<u8>) {
            let stamp = Stamp { source, number, sent: Duration::from_nanos(nanos) };
            payload.resize(payload.len() + LEN, 0);
            stamp.write(&mut payload);
            prop_assert_eq!(Stamp::read(&payload), Some(stamp));
        }

        #[test]
        fn any_bytes(mut payload: Vec<u8>) {
            let _ = Stamp::read(&payload);
            let stamp = Stamp { source: 1, number: 2, sent: Duration::ZERO };
            stamp.write(&mut payload);
        }
    }
}
