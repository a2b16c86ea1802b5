//! What the server says of itself in the log: that it measures from here on, and
//! with which settings.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use surecast_guarantee::canonical;
use surecast_guarantee::contract::life::{Fact, Measures};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::Source;

use super::Book;
use crate::config::Config;
use crate::evidence::EvidenceLog;

/// Appends what the log does not say yet. It never says that a source has
/// retired: a server that is gone for good counts as down until somebody does.
pub(super) async fn append(
    log: &EvidenceLog,
    book: &mut Book,
    config: &Config,
    (source, lines): (&Source, &[(Module, Region)]),
    now: Timestamp,
) -> anyhow::Result<()> {
    let mut facts = Vec::new();
    let lines: BTreeSet<Measures> = lines
        .iter()
        .map(|(module, region)| Measures {
            module: *module,
            region: region.clone(),
        })
        .collect();
    if !lines.is_empty() && !lines.is_subset(book.started()) {
        facts.push(Fact::SourceStarted {
            source: source.clone(),
            lines: lines.clone(),
        });
    }
    let modules = settings(config, lines.iter().map(|line| line.module))?;
    if !modules.is_empty() && book.settings() != Some(&modules) {
        facts.push(Fact::Settings {
            source: source.clone(),
            modules,
        });
    }
    let leaves = facts.iter().map(|fact| fact.leaf(now));
    let leaves = leaves.collect::<Result<Vec<_>, _>>()?;
    if leaves.is_empty() {
        return Ok(());
    }
    let appended = log.append(leaves).await;
    let indexes = appended.context("cannot log the start of this server")?;
    for (fact, index) in facts.iter().zip(indexes) {
        book.handle_fact(fact, index, now);
    }
    Ok(())
}

/// SHA-256 of the settings that a module works with. Secrets are not among them,
/// and neither is where the server listens for its console.
fn settings(
    config: &Config,
    modules: impl Iterator<Item = Module>,
) -> anyhow::Result<BTreeMap<Module, String>> {
    let hash = |module| {
        let sections: BTreeMap<&str, Value> = match module {
            Module::Join => [room(config)?, rtc(config)?, limits(config)?].into(),
            Module::Media => [rtc(config)?, limits(config)?].into(),
            _ => [room(config)?, limits(config)?].into(),
        };
        Ok((module, canonical::sha256(&sections)?))
    };
    modules.map(hash).collect()
}

fn room(config: &Config) -> anyhow::Result<(&'static str, Value)> {
    section("room", &config.room)
}

fn rtc(config: &Config) -> anyhow::Result<(&'static str, Value)> {
    section("rtc", &config.rtc)
}

fn limits(config: &Config) -> anyhow::Result<(&'static str, Value)> {
    section("limits", &config.limits)
}

fn section(name: &'static str, section: &impl Serialize) -> anyhow::Result<(&'static str, Value)> {
    Ok((name, serde_json::to_value(section)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_changes_the_hash_of_its_modules_alone() {
        let hashes = |config: &Config| {
            let all = [Module::Join, Module::Signalling, Module::Media];
            settings(config, all.into_iter()).unwrap()
        };
        let before = hashes(&Config::default());
        let mut config = Config::default();
        config.room.max_participants += 1;
        config.keys.insert("key".to_owned(), "secret".to_owned());
        let after = hashes(&config);
        assert_eq!(before[&Module::Media], after[&Module::Media]);
        assert_ne!(before[&Module::Join], after[&Module::Join]);
        assert_ne!(before[&Module::Signalling], after[&Module::Signalling]);
    }
}
