//! Where segments end, for all renditions of a stream alike.

use super::rendition::Rendition;
use super::segmenter::Segmenter;

/// A new segment of the renditions that follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Its number.
    pub msn: u64,
    /// Where it begins: microseconds of the output's timeline.
    pub at: i64,
}

/// Frames of silence that one gap is filled with at most: 80 s of AAC, far more
/// than the longest segment.
pub(super) const MAX_SILENCE: usize = 4096;

/// Added to what a segment of the target duration may last, in microseconds:
/// durations are rounded to the nearest second (RFC 8216bis §4.4.3.1). The rest
/// up to half a second is for the followers' frames.
const ROUNDING: i64 = 300_000;

impl Segmenter {
    /// How long a segment may be in microseconds.
    pub(super) fn limit(&self) -> i64 {
        match self.target {
            Some(seconds) => seconds * 1_000_000 + ROUNDING,
            None => self.settings.longest,
        }
    }

    /// The lead's segment ends at `at` of its ticks, and with it those of all
    /// others.
    pub(super) fn cut(&mut self, lead: usize, at: i64) {
        self.msn += 1;
        let (msn, breaks) = (self.msn, self.breaks);
        let rendition = &mut self.renditions[lead];
        rendition.finish();
        let at_micros = rendition.micros(at);
        let date = self.epoch.date(at_micros);
        rendition.begin(msn, at, date, (false, breaks));
        let cut = Cut { msn, at: at_micros };
        for index in self.followers(lead) {
            self.force_cuts(index);
            self.renditions[index].cuts.push_back(cut);
        }
        self.decide_target();
        self.trim();
    }

    /// The renditions that have begun and are not the lead.
    pub(super) fn followers(&self, lead: usize) -> Vec<usize> {
        (0..self.renditions.len())
            .filter(|index| *index != lead && self.renditions[*index].open().is_some())
            .collect()
    }

    /// Nothing has come for a whole segment: it goes on without.
    pub(super) fn force_cuts(&mut self, index: usize) {
        while let Some(cut) = self.renditions[index].cuts.pop_front() {
            self.cut_follower(index, cut, None);
        }
    }

    /// The follower's segment ends at the cut; the next frame, if there is one,
    /// is at `next` of its ticks.
    pub(super) fn cut_follower(&mut self, index: usize, cut: Cut, next: Option<i64>) {
        let breaks = self.breaks;
        let rendition = &mut self.renditions[index];
        let at = rendition.ticks(cut.at);
        let near = next.filter(|next| next - at < 2 * rendition.typical.max(1));
        let end = near.unwrap_or(at);
        end_at(rendition, end);
        let start = rendition.position;
        let micros = rendition.micros(start);
        rendition.finish();
        let date = self.epoch.date(micros);
        self.renditions[index].begin(cut.msn, start, date, (false, breaks));
    }

    /// Players are told once how long segments are: as long as the ones that
    /// have been seen when the first of them is complete.
    pub(super) fn decide_target(&mut self) {
        if self.target.is_some() {
            return;
        }
        let finished = self
            .renditions
            .iter()
            .flat_map(|rendition| &rendition.segments)
            .filter(|segment| segment.finished);
        let longest = finished.map(|it| it.micros()).max().unwrap_or(0);
        let longest = longest.max(self.longest_frame);
        let whole = (self.settings.segment + 999_999) / 1_000_000;
        self.target = Some(whole.max((longest + 500_000) / 1_000_000));
    }

    /// How far back playlists reach, in microseconds. Three target durations have
    /// to be left when a segment is removed (RFC 8216bis §6.2.2).
    fn window(&self) -> i64 {
        let least = 4_000_000 * self.target.unwrap_or(0);
        self.settings.window.max(least)
    }

    /// Forgets what is too old or too much.
    pub(super) fn trim(&mut self) {
        let window = self.window();
        let begun = self.renditions.iter().filter(|it| !it.segments.is_empty());
        let firsts = begun.map(|rendition| self.first_listed(rendition));
        let mut first = firsts.min().unwrap_or(self.msn);
        loop {
            for rendition in &mut self.renditions {
                unlist(rendition, first);
                drop_old(rendition, window);
            }
            let bytes: usize = self.renditions.iter().map(Rendition::bytes).sum();
            if bytes <= self.settings.bytes {
                return;
            }
            if !self.drop_one() {
                // A playlist of one segment is the least there is.
                if self.msn <= first + 1 {
                    return;
                }
                first += 1;
            }
        }
    }

    /// Number of the rendition's first segment within the window.
    fn first_listed(&self, rendition: &Rendition) -> u64 {
        let mut kept = 0;
        let mut first = self.msn;
        for segment in rendition.segments.iter().rev() {
            if kept > self.window() {
                break;
            }
            kept += segment.micros();
            first = segment.msn;
        }
        first
    }

    /// Drops the oldest segment that no playlist lists, of all renditions.
    fn drop_one(&mut self) -> bool {
        let mut dropped = false;
        for rendition in &mut self.renditions {
            if rendition.unlisted > 0 {
                rendition.segments.pop_front();
                rendition.unlisted -= 1;
                dropped = true;
            }
        }
        dropped
    }
}

/// The rendition's frames end at `end` of its ticks: with silence, or with the
/// last of them shown for longer. Without any frame there is a gap.
pub(super) fn end_at(rendition: &mut Rendition, end: i64) {
    let last = match &rendition.held {
        Some(held) => held.ticks + held.nominal,
        None => rendition.position,
    };
    if end - last > rendition.typical {
        rendition.fill(end, MAX_SILENCE);
    }
    match &rendition.held {
        Some(held) => rendition.settle(end.max(held.ticks + 1)),
        None => rendition.position = rendition.position.max(end),
    }
}

fn unlist(rendition: &mut Rendition, first: u64) {
    let finished = rendition.segments.iter().take_while(|it| it.finished);
    let old = finished.take_while(|it| it.msn < first).count();
    rendition.unlisted = rendition.unlisted.max(old);
}

/// What was listed is kept for as long as a playlist lasts (RFC 8216bis §6.2.2).
fn drop_old(rendition: &mut Rendition, window: i64) {
    let unlisted = rendition.segments.iter().take(rendition.unlisted);
    let mut kept: i64 = unlisted.map(|it| it.micros()).sum();
    while rendition.unlisted > 0 && kept > window {
        let oldest = rendition.segments.pop_front();
        kept -= oldest.map_or(0, |it| it.micros());
        rendition.unlisted -= 1;
    }
}
