//! Ready-made contracts.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use super::problem::{Problem, nearest};
use super::{Contract, Parties};
use crate::calendar::TZDB_VERSION;
use crate::term::TermKind;

/// A ready-made contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plan {
    /// One year, office hours.
    Entry,
    /// Three years, day and night.
    Professional,
    /// A template that shows every setting.
    Custom,
    /// No exclusions but declared maintenance, severity by evidence, credits by
    /// themselves.
    Radical,
}

impl Plan {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Entry, Self::Professional, Self::Custom, Self::Radical];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Professional => "professional",
            Self::Custom => "custom",
            Self::Radical => "radical",
        }
    }

    /// The file, with its comments.
    #[must_use]
    pub const fn yaml(self) -> &'static str {
        match self {
            Self::Entry => include_str!("../../plans/entry.contract.yaml"),
            Self::Professional => include_str!("../../plans/professional.contract.yaml"),
            Self::Custom => include_str!("../../plans/custom.contract.yaml"),
            Self::Radical => include_str!("../../plans/radical.contract.yaml"),
        }
    }

    /// What it is, in one line.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Entry => "1 year, one region, 99.5 %, answers in office hours, credits on claim",
            Self::Professional => {
                "3 years, all modules in three regions, 99.9 %, day and night, \
                 restoration promised, credits without a claim"
            }
            Self::Custom => "a template that shows every setting",
            Self::Radical => {
                "3 years, 99.99 %, nothing excluded but declared maintenance, severity by \
                 evidence, credits from the first missing second"
            }
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Plan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = Self::ALL.map(Self::name);
        let found = Self::ALL.into_iter().find(|p| p.name() == text);
        found.ok_or_else(|| match nearest(text, names) {
            Some(near) => format!("`{text}` is not a plan; did you mean `{near}`?"),
            None => format!("`{text}` is not a plan; there are {}", names.join(", ")),
        })
    }
}

/// A contract from a plan, between these parties, from this day on. Until people
/// are named, the provider's contact is called in every role. A custom term keeps
/// its number of months, and events and holidays, which have dates of their own,
/// are left out.
///
/// # Errors
/// What does not fit, such as a year that begins on a 29 February.
pub fn plan(plan: Plan, parties: Parties, start: Date) -> Result<Contract, Vec<Problem>> {
    let (mut contract, places) =
        super::yaml::load::<Contract>(plan.yaml()).map_err(|p| vec![*p])?;
    let term = &mut contract.term;
    if term.kind == TermKind::Custom
        && let Some(end) = term.end
        && let Ok(length) = term.start.until((jiff::Unit::Month, end))
    {
        term.end = Some(start.saturating_add(length));
    }
    term.start = start;
    contract.severity.events.clear();
    for hours in contract.support.calendars.values_mut() {
        hours.holidays.clear();
    }
    let provider = &parties.provider.contact;
    contract.support.lead.clone_from(provider);
    if let Some(manager) = &mut contract.support.account_manager {
        manager.clone_from(provider);
    }
    for expert in &mut contract.support.experts {
        expert.contact.clone_from(provider);
    }
    contract.parties = parties;
    TZDB_VERSION.clone_into(&mut contract.tzdb);
    let problems = super::check::Check::of(&contract, &places);
    let errors: Vec<_> = problems
        .into_iter()
        .filter(|p| p.level == super::problem::Level::Error)
        .collect();
    if errors.is_empty() {
        Ok(contract)
    } else {
        Err(errors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Party;
    use crate::contract::support::Contact;

    fn parties() -> Parties {
        let party = |name: &str| Party {
            name: name.to_owned(),
            contact: Contact {
                name: format!("{name}'s desk"),
                mail: Some("desk@example.org".to_owned()),
                phone: None,
                webhook: None,
            },
        };
        Parties {
            provider: party("Net"),
            customer: party("Show"),
        }
    }

    #[test]
    fn plans_pass_their_own_check() {
        for plan in Plan::ALL {
            let (contract, problems) = Contract::from_yaml(plan.yaml()).expect("a contract");
            assert_eq!(contract.id, plan.name());
            let problems: Vec<_> = problems.iter().map(|p| p.in_file(plan.name())).collect();
            assert!(problems.is_empty(), "{problems:#?}");
        }
    }

    #[test]
    fn a_plan_becomes_a_contract_between_two() {
        let start: Date = "2027-01-15".parse().expect("a date");
        for (name, end) in [
            (Plan::Entry, "2028-01-15"),
            (Plan::Professional, "2030-01-15"),
            (Plan::Custom, "2028-07-15"),
            (Plan::Radical, "2030-01-15"),
        ] {
            let contract = plan(name, parties(), start).expect("a contract");
            let end: Date = end.parse().expect("a date");
            assert_eq!(contract.term.end_exclusive(), Ok(end), "{name}");
            assert_eq!(contract.parties, parties());
            assert_eq!(contract.support.lead, parties().provider.contact);
        }
        let leap: Date = "2028-02-29".parse().expect("a date");
        let errors = plan(Plan::Entry, parties(), leap).expect_err("no such day");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].what.contains("29 February"), "{}", errors[0]);
    }

    #[test]
    fn radical_excludes_nothing_but_declared_maintenance() {
        let (contract, _) = Contract::from_yaml(Plan::Radical.yaml()).expect("a plan");
        let classes: Vec<_> = contract.exclusions.keys().collect();
        assert_eq!(classes, [&crate::exclusion::ExclusionClass::Maintenance]);
        assert!(contract.conditions.is_empty());
        assert_eq!(contract.remedies.claim_within_days, None);
    }

    #[test]
    fn a_plan_is_found_by_name() {
        assert_eq!("radical".parse(), Ok(Plan::Radical));
        let error = "profesional".parse::<Plan>().expect_err("no such plan");
        assert!(error.contains("did you mean `professional`?"), "{error}");
    }
}
