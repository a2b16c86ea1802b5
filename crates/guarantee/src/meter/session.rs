//! One session: wanting in, being in, what it receives.

use std::collections::BTreeMap;

use super::buckets::{Buckets, Lines, by_minute};
use super::sample::{JoinFailure, MediaKind, What};
use super::track::{About, Track};
use super::{Settings, minute_of};
use crate::rollup::Counts;
use crate::rollup::experience::Indicator;

/// Most subscriptions of a session: more than any screen shows. Beyond, a
/// stream is not measured by itself.
const MAX_SUBSCRIPTIONS: usize = 256;

pub(super) struct Session {
    lines: Lines,
    /// Since when it wants in; `None` once it is in.
    wants_since: Option<i64>,
    /// The attempt under way.
    attempt: Option<i64>,
    subscriptions: BTreeMap<u32, MediaKind>,
    join: Track,
    media: Track,
    /// Audio and video by themselves, for the experience.
    kinds: [Track; 2],
    /// The minute whose sample is open, and whether it was down in it.
    mark: Option<(u32, bool)>,
    refused_streams: u64,
}

impl Session {
    pub fn new(lines: Lines, at: i64) -> Self {
        Self {
            lines,
            wants_since: None,
            attempt: None,
            subscriptions: BTreeMap::new(),
            join: Track::new(at),
            media: Track::new(at),
            kinds: [Track::new(at), Track::new(at)],
            mark: None,
            refused_streams: 0,
        }
    }

    /// How many streams were beyond the bound since the last time.
    pub fn take_refused(&mut self) -> u64 {
        std::mem::take(&mut self.refused_streams)
    }

    /// Takes what happened at `at`; `true` when the session is over.
    pub fn handle(
        &mut self,
        what: &What,
        at: i64,
        settings: &Settings,
        buckets: &mut Buckets,
    ) -> bool {
        match what {
            What::JoinStarted => self.start(at, settings, buckets),
            What::Joined(milestones) => {
                let took = self.attempt.map_or(
                    i64::try_from(milestones.total_ms()).unwrap_or(i64::MAX),
                    |since| at - since,
                );
                self.attempted(took <= i64::from(settings.levels.join_ms), at, buckets);
                self.activate_join(at, buckets);
                self.join.end(About::Join, at);
                self.wants_since = None;
            }
            What::JoinFailed(failure) => return self.fail(*failure, at, settings, buckets),
            What::MediaWanted { subscription, kind } => {
                self.want(*subscription, *kind, at, settings, buckets);
            }
            What::MediaFlowing { subscription } => {
                self.end_trouble(About::Start(*subscription), at);
                self.end_trouble(About::Freeze(*subscription), at);
            }
            What::Frozen { subscription } => {
                if let Some(&kind) = self.subscriptions.get(subscription) {
                    let level = settings.levels.freeze(kind);
                    self.begin_trouble(About::Freeze(*subscription), kind, at, level);
                }
            }
            What::MediaUnwanted { subscription } => self.unwant(*subscription, at, buckets),
            What::Delay {
                delay_ms,
                covers_ms,
            } => {
                let covers = u64::from((*covers_ms).min(60_000));
                let good = if *delay_ms <= settings.levels.delay_ms {
                    covers
                } else {
                    0
                };
                buckets.experienced(self.lines, minute_of(at), Indicator::Delay, good, covers);
            }
            What::Left => {
                if self.attempt.is_some() {
                    return self.fail(JoinFailure::GaveUp, at, settings, buckets);
                }
                self.close(at, buckets);
                return true;
            }
            What::Counted { .. } => {}
        }
        false
    }

