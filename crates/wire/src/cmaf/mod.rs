//! CMAF and fragmented MP4 (ISO/IEC 23000-19, 14496-12).
//!
//! [`init`] writes what a decoder has to know, [`chunk`] the frames: `moof` and
//! `mdat`, of one track (CMAF) or of several (recordings). [`read`] reads both
//! back, for checkers and for recordings that were cut off.

mod boxes;
mod chunk;
mod entry;
mod event;
mod init;
pub mod read;
mod recording;
#[cfg(test)]
mod tests;

pub use chunk::{Run, Sample, chunk};
pub use event::{ID3_SCHEME, event, producer_time};
pub use init::{Track, init, timescale};
pub use recording::{Recording, Written};
