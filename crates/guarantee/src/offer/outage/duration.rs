//! How long outages last.

use serde::{Deserialize, Serialize};

use super::MONTH_MINUTES;
use crate::offer::quantity::Quantity;

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
