//! The clocks of support: first response, next update, restoration.
//!
//! A clock stores instants and nothing else; what is elapsed, left and due is
//! computed in its calendar whenever somebody asks. Escalation is not a clock of
//! its own: it happens at shares (50, 75, 100 %) of one of these.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::ratio::Percent;

/// Most pauses of one clock. A ticket whose customer was asked a thousand times
/// is a broken script; the clock then refuses to pause and runs on.
pub const MAX_PAUSES: usize = 1_000;

/// What a clock waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// A first answer by a human. Never pauses.
    FirstResponse,
    /// The next word to the customer. Never pauses.
    NextUpdate,
    /// The service is back. Pauses while the log says that the customer is
    /// waited for.
    Restoration,
}

impl ClockKind {
    /// Whether waiting for the customer stops this clock.
    #[must_use]
    pub const fn pauses(self) -> bool {
        matches!(self, Self::Restoration)
    }
}

/// A wait for the customer, as the log has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// When the customer was asked.
    pub from: Timestamp,
    /// When the answer came; `None` = it has not, or the clock stopped first.
    pub until: Option<Timestamp>,
    /// The leaf that records it. There is no pause that is not logged.
    pub log_index: u64,
}

/// Why a clock did not do what it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// Only restoration pauses.
    #[error("a {0:?} clock never pauses")]
    NeverPauses(ClockKind),
    /// It is paused, and pauses do not nest.
    #[error("the clock is paused since {0}")]
    IsPaused(Timestamp),
    /// It is not paused.
    #[error("the clock is not paused")]
    NotPaused,
    /// It has stopped.
    #[error("the clock has stopped at {0}")]
    HasStopped(Timestamp),
    /// Before the clock's last entry.
    #[error("{at} is before {last}, the clock's last entry")]
    Backwards {
        /// What was asked for.
        at: Timestamp,
        /// The last entry.
        last: Timestamp,
    },
    /// More than [`MAX_PAUSES`].
    #[error("more than {MAX_PAUSES} pauses")]
    TooManyPauses,
}

/// One clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    kind: ClockKind,
    calendar: Calendar,
    target: SignedDuration,
    started: Timestamp,
    stopped: Option<Timestamp>,
    pauses: Vec<Pause>,
}

impl Clock {
    /// Starts a clock; for an incident `started` is the first bad sample.
    #[must_use]
    pub const fn start(
        kind: ClockKind,
        calendar: Calendar,
        target: SignedDuration,
        started: Timestamp,
    ) -> Self {
        Self {
            kind,
            calendar,
            target,
            started,
            stopped: None,
            pauses: Vec::new(),
        }
    }

    /// The clock again from what was stored. Pauses may come in any order and
    /// may overlap; a kind that never pauses ignores them.
    #[must_use]
    pub fn restore(mut self, pauses: Vec<Pause>, stopped: Option<Timestamp>) -> Self {
        self.pauses = if self.kind.pauses() {
            pauses
        } else {
            Vec::new()
        };
        self.pauses.sort_unstable();
        self.stopped = stopped;
        self
    }

    /// What it waits for.
    #[must_use]
    pub const fn kind(&self) -> ClockKind {
        self.kind
    }

    /// How long that may take, in the calendar's time.
    #[must_use]
    pub const fn target(&self) -> SignedDuration {
        self.target
    }

    /// When it started.
    #[must_use]
    pub const fn started(&self) -> Timestamp {
        self.started
    }

    /// When it stopped.
    #[must_use]
    pub const fn stopped(&self) -> Option<Timestamp> {
        self.stopped
    }

    /// The logged waits, by their start.
    #[must_use]
    pub fn pauses(&self) -> &[Pause] {
        &self.pauses
    }

    /// The customer was asked something at `at`, by leaf `log_index`.
    ///
    /// # Errors
    /// If this kind never pauses, if it is paused or has stopped, or if `at` is
    /// before its last entry.
    pub fn pause(&mut self, at: Timestamp, log_index: u64) -> Result<(), ClockError> {
        if !self.kind.pauses() {
            return Err(ClockError::NeverPauses(self.kind));
        }
        self.refuse_stopped_or_backwards(at)?;
        if let Some(open) = self.open_pause() {
            return Err(ClockError::IsPaused(open.from));
        }
        if self.pauses.len() >= MAX_PAUSES {
            return Err(ClockError::TooManyPauses);
        }
        self.pauses.push(Pause {
            from: at,
            until: None,
            log_index,
        });
        Ok(())
    }

