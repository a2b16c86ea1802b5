//! What an offer promises, as far as it is known.

mod contract;
mod credits;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::document::{self, DocumentError};
use super::outage::OutageModel;
use super::quantity::Quantity;
use crate::ratio::Percent;
use crate::severity::Severity;

pub use contract::NotAnOffer;
pub use credits::{Credits, Matrix, MatrixRow, Tier, Tiers};

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
