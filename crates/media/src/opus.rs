//! Opus: the identification header (RFC 7845 §5.1) and the duration of a packet
//! (RFC 6716 §3).

use bytes::Bytes;

use crate::bits::Reader;
use crate::frame::{Format, FrameCodec, Shape};

/// Opus' clock: samples a second, whatever was encoded.
pub const RATE: u32 = 48_000;

/// A packet lasts at most 120 ms (RFC 6716 §3.2.5).
pub const MAX_PACKET_SAMPLES: u32 = RATE * 120 / 1000;

/// Streams, coupled streams and the order of one to eight channels (RFC 7845
/// §5.1.1.2).
const VORBIS_ORDER: [(u8, u8, &[u8]); 8] = [
    (1, 0, &[0]),
    (1, 1, &[0, 1]),
    (2, 1, &[0, 2, 1]),
    (2, 2, &[0, 1, 2, 3]),
    (3, 2, &[0, 4, 1, 2, 3]),
    (4, 2, &[0, 4, 1, 2, 3, 5]),
    (4, 3, &[0, 4, 1, 2, 3, 5, 6]),
    (5, 3, &[0, 6, 1, 2, 3, 4, 5, 7]),
];

/// The identification header, without its magic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// Channels, at least 1.
    pub channels: u8,
    /// Samples at 48 kHz that a player drops at the beginning.
    pub preskip: u16,
    /// Samples a second of what was encoded; 0 where not told. Only a remark.
    pub rate_in: u32,
    /// In 1/256 dB, to be applied when decoding.
    pub gain: i16,
    /// Channel mapping family: 0 mono and stereo, 1 surround.
    pub family: u8,
    /// Number of streams, of coupled ones, then one byte per channel; empty in
    /// family 0.
    pub mapping: &'a [u8],
}

impl<'a> Head<'a> {
    /// Reads the header from its version field on. `None` where it is cut, of a
    /// later version, or maps no channels or some that are not there.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        let channels = reader.u8()?;
        let preskip = reader.u16()?.swap_bytes();
        let rate_in = u32::from_le_bytes(*reader.take(4)?.first_chunk()?);
        let gain = reader.u16()?.swap_bytes().cast_signed();
        let family = reader.u8()?;
        // The upper half is what makes readers of version 1 stop.
        if version & 0xf0 != 0 || channels == 0 || (family == 0 && channels > 2) {
            return None;
        }
        let mapping = match family {
            0 => &[],
            _ => reader.take(2 + usize::from(channels))?,
        };
        Some(Self {
            channels,
            preskip,
            rate_in,
            gain,
            family,
            mapping,
        })
    }
}

/// The format of Opus with `channels` channels (1 to 8 in the order of Vorbis;
/// others are taken as the nearest of these).
///
/// `rate_in` is what was encoded, in samples a second, and only a remark.
/// `preskip` is how many samples at 48 kHz a player drops at the beginning: 0
/// for a stream that is joined while it runs.
#[must_use]
pub fn format(rate_in: u32, channels: u8, preskip: u16) -> Format {
    let channels = channels.clamp(1, 8);
    let mut head = vec![1, channels];
    head.extend(preskip.to_le_bytes());
    head.extend(rate_in.to_le_bytes());
    head.extend([0, 0]);
    if channels <= 2 {
        head.push(0);
    } else {
        let (streams, coupled, order) = VORBIS_ORDER[usize::from(channels) - 1];
        head.extend([1, streams, coupled]);
        head.extend(order);
    }
    new_format(channels, head.into())
}

/// The format that an identification header without its magic describes.
#[must_use]
pub fn format_from_config(head: Bytes) -> Option<Format> {
    let channels = Head::parse(&head)?.channels;
    Some(new_format(channels, head))
}

/// How many samples at 48 kHz a packet lasts. `None` where it is empty, or
/// claims to last for nothing or for more than 120 ms.
#[must_use]
pub fn packet_samples(packet: &[u8]) -> Option<u32> {
    let (&toc, rest) = packet.split_first()?;
    let frames = match toc & 0x03 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    let samples = frames * frame_samples(toc >> 3);
    (1..=MAX_PACKET_SAMPLES)
        .contains(&samples)
        .then_some(samples)
}

/// By the configuration number (RFC 6716 table 2).
const fn frame_samples(config: u8) -> u32 {
    match config {
        // SILK: 10, 20, 40, 60 ms.
        0..=11 => [480, 960, 1920, 2880][config as usize % 4],
        // Hybrid: 10, 20 ms.
        12..=15 => [480, 960][config as usize % 2],
        // CELT: 2.5, 5, 10, 20 ms.
        _ => [120, 240, 480, 960][config as usize % 4],
    }
}

fn new_format(channels: u8, config: Bytes) -> Format {
    Format {
        codec: FrameCodec::Opus,
        shape: Shape::Audio {
            rate: RATE,
            channels,
        },
        config,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn heads() {
        let format = format(44_100, 2, 312);
        assert_eq!(
            &format.config[..],
            [1, 2, 0x38, 1, 0x44, 0xac, 0, 0, 0, 0, 0]
        );
        let head = Head::parse(&format.config).unwrap();
        assert_eq!((head.channels, head.preskip), (2, 312));
        assert_eq!(head.rate_in, 44_100);
        assert_eq!(Head::parse(&[0x11, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(Head::parse(&[1, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn durations() {
        assert_eq!(packet_samples(&[0xfc, 0xff, 0xfe]), Some(960), "silence");
        assert_eq!(packet_samples(&[0x0b, 2, 0]), Some(1920 / 2 * 2));
        assert_eq!(packet_samples(&[0x80]), Some(120));
        assert_eq!(packet_samples(&[0x83, 0]), None, "no frames");
        assert_eq!(packet_samples(&[0x1b, 3]), None, "180 ms");
        assert_eq!(packet_samples(&[]), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = packet_samples(&bytes);
            if let Some(format) = format_from_config(bytes.into()) {
                prop_assert_eq!(format.codec_string(), "opus");
            }
        }

        #[test]
        fn formats_round_trip(rate: u32, channels in 1u8..=8, preskip: u16) {
            let format = format(rate, channels, preskip);
            prop_assert_eq!(format_from_config(format.config.clone()), Some(format));
        }
    }
}
