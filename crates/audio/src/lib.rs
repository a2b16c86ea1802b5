//! AAC and Opus into each other, without processes, sockets or clocks.
//!
//! Encoders send AAC, rooms speak Opus. The stages here take [`Frame`]s of one
//! and give frames of the other, or [`Pcm`] where an AAC encoder outside the
//! process comes next:
//!
//! ```text
//! AAC ─► AacDecoder ─► Splicer ─► Resampler ─► PcmToOpus ─► Opus     (AacToOpus)
//! Opus ─► OpusDecoder ─► Splicer ─► Pcm at 48 kHz                    (OpusToPcm)
//! ```
//!
//! A stage is fed with `push` and emptied with `poll` after every push: it
//! holds what one push gave, and less than 50 ms of sound besides.
//!
//! **Time.** A frame's timestamp says when the first sample that a decoder
//! gives for it is heard. Behind a stage, timestamps count samples: they have
//! no jitter and no gaps. What the input's timestamps say otherwise is resolved
//! in sound: see [`splice`]. The delays of decoders, resampler and encoders are
//! subtracted, so that sound stays where it was beside the picture.
//!
//! [`Frame`]: surecast_media::frame::Frame

mod aac;
mod aac_to_opus;
mod error;
mod guard;
mod opus;
mod opus_to_pcm;
mod pcm;
mod pcm_to_opus;
mod resample;
pub mod splice;

pub use aac::AacDecoder;
pub use aac_to_opus::AacToOpus;
pub use error::Error;
pub use opus::{OpusDecoder, OpusEncoder, OpusSettings};
pub use opus_to_pcm::OpusToPcm;
pub use pcm::{Pcm, RATE};
pub use pcm_to_opus::PcmToOpus;

/// Any bytes as AAC frames behind any configuration. For fuzzing: must not
/// panic.
pub fn fuzz_aac(bytes: &[u8]) {
    let Some((&length, rest)) = bytes.split_first() else {
        return;
    };
    let (config, frames) = rest.split_at(rest.len().min(usize::from(length % 8)));
    let config = bytes::Bytes::copy_from_slice(config);
    let Some(format) = surecast_media::aac::format_from_config(config) else {
        return;
    };
    let Ok(mut stage) = AacToOpus::new(&format, OpusSettings::default()) else {
        return;
    };
    fuzz_frames(frames, |frame| {
        let result = stage.push(frame);
        while stage.poll().is_some() {}
        result.is_ok()
    });
}

/// Any bytes as Opus packets. For fuzzing: must not panic.
pub fn fuzz_opus(bytes: &[u8]) {
    let Ok(mut stage) = OpusToPcm::new(&surecast_media::opus::format(RATE, 2, 0)) else {
        return;
    };
    fuzz_frames(bytes, |frame| {
        let result = stage.push(frame);
        while stage.poll().is_some() {}
        result.is_ok()
    });
}

/// Cuts `bytes` into frames: a length, a step in time of some milliseconds
/// either way, then the data.
fn fuzz_frames(mut bytes: &[u8], mut push: impl FnMut(&surecast_media::frame::Frame) -> bool) {
    let mut at = surecast_media::frame::MediaTime(0);
    while let [length, step, rest @ ..] = bytes {
        let (data, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        let millis = i64::from(*step as i8);
        at = at.plus(if millis == 0 { 21_333 } else { millis * 4_000 });
        let frame = pcm::frame(at, bytes::Bytes::copy_from_slice(data));
        if !push(&frame) {
            return;
        }
        bytes = rest;
    }
}
