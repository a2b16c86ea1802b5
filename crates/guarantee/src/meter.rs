//! From what happened to sessions to one rollup per minute.
//!
//! ```text
//! handle_sample ─► waiting, in order of time ─► sessions ─► open minutes ─► poll_rollup
//! ```
//!
//! - A sample waits for [`Settings::lateness`], so that samples may come out of
//!   order. One that comes later still is counted in [`Corrections`] and takes
//!   effect from then on; it is never dropped, and a closed minute never changes.
//! - **Up** is a session that is in, whose media flows and does not freeze. A
//!   join that does not succeed is down from its start, until it does or until
//!   [`Settings::join_cutoff`].
//! - A trouble (a join, a stream that does not start, a freeze) counts from its
//!   first instant, once it has lasted as long as its level; a shorter one does
//!   not count at all.
//! - Every minute of every configured line gives exactly one rollup: measured,
//!   idle, or without data where the meter was not running. A clock that goes
//!   back stands still for the meter until it has caught up.
//!
//! One meter serves one source: a server, a probe at a vantage, or the receipts
//! that a server collects. Probes and receipts hand in [`What::Counted`].

mod buckets;
pub mod freeze;
mod sample;
mod session;
mod settings;
mod track;

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::module::Module;
use crate::rollup::experience::Experience;
use crate::rollup::{Counts, MINUTE_MS, Minute, Rollup, Source};

use buckets::Buckets;
use session::Session;

pub use sample::{
    Corrections, JoinFailure, Levels, MediaKind, Milestones, Sample, SessionId, What,
};
pub use settings::{MAX_LINES, Settings, SettingsError};

/// Most sessions of a meter. One machine forwards some 50,000 streams; whoever
/// comes beyond twice that is counted as a failed join.
pub const MAX_SESSIONS: usize = 100_000;

/// Most samples that wait: ten of each session within the lateness. Beyond, the
/// oldest is taken before its time, and is then still in order with most.
pub const MAX_WAITING: usize = 10 * MAX_SESSIONS;

/// Longest run of minutes without data that is reported one by one. Whoever
/// reads the rollups takes missing minutes for the same.
const MAX_NO_DATA: u32 = 366 * 1440;

/// The meter of one source.
pub struct Meter {
    settings: Settings,
    /// Milliseconds since 1970, never back.
    now: i64,
    /// Everything before it was taken in order.
    horizon: i64,
    waiting: BTreeMap<(i64, u64), Sample>,
    sequence: u64,
    sessions: BTreeMap<SessionId, Session>,
    buckets: Buckets,
    /// The next minute to be given out.
    next: u32,
    /// The first one that cannot be given out yet.
    closable: u32,
    rollups: VecDeque<Rollup>,
    experiences: VecDeque<Experience>,
    corrections: Corrections,
}

impl Meter {
    /// A meter that starts at `now`. `last` is the last minute that an earlier
    /// meter of this source gave out: all from there to `now` have no data. The
    /// minute that has begun has none either, as nobody saw its beginning.
    ///
    /// A source that has never measured begins with its first whole minute:
    /// nobody was promised anything of it before.
    pub fn new(
        settings: Settings,
        last: Option<Minute>,
        now: Timestamp,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let clock = millis(now).max(0);
        let next = last.map_or(minute_of(clock + MINUTE - 1), |last| {
            last.0.saturating_add(1)
        });
        // A clock behind what was given out stands still until it catches up.
        let earliest = last.map_or(clock, |_| i64::from(next) * MINUTE);
        let now = clock.max(earliest);
        let mut meter = Self {
            buckets: Buckets::new(&settings.lines, next),
            settings,
            now,
            horizon: now,
            waiting: BTreeMap::new(),
            sequence: 0,
            sessions: BTreeMap::new(),
            next,
            closable: next,
            rollups: VecDeque::new(),
            experiences: VecDeque::new(),
            corrections: Corrections {
                clock_back: u64::from(now > clock),
                ..Corrections::default()
            },
        };
        meter.no_data(i64::from(next) * MINUTE, now);
        Ok(meter)
    }

