//! Generations of the product in a contract's life: going over to another one,
//! what that does to the term, and the end of the support of the one that runs.
//!
//! Two facts of the log decide, each about one version of a contract:
//!
//! - `generation_upgraded`: from a day on another generation is what is promised
//!   of. It holds not before the contract's days of notice are over. Where later
//!   generations are not part of the fee, only one that the contract includes can
//!   be gone over to; another one needs a later version of the contract. With
//!   `restart_term` a new term of the same length begins on that day.
//! - `support_ended`: the provider says that a generation has no support any
//!   more. That holds from the end of its support and of the days of notice on,
//!   whichever is later, and until another generation runs. Where later
//!   generations are part of the fee it has no effect: it was for the provider to
//!   bring them.
//!
//! Neither changes a day that was over before its leaf.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Fact;
use super::line::plus;
use super::record::{Record, Recorded};
use crate::calendar;
use crate::contract::policy::{GenerationPolicy, OnUpgrade, Successors};
use crate::interval::Interval;
use crate::term::TermError;

/// Upgrades of one version that are read: one a month for a decade. Further ones
/// have no effect.
const MAX_UPGRADES: usize = 120;

/// Why a fact about a generation has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No chain of releases leads to it.
    #[error("the log knows of no release of this generation after those of the contract")]
    Unknown,
    /// It is not part of the fee.
    #[error("later generations are not included: a later version of the contract is needed")]
    NotIncluded,
    /// It runs already.
    #[error("this generation runs already")]
    Runs,
    /// There are too many.
    #[error("more than {MAX_UPGRADES} upgrades of one version are not read")]
    TooMany,
    /// Another generation runs.
    #[error("this generation does not run")]
    RunsNot,
    /// No successor came out.
    #[error("no generation has followed it")]
    NotFollowed,
    /// Somebody else has to bring the next one.
    #[error("later generations are included: it is for the provider to bring them")]
    Included,
}

/// Another generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Upgrade {
    /// Its leaf.
    pub leaf: u64,
    /// When it was logged.
    pub at: Timestamp,
    /// Which.
    pub generation: String,
    /// First day on which it runs.
    pub from: Result<Date, Refused>,
}

/// The end of a generation's support, as the provider has said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SupportEnd {
    /// Its leaf.
    pub leaf: u64,
    /// When it was logged.
    pub at: Timestamp,
    /// Of which.
    pub generation: String,
    /// The time without support.
    pub without: Result<Interval, Refused>,
}

/// What decides over the generations of one version.
pub(crate) struct Generations<'a> {
    /// Name of the agreement, and its version.
    pub about: (&'a str, u32),
    pub policy: &'a GenerationPolicy,
    pub zone: &'a TimeZone,
    pub record: &'a Record,
    /// What was logged later is not known.
    pub known: Timestamp,
}

