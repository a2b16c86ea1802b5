//! The sequence parameter set (H.264 §7.3.2.1.1, annex E).

use crate::bits::BitReader;
use crate::nal::unescape;

/// Far more than a sequence parameter set with all its tables takes (about
/// 1.5 KiB with twelve scaling lists); what lies behind is not read.
const MAX_LEN: usize = 4096;

/// Macroblocks on one side: √(8 × 139,264), the most that level 6.2 allows
/// (H.264 table A-1 and §A.3.1).
const MAX_MACROBLOCKS: u32 = 1055;

/// What a sequence parameter set says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sps {
    /// Pixels, cropped.
    pub width: u32,
    /// Pixels, cropped.
    pub height: u32,
    /// `profile_idc`.
    pub profile_idc: u8,
    /// The byte of constraint flags, `constraint_set0_flag` highest.
    pub constraints: u8,
    /// `level_idc`: ten times the level.
    pub level_idc: u8,
    /// `chroma_format_idc`: 0 none, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub chroma_format: u8,
    /// Bits of a luma sample, 8 to 14.
    pub luma_depth: u8,
    /// Bits of a chroma sample, 8 to 14.
    pub chroma_depth: u8,
    /// How many frames may come before one that is shown before them: 0 where
    /// frames are shown in the order in which they are decoded, so that there
    /// are no B-frames that matter. `None` where the stream does not tell: then
    /// only its timestamps show it.
    pub reorder_frames: Option<u32>,
    /// Frames per second as a fraction, where the stream tells.
    pub frame_rate: Option<(u32, u32)>,
}

/// What only the size is computed from.
struct Geometry {
    width_mbs: u32,
    height_units: u32,
    frames_only: bool,
    crop: [u32; 4],
}

impl Sps {
    /// Reads a NAL unit with its header. `None` when it is of another type, cut,
    /// or names a size beyond every level.
    #[must_use]
    pub fn parse(nal: &[u8]) -> Option<Self> {
        let (&header, payload) = nal.split_first()?;
        if header & 0x1f != super::NAL_SPS {
            return None;
        }
        let payload = unescape(payload, MAX_LEN);
        let mut reader = BitReader::new(&payload);
        let mut sps = Self {
            width: 0,
            height: 0,
            profile_idc: reader.u8(8)?,
            constraints: reader.u8(8)?,
            level_idc: reader.u8(8)?,
            chroma_format: 1,
            luma_depth: 8,
            chroma_depth: 8,
            reorder_frames: None,
            frame_rate: None,
        };
        reader.ue()?;
        let mut separate_planes = false;
        if has_chroma_format(sps.profile_idc) {
            separate_planes = sps.parse_chroma(&mut reader)?;
        }
        let output_order = parse_picture_order(&mut reader)?;
        let geometry = Geometry::parse(&mut reader)?;
        (sps.width, sps.height) = geometry.size(if separate_planes {
            0
        } else {
            sps.chroma_format
        })?;
        // A stream that is cut after its size is good enough to be shown.
        if reader.flag() == Some(true) {
            let _ = sps.parse_vui(&mut reader);
        }
        if output_order || sps.has_no_b_frames() {
            sps.reorder_frames = Some(0);
        }
        Some(sps)
    }

    /// `seq_parameter_set_id` of a NAL unit with its header, 0 to 31.
    #[must_use]
    pub fn id(nal: &[u8]) -> Option<u8> {
        let payload = unescape(nal.get(4..)?, 16);
        let id = BitReader::new(&payload).ue()?;
        u8::try_from(id).ok().filter(|&id| id < 32)
    }

    /// The profile allows none, or only intra frames (H.264 §A.2.1, §E.2.1 on
    /// `max_num_reorder_frames`).
    fn has_no_b_frames(&self) -> bool {
        let intra = self.constraints & 0x10 != 0;
        match self.profile_idc {
            66 | 44 => true,
            86 | 100 | 110 | 122 | 244 => intra,
            _ => false,
        }
    }

    fn parse_chroma(&mut self, reader: &mut BitReader<'_>) -> Option<bool> {
        self.chroma_format = u8::try_from(reader.ue()?).ok().filter(|&it| it <= 3)?;
        let separate_planes = self.chroma_format == 3 && reader.flag()?;
        self.luma_depth = parse_depth(reader)?;
        self.chroma_depth = parse_depth(reader)?;
        reader.flag()?;
        if reader.flag()? {
            let lists = if self.chroma_format == 3 { 12 } else { 8 };
            for index in 0..lists {
                if reader.flag()? {
                    skip_scaling_list(reader, if index < 6 { 16 } else { 64 })?;
                }
            }
        }
        Some(separate_planes)
    }

