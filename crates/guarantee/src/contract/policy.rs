//! Experience levels, conditions, severity, exclusions, generations, renewal.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::money;
use crate::module::{Module, Region};
use crate::ratio::Percent;
use crate::severity::{Severity, SeverityRule};

/// From which point on an experience is bad. The defaults are those of the
/// strictest published agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Experience {
    /// A join that takes longer has failed.
    pub join_within_ms: u32,
    /// A longer gap in audio is a freeze.
    pub audio_freeze_ms: u32,
    /// A longer gap in video is a freeze.
    pub video_freeze_ms: u32,
    /// More delay from end to end is bad.
    pub delay_ms: u32,
}

impl Default for Experience {
    fn default() -> Self {
        Self {
            join_within_ms: 5_000,
            audio_freeze_ms: 200,
            video_freeze_ms: 600,
            delay_ms: 400,
        }
    }
}

/// Something the customer has to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What.
    pub requires: Requirement,
    /// Days from the notice in which it can be put right without any effect.
    pub cure_days: u32,
    /// What follows if it is not.
    pub effect: Effect,
}

/// What a condition asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Requirement {
    /// At least so much is spent in a period, in the fee's currency.
    MinSpend {
        /// The amount.
        #[serde(with = "money")]
        amount: Decimal,
    },
    /// The effective settings stay as they were signed.
    FrozenConfig {
        /// SHA-256 of the effective settings in canonical JSON, in hexadecimal.
        sha256: String,
        /// Settings of these modules; empty = all. Drift excludes only the
        /// module that drifted.
        #[serde(default)]
        modules: Vec<Module>,
    },
    /// No more than this at once. Within it there are no excuses for load.
    DeclaredPeak {
        /// Of what; none = the sum over all modules.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        module: Option<Module>,
        /// Where; none = everywhere together.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<Region>,
        /// Concurrent sessions.
        sessions: u64,
    },
}

/// What follows from a condition that is not kept after its cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is written on the statement, nothing else.
    Notify,
    /// The time and the modules concerned do not count.
    Exclude,
    /// The contract is degraded: it is measured, but pays no credits.
    SuspendCredits,
}

/// How severity follows from evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeverityPolicy {
    /// The worst rule that fits decides; none = S4.
    pub rules: Vec<SeverityRule>,
    /// Minutes that measurement must have been clear before a severity may fall.
    pub clear_minutes: u32,
    /// Events that raise severity while they run.
    pub events: Vec<RegisteredEvent>,
}

/// A show that was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredEvent {
    /// Its name.
    pub name: String,
    /// First instant.
    pub start: Timestamp,
    /// First instant after it.
    pub end: Timestamp,
    /// Which modules; empty = all.
    #[serde(default)]
    pub modules: Vec<Module>,
    /// Where; empty = everywhere.
    #[serde(default)]
    pub regions: Vec<Region>,
}

impl Default for SeverityPolicy {
    fn default() -> Self {
        // The table of severities in the reference.
        let rule = |severity, critical, registered_event, min_minutes, percent: u64| SeverityRule {
            severity,
            critical,
            registered_event,
            min_minutes,
            bad_from: Percent::from_units(percent * 1_000_000).unwrap_or(Percent::ONE),
        };
        Self {
            rules: vec![
                rule(Severity::S1, true, false, 3, 50),
                rule(Severity::S1, true, true, 3, 5),
                rule(Severity::S2, true, false, 5, 5),
                rule(Severity::S3, false, false, 5, 1),
            ],
            clear_minutes: 15,
            events: Vec::new(),
        }
    }
}

impl SeverityPolicy {
    /// Whether an event is registered there at that instant.
    #[must_use]
    pub fn is_event(&self, at: Timestamp, module: Module, region: &Region) -> bool {
        self.events
            .iter()
            .any(|event| event.covers(at, module, region))
    }
}

impl RegisteredEvent {
    /// Whether it runs there at that instant.
    #[must_use]
    pub fn covers(&self, at: Timestamp, module: Module, region: &Region) -> bool {
        self.start <= at
            && at < self.end
            && (self.modules.is_empty() || self.modules.contains(&module))
            && (self.regions.is_empty() || self.regions.contains(region))
    }
}

/// What time of a class needs in order not to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExclusionRule {
    /// Hours between its declaration in the log and its start.
    pub notice_hours: u32,
    /// Most minutes of a period; what is beyond counts.
    pub cap_minutes: u32,
}

impl ExclusionRule {
    /// The notice in seconds.
    #[must_use]
    pub fn notice_s(self) -> u64 {
        u64::from(self.notice_hours) * 3_600
    }

    /// The cap in seconds.
    #[must_use]
    pub fn cap_s(self) -> u64 {
        u64::from(self.cap_minutes) * 60
    }
}

/// Which generations of the product are included, and what an upgrade does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationPolicy {
    /// Generations the contract is for, by their names.
    pub included: Vec<String>,
    /// Whether later ones are included, too.
    pub successors: Successors,
    /// Days for which a generation is supported after its successor came out.
    pub support_days: u32,
    /// Days of notice before an upgrade.
    pub notice_days: u32,
    /// What an upgrade does to the term.
    pub on_upgrade: OnUpgrade,
}

/// Later generations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Successors {
    /// Part of the fee.
    Included,
    /// Only corrections within the included ones.
    FixesOnly,
    /// For a price of their own.
    Priced,
}

/// What an upgrade does to the term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUpgrade {
    /// The contract goes on.
    KeepTerm,
    /// A new contract supersedes it, and its term begins anew.
    RestartTerm,
}

/// What happens when the term ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// By itself, or only when both sign.
    pub mode: RenewalMode,
    /// Days before the end until which either party may say no.
    pub notice_days: u32,
    /// Days after the end in which it still holds while it is not renewed.
    pub grace_days: u32,
}

/// How it is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenewalMode {
    /// For another term unless somebody says no.
    Automatic,
    /// Only when both sign.
    Signed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_time_its_modules_and_its_regions() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let region = |text: &str| text.parse::<Region>().expect("a region");
        let mut policy = SeverityPolicy {
            events: vec![RegisteredEvent {
                name: "Gala".to_owned(),
                start: at("2027-05-01T18:00:00Z"),
                end: at("2027-05-01T23:00:00Z"),
                modules: vec![Module::Media],
                regions: vec![region("eu")],
            }],
            ..SeverityPolicy::default()
        };
        for (instant, module, place, expected) in [
            ("2027-05-01T17:59:59Z", Module::Media, "eu", false),
            ("2027-05-01T18:00:00Z", Module::Media, "eu", true),
            ("2027-05-01T23:00:00Z", Module::Media, "eu", false),
            ("2027-05-01T19:00:00Z", Module::Join, "eu", false),
            ("2027-05-01T19:00:00Z", Module::Media, "us", false),
        ] {
            let found = policy.is_event(at(instant), module, &region(place));
            assert_eq!(found, expected, "{instant} {module} {place}");
        }
        policy.events[0].modules.clear();
        policy.events[0].regions.clear();
        assert!(policy.is_event(at("2027-05-01T19:00:00Z"), Module::Agent, &region("us")));
    }
}
