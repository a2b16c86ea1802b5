//! Settings from the environment: `SURECAST_` and the key in capitals, `__`
//! for the dot. `SURECAST_HTTP__LISTEN=0.0.0.0:80`, `SURECAST_DATA_DIR=/srv`,
//! `SURECAST_KEYS__mykey=…`.

use toml::{Table, Value};

use super::unknown;

/// What every variable of ours starts with.
const PREFIX: &str = "SURECAST_";

/// One variable that names a setting.
#[derive(Debug)]
pub(super) struct Override {
    /// As in the environment.
    pub variable: String,
    /// Dotted.
    pub key: String,
    /// As in the environment.
    pub text: String,
}

/// Picks our settings out of the environment, in a stable order.
///
/// Variables without `__` that name no setting are not ours to judge: container
/// platforms put `SURECAST_PORT` and the like there for a service of that name.
/// With `__` they are a mistake: `Err(variable, dotted key)`.
pub(super) fn overrides(
    environment: &[(String, String)],
) -> Result<Vec<Override>, (String, String)> {
    let mut found = Vec::new();
    for (variable, text) in environment {
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let key = dotted(name);
        let head = key.split('.').next().unwrap_or_default();
        let known = unknown::is_setting(&key) && !unknown::is_free_form(&key);
        let member = unknown::is_free_form(head) && key.len() > head.len() + 1;
        if known || member {
            found.push(Override {
                variable: variable.clone(),
                key,
                text: text.clone(),
            });
        } else if name.contains("__") {
            return Err((variable.clone(), key));
        }
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

/// The value in the type that the setting has now: what `current` holds decides
/// whether the text is a number, a list (separated by commas) or a string.
pub(super) fn value(current: Option<&Value>, text: &str) -> Value {
    let parsed = match current {
        Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
        Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
        Some(Value::Array(_)) => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Some(Value::Array(
                items.map(|item| Value::String(item.to_owned())).collect(),
            ))
        }
        _ => None,
    };
    // The typed parse complains about what does not fit, and names the type.
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Puts a value at a dotted key.
pub(super) fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, name)) => {
            let section = table
                .entry(section)
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                insert(section, name, value);
            }
        }
    }
}

/// Reads a dotted key.
pub(super) fn lookup<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, name)) => lookup(table.get(section)?.as_table()?, name),
    }
}

/// `HTTP__LISTEN` → `http.listen`; the names of API keys keep their case.
fn dotted(name: &str) -> String {
    match name.split_once("__") {
        Some((section, rest)) if section.eq_ignore_ascii_case("keys") => format!("keys.{rest}"),
        _ => name.to_ascii_lowercase().replace("__", "."),
    }
}
