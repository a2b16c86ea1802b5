//! From the items of a stream to segments: which track leads, and what begins
//! anew when.

use std::collections::VecDeque;
use std::sync::Arc;

use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, Item, MediaTime, TimedData, TrackNumber};

use super::rendition::Rendition;
use super::settings::Settings;

/// Renditions of one stream: a ladder of pictures and a few languages.
const MAX_RENDITIONS: usize = 8;

/// The run of frames since the last discontinuity: where its first frame is on
/// the stream's timeline, and where on the one that players get, in microseconds.
/// The latter begins at 0 and goes on where the former jumps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Epoch {
    pub media: MediaTime,
    pub out: i64,
}

impl Epoch {
    pub fn place(&self, time: MediaTime) -> i64 {
        self.out.saturating_add(time.since(self.media))
    }

    pub fn date(&self, out: i64) -> MediaTime {
        self.media.plus(out.saturating_sub(self.out))
    }
}

/// Segments and parts of a stream, each track a rendition of its own.
///
/// One track leads: the first of the pictures, or of the sounds where there are
/// none. Its keyframes are where segments begin, in all renditions alike: a
/// segment has the same number in each of them and begins at the same time, to
/// the next frame. Where nothing connects two frames of the lead, all renditions
/// have a discontinuity: its format changed, its clock jumped, it was gone.
/// Frames in another format before the lead's next keyframe are left out.
///
/// Missing sound is filled with silence (AAC-LC and Opus, up to two channels);
/// a segment of which nothing is there becomes a gap.
pub struct Segmenter {
    pub(super) settings: Settings,
    pub(super) renditions: Vec<Rendition>,
    pub(super) lead: Option<usize>,
    pub(super) epoch: Epoch,
    /// The lead has begun.
    pub(super) begun: bool,
    /// The lead's next frame is taken only if it is a keyframe.
    pub(super) waits_for_keyframe: bool,
    /// Nothing connects the lead's next frame to the last one.
    pub(super) broken: bool,
    /// Number of the segment that grows.
    pub(super) msn: u64,
    /// Discontinuities so far.
    pub(super) breaks: u64,
    /// Decoding time of the lead's last frame.
    pub(super) lead_at: MediaTime,
    /// Frames of followers that the lead has not reached yet.
    pub(super) waiting: VecDeque<(usize, Frame)>,
    pub(super) waiting_bytes: usize,
    /// `EXT-X-TARGETDURATION` in seconds, once it is known.
    pub(super) target: Option<i64>,
    /// The longest that a frame of the lead took so far, in microseconds.
    pub(super) longest_frame: i64,
    pub(super) ended: bool,
    /// Part of all names of media: those of an earlier run are others.
    pub(super) run: String,
    events: u32,
    version: u64,
}

