//! Keys that do not exist, and the nearest one that does.

use toml::de::{DeTable, DeValue};

use super::SETTINGS;

/// The first key of the document that is none of ours: its dotted name and its
/// byte offset.
pub(super) fn first_unknown(table: &DeTable<'_>) -> Option<(String, usize)> {
    first_unknown_in(table, "")
}

fn first_unknown_in(table: &DeTable<'_>, prefix: &str) -> Option<(String, usize)> {
    table.iter().find_map(|(key, value)| {
        let name = format!("{prefix}{}", key.get_ref());
        let at = key.span().start;
        if is_free_form(&name) || is_setting(&name) {
            return None;
        }
        if !is_section(&name) {
            return Some((name, at));
        }
        let DeValue::Table(section) = value.get_ref() else {
            return None; // the typed parse says "expected a table" with its place
        };
        first_unknown_in(section, &format!("{name}."))
    })
}

/// The byte offset of a known key, when the document has it.
pub(super) fn offset_of(table: &DeTable<'_>, dotted: &str) -> Option<usize> {
    let (head, rest) = match dotted.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (dotted, None),
    };
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == head)?;
    match (rest, value.get_ref()) {
        (None, _) => Some(key.span().start),
        (Some(rest), DeValue::Table(section)) => offset_of(section, rest),
        (Some(_), _) => None,
    }
}

/// The dotted key in whose value the byte offset lies.
pub(super) fn key_at(table: &DeTable<'_>, offset: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let name: &str = key.get_ref();
        if let DeValue::Table(section) = value.get_ref()
            && let Some(inner) = key_at(section, offset)
        {
            return Some(format!("{name}.{inner}"));
        }
        (key.span().start..=value.span().end)
            .contains(&offset)
            .then(|| name.to_owned())
    })
}

/// "did you mean `http`?", or the keys that are possible.
pub(super) fn suggestion(unknown: &str) -> String {
    match nearest(unknown) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let prefix = unknown.rsplit_once('.').map_or("", |(section, _)| section);
            let known: Vec<&str> = siblings(prefix).collect();
            format!("known here: {}", known.join(", "))
        }
    }
}

/// Whether `key` is one of [`SETTINGS`].
pub(super) fn is_setting(key: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key == key)
}

/// Tables whose members the operator names.
pub(super) fn is_free_form(key: &str) -> bool {
    key == "keys"
}

fn is_section(name: &str) -> bool {
    SETTINGS.iter().any(|setting| {
        let rest = setting.key.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with('.'))
    })
}

/// Keys of one section, or, for the empty name, the top level with the names
/// of the sections.
fn siblings(section: &str) -> impl Iterator<Item = &'static str> {
    let mut seen = Vec::new();
    for setting in SETTINGS {
        let name = if section.is_empty() {
            setting.key.split('.').next().unwrap_or_default()
        } else if setting.key.rsplit_once('.').map(|(head, _)| head) == Some(section) {
            setting.key
        } else {
            continue;
        };
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen.into_iter()
}

/// The known key with the fewest typing errors between, if that is believable:
/// at most one error in three characters. A key in the wrong section is found
/// by its last part.
fn nearest(unknown: &str) -> Option<&'static str> {
    let all = || siblings("").chain(SETTINGS.iter().map(|setting| setting.key));
    let by = |distance: &dyn Fn(&'static str) -> usize, length: usize| {
        all()
            .map(|known| (distance(known), known))
            .filter(|(errors, _)| *errors <= (length / 3).max(1))
            .min_by_key(|(errors, _)| *errors)
            .map(|(_, known)| known)
    };
    by(
        &|known| strsim::damerau_levenshtein(unknown, known),
        unknown.len(),
    )
    .or_else(|| {
        let last = unknown.rsplit('.').next().unwrap_or(unknown);
        let tail = |known: &'static str| known.rsplit('.').next().unwrap_or(known);
        by(
            &|known| strsim::damerau_levenshtein(last, tail(known)),
            last.len(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_key() {
        for (unknown, near) in [
            ("htp", "http"),
            ("http.lisen", "http.listen"),
            ("rtc.upd_port", "rtc.udp_port"),
            ("webhooks", "webhook"),
            ("webhook.url", "webhook.urls"),
            ("listen", "http.listen"),
            ("room.cors", "http.cors"),
            ("guarantee.mail.smpt", "guarantee.mail.smtp"),
            ("mail.smtp", "guarantee.mail.smtp"),
        ] {
            assert_eq!(nearest(unknown), Some(near), "{unknown}");
        }
        assert_eq!(nearest("completely_else"), None);
        assert!(suggestion("log.xyzzyxyzzy").contains("log.level, log.format"));
    }
}
