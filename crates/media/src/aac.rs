//! AAC: `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1) and ADTS (§1.A.2.2).

pub mod adts;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::bits::{BitReader, BitWriter};
use crate::frame::{Format, FrameCodec, Shape};

/// AAC low complexity, which is nearly all there is (table 1.17).
pub const LOW_COMPLEXITY: u8 = 2;
const SBR: u8 = 5;
const PS: u8 = 29;
const ESCAPE: u8 = 31;

/// Samples a second by `samplingFrequencyIndex` (table 1.18).
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000,
    7350,
];
/// The rate follows in 24 bits.
const RATE_FOLLOWS: u32 = 15;

/// What a decoder has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// Of the core: 2 is AAC-LC. SBR and PS are told by the fields below.
    pub object_type: u8,
    /// Samples a second per channel of the core, without SBR.
    pub rate: u32,
    /// Channels of the core, 1 to 48; with PS 1, and yet two come out.
    pub channels: u8,
    /// Samples per channel in a frame of the core: 1024 or 960.
    pub frame_len: u16,
    /// Samples a second after spectral band replication (HE-AAC), where the
    /// configuration tells of it.
    pub sbr_rate: Option<u32>,
    /// Parametric stereo (HE-AAC v2), where the configuration tells of it.
    pub ps: bool,
}

impl AudioSpecificConfig {
    /// Of AAC-LC.
    #[must_use]
    pub const fn low_complexity(rate: u32, channels: u8) -> Self {
        Self {
            object_type: LOW_COMPLEXITY,
            rate,
            channels,
            frame_len: 1024,
            sbr_rate: None,
            ps: false,
        }
    }

    /// Reads it; what follows behind is left alone. `None` where it is cut, or
    /// tells of no rate or no channels.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = BitReader::new(bytes);
        let mut object_type = parse_object_type(&mut reader)?;
        let rate = parse_rate(&mut reader)?;
        let channel_config = reader.u8(4)?;
        let ps = object_type == PS;
        let mut sbr_rate = None;
        if matches!(object_type, SBR | PS) {
            sbr_rate = Some(parse_rate(&mut reader)?);
            object_type = parse_object_type(&mut reader)?;
        }
        let mut config = Self {
            object_type,
            rate,
            channels: channels_of(channel_config).unwrap_or(0),
            frame_len: 1024,
            sbr_rate,
            ps,
        };
        if is_general_audio(object_type) {
            config.parse_general(&mut reader, channel_config)?;
            if config.sbr_rate.is_none() {
                let _ = config.parse_extension(&mut reader);
            }
        }
        (config.rate > 0 && config.channels > 0).then_some(config)
    }

    /// Writes it: as the plain form that all decoders know, SBR and PS told
    /// explicitly.
    ///
    /// Channels that no channel configuration stands for (7, and more than 8)
    /// are written as the next that does, at most eight.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut writer = BitWriter::default();
        if let Some(sbr_rate) = self.sbr_rate {
            write_object_type(&mut writer, if self.ps { PS } else { SBR });
            write_rate(&mut writer, self.rate);
            writer.bits(u32::from(channel_config(self.channels)), 4);
            write_rate(&mut writer, sbr_rate);
            write_object_type(&mut writer, self.object_type);
        } else {
            write_object_type(&mut writer, self.object_type);
            write_rate(&mut writer, self.rate);
            writer.bits(u32::from(channel_config(self.channels)), 4);
        }
        writer.bits(u32::from(self.frame_len == 960), 1);
        writer.bits(0, 2);
        writer.finish()
    }

    /// Samples a second of what comes out of a decoder.
    #[must_use]
    pub fn output_rate(&self) -> u32 {
        self.sbr_rate.unwrap_or(self.rate)
    }

    /// Channels that come out of a decoder.
    #[must_use]
    pub const fn output_channels(&self) -> u8 {
        if self.ps && self.channels == 1 {
            2
        } else {
            self.channels
        }
    }

    /// The audio object type by which players ask whether they can play it: 29
    /// with PS, 5 with SBR, else the core's.
    #[must_use]
    pub const fn signalled_type(&self) -> u8 {
        if self.ps {
            PS
        } else if self.sbr_rate.is_some() {
            SBR
        } else {
            self.object_type
        }
    }

    /// The format of frames with this configuration.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format_with(self.write().into())
    }

    fn format_with(&self, config: Bytes) -> Format {
        Format {
            codec: FrameCodec::Aac,
            shape: Shape::Audio {
                rate: self.rate,
                channels: self.channels,
            },
            config,
        }
    }

    /// `GASpecificConfig` (table 4.1).
    fn parse_general(&mut self, reader: &mut BitReader<'_>, channel_config: u8) -> Option<()> {
        if reader.flag()? {
            self.frame_len = 960;
        }
        if reader.flag()? {
            reader.skip(14)?;
        }
        reader.flag()?;
        if channel_config == 0 {
            self.channels = parse_program(reader)?;
        }
        Some(())
    }

    /// SBR and PS told behind, where decoders that know neither do not look.
    fn parse_extension(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        const SBR_FOLLOWS: u32 = 0x2b7;
        const PS_FOLLOWS: u32 = 0x548;
        if reader.left() < 16 || reader.bits(11)? != SBR_FOLLOWS {
            return None;
        }
        if parse_object_type(reader)? != SBR || !reader.flag()? {
            return None;
        }
        self.sbr_rate = Some(parse_rate(reader)?);
        if reader.left() >= 12 && reader.bits(11)? == PS_FOLLOWS {
            self.ps = reader.flag()?;
        }
        Some(())
    }
}

