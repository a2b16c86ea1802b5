//! AAC with ADTS headers (ISO/IEC 13818-7 §6.2).

use bytes::Bytes;
use surecast_media::aac;

use super::{Samples, Track};

/// Samples of a frame and channel.
const SAMPLES: u32 = 1024;

/// Reads ADTS frames, also over the borders of PES packets. Keeps less than one
/// frame, 8 KiB.
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
        while at < bytes.len() {
            if at >= carried
                && let Some((pts, _)) = told.take()
            {
                self.samples.restart(pts);
            }
            match adts_frame(&bytes[at..]) {
                Adts::Frame(header) => {
                    self.frame(
                        &header,
                        bytes.slice(at + header.header_len..at + header.frame_len),
                        out,
                    );
                    at += header.frame_len;
                }
                Adts::Cut => break,
                Adts::None => at += 1,
            }
        }
        self.carry = bytes[at.min(bytes.len())..].to_vec();
    }

    fn frame(&mut self, header: &aac::adts::Header, data: Bytes, out: &mut Track<'_>) {
        let Some(time) = self
            .samples
            .next(SAMPLES * u32::from(header.blocks), header.rate)
        else {
            return;
        };
        // Several blocks with a checksum have more headers between them, and no
        // encoder in use writes several.
        if header.blocks == 1 {
            out.format(header.config().format());
            out.audio(time, data);
        }
    }

    pub(super) fn forget(&mut self) {
        self.carry.clear();
    }
}

enum Adts {
    Frame(aac::adts::Header),
    /// It may be one, and goes on in the next packet.
    Cut,
    None,
}

fn adts_frame(bytes: &[u8]) -> Adts {
    let looks_like = bytes[0] == 0xff && bytes.get(1).is_none_or(|byte| byte & 0xf6 == 0xf0);
    if !looks_like {
        return Adts::None;
    }
    if bytes.len() < 9 {
        return Adts::Cut;
    }
    match aac::adts::Header::parse(bytes) {
        Some(header) if header.frame_len == header.header_len => Adts::None,
        Some(header) if header.frame_len > bytes.len() => Adts::Cut,
        Some(header) => Adts::Frame(header),
        None => Adts::None,
    }
}

/// An AAC frame with its header. `None` where ADTS cannot tell its format.
pub(in crate::mpegts) fn write_adts(
    config: &aac::AudioSpecificConfig,
    data: &[u8],
) -> Option<Vec<u8>> {
    let mut frame = aac::adts::header(config, data.len())?.to_vec();
    frame.extend_from_slice(data);
    Some(frame)
}
