//! From items to packets.

mod packets;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use surecast_media::aac::AudioSpecificConfig;
use surecast_media::control::Kind;
use surecast_media::frame::{
    Format, Frame, FrameCodec, Item, MediaTime, Shape, TimedData, TrackNumber,
};
use surecast_media::{nal, opus};

use super::clock::ticks;
use super::es::{self, NalCodec};
use super::pes::{self, Times};
use super::psi::{self, Stream, stream_type};
use packets::{Counter, Packets};

const PID_MAP: u16 = 0x1000;
const PID_FIRST: u16 = 0x100;
const PID_ID3: u16 = 0x1f0;
/// A receiver that tunes in waits no longer for the tables; DVB asks for 500 ms
/// (ETSI TR 101 290 §5.2.1).
const TABLES_EVERY: i64 = 400_000;
/// ISO/IEC 13818-1 §2.7.2 asks for 100 ms; below that by a frame at 60 Hz, since
/// references go with frames.
const PCR_EVERY: i64 = 80_000;
/// How far the clock reference runs behind the decoding times: what a receiver
/// may buffer. Streams of a program may be interleaved as unevenly as this.
const PCR_BEHIND: i64 = 200_000;
/// Without video for this long other tracks carry the clock on, so far behind
/// themselves: encoders send sound in bursts of up to 0.7 s, ahead of the
/// picture. A larger step of the video is a jump, which is not filled.
const PCR_STEP: i64 = 1_000_000;

/// A format that transport streams have no way to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported(pub FrameCodec);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MPEG-TS does not carry {}; send H.264, H.265 or AV1 with AAC, Opus or MP3",
            self.0
        )
    }
}

impl std::error::Error for Unsupported {}

/// One track of the program.
#[derive(Debug)]
struct Track {
    number: TrackNumber,
    format: Arc<Format>,
    pid: u16,
    counter: Counter,
    /// Read once from the format.
    aac: Option<AudioSpecificConfig>,
}

/// Writes a transport stream with one program.
///
/// Tables come first, with each video keyframe, when the streams change, and
/// every 400 ms of the stream. The clock reference goes with video, or with
/// audio where there is no video, at least every 100 ms. Continuity counters
/// and the program map's version go on for as long as the muxer lives.
#[derive(Debug, Default)]
pub struct Muxer {
    tracks: Vec<Track>,
    id3: Option<Counter>,
    packets: Packets,
    pat: Counter,
    map: Counter,
    map_version: u8,
    /// When tables and clock reference were last written, on the stream's time.
    tables_at: Option<MediaTime>,
    pcr_at: Option<MediaTime>,
    /// The next frame that can carry a clock reference does.
    pcr_now: bool,
}

impl Muxer {
    /// One without tracks.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether streams of this codec can be carried.
    #[must_use]
    pub const fn carries(codec: FrameCodec) -> bool {
        !matches!(codec, FrameCodec::Vp8 | FrameCodec::Vp9)
    }

    /// Writes an item. Frames of tracks without a format are left out, as are
    /// timed data other than ID3.
    ///
    /// # Errors
    /// The format's codec has no mapping; its track is left out.
    pub fn push(&mut self, item: &Item) -> Result<(), Unsupported> {
        match item {
            Item::Format { track, format } => return self.format(*track, format),
            Item::Frame { track, frame } => self.frame(*track, frame),
            Item::Data {
                pts,
                data: TimedData::Id3(tag),
            } => self.id3(*pts, tag),
            Item::Data { .. } => {}
            Item::End { track } => self.end(*track),
        }
        Ok(())
    }

    /// The next frame begins a segment that is played by itself: tables and a
    /// clock reference come first.
    pub fn segment_start(&mut self) {
        self.tables_at = None;
        self.pcr_now = true;
    }

    /// The packets written since the last call, 188 bytes each. A datagram of
    /// SRT has at most seven of them.
    pub fn take(&mut self) -> Bytes {
        self.packets.take()
    }