impl Generations<'_> {
    fn facts(&self) -> impl Iterator<Item = &Recorded> {
        self.record.facts(self.known)
    }

    /// When a generation was followed by another one, and by which.
    fn followed(&self, generation: &str) -> Option<(Timestamp, &str)> {
        self.facts().find_map(|f| match &f.fact {
            Fact::GenerationReleased {
                generation: next,
                replaces,
            } if replaces == generation => Some((f.at, next.as_str())),
            _ => None,
        })
    }

    /// Whether it came out as a successor of a generation of the contract, before
    /// `at`.
    fn succeeds(&self, generation: &str, at: Timestamp) -> bool {
        let included = self.policy.included.iter().map(String::as_str);
        let mut known: BTreeSet<&str> = included.collect();
        // A release of a successor comes after the one of what it follows.
        for recorded in self.facts().take_while(|f| f.at <= at) {
            if let Fact::GenerationReleased {
                generation,
                replaces,
            } = &recorded.fact
                && known.contains(replaces.as_str())
            {
                known.insert(generation);
            }
        }
        known.contains(generation)
    }

    /// All upgrades, in the order of the log.
    pub fn upgrades(&self) -> Vec<Upgrade> {
        let mut upgrades: Vec<Upgrade> = Vec::new();
        for recorded in self.facts() {
            let Fact::GenerationUpgraded {
                contract,
                version,
                generation,
                from,
            } = &recorded.fact
            else {
                continue;
            };
            if (contract.as_str(), *version) != self.about {
                continue;
            }
            let earliest = day_after(self.zone, recorded.at, self.policy.notice_days);
            let is_included = self.policy.included.contains(generation);
            let last = upgrades.iter().rfind(|u| u.from.is_ok());
            let runs = last.map_or_else(
                || self.policy.included.as_slice() == [generation.clone()],
                |u| u.generation == *generation,
            );
            let from = if runs {
                Err(Refused::Runs)
            } else if upgrades.len() >= MAX_UPGRADES {
                Err(Refused::TooMany)
            } else if !is_included && !self.succeeds(generation, recorded.at) {
                Err(Refused::Unknown)
            } else if !is_included && self.policy.successors != Successors::Included {
                Err(Refused::NotIncluded)
            } else {
                // One after the other: a later leaf does not overtake.
                let after = last.and_then(|u| u.from.ok()).map(|day| plus(day, 1));
                Ok((*from).max(earliest).max(after.unwrap_or(earliest)))
            };
            upgrades.push(Upgrade {
                leaf: recorded.leaf,
                at: recorded.at,
                generation: generation.clone(),
                from,
            });
        }
        upgrades
    }

    /// The days on which a term begins anew.
    pub fn restarts(&self) -> Vec<Date> {
        if self.policy.on_upgrade == OnUpgrade::KeepTerm {
            return Vec::new();
        }
        let upgrades = self.upgrades();
        upgrades.into_iter().filter_map(|u| u.from.ok()).collect()
    }

    /// When the support ends of what runs at `at`, if all of it was followed.
    pub fn unsupported_from(&self, at: Timestamp) -> Result<Option<Timestamp>, TermError> {
        let upgrades = self.upgrades();
        let mut running = self.policy.included.clone();
        for upgrade in &upgrades {
            if let Ok(day) = upgrade.from
                && calendar::midnight(self.zone, day)? <= at
            {
                running = vec![upgrade.generation.clone()];
            }
        }
        self.support_ends(&running)
    }

    fn support_ends(&self, running: &[String]) -> Result<Option<Timestamp>, TermError> {
        let mut latest = None;
        for generation in running {
            let Some((followed, _)) = self.followed(generation) else {
                return Ok(None);
            };
            let day = day_after(self.zone, followed, self.policy.support_days);
            latest = latest.max(Some(calendar::midnight(self.zone, day)?));
        }
        Ok(latest)
    }

    /// What the provider has said of the end of support, in the order of the log.
    pub fn support_end(&self) -> Result<Vec<SupportEnd>, TermError> {
        let upgrades = self.upgrades();
        let mut ends = Vec::new();
        for recorded in self.facts() {
            let Fact::SupportEnded {
                contract,
                version,
                generation,
            } = &recorded.fact
            else {
                continue;
            };
            if (contract.as_str(), *version) != self.about {
                continue;
            }
            ends.push(SupportEnd {
                leaf: recorded.leaf,
                at: recorded.at,
                generation: generation.clone(),
                without: self.without(generation, recorded.at, &upgrades)?,
            });
        }
        Ok(ends)
    }

    /// The time in which a generation runs without support.
    fn without(
        &self,
        generation: &String,
        said: Timestamp,
        upgrades: &[Upgrade],
    ) -> Result<Result<Interval, Refused>, TermError> {
        if self.policy.successors == Successors::Included {
            return Ok(Err(Refused::Included));
        }
        let days = upgrades.iter().filter_map(|u| Some((u, u.from.ok()?)));
        let days: Vec<(&Upgrade, Date)> = days.collect();
        let position = days.iter().position(|(u, _)| u.generation == *generation);
        // Of several included ones the first runs as long as no leaf says more,
        // but all of them have support until the last one's ends.
        let (running, since, until) = match position {
            Some(at) => (
                vec![generation.clone()],
                calendar::midnight(self.zone, days[at].1)?,
                days.get(at + 1),
            ),
            None if self.policy.included.contains(generation) => {
                (self.policy.included.clone(), Timestamp::MIN, days.first())
            }
            None => return Ok(Err(Refused::RunsNot)),
        };
        let Some(ends) = self.support_ends(&running)? else {
            return Ok(Err(Refused::NotFollowed));
        };
        let notice = day_after(self.zone, said, self.policy.notice_days);
        let until = until.map(|(_, day)| calendar::midnight(self.zone, *day));
        let end = until.transpose()?.unwrap_or(Timestamp::MAX);
        let start = ends.max(since).max(calendar::midnight(self.zone, notice)?);
        Ok(Ok(Interval {
            start: start.min(end),
            end,
        }))
    }
}

/// The day after `days` whole days after that of an instant.
fn day_after(zone: &TimeZone, at: Timestamp, days: u32) -> Date {
    let day = zone.to_datetime(at).date();
    plus(day, i64::from(days).saturating_add(1))
}
