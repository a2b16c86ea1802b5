//! What a meter is for, and its bounds.

use thiserror::Error;

use super::Levels;
use crate::module::{Module, Region};
use crate::rollup::Source;

/// Most lines: 7 modules in 64 regions.
pub const MAX_LINES: usize = 448;

/// What a meter is for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose view it is.
    pub source: Source,
    /// Modules and regions that get a rollup each minute.
    pub lines: Vec<(Module, Region)>,
    /// How late a sample may come, in milliseconds; 0 to 60,000.
    pub lateness: u32,
    /// How long a join that failed, or does not end, counts as down, in
    /// milliseconds from its start. Whoever has not come back after that went
    /// away.
    pub join_cutoff: u32,
    /// When an experience is bad.
    pub levels: Levels,
    /// How often the meter wants to be called when nothing happens, in
    /// milliseconds; at most a third of [`Settings::silence`].
    pub heartbeat: u32,
    /// Without a call for longer than this the meter was not running, in
    /// milliseconds: the minutes concerned have no data.
    pub silence: u32,
}

impl Settings {
    /// With 10 s of lateness, a cut-off of 10 minutes, and the levels of the
    /// strictest published agreement.
    #[must_use]
    pub fn new(source: Source, lines: Vec<(Module, Region)>) -> Self {
        Self {
            source,
            lines,
            lateness: 10_000,
            join_cutoff: 600_000,
            levels: Levels::default(),
            heartbeat: 10_000,
            silence: 30_000,
        }
    }

    pub(super) fn check(&self) -> Result<(), SettingsError> {
        if !self.source.is_valid() {
            return Err(SettingsError::Source(self.source.kind()));
        }
        if self.lines.is_empty() || self.lines.len() > MAX_LINES {
            return Err(SettingsError::Lines(self.lines.len()));
        }
        if self.lateness > 60_000 {
            return Err(SettingsError::Lateness(self.lateness));
        }
        if self.heartbeat == 0 || self.silence / 3 < self.heartbeat {
            return Err(SettingsError::Heartbeat);
        }
        if !self.levels.are_short() || self.join_cutoff < self.levels.join_ms {
            return Err(SettingsError::Levels);
        }
        Ok(())
    }
}

/// Why there is no meter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The source cannot stand in the log.
    #[error("the name of the {0} needs 1 to 63 of a-z, A-Z, 0-9, `.`, `_`, `-`")]
    Source(&'static str),
    /// None, or too many.
    #[error("{0} lines: a meter has 1 to {MAX_LINES}")]
    Lines(usize),
    /// Minutes would stay open for too long.
    #[error("a lateness of {0} ms: at most 60000")]
    Lateness(u32),
    /// A meter that runs could be taken for one that does not.
    #[error("the heartbeat is at least 1 ms and at most a third of the silence")]
    Heartbeat,
    /// Levels are longer than a minute, or the cut-off is shorter than the level
    /// of joins.
    #[error("levels are at most 60000 ms, and the join cut-off is not below the level of joins")]
    Levels,
}
