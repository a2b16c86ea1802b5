//! Where two statements differ.

use serde_json::Value;

/// Where two statements differ first, lines before sums.
pub(super) fn difference(logged: &str, computed: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (logged, computed) = (read(logged), read(computed));
    let lines = differ("lines", &logged["lines"], &computed["lines"]);
    let Some((path, logged, evidence)) = lines.or_else(|| differ("", &logged, &computed)) else {
        return "it is not written canonically".to_owned();
    };
    let name = line_name(&path, &computed).unwrap_or_default();
    format!("{path}{name}: the log says {logged}, the evidence says {evidence}")
}

/// The path of the first difference, and both values.
fn differ(path: &str, logged: &Value, computed: &Value) -> Option<(String, String, String)> {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match (logged, computed) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => a
            .iter()
            .zip(b.values())
            .find_map(|((name, a), b)| differ(&below(name), a, b)),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => (1_usize..)
            .zip(a.iter().zip(b))
            .find_map(|(at, (a, b))| differ(&below(&at.to_string()), a, b)),
        (a, b) if a == b => None,
        (a, b) => Some((path.to_owned(), a.to_string(), b.to_string())),
    }
}

/// ` (media eu-west)` for `lines.1.credit`.
fn line_name(path: &str, computed: &Value) -> Option<String> {
    let at: usize = path
        .strip_prefix("lines.")?
        .split('.')
        .next()?
        .parse()
        .ok()?;
    let line = computed["lines"].get(at.checked_sub(1)?)?;
    let (module, region) = (line["module"].as_str()?, line["region"].as_str()?);
    Some(format!(" ({module} {region})"))
}
