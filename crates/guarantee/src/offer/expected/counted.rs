//! The chance that what counts in a month passes a bound.

use super::part;
use crate::offer::credit::Terms;
use crate::offer::outage::{Duration, MONTH_MINUTES, MONTH_SECONDS};
use crate::ratio::Percent;

/// Bins up to a credit's bound: the chance of a breach is then right to about
/// one in a thousand, and a bound costs half a million multiplications.
const BINS: u32 = 1000;

/// The sum of what counts in a month.
pub(super) struct Counted<'a> {
    pub(super) rate: f64,
    pub(super) duration: Duration,
    pub(super) rows: Vec<(u64, Percent)>,
    pub(super) terms: &'a Terms<'a>,
}

impl Counted<'_> {
    /// Chance that an outage counts more than `minutes`.
    fn survival(&self, minutes: f64) -> f64 {
        let counting = self.terms.offer.counting.unwrap_or_default();
        let run = f64::from(counting.min_run_minutes.unwrap_or(0));
        let slice = f64::from(counting.slice_minutes.unwrap_or(1).max(1));
        let each = self.rows.iter().map(|(chance, users)| {
            if counting.bad_from.is_some_and(|from| *users < from) || *users == Percent::ZERO {
                return 0.0;
            }
            let weight = if counting.proportional {
                part(users.units())
            } else {
                1.0
            };
            let mut needed = minutes / weight;
            if counting.whole_slices {
                needed = (libm::floor(needed / slice) + 1.0) * slice;
            }
            part(*chance) * self.lasts(needed.max(run))
        });
        each.sum()
    }

    fn lasts(&self, minutes: f64) -> f64 {
        if minutes >= f64::from(MONTH_MINUTES) {
            return 0.0;
        }
        let cut = self
            .terms
            .restoration
            .filter(|(m, _)| minutes >= f64::from(*m));
        let goes_on = cut.map_or(1.0, |_| 1.0 - part(self.terms.kept.units()));
        self.duration.survival(minutes) * goes_on
    }

    /// Chance that a month's availability is below `bound`: Panjer's recursion
    /// over bins whose middles stand for what counts.
    pub(super) fn exceeds(&self, bound: Percent) -> f64 {
        let allowed = f64::from(MONTH_SECONDS) / 60.0 * part(bound.complement().units());
        if allowed <= 0.0 {
            return 1.0 - libm::exp(-self.rate * self.survival(0.0));
        }
        let width = allowed / (f64::from(BINS) + 0.5);
        let edges: Vec<f64> = (0..=BINS)
            .map(|k| self.survival((f64::from(k) + 0.5) * width))
            .collect();
        let mut severity = vec![1.0 - edges[0]];
        severity.extend(edges.windows(2).map(|e| e[0] - e[1]));
        let mut sum = vec![libm::exp(-self.rate * edges[0])];
        for n in 1..=BINS as usize {
            let terms = (1..=n).map(|k| k as f64 * severity[k] * sum[n - k]);
            sum.push(self.rate / n as f64 * terms.sum::<f64>());
        }
        (1.0 - sum.iter().sum::<f64>()).clamp(0.0, 1.0)
    }
}
