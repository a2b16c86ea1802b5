//! What was agreed, as data.
//!
//! A contract bundles four things that are sold as one "warranty" and keeps them
//! apart: the commercial term, the promise itself (coverage and remedies, pinned
//! by version and hash), the support plan, and which generations of the product
//! are included. Files are YAML, `*.contract.yaml`; the hash is that of the
//! canonical JSON, so that comments and the order of keys do not change it.

pub mod check;
pub mod life;
pub mod money;
pub mod openslo;
pub mod plan;
pub mod policy;
pub mod problem;
pub mod public;
pub mod remedy;
pub mod support;
pub mod yaml;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::canonical::{self, CanonicalError};
use crate::coverage::Coverage;
use crate::exclusion::ExclusionClass;
use crate::module::Module;
use crate::severity::Severity;
use crate::term::Term;

use check::Check;
use policy::{Condition, ExclusionRule, Experience, GenerationPolicy, Renewal, SeverityPolicy};
use problem::Problem;
use remedy::Remedies;
use support::{Contact, SupportPlan, Target};

/// One version of an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Name of the agreement: 1 to 64 of `a-z`, `0-9`, `-` and `.`; the same in
    /// all its versions.
    pub id: String,
    /// 1 for the first; a changed contract is a new version.
    pub version: u32,
    /// Who promises, and to whom.
    pub parties: Parties,
    /// What is paid.
    pub fee: Fee,
    /// How long, and how it is cut into periods.
    pub term: Term,
    /// From which point on an experience is bad.
    #[serde(default)]
    pub experience: Experience,
    /// What is promised, line by line.
    pub coverage: Vec<Coverage>,
    /// What the customer has to keep.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// What makes an incident severe.
    #[serde(default)]
    pub severity: SeverityPolicy,
    /// Who answers, when, and how fast.
    pub support: SupportPlan,
    /// What follows from a breach.
    pub remedies: Remedies,
    /// Which time does not count. A class that is not here excludes nothing.
    #[serde(default)]
    pub exclusions: BTreeMap<ExclusionClass, ExclusionRule>,
    /// Which generations of the product are included.
    pub generations: GenerationPolicy,
    /// What happens when the term ends.
    pub renewal: Renewal,
    /// Version of the time-zone database with which its days are computed.
    pub tzdb: String,
    /// Makes it useless to guess the addresses behind the seal; known to the
    /// parties alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts_salt: Option<String>,
    /// In the log, in place of the people in it: see [`public`]. Not in files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_contacts: Option<String>,
}

/// Who promises, and to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parties {
    /// Promises.
    pub provider: Party,
    /// Is promised.
    pub customer: Party,
}

/// One of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// As it signs.
    pub name: String,
    /// Who speaks for it.
    pub contact: Contact,
}

/// What is paid for a full settlement period (a month).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    /// Three letters, as in ISO 4217.
    pub currency: String,
    /// Decimals to which credits are rounded, half up, once; 0 to 4.
    #[serde(default = "two")]
    pub decimals: u32,
    /// The amount.
    #[serde(with = "money")]
    pub per_period: Decimal,
}

const fn two() -> u32 {
    2
}

impl Contract {
    /// Reads a `*.contract.yaml` file and checks it. Warnings come with the
    /// contract.
    ///
    /// # Errors
    /// All that is wrong, by line. A key or a value that does not fit at all ends
    /// the reading, and is then the only problem.
    pub fn from_yaml(text: &str) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let (contract, places) = yaml::load::<Self>(text).map_err(|p| vec![*p])?;
        let problems = Check::of(&contract, &places);
        if problems.iter().any(|p| p.level == problem::Level::Error) {
            return Err(problems);
        }
        Ok((contract, problems))
    }

    /// As a YAML file; comments of the file it came from are lost.
    ///
    /// # Errors
    /// If the writer fails, with its message.
    pub fn to_yaml(&self) -> Result<String, String> {
        serde_saphyr::to_string(self).map_err(|e| e.to_string())
    }

    /// The contract's canonical JSON (see [`canonical`]); of one that is sealed the
    /// [public form's](public).
    ///
    /// # Errors
    /// If a number in it is beyond ±(2⁵³ − 1).
    pub fn canonical_json(&self) -> Result<String, CanonicalError> {
        canonical::to_string(&self.public())
    }

    /// SHA-256 of the canonical JSON in hexadecimal: what both parties sign, and
    /// what stands in the log.
    ///
    /// # Errors
    /// As [`Contract::canonical_json`].
    pub fn hash(&self) -> Result<String, CanonicalError> {
        canonical::sha256(&self.public())
    }

    /// The targets of support for an incident of this severity.
    #[must_use]
    pub fn target(&self, severity: Severity) -> Option<&Target> {
        self.support.targets.get(&severity)
    }

    /// Modules with a critical line anywhere, each once, in the order of
    /// statements. Criticality itself belongs to the line.
    #[must_use]
    pub fn critical_modules(&self) -> Vec<Module> {
        let critical = |m: &Module| self.coverage.iter().any(|c| c.critical && c.module == *m);
        Module::ALL.into_iter().filter(critical).collect()
    }
}

#[cfg(test)]
mod tests;
