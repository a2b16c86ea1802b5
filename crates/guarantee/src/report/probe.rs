//! What a probe at a vantage says of a minute.
//!
//! ```text
//! {"format":"surecast-probe/1","minute":"2026-09-01T00:00Z","probe":"fra","region":"eu-west",
//!  "rounds":[{"at":"2026-09-01T00:00:05Z","join":"good",…}],"target":"wss://live.example.com"}
//!
//! — fra base64
//! ```
//!
//! The text is one line of canonical JSON, signed as a note; the key's name is
//! the vantage's. Whoever has the note computes the same rollups as the server
//! did: a round counts as one sample of each module. A round that failed for a
//! reason of the probe's own counts for nothing, and a minute with only such
//! rounds has no data from this vantage.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ReportError, minute_text};
use crate::canonical;
use crate::evidence::{Algorithm, Note, SigningKey, VerifyingKey};
use crate::module::{Module, Region};
use crate::rollup::{Counts, Minute, Rollup, Source};

/// What stands in `format`.
pub const FORMAT: &str = "surecast-probe/1";

/// Most rounds of a minute: one each second. A round takes a few seconds at
/// least, so that more cannot be true.
pub const MAX_ROUNDS: usize = 60;

/// Longest reason and longest address: a line of text.
pub const MAX_TEXT: usize = 120;

/// Longest report: 60 rounds of at most 700 bytes, address, names and signature.
pub const MAX_BYTES: usize = 48 << 10;

/// The modules that a round judges.
pub const MODULES: [Module; 3] = [Module::Join, Module::Signalling, Module::Media];

/// What a round says of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It kept its level.
    Good,
    /// It did not.
    Bad,
    /// The probe could not measure, and why lies with the probe.
    Failed,
}

/// One round, with what is needed to see why it was judged so. Milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// When it began, in its statement's minute.
    pub at: Timestamp,
    /// Both clients got in within the level.
    pub join: Verdict,
    /// The WebSocket and what it answered.
    pub signalling: Verdict,
    /// What was sent came, in time and without stalling.
    pub media: Verdict,
    /// From the wish to join to being connected, the slower one of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_ms: Option<u32>,
    /// From the subscriber's wish to join to its first media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_media_ms: Option<u32>,
    /// Median delay of media.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u32>,
    /// Longest time without audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio_gap_ms: Option<u32>,
    /// Longest time without video.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_gap_ms: Option<u32>,
    /// Packets that were published and did not come, of a million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_ppm: Option<u32>,
    /// What was not good, in words; empty where all was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl Round {
    /// What it says of a module; `None` of those that it does not look at.
    #[must_use]
    pub const fn verdict(&self, module: Module) -> Option<Verdict> {
        match module {
            Module::Join => Some(self.join),
            Module::Signalling => Some(self.signalling),
            Module::Media => Some(self.media),
            _ => None,
        }
    }

    fn check(&self, minute: Minute) -> Result<(), ReportError> {
        if Minute::of(self.at) != Some(minute) {
            let why = format!("a round of {} did not begin in {minute}", self.at);
            return Err(ReportError::field("rounds", why));
        }
        if self.lost_ppm.is_some_and(|lost| lost > 1_000_000) {
            return Err(ReportError::field("lost_ppm", "more than all was lost"));
        }
        check_text("why", &self.why)
    }
}

/// All rounds of a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`FORMAT`].
    pub format: String,
    /// Which minute.
    #[serde(with = "minute_text")]
    pub minute: Minute,
    /// The vantage: the name of the key that signs.
    pub probe: String,
    /// The region that was probed.
    pub region: Region,
    /// The server's address.
    pub target: String,
    /// In the order of their times, at least one.
    pub rounds: Vec<Round>,
}

impl Statement {
    /// Whether it can be true.
    ///
    /// # Errors
    /// Says which field cannot.
    pub fn check(&self) -> Result<(), ReportError> {
        if self.format != FORMAT {
            let why = format!("must be `{FORMAT}`");
            return Err(ReportError::field("format", why));
        }
        if !self.source().is_valid() {
            let why = "a vantage's name is 1 to 63 of a-z, A-Z, 0-9, `.`, `_` and `-`";
            return Err(ReportError::field("probe", why));
        }
        check_text("target", &self.target)?;
        if self.rounds.is_empty() || self.rounds.len() > MAX_ROUNDS {
            let why = format!("a minute has 1 to {MAX_ROUNDS} rounds");
            return Err(ReportError::field("rounds", why));
        }
        if !self.rounds.is_sorted_by_key(|round| round.at) {
            return Err(ReportError::field("rounds", "they must be in order"));
        }
        self.rounds
            .iter()
            .try_for_each(|round| round.check(self.minute))
    }

