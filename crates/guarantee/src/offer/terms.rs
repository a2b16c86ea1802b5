//! What an offer promises, as far as it is known.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::{self, DocumentError};
use super::outage::OutageModel;
use super::quantity::Quantity;
use crate::ratio::Percent;
use crate::severity::Severity;

/// Most rows of a credit table: published ones have up to four.
const MAX_TIERS: usize = 32;

/// How well a fact is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Grade {
    /// Read in the vendor's own text.
    V,
    /// Read in somebody else's text.
    S,
    /// Remembered, not verified.
    M,
    /// Nothing was found.
    #[serde(rename = "none")]
    NotFound,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V => "V",
            Self::S => "S",
            Self::M => "M",
            Self::NotFound => "–",
        })
    }
}

/// An offer. `None` and empty lists mean: not found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// Short name for the command line: `a-z`, `0-9`, `-`.
    pub id: OfferId,
    /// Name shown.
    pub name: String,
    /// Who offers it.
    #[serde(default)]
    pub vendor: Option<String>,
    /// How well its facts are known.
    pub grade: Grade,
    /// What the grade leaves open: `partial`, `marketing`.
    #[serde(default)]
    pub grade_note: Option<String>,
    /// Where the facts were read.
    #[serde(default)]
    pub source: Option<String>,
    /// What it costs.
    #[serde(default)]
    pub fee: Option<Fee>,
    /// Availability that is promised per month.
    #[serde(default)]
    pub target: Option<Percent>,
    /// How downtime is counted.
    #[serde(default)]
    pub counting: Option<Counting>,
    /// What is paid back for a missed target.
    #[serde(default)]
    pub credits: Option<Credits>,
    /// Most of a month's fee that is ever paid back.
    #[serde(default)]
    pub cap: Option<Percent>,
    /// Credits below this amount are not paid.
    #[serde(default)]
    pub min_credit: Option<Quantity>,
    /// Load that does not count.
    #[serde(default)]
    pub surge: Option<Surge>,
    /// How a credit is obtained.
    #[serde(default)]
    pub claim: ClaimTerms,
    /// Who decides whether a month was bad.
    #[serde(default)]
    pub decided_by: Option<DecidedBy>,
    /// First human answer, per severity.
    #[serde(default)]
    pub response: BTreeMap<Severity, Window>,
    /// Service back, per severity.
    #[serde(default)]
    pub restoration: BTreeMap<Severity, Window>,
    /// When support answers: `7x24`, `Mon-Fri 9-17`.
    #[serde(default)]
    pub support_hours: Option<String>,
    /// What is said of updates and product generations.
    #[serde(default)]
    pub updates: Option<String>,
    /// Months that the terms are fixed for.
    #[serde(default)]
    pub term_months: Option<u32>,
    /// The service's own history; `None`: the need's is used.
    #[serde(default)]
    pub outages: Option<OutageModel>,
    /// Other facts, in the source's words.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// 1 to 48 of `a-z`, `0-9` and `-`: can stand in a command and in a page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OfferId(String);

impl OfferId {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OfferId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 48 || !text.bytes().all(fits) {
            let shown: String = text.chars().take(48).collect();
            return Err(format!(
                "`{shown}` is not an offer's id: 1 to 48 of a-z, 0-9 and `-`"
            ));
        }
        Ok(Self(text))
    }
}

impl From<OfferId> for String {
    fn from(id: OfferId) -> Self {
        id.0
    }
}

/// What an offer costs, in the need's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Fee {
    /// The same each month.
    PerMonth(Quantity),
    /// By use, with a least amount.
    ByUse {
        /// For a thousand participant minutes.
        per_1000_minutes: Quantity,
        /// Least per month.
        minimum_per_month: Quantity,
    },
}

/// How downtime is counted. What is not said here counts fully.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Counting {
    /// Minutes of a slice.
    pub slice_minutes: Option<u16>,
    /// An outage counts only if at least this share of users is hit.
    pub bad_from: Option<Percent>,
    /// Only outages of at least this many minutes count.
    pub min_run_minutes: Option<u16>,
    /// Only whole slices count.
    pub whole_slices: bool,
    /// An outage of half the users counts half.
    pub proportional: bool,
}

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

/// Load that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surge {
    /// Outages at a load above this many times the average do not count.
    #[serde(default)]
    pub above: Option<Quantity>,
    /// Load that was not announced does not count.
    #[serde(default)]
    pub unannounced: bool,
    /// In the source's words.
    pub text: String,
}

/// How a credit is obtained.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimTerms {
    /// Paid without a claim.
    pub automatic: bool,
    /// Days in which a claim must be filed.
    pub window_days: Option<u32>,
    /// What is paid.
    pub form: Option<CreditForm>,
    /// In the source's words.
    pub text: Option<String>,
}