impl Segmenter {
    /// One without any track.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: settings.sane(),
            renditions: Vec::new(),
            lead: None,
            epoch: Epoch::default(),
            begun: false,
            waits_for_keyframe: true,
            broken: false,
            msn: 0,
            breaks: 0,
            lead_at: MediaTime(0),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            target: None,
            longest_frame: 0,
            ended: false,
            run: String::new(),
            events: 0,
            version: 0,
        }
    }

    /// Takes the next item. Items of a track that was not announced are left out.
    pub fn handle_item(&mut self, item: &Item) {
        if self.ended {
            return;
        }
        match item {
            Item::Format { track, format } => self.format(*track, format),
            Item::Frame { track, frame } => self.frame(*track, frame),
            Item::Data { pts, data } => self.data(*pts, data),
            Item::End { track } => self.track_ended(*track),
        }
    }

    /// The stream ends: playlists say so, and nobody waits any more.
    pub fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        self.version += 1;
        let Some(lead) = self.lead.filter(|_| self.begun) else {
            return;
        };
        self.renditions[lead].settle_nominal();
        let end = self.renditions[lead].position;
        let end = self.renditions[lead].micros(end);
        self.renditions[lead].finish();
        for index in self.followers(lead) {
            self.close_follower(index, end);
        }
        self.decide_target();
    }

    /// Grows whenever an answer may have changed.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// `EXT-X-TARGETDURATION` in seconds, once it is known: with the first segment.
    #[must_use]
    pub fn target_seconds(&self) -> Option<i64> {
        self.target
    }

    /// Whether the stream has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Bytes of media that are held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.renditions.iter().map(Rendition::bytes).sum()
    }

    /// Something changed that answers depend on.
    pub(super) fn changed(&mut self) {
        self.version += 1;
    }

    fn format(&mut self, track: TrackNumber, format: &Arc<Format>) {
        let kind = format.codec.kind();
        for other in &mut self.renditions {
            if other.track == Some(track) && other.kind != kind {
                other.track = None;
            }
        }
        let same = |it: &Rendition| it.kind == kind && it.track == Some(track);
        let vacant = |it: &Rendition| it.kind == kind && it.track.is_none();
        let known = self.renditions.iter().position(same);
        match known.or_else(|| self.renditions.iter().position(vacant)) {
            Some(index) => self.change_format(index, track, format),
            None if self.renditions.len() < MAX_RENDITIONS => {
                let name = self.name(kind);
                let rendition = Rendition::new(name, track, format.clone(), self.settings);
                self.renditions.push(rendition);
            }
            None => return,
        }
        self.choose_lead();
    }

    fn change_format(&mut self, index: usize, track: TrackNumber, format: &Arc<Format>) {
        let rendition = &mut self.renditions[index];
        rendition.track = Some(track);
        rendition.next_format = None;
        if *rendition.format == **format {
            return;
        }
        if rendition.segments.is_empty() {
            rendition.set_format(format.clone());
            return;
        }
        rendition.next_format = Some(format.clone());
        self.broken = true;
        self.waits_for_keyframe = true;
    }

    fn name(&self, kind: Kind) -> String {
        let before = self.renditions.iter().filter(|it| it.kind == kind).count();
        let name = match kind {
            Kind::Video => "video",
            Kind::Audio => "audio",
        };
        match before {
            0 => name.to_owned(),
            _ => format!("{name}{}", before + 1),
        }
    }

    fn track_ended(&mut self, track: TrackNumber) {
        for rendition in &mut self.renditions {
            if rendition.track == Some(track) {
                rendition.track = None;
            }
        }
        self.choose_lead();
    }

    /// The first track with pictures that is there, else the first with sound.
    fn choose_lead(&mut self) {
        let first = |kind| {
            let mut all = self.renditions.iter();
            all.position(|it| it.kind == kind && it.track.is_some())
        };
        let lead = first(Kind::Video).or_else(|| first(Kind::Audio));
        // With nobody left, the last one stays: it may come back.
        if lead.is_none() || lead == self.lead {
            return;
        }
        if self.begun {
            self.broken = true;
        }
        self.waits_for_keyframe = true;
        if let Some(old) = self.lead.filter(|_| self.begun) {
            self.hand_over(old);
        }
        self.lead = lead;
        self.keep_waiting(|index, _| Some(index) != lead);
    }

    /// Drops the frames that wait and are of no use.
    pub(super) fn keep_waiting(&mut self, of_use: impl Fn(usize, &Frame) -> bool) {
        self.waiting.retain(|(index, frame)| of_use(*index, frame));
        self.waiting_bytes = self.waiting.iter().map(|(_, it)| it.data.len()).sum();
    }

    /// The lead becomes a follower: its segments end where the others' do, and
    /// those of the others where its do.
    fn hand_over(&mut self, old: usize) {
        for index in self.followers(old) {
            self.force_cuts(index);
        }
    }

    fn frame(&mut self, track: TrackNumber, frame: &Frame) {
        let of_track = |it: &Rendition| it.track == Some(track);
        let Some(index) = self.renditions.iter().position(of_track) else {
            return;
        };
        if self.lead == Some(index) {
            self.lead_frame(index, frame);
            self.release(self.lead_at.0);
        } else {
            self.follower_frame(index, frame);
        }
    }

    fn data(&mut self, pts: MediaTime, data: &TimedData) {
        let (Some(lead), true, TimedData::Id3(tag)) = (self.lead, self.begun, data) else {
            return;
        };
        let at = self.epoch.place(pts);
        self.events = self.events.wrapping_add(1);
        self.renditions[lead].add_event(self.events, at, tag);
    }
}
