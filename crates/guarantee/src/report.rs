//! What others than the server say of a minute, signed by whoever says it.
//!
//! A server's own rollups are its own word. A probe at a vantage and the clients
//! of a call see what the server cannot: the way to it. Their statements are
//! canonical JSON, so that what was signed can be written again by anybody, and
//! they stand in the log together with their signatures.

pub mod audit;
pub mod probe;
pub mod receipt;

use std::fmt;

use serde::{Deserialize, Deserializer, Serializer, de};

use crate::canonical::CanonicalError;
use crate::evidence::note::NoteError;
use crate::rollup::{Minute, RollupError};

/// What is wrong with a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// More bytes than any right one has.
    #[error("the report has {given} bytes, and {most} is the most")]
    TooLong {
        /// Bytes.
        given: usize,
        /// Bound.
        most: usize,
    },
    /// Not a signed text.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Nobody whose word is taken has signed it.
    #[error(
        "no known key has signed it: the server takes reports of the keys in its configuration only"
    )]
    Unknown,
    /// Not in the one spelling that can be signed.
    #[error("the statement is not canonical JSON: {0}")]
    Canonical(#[from] CanonicalError),
    /// Canonical, and not a statement of this kind.
    #[error("the statement cannot be understood: {0}")]
    Decode(String),
    /// A field says what cannot be.
    #[error("`{field}`: {why}")]
    Field {
        /// Which.
        field: &'static str,
        /// Why.
        why: String,
    },
    /// What follows from it is no rollup.
    #[error(transparent)]
    Rollup(#[from] RollupError),
}

impl ReportError {
    fn field(field: &'static str, why: impl fmt::Display) -> Self {
        Self::Field {
            field,
            why: why.to_string(),
        }
    }
}

/// A minute as people read it, `2026-09-01T00:00Z`.
mod minute_text {
    use super::{Deserialize, Deserializer, Minute, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks for")]
    pub(super) fn serialize<S: Serializer>(minute: &Minute, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(minute)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Minute, D::Error> {
        let text = String::deserialize(input)?;
        Minute::parse(text.as_bytes())
            .ok_or_else(|| de::Error::custom("a minute like 2026-09-01T00:00Z must stand here"))
    }
}