/// The format that an `AudioSpecificConfig` describes. Its shape has the rate
/// and channels of the core: a frame lasts `frame_len` / `rate`, with SBR as
/// well.
#[must_use]
pub fn format_from_config(asc: Bytes) -> Option<Format> {
    Some(AudioSpecificConfig::parse(&asc)?.format_with(asc))
}

fn parse_object_type(reader: &mut BitReader<'_>) -> Option<u8> {
    Some(match reader.u8(5)? {
        ESCAPE => 32 + reader.u8(6)?,
        kind => kind,
    })
}

fn write_object_type(writer: &mut BitWriter, kind: u8) {
    if kind < ESCAPE {
        writer.bits(u32::from(kind), 5);
    } else {
        writer.bits(u32::from(ESCAPE), 5);
        writer.bits(u32::from(kind.saturating_sub(32)), 6);
    }
}

fn parse_rate(reader: &mut BitReader<'_>) -> Option<u32> {
    match reader.bits(4)? {
        RATE_FOLLOWS => reader.bits(24),
        index => RATES.get(usize::try_from(index).ok()?).copied(),
    }
}

fn write_rate(writer: &mut BitWriter, rate: u32) {
    match (0..).zip(RATES).find(|&(_, it)| it == rate) {
        Some((index, _)) => writer.bits(index, 4),
        None => {
            writer.bits(RATE_FOLLOWS, 4);
            writer.bits(rate, 24);
        }
    }
}

/// Table 1.19.
const fn channels_of(config: u8) -> Option<u8> {
    Some(match config {
        1..=6 => config,
        7 | 12 | 14 => 8,
        11 => 7,
        13 => 24,
        _ => return None,
    })
}

const fn channel_config(channels: u8) -> u8 {
    match channels {
        1..=6 => channels,
        0 => 1,
        7 => 11,
        8.. => 7,
    }
}

/// The object types that have a `GASpecificConfig` first.
const fn is_general_audio(object_type: u8) -> bool {
    matches!(
        object_type,
        1 | 2 | 3 | 4 | 6 | 7 | 17 | 19 | 20 | 21 | 22 | 23
    )
}

/// Channels of a `program_config_element` (table 4.2).
fn parse_program(reader: &mut BitReader<'_>) -> Option<u8> {
    reader.skip(10)?;
    let mut pairs_or_singles = 0;
    for _ in 0..3 {
        pairs_or_singles += reader.u8(4)?;
    }
    let low = reader.u8(2)?;
    reader.skip(7)?;
    for bits in [4, 4, 3] {
        if reader.flag()? {
            reader.skip(bits)?;
        }
    }
    let mut channels = low;
    for _ in 0..pairs_or_singles {
        channels += if reader.flag()? { 2 } else { 1 };
        reader.skip(4)?;
    }
    Some(channels)
}
