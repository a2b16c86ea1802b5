//! Opus to samples and back.

use bytes::Bytes;
use opusic_c::{Application, Bitrate, Channels, Decoder, Encoder, ErrorCode, SampleRate};
use surecast_media::frame::{Format, Shape};
use surecast_media::opus;

use crate::error::Error;
use crate::pcm::RATE;

/// Samples per channel in the packets that we make: 20 ms, as browsers send
/// them.
pub(crate) const PACKET: usize = 960;

/// Samples per channel in the longest packet: 120 ms (RFC 6716 §3.2.5).
const LONGEST: usize = 5760;

/// Concealment works in steps of 2.5 ms.
const STEP: usize = 120;

/// RFC 6716 §3.4 allows 1275 bytes a frame; our packets have one.
const MAX_PACKET: usize = 1276;

/// Two seconds of packets of 20 ms, as for AAC.
const MAX_FAILURES: u32 = 100;

/// How to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusSettings {
    /// Bits a second for two channels, 12,000 to 510,000; one channel gets
    /// two thirds of it.
    pub bitrate: u32,
    /// 0 (cheapest) to 10 (best).
    pub complexity: u8,
}

impl Default for OpusSettings {
    /// 128 kbit/s: transparent for music in listening tests. Complexity 9 is
    /// libopus's own default.
    fn default() -> Self {
        Self {
            bitrate: 128_000,
            complexity: 9,
        }
    }
}

fn channels_of(channels: u8) -> Result<Channels, Error> {
    match channels {
        1 => Ok(Channels::Mono),
        2 => Ok(Channels::Stereo),
        n => Err(Error::Unsupported(format!(
            "Opus with {n} channels is not done here: 1 or 2"
        ))),
    }
}

/// libopus refuses only what its caller did wrong.
fn broken(_: ErrorCode) -> Error {
    Error::Broken("Opus codec")
}

/// Encodes packets of 20 ms at 48 kHz, without in-band error correction: what
/// goes to many viewers is repaired by retransmission.
pub struct OpusEncoder {
    encoder: Encoder,
    channels: u8,
    delay: u16,
}

impl OpusEncoder {
    /// For one or two channels.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for other numbers of channels.
    pub fn new(channels: u8, settings: OpusSettings) -> Result<Self, Error> {
        let mut encoder = Encoder::new(
            channels_of(channels)?,
            SampleRate::Hz48000,
            Application::Audio,
        )
        .map_err(broken)?;
        let bitrate = if channels == 1 {
            settings.bitrate / 3 * 2
        } else {
            settings.bitrate
        };
        let bitrate = Bitrate::Value(bitrate.clamp(6_000, 510_000));
        encoder.set_bitrate(bitrate).map_err(broken)?;
        encoder
            .set_complexity(settings.complexity.min(10))
            .map_err(broken)?;
        let delay = encoder.get_look_ahead().map_err(broken)?;
        let delay = u16::try_from(delay).map_err(|_| Error::Broken("Opus codec"))?;
        Ok(Self {
            encoder,
            channels,
            delay,
        })
    }

    /// Samples by which a decoder gives everything later than it went in.
    #[must_use]
    pub const fn delay(&self) -> u16 {
        self.delay
    }

    /// The format of its packets.
    #[must_use]
    pub fn format(&self) -> Format {
        opus::format(RATE, self.channels, self.delay)
    }

    /// Encodes 960 samples per channel, channels side by side.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] for another number of samples.
    pub fn encode(&mut self, samples: &[f32]) -> Result<Bytes, Error> {
        if samples.len() != PACKET * usize::from(self.channels) {
            return Err(Error::Broken("Opus codec"));
        }
        let mut packet = vec![0; MAX_PACKET];
        let length = self
            .encoder
            .encode_float_to_slice(samples, &mut packet)
            .map_err(broken)?;
        packet.truncate(length);
        Ok(packet.into())
    }
}

/// Decodes packets at 48 kHz, and makes up what was lost.
pub struct OpusDecoder {
    decoder: Decoder,
    channels: u8,
    failures: u32,
}

impl OpusDecoder {
    /// For one or two channels; packets may have either, and are brought to
    /// this number.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for other numbers of channels.
    pub fn new(channels: u8) -> Result<Self, Error> {
        let decoder = Decoder::new(channels_of(channels)?, SampleRate::Hz48000).map_err(broken)?;
        Ok(Self {
            decoder,
            channels,
            failures: 0,
        })
    }

