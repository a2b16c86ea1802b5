//! Makes every id: numbers for engines, `PA_…` strings for clients.

use surecast_media::id::{PeerId, RoomId, TrackId};

use crate::output::SessionId;

/// Characters after the prefix: 62^12 possibilities, so that two ids of the
/// same kind never meet.
const SID_LENGTH: usize = 12;

pub(crate) struct Ids {
    rng: fastrand::Rng,
    last: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: fastrand::Rng::with_seed(seed),
            last: 0,
        }
    }

    /// `PREFIX` and random letters and digits.
    pub(crate) fn sid(&mut self, prefix: &str) -> String {
        let mut sid = String::with_capacity(prefix.len() + SID_LENGTH);
        sid.push_str(prefix);
        sid.extend((0..SID_LENGTH).map(|_| self.rng.alphanumeric()));
        sid
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.rng.u8(..)).collect()
    }

    pub(crate) fn session(&mut self) -> SessionId {
        SessionId(self.number())
    }

    pub(crate) fn room(&mut self) -> RoomId {
        RoomId(self.number())
    }

    pub(crate) fn peer(&mut self) -> PeerId {
        PeerId(self.number())
    }

    pub(crate) fn track(&mut self) -> TrackId {
        TrackId(self.number())
    }

    pub(crate) fn participant(&mut self) -> ParticipantKey {
        ParticipantKey(self.number())
    }

    /// One counter for all kinds: a number that strayed into the wrong map
    /// finds nothing there.
    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// One participation: a person who leaves and comes back has another one.
/// Ordered by time of joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ParticipantKey(u64);
