//! `surecast config print`: the settings in force, as a file that can be used.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::{Config, SETTINGS, env};

/// What stands in for a secret.
const REDACTED: &str = "(hidden; --show-secrets prints it)";

/// A commented TOML document. Secrets are left out unless asked for.
pub fn print(config: &Config, show_secrets: bool) -> String {
    let mut table = Table::try_from(config).unwrap_or_default();
    if !show_secrets {
        hide_secrets(&mut table);
    }
    let mut out = String::from(
        "# Every key is also an environment variable: http.listen is SURECAST_HTTP__LISTEN.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        let Some(value) = env::lookup(&table, setting.key) else {
            continue;
        };
        let (head, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
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

/// Single settings that are secrets, and URLs that hold one where they have an
/// `@`.
const SECRETS: [&str; 4] = [
    "srt.passphrase",
    "store.url",
    "guarantee.mail.smtp",
    "guarantee.alerts.pagerduty_key",
];

fn hide_secrets(table: &mut Table) {
    if let Some(Value::Table(keys)) = table.get_mut("keys") {
        for (_, secret) in keys.iter_mut() {
            *secret = Value::String(REDACTED.into());
        }
    }
    for key in SECRETS {
        let said = env::lookup(table, key).and_then(Value::as_str);
        let is_url = |text: &str| key != "srt.passphrase" && text.contains("://");
        let secret = |text: &str| text.contains('@') || !text.is_empty() && !is_url(text);
        if said.is_some_and(secret) {
            env::insert(table, key, Value::String(REDACTED.into()));
        }
    }
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
