//! `surecast config print`: the settings in force, as a file that can be used.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::{Config, SETTINGS, env};

/// What stands in for a secret.
const REDACTED: &str = "(hidden; --show-secrets prints it)";

/// A commented TOML document. Secrets are left out unless asked for.
pub fn print(config: &Config, show_secrets: bool) -> String {
    let mut table = Table::try_from(config).unwrap_or_default();
    if !show_secrets && let Some(Value::Table(keys)) = table.get_mut("keys") {
        for (_, secret) in keys.iter_mut() {
            *secret = Value::String(REDACTED.into());
        }
    }
    if !show_secrets && config.store.url.contains('@') {
        let hidden = Value::String(REDACTED.into());
        if let Some(Value::Table(store)) = table.get_mut("store") {
            store.insert("url".into(), hidden);
        }
    }
    let mut out = String::from(
        "# Every key is also an environment variable: http.listen is SURECAST_HTTP__LISTEN.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        let Some(value) = env::lookup(&table, setting.key) else {
            continue;
        };
        let (head, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if let Value::Table(members) = value {
            let _ = write!(out, "\n# {}\n[{}]\n", setting.about, setting.key);
            for (key, value) in members {
                let _ = writeln!(out, "{} = {value}", quoted(key));
            }
            section = setting.key;
            continue;
        }
        if head != section {
            let _ = write!(out, "\n[{head}]\n");
            section = head;
        }
        let _ = write!(out, "# {}\n{name} = {value}\n", setting.about);
    }
    out
}

/// A key as TOML wants it: quoted unless it is plain.
fn quoted(key: &str) -> String {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if plain {
        key.to_owned()
    } else {
        Value::String(key.to_owned()).to_string()
    }
}
