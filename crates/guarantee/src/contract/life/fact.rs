//! What happens in a contract's life, as leaves of the log.
//!
//! A fact is a leaf of the kind `note` whose payload is an object with the key
//! `fact`. It counts from the log's time at its leaf, whatever it says itself.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::contract::money;
use crate::evidence::leaf::{Kind, Leaf, LeafError};
use crate::module::{Module, Region};
use crate::rollup::table::ImportError;
use crate::rollup::{RollupTable, Source};

/// Longest name of an agreement, as in contracts.
const MAX_ID: usize = 64;
/// Longest name of a generation.
const MAX_GENERATION: usize = 64;
/// Most lines that one source measures: 7 modules in 50 regions.
const MAX_LINES: usize = 350;
/// Most decimals of an amount, as in settlements.
const MAX_SCALE: u32 = 8;

/// One of the two who agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Promises.
    Provider,
    /// Is promised.
    Customer,
}

/// One thing that is measured in one place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// What.
    pub module: Module,
    /// Where.
    pub region: Region,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fact {
    /// A party does not want another term after the one that ends on `term_end`.
    NonRenewal {
        /// Name of the agreement.
        contract: String,
        /// Its version.
        version: u32,
        /// First day after the term that is meant.
        term_end: Date,
        /// Who says so.
        by: Side,
    },
    /// A party signs another term after the one that ends on `term_end`.
    RenewalSigned {
        /// Name of the agreement.
        contract: String,
        /// Its version.
        version: u32,
        /// First day after the term that is meant.
        term_end: Date,
        /// Who signs.
        by: Side,
    },
    /// A version takes the place of earlier ones on a later day than its own
    /// first one.
    Supersession {
        /// Name of the agreement.
        contract: String,
        /// The later version's number.
        version: u32,
        /// First day on which it holds.
        from: Date,
    },
    /// The provider says that a condition is not kept; the days of cure begin.
    ConditionNotice {
        /// Name of the agreement.
        contract: String,
        /// Its version.
        version: u32,
        /// Which of the contract's conditions, from 0.
        condition: u32,
    },
    /// The condition is kept again.
    ConditionCured {
        /// Name of the agreement.
        contract: String,
        /// Its version.
        version: u32,
        /// Which of the contract's conditions, from 0.
        condition: u32,
    },
    /// What was spent in a period. Of several reports the largest counts.
    Spend {
        /// Name of the agreement.
        contract: String,
        /// Its version.
        version: u32,
        /// Which period, from 0.
        period: u32,
        /// How much, in the fee's currency.
        #[serde(with = "money")]
        amount: Decimal,
    },
    /// A generation of the product came out and follows another one.
    GenerationReleased {
        /// The new one.
        generation: String,
        /// The one that it follows.
        replaces: String,
    },
    /// What is promised is promised of another generation from a day on.
    GenerationUpgraded {
        /// Name of the agreement.
        contract: String,
        /// Its version.
        version: u32,
        /// Which generation.
        generation: String,
        /// First day on which it runs; never before the days of notice are over.
        from: Date,
    },
    /// The provider says that a generation has no support any more.
    SupportEnded {
        /// Name of the agreement.
        contract: String,
        /// Its version.
        version: u32,
        /// Which generation.
        generation: String,
    },
    /// The settings that are in force at a source from here on.
    Settings {
        /// Whose.
        #[serde(with = "source_text")]
        source: Source,
        /// SHA-256 of the effective settings of each module, in hexadecimal.
        modules: BTreeMap<Module, String>,
    },
    /// A source measures these lines from here on.
    SourceStarted {
        /// Which.
        #[serde(with = "source_text")]
        source: Source,
        /// What it measures.
        lines: BTreeSet<Measures>,
    },
    /// A source has ended and is not expected any more.
    SourceRetired {
        /// Which.
        #[serde(with = "source_text")]
        source: Source,
    },
}

/// Why something is no fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// The leaf has no such payload.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// A part of it is beyond its bound.
    #[error("{what} of the fact cannot be taken: {needs}")]
    Bound {
        /// Which part.
        what: &'static str,
        /// What it has to be.
        needs: &'static str,
    },
}

impl Fact {
    /// The fact in a leaf; `None` where the leaf has none.
    ///
    /// # Errors
    /// The leaf has a fact that is not known or out of bounds.
    pub fn of(leaf: &Leaf) -> Result<Option<Self>, FactError> {
        /// Is it one at all?
        #[derive(Deserialize)]
        struct Peek {
            fact: Option<serde::de::IgnoredAny>,
        }
        if *leaf.kind() != Kind::Note || !leaf.is_json() {
            return Ok(None);
        }
        if leaf.decode::<Peek>()?.fact.is_none() {
            return Ok(None);
        }
        let fact: Self = leaf.decode()?;
        fact.check()?;
        Ok(Some(fact))
    }

    /// Its leaf.
    ///
    /// # Errors
    /// It is out of bounds.
    pub fn leaf(&self, at: Timestamp) -> Result<Leaf, FactError> {
        self.check()?;
        Ok(Leaf::json(Kind::Note, at, self)?)
    }

    /// The contract and the version that it is about, if it is about one.
    #[must_use]
    pub fn about(&self) -> Option<(&str, u32)> {
        match self {
            Self::NonRenewal {
                contract, version, ..
            }
            | Self::RenewalSigned {
                contract, version, ..
            }
            | Self::Supersession {
                contract, version, ..
            }
            | Self::ConditionNotice {
                contract, version, ..
            }
            | Self::ConditionCured {
                contract, version, ..
            }
            | Self::Spend {
                contract, version, ..
            }
            | Self::GenerationUpgraded {
                contract, version, ..
            }
            | Self::SupportEnded {
                contract, version, ..
            } => Some((contract, *version)),
            Self::GenerationReleased { .. }
            | Self::Settings { .. }
            | Self::SourceStarted { .. }
            | Self::SourceRetired { .. } => None,
        }
    }

