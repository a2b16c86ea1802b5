//! When outages begin.

use crate::offer::need::{BuyerNeed, minute_of_day};
use crate::offer::outage::{MONTH_MINUTES, OutageModel};
use crate::ratio::Percent;

/// Minutes of a day.
pub(super) const DAY: usize = 1440;

/// When outages begin, and what the minutes after that cost.
pub(crate) struct Clock {
    /// Chance that an outage begins in this minute of the day.
    begins: Vec<f64>,
    /// Whether a minute of the day is in the peak.
    peak: Vec<bool>,
    /// The minute of the day in which the peak begins.
    first: usize,
    /// How many minutes of a day are in the peak.
    pub(crate) peak_minutes: u32,
    /// Share of outages that begin within the peak.
    pub(crate) at_peak: Percent,
}

impl Clock {
    pub(crate) fn new(need: &BuyerNeed, model: &OutageModel) -> Self {
        let minutes = usize::from(need.peak.hours.count()) * 60;
        let first = minute_of_day(need.peak.starts_at) as usize;
        let mut peak = vec![false; DAY];
        for m in first..first + minutes {
            peak[m % DAY] = true;
        }
        let share = u64::from(need.peak.hours.count()) * Percent::WHOLE / 24;
        let by_time = Percent::from_units(share).unwrap_or(Percent::ONE);
        let at_peak = match minutes {
            0 => Percent::ZERO,
            DAY => Percent::ONE,
            _ => model.at_peak().unwrap_or(by_time),
        };
        let each = |units: u64, n: usize| units as f64 / Percent::WHOLE as f64 / n.max(1) as f64;
        let inside = each(at_peak.units(), minutes);
        let outside = each(at_peak.complement().units(), DAY - minutes);
        let begins = peak.iter().map(|p| if *p { inside } else { outside });
        Self {
            begins: begins.collect(),
            peak,
            first,
            peak_minutes: u32::from(need.peak.hours.count()) * 60,
            at_peak,
        }
    }

    /// The minutes of the day inside the peak, or those outside.
    pub(crate) fn minutes(&self, at_peak: bool) -> Vec<u32> {
        let wanted = (0u32..).zip(&self.peak).filter(|(_, p)| **p == at_peak);
        wanted.map(|(m, _)| m).collect()
    }

    pub(crate) fn is_peak(&self, minute: u32) -> bool {
        self.peak[minute as usize % DAY]
    }

    /// Chance that the n-th minute of an outage is in the peak, for n of a day:
    /// that it began in the peak moved back by n minutes.
    pub(super) fn later_in_peak(&self) -> Vec<f64> {
        let mut sums = vec![0.0];
        for m in 0..2 * DAY {
            sums.push(sums[m] + self.begins[m % DAY]);
        }
        let length = self.peak_minutes as usize;
        let after = |n: usize| {
            let from = (self.first + DAY - n) % DAY;
            sums[from + length] - sums[from]
        };
        (0..DAY).map(after).collect()
    }

    /// Chance that an outage of a month of 30 days began before each minute.
    pub(super) fn begun(&self) -> Vec<f64> {
        let mut sum = 0.0;
        let mut begun = vec![0.0];
        for m in 0..MONTH_MINUTES as usize {
            sum += self.begins[m % DAY] / 30.0;
            begun.push(sum);
        }
        begun
    }
}
