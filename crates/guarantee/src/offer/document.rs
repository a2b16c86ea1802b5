//! Reading needs and offers: YAML, and JSON by the same parser.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::contract::problem::{self, Place};
use crate::contract::yaml;

/// Largest document: a need or an offer has a few kilobytes; 256 KiB leaves
/// room for many regions and events and none for a memory bomb.
pub const MAX_BYTES: usize = 256 * 1024;

/// What is wrong with a document, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentError {
    /// The document's name, as the caller gave it.
    pub file: String,
    /// Line and column, from 1; `None` where the whole document is meant.
    pub place: Option<(u64, u64)>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl std::error::Error for DocumentError {}

/// Reads one document, by the reader of contracts.
///
/// # Errors
/// Says the place and, for an unknown key, the nearest known one.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, DocumentError> {
    let error = |place, what| DocumentError {
        file: file.to_owned(),
        place,
        what,
    };
    if text.len() > MAX_BYTES {
        let what = format!(
            "the document has {} bytes, at most {MAX_BYTES} are read",
            text.len()
        );
        return Err(error(None, what));
    }
    yaml::load_quantities(text).map_err(|problem| {
        let Place { line, column } = problem.place;
        let place = (line > 0).then_some((line, column));
        error(place, problem.words())
    })
}

/// The nearest of `known`, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    problem::nearest(name, known.iter().copied())
}
