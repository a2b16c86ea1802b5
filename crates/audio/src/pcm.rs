//! Decoded sound.

use bytes::Bytes;
use surecast_media::frame::{Frame, MediaTime};

/// Samples a second per channel, everywhere behind a decoder: what Opus works
/// at.
pub const RATE: u32 = 48_000;

/// A piece of decoded sound at [`RATE`].
#[derive(Clone, Debug, PartialEq)]
pub struct Pcm {
    /// When its first sample is heard.
    pub at: MediaTime,
    /// 1 or 2.
    pub channels: u8,
    /// -1 to 1; the channels of an instant side by side.
    pub samples: Vec<f32>,
}

impl Pcm {
    /// Samples per channel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len() / usize::from(self.channels.max(1))
    }

    /// There is no sample in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// When the sample after its last one is heard.
    #[must_use]
    pub fn end(&self) -> MediaTime {
        self.at.plus(micros(self.len() as u64, RATE))
    }

    /// As 16-bit integers, little-endian, as WAV files and pipes carry them.
    #[must_use]
    pub fn to_s16le(&self) -> Vec<u8> {
        let integer = |sample: &f32| (sample * 32_767.0).clamp(-32_768.0, 32_767.0) as i16;
        self.samples
            .iter()
            .flat_map(|sample| integer(sample).to_le_bytes())
            .collect()
    }
}

/// The duration of `samples` at `rate` in microseconds, to the nearest.
pub(crate) fn micros(samples: u64, rate: u32) -> i64 {
    MediaTime::from_ticks(i64::try_from(samples).unwrap_or(i64::MAX), rate).0
}

/// How many samples at `rate` last `micros`, to the nearest; 0 for less than
/// nothing.
pub(crate) fn samples(micros: i64, rate: u32) -> usize {
    usize::try_from(MediaTime(micros).to_ticks(rate)).unwrap_or(0)
}

/// A frame of sound.
pub(crate) fn frame(at: MediaTime, data: Bytes) -> Frame {
    Frame {
        dts: at,
        pts: at,
        keyframe: true,
        data,
    }
}
