//! What changes the loss that stays with the buyer: better credits, a longer
//! term, faster restoration, another architecture.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::credit::Terms;
use super::expected::{Expected, expected};
use super::need::BuyerNeed;
use super::outage::{OutageModel, Reach, Reaches, Users};
use super::quantity::cents;
use super::terms::{ClaimTerms, CreditForm, Credits, Grade, Offer, OfferId, Tier, Tiers, Window};
use crate::ratio::Percent;
use crate::severity::Severity;

/// Restoration times that are tried, in minutes.
pub(crate) const WINDOWS: [u32; 5] = [240, 120, 60, 30, 15];

/// One thing changed against the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// 99.9 %; 10, 25 and 100 % back below 99.9, 99 and 95 %; by claim.
    Base,
    /// The same, 36 months instead of 12.
    LongerTerm,
    /// The same, paid without a claim.
    Automatic,
    /// Twice the credits: 20, 50 and 100 %.
    DoubleCredits,
    /// The whole month's fee for any miss, without a claim.
    WholeFee,
    /// Every outage ends within these minutes.
    RestoredWithin(u32),
    /// Outages hit one region at a time.
    OneRegion,
    /// Half as many outages.
    HalfOutages,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was changed.
    pub change: Change,
    /// Uncovered loss per month.
    pub uncovered: Decimal,
    /// Less than the base.
    pub saved: Decimal,
}

/// The base first, then the changes, the one that saves least first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sensitivity {
    /// Expected loss per month, before credits.
    pub loss: Decimal,
    /// Steps.
    pub steps: Vec<Step>,
}

/// Computes all steps without drawing.
#[must_use]
pub fn sensitivity(need: &BuyerNeed) -> Sensitivity {
    let base = uncovered(need, Change::Base);
    let mut changes = vec![
        Change::LongerTerm,
        Change::Automatic,
        Change::DoubleCredits,
        Change::WholeFee,
        Change::HalfOutages,
    ];
    if need.regions.list().len() > 1 {
        changes.push(Change::OneRegion);
    }
    changes.extend(WINDOWS.map(Change::RestoredWithin));
    let step = |change| {
        let left = uncovered(need, change);
        Step {
            change,
            uncovered: cents(left),
            saved: cents(base) - cents(left),
        }
    };
    let mut steps: Vec<Step> = changes.into_iter().map(step).collect();
    steps.sort_by_key(|s| s.saved);
    steps.insert(0, step(Change::Base));
    let loss = lost(need, Change::Base);
    Sensitivity {
        loss: cents(loss),
        steps,
    }
}

fn uncovered(need: &BuyerNeed, change: Change) -> Decimal {
    let month = month(need, change);
    month.loss - month.collected.unwrap_or_default()
}

/// Expected loss of a month, before credits.
pub(crate) fn lost(need: &BuyerNeed, change: Change) -> Decimal {
    month(need, change).loss
}

fn month(need: &BuyerNeed, change: Change) -> Expected {
    let mut need = believing(need);
    match change {
        Change::OneRegion => regional(&mut need.outages),
        Change::HalfOutages => halve(&mut need.outages),
        // The months of a longer term are months like the others: outages do
        // not read the contract. Events keep their share of a month.
        _ => {}
    }
    let offer = offer(change);
    let terms = Terms::new(&need, &offer);
    expected(&need, &need.outages, &terms)
}

/// The need of a buyer whose vendor keeps every restoration time.
pub(crate) fn believing(need: &BuyerNeed) -> BuyerNeed {
    let mut need = need.clone();
    need.belief.restoration_kept_if_credited = Percent::ONE;
    need.belief.restoration_kept_if_stated = Percent::ONE;
    need
}

/// Terms as they are published, with the change.
pub(crate) fn offer(change: Change) -> Offer {
    let shares = match change {
        Change::DoubleCredits => [20, 50, 100],
        Change::WholeFee => [100, 100, 100],
        _ => [10, 25, 100],
    };
    let percent = |units: u64| Percent::from_units(units).unwrap_or(Percent::ONE);
    let bounds = [99_900_000, 99_000_000, 95_000_000];
    let tiers = bounds.iter().zip(shares).map(|(below, share)| Tier {
        below: percent(*below),
        credit: percent(share * 1_000_000),
    });
    let mut restoration = BTreeMap::new();
    if let Change::RestoredWithin(minutes) = change {
        let window = Window {
            minutes: Some(minutes),
            credited: false,
            credit: None,
            text: None,
        };
        restoration.insert(Severity::S1, window);
    }
    // The id is a constant that fits.
    let id = OfferId::try_from("base".to_owned()).unwrap_or_else(|_| unreachable!());
    Offer {
        target: Some(percent(bounds[0])),
        credits: Tiers::try_from(tiers.collect::<Vec<_>>())
            .ok()
            .map(Credits::Tiers),
        claim: ClaimTerms {
            automatic: matches!(change, Change::Automatic | Change::WholeFee),
            form: Some(CreditForm::Credit),
            ..ClaimTerms::default()
        },
        restoration,
        ..Offer::unknown(id, String::new(), Grade::V)
    }
}

fn regional(model: &mut OutageModel) {
    let one = vec![Reach {
        chance: Percent::ONE,
        users: Users::OneRegion,
    }];
    let reach = match model {
        OutageModel::Table(table) => &mut table.reach,
        OutageModel::Poisson(poisson) => &mut poisson.reach,
    };
    // One row of the whole always fits.
    *reach = Reaches::try_from(one).unwrap_or_default();
}

fn halve(model: &mut OutageModel) {
    match model {
        OutageModel::Poisson(poisson) => poisson.per_month = poisson.per_month.half(),
        OutageModel::Table(table) => table.months = table.months.halved(),
    }
}
