//! What a buyer needs, and what an outage costs the buyer.

mod checked;

use jiff::civil::{Date, Time};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::document::{self, DocumentError};
use super::outage::OutageModel;
use super::quantity::Quantity;
use crate::module::{Module, Region};
use crate::ratio::Percent;

pub(crate) use checked::whole;
pub use checked::{Currency, EventMinutes, Events, Hours, MAX_TERM_MONTHS, Months, Regions};

/// A buyer's need, from `need.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuyerNeed {
    /// What it is for, in the buyer's words.
    pub name: String,
    /// Three letters, `USD`; every amount is in it.
    pub currency: Currency,
    /// How much.
    pub scale: Scale,
    /// Where; the shares of users sum to 100 %.
    pub regions: Regions,
    /// When most users are there, each day.
    #[serde(default)]
    pub peak: Peak,
    /// What a minute without service costs.
    pub revenue: Revenue,
    /// Days on which a minute costs more.
    #[serde(default)]
    pub events: Events,
    /// What can be borne.
    pub tolerance: Tolerance,
    /// What is wanted.
    pub term: Term,
    /// Which parts of the service are used.
    #[serde(default = "default_modules")]
    pub modules: Vec<Module>,
    /// What is assumed to be paid where an offer names no price.
    pub assumed_fee_per_month: Quantity,
    /// What a claim costs, and what comes of it.
    #[serde(default)]
    pub claim: Claim,
    /// How far promised restoration times are believed.
    #[serde(default)]
    pub belief: Belief,
    /// How often and for how long the service fails, where an offer brings no
    /// history of its own.
    pub outages: OutageModel,
}

/// How much is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// Minutes of all participants together, per month.
    pub participant_minutes_per_month: u64,
    /// Most participants at once.
    pub peak_participants: u64,
}

/// A share of the users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionShare {
    /// Where they are.
    pub region: Region,
    /// How many of all.
    pub share: Percent,
}

/// The daily peak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// When it begins, in the buyer's main zone.
    pub starts_at: Time,
    /// How many hours it lasts, 0 to 24.
    pub hours: Hours,
    /// Load at the peak over the average of 30 days.
    pub surge: Quantity,
    /// Whether the vendor is told of the peak beforehand.
    #[serde(default)]
    pub declared: bool,
}

impl Default for Peak {
    fn default() -> Self {
        Self {
            starts_at: Time::midnight(),
            hours: Hours::NONE,
            surge: Quantity::from(1),
            declared: false,
        }
    }
}

/// What a minute without service costs when all users are hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revenue {
    /// Outside the peak.
    pub per_minute_off_peak: Quantity,
    /// Within the peak.
    pub per_minute_peak: Quantity,
}

/// A day that matters more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What it is.
    pub name: String,
    /// When.
    pub date: Date,
    /// When it begins, in the zone of the peak.
    pub starts_at: Time,
    /// How long it lasts, 1 to 1,440 minutes.
    pub minutes: EventMinutes,
    /// What a minute costs on top of the usual.
    pub extra_per_minute: Quantity,
}

/// What the buyer can bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Longest single outage, in minutes.
    pub max_outage_minutes: u32,
    /// Longest wait for a human's first answer, in minutes.
    pub max_response_minutes: u32,
}

/// The term that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// First day.
    pub start: Date,
    /// How many months of 30 days are computed, 1 to 120.
    pub months: Months,
}

/// What a claim costs the buyer, and what comes of it. All of it is the
/// buyer's own estimate and is shown with the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Claim {
    /// Hours of work per claim.
    pub hours: Quantity,
    /// What an hour costs.
    pub hourly_rate: Quantity,
    /// Days that the buyer needs to file; a shorter window pays nothing.
    pub days_to_file: u32,
    /// How often a claim is granted where the vendor decides alone.
    pub granted_at_discretion: Percent,
    /// What a voucher is worth of its face value.
    pub voucher_value: Percent,
}

impl Default for Claim {
    fn default() -> Self {
        Self {
            hours: Quantity::ZERO,
            hourly_rate: Quantity::ZERO,
            days_to_file: 0,
            granted_at_discretion: Percent::ONE,
            voucher_value: Percent::ONE,
        }
    }
}

impl Claim {
    /// What one claim costs.
    #[must_use]
    pub fn effort(&self) -> Decimal {
        self.hours.value() * self.hourly_rate.value()
    }
}

/// Share of the outages longer than a promised restoration time that are ended
/// at that time. A promise without a credit is only words, so there are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Belief {
    /// Where a miss is paid for.
    pub restoration_kept_if_credited: Percent,
    /// Where a miss costs the vendor nothing.
    pub restoration_kept_if_stated: Percent,
}

fn default_modules() -> Vec<Module> {
    vec![Module::Join, Module::Signalling, Module::Media]
}

impl BuyerNeed {
    /// Reads a need from YAML or JSON; `file` is the name for errors.
    ///
    /// # Errors
    /// Says line and column, what is wrong, and what to do.
    pub fn read(file: &str, text: &str) -> Result<Self, DocumentError> {
        document::read(file, text)
    }

    /// The month of the term, from 0, and the minute of that month in which an
    /// event begins; `None` outside the term. Months begin on the start's day
    /// of the month and are computed with 30 days: a 31st day counts as the 30th.
    pub(crate) fn event_start(&self, event: &Event) -> Option<(u32, u32)> {
        let start = self.term.start;
        if event.date < start {
            return None;
        }
        let span = start.until((jiff::Unit::Month, event.date)).ok()?;
        let month =
            u32::try_from(span.get_years() * 12).ok()? + u32::try_from(span.get_months()).ok()?;
        let day = u32::try_from(span.get_days()).ok()?.min(29);
        (month < self.term.months.count())
            .then(|| (month, day * 1440 + minute_of_day(event.starts_at)))
    }
}

/// Minutes since midnight, 0 to 1,439.
pub(crate) fn minute_of_day(time: Time) -> u32 {
    u32::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).unwrap_or(0)
}
