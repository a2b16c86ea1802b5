//! AAC to samples.

use surecast_media::aac::{AudioSpecificConfig, LOW_COMPLEXITY};
use symphonia_codec_aac::AacDecoder as Symphonia;
use symphonia_core::audio::{Channels, Position};
use symphonia_core::codecs::audio::well_known::CODEC_ID_AAC;
use symphonia_core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia_core::packet::PacketRef;
use symphonia_core::units::{Duration, Timestamp};

use crate::error::Error;
use crate::guard::Guarded;

/// Samples per channel in a frame.
pub(crate) const FRAME: usize = 1024;

/// A frame has at most 6144 bits a channel (ISO/IEC 14496-3 §4.5.3.1), and ADTS
/// has 13 bits for its length.
const MAX_FRAME: usize = 8191;

/// Two seconds. A loss damages a frame or two; what is not decodable for this
/// long is no AAC, or another than the configuration says.
const MAX_FAILURES: u32 = 100;

/// Samples a second of ISO/IEC 14496-3 table 1.18. A decoder picks its tables by
/// them, and a resampler's filter is short for them.
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// The element that ends a frame (`ID_END`), in the first three bits.
const END: u8 = 7;

/// AAC-LC with one or two channels; of HE-AAC only the core, see
/// [`is_core_only`](Self::is_core_only).
///
/// Samples come out as the AAC decoder of ISO/IEC 14496-3 gives them, without a
/// delay of its own: for each frame the 1024 samples that start at its
/// timestamp.
pub struct AacDecoder {
    decoder: Guarded<Symphonia>,
    config: AudioSpecificConfig,
    failures: u32,
}

impl AacDecoder {
    /// From an `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
    ///
    /// # Errors
    ///
    /// [`Error::Config`] where it makes no sense; [`Error::Unsupported`] for
    /// other profiles than LC and HE, more than two channels, and frames of 960
    /// samples.
    pub fn new(config: &[u8]) -> Result<Self, Error> {
        let config = parse(config)?;
        supported(&config)?;
        let channels = match config.channels {
            1 => Position::FRONT_LEFT,
            _ => Position::FRONT_LEFT | Position::FRONT_RIGHT,
        };
        let mut parameters = AudioCodecParameters::new();
        parameters
            .for_codec(CODEC_ID_AAC)
            .with_sample_rate(config.rate)
            .with_channels(Channels::Positioned(channels));
        let make = || Symphonia::try_new(&parameters, &AudioDecoderOptions::default());
        let decoder = make().map_err(|e| Error::Unsupported(format!("AAC: {e}")))?;
        Ok(Self {
            decoder: Guarded::new("AAC decoder", || decoder)?,
            config,
            failures: 0,
        })
    }

    /// Samples a second of what comes out.
    #[must_use]
    pub const fn rate(&self) -> u32 {
        self.config.rate
    }

    /// Channels of what comes out.
    #[must_use]
    pub const fn channels(&self) -> u8 {
        self.config.channels
    }

    /// The stream is HE-AAC, and what comes out is its AAC-LC core: at half the
    /// rate, that is without the upper half of the frequencies, and of HE-AAC
    /// version 2 in mono. HE-AAC that its configuration does not mention
    /// (implicit signalling) is decoded in the same way, unnoticed.
    #[must_use]
    pub const fn is_core_only(&self) -> bool {
        self.config.sbr_rate.is_some()
    }

    /// Appends a frame's samples to `out`, channels side by side. False: the
    /// frame is damaged, and nothing was appended.
    ///
    /// # Errors
    ///
    /// After two seconds of damaged frames, and where the decoder panicked: it
    /// is of no use any more.
    pub fn decode(&mut self, frame: &[u8], out: &mut Vec<f32>) -> Result<bool, Error> {
        match self.try_decode(frame, out)? {
            Ok(()) => {
                self.failures = 0;
                Ok(true)
            }
            Err(why) => {
                self.failures += 1;
                if self.failures >= MAX_FAILURES {
                    return Err(Error::Undecodable(self.failures, "AAC", why));
                }
                Ok(false)
            }
        }
    }