    /// Accounts all that is decided before `until`; `false` when the session is
    /// over, because it waited in vain for too long.
    pub fn settle(&mut self, until: i64, settings: &Settings, buckets: &mut Buckets) -> bool {
        // Samples are known for as long as the longest level beyond.
        let known = until + i64::from(settings.levels.longest());
        if let Some(since) = self.wants_since {
            let cutoff = since + i64::from(settings.join_cutoff);
            if cutoff <= known {
                if self.attempt.is_some() {
                    self.attempted(false, cutoff, buckets);
                }
                self.close(cutoff, buckets);
                return false;
            }
        }
        self.tell(until, known, buckets);
        self.flush(minute_of(until), buckets);
        true
    }

    /// Nothing is known from `before` to `now`.
    pub fn jump(&mut self, before: i64, now: i64, buckets: &mut Buckets) {
        // What is undecided was not seen to be good.
        self.tell(before, i64::MAX, buckets);
        self.flush(minute_of(before), buckets);
        self.mark = None;
        for track in [&mut self.join, &mut self.media]
            .into_iter()
            .chain(&mut self.kinds)
        {
            track.skip_to(now);
        }
    }

    fn start(&mut self, at: i64, settings: &Settings, buckets: &mut Buckets) {
        // An attempt that was under way did not succeed.
        if self.attempt.replace(at).is_some() {
            self.attempted_bad(at, buckets);
            self.join.confirm(About::Join);
        }
        self.wants_since.get_or_insert(at);
        self.activate_join(at, buckets);
        self.join.begin(About::Join, at, settings.levels.start());
    }

    fn fail(
        &mut self,
        failure: JoinFailure,
        at: i64,
        settings: &Settings,
        buckets: &mut Buckets,
    ) -> bool {
        let waited = self.attempt.map_or(0, |since| at - since);
        match failure {
            JoinFailure::Refused => {}
            JoinFailure::GaveUp => {
                if waited > i64::from(settings.levels.join_ms) {
                    self.attempted(false, at, buckets);
                }
            }
            JoinFailure::Failed => {
                self.attempted(false, at, buckets);
                self.activate_join(at, buckets);
                self.wants_since.get_or_insert(at);
                self.join.begin(About::Join, at, 0);
                self.join.confirm(About::Join);
                return false;
            }
        }
        self.close(at, buckets);
        true
    }

    fn attempted(&mut self, good: bool, at: i64, buckets: &mut Buckets) {
        self.attempt = None;
        if !good {
            return self.attempted_bad(at, buckets);
        }
        let counts = Counts {
            good: 1,
            ..Counts::default()
        };
        buckets.add(self.lines.join, minute_of(at), counts);
        buckets.experienced(self.lines, minute_of(at), Indicator::Join, 1, 1);
    }

    fn attempted_bad(&self, at: i64, buckets: &mut Buckets) {
        let counts = Counts {
            bad: 1,
            ..Counts::default()
        };
        buckets.add(self.lines.join, minute_of(at), counts);
        buckets.experienced(self.lines, minute_of(at), Indicator::Join, 0, 1);
    }

    fn activate_join(&mut self, at: i64, buckets: &mut Buckets) {
        let join = self.lines.join;
        self.join.set_active(true, at, tell_line(join, buckets));
    }

    fn want(
        &mut self,
        subscription: u32,
        kind: MediaKind,
        at: i64,
        settings: &Settings,
        buckets: &mut Buckets,
    ) {
        if self.subscriptions.contains_key(&subscription) {
            return;
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            self.refused_streams += 1;
            return;
        }
        self.subscriptions.insert(subscription, kind);
        self.update_active(at, buckets);
        let level = settings.levels.start();
        self.begin_trouble(About::Start(subscription), kind, at, level);
    }

    fn unwant(&mut self, subscription: u32, at: i64, buckets: &mut Buckets) {
        self.end_trouble(About::Start(subscription), at);
        self.end_trouble(About::Freeze(subscription), at);
        self.subscriptions.remove(&subscription);
        self.update_active(at, buckets);
    }