/// What is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CreditForm {
    /// For something else, later.
    Voucher,
    /// Off the next invoice.
    Credit,
    /// Money.
    Cash,
}

/// Who decides whether a month was bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DecidedBy {
    /// The vendor alone, or its own records are final.
    Vendor,
    /// Records that the buyer can check.
    Evidence,
}

/// A promised time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Minutes; `None` where the text has none (`next business day`).
    #[serde(default)]
    pub minutes: Option<u32>,
    /// Whether a miss is paid for.
    #[serde(default)]
    pub credited: bool,
    /// How much of the fee; `None`: not found.
    #[serde(default)]
    pub credit: Option<Percent>,
    /// In the source's words.
    #[serde(default)]
    pub text: Option<String>,
}

/// What a plan of one's own promises, as plain values: the bridge from a
/// contract to an offer.
#[derive(Clone, Debug)]
pub struct PlanFacts {
    /// See [`Offer`]; the same for all fields.
    pub id: OfferId,
    /// Name shown.
    pub name: String,
    /// Who offers it.
    pub vendor: String,
    /// The contract's id and version.
    pub source: String,
    /// What it costs.
    pub fee_per_month: Option<Quantity>,
    /// The lowest target among the covered modules.
    pub target: Percent,
    /// What is paid back; empty: nothing.
    pub tiers: Vec<Tier>,
    /// Most of a fee that is paid back.
    pub cap: Percent,
    /// Paid without a claim.
    pub automatic_credits: bool,
    /// Severity and credits follow from the log.
    pub by_evidence: bool,
    /// Severity, minutes, credit for a miss.
    pub response: Vec<(Severity, u32, Option<Percent>)>,
    /// Severity, minutes, credit for a miss.
    pub restoration: Vec<(Severity, u32, Option<Percent>)>,
    /// `7x24` or a calendar.
    pub support_hours: String,
    /// Which updates and generations are included.
    pub updates: String,
    /// Months of the term.
    pub term_months: u32,
}

impl From<PlanFacts> for Offer {
    fn from(plan: PlanFacts) -> Self {
        let windows = |list: Vec<(Severity, u32, Option<Percent>)>| {
            let window = |(severity, minutes, credit): (_, u32, Option<Percent>)| {
                let window = Window {
                    minutes: Some(minutes),
                    credited: credit.is_some(),
                    credit,
                    text: None,
                };
                (severity, window)
            };
            list.into_iter().map(window).collect()
        };
        Self {
            vendor: Some(plan.vendor),
            source: Some(plan.source),
            fee: plan.fee_per_month.map(Fee::PerMonth),
            target: Some(plan.target),
            counting: Some(Counting {
                slice_minutes: Some(1),
                proportional: true,
                ..Counting::default()
            }),
            credits: Tiers::try_from(plan.tiers).ok().map(Credits::Tiers),
            cap: Some(plan.cap),
            claim: ClaimTerms {
                automatic: plan.automatic_credits,
                window_days: None,
                form: Some(CreditForm::Credit),
                text: None,
            },
            decided_by: Some(if plan.by_evidence {
                DecidedBy::Evidence
            } else {
                DecidedBy::Vendor
            }),
            response: windows(plan.response),
            restoration: windows(plan.restoration),
            support_hours: Some(plan.support_hours),
            updates: Some(plan.updates),
            term_months: Some(plan.term_months),
            ..Self::unknown(plan.id, plan.name, Grade::V)
        }
    }
}

impl Offer {
    /// An offer of which nothing is known but its name.
    #[must_use]
    pub fn unknown(id: OfferId, name: String, grade: Grade) -> Self {
        Self {
            id,
            name,
            vendor: None,
            grade,
            grade_note: None,
            source: None,
            fee: None,
            target: None,
            counting: None,
            credits: None,
            cap: None,
            min_credit: None,
            surge: None,
            claim: ClaimTerms::default(),
            decided_by: None,
            response: BTreeMap::new(),
            restoration: BTreeMap::new(),
            support_hours: None,
            updates: None,
            term_months: None,
            outages: None,
            notes: Vec::new(),
        }
    }

    /// Reads an offer from YAML or JSON; `file` is the name for errors.
    ///
    /// # Errors
    /// Says line and column, what is wrong, and what to do.
    pub fn read(file: &str, text: &str) -> Result<Self, DocumentError> {
        document::read(file, text)
    }

    /// Whether there is anything to compute: an availability that is promised,
    /// credits, or a history of its own.
    #[must_use]
    pub const fn can_be_simulated(&self) -> bool {
        self.target.is_some() || self.credits.is_some() || self.outages.is_some()
    }
}
