//! One queue of everything that has to happen later.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use surecast_media::id::{RoomId, TrackId};

use crate::ids::ParticipantKey;

/// What a timer is about. One timer per room and subject: setting it again
/// moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The room has been without people long enough.
    RoomIdle,
    /// Collected participant updates go out.
    Updates,
    /// The room's counts go out.
    Counts,
    /// Nobody reported loudness for a while.
    Speakers,
    /// Connection quality goes out.
    Quality,
    /// The participant should have media by now.
    Joining(ParticipantKey),
    /// The participant should have signalling again by now.
    Resume(ParticipantKey),
    /// The participant should have media again by now.
    Media(ParticipantKey),
    /// The client should have pinged by now.
    Silence(ParticipantKey),
    /// The participant gets a fresh token.
    Token(ParticipantKey),
    /// A simulated speaker falls silent.
    Simulation(ParticipantKey),
    /// A publisher is told to send less.
    Demand(TrackId),
}

impl Subject {
    /// Everything that can be set for one participant.
    pub(crate) fn of_participant(key: ParticipantKey) -> [Self; 6] {
        [
            Self::Joining(key),
            Self::Resume(key),
            Self::Media(key),
            Self::Silence(key),
            Self::Token(key),
            Self::Simulation(key),
        ]
    }

    /// Everything that can be set for a room itself.
    pub(crate) const OF_ROOM: [Self; 5] = [
        Self::RoomIdle,
        Self::Updates,
        Self::Counts,
        Self::Speakers,
        Self::Quality,
    ];
}

#[derive(Default)]
pub(crate) struct Timers {
    queue: BTreeSet<(Instant, RoomId, Subject)>,
    due: HashMap<(RoomId, Subject), Instant>,
}

impl Timers {
    pub(crate) fn set(&mut self, room: RoomId, subject: Subject, at: Instant) {
        self.cancel(room, subject);
        self.due.insert((room, subject), at);
        self.queue.insert((at, room, subject));
    }

    /// Leaves a timer alone that is already running.
    pub(crate) fn set_if_idle(&mut self, room: RoomId, subject: Subject, at: Instant) {
        if !self.due.contains_key(&(room, subject)) {
            self.set(room, subject, at);
        }
    }

    /// Never moves a timer to a later time.
    pub(crate) fn set_earlier(&mut self, room: RoomId, subject: Subject, at: Instant) {
        let due = self.due.get(&(room, subject)).copied();
        self.set(room, subject, due.map_or(at, |due| due.min(at)));
    }

    pub(crate) fn cancel(&mut self, room: RoomId, subject: Subject) {
        if let Some(at) = self.due.remove(&(room, subject)) {
            self.queue.remove(&(at, room, subject));
        }
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, ..)| *at)
    }

    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(RoomId, Subject)> {
        let (at, room, subject) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.cancel(room, subject);
        Some((room, subject))
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.due.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moved_and_cancelled_timers_fire_once_or_never() {
        #[allow(clippy::disallowed_methods)]
        let t0 = Instant::now();
        let at = |ms| t0 + Duration::from_millis(ms);
        let room = RoomId(1);
        let mut timers = Timers::default();
        timers.set(room, Subject::Counts, at(5));
        timers.set(room, Subject::Counts, at(20));
        timers.set_if_idle(room, Subject::Counts, at(1));
        timers.set(room, Subject::RoomIdle, at(15));
        timers.set_earlier(room, Subject::RoomIdle, at(10));
        timers.set_earlier(room, Subject::RoomIdle, at(12));
        timers.set(room, Subject::Updates, at(1));
        timers.cancel(room, Subject::Updates);
        assert_eq!(timers.next(), Some(at(10)));
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.pop_due(at(30)), Some((room, Subject::RoomIdle)));
        assert_eq!(timers.pop_due(at(30)), Some((room, Subject::Counts)));
        assert_eq!(timers.pop_due(at(30)), None);
        assert!(timers.is_empty());
    }
}
