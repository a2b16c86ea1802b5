//! A stream as one fragmented file, pictures and sound in it together.

use std::sync::Arc;

use bytes::Bytes;
use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, Item, MediaTime, TrackNumber};

use super::{Run, Sample, Track, chunk, init, timescale};

/// Tracks of a file: what a stream has at most.
const MAX_TRACKS: usize = 16;

/// A step of more than this in microseconds, in either direction, is another
/// clock: the recording goes on in another file.
const MAX_STEP: i64 = 10_000_000;

/// A fragment ends early when it has so many bytes: a second at 256 Mbps.
const MAX_BYTES: usize = 32 << 20;

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// A new file begins with this; the one before is complete.
    Begin(Bytes),
    /// Comes next in the file. Whatever follows, the file plays up to here.
    Fragment(Bytes),
}

/// Makes files of a stream.
///
/// A file begins with a keyframe of the first track with pictures, once a
/// fragment is complete: by then all tracks have told their format. When one of
/// them changes it, or another comes, or the clock jumps, the recording goes on
/// in another file.
pub struct Recording {
    fragment: i64,
    tracks: Vec<Lane>,
    /// Where the file begins on the stream's timeline.
    base: Option<MediaTime>,
    /// Where the fragment begins.
    from: MediaTime,
    /// The file has a head.
    begun: bool,
    bytes: usize,
    sequence: u32,
}

struct Lane {
    track: TrackNumber,
    format: Arc<Format>,
    held: Option<Frame>,
    /// Decoding time of the first sample in ticks of the file.
    start: u64,
    samples: Vec<Sample>,
    typical: i64,
}

impl Recording {
    /// Fragments of so many microseconds: what is lost where the machine dies.
    #[must_use]
    pub fn new(fragment: i64) -> Self {
        Self {
            fragment: fragment.clamp(100_000, 60_000_000),
            tracks: Vec::new(),
            base: None,
            from: MediaTime(0),
            begun: false,
            bytes: 0,
            sequence: 0,
        }
    }

    /// Takes the next item; tells what is to be written for it.
    pub fn handle_item(&mut self, item: &Item) -> Vec<Written> {
        let mut out = Vec::new();
        match item {
            Item::Format { track, format } => self.format(*track, format, &mut out),
            Item::Frame { track, frame } => self.frame(*track, frame, &mut out),
            // Its place stays empty: it may come back.
            Item::Data { .. } | Item::End { .. } => {}
        }
        out
    }

    /// The recording ends; the rest of it.
    pub fn end(&mut self) -> Vec<Written> {
        let mut out = Vec::new();
        self.close_file(&mut out);
        out
    }

    fn format(&mut self, track: TrackNumber, format: &Arc<Format>, out: &mut Vec<Written>) {
        let known = self.tracks.iter().position(|it| it.track == track);
        if known.is_some_and(|at| self.tracks[at].format == *format) {
            return;
        }
        if self.begun || known.is_some() {
            self.close_file(out);
        }
        let lane = Lane {
            track,
            format: format.clone(),
            held: None,
            start: 0,
            samples: Vec::new(),
            typical: 0,
        };
        match known {
            Some(at) => self.tracks[at] = lane,
            None if self.tracks.len() < MAX_TRACKS => self.tracks.push(lane),
            None => {}
        }
    }

    fn frame(&mut self, track: TrackNumber, frame: &Frame, out: &mut Vec<Written>) {
        let Some(at) = self.tracks.iter().position(|it| it.track == track) else {
            return;
        };
        if let Some(last) = self.tracks[at].held.as_ref().map(|held| held.dts)
            && frame.dts.since(last).abs() > MAX_STEP
        {
            self.close_file(out);
        }
        if self.base.is_none() {
            if self.leads() != Some(at) || !frame.keyframe {
                return;
            }
            self.base = Some(frame.dts);
            self.from = frame.dts;
        }
        let base = self.base.unwrap_or_default();
        if frame.dts < base {
            return;
        }
        let long = frame.dts.since(self.from) >= self.fragment || self.bytes > MAX_BYTES;
        if long {
            self.write(out);
            self.from = frame.dts;
        }
        self.bytes += frame.data.len();
        self.tracks[at].push(frame, base);
    }

    /// The track whose keyframe a file begins with.
    fn leads(&self) -> Option<usize> {
        let mut all = self.tracks.iter();
        let pictures = all.position(|it| it.format.codec.kind() == Kind::Video);
        pictures.or(if self.tracks.is_empty() {
            None
        } else {
            Some(0)
        })
    }

    /// Writes what there is, but for the frames whose duration is not known.
    fn write(&mut self, out: &mut Vec<Written>) {
        if self.tracks.iter().all(|it| it.samples.is_empty()) {
            return;
        }
        if !self.begun {
            // Tracks without any frame by now have no place in the file.
            self.tracks
                .retain(|it| it.held.is_some() || !it.samples.is_empty());
            let tracks: Vec<Track<'_>> = (1..)
                .zip(&self.tracks)
                .map(|(id, lane)| Track {
                    id,
                    format: &lane.format,
                })
                .collect();
            let Some(head) = init(&tracks) else { return };
            out.push(Written::Begin(head));
            self.begun = true;
        }
        let lanes = (1..).zip(&self.tracks);
        let runs: Vec<Run<'_>> = lanes
            .filter(|(_, lane)| !lane.samples.is_empty())
            .map(|(track, lane)| Run {
                track,
                time: lane.start,
                samples: &lane.samples,
            })
            .collect();
        self.sequence = self.sequence.wrapping_add(1);
        out.push(Written::Fragment(chunk(self.sequence, &runs)));
        for lane in &mut self.tracks {
            lane.samples.clear();
        }
        self.bytes = 0;
    }

