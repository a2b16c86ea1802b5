//! How often a service fails, for how long, and whom it hits.
//!
//! Months are computed with 30 days. Durations are drawn in floats, but whole
//! seconds are what money is made of.

use serde::{Deserialize, Serialize};

use super::need::{RegionShare, whole};
use super::quantity::Quantity;
use crate::ratio::Percent;

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

/// A distribution of minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Shape", into = "Shape")]
pub enum Duration {
    /// Memoryless.
    Exponential {
        /// The mean.
        mean_minutes: Quantity,
    },
    /// Most are short, some are very long: what incident histories look like.
    Lognormal {
        /// Half are shorter.
        median_minutes: Quantity,
        /// Spread of the logarithm, above 0, at most 4.
        sigma: Quantity,
    },
    /// Between the two.
    Weibull {
        /// 63 % are shorter.
        scale_minutes: Quantity,
        /// Below 1: long tails. 0.1 to 10.
        shape: Quantity,
    },
}

/// What is written; [`Duration`] is what was found to make sense.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Shape {
    Exponential {
        mean_minutes: Quantity,
    },
    Lognormal {
        median_minutes: Quantity,
        sigma: Quantity,
    },
    Weibull {
        scale_minutes: Quantity,
        shape: Quantity,
    },
}

impl TryFrom<Shape> for Duration {
    type Error = String;

    fn try_from(shape: Shape) -> Result<Self, String> {
        let within = |what: &str, value: Quantity, low: f64, high: f64| {
            if value.to_f64() < low || value.to_f64() > high {
                return Err(format!("{what} is {value}: write {low} to {high}"));
            }
            Ok(value)
        };
        // Shorter than six seconds is no outage, longer than a month no service.
        let minutes = |what, value| within(what, value, 0.1, f64::from(MONTH_MINUTES));
        Ok(match shape {
            Shape::Exponential { mean_minutes } => Self::Exponential {
                mean_minutes: minutes("mean_minutes", mean_minutes)?,
            },
            Shape::Lognormal {
                median_minutes,
                sigma,
            } => Self::Lognormal {
                median_minutes: minutes("median_minutes", median_minutes)?,
                sigma: within("sigma", sigma, 0.01, 4.0)?,
            },
            Shape::Weibull {
                scale_minutes,
                shape,
            } => Self::Weibull {
                scale_minutes: minutes("scale_minutes", scale_minutes)?,
                shape: within("shape", shape, 0.1, 10.0)?,
            },
        })
    }
}

impl From<Duration> for Shape {
    fn from(duration: Duration) -> Self {
        match duration {
            Duration::Exponential { mean_minutes } => Self::Exponential { mean_minutes },
            Duration::Lognormal {
                median_minutes,
                sigma,
            } => Self::Lognormal {
                median_minutes,
                sigma,
            },
            Duration::Weibull {
                scale_minutes,
                shape,
            } => Self::Weibull {
                scale_minutes,
                shape,
            },
        }
    }
}

impl Duration {
    /// The chance that an outage lasts longer than `minutes`.
    pub(crate) fn survival(self, minutes: f64) -> f64 {
        if minutes <= 0.0 {
            return 1.0;
        }
        match self {
            Self::Exponential { mean_minutes } => libm::exp(-minutes / mean_minutes.to_f64()),
            Self::Lognormal {
                median_minutes,
                sigma,
            } => {
                let z = libm::log(minutes / median_minutes.to_f64()) / sigma.to_f64();
                0.5 * libm::erfc(z / core::f64::consts::SQRT_2)
            }
            Self::Weibull {
                scale_minutes,
                shape,
            } => {
                let ratio = minutes / scale_minutes.to_f64();
                libm::exp(-libm::pow(ratio, shape.to_f64()))
            }
        }
    }
}

/// Whom an outage hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Users {
    /// All of them.
    Everyone,
    /// Those of one region; each region is as likely.
    OneRegion,
    /// A share, wherever they are.
    Share(Percent),
}

impl TryFrom<String> for Users {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "everyone" => Ok(Self::Everyone),
            "one-region" => Ok(Self::OneRegion),
            share => share.parse().map(Self::Share).map_err(|_| {
                let shown: String = share.chars().take(40).collect();
                format!("`{shown}` are no users: write everyone, one-region, or a share like 20%")
            }),
        }
    }
}

impl From<Users> for String {
    fn from(users: Users) -> Self {
        match users {
            Users::Everyone => "everyone".to_owned(),
            Users::OneRegion => "one-region".to_owned(),
            Users::Share(share) => share.to_string(),
        }
    }
}

/// One way an outage can spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// How likely.
    pub chance: Percent,
    /// Who is hit.
    pub users: Users,
}

/// Ways whose chances sum to 100 %.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Reach>", into = "Vec<Reach>")]
pub struct Reaches(Vec<Reach>);

impl Default for Reaches {
    fn default() -> Self {
        Self(vec![Reach {
            chance: Percent::ONE,
            users: Users::Everyone,
        }])
    }
}

impl TryFrom<Vec<Reach>> for Reaches {
    type Error = String;

    fn try_from(list: Vec<Reach>) -> Result<Self, String> {
        if list.len() > MAX_SCENARIOS {
            return Err(format!(
                "{} rows: write at most {MAX_SCENARIOS}",
                list.len()
            ));
        }
        whole("the chances", list.iter().map(|r| r.chance))?;
        Ok(Self(list))
    }
}

impl From<Reaches> for Vec<Reach> {
    fn from(reaches: Reaches) -> Self {
        reaches.0
    }
}

impl Reaches {
    /// Each chance, in units of 10⁻⁸, with the share of users it hits; the
    /// chances sum to the whole. One region becomes a row per region.
    pub(crate) fn rows(&self, regions: &[RegionShare]) -> Vec<(u64, Percent)> {
        let mut rows = Vec::new();
        for reach in &self.0 {
            match reach.users {
                Users::Everyone => rows.push((reach.chance.units(), Percent::ONE)),
                Users::Share(share) => rows.push((reach.chance.units(), share)),
                Users::OneRegion => {
                    let n = regions.len() as u64;
                    for (i, region) in regions.iter().enumerate() {
                        // What does not divide goes to the first ones.
                        let more = u64::from((i as u64) < reach.chance.units() % n);
                        rows.push((reach.chance.units() / n + more, region.share));
                    }
                }
            }
        }
        rows
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
