//! ADTS: frames with a header each, as MPEG-TS has them (ISO/IEC 14496-3
//! §1.A.2.2).

use super::{AudioSpecificConfig, RATES, channel_config, channels_of};
use crate::bits::BitReader;

/// Without a checksum.
pub const HEADER_LEN: usize = 7;

/// Thirteen bits, header included.
pub const MAX_FRAME_LEN: usize = 0x1fff;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Audio object type, 1 to 4.
    pub object_type: u8,
    /// Samples a second per channel, without SBR, which ADTS does not tell of.
    pub rate: u32,
    /// Channels; 0 where the first raw data block tells.
    pub channels: u8,
    /// Bytes before the raw data: 7, with a checksum 9.
    pub header_len: usize,
    /// Bytes of header and raw data; at least `header_len`.
    pub frame_len: usize,
    /// Raw data blocks, 1 to 4; nearly always 1.
    pub blocks: u8,
}

impl Header {
    /// Reads the header at the front. `None` where there is none or it is cut.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = BitReader::new(bytes);
        if reader.bits(12)? != 0xfff {
            return None;
        }
        reader.skip(1)?;
        if reader.bits(2)? != 0 {
            return None;
        }
        let no_checksum = reader.flag()?;
        let object_type = reader.u8(2)? + 1;
        let rate = *RATES.get(usize::from(reader.u8(4)?))?;
        reader.skip(1)?;
        let channels = channels_of(reader.u8(3)?).unwrap_or(0);
        reader.skip(4)?;
        let frame_len = usize::try_from(reader.bits(13)?).ok()?;
        reader.skip(11)?;
        let header_len = if no_checksum { 7 } else { 9 };
        let header = Self {
            object_type,
            rate,
            channels,
            header_len,
            frame_len,
            blocks: reader.u8(2)? + 1,
        };
        (frame_len >= header_len).then_some(header)
    }

    /// The configuration that the frames go with. Where the header does not tell
    /// the channels, two are taken.
    #[must_use]
    pub fn config(&self) -> AudioSpecificConfig {
        AudioSpecificConfig {
            object_type: self.object_type,
            ..AudioSpecificConfig::low_complexity(
                self.rate,
                if self.channels == 0 { 2 } else { self.channels },
            )
        }
    }
}

/// The header for `len` bytes of raw data. `None` where ADTS has no way to say
/// it: other object types than 1 to 4, rates that are not in its table, frames
/// of 960 samples, or more than 8,184 bytes.
#[must_use]
pub fn header(config: &AudioSpecificConfig, len: usize) -> Option<[u8; HEADER_LEN]> {
    let rate = RATES.iter().position(|&rate| rate == config.rate)?;
    let len = len
        .checked_add(HEADER_LEN)
        .filter(|&it| it <= MAX_FRAME_LEN)?;
    if !(1..=4).contains(&config.object_type) || config.frame_len != 1024 {
        return None;
    }
    let [mid, low] = u16::try_from(len).ok()?.to_be_bytes();
    let channels = channel_config(config.channels) & 0x07;
    let rate = u8::try_from(rate).ok()?;
    Some([
        0xff,
        // MPEG-4, no checksum.
        0xf1,
        (config.object_type - 1) << 6 | rate << 2 | channels >> 2,
        channels << 6 | mid >> 3,
        mid << 5 | low >> 3,
        // A buffer fullness of all ones: not told.
        low << 5 | 0x1f,
        0xfc,
    ])
}

/// The frames at the front of `data`: each header with its raw data. Ends where
/// no header follows or a frame is cut.
pub fn frames(data: &[u8]) -> impl Iterator<Item = (Header, &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let header = Header::parse(rest)?;
        let (frame, tail) = rest.split_at_checked(header.frame_len)?;
        rest = tail;
        Some((header, &frame[header.header_len..]))
    })
}
