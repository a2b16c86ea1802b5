//! What follows from a breach: tiers, matrix, proportional, fixed amounts.
//!
//! credit = min(cap, Σ fee share × tier(A) + breaches of response and
//! restoration), at least the minimum if anything is due, rounded half up once.
//! The sum is the settlement's; here is what one line or one breach is worth.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::money;
use crate::ratio::{Percent, Ratio};
use crate::severity::Severity;

/// What follows from a breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remedies {
    /// What an availability below its target is worth.
    pub scheme: Scheme,
    /// Most that is credited for a period, of its fee.
    pub cap: Percent,
    /// A credit that is due is at least this much.
    #[serde(
        default,
        with = "money::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub minimum: Option<Decimal>,
    /// For each late first response, by severity.
    #[serde(default)]
    pub late_response: BTreeMap<Severity, Breach>,
    /// For each late restoration, by severity.
    #[serde(default)]
    pub late_restoration: BTreeMap<Severity, Breach>,
    /// Days after the period's end in which the customer has to claim; none =
    /// credits come without a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim_within_days: Option<u32>,
}

/// What an availability below its target is worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// Each line by itself: the lowest tier it falls below, of its fee share.
    Tiers(Vec<Tier>),
    /// All lines together: the worst rate picks the row, the number of missed
    /// indicators the column, of the whole fee.
    Matrix(Matrix),
    /// Each line by itself: what is missing to the target, times a number.
    Proportional(Proportional),
}

/// One tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// It holds below this availability.
    pub below: Percent,
    /// What is credited of the line's fee share.
    pub credit: Percent,
}

/// A matrix of credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Whether what clients have signed counts where it is worse than what the
    /// servers saw.
    #[serde(default, skip_serializing_if = "is_false")]
    pub receipts: bool,
    /// From the best row to the worst, as tiers are: each holds below its rate.
    pub rows: Vec<Row>,
}

/// One row: credits for 1, 2, 3, … missed indicators; the last holds for more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// It holds below this rate. In the first row: what counts as missed.
    pub below: Percent,
    /// Credits of the whole fee.
    pub credits: Vec<Percent>,
}

/// A credit in proportion to what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proportional {
    /// Credit = (target − availability) × this, at most the whole.
    pub times: u32,
}

