//! Percentiles of durations in little space.

use std::time::Duration;

/// Sixteen steps per doubling: a value is known within 1/16, about 6 %, at
/// worst; on average half of that.
const STEPS: usize = 16;
const STEP_BITS: u32 = 4;

/// From one microsecond to 2^27 of them, about two minutes; what is longer is
/// counted as that.
const DOUBLINGS: usize = 27;

/// Counts durations in logarithmic steps: 1.7 kB, whatever the number of
/// samples.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u32>,
    total: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; (DOUBLINGS + 1) * STEPS],
            total: 0,
            max: Duration::ZERO,
        }
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, value: Duration) {
        let slot = slot(u64::try_from(value.as_micros()).unwrap_or(u64::MAX));
        self.counts[slot] = self.counts[slot].saturating_add(1);
        self.total += 1;
        self.max = self.max.max(value);
    }

    /// Adds the other's counts.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// The longest, exactly.
    #[must_use]
    pub const fn max(&self) -> Duration {
        self.max
    }

    /// The duration that the share `quantile` (0 to 1) does not exceed; `None`
    /// when nothing was counted.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        if self.total == 0 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a rank between 1 and the total"
        )]
        let rank = ((self.total as f64 * quantile.clamp(0.0, 1.0)).ceil() as u64).max(1);
        let mut seen = 0;
        let slot = self.counts.iter().position(|&count| {
            seen += u64::from(count);
            seen >= rank
        });
        Some(slot.map_or(self.max, |slot| middle(slot).min(self.max)))
    }
}

/// Microseconds below `STEPS` have a slot each; above, the position of the
/// highest bit and the next four bits choose it.
fn slot(micros: u64) -> usize {
    let micros = micros.min((1 << DOUBLINGS) - 1);
    let magnitude = 63 - (micros | 1).leading_zeros();
    if magnitude < STEP_BITS {
        return usize::try_from(micros).unwrap_or(0);
    }
    let shift = magnitude - STEP_BITS;
    let step = usize::try_from(micros >> shift).unwrap_or(0) & (STEPS - 1);
    (shift as usize + 1) * STEPS + step
}

/// The middle of a slot.
fn middle(slot: usize) -> Duration {
    let (row, step) = (slot / STEPS, (slot % STEPS) as u64);
    let Some(shift) = row.checked_sub(1) else {
        return Duration::from_micros(step);
    };
    let low = (step + STEPS as u64) << shift;
    Duration::from_nanos((low * 2 + (1 << shift)) * 500)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn percentiles_of_a_ramp() {
        let mut histogram = Histogram::default();
        for ms in 1..=1000 {
            histogram.record(Duration::from_millis(ms));
        }
        for (quantile, ms) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0)] {
            let got = histogram.quantile(quantile).unwrap().as_secs_f64() * 1000.0;
            assert!((got - ms).abs() / ms < 0.07, "{quantile}: {got}");
        }
        assert_eq!(histogram.max(), Duration::from_secs(1));
    }

    proptest! {
        #[test]
        fn a_single_value_comes_back(micros in 0u64..(1 << DOUBLINGS)) {
            let mut histogram = Histogram::default();
            histogram.record(Duration::from_micros(micros));
            let got = histogram.quantile(0.5).unwrap().as_secs_f64() * 1e6;
            let want = micros as f64;
            prop_assert!((got - want).abs() <= want / 16.0 + 1.0, "{got} for {want}");
        }

        #[test]
        fn any_duration(nanos: u64) {
            Histogram::default().record(Duration::from_nanos(nanos));
        }
    }
}
