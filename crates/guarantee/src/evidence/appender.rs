//! A log that grows, and survives being killed at any point.
//!
//! Leaves are collected and committed together, at most once per interval:
//!
//! 1. write the entries and tiles of the new tree, and make them durable;
//! 2. sign the new checkpoint;
//! 3. write it as `checkpoint.next`, and make it durable;
//! 4. rename it to `checkpoint`, which is when others can see it, and make that
//!    durable;
//! 5. acknowledge the leaves.
//!
//! So whatever others have seen can be found again, in `checkpoint` or in
//! `checkpoint.next`, and all that it covers is there. What is on disk beyond it
//! was neither signed nor acknowledged, and is written over.
//!
//! Once signed, a checkpoint is never given up: steps 3 and 4 are repeated until
//! they succeed, so that no two trees of one size are ever signed.

mod commit;
mod open;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use super::Checkpoint;
use super::bundle::{MAX_ENTRY, TooLong};
use super::key::{Algorithm, SigningKey, VerifyingKey};
use super::note::{MAX_SIGNATURES, Note};
use super::tree::Edge;
use commit::{Commit, Failure, Outcome};

pub use open::OpenError;

/// How a log grows.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The maximum merge delay: a leaf's commit begins at the latest this long
    /// after it came, if the disk keeps up. Commits do not begin more often.
    pub interval: Duration,
    /// Leaves that may wait for a commit. Five seconds of the most that one log
    /// is measured to take.
    pub max_waiting: usize,
    /// Their bytes; all of them are held in memory twice during a commit.
    pub max_waiting_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            max_waiting: 250_000,
            max_waiting_bytes: 64 << 20,
        }
    }
}

/// One thing to do to the log's directory. Paths are relative to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make or replace a file; make its directory when that is missing.
    Write {
        /// Where.
        path: String,
        /// All of it.
        bytes: Vec<u8>,
    },
    /// All that was written and renamed before shall survive a loss of power.
    Sync,
    /// Rename a file; replaces what is there, atomically.
    Rename {
        /// Its name.
        from: &'static str,
        /// Its new name.
        to: &'static str,
    },
    /// Remove a directory with all that is in it, if it is there. May fail: it
    /// only takes room.
    Remove {
        /// Which one.
        path: String,
    },
}

/// What came of leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A checkpoint can be seen; leaves before `size` will stay.
    Published {
        /// Leaves that it covers.
        size: u64,
        /// The text of the file.
        note: Note,
    },
    /// A checkpoint with a witness's signature can be seen.
    Witnessed {
        /// Leaves that it covers.
        size: u64,
    },
    /// No leaf that was not acknowledged will be: they may be given again.
    Refused,
}

/// A leaf that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// It does not fit an entry.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// Too much waits to be written.
    #[error("{0} leaves wait to be written: the disk is too slow or full; try again later")]
    Full(usize),
}

/// A witness's signature that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The checkpoint is not one of this log.
    #[error("this is not a checkpoint that this log has signed: {0}")]
    Checkpoint(#[from] super::checkpoint::CheckpointError),
    /// None of the known witnesses signed it.
    #[error("none of the witnesses that this log knows has signed it")]
    NoWitness,
    /// A later one is there.
    #[error("a checkpoint of {0} leaves was witnessed already")]
    Older(u64),
    /// The one before is being written.
    #[error("a witness's signature is being written: try again")]
    Busy,
}

/// A tree, as far as it has to be known to make it grow.
#[derive(Clone, Debug)]
struct Head {
    edge: Edge,
    /// The bundle that is not full.
    bundle: Vec<u8>,
    note: Note,
}

/// See the [module](self). Whoever drives it does one [`Step`] at a time, and
/// says how it went before asking for the next one.
#[derive(Debug)]
pub struct Appender {
    key: SigningKey,
    settings: Settings,
    /// What was published last.
    durable: Head,
    waiting: Vec<Vec<u8>>,
    waiting_bytes: usize,
    commit: Option<Commit>,
    /// The last note with a witness's signature, and its size.
    witnessed: Option<(u64, Note)>,
    /// When the next commit may begin.
    not_before: Duration,
    /// When the step that failed may be tried again.
    retry_at: Option<Duration>,
    /// A step was given out and nothing was said of it.
    busy: bool,
    events: VecDeque<Event>,
}