    /// Signs it.
    ///
    /// # Errors
    /// It cannot be true, or the key has another name.
    pub fn sign(&self, key: &SigningKey) -> Result<Note, ReportError> {
        self.check()?;
        if key.public().name() != self.probe {
            let why = format!("the key is that of `{}`", key.public().name());
            return Err(ReportError::field("probe", why));
        }
        let text = canonical::to_string(self)?;
        Ok(Note::sign(format!("{text}\n"), key))
    }

    /// Who saw it, in rollups.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::Probe(self.probe.clone())
    }

    /// What the minute comes to, module by module.
    ///
    /// # Errors
    /// None after [`Statement::check`].
    pub fn rollups(&self) -> Result<Vec<Rollup>, ReportError> {
        let rollup = |module| {
            let mut counts = Counts::default();
            for verdict in self.rounds.iter().filter_map(|r| r.verdict(module)) {
                counts.good += u64::from(verdict == Verdict::Good);
                counts.bad += u64::from(verdict == Verdict::Bad);
            }
            let (minute, region, source) = (self.minute, self.region.clone(), self.source());
            if counts.is_empty() {
                return Ok(Rollup::no_data(minute, module, region, source));
            }
            Ok(Rollup::new(minute, module, region, source, counts)?)
        };
        MODULES.into_iter().map(rollup).collect()
    }
}

fn check_text(field: &'static str, text: &str) -> Result<(), ReportError> {
    if text.len() > MAX_TEXT || text.contains(char::is_control) {
        let why = format!("more than {MAX_TEXT} bytes, or more than one line");
        return Err(ReportError::field(field, why));
    }
    Ok(())
}

/// A statement that somebody known has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What was said.
    pub statement: Statement,
    /// The text and its signature, as it came.
    pub note: Note,
    /// Whose signature it is.
    pub key: VerifyingKey,
}

/// What stands of a report in the log, in a leaf `receipt`. An auditor who has it
/// checks the signature and computes the rollups again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logged {
    /// `probe`.
    pub by: By,
    /// The public key.
    pub key: String,
    /// SHA-256 of the statement's line, without its end.
    pub sha256: String,
    /// The statement and its signature.
    pub note: String,
}

/// Tells the leaves of probes from those of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A probe at a vantage.
    Probe,
}

impl Signed {
    /// Reads a report and sees that one of `known` has signed it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(bytes: &[u8], known: &[VerifyingKey]) -> Result<Self, ReportError> {
        if bytes.len() > MAX_BYTES {
            return Err(ReportError::TooLong {
                given: bytes.len(),
                most: MAX_BYTES,
            });
        }
        let note = Note::parse(bytes)?;
        let by = |key: &&VerifyingKey| {
            key.algorithm() == Algorithm::Ed25519 && note.signatures.iter().any(|s| s.is_by(key))
        };
        let key = known.iter().find(by).ok_or(ReportError::Unknown)?.clone();
        note.verify(&key)?;
        let line = note.text.trim_end_matches('\n');
        canonical::check(line)?;
        let statement: Statement =
            serde_json::from_str(line).map_err(|why| ReportError::Decode(why.to_string()))?;
        statement.check()?;
        if statement.probe != key.name() {
            let why = format!("the key is that of `{}`", key.name());
            return Err(ReportError::field("probe", why));
        }
        Ok(Self {
            statement,
            note,
            key,
        })
    }

    /// SHA-256 of the statement.
    #[must_use]
    pub fn hash(&self) -> String {
        canonical::sha256_hex(self.note.text.trim_end_matches('\n').as_bytes())
    }

    /// For the log.
    #[must_use]
    pub fn logged(&self) -> Logged {
        Logged {
            by: By::Probe,
            key: self.key.to_string(),
            sha256: self.hash(),
            note: self.note.to_string(),
        }
    }
}

impl Logged {
    /// What was said, if the signature under it is that of the key beside it.
    /// Whether that key is a probe's, the contract's parties know.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn open(&self) -> Result<Signed, ReportError> {
        let key: VerifyingKey = self
            .key
            .parse()
            .map_err(|why| ReportError::field("key", why))?;
        let signed = Signed::read(self.note.as_bytes(), &[key])?;
        if signed.hash() != self.sha256 {
            return Err(ReportError::field("sha256", "is that of another statement"));
        }
        Ok(signed)
    }
}

#[cfg(test)]
mod tests;
