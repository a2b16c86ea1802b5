//! From a contract of ours to an offer, so that plans stand beside what others
//! publish.

use std::collections::BTreeMap;

use super::{
    ClaimTerms, Counting, CreditForm, Credits, DecidedBy, Fee, Grade, Matrix, MatrixRow, Offer,
    OfferId, Tier, Tiers, Window,
};
use crate::contract::Contract;
use crate::contract::policy::Successors;
use crate::contract::remedy::{Breach, Scheme};
use crate::contract::support::ALWAYS;
use crate::offer::quantity::Quantity;
use crate::ratio::Percent;
use crate::severity::Severity;

/// Why a contract cannot stand beside other offers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnOffer {
    /// The id of the contract is too long, or has a dot.
    #[error("{0}")]
    Id(String),
    /// Money in two currencies cannot be compared.
    #[error(
        "the contract `{id}` is in {contract}, the need in {need}: write the contract's amounts in {need}"
    )]
    Currency {
        /// The contract.
        id: String,
        /// Its currency.
        contract: String,
        /// The need's.
        need: String,
    },
    /// An amount has too many decimals or is too large.
    #[error("{0}")]
    Amount(String),
    /// The term has no length.
    #[error("{0}")]
    Term(#[from] crate::term::TermError),
    /// The remedies are none.
    #[error("the contract `{id}`: {why}")]
    Remedies {
        /// The contract.
        id: String,
        /// What is wrong.
        why: String,
    },
}

impl Offer {
    /// The offer that a contract is, for a need in `currency` (three letters).
    ///
    /// What an offer cannot say is noted in it: it has one target for all, the
    /// lowest of the contract's lines.
    ///
    /// # Errors
    /// See [`NotAnOffer`].
    pub fn of_contract(contract: &Contract, currency: &str) -> Result<Self, NotAnOffer> {
        let fee = &contract.fee;
        if fee.currency != currency {
            return Err(NotAnOffer::Currency {
                id: contract.id.clone(),
                contract: fee.currency.clone(),
                need: currency.to_owned(),
            });
        }
        let id = OfferId::try_from(contract.id.replace('.', "-")).map_err(NotAnOffer::Id)?;
        let per_period = fee.per_period.to_string();
        let per_period: Quantity = per_period.parse().map_err(NotAnOffer::Amount)?;
        let name = format!("{} {}", contract.id, contract.version);
        let remedies = &contract.remedies;
        let credits = credits(&remedies.scheme).map_err(|why| NotAnOffer::Remedies {
            id: contract.id.clone(),
            why,
        })?;
        let worth = |breach: &Breach| worth(*breach, per_period);
        Ok(Self {
            vendor: Some(contract.parties.provider.name.clone()),
            source: Some(format!("contract {name}")),
            fee: Some(Fee::PerMonth(per_period)),
            target: contract.coverage.iter().map(|line| line.target).min(),
            counting: Some(Counting {
                slice_minutes: Some(1),
                proportional: true,
                ..Counting::default()
            }),
            credits: Some(credits),
            cap: Some(remedies.cap),
            claim: ClaimTerms {
                automatic: remedies.claim_within_days.is_none(),
                window_days: remedies.claim_within_days,
                form: Some(CreditForm::Credit),
                text: None,
            },
            // Severity and settlement follow from the log, in every contract.
            decided_by: Some(DecidedBy::Evidence),
            response: windows(
                contract,
                |target| Some(target.response_minutes),
                |severity| remedies.late_response.get(&severity).and_then(worth),
            ),
            restoration: windows(
                contract,
                |target| target.restore_minutes,
                |severity| remedies.late_restoration.get(&severity).and_then(worth),
            ),
            support_hours: Some(support_hours(contract)),
            updates: Some(updates(contract)),
            term_months: Some(months(contract)?),
            notes: notes(contract),
            ..Self::unknown(id, name, Grade::V)
        })
    }
}

fn credits(scheme: &Scheme) -> Result<Credits, String> {
    Ok(match scheme {
        Scheme::Tiers(tiers) => {
            let tier = |t: &crate::contract::remedy::Tier| Tier {
                below: t.below,
                credit: t.credit,
            };
            Credits::Tiers(Tiers::try_from(tiers.iter().map(tier).collect::<Vec<_>>())?)
        }
        Scheme::Matrix(matrix) => {
            let row = |r: &crate::contract::remedy::Row| MatrixRow {
                below: r.below,
                credit: r.credits.clone(),
            };
            let rows: Vec<_> = matrix.rows.iter().map(row).collect();
            Credits::Matrix(Matrix::try_from(rows)?)
        }
        Scheme::Proportional(proportional) => Credits::Proportional(proportional.times.into()),
    })
}

