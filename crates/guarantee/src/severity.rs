//! How bad an incident is. The evidence says so, not an opinion.

use serde::{Deserialize, Serialize};

use crate::ratio::{Percent, Ratio};

/// Worst first: `S1 < S2`, so the smaller of two is the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// A critical module is largely down, or a registered event suffers.
    S1,
    /// A critical module suffers noticeably.
    S2,
    /// Some of the service suffers.
    S3,
    /// Hardly anybody notices.
    S4,
}

/// Most rules of a policy: the reference has four, and a contract that needs
/// more than this cannot be explained to anybody.
pub const MAX_RULES: usize = 16;

/// One way to a severity. All of its conditions are thresholds from below, so
/// worse evidence never leaves a rule that milder evidence meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityRule {
    /// What it leads to.
    pub severity: Severity,
    /// Only for critical lines.
    #[serde(default)]
    pub critical: bool,
    /// Only while an event is on that the customer registered.
    #[serde(default)]
    pub registered_event: bool,
    /// For this many minutes at least.
    pub min_minutes: u32,
    /// With this share bad at least.
    pub bad_from: Percent,
}

/// The contract's rules; S4 where none applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<SeverityRule>", into = "Vec<SeverityRule>")]
pub struct SeverityPolicy(Vec<SeverityRule>);

impl SeverityPolicy {
    /// From rules in any order; an error in words where there are too many.
    pub fn new(rules: Vec<SeverityRule>) -> Result<Self, String> {
        if rules.len() > MAX_RULES {
            return Err(format!(
                "{} severity rules: at most {MAX_RULES}",
                rules.len()
            ));
        }
        Ok(Self(rules))
    }

    /// Its rules.
    #[must_use]
    pub fn rules(&self) -> &[SeverityRule] {
        &self.0
    }
}

impl TryFrom<Vec<SeverityRule>> for SeverityPolicy {
    type Error = String;

    fn try_from(rules: Vec<SeverityRule>) -> Result<Self, String> {
        Self::new(rules)
    }
}

impl From<SeverityPolicy> for Vec<SeverityRule> {
    fn from(policy: SeverityPolicy) -> Self {
        policy.0
    }
}

impl Default for SeverityPolicy {
    /// The table of the reference ("Worked examples").
    fn default() -> Self {
        let rule = |severity, critical, registered_event, min_minutes, percent: u64| SeverityRule {
            severity,
            critical,
            registered_event,
            min_minutes,
            bad_from: Percent::from_units(percent * 1_000_000).unwrap_or(Percent::ONE),
        };
        Self(vec![
            rule(Severity::S1, true, false, 3, 50),
            rule(Severity::S1, true, true, 3, 5),
            rule(Severity::S2, true, false, 5, 5),
            rule(Severity::S3, false, false, 5, 1),
        ])
    }
}

/// What was measured of an incident.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The line is critical.
    pub critical: bool,
    /// A registered event is on.
    pub registered_event: bool,
    /// Whole minutes since the first bad sample.
    pub minutes: u32,
    /// What was bad of all in that time. Nothing measured = all of it.
    pub bad: Ratio,
}

/// The severity of `evidence`: the worst of the rules that it meets.
#[must_use]
pub fn assess(evidence: &Evidence, policy: &SeverityPolicy) -> Severity {
    let meets = |rule: &&SeverityRule| {
        (evidence.critical || !rule.critical)
            && (evidence.registered_event || !rule.registered_event)
            && evidence.minutes >= rule.min_minutes
            && (evidence.bad.known().is_none() || evidence.bad.reaches(rule.bad_from))
    };
    let met = policy.0.iter().filter(meets).map(|rule| rule.severity);
    met.min().unwrap_or(Severity::S4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(critical: bool, event: bool, minutes: u32, per_mille: u64) -> Evidence {
        Evidence {
            critical,
            registered_event: event,
            minutes,
            bad: Ratio {
                num: per_mille,
                den: 1000,
            },
        }
    }

    /// Reference: the table, its two examples, and the borders.
    #[test]
    fn the_table_of_the_reference() {
        for (critical, event, minutes, per_mille, severity) in [
            (true, true, 6, 120, Severity::S1),
            (true, false, 6, 120, Severity::S2),
            (true, false, 3, 500, Severity::S1),
            (true, false, 2, 1000, Severity::S4),
            (true, false, 3, 499, Severity::S4),
            (true, false, 5, 499, Severity::S2),
            (true, true, 3, 50, Severity::S1),
            (true, true, 3, 49, Severity::S4),
            (true, true, 5, 49, Severity::S3),
            (true, false, 5, 50, Severity::S2),
            (true, false, 4, 50, Severity::S4),
            (true, false, 5, 10, Severity::S3),
            (true, false, 5, 9, Severity::S4),
            (false, true, 600, 1000, Severity::S3),
            (false, false, 5, 10, Severity::S3),
            (false, false, 4, 1000, Severity::S4),
        ] {
            let found = assess(
                &evidence(critical, event, minutes, per_mille),
                &SeverityPolicy::default(),
            );
            assert_eq!(found, severity, "{critical} {event} {minutes} {per_mille}");
        }
        let unknown = Evidence {
            bad: Ratio { num: 0, den: 0 },
            ..evidence(true, false, 3, 0)
        };
        assert_eq!(
            assess(&unknown, &SeverityPolicy::default()),
            Severity::S1,
            "nothing measured is all bad"
        );
    }

    fn policy() -> impl Strategy<Value = SeverityPolicy> {
        let severity =
            prop::sample::select(vec![Severity::S1, Severity::S2, Severity::S3, Severity::S4]);
        let rule = (
            severity,
            any::<bool>(),
            any::<bool>(),
            0..10_u32,
            0..=1000_u64,
        )
            .prop_map(
                |(severity, critical, registered_event, min_minutes, per_mille)| SeverityRule {
                    severity,
                    critical,
                    registered_event,
                    min_minutes,
                    bad_from: Percent::from_units(per_mille * 100_000).expect("a share"),
                },
            );
        let rules = prop::collection::vec(rule, 0..8);
        let rules = rules.prop_map(|rules| SeverityPolicy::new(rules).expect("few"));
        prop_oneof![rules, Just(SeverityPolicy::default())]
    }

    proptest! {
        #[test]
        fn worse_evidence_is_never_milder(
            policy in policy(),
            flags in any::<[bool; 4]>(),
            minutes in (0..12_u32, 0..12_u32),
            bad in (0..=1000_u64, 0..=1000_u64),
        ) {
            let mild = evidence(flags[0], flags[1], minutes.0, bad.0);
            let worse = evidence(
                flags[0] || flags[2],
                flags[1] || flags[3],
                minutes.0.max(minutes.1),
                bad.0.max(bad.1),
            );
            prop_assert!(assess(&worse, &policy) <= assess(&mild, &policy));
        }
    }

    #[test]
    fn a_policy_is_read_with_its_bound() {
        let text = serde_json::to_string(&SeverityPolicy::default()).expect("written");
        let read: SeverityPolicy = serde_json::from_str(&text).expect("read");
        assert_eq!(read, SeverityPolicy::default());
        let many = vec![read.rules()[0]; MAX_RULES + 1];
        assert!(SeverityPolicy::new(many).is_err());
    }
}
