//! What is wrong in a file, where, and what to do.

use std::collections::BTreeMap;
use std::fmt;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The file cannot be used.
    Error,
    /// It can, and somebody should look.
    Warning,
}

/// A position in a file; both from 1, columns in characters. 0 = unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Column.
    pub column: u64,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub level: Level,
    /// Where in the file.
    pub place: Place,
    /// The path of keys, such as `coverage[2].target`; empty for the whole file.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// With the file's name in front, as compilers do: `FILE:12:5: error: …`.
    #[must_use]
    pub fn in_file(&self, file: &str) -> String {
        format!("{file}:{self}")
    }

    /// Path, problem and remedy, without the place: `PATH: what; what to do`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut out = String::new();
        if !self.path.is_empty() {
            write_plain(&mut out, &self.path);
            out.push_str(": ");
        }
        write_plain(&mut out, &self.what);
        if let Some(hint) = &self.hint {
            out.push_str("; ");
            write_plain(&mut out, hint);
        }
        out
    }
}

/// `12:5: error: coverage[2].target: what is wrong; what to do`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{}:{}: {level}: ", self.place.line, self.place.column)?;
        f.write_str(&self.words())
    }
}

/// Words out of a file must not steer the terminal on which they are shown.
fn write_plain(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
}

/// Where the values and keys of a file stand, by their paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    pub(super) values: BTreeMap<String, Place>,
    pub(super) keys: BTreeMap<String, Place>,
}

impl Places {
    /// Where a value stands; of a path that is not in the file, where the
    /// nearest thing around it does.
    #[must_use]
    pub fn of(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.values.get(path) {
                return *place;
            }
            if path.is_empty() {
                return Place::default();
            }
            path = parent(path);
        }
    }

    /// Where a key stands; if there is none, as [`Places::of`].
    #[must_use]
    pub fn of_key(&self, path: &str) -> Place {
        self.keys
            .get(path)
            .copied()
            .unwrap_or_else(|| self.of(path))
    }

    /// Whether the path is in the file.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.values.contains_key(path)
    }
}

/// The path of a key below `path`.
#[must_use]
pub fn child(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// `coverage[2].target` → `coverage[2]` → `coverage` → ``.
fn parent(path: &str) -> &str {
    let end = path.rfind(['.', '[']).unwrap_or(0);
    &path[..end]
}

/// The known word that is nearest to what was written, if one is near enough to
/// be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words are not typing errors of anything; distances cost their product.
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let scored = known.into_iter().map(|k| {
        let distance = strsim::damerau_levenshtein(&lower, &k.to_lowercase());
        (distance, k)
    });
    // A third of the letters may be wrong, at least one.
    let limit = (word.chars().count() / 3).max(1);
    let best = scored.min_by_key(|(distance, _)| *distance)?;
    (best.0 <= limit).then_some(best.1)
}
