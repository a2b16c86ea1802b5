//! MPEG-2 transport streams (ISO/IEC 13818-1).
//!
//! [`Demuxer`] turns bytes into a stream's items, [`Muxer`] items into packets.
//!
//! H.264 and H.265 travel as Annex B byte streams with parameter sets in front
//! of each keyframe, AAC with ADTS headers, Opus as ffmpeg and "Opus in MPEG-TS"
//! have it, MP3 as it is, AV1 as "Carriage of AV1 in MPEG-2 TS" says, timed
//! metadata as ID3 (Timed Metadata for HTTP Live Streaming §2).

mod clock;
mod demux;
mod es;
mod mux;
mod packet;
mod pes;
mod psi;

#[cfg(test)]
mod tests;

pub use demux::{Demuxer, Notice, Statistics};
pub use mux::{Muxer, Unsupported};
pub use packet::PACKET_BYTES;

/// Reads any bytes and takes what comes; for fuzzing and for its corpus.
pub fn fuzz_mpegts(bytes: &[u8]) {
    let mut demuxer = Demuxer::new();
    let mut muxer = Muxer::new();
    for chunk in bytes.chunks(1316) {
        demuxer.push(chunk);
        while let Some(item) = demuxer.poll_item() {
            let _ = muxer.push(&item);
        }
        while demuxer.poll_notice().is_some() {}
        assert_eq!(muxer.take().len() % PACKET_BYTES, 0);
    }
    demuxer.finish();
}
