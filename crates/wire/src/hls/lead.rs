//! Frames of the track that leads.

use surecast_media::control::Kind;
use surecast_media::frame::Frame;

use super::cut::end_at;
use super::rendition::{Held, Rendition};
use super::segmenter::{Epoch, Segmenter};
use super::silence;

/// A step back of more than this, in microseconds, is another clock; less is a
/// bad timestamp.
const MAX_BACK: i64 = 500_000;

/// Before a keyframe, a step forward of more than this, in microseconds, is a
/// hole that players better skip than show a still picture for, unless frames
/// are as rare as that.
const HOLE: i64 = 1_000_000;

impl Segmenter {
    pub(super) fn lead_frame(&mut self, lead: usize, frame: &Frame) {
        if self.waits_for_keyframe && !frame.keyframe {
            return;
        }
        if self.begun && !self.broken && self.jumps(lead, frame) {
            self.broken = true;
            self.waits_for_keyframe = true;
            if !frame.keyframe {
                return;
            }
        }
        if !self.begun {
            self.begin(lead, frame);
        } else if self.broken {
            self.discontinue(lead, frame);
        }
        self.waits_for_keyframe = false;
        self.lead_at = self.lead_at.max(frame.dts);
        self.go_on(lead, frame);
        self.changed();
    }

    /// Nothing connects the frame to the one before.
    fn jumps(&self, lead: usize, frame: &Frame) -> bool {
        let rendition = &self.renditions[lead];
        let step = frame.dts.since(self.lead_at);
        let typical = rendition.micros(rendition.typical);
        step < -MAX_BACK
            || step > self.limit()
            || (frame.keyframe && step > HOLE && step > 4 * typical)
    }

    fn begin(&mut self, lead: usize, frame: &Frame) {
        self.begun = true;
        self.broken = false;
        self.epoch = Epoch {
            media: frame.dts,
            out: 0,
        };
        self.lead_at = frame.dts;
        // Segments of a later run have higher numbers and other names: they last
        // for at least as long as the clock needs to get there.
        let seconds = frame.dts.0.max(0) / 1_000_000;
        self.msn = seconds as u64 * 1_000_000 / self.settings.segment as u64;
        self.run = format!("{seconds:x}");
        self.renditions[lead].begin(self.msn, 0, frame.dts, (false, 0));
    }

    /// All renditions end here and go on with the frame.
    fn discontinue(&mut self, lead: usize, frame: &Frame) {
        self.broken = false;
        self.end_run(lead);
        let ends = self.renditions.iter().map(|it| it.micros(it.position));
        self.epoch = Epoch {
            media: frame.dts,
            out: ends.max().unwrap_or(0),
        };
        self.lead_at = frame.dts;
        self.keep_waiting(|_, waiting| waiting.dts >= frame.dts);
        self.msn += 1;
        self.breaks += 1;
        for index in 0..self.renditions.len() {
            let rendition = &mut self.renditions[index];
            if let Some(format) = rendition.next_format.take() {
                rendition.set_format(format);
            }
            if rendition.segments.is_empty() && index != lead {
                continue;
            }
            rendition.fresh = true;
            rendition.held = None;
            let start = rendition.ticks(self.epoch.out);
            rendition.begin(self.msn, start, frame.dts, (true, self.breaks));
        }
        self.trim();
    }

    fn end_run(&mut self, lead: usize) {
        // Nobody may have led: the lead may have come only now.
        let end = match self.renditions[lead].open() {
            Some(_) => {
                self.renditions[lead].settle_nominal();
                self.renditions[lead].finish();
                self.renditions[lead].micros(self.renditions[lead].position)
            }
            None => self.epoch.place(self.lead_at),
        };
        for index in self.followers(lead) {
            self.close_follower(index, end);
        }
    }

    /// The follower's last segment of a run: it ends where the lead does, or with
    /// its own last frame where that is later.
    pub(super) fn close_follower(&mut self, index: usize, end: i64) {
        self.force_cuts(index);
        let rendition = &mut self.renditions[index];
        if rendition.kind == Kind::Video {
            // A still picture would make the segment longer than players were told.
            rendition.settle_nominal();
            rendition.finish();
            return;
        }
        let end = rendition.ticks(end);
        let own = match &rendition.held {
            Some(held) => held.ticks + held.nominal,
            None => rendition.position,
        };
        end_at(rendition, end.max(own));
        rendition.finish();
    }

    fn go_on(&mut self, lead: usize, frame: &Frame) {
        let out = self.epoch.place(frame.dts);
        let rendition = &mut self.renditions[lead];
        let nominal = nominal(rendition, frame);
        let Some(ticks) = rendition.follow_on(rendition.ticks(out), nominal) else {
            return;
        };
        self.cut_before_too_long(lead, ticks);
        let rendition = &mut self.renditions[lead];
        rendition.settle(ticks);
        let begun = rendition.open().map_or(ticks, |segment| segment.start);
        let slack = rendition.typical / 2;
        let long_enough = ticks - begun + slack >= rendition.ticks(self.settings.segment);
        let much = rendition.bytes() > self.settings.bytes / 4 && much_in_one(rendition);
        if ticks > begun && (frame.keyframe && long_enough || much) {
            self.cut(lead, ticks);
        } else {
            self.renditions[lead].close_part_if_full();
        }
        self.renditions[lead].hold(frame, ticks, nominal);
    }

    /// Where the frame that is held would make the segment longer than players
    /// were told, another begins with it.
    fn cut_before_too_long(&mut self, lead: usize, ticks: i64) {
        let rendition = &self.renditions[lead];
        let limit = rendition.ticks(self.limit());
        let (Some(segment), Some(held)) = (rendition.open(), &rendition.held) else {
            return;
        };
        let lasts = rendition.micros(ticks - held.ticks);
        self.longest_frame = self.longest_frame.max(lasts);
        if ticks - segment.start > limit && held.ticks > segment.start {
            let at = held.ticks;
            self.cut(lead, at);
        }
    }
}

/// One segment takes a quarter of what all of them may take.
fn much_in_one(rendition: &Rendition) -> bool {
    let most = rendition.open().map_or(0, |segment| segment.bytes);
    most > rendition.bytes() / 2
}

/// Ticks that a frame lasts as far as it tells itself; for pictures those of the
/// one before.
pub(super) fn nominal(rendition: &Rendition, frame: &Frame) -> i64 {
    let sound = silence::samples(&rendition.format, &frame.data);
    sound.unwrap_or(match rendition.typical {
        // The very first picture: as if there were 30 a second.
        0 => i64::from(rendition.scale) / 30,
        typical => typical,
    })
}

impl Rendition {
    /// Holds the frame, which is at `ticks`, until the next one tells how long it
    /// lasts.
    pub(super) fn hold(&mut self, frame: &Frame, ticks: i64, nominal: i64) {
        let offset = self.ticks(frame.pts.since(frame.dts));
        // Sound has none; ten seconds of pictures are more than any encoder
        // reorders.
        let most = 10 * i64::from(self.scale);
        let offset = match self.kind {
            Kind::Video => offset.clamp(-most, most) as i32,
            Kind::Audio => 0,
        };
        self.held = Some(Held {
            ticks,
            offset,
            keyframe: frame.keyframe || self.kind == Kind::Audio,
            data: frame.data.clone(),
            nominal,
        });
    }
}