    /// Annex E, up to the restrictions, which come last.
    fn parse_vui(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        const EXTENDED_ASPECT_RATIO: u8 = 255;
        if reader.flag()? && reader.u8(8)? == EXTENDED_ASPECT_RATIO {
            reader.skip(32)?;
        }
        if reader.flag()? {
            reader.skip(1)?;
        }
        if reader.flag()? {
            reader.skip(4)?;
            if reader.flag()? {
                reader.skip(24)?;
            }
        }
        if reader.flag()? {
            reader.ue()?;
            reader.ue()?;
        }
        if reader.flag()? {
            let units = reader.bits(32)?;
            let scale = reader.bits(32)?;
            reader.skip(1)?;
            // A unit is a field, so a frame takes two.
            self.frame_rate = units
                .checked_mul(2)
                .filter(|&units| units > 0 && scale > 0)
                .map(|units| (scale, units));
        }
        let nal_hrd = reader.flag()?;
        if nal_hrd {
            skip_hrd(reader)?;
        }
        let vcl_hrd = reader.flag()?;
        if vcl_hrd {
            skip_hrd(reader)?;
        }
        if nal_hrd || vcl_hrd {
            reader.skip(1)?;
        }
        reader.skip(1)?;
        if reader.flag()? {
            reader.skip(1)?;
            for _ in 0..4 {
                reader.ue()?;
            }
            self.reorder_frames = Some(reader.ue()?);
        }
        Some(())
    }
}

impl Geometry {
    fn parse(reader: &mut BitReader<'_>) -> Option<Self> {
        reader.ue()?;
        reader.flag()?;
        let width_mbs = reader.ue()?.checked_add(1)?;
        let height_units = reader.ue()?.checked_add(1)?;
        let frames_only = reader.flag()?;
        if !frames_only {
            reader.flag()?;
        }
        reader.flag()?;
        let mut crop = [0; 4];
        if reader.flag()? {
            for side in &mut crop {
                *side = reader.ue()?;
            }
        }
        Some(Self {
            width_mbs,
            height_units,
            frames_only,
            crop,
        })
    }

    /// Width and height, cropped; `chroma` is `ChromaArrayType`.
    fn size(&self, chroma: u8) -> Option<(u32, u32)> {
        let fields = if self.frames_only { 1 } else { 2 };
        let height_mbs = self.height_units.checked_mul(fields)?;
        if self.width_mbs > MAX_MACROBLOCKS || height_mbs > MAX_MACROBLOCKS {
            return None;
        }
        let unit_x = if matches!(chroma, 1 | 2) { 2 } else { 1 };
        let unit_y = if chroma == 1 { 2 } else { 1 } * fields;
        let [left, right, top, bottom] = self.crop;
        let cut_x = left.checked_add(right)?.checked_mul(unit_x)?;
        let cut_y = top.checked_add(bottom)?.checked_mul(unit_y)?;
        let width = (self.width_mbs * 16).checked_sub(cut_x)?;
        let height = (height_mbs * 16).checked_sub(cut_y)?;
        (width > 0 && height > 0).then_some((width, height))
    }
}

/// The profiles whose parameter sets say how chroma is sampled (§7.3.2.1.1).
pub(super) fn has_chroma_format(profile_idc: u8) -> bool {
    matches!(
        profile_idc,
        100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
    )
}

fn parse_depth(reader: &mut BitReader<'_>) -> Option<u8> {
    let above = u8::try_from(reader.ue()?).ok()?;
    (above <= 6).then_some(above + 8)
}

/// True where pictures are output in decoding order (`pic_order_cnt_type` 2,
/// §8.2.1.3).
fn parse_picture_order(reader: &mut BitReader<'_>) -> Option<bool> {
    reader.ue()?;
    let kind = reader.ue()?;
    match kind {
        0 => {
            reader.ue()?;
        }
        1 => {
            reader.flag()?;
            reader.se()?;
            reader.se()?;
            // At most 255 (§7.4.2.1.1).
            let cycle = reader.ue()?;
            if cycle > 255 {
                return None;
            }
            for _ in 0..cycle {
                reader.se()?;
            }
        }
        2 => {}
        _ => return None,
    }
    Some(kind == 2)
}

/// §7.3.2.1.1.1.
fn skip_scaling_list(reader: &mut BitReader<'_>, size: usize) -> Option<()> {
    let mut last = 8i64;
    for _ in 0..size {
        let next = (last + reader.se()?).rem_euclid(256);
        if next == 0 {
            break;
        }
        last = next;
    }
    Some(())
}

/// Annex E.1.2.
fn skip_hrd(reader: &mut BitReader<'_>) -> Option<()> {
    let count = reader.ue()?;
    // 0 to 31 (§E.2.2).
    if count > 31 {
        return None;
    }
    reader.skip(8)?;
    for _ in 0..=count {
        reader.ue()?;
        reader.ue()?;
        reader.skip(1)?;
    }
    reader.skip(20)
}
