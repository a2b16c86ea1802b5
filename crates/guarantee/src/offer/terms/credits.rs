//! Credit tables: what is paid back for a missed target.

use serde::{Deserialize, Serialize};

use crate::offer::quantity::Quantity;
use crate::ratio::Percent;

/// Most rows of a credit table: published ones have up to four.
const MAX_TIERS: usize = 32;

/// What is paid back, in shares of the month's fee.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credits {
    /// The highest row whose `below` was missed.
    Tiers(Tiers),
    /// The same with a column for the number of indicators missed. Simulated
    /// outages miss all of them: the most that it can pay.
    Matrix(Matrix),
    /// The fee for the time down, times this.
    Proportional(Quantity),
}

/// A row of a credit table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Availability below this.
    pub below: Percent,
    /// Share of the fee.
    pub credit: Percent,
}

/// At least one tier, at most 32.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Tier>", into = "Vec<Tier>")]
pub struct Tiers(Vec<Tier>);

impl TryFrom<Vec<Tier>> for Tiers {
    type Error = String;

    fn try_from(list: Vec<Tier>) -> Result<Self, String> {
        rows("tiers", list.len())?;
        Ok(Self(list))
    }
}

impl From<Tiers> for Vec<Tier> {
    fn from(tiers: Tiers) -> Self {
        tiers.0
    }
}

/// A row of a credit matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatrixRow {
    /// Availability of the worst indicator below this.
    pub below: Percent,
    /// Share of the fee for one, two, … indicators missed.
    pub credit: Vec<Percent>,
}

/// Rows of one length, 1 to 32 of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<MatrixRow>", into = "Vec<MatrixRow>")]
pub struct Matrix(Vec<MatrixRow>);

impl Matrix {
    /// Columns: how many indicators can be missed.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.0.first().map_or(0, |row| row.credit.len())
    }
}

impl TryFrom<Vec<MatrixRow>> for Matrix {
    type Error = String;

    fn try_from(list: Vec<MatrixRow>) -> Result<Self, String> {
        rows("rows", list.len())?;
        let columns = list.first().map_or(0, |row| row.credit.len());
        rows("columns", columns)?;
        if let Some(row) = list.iter().find(|row| row.credit.len() != columns) {
            return Err(format!(
                "the row below {} has {} columns, the first has {columns}: give each the same",
                row.below,
                row.credit.len()
            ));
        }
        Ok(Self(list))
    }
}

impl From<Matrix> for Vec<MatrixRow> {
    fn from(matrix: Matrix) -> Self {
        matrix.0
    }
}

fn rows(what: &str, count: usize) -> Result<(), String> {
    if count == 0 || count > MAX_TIERS {
        return Err(format!("{count} {what}: write 1 to {MAX_TIERS}"));
    }
    Ok(())
}

impl Credits {
    /// The share of the fee that is paid for an availability, with `missed`
    /// indicators of a matrix below the target. `misses` says whether the
    /// availability is below a bound.
    pub(crate) fn share(&self, missed: usize, misses: impl Fn(Percent) -> bool) -> Percent {
        let best = match self {
            Self::Tiers(tiers) => {
                let paid = tiers.0.iter().filter(|tier| misses(tier.below));
                paid.map(|tier| tier.credit).max()
            }
            Self::Matrix(matrix) => {
                let column = missed.min(matrix.columns()).checked_sub(1);
                let paid = matrix.0.iter().filter(|row| misses(row.below));
                paid.filter_map(|row| row.credit.get(column?).copied())
                    .max()
            }
            Self::Proportional(_) => None,
        };
        best.unwrap_or(Percent::ZERO)
    }

    /// Bounds at which the share changes, highest first.
    pub(crate) fn bounds(&self) -> Vec<Percent> {
        let mut bounds: Vec<Percent> = match self {
            Self::Tiers(tiers) => tiers.0.iter().map(|tier| tier.below).collect(),
            Self::Matrix(matrix) => matrix.0.iter().map(|row| row.below).collect(),
            Self::Proportional(_) => Vec::new(),
        };
        bounds.sort_by(|a, b| b.cmp(a));
        bounds.dedup();
        bounds
    }
}