    /// The customer answered.
    ///
    /// # Errors
    /// If it is not paused, has stopped, or `at` is before its last entry.
    pub fn resume(&mut self, at: Timestamp) -> Result<(), ClockError> {
        self.refuse_stopped_or_backwards(at)?;
        match self.pauses.iter_mut().find(|p| p.until.is_none()) {
            Some(open) => open.until = Some(at),
            None => return Err(ClockError::NotPaused),
        }
        Ok(())
    }

    /// What it waited for has happened. An open pause ends here and stays
    /// subtracted.
    ///
    /// # Errors
    /// If it has stopped, or `at` is before its last entry.
    pub fn stop(&mut self, at: Timestamp) -> Result<(), ClockError> {
        self.refuse_stopped_or_backwards(at)?;
        if let Some(open) = self.pauses.iter_mut().find(|p| p.until.is_none()) {
            open.until = Some(at);
        }
        self.stopped = Some(at);
        Ok(())
    }

    fn refuse_stopped_or_backwards(&self, at: Timestamp) -> Result<(), ClockError> {
        if let Some(stopped) = self.stopped {
            return Err(ClockError::HasStopped(stopped));
        }
        let ends = self.pauses.iter().map(|p| p.until.unwrap_or(p.from));
        let last = ends.fold(self.started, Timestamp::max);
        if at < last {
            return Err(ClockError::Backwards { at, last });
        }
        Ok(())
    }

    fn open_pause(&self) -> Option<&Pause> {
        self.pauses.iter().find(|p| p.until.is_none())
    }

    /// Whether it waits for the customer at `now`.
    #[must_use]
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.stopped.is_none_or(|at| now < at)
            && self.waits().any(|(from, until)| from <= now && now < until)
    }

    /// The calendar's time that has counted up to `now`, or up to the stop.
    #[must_use]
    pub fn elapsed(&self, now: Timestamp) -> SignedDuration {
        let end = self.stopped.map_or(now, |stopped| stopped.min(now));
        let mut total = SignedDuration::ZERO;
        let mut from = self.started;
        for (pause, until) in self.merged_waits() {
            total += self.calendar.between(from, pause.min(end));
            from = from.max(until);
        }
        total + self.calendar.between(from, end)
    }

    /// What is left of the target; negative once it is missed.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> SignedDuration {
        self.target.saturating_sub(self.elapsed(now))
    }

    /// The instant at which the target runs out. `None` while an open pause
    /// stands before it: nobody knows when the customer answers.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.when_elapsed(self.target)
    }

    /// The instant at which this share of the target is used up; for escalation.
    /// `None` as for [`Clock::due`].
    #[must_use]
    pub fn at_share(&self, share: Percent) -> Option<Timestamp> {
        let units = i128::from(share.units());
        let nanos = self.target.as_nanos() * units / i128::from(Percent::WHOLE);
        self.when_elapsed(duration_from_nanos(nanos))
    }

    /// Whether the target has run out by `now`, and what was waited for came
    /// later than that or has not come.
    #[must_use]
    pub fn is_missed(&self, now: Timestamp) -> bool {
        self.elapsed(now) > self.target
    }

    fn when_elapsed(&self, amount: SignedDuration) -> Option<Timestamp> {
        let mut left = amount;
        let mut from = self.started;
        for (pause, until) in self.merged_waits() {
            let here = self.calendar.between(from, pause);
            if left <= here {
                return self.calendar.after(from, left);
            }
            left -= here;
            if until == Timestamp::MAX {
                return None;
            }
            from = from.max(until);
        }
        self.calendar.after(from, left)
    }

    /// Waits as spans; an open one has no end, or ends where the clock stopped.
    fn waits(&self) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let open_end = self.stopped.unwrap_or(Timestamp::MAX);
        let span = move |p: &Pause| (p.from, p.until.unwrap_or(open_end));
        self.pauses.iter().map(span)
    }

    /// The same, clipped to the clock's start, in order, and joined where they
    /// overlap.
    fn merged_waits(&self) -> Vec<(Timestamp, Timestamp)> {
        let mut waits: Vec<_> = self
            .waits()
            .map(|(from, until)| (from.max(self.started), until))
            .filter(|(from, until)| from < until)
            .collect();
        waits.sort_unstable();
        let mut merged: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(waits.len());
        for (from, until) in waits {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(until),
                _ => merged.push((from, until)),
            }
        }
        merged
    }
}

fn duration_from_nanos(nanos: i128) -> SignedDuration {
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    let rest = i32::try_from(nanos % 1_000_000_000).unwrap_or(0);
    SignedDuration::new(seconds, rest)
}

#[cfg(test)]
mod tests;