/// A breach as a share of the fee, rounded down; nothing where the fee is zero.
fn worth(breach: Breach, fee: Quantity) -> Option<Percent> {
    match breach {
        Breach::Percent(percent) => Some(percent),
        Breach::Amount(amount) => {
            let share = amount
                .checked_mul(Percent::WHOLE.into())?
                .checked_div(fee.value())?;
            let units = u64::try_from(share.floor()).ok()?;
            Percent::from_units(units.min(Percent::WHOLE))
        }
    }
}

fn windows(
    contract: &Contract,
    minutes: impl Fn(&crate::contract::support::Target) -> Option<u32>,
    credit: impl Fn(Severity) -> Option<Percent>,
) -> BTreeMap<Severity, Window> {
    let targets = contract.support.targets.iter();
    let window = targets.filter_map(|(severity, target)| {
        let credit = credit(*severity);
        let window = Window {
            minutes: Some(minutes(target)?),
            credited: credit.is_some(),
            credit,
            text: (target.calendar != ALWAYS).then(|| format!("hours of `{}`", target.calendar)),
        };
        Some((*severity, window))
    });
    window.collect()
}

fn support_hours(contract: &Contract) -> String {
    let calendar = |severity| contract.support.targets.get(&severity);
    match calendar(Severity::S1).map(|target| target.calendar.as_str()) {
        None | Some(ALWAYS) => "7x24".to_owned(),
        Some(calendar) => format!("calendar `{calendar}`"),
    }
}

fn updates(contract: &Contract) -> String {
    let policy = &contract.generations;
    let later = match policy.successors {
        Successors::Included => "later generations included",
        Successors::FixesOnly => "corrections only",
        Successors::Priced => "later generations for a price",
    };
    format!(
        "generations {}; {later}; supported {} days after a successor",
        policy.included.join(", "),
        policy.support_days
    )
}

/// Whole months of the term; a custom one of less than a month counts as one.
fn months(contract: &Contract) -> Result<u32, NotAnOffer> {
    let term = &contract.term;
    let end = term.end_exclusive()?;
    let span = term.start.until((jiff::Unit::Month, end));
    let months = span.map_or(1, |span| span.get_months());
    Ok(u32::try_from(months).unwrap_or(1).max(1))
}

fn notes(contract: &Contract) -> Vec<String> {
    let mut notes = Vec::new();
    let targets = || contract.coverage.iter().map(|line| line.target);
    if targets().min() != targets().max() {
        notes.push("lines have different targets: the lowest is compared".to_owned());
    }
    if matches!(contract.remedies.scheme, Scheme::Proportional(_)) {
        notes.push("its credit counts from the target, here from the first second".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::plan::Plan;

    fn contract(plan: Plan) -> Contract {
        Contract::from_yaml(plan.yaml()).expect("a plan").0
    }

    #[test]
    fn every_plan_is_an_offer() {
        for plan in Plan::ALL {
            let contract = contract(plan);
            let offer = Offer::of_contract(&contract, &contract.fee.currency).expect("an offer");
            assert!(offer.can_be_simulated(), "{}", plan.name());
            assert_eq!(offer.id.as_str(), contract.id.replace('.', "-"));
            assert!(!offer.response.is_empty(), "{}", plan.name());
        }
    }

    #[test]
    fn the_radical_plan_promises_what_others_do_not() {
        let offer = Offer::of_contract(&contract(Plan::Radical), "EUR").expect("an offer");
        assert!(offer.claim.automatic);
        assert_eq!(offer.decided_by, Some(DecidedBy::Evidence));
        assert_eq!(offer.term_months, Some(36));
        let restored = &offer.restoration[&Severity::S1];
        assert_eq!(restored.minutes, Some(60));
        assert_eq!(restored.credit, "20%".parse().ok());
    }

    #[test]
    fn another_currency_is_refused() {
        let refused = Offer::of_contract(&contract(Plan::Entry), "USD");
        assert!(matches!(refused, Err(NotAnOffer::Currency { .. })));
    }

    #[test]
    fn an_amount_becomes_a_share_of_the_fee() {
        let share = |amount: u32, fee: u32| worth(Breach::Amount(amount.into()), fee.into());
        assert_eq!(share(50, 200), "25%".parse().ok());
        assert_eq!(share(300, 200), Some(Percent::ONE));
        assert_eq!(share(1, 0), None);
    }
}
