//! The sequence parameter set (H.265 §7.3.2.2).

use crate::bits::BitReader;
use crate::nal::unescape;

/// What is read comes within the first hundred bytes; with seven sub-layers a
/// little more.
const MAX_LEN: usize = 1024;

/// Pixels on one side: √(8 × 35,651,584) is 16,888, the most that level 6.2
/// allows (H.265 table A.8 and §A.4.1).
const MAX_SIDE: u32 = 16_888;

/// What a sequence parameter set says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// Pixels, cropped.
    pub width: u32,
    /// Pixels, cropped.
    pub height: u32,
    /// The first twelve bytes of `profile_tier_level`: profile space, tier and
    /// profile (2 + 1 + 5 bits), compatibility (32 bits), constraints (48 bits),
    /// level (8 bits), as a configuration record has them.
    pub profile: [u8; 12],
    /// `sps_max_sub_layers_minus1` + 1, 1 to 7.
    pub sub_layers: u8,
    /// `sps_temporal_id_nesting_flag`.
    pub nested: bool,
    /// `chroma_format_idc`: 0 none, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Bits of a luma sample, 8 to 16.
    pub luma_depth: u8,
    /// Bits of a chroma sample, 8 to 16.
    pub chroma_depth: u8,
    /// How many pictures may come before one that is shown before them: 0 where
    /// pictures are shown in the order in which they are decoded.
    pub reorder_frames: u32,
}

impl Sps {
    /// Reads a NAL unit with its header. `None` when it is of another type, cut,
    /// or names a size beyond every level.
    #[must_use]
    pub fn parse(nal: &[u8]) -> Option<Self> {
        let (header, payload) = nal.split_first_chunk::<2>()?;
        if super::unit_type(header[0]) != super::NAL_SPS {
            return None;
        }
        let payload = unescape(payload, MAX_LEN);
        let mut reader = BitReader::new(&payload);
        reader.skip(4)?;
        let more_layers = reader.u8(3)?;
        let nested = reader.flag()?;
        if more_layers > 6 {
            return None;
        }
        let profile = parse_profile(&mut reader, more_layers)?;
        reader.ue()?;
        let chroma_format = u8::try_from(reader.ue()?).ok().filter(|&it| it <= 3)?;
        let separate_planes = chroma_format == 3 && reader.flag()?;
        let (width, height) = parse_size(&mut reader, chroma_format, separate_planes)?;
        let luma_depth = parse_depth(&mut reader)?;
        let chroma_depth = parse_depth(&mut reader)?;
        Some(Self {
            width,
            height,
            profile,
            sub_layers: more_layers + 1,
            nested,
            chroma_format,
            luma_depth,
            chroma_depth,
            reorder_frames: parse_reorder_frames(&mut reader, more_layers)?,
        })
    }
}

/// §7.3.3; steps over what it says of the sub-layers.
fn parse_profile(reader: &mut BitReader<'_>, more_layers: u8) -> Option<[u8; 12]> {
    let mut profile = [0; 12];
    for byte in &mut profile {
        *byte = reader.u8(8)?;
    }
    let mut bits = 0;
    for _ in 0..more_layers {
        bits += if reader.flag()? { 88 } else { 0 };
        bits += if reader.flag()? { 8 } else { 0 };
    }
    if more_layers > 0 {
        reader.skip(usize::from(8 - more_layers) * 2)?;
    }
    reader.skip(bits)?;
    Some(profile)
}

fn parse_size(reader: &mut BitReader<'_>, chroma: u8, separate: bool) -> Option<(u32, u32)> {
    let width = reader.ue()?;
    let height = reader.ue()?;
    if width > MAX_SIDE || height > MAX_SIDE {
        return None;
    }
    let mut window = [0; 4];
    if reader.flag()? {
        for side in &mut window {
            *side = reader.ue()?;
        }
    }
    let [left, right, top, bottom] = window;
    let unit_x = if matches!(chroma, 1 | 2) && !separate {
        2
    } else {
        1
    };
    let unit_y = if chroma == 1 { 2 } else { 1 };
    let width = width.checked_sub(left.checked_add(right)?.checked_mul(unit_x)?)?;
    let height = height.checked_sub(top.checked_add(bottom)?.checked_mul(unit_y)?)?;
    (width > 0 && height > 0).then_some((width, height))
}

fn parse_depth(reader: &mut BitReader<'_>) -> Option<u8> {
    let above = u8::try_from(reader.ue()?).ok()?;
    (above <= 8).then_some(above + 8)
}

/// Of the highest sub-layer, which comes last.
fn parse_reorder_frames(reader: &mut BitReader<'_>, more_layers: u8) -> Option<u32> {
    reader.ue()?;
    let each = reader.flag()?;
    let mut reorder = 0;
    for _ in 0..=if each { more_layers } else { 0 } {
        reader.ue()?;
        reorder = reader.ue()?;
        reader.ue()?;
    }
    Some(reorder)
}