    fn format(&mut self, number: TrackNumber, format: &Arc<Format>) -> Result<(), Unsupported> {
        if !Self::carries(format.codec) {
            self.end(number);
            return Err(Unsupported(format.codec));
        }
        let aac = match format.codec {
            FrameCodec::Aac => AudioSpecificConfig::parse(&format.config),
            _ => None,
        };
        let format = Arc::clone(format);
        match self.tracks.iter_mut().find(|track| track.number == number) {
            Some(track) => {
                let before = stream_of(track);
                track.format = format;
                track.aac = aac;
                if stream_of(track) == before {
                    return Ok(());
                }
            }
            None => {
                let pid = PID_FIRST + u16::from(number.0.min(0xdf));
                self.tracks.push(Track {
                    number,
                    format,
                    pid,
                    counter: Counter::default(),
                    aac,
                });
                self.tracks
                    .sort_by_key(|track| (track.format.codec.kind() == Kind::Audio, track.number));
            }
        }
        self.changed();
        Ok(())
    }

    fn end(&mut self, number: TrackNumber) {
        let before = self.tracks.len();
        self.tracks.retain(|track| track.number != number);
        if self.tracks.len() != before {
            self.changed();
        }
    }

    /// The program has other streams: its map is written anew.
    fn changed(&mut self) {
        self.map_version = self.map_version.wrapping_add(1);
        self.segment_start();
    }

    fn frame(&mut self, number: TrackNumber, frame: &Frame) {
        let Some(index) = self.tracks.iter().position(|track| track.number == number) else {
            return;
        };
        let track = &self.tracks[index];
        let video = track.format.codec.kind() == Kind::Video;
        let Some((stream_id, payload)) = payload(track, frame) else {
            return;
        };
        if video && frame.keyframe {
            self.tables_at = None;
        }
        self.tables(frame.dts);
        let pcr = self.clock_reference(index, frame.dts);
        let times = Times {
            pts: ticks(frame.pts),
            dts: ticks(frame.dts),
        };
        let header = pes::write_header(stream_id, times, true, payload.len());
        let track = &mut self.tracks[index];
        let random_access = video && frame.keyframe;
        let bytes = [header, payload].concat();
        self.packets
            .pes(track.pid, &mut track.counter, pcr, random_access, &bytes);
    }

    fn id3(&mut self, pts: MediaTime, tag: &Bytes) {
        if self.id3.is_none() {
            self.id3 = Some(Counter::default());
            self.changed();
        }
        self.tables(pts);
        let time = ticks(pts);
        let header = pes::write_header(
            0xbd,
            Times {
                pts: time,
                dts: time,
            },
            true,
            tag.len(),
        );
        if let Some(counter) = &mut self.id3 {
            self.packets
                .pes(PID_ID3, counter, None, false, &[&header[..], tag].concat());
        }
    }

    /// Writes the tables where they are due.
    fn tables(&mut self, now: MediaTime) {
        if !is_due(self.tables_at, now, TABLES_EVERY) {
            return;
        }
        self.tables_at = Some(now);
        let mut streams: Vec<Stream> = self.tracks.iter().map(stream_of).collect();
        if self.id3.is_some() {
            streams.push(id3_stream());
        }
        let pcr_pid = self.tracks.first().map_or(0x1fff, |track| track.pid);
        self.packets
            .section(0, &mut self.pat, &psi::write_pat(PID_MAP));
        let map = psi::write_pmt(self.map_version, pcr_pid, &streams);
        self.packets.section(PID_MAP, &mut self.map, &map);
    }

