//! What stands in the log: one line per leaf, `KIND TIME PAYLOAD`.
//!
//! ```text
//! rollup 2026-09-01T00:01:00.5Z {"bad":0,"down_ms":0,"good":100}
//! note 2026-09-01T00:02:00Z the mail gateway was replaced
//! ```
//!
//! KIND is a name, TIME the instant at which the server made the leaf, PAYLOAD
//! either an object in [canonical JSON](crate::canonical) or a text. A leaf has
//! one spelling only: what is read is written the same.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bundle::MAX_ENTRY;
use super::hash::Hash;
use crate::canonical::{self, CanonicalError};

/// Longest name of a kind: room for words like `client_receipt_summary`.
const MAX_KIND: usize = 32;

/// What a leaf is about. Kinds that are not known are kept as they are: a log
/// outlives the program that reads it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A minute of one module in one region.
    Rollup,
    /// A minute about which nothing is known.
    NoData,
    /// Time that is not to count.
    Exclusion,
    /// A version of a contract.
    Contract,
    /// A change of an incident.
    Incident,
    /// A change of a ticket.
    Ticket,
    /// What was settled for a period.
    Settlement,
    /// What takes the place of an earlier leaf.
    Correction,
    /// What a client or a probe signed.
    Receipt,
    /// A checkpoint of another log.
    Checkpoint,
    /// Words for whoever reads the log.
    Note,
    /// Anything else.
    Other(KindName),
}

/// The name of a kind that is not known here: 1 to 32 of `a-z`, `0-9` and `_`,
/// the first one a letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KindName(String);

impl Kind {
    /// All that are known.
    pub const KNOWN: [Self; 11] = [
        Self::Rollup,
        Self::NoData,
        Self::Exclusion,
        Self::Contract,
        Self::Incident,
        Self::Ticket,
        Self::Settlement,
        Self::Correction,
        Self::Receipt,
        Self::Checkpoint,
        Self::Note,
    ];

    /// The name in the log.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Rollup => "rollup",
            Self::NoData => "no_data",
            Self::Exclusion => "exclusion",
            Self::Contract => "contract",
            Self::Incident => "incident",
            Self::Ticket => "ticket",
            Self::Settlement => "settlement",
            Self::Correction => "correction",
            Self::Receipt => "receipt",
            Self::Checkpoint => "checkpoint",
            Self::Note => "note",
            Self::Other(KindName(name)) => name,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = LeafError;

    fn from_str(name: &str) -> Result<Self, LeafError> {
        if let Some(known) = Self::KNOWN.into_iter().find(|kind| kind.name() == name) {
            return Ok(known);
        }
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let letter = name.starts_with(|c: char| c.is_ascii_lowercase());
        if !letter || name.len() > MAX_KIND || !name.bytes().all(fits) {
            return Err(LeafError::Kind);
        }
        Ok(Self::Other(KindName(name.to_owned())))
    }
}

/// Why something is no leaf.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// More bytes than an entry can have.
    #[error("the leaf has {0} bytes, and {MAX_ENTRY} is the most: split it into several")]
    TooLong(usize),
    /// Not one line of plain text.
    #[error("byte {0} of the leaf is not plain text: it must be UTF-8 in one line")]
    NotText(usize),
    /// Fewer than three parts.
    #[error("the leaf must have three parts: KIND TIME PAYLOAD")]
    Parts,
    /// The first part.
    #[error("the leaf must begin with a kind: 1 to {MAX_KIND} of a-z, 0-9 and `_`, a letter first")]
    Kind,
    /// The second part.
    #[error("the second part of the leaf must be its time, like `2026-09-01T00:00:00Z`")]
    Time,
    /// The third part, where it is JSON.
    #[error("the payload of the leaf is wrong: {0}")]
    Payload(#[from] CanonicalError),
    /// The third part, where it must be text.
    #[error("a text in a leaf does not begin with `{{`: that is for JSON")]
    Text,
    /// The payload is not what was asked for.
    #[error("the payload of the {kind} leaf cannot be understood: {why}")]
    Decode {
        /// What the leaf is about.
        kind: Kind,
        /// What serde says.
        why: String,
    },
}

/// What is said in a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Payload {
    /// An object in canonical JSON.
    Json(String),
    /// Anything that does not begin with `{`.
    Text(String),
}

/// One entry of the log, not longer than 65,535 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Leaf {
    kind: Kind,
    at: Timestamp,
    payload: Payload,
}

impl Leaf {
    /// A leaf that says `data`, which must be an object in JSON.
    ///
    /// # Errors
    /// `data` have no canonical form or are too long.
    pub fn json(kind: Kind, at: Timestamp, data: &impl Serialize) -> Result<Self, LeafError> {
        let text = canonical::to_string(data)?;
        if !text.starts_with('{') {
            let why = "an object must stand here";
            return Err(CanonicalError::Text { at: 0, why }.into());
        }
        Self {
            kind,
            at,
            payload: Payload::Json(text),
        }
        .checked()
    }

    /// A leaf in words.
    ///
    /// # Errors
    /// `text` has more than one line, looks like JSON, or is too long.
    pub fn text(kind: Kind, at: Timestamp, text: &str) -> Result<Self, LeafError> {
        if text.starts_with('{') {
            return Err(LeafError::Text);
        }
        Self {
            kind,
            at,
            payload: Payload::Text(text.to_owned()),
        }
        .checked()
    }

    /// Reads an entry of the log.
    ///
    /// # Errors
    /// Says what keeps the bytes from being a leaf.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        let line = line(bytes)?;
        let mut parts = line.splitn(3, ' ');
        let (Some(kind), Some(time), Some(payload)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(LeafError::Parts);
        };
        let kind = kind.parse()?;
        let at: Timestamp = time.parse().map_err(|_| LeafError::Time)?;
        if at.to_string() != time {
            return Err(LeafError::Time);
        }
        let payload = if payload.starts_with('{') {
            canonical::check(payload)?;
            Payload::Json(payload.to_owned())
        } else {
            Payload::Text(payload.to_owned())
        };
        Ok(Self { kind, at, payload })
    }

    /// The entry of the log.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// The hash that stands in the tree for it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::leaf(self.to_string().as_bytes())
    }

    /// What it is about.
    #[must_use]
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// When the server made it.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        self.at
    }

    /// What it says, as it stands in the log.
    #[must_use]
    pub fn payload(&self) -> &str {
        match &self.payload {
            Payload::Json(text) | Payload::Text(text) => text,
        }
    }

    /// Whether it says that in JSON.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        matches!(self.payload, Payload::Json(_))
    }

    /// What it says, as data.
    ///
    /// # Errors
    /// [`LeafError::Decode`]: it is a text, or other data.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, LeafError> {
        let wrong = |why: String| LeafError::Decode {
            kind: self.kind.clone(),
            why,
        };
        match &self.payload {
            Payload::Json(text) => serde_json::from_str(text).map_err(|e| wrong(e.to_string())),
            Payload::Text(_) => Err(wrong("it is a text, not an object".into())),
        }
    }

    fn checked(self) -> Result<Self, LeafError> {
        line(&self.to_bytes())?;
        Ok(self)
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.at, self.payload())
    }
}

fn line(bytes: &[u8]) -> Result<&str, LeafError> {
    if bytes.len() > MAX_ENTRY {
        return Err(LeafError::TooLong(bytes.len()));
    }
    let text = str::from_utf8(bytes).map_err(|e| LeafError::NotText(e.valid_up_to()))?;
    match bytes.iter().position(|b| *b < b' ') {
        Some(at) => Err(LeafError::NotText(at)),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests;
