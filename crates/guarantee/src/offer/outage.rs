//! How often a service fails, for how long, and whom it hits.
//!
//! Months are computed with 30 days. Durations are drawn in floats, but whole
//! seconds are what money is made of.

mod duration;
mod reach;

use serde::{Deserialize, Serialize};

use super::need::whole;
use super::quantity::Quantity;
use crate::ratio::Percent;

pub use duration::Duration;
pub use reach::{Reach, Reaches, Users};

/// Minutes of a computed month.
pub const MONTH_MINUTES: u32 = 30 * 1440;
/// Seconds of a computed month: the longest outage.
pub(crate) const MONTH_SECONDS: u32 = MONTH_MINUTES * 60;
/// Most rows of a table: one for each way a month can go that anybody tells apart.
const MAX_SCENARIOS: usize = 64;
/// Most outages a month: three a day is no service, and more would only make
/// the simulation long.
const MAX_PER_MONTH: u32 = 100;

/// A month's outages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutageModel {
    /// One row of a table happens each month.
    Table(Table),
    /// Outages come by chance at a rate, and each draws its duration.
    Poisson(Poisson),
}

/// Ways a month can go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The ways; their chances sum to 100 %.
    pub months: Scenarios,
    /// Share of outages that begin within the peak; by default the peak's share
    /// of the day.
    #[serde(default)]
    pub at_peak: Option<Percent>,
    /// Whom an outage hits; by default everyone.
    #[serde(default)]
    pub reach: Reaches,
}

/// One way a month can go: a single outage of that length, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// How likely.
    pub chance: Percent,
    /// Minutes without service, at most those of a month.
    pub down_minutes: u32,
}

/// Scenarios whose chances sum to 100 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Scenario>", into = "Vec<Scenario>")]
pub struct Scenarios(Vec<Scenario>);

impl Scenarios {
    /// As they were written.
    #[must_use]
    pub fn list(&self) -> &[Scenario] {
        &self.0
    }

    /// Half the chance of each outage; what is freed goes to months without one.
    pub(crate) fn halved(&self) -> Self {
        let mut rows = self.0.clone();
        let mut free = 0;
        for row in rows.iter_mut().filter(|row| row.down_minutes > 0) {
            let half = row.chance.units() / 2;
            free += row.chance.units() - half;
            row.chance = Percent::from_units(half).unwrap_or_default();
        }
        rows.push(Scenario {
            chance: Percent::from_units(free).unwrap_or_default(),
            down_minutes: 0,
        });
        Self(rows)
    }
}

impl TryFrom<Vec<Scenario>> for Scenarios {
    type Error = String;

    fn try_from(list: Vec<Scenario>) -> Result<Self, String> {
        if list.len() > MAX_SCENARIOS {
            return Err(format!(
                "{} rows: write at most {MAX_SCENARIOS}",
                list.len()
            ));
        }
        if let Some(long) = list.iter().find(|s| s.down_minutes > MONTH_MINUTES) {
            return Err(format!(
                "{} minutes down do not fit a month of {MONTH_MINUTES}",
                long.down_minutes
            ));
        }
        whole("the chances", list.iter().map(|s| s.chance))?;
        Ok(Self(list))
    }
}

impl From<Scenarios> for Vec<Scenario> {
    fn from(scenarios: Scenarios) -> Self {
        scenarios.0
    }
}

/// A compound Poisson process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poisson {
    /// Outages expected per month, 0 to 100.
    pub per_month: Rate,
    /// How long each lasts.
    pub duration: Duration,
    /// Share of outages that begin within the peak; by default the peak's share
    /// of the day.
    #[serde(default)]
    pub at_peak: Option<Percent>,
    /// Whom an outage hits; by default everyone.
    #[serde(default)]
    pub reach: Reaches,
}

/// Outages per month, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Quantity", into = "Quantity")]
pub struct Rate(Quantity);

impl Rate {
    /// Half of it, to the four decimals that a quantity has.
    pub(crate) fn half(self) -> Self {
        let half = self.0.value() / rust_decimal::Decimal::from(2);
        Self(half.round_dp(4).to_string().parse().unwrap_or(self.0))
    }

    pub(crate) fn mean(self) -> f64 {
        self.0.to_f64()
    }
}

impl TryFrom<Quantity> for Rate {
    type Error = String;

    fn try_from(rate: Quantity) -> Result<Self, String> {
        if rate > Quantity::from(MAX_PER_MONTH) {
            return Err(format!(
                "{rate} outages per month: write 0 to {MAX_PER_MONTH}"
            ));
        }
        Ok(Self(rate))
    }
}

impl From<Rate> for Quantity {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

impl OutageModel {
    pub(crate) const fn at_peak(&self) -> Option<Percent> {
        match self {
            Self::Table(table) => table.at_peak,
            Self::Poisson(poisson) => poisson.at_peak,
        }
    }

    pub(crate) const fn reach(&self) -> &Reaches {
        match self {
            Self::Table(table) => &table.reach,
            Self::Poisson(poisson) => &poisson.reach,
        }
    }
}
