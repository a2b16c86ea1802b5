//! What few samples allow to say: exact intervals of confidence.
//!
//! Shares of probes are Clopper–Pearson intervals, counts of outages are Poisson
//! intervals (Garwood). Ends are found by bisection over whole units, and each
//! comes out rounded outward: the interval is never narrower than the exact one.
//! Inside there are floats, but no function of the machine's C library, so that
//! the digits are the same everywhere; outside there are none.

use serde::Serialize;
use thiserror::Error;

use crate::ratio::{Percent, Ratio};

/// Most trials: a probe per second of thirty years.
pub const MAX_TRIALS: u64 = 1_000_000_000;

/// Most outages: one per minute of ten years, with room.
pub const MAX_COUNT: u64 = 10_000_000;

/// What relative error the functions below may have, with a wide margin (they
/// are tested to be within a hundredth of it). A probability that is this close
/// to the limit counts as within the interval.
const SLACK: f64 = 1e-6;

/// Why there is no interval.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatsError {
    /// Nothing to say.
    #[error(
        "{num} of {den} is not a share of trials: there must be 1 to {MAX_TRIALS}, and no more successes than trials"
    )]
    Trials {
        /// Successes.
        num: u64,
        /// Trials.
        den: u64,
    },
    /// Too many.
    #[error("{0} outages: at most {MAX_COUNT}")]
    Count(u64),
    /// Certainty is not on offer.
    #[error("a confidence of {0}: it must be at least 50% and at most 99.9999%")]
    Confidence(Percent),
}

/// A share, and what it could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ShareInterval {
    /// At least this, rounded down.
    pub low: Percent,
    /// At most this, rounded up.
    pub high: Percent,
}

/// A mean count in thousandths, and what it could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CountInterval {
    /// At least this many thousandths, rounded down.
    pub low_milli: u64,
    /// At most this many thousandths, rounded up.
    pub high_milli: u64,
}

/// The two-sided Clopper–Pearson interval of good / all trials.
pub fn share_interval(trials: Ratio, confidence: Percent) -> Result<ShareInterval, StatsError> {
    let tail = tail(confidence)? / 2.0;
    let (good, bad) = split(trials)?;
    // The upper end for the good is the complement of the lower end for the bad.
    Ok(ShareInterval {
        low: lower(good, bad, tail),
        high: lower(bad, good, tail).complement(),
    })
}

/// The one-sided lower limit: with this confidence, the share is at least that.
pub fn share_at_least(trials: Ratio, confidence: Percent) -> Result<Percent, StatsError> {
    let tail = tail(confidence)?;
    let (good, bad) = split(trials)?;
    Ok(lower(good, bad, tail))
}

/// The two-sided interval of the mean of a Poisson count.
pub fn count_interval(count: u64, confidence: Percent) -> Result<CountInterval, StatsError> {
    let tail = tail(confidence)? / 2.0;
    Ok(CountInterval {
        low_milli: count_low(checked(count)?, tail),
        high_milli: count_high(count, tail),
    })
}

/// The one-sided upper limit, in thousandths: with this confidence, the mean is
/// at most that.
pub fn count_at_most(count: u64, confidence: Percent) -> Result<u64, StatsError> {
    let tail = tail(confidence)?;
    Ok(count_high(checked(count)?, tail))
}

fn checked(count: u64) -> Result<u64, StatsError> {
    if count > MAX_COUNT {
        return Err(StatsError::Count(count));
    }
    Ok(count)
}

fn split(trials: Ratio) -> Result<(u64, u64), StatsError> {
    let Ratio { num, den } = trials;
    if den == 0 || den > MAX_TRIALS || num > den {
        return Err(StatsError::Trials { num, den });
    }
    Ok((num, den - num))
}

fn tail(confidence: Percent) -> Result<f64, StatsError> {
    let most = Percent::WHOLE - 100;
    if confidence.units() < Percent::WHOLE / 2 || confidence.units() > most {
        return Err(StatsError::Confidence(confidence));
    }
    Ok(float(confidence.complement().units()) / float(Percent::WHOLE))
}

/// Exact below 2⁵³, and all here is.
#[allow(clippy::cast_precision_loss, reason = "bounded far below 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// The largest share at which so many good ones or more have at most a chance
/// of `tail`: I_p(good, bad + 1) ≤ tail.
fn lower(good: u64, bad: u64, tail: f64) -> Percent {
    if good == 0 {
        return Percent::ZERO;
    }
    let unlikely = |units: u64| {
        let p = float(units) / float(Percent::WHOLE);
        let q = float(Percent::WHOLE - units) / float(Percent::WHOLE);
        beta(float(good), float(bad) + 1.0, p, q) <= tail * (1.0 - SLACK)
    };
    let units = last(0, Percent::WHOLE - 1, unlikely);
    Percent::from_units(units).unwrap_or(Percent::ZERO)
}

