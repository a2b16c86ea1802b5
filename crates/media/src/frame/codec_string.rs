//! How players are asked whether they can decode a format (RFC 6381 and the
//! bindings of each codec to ISO BMFF).

use super::{Format, FrameCodec};
use crate::aac::AudioSpecificConfig;

impl Format {
    /// The `codecs` parameter for this format: `avc1.64001f`, `hvc1.1.6.L93.B0`,
    /// `av01.0.04M.08`, `vp09.00.31.08`, `mp4a.40.2`, `opus`, …; without details
    /// where the configuration is damaged.
    #[must_use]
    pub fn codec_string(&self) -> String {
        let config = &self.config[..];
        let (name, details) = match self.codec {
            FrameCodec::H264 => ("avc1", h264(config)),
            FrameCodec::H265 => ("hvc1", h265(config)),
            FrameCodec::Av1 => ("av01", av1(config)),
            FrameCodec::Vp8 => ("vp08", vp(config)),
            FrameCodec::Vp9 => ("vp09", vp(config)),
            FrameCodec::Opus => ("opus", Some(String::new())),
            FrameCodec::Aac => ("mp4a.40", aac(config)),
            FrameCodec::Mp3 => ("mp4a.40", Some(".34".to_owned())),
        };
        format!("{name}{}", details.unwrap_or_default())
    }
}

fn h264(config: &[u8]) -> Option<String> {
    let [profile, constraints, level] = *config.get(1..)?.first_chunk()?;
    Some(format!(".{profile:02x}{constraints:02x}{level:02x}"))
}

/// ISO/IEC 14496-15 annex E.3.
fn h265(config: &[u8]) -> Option<String> {
    let profile = config.get(1..13)?;
    let space = match profile[0] >> 6 {
        0 => String::new(),
        space => char::from(b'A' + space - 1).to_string(),
    };
    let compatible = u32::from_be_bytes(*profile[1..].first_chunk()?).reverse_bits();
    let tier = if profile[0] & 0x20 == 0 { 'L' } else { 'H' };
    let mut text = format!(
        ".{space}{}.{compatible:X}.{tier}{}",
        profile[0] & 0x1f,
        profile[11]
    );
    let constraints = &profile[5..11];
    let len = constraints.iter().rposition(|&byte| byte != 0);
    for byte in &constraints[..len.map_or(0, |last| last + 1)] {
        text += &format!(".{byte:X}");
    }
    Some(text)
}

/// AV1 in ISOBMFF §5.
fn av1(config: &[u8]) -> Option<String> {
    let [_, profile_level, flags] = *config.first_chunk()?;
    let tier = if flags & 0x80 == 0 { 'M' } else { 'H' };
    let depth = match (flags & 0x40 != 0, flags & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    Some(format!(
        ".{}.{:02}{tier}.{depth:02}",
        profile_level >> 5,
        profile_level & 0x1f
    ))
}

/// VP Codec ISO Media File Format Binding §3.
fn vp(config: &[u8]) -> Option<String> {
    let [profile, level, depth] = *config.first_chunk()?;
    Some(format!(".{profile:02}.{level:02}.{:02}", depth >> 4))
}

fn aac(config: &[u8]) -> Option<String> {
    let config = AudioSpecificConfig::parse(config)?;
    Some(format!(".{}", config.signalled_type()))
}
