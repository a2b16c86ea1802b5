//! One track as segments and parts.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use surecast_media::control::Kind;
use surecast_media::frame::{Format, MediaTime, TrackNumber};

use super::cut::Cut;
use super::segment::{Part, Segment, micros};
use super::settings::Settings;
use super::silence;
use crate::cmaf::{self, Run, Sample};

/// A part is cut so much later than a whole number of frames says, in percent:
/// timestamps jitter (RTMP counts milliseconds), and one frame too few would be
/// less than the 85 % that a part has to have.
const SLACK: i64 = 2;

/// Initialization segments that are kept: a format for each of the last changes.
const MAX_MAPS: usize = 32;

/// Tags of timed metadata that one part carries at most, and bytes of all of
/// them: what a part of 200 ms needs is one.
const MAX_EVENTS: usize = 16;
const MAX_EVENT_BYTES: usize = 64 << 10;

/// A frame whose duration the next one tells.
pub(super) struct Held {
    pub ticks: i64,
    pub offset: i32,
    pub keyframe: bool,
    pub data: Bytes,
    /// Ticks that it lasts if nothing else is told.
    pub nominal: i64,
}

pub(super) struct Rendition {
    /// As in URLs: `video`, `audio`, `audio2`.
    pub name: String,
    pub kind: Kind,
    /// Whose frames it carries; `None` while the track is gone.
    pub track: Option<TrackNumber>,
    pub format: Arc<Format>,
    /// What its frames are in from the next discontinuity on.
    pub next_format: Option<Arc<Format>>,
    pub scale: u32,
    /// Segments that the playlist lists come after so many that are kept for who
    /// is late.
    pub unlisted: usize,
    pub segments: VecDeque<Segment>,
    pub maps: VecDeque<(u32, Bytes)>,
    /// Where a follower's segments are still to be cut.
    pub cuts: VecDeque<Cut>,
    pub held: Option<Held>,
    /// Where the last frame ends, in ticks.
    pub position: i64,
    /// Ticks between the last two frames.
    pub typical: i64,
    /// No frame since the last discontinuity.
    pub fresh: bool,
    /// How long parts may be in ticks, once it is known.
    part_target: Option<i64>,
    part: Vec<Sample>,
    part_start: i64,
    part_bytes: usize,
    events: BytesMut,
    event_count: usize,
    sequence: u32,
    settings: Settings,
}

impl Rendition {
    pub fn new(name: String, track: TrackNumber, format: Arc<Format>, settings: Settings) -> Self {
        let mut rendition = Self {
            name,
            kind: format.codec.kind(),
            track: Some(track),
            scale: cmaf::timescale(&format),
            format,
            next_format: None,
            unlisted: 0,
            segments: VecDeque::new(),
            maps: VecDeque::new(),
            cuts: VecDeque::new(),
            held: None,
            position: 0,
            typical: 0,
            fresh: true,
            part_target: None,
            part: Vec::new(),
            part_start: 0,
            part_bytes: 0,
            events: BytesMut::new(),
            event_count: 0,
            sequence: 0,
            settings,
        };
        rendition.add_map();
        rendition
    }

    /// Its frames are of this format from here on.
    pub fn set_format(&mut self, format: Arc<Format>) {
        self.scale = cmaf::timescale(&format);
        self.format = format;
        self.part_target = None;
        self.typical = 0;
        self.add_map();
    }

    fn add_map(&mut self) {
        let number = self.maps.back().map_or(0, |(number, _)| number + 1);
        let track = cmaf::Track {
            id: 1,
            format: &self.format,
        };
        let init = cmaf::init(&[track]).unwrap_or_default();
        self.maps.push_back((number, init));
        if self.maps.len() > MAX_MAPS {
            self.maps.pop_front();
        }
    }

    /// Microseconds of the output's timeline in its ticks.
    pub fn ticks(&self, micros: i64) -> i64 {
        MediaTime(micros).to_ticks(self.scale)
    }

    /// Its ticks in microseconds.
    pub fn micros(&self, ticks: i64) -> i64 {
        micros(ticks, self.scale)
    }

    /// The segment that grows.
    pub fn open(&self) -> Option<&Segment> {
        self.segments.back().filter(|segment| !segment.finished)
    }

    /// Begins a segment at `start` ticks.
    pub fn begin(&mut self, msn: u64, start: i64, date: MediaTime, breaks: (bool, u64)) {
        self.position = start;
        self.segments.push_back(Segment {
            msn,
            breaks: breaks.0,
            breaks_before: breaks.1,
            format: self.format.clone(),
            map: self.maps.back().map_or(0, |(number, _)| *number),
            scale: self.scale,
            start,
            date,
            duration: 0,
            independent: false,
            parts: Vec::new(),
            finished: false,
            bytes: 0,
            frames: 0,
        });
    }

    /// Ends the segment.
    pub fn finish(&mut self) {
        self.close_part();
        let position = self.position;
        if let Some(segment) = self.segments.back_mut() {
            segment.duration = (position - segment.start).max(0);
            segment.finished = true;
        }
    }

    /// The frame that is held lasts until `ticks`.
    pub fn settle(&mut self, ticks: i64) {
        if let Some(held) = self.held.take() {
            let duration = (ticks - held.ticks).clamp(1, i64::from(u32::MAX));
            self.typical = duration;
            self.append(&held, duration);
        }
    }

