//! What a contract promises that nobody can keep, and what it forgot.
//!
//! Every check runs, so that one reading of the list is enough. An error makes
//! the contract unusable; a warning is something that both parties should have
//! seen before they sign.

mod lines;
mod people;
mod remedies;
mod time;

use super::Contract;
use super::policy::{Effect, Requirement};
use super::problem::{Level, Places, Problem};
use crate::calendar::TZDB_VERSION;
use crate::exclusion::ExclusionClass;
use rust_decimal::Decimal;

/// Longest id: it stands in file names, paths and log entries.
const MAX_ID: usize = 64;

/// A check under way.
pub struct Check<'a> {
    contract: &'a Contract,
    places: &'a Places,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    /// All problems, in the order of the file.
    #[must_use]
    pub fn of(contract: &'a Contract, places: &'a Places) -> Vec<Problem> {
        let mut check = Self {
            contract,
            places,
            problems: Vec::new(),
        };
        check.head();
        check.fee();
        check.time();
        check.lines();
        check.people();
        check.remedies();
        check.conditions();
        check.exclusions();
        check.seal();
        let mut problems = check.problems;
        problems.sort_by(|a, b| {
            let key = |p: &Problem| (p.place, p.level);
            key(a).cmp(&key(b)).then_with(|| a.path.cmp(&b.path))
        });
        problems
    }

    fn error(&mut self, path: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.note(Level::Error, path, what.into(), hint.into());
    }

    fn warn(&mut self, path: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.note(Level::Warning, path, what.into(), hint.into());
    }

    fn note(&mut self, level: Level, path: &str, what: String, hint: String) {
        self.problems.push(Problem {
            level,
            place: self.places.of(path),
            path: path.to_owned(),
            what,
            hint: (!hint.is_empty()).then_some(hint),
        });
    }

    fn head(&mut self) {
        let contract = self.contract;
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        let id = contract.id.as_bytes();
        let starts_well = id.first().is_some_and(u8::is_ascii_alphanumeric);
        if !starts_well || id.len() > MAX_ID || !id.iter().all(|b| fits(*b)) {
            let hint = "use 1 to 64 of a-z, 0-9, `-` and `.`, beginning with a letter or digit";
            self.error("id", "this cannot be an id", hint);
        }
        if contract.version == 0 {
            self.error("version", "versions count from 1", "");
        }
        if contract.tzdb != TZDB_VERSION {
            let what = format!(
                "days were agreed with time-zone database {}, this program computes with {TZDB_VERSION}",
                contract.tzdb
            );
            let hint = "settle with the program's version that has it, or agree on a new version";
            self.warn("tzdb", what, hint);
        }
        if contract.generations.included.is_empty() {
            let hint = "name at least the generation that is delivered";
            self.error("generations.included", "no generation is included", hint);
        }
    }

    fn fee(&mut self) {
        let fee = &self.contract.fee;
        if fee.currency.len() != 3 || !fee.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            let hint = "write three capital letters, as `EUR` or `CNY`";
            self.error("fee.currency", "this is not a currency of ISO 4217", hint);
        }
        if fee.decimals > 4 {
            let hint = "no currency has more than 4; most have 2";
            self.error("fee.decimals", "too many decimals", hint);
        }
        if fee.per_period < Decimal::ZERO {
            self.error("fee.per_period", "a fee is not negative", "");
        } else if fee.per_period.is_zero() {
            let what = "without a fee every credit is nothing";
            self.warn("fee.per_period", what, "");
        }
    }

    fn conditions(&mut self) {
        for (index, condition) in self.contract.conditions.iter().enumerate() {
            let path = format!("conditions[{index}].requires");
            match &condition.requires {
                Requirement::MinSpend { amount } => {
                    if *amount <= Decimal::ZERO {
                        let what = "a minimum of nothing is always reached";
                        self.error(&format!("{path}.min_spend.amount"), what, "");
                    }
                }
                Requirement::FrozenConfig { sha256, .. } => {
                    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                    if sha256.len() != 64 || !sha256.bytes().all(hex) {
                        let hint = "write 64 lower-case hexadecimal digits: the hash of the \
                                    effective settings in canonical JSON";
                        let at = format!("{path}.frozen_config.sha256");
                        self.error(&at, "this is not a SHA-256", hint);
                    }
                }
                Requirement::DeclaredPeak { sessions, .. } => {
                    if *sessions == 0 {
                        let at = format!("{path}.declared_peak.sessions");
                        self.error(&at, "a peak of nothing excludes everything", "");
                    }
                }
            }
            self.same_requirement(index, &path);
            self.effect(index, &path);
        }
    }

    /// What is to be excluded needs a class that is allowed.
    fn effect(&mut self, index: usize, path: &str) {
        let contract = self.contract;
        let condition = &contract.conditions[index];
        let (class, name) = match condition.requires {
            Requirement::MinSpend { .. } => (ExclusionClass::MinimumSpend, "minimum_spend"),
            Requirement::FrozenConfig { .. } => {
                (ExclusionClass::ConfigurationDrift, "configuration_drift")
            }
            Requirement::DeclaredPeak { .. } => (ExclusionClass::AbovePeak, "above_peak"),
        };
        if condition.effect == Effect::Exclude && !contract.exclusions.contains_key(&class) {
            let what = "the effect `exclude` has none: the contract excludes no such time";
            self.warn(path, what, format!("add `{name}` to `exclusions`"));
        }
    }

    fn same_requirement(&mut self, index: usize, path: &str) {
        let this = &self.contract.conditions[index].requires;
        let before = &self.contract.conditions[..index];
        let same = |other: &Requirement| match (this, other) {
            (
                Requirement::DeclaredPeak { module, region, .. },
                Requirement::DeclaredPeak {
                    module: m,
                    region: r,
                    ..
                },
            ) => module == m && region == r,
            (
                Requirement::FrozenConfig { modules, .. },
                Requirement::FrozenConfig { modules: m, .. },
            ) => modules.is_empty() || m.is_empty() || modules.iter().any(|x| m.contains(x)),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        };
        if let Some(first) = before.iter().position(|c| same(&c.requires)) {
            let what = format!("conditions[{first}] asks for the same");
            self.error(path, what, "keep one of them");
        }
    }

    fn exclusions(&mut self) {
        let contract = self.contract;
        for (class, rule) in &contract.exclusions {
            let (name, needs) = match class {
                ExclusionClass::Maintenance => ("maintenance", None),
                ExclusionClass::ForceMajeure => ("force_majeure", None),
                ExclusionClass::ConfigurationDrift => {
                    ("configuration_drift", Some("frozen_config"))
                }
                ExclusionClass::AbovePeak => ("above_peak", Some("declared_peak")),
                ExclusionClass::MinimumSpend => ("minimum_spend", Some("min_spend")),
            };
            let path = format!("exclusions.{name}");
            if let Some(condition) = needs.filter(|n| !self.has_condition(n)) {
                let what = format!("no condition says what is agreed ({condition})");
                let hint = "add the condition, or take the exclusion out";
                self.error(&path, what, hint);
            }
            if *class == ExclusionClass::Maintenance && rule.notice_hours == 0 {
                let what = "maintenance without notice is an outage";
                let hint = "agree on hours between the declaration and the start";
                self.error(&format!("{path}.notice_hours"), what, hint);
            }
            // The shortest month, 28 days.
            if rule.cap_minutes >= 28 * 24 * 60 {
                let what = "the cap is a whole month: nothing would count";
                self.error(
                    &format!("{path}.cap_minutes"),
                    what,
                    "agree on a smaller one",
                );
            }
        }
    }

    fn has_condition(&self, kind: &str) -> bool {
        let name = |r: &Requirement| match r {
            Requirement::MinSpend { .. } => "min_spend",
            Requirement::FrozenConfig { .. } => "frozen_config",
            Requirement::DeclaredPeak { .. } => "declared_peak",
        };
        let conditions = &self.contract.conditions;
        conditions.iter().any(|c| name(&c.requires) == kind)
    }
}

#[cfg(test)]
mod tests;