/// The largest mean at which so many or more have at most a chance of `tail`.
fn count_low(count: u64, tail: f64) -> u64 {
    if count == 0 {
        return 0;
    }
    let unlikely =
        |milli: u64| gamma_below(float(count), float(milli) / 1000.0) <= tail * (1.0 - SLACK);
    last(0, count * 1000, unlikely)
}

/// The smallest mean at which so many or fewer have at most a chance of `tail`.
fn count_high(count: u64, tail: f64) -> u64 {
    let shape = float(count) + 1.0;
    let likely = |milli: u64| gamma_above(shape, float(milli) / 1000.0) > tail * (1.0 - SLACK);
    // Six standard deviations and the exponential tail of a small count.
    let reach = (6.0 * libm::sqrt(shape)) as u64 + 40;
    last(0, (count + reach) * 1000, likely) + 1
}

/// The last of `from..=to` of which `holds` is true; it is true of `from`, and
/// once false it stays so.
fn last(from: u64, to: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (from, to + 1);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Steps of a continued fraction or series: they converge in some multiples of
/// the root of their largest argument, which is 31,623.
const MAX_STEPS: u32 = 1_000_000;
const EPSILON: f64 = 1e-15;
const TINY: f64 = 1e-300;

/// Regularised incomplete beta function I_p(a, b), with q = 1 − p given beside,
/// so that nothing is lost near 1.
fn beta(a: f64, b: f64, p: f64, q: f64) -> f64 {
    if p <= 0.0 {
        return 0.0;
    }
    if q <= 0.0 {
        return 1.0;
    }
    let log = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b)
        + a * libm::log(p)
        + b * libm::log(q);
    let front = libm::exp(log);
    // The fraction converges fast below the mean only; above it the other tail
    // is computed.
    if p < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, p) / a
    } else {
        1.0 - front * beta_fraction(b, a, q) / b
    }
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by
/// the modified Lentz method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..MAX_STEPS {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() < EPSILON {
            break;
        }
    }
    value
}

/// Regularised lower incomplete gamma function P(a, x).
fn gamma_below(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        0.0
    } else if x < a + 1.0 {
        gamma_series(a, x)
    } else {
        1.0 - gamma_fraction(a, x)
    }
}

/// Q(a, x) = 1 − P(a, x), exact where it is small.
fn gamma_above(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        1.0
    } else if x < a + 1.0 {
        1.0 - gamma_series(a, x)
    } else {
        gamma_fraction(a, x)
    }
}

fn gamma_front(a: f64, x: f64) -> f64 {
    libm::exp(a * libm::log(x) - x - libm::lgamma(a))
}

/// DLMF 8.7.1.
fn gamma_series(a: f64, x: f64) -> f64 {
    let mut term = 1.0 / a;
    let mut sum = term;
    for step in 1..MAX_STEPS {
        term *= x / (a + f64::from(step));
        sum += term;
        if term < sum * EPSILON {
            break;
        }
    }
    sum * gamma_front(a, x)
}

