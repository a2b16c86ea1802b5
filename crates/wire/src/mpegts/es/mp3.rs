//! MPEG-1 and MPEG-2 audio, layer III (ISO/IEC 11172-3 §2.4.1.3, 13818-3).

use bytes::Bytes;
use surecast_media::frame::{Format, FrameCodec, Shape};

use super::{Samples, Track};

/// Kilobits a second by bitrate_index, layer III; MPEG-1, then MPEG-2 and 2.5.
const KILOBITS: [[u32; 15]; 2] = [
    [
        0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const RATES: [u32; 3] = [44_100, 48_000, 32_000];

/// Reads frames, also over the borders of PES packets. Keeps less than one
/// frame, 1.5 KiB.
#[derive(Debug, Default)]
pub(in crate::mpegts) struct Reader {
    carry: Vec<u8>,
    samples: Samples,
}

impl Reader {
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        times: Option<(i64, i64)>,
        out: &mut Track<'_>,
    ) {
        let carried = self.carry.len();
        let mut bytes = std::mem::take(&mut self.carry);
        bytes.extend_from_slice(payload);
        let bytes = Bytes::from(bytes);
        let mut told = times;
        let mut at = 0;
        while let Some(head) = bytes[at..].first_chunk() {
            if at >= carried
                && let Some((pts, _)) = told.take()
            {
                self.samples.restart(pts);
            }
            let Some(header) = Header::parse(*head) else {
                at += 1;
                continue;
            };
            if at + header.size > bytes.len() {
                break;
            }
            if let Some(time) = self.samples.next(header.samples, header.rate) {
                out.format(header.format());
                out.audio(time, bytes.slice(at..at + header.size));
            }
            at += header.size;
        }
        self.carry = bytes[at..].to_vec();
    }

    pub(super) fn forget(&mut self) {
        self.carry.clear();
    }
}

/// What the four bytes before each frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    rate: u32,
    channels: u8,
    /// Bytes, with the header.
    size: usize,
    samples: u32,
}

impl Header {
    fn parse(bytes: [u8; 4]) -> Option<Self> {
        let [sync, version, rates, mode] = bytes;
        let layer_three = version & 0x06 == 0x02;
        if sync != 0xff || version & 0xe0 != 0xe0 || !layer_three {
            return None;
        }
        let (row, divisor) = match version >> 3 & 3 {
            3 => (0, 1),
            2 => (1, 2),
            0 => (1, 4),
            _ => return None,
        };
        let rate = RATES.get(usize::from(rates >> 2 & 3))? / divisor;
        let kilobits = *KILOBITS[row].get(usize::from(rates >> 4))?;
        // Free format tells no size.
        if kilobits == 0 {
            return None;
        }
        let samples = if row == 0 { 1152 } else { 576 };
        let size = samples / 8 * kilobits * 1000 / rate + u32::from(rates >> 1 & 1);
        Some(Self {
            rate,
            channels: if mode >> 6 == 3 { 1 } else { 2 },
            size: usize::try_from(size).ok()?,
            samples,
        })
    }

    fn format(self) -> Format {
        Format {
            codec: FrameCodec::Mp3,
            shape: Shape::Audio {
                rate: self.rate,
                channels: self.channels,
            },
            config: Bytes::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        // 128 kbit/s at 44.1 kHz without padding, joint stereo.
        let header = Header::parse([0xff, 0xfb, 0x90, 0x64]).unwrap();
        assert_eq!(
            (header.size, header.rate, header.channels, header.samples),
            (417, 44_100, 2, 1152)
        );
        // 64 kbit/s at 22.05 kHz, mono.
        let header = Header::parse([0xff, 0xf3, 0x80, 0xc4]).unwrap();
        assert_eq!(
            (header.size, header.rate, header.channels, header.samples),
            (208, 22_050, 1, 576)
        );
        // Layer II is another codec.
        assert_eq!(Header::parse([0xff, 0xfd, 0x90, 0x64]), None);
    }
}