    /// From a format, whose configuration goes before its shape.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for more than two channels.
    pub fn for_format(format: &Format) -> Result<Self, Error> {
        let Shape::Audio { channels, .. } = format.shape else {
            return Err(Error::Config("Opus with a picture".into()));
        };
        Self::new(format.config.get(1).copied().unwrap_or(channels))
    }

    /// Channels of what comes out.
    #[must_use]
    pub const fn channels(&self) -> u8 {
        self.channels
    }

    /// Samples per channel in a packet; `None` where it is none.
    #[must_use]
    pub fn samples(&self, packet: &[u8]) -> Option<usize> {
        let count = self.decoder.get_nb_samples(packet).ok()?;
        (1..=LONGEST).contains(&count).then_some(count)
    }

    /// Appends a packet's samples to `out`, channels side by side. False: the
    /// packet is damaged, and nothing was appended.
    ///
    /// # Errors
    ///
    /// After a hundred damaged packets in a row.
    pub fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<bool, Error> {
        let result = match self.samples(packet) {
            Some(count) => self.run(packet, count, false, out),
            None => Err(ErrorCode::InvalidPacket),
        };
        match result {
            Ok(()) => {
                self.failures = 0;
                Ok(true)
            }
            Err(e) => {
                self.failures += 1;
                if self.failures >= MAX_FAILURES {
                    return Err(Error::Undecodable(
                        self.failures,
                        "Opus",
                        e.message().into(),
                    ));
                }
                Ok(false)
            }
        }
    }

    /// Appends about `missing` samples per channel, at most 120 ms, that were
    /// lost before `next`: the last of them from `next`'s in-band error
    /// correction where it has any, the others made up from what was before.
    pub fn conceal(&mut self, missing: usize, next: &[u8], out: &mut Vec<f32>) {
        let missing = (missing.min(LONGEST) / STEP) * STEP;
        let repaired = self.samples(next).unwrap_or(0).min(missing);
        if missing > repaired {
            let _ = self.run(&[], missing - repaired, false, out);
        }
        if repaired > 0 {
            let _ = self.run(next, repaired, true, out);
        }
    }

    fn run(
        &mut self,
        packet: &[u8],
        count: usize,
        repair: bool,
        out: &mut Vec<f32>,
    ) -> Result<(), ErrorCode> {
        let start = out.len();
        let channels = usize::from(self.channels);
        out.resize(start + count * channels, 0.0);
        let result = self
            .decoder
            .decode_float_to_slice(packet, &mut out[start..], repair);
        out.truncate(start + result.unwrap_or(0) * channels);
        for sample in &mut out[start..] {
            *sample = if sample.is_finite() {
                sample.clamp(-1.5, 1.5)
            } else {
                0.0
            };
        }
        result.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn its_head_is_as_rfc_7845_says() {
        let encoder = OpusEncoder::new(2, OpusSettings::default()).unwrap();
        assert_eq!(encoder.delay(), 312);
        let head = [1, 2, 0x38, 1, 0x80, 0xbb, 0, 0, 0, 0, 0];
        assert_eq!(encoder.format().config, Bytes::copy_from_slice(&head));
        assert!(OpusEncoder::new(6, OpusSettings::default()).is_err());
    }

    #[test]
    fn the_bitrate_is_kept() {
        let mut encoder = OpusEncoder::new(
            2,
            OpusSettings {
                bitrate: 64_000,
                complexity: 5,
            },
        )
        .unwrap();
        let mut noise = fastrand(1);
        let packets = (0..250).map(|_| {
            let samples: Vec<f32> = (0..PACKET * 2).map(|_| noise() * 0.3).collect();
            encoder.encode(&samples).unwrap().len()
        });
        let rate = packets.sum::<usize>() * 8 / 5;
        assert!((50_000..80_000).contains(&rate), "{rate} bit/s");
    }

    /// Noise between -1 and 1 (xorshift).
    fn fastrand(mut seed: u32) -> impl FnMut() -> f32 {
        move || {
            seed ^= seed << 13;
            seed ^= seed >> 17;
            seed ^= seed << 5;
            seed as f32 / u32::MAX as f32 * 2.0 - 1.0
        }
    }

    proptest! {
        #[test]
        fn any_packets_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            crate::fuzz_opus(&bytes);
        }
    }
}
