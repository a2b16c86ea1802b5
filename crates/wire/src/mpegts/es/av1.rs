//! AV1 with start codes ("Carriage of AV1 in MPEG-2 TS" §4).

use bytes::Bytes;
use surecast_media::av1::{self, Obu};
use surecast_media::frame::Frame;
use surecast_media::nal;

use super::{Cadence, Track};

const OBU_TEMPORAL_DELIMITER: u8 = 2;
/// More than a temporal unit has: 64 tile groups, headers, metadata.
const MAX_UNITS: usize = 256;

/// Reads temporal units, one in each PES packet.
#[derive(Debug, Default)]
pub(in crate::mpegts) struct Reader {
    running: bool,
    cadence: Cadence,
}

impl Reader {
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        times: Option<(i64, i64)>,
        out: &mut Track<'_>,
    ) {
        let plain: Vec<Vec<u8>> = nal::annex_b(payload)
            .take(MAX_UNITS)
            .map(unescaped)
            .collect();
        let unit = av1::temporal_unit(plain.iter().filter_map(|obu| Obu::parse(obu)));
        let Some((pts, dts)) = self.cadence.next(times) else {
            return;
        };
        let keyframe = av1::is_key_temporal_unit(&unit);
        if keyframe {
            let header = av1::sequence_header(&unit)
                .and_then(|obu| av1::format_from_sequence_header(obu.whole));
            if let Some(format) = header {
                out.format(format);
                self.running = true;
            }
        }
        if self.running && !unit.is_empty() {
            out.frame(Frame {
                dts,
                pts,
                keyframe,
                data: unit,
            });
        }
    }
}

/// Without the bytes that keep start codes from appearing.
fn unescaped(unit: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for &byte in unit {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        plain.push(byte);
    }
    plain
}

/// A temporal unit of OBUs with size fields as a byte stream with start codes,
/// a temporal delimiter first.
pub(in crate::mpegts) fn to_start_codes(unit: &Bytes) -> Vec<u8> {
    let mut stream = vec![0, 0, 1, OBU_TEMPORAL_DELIMITER << 3 | 0x02, 0];
    for obu in av1::obus(unit) {
        stream.extend([0, 0, 1]);
        let mut zeros = 0;
        for &byte in obu.whole {
            if zeros >= 2 && byte <= 3 {
                stream.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            stream.push(byte);
        }
        // A unit that ends in zeros would lose them to the next start code.
        if zeros > 0 {
            stream.push(3);
        }
    }
    stream
}
