//! The uncompressed header (VP9 bitstream specification §6.2), as far as it
//! describes the stream.

use super::superframe;
use crate::bits::BitReader;
use crate::frame::{Format, FrameCodec, Shape};

/// `sync_code` of key frames and intra-only frames.
const SYNC_CODE: u32 = 0x49_83_42;
/// `color_space` of RGB.
const RGB: u8 = 7;

/// Largest luma picture of each level in pixels, without regard to frame rate
/// (VP9 levels, as "VP Codec ISO Media File Format Binding" refers to them).
const LEVELS: [(u64, u8); 9] = [
    (36_864, 10),
    (73_728, 11),
    (122_880, 20),
    (245_760, 21),
    (552_960, 30),
    (983_040, 31),
    (2_228_224, 40),
    (8_912_896, 50),
    (35_651_584, 60),
];
/// Level of what is larger still.
const HIGHEST_LEVEL: u8 = 62;

/// What the header of a frame says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// 0 to 3.
    pub profile: u8,
    /// A decoder can start here.
    pub key: bool,
    /// Bits of a sample: 8, 10 or 12; of key frames only.
    pub depth: u8,
    /// Chroma has half the width; half the height. Of key frames only.
    pub subsampling: (bool, bool),
    /// `color_space`; of key frames only.
    pub color_space: u8,
    /// Samples use the full range; of key frames only.
    pub full_range: bool,
    /// Width and height in pixels, where the header tells.
    pub size: Option<(u32, u32)>,
}

impl Header {
    /// Reads the header of one frame, not of a superframe. `None` where it is
    /// none, is cut, or only shows a frame again.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let mut reader = BitReader::new(frame);
        if reader.bits(2)? != 2 {
            return None;
        }
        let low = reader.u8(1)?;
        let mut header = Self {
            profile: reader.u8(1)? << 1 | low,
            ..Self::default()
        };
        if header.profile == 3 && reader.flag()? {
            return None;
        }
        if reader.flag()? {
            return None;
        }
        header.key = !reader.flag()?;
        let shown = reader.flag()?;
        let resilient = reader.flag()?;
        if header.key {
            header.parse_key(&mut reader)?;
        } else {
            header.size = parse_inter_size(&mut reader, shown, resilient);
        }
        Some(header)
    }

    fn parse_key(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        if reader.bits(24)? != SYNC_CODE {
            return None;
        }
        self.depth = match self.profile {
            0 | 1 => 8,
            _ => 10 + 2 * reader.u8(1)?,
        };
        self.color_space = reader.u8(3)?;
        let odd_profile = self.profile & 1 == 1;
        if self.color_space == RGB {
            // Four to four, full range, only in odd profiles.
            self.full_range = true;
            if !odd_profile || reader.flag()? {
                return None;
            }
        } else {
            self.full_range = reader.flag()?;
            self.subsampling = (true, true);
            if odd_profile {
                self.subsampling = (reader.flag()?, reader.flag()?);
                if reader.flag()? {
                    return None;
                }
            }
        }
        self.size = Some(parse_size(reader)?);
        Some(())
    }

    /// The body of a configuration record; the level is that of the size.
    fn record(&self, (width, height): (u32, u32)) -> [u8; 8] {
        let chroma = match self.subsampling {
            (true, true) => 1,
            (true, false) => 2,
            _ => 3,
        };
        let (primaries, transfer, matrix) = color(self.color_space);
        [
            self.profile,
            level(width, height),
            self.depth << 4 | chroma << 1 | u8::from(self.full_range),
            primaries,
            transfer,
            matrix,
            0,
            0,
        ]
    }
}

/// The frame or superframe (not an RTP payload) begins with a key frame.
#[must_use]
pub fn is_key_frame(frame: &[u8]) -> bool {
    first(frame).is_some_and(|header| header.key)
}

/// The format that a key frame or a superframe (not an RTP payload) describes.
/// Its size is the largest: in a superframe of spatial layers that of the highest.
#[must_use]
pub fn format_from_keyframe(frame: &[u8]) -> Option<Format> {
    let header = first(frame).filter(|header| header.key)?;
    let sizes = superframe(frame).filter_map(|frame| Header::parse(frame)?.size);
    let (width, height) = sizes.max_by_key(|&(w, h)| u64::from(w) * u64::from(h))?;
    Some(Format {
        codec: FrameCodec::Vp9,
        shape: Shape::Video { width, height },
        config: header.record((width, height)).to_vec().into(),
    })
}

fn first(frame: &[u8]) -> Option<Header> {
    Header::parse(superframe(frame).next()?)
}

fn parse_size(reader: &mut BitReader<'_>) -> Option<(u32, u32)> {
    Some((reader.bits(16)? + 1, reader.bits(16)? + 1))
}

/// Of a frame predicted from others, where it does not take its size from one of
/// them; of intra-only frames it is not looked for.
fn parse_inter_size(
    reader: &mut BitReader<'_>,
    shown: bool,
    resilient: bool,
) -> Option<(u32, u32)> {
    let intra_only = !shown && reader.flag()?;
    if intra_only {
        return None;
    }
    if !resilient {
        reader.skip(2)?;
    }
    reader.skip(8 + 3 * 4)?;
    for _ in 0..3 {
        if reader.flag()? {
            return None;
        }
    }
    parse_size(reader)
}

fn level(width: u32, height: u32) -> u8 {
    let pixels = u64::from(width) * u64::from(height);
    let level = LEVELS.iter().find(|&&(largest, _)| pixels <= largest);
    level.map_or(HIGHEST_LEVEL, |&(_, level)| level)
}

/// Primaries, transfer and matrix (ISO/IEC 23091-2) of a `color_space`; 2 is
/// not told.
const fn color(space: u8) -> (u8, u8, u8) {
    match space {
        // BT.601, BT.709, SMPTE 170, SMPTE 240, BT.2020, RGB.
        1 => (5, 6, 5),
        2 => (1, 1, 1),
        3 => (6, 6, 6),
        4 => (7, 7, 7),
        5 => (9, 14, 9),
        RGB => (1, 13, 0),
        _ => (2, 2, 2),
    }
}
