//! Opus with control headers, as "Opus in MPEG-TS" and ffmpeg have it.

use bytes::Bytes;
use surecast_media::opus;

use super::{Samples, Track};

/// control_header_prefix, eleven bits, and room for the flags below.
const PREFIX: u16 = 0x7fe0;
const PREFIX_MASK: u16 = 0xffe0;
const START_TRIM: u16 = 0x10;
const END_TRIM: u16 = 0x08;
const EXTENSION: u16 = 0x04;

/// Reads access units, of which a PES packet has one or several.
#[derive(Debug)]
pub(in crate::mpegts) struct Reader {
    channels: u8,
    samples: Samples,
}

impl Reader {
    /// `code`: channel_config_code, where the program map tells it. 0 is dual
    /// mono, which plays as two channels.
    pub(super) fn new(code: Option<u8>) -> Self {
        let channels = code
            .filter(|channels| (1..=8).contains(channels))
            .unwrap_or(2);
        Self {
            channels,
            samples: Samples::default(),
        }
    }

    pub(super) fn decode(
        &mut self,
        payload: &Bytes,
        times: Option<(i64, i64)>,
        out: &mut Track<'_>,
    ) {
        if let Some((pts, _)) = times {
            self.samples.restart(pts);
        }
        let mut rest = payload.clone();
        while let Some(packet) = access_unit(&mut rest) {
            let Some(samples) = opus::packet_samples(&packet) else {
                continue;
            };
            if let Some(time) = self.samples.next(samples, opus::RATE) {
                // The stream is joined while it runs, so nothing is to be
                // skipped: what start_trim says is for the recorded beginning.
                out.format(opus::format(opus::RATE, self.channels, 0));
                out.audio(time, packet);
            }
        }
    }
}

/// The first access unit's packet; `rest` goes on behind it.
fn access_unit(rest: &mut Bytes) -> Option<Bytes> {
    let (flags, mut at) = (u16::from_be_bytes(*rest.first_chunk()?), 2);
    if flags & PREFIX_MASK != PREFIX {
        return None;
    }
    let mut size = 0;
    loop {
        let byte = *rest.get(at)?;
        at += 1;
        size += usize::from(byte);
        if byte != 0xff {
            break;
        }
    }
    at += if flags & START_TRIM != 0 { 2 } else { 0 };
    at += if flags & END_TRIM != 0 { 2 } else { 0 };
    if flags & EXTENSION != 0 {
        at += 1 + usize::from(*rest.get(at)?);
    }
    if at + size > rest.len() {
        return None;
    }
    let packet = rest.slice(at..at + size);
    *rest = rest.slice(at + size..);
    Some(packet)
}

/// The control header of a packet of this size.
pub(in crate::mpegts) fn write_control_header(size: usize) -> Vec<u8> {
    let mut header = PREFIX.to_be_bytes().to_vec();
    header.resize(2 + size / 255, 0xff);
    header.push((size % 255) as u8);
    header
}