impl Appender {
    /// What checks the log's signatures.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        self.key.public()
    }

    /// The checkpoint that others can see.
    #[must_use]
    pub const fn published(&self) -> &Note {
        &self.durable.note
    }

    /// Leaves that it covers.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.durable.edge.size()
    }

    /// The last checkpoint that a witness signed.
    #[must_use]
    pub fn witnessed(&self) -> Option<&Note> {
        self.witnessed.as_ref().map(|(_, note)| note)
    }

    /// Whether nothing is being written.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.commit.is_none()
    }

    /// Takes leaves, all or none, and says where they will stand unless they are
    /// [refused](Event::Refused). They are acknowledged by [`Event::Published`]
    /// with a size that covers them.
    ///
    /// # Errors
    /// One is too long, or too many wait.
    pub fn handle_leaves(&mut self, leaves: Vec<Vec<u8>>) -> Result<Range<u64>, AppendError> {
        if let Some(long) = leaves.iter().find(|leaf| leaf.len() > MAX_ENTRY) {
            return Err(TooLong(long.len()).into());
        }
        let bytes = self.waiting_bytes + leaves.iter().map(Vec::len).sum::<usize>();
        if self.waiting.len() + leaves.len() > self.settings.max_waiting
            || bytes > self.settings.max_waiting_bytes
        {
            return Err(AppendError::Full(self.waiting.len()));
        }
        let committing = self.commit.as_ref().map_or(self.size(), Commit::size);
        let start = committing + self.waiting.len() as u64;
        self.waiting_bytes = bytes;
        self.waiting.extend(leaves);
        Ok(start..committing + self.waiting.len() as u64)
    }

    /// What waits is committed without regard to the interval: there will be
    /// nothing more.
    pub const fn handle_end(&mut self) {
        self.not_before = Duration::ZERO;
    }

    /// Takes a checkpoint of this log with signatures of witnesses, of whom only
    /// those in `known` are believed and kept. The newest one is kept; several
    /// witnesses of one size are kept together.
    ///
    /// # Errors
    /// See [`WitnessError`].
    pub fn handle_witness(
        &mut self,
        note: &Note,
        known: &[VerifyingKey],
    ) -> Result<u64, WitnessError> {
        let checkpoint = Checkpoint::open(note, self.key.public())?;
        if self.commit.is_some() {
            return Err(WitnessError::Busy);
        }
        let size = checkpoint.size;
        let mut kept = match &self.witnessed {
            Some((newest, _)) if *newest > size => return Err(WitnessError::Older(*newest)),
            Some((same, kept)) if *same == size => kept.clone(),
            _ => checkpoint.sign(&self.key),
        };
        let before = kept.signatures.len();
        for witness in known
            .iter()
            .filter(|key| key.algorithm() == Algorithm::Cosignature)
        {
            // A signature that does not verify is another's problem.
            let signed = Note {
                text: note.text.clone(),
                signatures: note
                    .signatures
                    .iter()
                    .filter(|s| s.is_by(witness))
                    .take(1)
                    .cloned()
                    .collect(),
            };
            let missing = kept.signatures.iter().all(|s| !s.is_by(witness));
            if missing && kept.signatures.len() < MAX_SIGNATURES && signed.verify(witness).is_ok() {
                kept.signatures.extend(signed.signatures);
            }
        }
        if kept.signatures.len() == 1 {
            return Err(WitnessError::NoWitness);
        }
        if kept.signatures.len() > before || before == 1 {
            self.commit = Some(Commit::witness(&self.durable, size, kept));
        }
        Ok(size)
    }

    /// When [`Appender::poll_step`] has something to do, if nothing else
    /// happens: the same clock as its `now`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match (&self.commit, self.busy) {
            (_, true) => None,
            (Some(_), _) => Some(self.retry_at.unwrap_or_default()),
            (None, _) => (!self.waiting.is_empty()).then_some(self.not_before),
        }
    }

    /// What to do next. `now` is any clock that never goes back.
    pub fn poll_step(&mut self, now: Duration) -> Option<Step> {
        if self.busy || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        self.retry_at = None;
        if self.commit.is_none() && !self.waiting.is_empty() && now >= self.not_before {
            self.not_before = now + self.settings.interval;
            self.waiting_bytes = 0;
            let leaves = std::mem::take(&mut self.waiting);
            self.commit = Some(Commit::leaves(&self.durable, &leaves));
        }
        let step = self.commit.as_mut()?.step(&self.key);
        self.busy = true;
        Some(step)
    }

    /// The last step is done.
    pub fn handle_done(&mut self) {
        self.busy = false;
        let Some(commit) = &mut self.commit else {
            return;
        };
        match commit.done() {
            Outcome::More => {}
            Outcome::Published(head) => {
                let (size, note) = (head.edge.size(), head.note.clone());
                self.durable = *head;
                self.events.push_back(Event::Published { size, note });
            }
            Outcome::Witnessed(size, note) => {
                self.witnessed = Some((size, note));
                self.events.push_back(Event::Witnessed { size });
            }
        }
        self.finish();
    }

    /// The last step failed at `now`, and may have been done in part.
    pub fn handle_failed(&mut self, now: Duration) {
        self.busy = false;
        let Some(commit) = &mut self.commit else {
            return;
        };
        match commit.failed() {
            Failure::Retry => self.retry_at = Some(now + self.settings.interval),
            Failure::Drop => self.commit = None,
            Failure::Ignore => {}
            Failure::Refuse => {
                // What waits counts on the indexes of what is given up.
                self.commit = None;
                self.waiting.clear();
                self.waiting_bytes = 0;
                self.events.push_back(Event::Refused);
            }
        }
        self.finish();
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn finish(&mut self) {
        if self.commit.as_ref().is_some_and(Commit::is_over) {
            self.commit = None;
        }
    }
}

#[cfg(test)]
mod tests;
