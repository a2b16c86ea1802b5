//! Reading needs and offers: YAML, and JSON by the same parser.

use std::fmt;

use serde::de::DeserializeOwned;

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

/// Reads one document.
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
    serde_saphyr::from_str(text).map_err(|e| {
        let place = e.location().map(|l| (l.line(), l.column()));
        error(place, explain(e.without_snippet()))
    })
}

fn explain(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as E;
    match error {
        E::SerdeUnknownField {
            field, expected, ..
        } => unknown("key", field, expected),
        E::SerdeUnknownVariant {
            variant, expected, ..
        } => unknown("choice", variant, expected),
        E::SerdeMissingField { field, .. } => {
            format!("`{field}` is missing here: add it")
        }
        other => bare(&other.to_string()),
    }
}

fn unknown(kind: &str, name: &str, expected: &[&str]) -> String {
    let shown: String = name.chars().take(60).collect();
    match nearest(name, expected) {
        Some(near) => format!("unknown {kind} `{shown}`; did you mean `{near}`?"),
        None => format!(
            "unknown {kind} `{shown}`; there are {}",
            expected.join(", ")
        ),
    }
}

/// The nearest of `known`, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // Distances cost the product of the lengths; no key is longer than 60.
    let name: String = name.chars().take(60).collect();
    let near = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&name, k), *k));
    let (distance, found) = near.min()?;
    (distance <= 1 + found.len() / 4).then_some(found)
}

/// The parser ends its sentences with the place, which stands in front already.
fn bare(text: &str) -> String {
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}
