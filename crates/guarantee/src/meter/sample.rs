//! What a meter is told.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::module::{Module, Region};
use crate::rollup::Counts;

/// A session: one participant, from its first attempt to join until it leaves.
/// A participant that tries again keeps its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// Sound or picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// When an experience is bad, in milliseconds. Each at most a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// A join, or a stream that was asked for, takes longer than this.
    pub join_ms: u32,
    /// Audio is frozen for this long.
    pub audio_freeze_ms: u32,
    /// Video is frozen for this long.
    pub video_freeze_ms: u32,
    /// Media comes later than this.
    pub delay_ms: u32,
}

impl Default for Levels {
    /// Those of the strictest published agreement.
    fn default() -> Self {
        Self {
            join_ms: 5_000,
            audio_freeze_ms: 200,
            video_freeze_ms: 600,
            delay_ms: 400,
        }
    }
}

impl Levels {
    /// None is longer than a minute.
    pub(super) fn are_short(&self) -> bool {
        let levels = [self.join_ms, self.audio_freeze_ms, self.video_freeze_ms];
        levels.into_iter().all(|level| level <= 60_000)
    }

    /// How long it may take until a trouble is known to count.
    pub(super) fn longest(&self) -> u32 {
        self.start()
            .max(self.audio_freeze_ms)
            .max(self.video_freeze_ms)
    }

    /// Something that takes as long as its level is still in time; a freeze that
    /// is as long as its level is not.
    pub(super) const fn start(&self) -> u32 {
        self.join_ms.saturating_add(1)
    }

    pub(super) const fn freeze(&self, kind: MediaKind) -> u32 {
        match kind {
            MediaKind::Audio => self.audio_freeze_ms,
            MediaKind::Video => self.video_freeze_ms,
        }
    }
}

/// Parts of a join, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    /// From the wish to the answer on the WebSocket.
    pub signalling_ms: u32,
    /// From there until a candidate pair worked.
    pub ice_ms: u32,
    /// From there until the keys were there.
    pub dtls_ms: u32,
    /// From there to the first media; `None` where there was none to get.
    pub first_media_ms: Option<u32>,
}

impl Milestones {
    /// All parts together.
    #[must_use]
    pub fn total_ms(&self) -> u64 {
        let parts = [
            self.signalling_ms,
            self.ice_ms,
            self.dtls_ms,
            self.first_media_ms.unwrap_or(0),
        ];
        parts.into_iter().map(u64::from).sum()
    }
}

/// Why a join did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JoinFailure {
    /// It asked for what it may not have. Not the network's fault: not counted.
    Refused,
    /// It went away. Bad if it had waited for longer than the level, otherwise
    /// not counted.
    GaveUp,
    /// It did not work. Bad, and down until the next attempt succeeds.
    Failed,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody wants to join. Opens the session, or is its next attempt.
    JoinStarted,
    /// The first media is there or, where there is none, the connection.
    Joined(Milestones),
    /// The attempt is over without success.
    JoinFailed(JoinFailure),
    /// A stream was subscribed to: it is expected to flow.
    MediaWanted {
        /// The session's own number for it.
        subscription: u32,
        /// What it is.
        kind: MediaKind,
    },
    /// It flows; ends a freeze, too.
    MediaFlowing {
        /// Which.
        subscription: u32,
    },
    /// It stopped without being told to, at the instant of the sample: the last
    /// frame before the gap.
    Frozen {
        /// Which.
        subscription: u32,
    },
    /// It is not wanted any more, or its publisher ended or muted it.
    MediaUnwanted {
        /// Which.
        subscription: u32,
    },
    /// Delay as it was measured.
    Delay {
        /// From capture to play-out.
        delay_ms: u32,
        /// How much media time the sample stands for; at most a minute.
        covers_ms: u32,
    },
    /// The session is over.
    Left,
    /// Counts as they are: the round of a probe, a receipt, or a module without
    /// sessions. The session of the sample does not matter.
    Counted {
        /// Of what.
        module: Module,
        /// Added to the minute.
        counts: Counts,
    },
}

/// Something that happened at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// To whom.
    pub session: SessionId,
    /// Where. A session stays in the region in which it began.
    pub region: Region,
    /// What.
    pub what: What,
}

/// What did not fit, counted since the meter began. Nothing of it is silently
/// lost: each says what was done instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Corrections {
    /// Samples that came after their minute could take them. They took effect
    /// from the earliest instant that was still open.
    pub late_samples: u64,
    /// Samples that were taken before the lateness was over, because too many
    /// waited.
    pub early_samples: u64,
    /// Samples of sessions that are not known.
    pub unknown_sessions: u64,
    /// Sessions and counts of a module or region that is not configured.
    pub unknown_lines: u64,
    /// Sessions beyond the bound, counted as failed joins.
    pub refused_sessions: u64,
    /// Streams beyond the bound of a session, not measured by themselves.
    pub refused_streams: u64,
    /// Calls with a clock more than a second behind an earlier one.
    pub clock_back: u64,
    /// Times in which the meter did not run.
    pub silences: u64,
}
