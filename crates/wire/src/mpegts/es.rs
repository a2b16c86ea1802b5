//! What is in the PES packets of each kind of stream.

mod aac;
mod av1;
mod mp3;
mod nal;
mod opus;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use surecast_media::frame::{Format, Frame, Item, MediaTime, TimedData, TrackNumber};

use super::clock::media_time;
use super::psi::{Stream, stream_type};

pub(super) use aac::write_adts;
pub(super) use av1::to_start_codes;
pub(super) use nal::Codec as NalCodec;
pub(super) use opus::write_control_header;

/// Between decoding and showing a picture: sixteen of them at two a second. A
/// longer way is a mistake in the stream.
const MAX_REORDER_TICKS: i64 = 8 * 90_000;

/// Turns the PES packets of one stream into items.
#[derive(Debug)]
pub(super) enum Decoder {
    Nal(nal::Reader),
    Av1(av1::Reader),
    Aac(aac::Reader),
    Opus(opus::Reader),
    Mp3(mp3::Reader),
    Id3,
}

impl Decoder {
    /// By the program map. What is not carried on says why.
    pub(super) fn new(stream: &Stream) -> Result<Self, &'static str> {
        let registration = stream.registration.as_ref().map(<[u8; 4]>::as_slice);
        Ok(match (stream.kind, registration) {
            (stream_type::H264, _) => Self::Nal(nal::Reader::new(NalCodec::H264)),
            (stream_type::H265, _) => Self::Nal(nal::Reader::new(NalCodec::H265)),
            (stream_type::AAC_ADTS, _) => Self::Aac(aac::Reader::default()),
            (stream_type::MPEG1_AUDIO | stream_type::MPEG2_AUDIO, _) => {
                Self::Mp3(mp3::Reader::default())
            }
            (stream_type::PRIVATE, Some(b"Opus")) => {
                Self::Opus(opus::Reader::new(stream.opus_channels))
            }
            (stream_type::PRIVATE, Some(b"AV01")) => Self::Av1(av1::Reader::default()),
            (stream_type::METADATA, _) if stream.id3 || registration == Some(b"ID3 ") => Self::Id3,
            (stream_type::PRIVATE, Some(b"HEVC")) => Self::Nal(nal::Reader::new(NalCodec::H265)),
            (kind, _) => return Err(refusal(kind)),
        })
    }

    pub(super) fn is_video(&self) -> bool {
        matches!(self, Self::Nal(_) | Self::Av1(_))
    }

    /// One PES packet. `times`: presentation and decoding in ticks, continued.
    pub(super) fn decode(
        &mut self,
        payload: &Bytes,
        times: Option<(i64, i64)>,
        out: &mut Track<'_>,
    ) {
        match self {
            Self::Nal(reader) => reader.decode(payload, times, out),
            Self::Av1(reader) => reader.decode(payload, times, out),
            Self::Aac(reader) => reader.decode(payload, times, out),
            Self::Opus(reader) => reader.decode(payload, times, out),
            Self::Mp3(reader) => reader.decode(payload, times, out),
            Self::Id3 => {
                if let (Some((pts, _)), true) = (times, payload.starts_with(b"ID3")) {
                    let data = TimedData::Id3(payload.clone());
                    out.items.push_back(Item::Data {
                        pts: media_time(pts),
                        data,
                    });
                }
            }
        }
    }

    /// Bytes before the next PES packet are missing.
    pub(super) fn forget(&mut self) {
        match self {
            Self::Aac(reader) => reader.forget(),
            Self::Mp3(reader) => reader.forget(),
            Self::Nal(_) | Self::Av1(_) | Self::Opus(_) | Self::Id3 => {}
        }
    }
}

/// Why a stream of this kind is left out (table 2-34 and registrations).
fn refusal(kind: u8) -> &'static str {
    match kind {
        0x01 | 0x02 => "MPEG-1/2 video; send H.264, H.265 or AV1",
        0x10 => "MPEG-4 part 2 video; send H.264, H.265 or AV1",
        stream_type::AAC_LATM => "AAC in LATM; send AAC with ADTS headers (stream type 0x0f)",
        0x81 | 0x87 => "AC-3; send AAC or Opus",
        0x42 => "AVS video; send H.264, H.265 or AV1",
        0x33 => "VVC video; send H.264, H.265 or AV1",
        stream_type::PRIVATE => "private data that is neither Opus nor AV1",
        stream_type::METADATA => "metadata that is not ID3",
        0x86 => "splice information (SCTE 35)",
        _ => "of a type that is not known",
    }
}

/// The track that a stream becomes.
#[derive(Debug)]
pub(super) struct Out {
    /// Its number.
    pub track: TrackNumber,
    format: Option<Arc<Format>>,
}

impl Out {
    pub(super) fn new(track: TrackNumber) -> Self {
        Self {
            track,
            format: None,
        }
    }

    /// A format was told.
    pub(super) fn begun(&self) -> bool {
        self.format.is_some()
    }

    pub(super) fn into(&mut self, items: &mut VecDeque<Item>, work: impl FnOnce(&mut Track<'_>)) {
        work(&mut Track { out: self, items });
    }
}

/// Where a decoder puts what it found.
pub(super) struct Track<'a> {
    out: &'a mut Out,
    items: &'a mut VecDeque<Item>,
}

impl Track<'_> {
    /// Tells the format where it is another one than before.
    fn format(&mut self, format: Format) {
        if self.out.format.as_deref() != Some(&format) {
            let format = Arc::new(format);
            self.out.format = Some(Arc::clone(&format));
            self.items.push_back(Item::Format {
                track: self.out.track,
                format,
            });
        }
    }

    fn frame(&mut self, frame: Frame) {
        let track = self.out.track;
        self.items.push_back(Item::Frame { track, frame });
    }

    fn audio(&mut self, time: MediaTime, data: Bytes) {
        self.frame(Frame {
            dts: time,
            pts: time,
            keyframe: true,
            data,
        });
    }
}

/// The times of pictures: as told, else a picture's length after the last.
#[derive(Debug, Default)]
struct Cadence {
    last: Option<i64>,
    step: i64,
}

impl Cadence {
    /// Presentation and decoding of the next picture.
    fn next(&mut self, told: Option<(i64, i64)>) -> Option<(MediaTime, MediaTime)> {
        let (pts, dts) = told.or_else(|| {
            let dts = self.last?.wrapping_add(self.step);
            Some((dts, dts))
        })?;
        if let Some(last) = self.last.replace(dts)
            && (1..=90_000).contains(&dts.wrapping_sub(last))
        {
            self.step = dts.wrapping_sub(last);
        }
        let pts = pts.clamp(dts, dts.saturating_add(MAX_REORDER_TICKS));
        Some((media_time(pts), media_time(dts)))
    }
}

/// The times of sound: as told for the first frame that begins in a PES packet,
/// then by the samples.
#[derive(Debug, Default)]
struct Samples {
    start: Option<MediaTime>,
    since: u64,
}

impl Samples {
    fn restart(&mut self, ticks: i64) {
        self.start = Some(media_time(ticks));
        self.since = 0;
    }

    /// The time of a frame with this many samples, at this rate (> 0).
    fn next(&mut self, samples: u32, rate: u32) -> Option<MediaTime> {
        let start = self.start?;
        let since = i64::try_from(self.since).unwrap_or(i64::MAX);
        self.since = self.since.saturating_add(u64::from(samples));
        Some(start.plus(MediaTime::from_ticks(since, rate).0))
    }
}