    /// The frame that is held lasts as long as such frames do.
    pub fn settle_nominal(&mut self) {
        if let Some(held) = &self.held {
            self.settle(held.ticks + held.nominal.max(1));
        }
    }

    fn append(&mut self, held: &Held, duration: i64) {
        let target = self.target_with(duration);
        if !self.part.is_empty() && self.part_ticks() + duration > target {
            self.close_part();
        }
        if self.part.is_empty() {
            self.part_start = held.ticks;
            if let Some(segment) = self.segments.back_mut()
                && segment.parts.is_empty()
            {
                segment.independent = held.keyframe;
                if self.fresh {
                    // What is missing before the first frame is not waited for.
                    let later = held.ticks - segment.start;
                    segment.date = segment.date.plus(micros(later, self.scale));
                    segment.start = held.ticks;
                }
            }
        }
        self.fresh = false;
        self.position = held.ticks + duration;
        self.part_bytes += held.data.len();
        self.part.push(Sample {
            duration: duration as u32,
            offset: held.offset,
            keyframe: held.keyframe,
            data: held.data.clone(),
        });
    }

    /// Ends the part where another frame would make it too long, or where it is
    /// so large that memory would not hold a playlist of such parts.
    pub fn close_part_if_full(&mut self) {
        let full = self.part_ticks() + self.typical > self.target_with(self.typical);
        if !self.part.is_empty() && (full || self.part_bytes > self.settings.bytes / 16) {
            self.close_part();
        }
    }

    fn part_ticks(&self) -> i64 {
        self.part.iter().map(|it| i64::from(it.duration)).sum()
    }

    /// How long parts may be, if frames like these and another of `duration`
    /// follow: a whole number of frames, the nearest to what is wanted.
    fn target_with(&self, duration: i64) -> i64 {
        if let Some(target) = self.part_target {
            return target;
        }
        let wanted = self.ticks(self.settings.part).max(1);
        // The median: a frame that was late says nothing of the others.
        let mut durations: Vec<i64> = self.part.iter().map(|it| i64::from(it.duration)).collect();
        durations.push(duration);
        durations.sort_unstable();
        let frame = durations[durations.len() / 2].max(1);
        let frames = ((2 * wanted + frame) / (2 * frame)).max(1);
        let exact = frames * frame;
        exact + exact * SLACK / 100
    }

    fn close_part(&mut self) {
        if self.part.is_empty() {
            return;
        }
        let duration = self.part_ticks();
        if self.part_target.is_none() {
            self.part_target = Some(self.target_with(duration / self.part.len() as i64));
        }
        let run = Run {
            track: 1,
            time: self.part_start.max(0) as u64,
            samples: &self.part,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let mut data = cmaf::chunk(self.sequence, &[run]);
        if !self.events.is_empty() {
            let mut with = self.events.split();
            with.extend_from_slice(&data);
            data = with.freeze();
            self.event_count = 0;
        }
        let Some(segment) = self.segments.back_mut() else {
            return;
        };
        segment.bytes += data.len();
        segment.duration += duration;
        segment.frames += self.part.len() as u32;
        segment.parts.push(Part {
            duration,
            independent: self.part.iter().any(|it| it.keyframe),
            data,
        });
        self.part.clear();
        self.part_bytes = 0;
    }

    /// An ID3 tag that the next part carries; it applies at so many microseconds.
    pub fn add_event(&mut self, id: u32, at: i64, tag: &[u8]) {
        if self.event_count < MAX_EVENTS && self.events.len() + tag.len() <= MAX_EVENT_BYTES {
            let time = self.ticks(at).max(0) as u64;
            let event = cmaf::event(cmaf::ID3_SCHEME, id, time, self.scale, tag);
            self.events.extend_from_slice(&event);
            self.event_count += 1;
        }
    }

    /// Silence up to `until` ticks, as far as whole frames go, at most `most` of
    /// them. Pictures, and sound of which no silence is known, stay as they are.
    pub fn fill(&mut self, until: i64, most: usize) {
        let Some(frame) = silence::frame(&self.format) else {
            return;
        };
        let each = silence::samples(&self.format, &frame).unwrap_or(1);
        for _ in 0..most {
            let at = match &self.held {
                Some(held) => held.ticks + held.nominal,
                None => self.position,
            };
            if at + each > until {
                return;
            }
            self.settle(at);
            self.held = Some(Held {
                ticks: at,
                offset: 0,
                keyframe: true,
                data: frame.clone(),
                nominal: each,
            });
        }
    }

    /// Seconds that parts of this rendition last at most, to be announced: the
    /// target, or more where a frame that is listed took longer.
    pub fn announced_part(&self) -> f64 {
        let listed = self.segments.iter().skip(self.unlisted);
        let longest = listed
            .flat_map(|segment| {
                let scale = f64::from(segment.scale);
                let parts = segment.parts.iter();
                parts.map(move |part| part.duration as f64 / scale)
            })
            .fold(0.0, f64::max);
        let target = self.part_target.unwrap_or_default() as f64 / f64::from(self.scale);
        // Up to the next millisecond.
        (target.max(longest) * 1000.0 - 1e-6).ceil().max(1.0) / 1000.0
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|it| it.bytes).sum::<usize>() + self.part_bytes
    }

    /// Something can be listed.
    pub fn is_ready(&self) -> bool {
        self.segments
            .front()
            .is_some_and(|segment| segment.finished)
    }
}