    fn try_decode(
        &mut self,
        frame: &[u8],
        out: &mut Vec<f32>,
    ) -> Result<Result<(), String>, Error> {
        // Without an element of sound the decoder would give the last frame's
        // once more.
        if frame.first().is_none_or(|first| first >> 5 == END) || frame.len() > MAX_FRAME {
            return Ok(Err(format!("{} bytes without sound", frame.len())));
        }
        let length = FRAME * usize::from(self.config.channels);
        let start = out.len();
        let result = self.decoder.with(|decoder| {
            let packet = PacketRef::new(0, Timestamp::new(0), Duration::new(FRAME as u64), frame);
            let decoded = decoder.decode_ref(&packet).map_err(|e| e.to_string())?;
            if decoded.samples_interleaved() != length {
                return Err(format!("{} samples", decoded.samples_interleaved()));
            }
            out.resize(start + length, 0.0);
            decoded.copy_to_slice_interleaved::<f32, _>(&mut out[start..]);
            Ok(())
        });
        // A hostile spectrum sums up to any number, or to none.
        for sample in &mut out[start..] {
            *sample = if sample.is_finite() {
                sample.clamp(-1.5, 1.5)
            } else {
                0.0
            };
        }
        result
    }
}

fn parse(config: &[u8]) -> Result<AudioSpecificConfig, Error> {
    let error = || Error::Config(format!("no AudioSpecificConfig: {config:02x?}"));
    AudioSpecificConfig::parse(config).ok_or_else(error)
}

fn supported(config: &AudioSpecificConfig) -> Result<(), Error> {
    let words = if config.object_type != LOW_COMPLEXITY {
        let kind = config.object_type;
        format!("AAC of object type {kind} is not decoded here: LC (2) or HE (5, 29)")
    } else if !matches!(config.channels, 1 | 2) {
        format!(
            "AAC with {} channels is not decoded here: 1 or 2",
            config.channels
        )
    } else if usize::from(config.frame_len) != FRAME {
        format!(
            "AAC with frames of {} samples is not decoded here: {FRAME}",
            config.frame_len
        )
    } else if !RATES.contains(&config.rate) {
        format!(
            "AAC at {} Hz is not decoded here: the rates of the standard",
            config.rate
        )
    } else {
        return Ok(());
    };
    Err(Error::Unsupported(words))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_it_cannot_do_is_said() {
        let error = |config: &[u8]| AacDecoder::new(config).err().unwrap();
        assert!(matches!(error(&[]), Error::Config(_)));
        // Six channels; 960 samples; Main profile.
        for config in [[0x11, 0xb0], [0x11, 0x94], [0x09, 0x90]] {
            assert!(error(&config).is_unsupported(), "{config:x?}");
        }
        assert_eq!(
            error(&[0x11, 0xb0]).to_string(),
            "AAC with 6 channels is not decoded here: 1 or 2"
        );
    }

    #[test]
    fn of_he_aac_the_core_is_decoded() {
        // HE-AAC, core of 24 kHz, stereo: object type 5, then the rate of the
        // whole, then object type 2.
        let decoder = AacDecoder::new(&[0x2b, 0x11, 0x88, 0x00]).unwrap();
        assert_eq!((decoder.rate(), decoder.channels()), (24_000, 2));
        assert!(decoder.is_core_only());
    }

    #[test]
    fn garbage_ends_it_after_two_seconds() {
        let mut decoder =
            AacDecoder::new(&AudioSpecificConfig::low_complexity(48_000, 2).write()).unwrap();
        let mut out = Vec::new();
        for _ in 1..MAX_FAILURES {
            assert_eq!(decoder.decode(&[0xff; 10], &mut out), Ok(false));
        }
        assert!(matches!(
            decoder.decode(&[], &mut out),
            Err(Error::Undecodable(..))
        ));
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            crate::fuzz_aac(&bytes);
        }

        /// A plausible beginning leads deeper into the decoder.
        #[test]
        fn any_channel_pair_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 1..400), mono: bool) {
            bytes[0] = (bytes[0] & 0x1f) | if mono { 0 } else { 0x20 };
            let mut decoder = AacDecoder::new(&AudioSpecificConfig::low_complexity(44_100, if mono { 1 } else { 2 }).write()).unwrap();
            let mut out = Vec::new();
            let _ = decoder.decode(&bytes, &mut out);
            let _ = decoder.decode(&bytes, &mut out);
            prop_assert!(out.iter().all(|sample| sample.abs() <= 1.5));
        }
    }
}
