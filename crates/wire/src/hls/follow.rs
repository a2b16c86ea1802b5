//! Frames of the tracks that follow the lead.

use surecast_media::control::Kind;
use surecast_media::frame::Frame;

use super::cut::MAX_SILENCE;
use super::lead::nominal;
use super::rendition::Rendition;
use super::segmenter::Segmenter;

/// Followers wait for the lead, so that their segments end where its do, but not
/// for longer than this in microseconds: after so long the lead's clock is taken
/// to have jumped.
const PATIENCE: i64 = 10_000_000;

/// Frames that wait at most: [`PATIENCE`] of sound in frames of 2.5 ms.
const MAX_WAITING: usize = 4000;

impl Segmenter {
    pub(super) fn follower_frame(&mut self, index: usize, frame: &Frame) {
        if !self.begun || self.broken {
            // Where the lead begins is not known; what is later will be of use.
            self.wait(index, frame);
            return;
        }
        let ahead = frame.dts.since(self.lead_at);
        if !(-PATIENCE..=PATIENCE).contains(&ahead) {
            return;
        }
        self.wait(index, frame);
        self.release(self.lead_at.0);
    }

    /// The oldest frames give way where there are too many: while the lead stands
    /// still, nobody plays.
    fn wait(&mut self, index: usize, frame: &Frame) {
        self.waiting_bytes += frame.data.len();
        self.waiting.push_back((index, frame.clone()));
        let most = self.settings.bytes / 8;
        while self.waiting.len() > MAX_WAITING || self.waiting_bytes > most {
            if self.next_waiting().is_none() {
                return;
            }
        }
    }

    fn next_waiting(&mut self) -> Option<(usize, Frame)> {
        let (index, frame) = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(frame.data.len());
        Some((index, frame))
    }

    /// Takes the frames that wait up to this decoding time.
    pub(super) fn release(&mut self, until: i64) {
        if !self.begun || self.broken {
            return;
        }
        while self
            .waiting
            .front()
            .is_some_and(|(_, it)| it.dts.0 <= until)
        {
            if let Some((index, frame)) = self.next_waiting() {
                self.take(index, &frame);
            }
        }
    }

    fn take(&mut self, index: usize, frame: &Frame) {
        let out = self.epoch.place(frame.dts);
        let rendition = &self.renditions[index];
        // It belongs to what was before the discontinuity.
        if rendition.next_format.is_some() || out < self.epoch.out {
            return;
        }
        let wanted = rendition.ticks(out);
        if self.renditions[index].open().is_none() {
            // What is before the segment that grows has none to go into.
            if out < self.lead_segment() {
                return;
            }
            self.open_follower(index, wanted, out);
        }
        while let Some(cut) = self.due(index, wanted) {
            self.cut_follower(index, cut, Some(wanted));
        }
        let rendition = &mut self.renditions[index];
        let nominal = nominal(rendition, frame);
        let Some(ticks) = rendition.follow_on(wanted, nominal) else {
            return;
        };
        rendition.settle(ticks);
        rendition.close_part_if_full();
        rendition.hold(frame, ticks, nominal);
        self.changed();
    }

    /// Where the lead's growing segment begins, in microseconds.
    fn lead_segment(&self) -> i64 {
        let lead = self.lead.map(|lead| &self.renditions[lead]);
        let begin = |lead: &Rendition| Some(lead.micros(lead.open()?.start));
        lead.and_then(begin).unwrap_or(self.epoch.out)
    }

    /// A rendition that begins while others run.
    fn open_follower(&mut self, index: usize, ticks: i64, out: i64) {
        let (msn, breaks, date) = (self.msn, self.breaks, self.epoch.date(out));
        let rendition = &mut self.renditions[index];
        rendition.cuts.clear();
        rendition.fresh = true;
        rendition.begin(msn, ticks, date, (false, breaks));
    }

    /// The next cut, if a frame at these ticks comes after it.
    fn due(&mut self, index: usize, ticks: i64) -> Option<super::cut::Cut> {
        let rendition = &mut self.renditions[index];
        let cut = *rendition.cuts.front()?;
        let at = rendition.ticks(cut.at);
        if ticks + rendition.typical / 2 < at {
            return None;
        }
        rendition.cuts.pop_front()
    }
}

impl Rendition {
    /// Where the next frame goes that wants to be at `wanted` ticks and lasts for
    /// `nominal`; `None` if it comes too late to go anywhere.
    ///
    /// Sound follows on without holes: its timestamps are rounded (RTMP, to
    /// milliseconds), its frames are not. What its clock drifts is made up for
    /// little by little. Where frames are missing there will be silence.
    pub(super) fn follow_on(&mut self, wanted: i64, nominal: i64) -> Option<i64> {
        let follows = match &self.held {
            Some(held) => held.ticks + held.nominal,
            None if self.fresh => return Some(wanted.max(self.position)),
            None => self.position,
        };
        if self.kind == Kind::Video {
            let earliest = match &self.held {
                Some(held) => held.ticks + 1,
                None => self.position,
            };
            return Some(wanted.max(earliest));
        }
        let jitter = self.ticks(20_000).max(nominal / 2);
        let late = follows - wanted;
        if late > jitter {
            return None;
        }
        if -late <= 2 * jitter {
            return Some(follows - late / 32);
        }
        self.fill(wanted, MAX_SILENCE);
        let filled = self
            .held
            .as_ref()
            .map_or(follows, |it| it.ticks + it.nominal);
        Some(wanted.max(filled))
    }
}