    /// Whether it is about a generation of this version of a contract.
    pub(crate) fn is_generation(&self, about: (&str, u32)) -> bool {
        matches!(
            self,
            Self::GenerationUpgraded { .. } | Self::SupportEnded { .. }
        ) && self.about() == Some(about)
    }

    /// Tells a table which sources are to be expected, where the fact says so.
    ///
    /// # Errors
    /// The table expects too many.
    pub fn tell(&self, table: &mut RollupTable, at: Timestamp) -> Result<(), ImportError> {
        match self {
            Self::SourceStarted { source, lines } => {
                for line in lines {
                    table.start(line.module, &line.region, source, at)?;
                }
            }
            Self::SourceRetired { source } => table.retire(source, at),
            _ => {}
        }
        Ok(())
    }

    fn check(&self) -> Result<(), FactError> {
        let bound = |fits: bool, what, needs| {
            if fits {
                Ok(())
            } else {
                Err(FactError::Bound { what, needs })
            }
        };
        if let Some((id, _)) = self.about() {
            let fits = !id.is_empty() && id.len() <= MAX_ID;
            bound(fits, "the contract", "1 to 64 bytes")?;
        }
        match self {
            Self::Spend { amount, .. } => {
                let fits = !amount.is_sign_negative() && amount.scale() <= MAX_SCALE;
                bound(fits, "the amount", "not negative, at most 8 decimals")
            }
            Self::GenerationReleased {
                generation,
                replaces,
            } => {
                let both = is_name(generation) && is_name(replaces) && generation != replaces;
                bound(both, "a generation", "two names of 1 to 64 bytes")
            }
            Self::GenerationUpgraded { generation, .. } | Self::SupportEnded { generation, .. } => {
                bound(is_name(generation), "the generation", "1 to 64 bytes")
            }
            Self::Settings { modules, .. } => {
                let fits = !modules.is_empty() && modules.values().all(|hash| is_sha256(hash));
                let needs = "a SHA-256 in 64 lower-case hexadecimal digits for each module";
                bound(fits, "a hash", needs)
            }
            Self::SourceStarted { lines, .. } => {
                let fits = (1..=MAX_LINES).contains(&lines.len());
                bound(fits, "the lines", "1 to 350")
            }
            _ => Ok(()),
        }
    }
}

fn is_name(generation: &str) -> bool {
    !generation.is_empty() && generation.len() <= MAX_GENERATION
}

fn is_sha256(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.len() == 64 && text.bytes().all(hex)
}

/// A source as in lines of the log: `server:a`.
mod source_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::rollup::Source;

    pub fn serialize<S: Serializer>(source: &Source, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(source)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Source, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(payload: &str) -> Leaf {
        let text = format!("note 2027-06-01T00:00:00Z {payload}");
        Leaf::parse(text.as_bytes()).expect("a leaf")
    }

    #[test]
    fn facts_are_written_and_read() {
        for payload in [
            r#"{"by":"customer","contract":"show","fact":"non_renewal","term_end":"2028-06-01","version":1}"#,
            r#"{"by":"provider","contract":"show","fact":"renewal_signed","term_end":"2028-06-01","version":1}"#,
            r#"{"contract":"show","fact":"supersession","from":"2027-09-01","version":2}"#,
            r#"{"condition":0,"contract":"show","fact":"condition_notice","version":1}"#,
            r#"{"condition":0,"contract":"show","fact":"condition_cured","version":1}"#,
            r#"{"amount":"999.5","contract":"show","fact":"spend","period":3,"version":1}"#,
            r#"{"fact":"generation_released","generation":"2","replaces":"1"}"#,
            r#"{"contract":"show","fact":"generation_upgraded","from":"2027-09-01","generation":"2","version":1}"#,
            r#"{"contract":"show","fact":"support_ended","generation":"1","version":1}"#,
            r#"{"fact":"source_started","lines":[{"module":"media","region":"eu"}],"source":"server:a"}"#,
            r#"{"fact":"source_retired","source":"server:a"}"#,
        ] {
            let read = Fact::of(&leaf(payload)).expect("read").expect("a fact");
            let written = read.leaf(Timestamp::UNIX_EPOCH).expect("written");
            assert_eq!(written.payload(), payload);
        }
        let hash = "0".repeat(64);
        let settings =
            format!(r#"{{"fact":"settings","modules":{{"media":"{hash}"}},"source":"server:a"}}"#);
        assert!(Fact::of(&leaf(&settings)).expect("read").is_some());
    }

    #[test]
    fn what_is_none_is_passed_over_and_what_is_wrong_is_named() {
        for payload in ["the gateway was replaced", r#"{"words":"x"}"#] {
            assert_eq!(Fact::of(&leaf(payload)), Ok(None));
        }
        for payload in [
            r#"{"fact":"what"}"#,
            r#"{"fact":"source_retired","source":"a"}"#,
            r#"{"fact":"source_retired","more":1,"source":"server:a"}"#,
            r#"{"fact":"source_started","lines":[],"source":"server:a"}"#,
            r#"{"fact":"settings","modules":{"media":"x"},"source":"server:a"}"#,
            r#"{"fact":"generation_released","generation":"1","replaces":"1"}"#,
            r#"{"contract":"show","fact":"support_ended","generation":"","version":1}"#,
            r#"{"amount":"-1","contract":"show","fact":"spend","period":3,"version":1}"#,
            r#"{"condition":0,"contract":"","fact":"condition_cured","version":1}"#,
        ] {
            assert!(Fact::of(&leaf(payload)).is_err(), "{payload}");
        }
    }
}