    /// The reference that goes with the frame of this track, where one is due.
    /// Those that frames come too rarely for go in packets of their own.
    fn clock_reference(&mut self, index: usize, dts: MediaTime) -> Option<u64> {
        // Tracks are sorted: video comes first.
        let carries = index == 0;
        let target = if carries { dts } else { dts.plus(-PCR_STEP) };
        let (first, forced) = (&self.tracks[0], carries && self.pcr_now);
        let last = self.pcr_at.unwrap_or(target.plus(-PCR_STEP));
        let ahead = target.since(last);
        let jumps_back = carries && ahead < -PCR_STEP;
        if ahead < PCR_EVERY && !forced && !jumps_back {
            return None;
        }
        if ahead < PCR_STEP {
            for filler in (1..)
                .map(|count| last.plus(count * PCR_EVERY))
                .take_while(|at| *at < target)
            {
                self.packets
                    .pcr(first.pid, first.counter, reference(filler));
            }
        }
        self.pcr_at = Some(target.max(if jumps_back { target } else { last }));
        if carries {
            self.pcr_now = false;
            return Some(reference(target));
        }
        self.packets
            .pcr(first.pid, first.counter, reference(target));
        None
    }
}

/// The clock reference at this decoding time, at 90 kHz.
fn reference(dts: MediaTime) -> u64 {
    ticks(dts.plus(-PCR_BEHIND))
}

/// Never written, `every` microseconds ago, or the clock went back.
fn is_due(last: Option<MediaTime>, now: MediaTime, every: i64) -> bool {
    last.is_none_or(|last| !(0..every).contains(&now.since(last)))
}

/// The elementary stream's bytes and its stream_id (table 2-22).
fn payload(track: &Track, frame: &Frame) -> Option<(u8, Vec<u8>)> {
    Some(match track.format.codec {
        FrameCodec::H264 => (0xe0, annex_b(NalCodec::H264, track, frame)),
        FrameCodec::H265 => (0xe0, annex_b(NalCodec::H265, track, frame)),
        FrameCodec::Av1 => (0xbd, es::to_start_codes(&frame.data)),
        FrameCodec::Aac => (0xc0, es::write_adts(track.aac.as_ref()?, &frame.data)?),
        FrameCodec::Mp3 => (0xc0, frame.data.to_vec()),
        FrameCodec::Opus => {
            let mut payload = es::write_control_header(frame.data.len());
            payload.extend_from_slice(&frame.data);
            (0xbd, payload)
        }
        FrameCodec::Vp8 | FrameCodec::Vp9 => return None,
    })
}

fn annex_b(codec: NalCodec, track: &Track, frame: &Frame) -> Vec<u8> {
    let sets = frame.keyframe.then_some(track.format.as_ref());
    let mut stream = codec.delimiter().to_vec();
    stream.extend(nal::to_annex_b(&frame.data, sets));
    stream
}

/// How the program map describes a track.
fn stream_of(track: &Track) -> Stream {
    let channels = match track.format.shape {
        Shape::Audio { channels, .. } => channels,
        Shape::Video { .. } => 0,
    };
    let (kind, registration, opus_channels) = match track.format.codec {
        FrameCodec::H264 => (stream_type::H264, None, None),
        FrameCodec::H265 => (stream_type::H265, Some(*b"HEVC"), None),
        FrameCodec::Av1 => (stream_type::PRIVATE, Some(*b"AV01"), None),
        FrameCodec::Aac => (stream_type::AAC_ADTS, None, None),
        FrameCodec::Opus => (stream_type::PRIVATE, Some(*b"Opus"), Some(channels)),
        FrameCodec::Mp3 if rate_of(&track.format) >= 32_000 => {
            (stream_type::MPEG1_AUDIO, None, None)
        }
        FrameCodec::Mp3 | FrameCodec::Vp8 | FrameCodec::Vp9 => {
            (stream_type::MPEG2_AUDIO, None, None)
        }
    };
    Stream {
        pid: track.pid,
        kind,
        registration,
        id3: false,
        opus_channels,
    }
}

fn rate_of(format: &Format) -> u32 {
    match format.shape {
        Shape::Audio { rate, .. } => rate,
        Shape::Video { .. } => opus::RATE,
    }
}

fn id3_stream() -> Stream {
    Stream {
        pid: PID_ID3,
        kind: stream_type::METADATA,
        registration: None,
        id3: true,
        opus_channels: None,
    }
}