    /// Media time counts while something is wanted.
    fn update_active(&mut self, at: i64, buckets: &mut Buckets) {
        let wanted = |kind| self.subscriptions.values().any(|&k| k == kind);
        let [audio, video] = [MediaKind::Audio, MediaKind::Video].map(wanted);
        let (lines, mark) = (self.lines, &mut self.mark);
        self.media
            .set_active(audio || video, at, tell_media(lines, mark, buckets));
        for (kind, active) in [(MediaKind::Audio, audio), (MediaKind::Video, video)] {
            let track = &mut self.kinds[kind as usize];
            track.set_active(active, at, tell_kind(lines, kind, buckets));
        }
    }

    fn begin_trouble(&mut self, about: About, kind: MediaKind, at: i64, level: u32) {
        self.media.begin(about, at, level);
        self.kinds[kind as usize].begin(about, at, level);
    }

    fn end_trouble(&mut self, about: About, at: i64) {
        self.media.end(about, at);
        for track in &mut self.kinds {
            track.end(about, at);
        }
    }

    fn tell(&mut self, until: i64, known: i64, buckets: &mut Buckets) {
        let lines = self.lines;
        self.join
            .settle(until, known, tell_line(lines.join, buckets));
        self.media
            .settle(until, known, tell_media(lines, &mut self.mark, buckets));
        for kind in [MediaKind::Audio, MediaKind::Video] {
            let track = &mut self.kinds[kind as usize];
            track.settle(until, known, tell_kind(lines, kind, buckets));
        }
    }

    fn close(&mut self, at: i64, buckets: &mut Buckets) {
        self.subscriptions.clear();
        self.update_active(at, buckets);
        let join = self.lines.join;
        self.join.set_active(false, at, tell_line(join, buckets));
        self.flush(u32::MAX, buckets);
    }

    /// The sample of a minute before `minute` is complete.
    fn flush(&mut self, minute: u32, buckets: &mut Buckets) {
        if let Some((at, down)) = self.mark.take_if(|(at, _)| *at < minute) {
            add_sample(self.lines, at, down, buckets);
        }
    }
}

fn time(ms: u64, up: bool) -> Counts {
    let (up_ms, down_ms) = if up { (ms, 0) } else { (0, ms) };
    Counts {
        up_ms,
        down_ms,
        ..Counts::default()
    }
}

fn tell_line(line: Option<usize>, buckets: &mut Buckets) -> impl FnMut(i64, i64, bool) {
    move |from, to, up| {
        by_minute(from, to, |minute, ms| {
            buckets.add(line, minute, time(ms, up))
        })
    }
}

/// A session's minute of media is one sample: good if it was not down at all.
fn tell_media(
    lines: Lines,
    mark: &mut Option<(u32, bool)>,
    buckets: &mut Buckets,
) -> impl FnMut(i64, i64, bool) {
    move |from, to, up| {
        by_minute(from, to, |minute, ms| {
            buckets.add(lines.media, minute, time(ms, up));
            if let Some((at, down)) = mark.take_if(|(at, _)| *at < minute) {
                add_sample(lines, at, down, buckets);
            }
            let (_, down) = mark.get_or_insert((minute, false));
            *down |= !up;
        });
    }
}

fn tell_kind(lines: Lines, kind: MediaKind, buckets: &mut Buckets) -> impl FnMut(i64, i64, bool) {
    let indicator = match kind {
        MediaKind::Audio => Indicator::Audio,
        MediaKind::Video => Indicator::Video,
    };
    move |from, to, up| {
        by_minute(from, to, |minute, ms| {
            buckets.experienced(lines, minute, indicator, if up { ms } else { 0 }, ms);
        });
    }
}

fn add_sample(lines: Lines, minute: u32, down: bool, buckets: &mut Buckets) {
    let counts = Counts {
        good: u64::from(!down),
        bad: u64::from(down),
        ..Counts::default()
    };
    buckets.add(lines.media, minute, counts);
}