    /// Takes a sample.
    pub fn handle_sample(&mut self, sample: Sample, now: Timestamp) {
        self.advance(now);
        let mut at = millis(sample.at).min(self.now);
        if at < self.horizon {
            self.corrections.late_samples += 1;
            at = self.horizon;
        }
        self.waiting.insert((at, self.sequence), sample);
        self.sequence += 1;
        if self.waiting.len() > MAX_WAITING
            && let Some(((at, _), sample)) = self.waiting.pop_first()
        {
            self.corrections.early_samples += 1;
            self.take(&sample, at);
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.advance(now);
    }

    /// Samples from `from` on were lost. Every minute from there to `now` that is
    /// still open has no data, and no session is known any more: those that go
    /// on have to be told again, from [`What::JoinStarted`] or [`What::Joined`].
    pub fn handle_loss(&mut self, from: Timestamp, now: Timestamp) {
        self.advance(now);
        self.take_until(self.now.saturating_add(1));
        let from = millis(from).min(self.now);
        for mut session in std::mem::take(&mut self.sessions).into_values() {
            session.jump(from, self.now, &mut self.buckets);
        }
        self.no_data(from, self.now.saturating_add(1));
    }

    /// What the samples come from stood still from `from` to `now`: the minutes
    /// concerned have no data. Sessions are still known.
    pub fn handle_stall(&mut self, from: Timestamp, now: Timestamp) {
        self.advance(now);
        let from = millis(from).min(self.now);
        self.jump(from, self.now.saturating_add(1));
    }

    /// The source stops: nothing comes any more, so that every whole minute can
    /// be given out at once. The one that has begun has no data, as nobody sees
    /// its end, just as nobody sees the beginning of the first one.
    pub fn handle_end(&mut self, now: Timestamp) {
        self.advance(now);
        let begun = self.now.rem_euclid(MINUTE) > 0;
        let end = i64::from(minute_of(self.now) + u32::from(begun)) * MINUTE;
        self.jump(self.now, end);
        self.now = end;
        self.closable = self.closable.max(minute_of(end));
    }

    /// When [`Meter::handle_timeout`] wants to be called at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Timestamp {
        let close = i64::from(self.closable.saturating_add(1)) * MINUTE + self.hold();
        let at = close
            .min(self.now + i64::from(self.settings.heartbeat))
            .max(self.now + 1);
        Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX)
    }

    /// The next rollup: minute by minute, in each the lines in the order of the
    /// settings.
    pub fn poll_rollup(&mut self) -> Option<Rollup> {
        if self.rollups.is_empty() && self.next < self.closable {
            self.give_out(Minute(self.next));
            self.next += 1;
        }
        self.rollups.pop_front()
    }

    /// What users experienced in the minutes whose rollups were given out.
    pub fn poll_experience(&mut self) -> Option<Experience> {
        self.experiences.pop_front()
    }

    /// What did not fit.
    #[must_use]
    pub const fn corrections(&self) -> Corrections {
        self.corrections
    }

    /// Sessions that are known.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// From the end of a minute until nothing can change it: samples may be
    /// late, and a trouble that began in it may still have to last.
    fn hold(&self) -> i64 {
        i64::from(self.settings.lateness) + i64::from(self.settings.levels.longest())
    }

    fn advance(&mut self, now: Timestamp) {
        let now = millis(now);
        if now < self.now {
            self.corrections.clock_back += u64::from(self.now - now > 1000);
            return;
        }
        let before = self.now;
        self.now = now;
        if now - before > i64::from(self.settings.silence) {
            self.jump(before, now);
        } else {
            self.take_until(now - i64::from(self.settings.lateness));
        }
        let closable = minute_of(now - self.hold());
        if closable > self.closable {
            self.settle_all(i64::from(closable) * MINUTE);
            self.closable = closable;
        }
    }

    /// The meter did not run from `before` to `now`.
    fn jump(&mut self, before: i64, now: i64) {
        self.corrections.silences += 1;
        self.take_until(before.saturating_add(1));
        let mut sessions = std::mem::take(&mut self.sessions);
        for session in sessions.values_mut() {
            session.jump(before, now, &mut self.buckets);
        }
        self.sessions = sessions;
        self.horizon = self.horizon.max(now);
        self.no_data(before, now);
    }

    /// Every minute that `from..to` touches has no data.
    fn no_data(&mut self, from: i64, to: i64) {
        if from >= to {
            return;
        }
        let end = minute_of(to + MINUTE - 1);
        self.buckets.no_data(minute_of(from).max(self.next), end);
        self.next = self.next.max(end.saturating_sub(MAX_NO_DATA));
        self.buckets.forget_before(self.next);
        self.closable = self.closable.max(self.next);
    }

    /// Takes all samples before `until`, in order.
    fn take_until(&mut self, until: i64) {
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 >= until {
                break;
            }
            let ((at, _), sample) = entry.remove_entry();
            self.take(&sample, at);
        }
        self.horizon = self.horizon.max(until);
    }

    fn take(&mut self, sample: &Sample, at: i64) {
        self.horizon = self.horizon.max(at);
        let at = self.horizon;
        if let What::Counted { module, counts } = &sample.what {
            let known = self.buckets.count(*module, &sample.region, at, *counts);
            self.corrections.unknown_lines += u64::from(!known);
            return;
        }
        let full = self.sessions.len() >= MAX_SESSIONS;
        let opens = matches!(sample.what, What::JoinStarted | What::Joined(_));
        let session = match self.sessions.get_mut(&sample.session) {
            Some(session) => session,
            None if opens && !full => {
                let lines = self.buckets.lines_of(&sample.region);
                self.corrections.unknown_lines += u64::from(lines.is_unknown());
                let session = Session::new(lines, at);
                self.sessions.entry(sample.session).or_insert(session)
            }
            None => {
                self.corrections.unknown_sessions += u64::from(!opens);
                self.corrections.refused_sessions += u64::from(opens);
                if opens {
                    let bad = Counts {
                        bad: 1,
                        ..Counts::default()
                    };
                    self.buckets.count(Module::Join, &sample.region, at, bad);
                }
                return;
            }
        };
        let goes = session.handle(&sample.what, at, &self.settings, &mut self.buckets);
        self.corrections.refused_streams += session.take_refused();
        if goes {
            self.sessions.remove(&sample.session);
        }
    }

    fn settle_all(&mut self, until: i64) {
        let (settings, buckets) = (&self.settings, &mut self.buckets);
        self.sessions
            .retain(|_, session| session.settle(until, settings, buckets));
    }

    fn give_out(&mut self, minute: Minute) {
        let source = &self.settings.source;
        let closed = self.buckets.close(minute);
        for (line, (module, region)) in self.settings.lines.iter().enumerate() {
            let counts = closed.as_ref().map(|closed| closed.line(line));
            let (region, source) = (region.clone(), source.clone());
            let rollup = counts.and_then(|counts| {
                Rollup::new(minute, *module, region.clone(), source.clone(), counts).ok()
            });
            let no_data = || Rollup::no_data(minute, *module, region, source);
            self.rollups.push_back(rollup.unwrap_or_else(no_data));
        }
        // Only servers see sessions.
        if !matches!(source, Source::Server(_)) {
            return;
        }
        for (region, counts) in closed.into_iter().flat_map(|closed| closed.experiences) {
            self.experiences.push_back(Experience {
                minute,
                region,
                source: source.clone(),
                counts,
            });
        }
    }
}

/// Milliseconds of a minute, signed like instants.
const MINUTE: i64 = MINUTE_MS as i64;

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

fn minute_of(millis: i64) -> u32 {
    let minute = u32::try_from(millis.div_euclid(MINUTE).max(0)).unwrap_or(u32::MAX);
    minute.min(Minute::MAX.0)
}

#[cfg(test)]
mod tests;
