//! YAML files with a position for every value.
//!
//! The text becomes a tree of positioned values first and a typed value second,
//! so that what serde refuses, and what a check finds later, both have a line.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use serde_path_to_error::Segment;
use serde_saphyr::{Location, Options, Spanned};

use super::problem::{Level, Place, Places, Problem, child, nearest};
use crate::coverage::Coverage;

/// Largest file: 1 MiB. A contract of 7 modules in 50 regions has 100 KiB.
pub const MAX_BYTES: usize = 1 << 20;
/// Deepest nesting; a contract has 8 levels, an OpenSLO document 10.
const MAX_DEPTH: usize = 32;
/// Most aliases, and most values that they bring in, so that a few lines cannot
/// become millions ("billion laughs").
const MAX_ALIASES: usize = 64;
const MAX_ALIASED: usize = 10_000;
/// Most values; a file of the largest size has a value every ten bytes.
const MAX_NODES: usize = MAX_BYTES / 10;
/// Most documents of one file; OpenSLO exports three for each line of coverage.
const MAX_DOCUMENTS: usize = 2_000;

/// Reads one document.
///
/// # Errors
/// The first problem: of YAML itself, or of a key or value that does not fit.
pub fn load<T: DeserializeOwned>(text: &str) -> Result<(T, Places), Box<Problem>> {
    check_size(text)?;
    let node = serde_saphyr::from_str_with_options::<Spanned<Node>>(text, options(1))
        .map_err(|e| syntax(&e))?;
    let mut places = Places::default();
    let value = plain("", node, Decimals::Refused, &mut places)?;
    let typed = typed("", value, &places)?;
    Ok((typed, places))
}

/// As [`load`], for documents in which numbers with decimals are quantities that
/// are read from text.
///
/// # Errors
/// As [`load`].
pub fn load_quantities<T: DeserializeOwned>(text: &str) -> Result<T, Box<Problem>> {
    check_size(text)?;
    let node = serde_saphyr::from_str_with_options::<Spanned<Node>>(text, options(1))
        .map_err(|e| syntax(&e))?;
    let mut places = Places::default();
    let value = plain("", node, Decimals::AsText, &mut places)?;
    typed("", value, &places)
}

/// Lines of coverage as they stand in a contract.
///
/// # Errors
/// If the writer fails, with its message.
pub fn coverage(lines: &[Coverage]) -> Result<String, String> {
    let head = BTreeMap::from([("coverage", lines)]);
    serde_saphyr::to_string(&head).map_err(|e| e.to_string())
}

/// Reads all documents of a file as plain values, numbers with decimals as text;
/// the paths of the first begin with `[0]`. For formats of others, which have such
/// numbers; [`typed`] makes something of a part.
///
/// # Errors
/// As [`load`].
pub fn load_all(text: &str) -> Result<(Vec<Value>, Places), Box<Problem>> {
    check_size(text)?;
    let nodes =
        serde_saphyr::from_multiple_with_options::<Spanned<Node>>(text, options(MAX_DOCUMENTS))
            .map_err(|e| syntax(&e))?;
    let mut places = Places::default();
    let mut all = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.into_iter().enumerate() {
        let path = format!("[{index}]");
        all.push(plain(&path, node, Decimals::AsText, &mut places)?);
    }
    Ok((all, places))
}

fn options(documents: usize) -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_aliases: MAX_ALIASES,
            max_anchors: MAX_ALIASES,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_documents: documents,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIASED,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

fn check_size(text: &str) -> Result<(), Box<Problem>> {
    if text.len() <= MAX_BYTES {
        return Ok(());
    }
    Err(Box::new(Problem {
        level: Level::Error,
        place: Place { line: 1, column: 1 },
        path: String::new(),
        what: format!("the file has {} bytes, more than {MAX_BYTES}", text.len()),
        hint: Some("split it".to_owned()),
    }))
}

/// A problem of YAML itself.
fn syntax(error: &serde_saphyr::Error) -> Box<Problem> {
    let place = error.location().map_or_else(Place::default, |l| place(&l));
    let text = error.without_snippet().to_string();
    // The position stands in front already.
    let what = match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    };
    Box::new(Problem {
        level: Level::Error,
        place,
        path: String::new(),
        what: format!("not readable as YAML: {}", what.trim_end_matches(',')),
        hint: None,
    })
}

