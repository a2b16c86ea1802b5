//! What an `AudioSpecificConfig` says, as far as decoding the core needs it.

use bytes::Bytes;
use surecast_media::frame::{Format, FrameCodec, Shape};

use crate::error::Error;

/// Samples a second by index (ISO/IEC 14496-3 table 1.18).
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// Object types (ISO/IEC 14496-3 table 1.17).
const LC: u32 = 2;
const SBR: u32 = 5;
const PS: u32 = 29;

/// ISO/IEC 14496-3 §1.6.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Of the core.
    pub(crate) object_type: u32,
    /// Of the core.
    pub(crate) rate: u32,
    /// Of the core; 0: a program config element says it.
    pub(crate) channels: u8,
    /// Spectral band replication doubles the rate.
    pub(crate) sbr: bool,
    /// Frames of 960 samples instead of 1024.
    pub(crate) short: bool,
}

impl Config {
    /// Parses it; backward compatible signalling at its end is overlooked (the
    /// core is the same).
    pub(crate) fn parse(config: &[u8]) -> Result<Self, Error> {
        let mut bits = Bits {
            bytes: config,
            at: 0,
        };
        Self::read(&mut bits)
            .ok_or_else(|| Error::Config(format!("no AudioSpecificConfig: {config:02x?}")))
    }

    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let mut object_type = bits.object_type()?;
        let rate = bits.rate()?;
        let channels = match bits.take(4)? {
            7 => 8,
            n @ 0..=6 => n as u8,
            _ => return None,
        };
        let sbr = matches!(object_type, SBR | PS);
        if sbr {
            bits.rate()?;
            object_type = bits.object_type()?;
        }
        let short = bits.take(1)? == 1;
        Some(Self {
            object_type,
            rate,
            channels,
            sbr,
            short,
        })
    }

    /// Whether this decoder decodes it.
    pub(crate) fn supported(&self) -> Result<(), Error> {
        let words = if self.object_type != LC {
            format!(
                "AAC of object type {} is not decoded here: LC or HE",
                self.object_type
            )
        } else if !matches!(self.channels, 1 | 2) {
            format!(
                "AAC with {} channels is not decoded here: 1 or 2",
                self.channels
            )
        } else if self.short {
            "AAC with frames of 960 samples is not decoded here: 1024".into()
        } else if !RATES.contains(&self.rate) {
            format!(
                "AAC at {} Hz is not decoded here: the rates of the standard",
                self.rate
            )
        } else {
            return Ok(());
        };
        Err(Error::Unsupported(words))
    }
}

/// The format that belongs to a configuration.
pub(crate) fn raw_format(config: &[u8]) -> Format {
    let (rate, channels) =
        Config::parse(config).map_or((0, 0), |config| (config.rate, config.channels));
    Format {
        codec: FrameCodec::Aac,
        shape: Shape::Audio { rate, channels },
        config: Bytes::copy_from_slice(config),
    }
}

/// An `AudioSpecificConfig` of AAC-LC.
#[cfg(test)]
pub(crate) fn lc(rate: u32, channels: u8) -> [u8; 2] {
    let index = RATES.iter().position(|r| *r == rate).unwrap() as u16;
    ((LC as u16) << 11 | index << 7 | u16::from(channels) << 3).to_be_bytes()
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// At most 24 of them.
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = *self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn object_type(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            object_type => Some(object_type),
        }
    }

    fn rate(&mut self) -> Option<u32> {
        match self.take(4)? {
            15 => self.take(24),
            index => RATES.get(index as usize).copied(),
        }
    }
}