/// DLMF 8.9.2, by the modified Lentz method.
fn gamma_fraction(a: f64, x: f64) -> f64 {
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / away(b);
    let mut value = d;
    for step in 1..MAX_STEPS {
        let n = f64::from(step);
        let factor = -n * (n - a);
        b += 2.0;
        d = 1.0 / away(factor * d + b);
        c = away(b + factor / c);
        let change = d * c;
        value *= change;
        if (change - 1.0).abs() < EPSILON {
            break;
        }
    }
    value * gamma_front(a, x)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use statrs::distribution::{Beta, ContinuousCDF, Gamma};

    use super::*;

    fn percent(text: &str) -> Percent {
        text.parse().expect("a share")
    }

    /// Reference, worked examples; the exact value is 99.99306566… %.
    #[test]
    fn no_failure_of_a_month_of_probes() {
        let trials = Ratio {
            num: 43_200,
            den: 43_200,
        };
        let low = share_at_least(trials, percent("95%")).expect("a limit");
        assert_eq!(low, percent("99.993065%"));
        assert_eq!((low.units() + 5) / 10, 9_999_307, "to 5 decimals 99.99307");
    }

    #[test]
    fn known_intervals() {
        for (num, den, confidence, low, high) in [
            (0, 10, "95%", "0%", "30.849711%"),
            (10, 10, "95%", "69.150289%", "100%"),
            (5, 10, "95%", "18.708602%", "81.291398%"),
            (1, 2, "90%", "2.532056%", "97.467944%"),
        ] {
            let interval = share_interval(Ratio { num, den }, percent(confidence)).expect("some");
            for (found, exact, outward) in [
                (interval.low, percent(low), true),
                (interval.high, percent(high), false),
            ] {
                let error = found.units().abs_diff(exact.units());
                assert!(error <= 10, "{num} of {den}: {found} {exact} {outward}");
            }
        }
        // Garwood, 95 %: 0 → 3.6889; 3 → 0.6187, 8.7673; 10 → 4.7954, 18.3904.
        for (count, low_milli, high_milli) in [(0, 0, 3689), (3, 618, 8768), (10, 4795, 18_391)] {
            let interval = count_interval(count, percent("95%"));
            assert_eq!(
                interval,
                Ok(CountInterval {
                    low_milli,
                    high_milli
                }),
                "{count}"
            );
        }
        // The rule of three.
        assert_eq!(count_at_most(0, percent("95%")), Ok(2996));
    }

    #[test]
    fn what_has_no_interval_is_an_error() {
        let sure = percent("95%");
        for (num, den) in [(0, 0), (2, 1), (0, MAX_TRIALS + 1)] {
            let error = Err(StatsError::Trials { num, den });
            assert_eq!(share_interval(Ratio { num, den }, sure), error);
        }
        assert!(share_at_least(Ratio { num: 1, den: 1 }, Percent::ONE).is_err());
        assert!(count_interval(MAX_COUNT + 1, sure).is_err());
    }

    #[test]
    fn the_largest_counts_are_answered() {
        let trials = Ratio {
            num: MAX_TRIALS / 2,
            den: MAX_TRIALS,
        };
        let interval = share_interval(trials, percent("95%")).expect("an interval");
        // 50 % ± 1.96 × √(¼ / 10⁹) = ± 0.003099 %
        assert!(
            interval.low.units().abs_diff(49_996_901) <= 3,
            "{interval:?}"
        );
        assert!(
            interval.high.units().abs_diff(50_003_099) <= 3,
            "{interval:?}"
        );
        let interval = count_interval(MAX_COUNT, percent("95%")).expect("an interval");
        assert!(interval.low_milli < MAX_COUNT * 1000 && interval.high_milli > MAX_COUNT * 1000);
    }

    proptest! {
        /// Against another implementation: the probability at our end is the
        /// tail or less, and one or two units further in it is more.
        #[test]
        fn ends_are_where_they_should_be(
            den in 1..100_000_u64,
            num in any::<prop::sample::Index>(),
            confidence in prop::sample::select(vec!["80%", "95%", "99%", "99.9%"]),
        ) {
            let num = num.index(den as usize + 1) as u64;
            let confidence = percent(confidence);
            let low = share_at_least(Ratio { num, den }, confidence).expect("a limit");
            prop_assume!(num > 0);
            let tail = confidence.complement().units() as f64 / 1e8;
            let beta = Beta::new(num as f64, (den - num) as f64 + 1.0).expect("a distribution");
            let at = |units: u64| beta.cdf(units as f64 / 1e8);
            prop_assert!(at(low.units()) <= tail);
            prop_assert!(at((low.units() + 2).min(Percent::WHOLE)) >= tail * (1.0 - 2e-6));
        }

        #[test]
        fn poisson_ends_are_where_they_should_be(count in 0..5_000_u64) {
            let interval = count_interval(count, percent("95%")).expect("an interval");
            let cdf = |shape: u64, milli: u64| {
                Gamma::new(shape as f64, 1.0).expect("a distribution").cdf(milli as f64 / 1000.0)
            };
            prop_assert!(1.0 - cdf(count + 1, interval.high_milli) <= 0.025);
            prop_assert!(1.0 - cdf(count + 1, interval.high_milli - 2) >= 0.025 * (1.0 - 2e-6));
            if count > 0 {
                prop_assert!(cdf(count, interval.low_milli) <= 0.025);
                prop_assert!(cdf(count, interval.low_milli + 2) >= 0.025 * (1.0 - 2e-6));
            }
        }

        #[test]
        fn more_good_ones_never_lower_the_limit(num in 0..2_500_u64, more in 1..2_500_u64) {
            let den = num + more;
            let low = |num| share_at_least(Ratio { num, den }, percent("95%")).expect("a limit");
            prop_assert!(low(num) <= low(num + 1));
        }
    }
}