fn place(location: &Location) -> Place {
    Place {
        line: location.line(),
        column: location.column(),
    }
}

/// A value of YAML.
enum Node {
    Scalar(Value),
    /// A number that is not an integer, as the shortest text that means the same
    /// double: what was written, up to 15 digits.
    Decimal(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Decimal(value.to_string()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(value.into()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Map(entries))
    }
}

/// What becomes of numbers with decimals.
#[derive(Clone, Copy)]
enum Decimals {
    Refused,
    AsText,
}

/// Notes the places and leaves the values. The depth is bounded by the parser.
fn plain(
    path: &str,
    node: Spanned<Node>,
    decimals: Decimals,
    places: &mut Places,
) -> Result<Value, Box<Problem>> {
    let here = place(&node.referenced);
    places.values.insert(path.to_owned(), here);
    Ok(match node.value {
        Node::Scalar(value) => value,
        Node::Decimal(text) if matches!(decimals, Decimals::AsText) => text.into(),
        Node::Decimal(_) => {
            return Err(Box::new(Problem {
                level: Level::Error,
                place: here,
                path: path.to_owned(),
                what: "a number with decimals".to_owned(),
                hint: Some(
                    "write money as text (\"1200.50\"), shares with a percent sign (99.95%)"
                        .to_owned(),
                ),
            }));
        }
        Node::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                list.push(plain(&format!("{path}[{index}]"), item, decimals, places)?);
            }
            Value::Array(list)
        }
        Node::Map(entries) => {
            let mut map = Map::new();
            for (key, item) in entries {
                let below = child(path, &key.value);
                places.keys.insert(below.clone(), place(&key.referenced));
                map.insert(key.value, plain(&below, item, decimals, places)?);
            }
            Value::Object(map)
        }
    })
}

/// Makes a typed value of a part of a file.
///
/// # Errors
/// What does not fit, with its place.
pub fn typed<T: DeserializeOwned>(
    path: &str,
    value: Value,
    places: &Places,
) -> Result<T, Box<Problem>> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = path.to_owned();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => path = format!("{path}[{index}]"),
                Segment::Map { key } => path = child(&path, key),
                Segment::Enum { variant } => path = child(&path, variant),
                Segment::Unknown => {}
            }
        }
        Box::new(explain(path, &error.into_inner().to_string(), places))
    })
}

/// Turns serde's words into what, where and what to do.
fn explain(path: String, message: &str, places: &Places) -> Problem {
    let words = quoted(message);
    let word = words.first().copied().unwrap_or_default();
    let known = words.get(1..).unwrap_or_default();
    let problem = |path: String, place, what: String, hint| Problem {
        level: Level::Error,
        place,
        path,
        what,
        hint,
    };
    if message.starts_with("unknown field") {
        // The path may or may not end with the key itself.
        let ends = path == word || path.ends_with(&format!(".{word}"));
        let path = if ends { path } else { child(&path, word) };
        let place = places.of_key(&path);
        let hint = meant(word, known, "known here");
        return problem(path, place, "there is no such key".to_owned(), hint);
    }
    if message.starts_with("unknown variant") {
        let hint = meant(word, known, "possible");
        let place = places.of(&path);
        return problem(path, place, format!("`{word}` is not possible here"), hint);
    }
    if message.starts_with("missing field") {
        let place = places.of(&path);
        let hint = Some(format!("add `{word}:`"));
        return problem(path, place, format!("`{word}` is missing"), hint);
    }
    if message.starts_with("invalid type") {
        let to_quote = message.ends_with("expected a string") && !message.contains(": map");
        let hint = to_quote.then(|| "put it in quotes".to_owned());
        let place = places.of(&path);
        return problem(path, place, message.to_owned(), hint);
    }
    // Messages of the model's own types name the key they mean, if any, first.
    let inner = child(&path, word);
    let path = if message.starts_with('`') && places.has(&inner) {
        inner
    } else {
        path
    };
    let place = places.of(&path);
    problem(path, place, message.to_owned(), None)
}

fn meant(word: &str, known: &[&str], title: &str) -> Option<String> {
    match nearest(word, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None if known.is_empty() => None,
        None => Some(format!("{title}: {}", known.join(", "))),
    }
}

/// What stands between backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests;