/// What one breach of a clock is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// Money.
    Amount(#[serde(with = "money")] Decimal),
    /// A share of the period's fee.
    Percent(Percent),
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Breach {
    /// What it is worth of a fee; not rounded.
    #[must_use]
    pub fn worth(self, fee: Decimal) -> Decimal {
        match self {
            Self::Amount(amount) => amount,
            Self::Percent(percent) => share(fee, percent),
        }
    }
}

/// An exact share of an amount; not rounded.
#[must_use]
pub fn share(amount: Decimal, percent: Percent) -> Decimal {
    amount * Decimal::from(percent.units()) / Decimal::from(Percent::WHOLE)
}

impl Scheme {
    /// What one line's availability is worth, of its fee share. Nothing for a
    /// matrix, which looks at all lines together, and where nothing was counted.
    #[must_use]
    pub fn line_credit(&self, availability: Ratio, target: Percent) -> Percent {
        if availability.known().is_none() {
            return Percent::ZERO;
        }
        match self {
            Self::Tiers(tiers) => tiers_credit(tiers, availability),
            Self::Matrix(_) => Percent::ZERO,
            Self::Proportional(p) => p.credit(availability, target),
        }
    }
}

/// The credit of the lowest tier that the availability falls below.
fn tiers_credit(tiers: &[Tier], availability: Ratio) -> Percent {
    let below = |t: &&Tier| availability.compare(t.below.ratio()).is_lt();
    let lowest = tiers.iter().filter(below).min_by_key(|t| t.below);
    lowest.map_or(Percent::ZERO, |t| t.credit)
}

impl Proportional {
    fn credit(self, availability: Ratio, target: Percent) -> Percent {
        // target − num/den in units of 10⁻⁸, rounded down once, at the end.
        let den = u128::from(availability.den);
        let promised = u128::from(target.units()) * den;
        let kept = u128::from(availability.num) * u128::from(Percent::WHOLE);
        let missing = promised.saturating_sub(kept);
        let units = missing.saturating_mul(u128::from(self.times)) / den.max(1);
        let units = u64::try_from(units).unwrap_or(Percent::WHOLE);
        Percent::from_units(units.min(Percent::WHOLE)).unwrap_or(Percent::ONE)
    }
}

impl Matrix {
    /// What these rates are worth together, of the whole fee. Rates of which
    /// nothing was counted are left out.
    #[must_use]
    pub fn credit(&self, rates: &[Ratio]) -> Percent {
        let Some(promised) = self.rows.iter().map(|r| r.below).max() else {
            return Percent::ZERO;
        };
        let known = || rates.iter().filter_map(|r| r.known());
        let missed = known()
            .filter(|r| r.compare(promised.ratio()).is_lt())
            .count();
        let Some(worst) = known().min_by(|a, b| a.compare(*b)) else {
            return Percent::ZERO;
        };
        let below = |r: &&Row| worst.compare(r.below.ratio()).is_lt();
        let row = self.rows.iter().filter(below).min_by_key(|r| r.below);
        let credits = row.map_or(&[][..], |r| &r.credits[..]);
        let column = missed.saturating_sub(1);
        let credit = credits.get(column).or_else(|| credits.last());
        credit.copied().unwrap_or(Percent::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(text: &str) -> Percent {
        text.parse().expect("a share")
    }

    fn xla() -> Matrix {
        let row = |below, credits: [&str; 4]| Row {
            below: percent(below),
            credits: credits.map(percent).to_vec(),
        };
        Matrix {
            receipts: false,
            rows: vec![
                row("99.5%", ["5%", "6%", "7%", "8%"]),
                row("99%", ["10%", "12%", "14%", "16%"]),
                row("95%", ["30%", "35%", "40%", "45%"]),
                row("90%", ["100%", "100%", "100%", "100%"]),
            ],
        }
    }

    /// The reference's two rows, and the borders.
    #[test]
    fn the_worst_rate_picks_the_row_and_the_missed_ones_the_column() {
        let fee = Decimal::from(1_000_000);
        for (rates, credit) in [
            (["94%", "98%", "99.6%", "99.9%"], 350_000),
            (["99.5%", "99.5%", "99.5%", "99.5%"], 0),
            (["99.4%", "99.5%", "99.5%", "99.5%"], 50_000),
            (["99%", "99.5%", "99.5%", "99.5%"], 50_000),
            (["98.9%", "99.4%", "99.4%", "99.4%"], 160_000),
            (["89%", "100%", "100%", "100%"], 1_000_000),
        ] {
            let ratios = rates.map(|r| percent(r).ratio());
            let credited = share(fee, xla().credit(&ratios));
            assert_eq!(credited, Decimal::from(credit), "{rates:?}");
        }
        assert_eq!(xla().credit(&[Ratio { num: 0, den: 0 }]), Percent::ZERO);
        assert_eq!(xla().credit(&[]), Percent::ZERO);
    }

    #[test]
    fn the_lowest_tier_counts_in_any_order() {
        let tier = |below, credit| Tier {
            below: percent(below),
            credit: percent(credit),
        };
        // AWS media: 10/25/100 at 99.9/99/95.
        let scheme = Scheme::Tiers(vec![
            tier("99%", "25%"),
            tier("99.9%", "10%"),
            tier("95%", "100%"),
        ]);
        for (availability, credit) in [
            ("100%", "0%"),
            ("99.9%", "0%"),
            ("99.899999%", "10%"),
            ("99%", "10%"),
            ("98%", "25%"),
            ("94%", "100%"),
        ] {
            let got = scheme.line_credit(percent(availability).ratio(), percent("99.9%"));
            assert_eq!(got, percent(credit), "{availability}");
        }
        let nothing = Ratio { num: 0, den: 0 };
        assert_eq!(scheme.line_credit(nothing, Percent::ONE), Percent::ZERO);
    }

    #[test]
    fn a_proportional_credit_is_what_is_missing_times_a_number() {
        let scheme = Scheme::Proportional(Proportional { times: 10 });
        for (availability, credit) in [
            (
                Ratio {
                    num: 999,
                    den: 1000,
                },
                "0%",
            ),
            (
                Ratio {
                    num: 989,
                    den: 1000,
                },
                "10%",
            ),
            (Ratio { num: 0, den: 7 }, "100%"),
            (Ratio { num: 7, den: 7 }, "0%"),
        ] {
            let got = scheme.line_credit(availability, percent("99.9%"));
            assert_eq!(got, percent(credit), "{availability:?}");
        }
    }
}
