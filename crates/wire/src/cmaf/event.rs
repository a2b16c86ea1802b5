//! What goes before a chunk: timed metadata and the producer's clock.

use bytes::Bytes;

use super::boxes::Boxes;

/// Scheme of an ID3 tag in an event (Carriage of ID3 Timed Metadata in CMAF §3).
pub const ID3_SCHEME: &str = "https://aomedia.org/emsg/ID3";

/// An `emsg` of version 1 (ISO/IEC 23009-1 §5.10.3.3): `message` applies at
/// `time` ticks of the track's timeline; how long is not told. `id` tells events
/// apart: players drop what they have seen.
#[must_use]
pub fn event(scheme: &str, id: u32, time: u64, timescale: u32, message: &[u8]) -> Bytes {
    let mut out = Boxes::default();
    out.full(b"emsg", 1, 0, |out| {
        out.u32(timescale);
        out.u64(time);
        out.u32(u32::MAX);
        out.u32(id);
        out.put(scheme.as_bytes());
        out.u8(0);
        // No value.
        out.u8(0);
        out.put(message);
    });
    out.0.into()
}

/// Seconds from 1900 (NTP) to 1970 (Unix).
const NTP_EPOCH: u64 = 2_208_988_800;

/// A `prft` (ISO/IEC 14496-12 §8.16.5): the frame at `time` ticks of the track
/// was captured at `unix_micros`.
#[must_use]
pub fn producer_time(track: u32, unix_micros: u64, time: u64) -> Bytes {
    let seconds = unix_micros / 1_000_000 + NTP_EPOCH;
    let fraction = ((unix_micros % 1_000_000) << 32) / 1_000_000;
    let mut out = Boxes::default();
    // Flags 24: the time at which the frame was captured.
    out.full(b"prft", 1, 24, |out| {
        out.u32(track);
        out.u64(seconds << 32 | fraction);
        out.u64(time);
    });
    out.0.into()
}