    fn close_file(&mut self, out: &mut Vec<Written>) {
        if let Some(base) = self.base {
            for lane in &mut self.tracks {
                lane.settle_last(base);
            }
            self.write(out);
        }
        self.base = None;
        self.begun = false;
        self.bytes = 0;
        for lane in &mut self.tracks {
            lane.held = None;
            lane.samples.clear();
        }
    }
}

impl Lane {
    fn push(&mut self, frame: &Frame, base: MediaTime) {
        let scale = timescale(&self.format);
        let ticks = |time: MediaTime| MediaTime(time.since(base)).to_ticks(scale);
        let mut frame = frame.clone();
        if let Some(held) = self.held.take() {
            // Time that does not go on would end the file for some players.
            frame.dts = frame.dts.max(held.dts.plus(1));
            let duration = (ticks(frame.dts) - ticks(held.dts)).max(1);
            self.settle(&held, ticks(held.dts), duration);
        }
        self.held = Some(frame);
    }

    fn settle_last(&mut self, base: MediaTime) {
        if let Some(held) = self.held.take() {
            let scale = timescale(&self.format);
            let ticks = MediaTime(held.dts.since(base)).to_ticks(scale);
            let typical = match self.typical {
                0 => i64::from(scale) / 30,
                typical => typical,
            };
            self.settle(&held, ticks, typical.max(1));
        }
    }

    fn settle(&mut self, held: &Frame, ticks: i64, duration: i64) {
        if self.samples.is_empty() {
            self.start = ticks.max(0) as u64;
        }
        self.typical = duration;
        let scale = timescale(&self.format);
        let offset = MediaTime(held.pts.since(held.dts)).to_ticks(scale);
        self.samples.push(Sample {
            duration: u32::try_from(duration).unwrap_or(u32::MAX),
            offset: offset.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
            keyframe: held.keyframe,
            data: held.data.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmaf::read;

    const VIDEO: TrackNumber = TrackNumber(0);
    const AUDIO: TrackNumber = TrackNumber(1);

    fn formats(width: u32) -> [Item; 2] {
        use surecast_media::frame::{FrameCodec, Shape};
        let video = Format {
            codec: FrameCodec::Vp9,
            shape: Shape::Video { width, height: 2 },
            config: Bytes::from_static(&[0, 30, 0x82, 1, 1, 1, 0, 0]),
        };
        let format = |track, format| Item::Format {
            track,
            format: Arc::new(format),
        };
        let sound = surecast_media::opus::format(48_000, 2, 0);
        [format(VIDEO, video), format(AUDIO, sound)]
    }

    fn frame(track: TrackNumber, at: i64, keyframe: bool) -> Item {
        let dts = MediaTime(1_800_000_000_000_000 + at);
        let frame = Frame {
            dts,
            pts: dts,
            keyframe,
            data: Bytes::from_static(b"frame"),
        };
        Item::Frame { track, frame }
    }

    fn record(items: impl IntoIterator<Item = Item>) -> Vec<Vec<u8>> {
        let mut recording = Recording::new(1_000_000);
        let mut files: Vec<Vec<u8>> = Vec::new();
        let mut written: Vec<Written> = Vec::new();
        for item in items {
            written.extend(recording.handle_item(&item));
        }
        written.extend(recording.end());
        for each in written {
            match each {
                Written::Begin(head) => files.push(head.to_vec()),
                Written::Fragment(bytes) => files.last_mut().unwrap().extend(bytes),
            }
        }
        files
    }

    fn show(from: i64, seconds: i64) -> impl Iterator<Item = Item> {
        (0..seconds * 25).flat_map(move |number| {
            let at = from + number * 40_000;
            let video = frame(VIDEO, at, number % 25 == 0);
            let audio = |more| frame(AUDIO, at + more, true);
            [video, audio(0), audio(20_000)]
        })
    }

    #[test]
    fn all_frames_are_in_the_file() {
        let files = record(formats(2).into_iter().chain(show(0, 5)));
        let [file] = &files[..] else {
            panic!("{} files", files.len())
        };
        assert_eq!(read::tracks(file).len(), 2);
        let runs = read::runs(file);
        for (track, frames, ticks) in [(1, 125, 450_000), (2, 250, 240_000)] {
            let mut next = 0;
            let mut count = 0;
            for run in runs.iter().filter(|run| run.track == track) {
                assert_eq!(run.time, next, "track {track}");
                next += run.duration();
                count += run.samples.len();
            }
            assert_eq!((count, next), (frames, ticks), "track {track}");
        }
    }

    #[test]
    fn another_format_and_another_clock_begin_other_files() {
        let items = formats(2).into_iter().chain(show(0, 3));
        let items = items.chain(formats(4)).chain(show(3_000_000, 3));
        let items = items.chain(show(60_000_000, 3)).chain(show(5_000_000, 3));
        let files = record(items);
        assert_eq!(files.len(), 4);
        for file in files {
            let runs = read::runs(&file);
            assert_eq!(runs[0].time, 0);
            assert!(runs[0].samples[0].keyframe);
            let frames: usize = runs.iter().map(|run| run.samples.len()).sum();
            assert!(frames >= 220, "{frames}");
        }
    }
}
