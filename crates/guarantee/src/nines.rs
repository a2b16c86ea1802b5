//! A share as a number of nines: 99.9 % are 3, 99.95 % are 3.3.
//!
//! That is log₁₀(all / lost), here in whole hundredths and rounded down, so that
//! what is shown is never better than what was; with integers only, so that it
//! has the same digits on every machine.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ratio::Ratio;

/// Hundredths of a nine. As a text it is `3.30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nines(pub u32);

/// Bits behind the point. The tenth power of a number below ten, with these, is
/// computed as the square of a fifth power that has 57 bits.
const FRACTION: u32 = 40;
const ONE: u128 = 1 << FRACTION;

impl Nines {
    /// Of what was good of all; `None` where nothing was counted, and where
    /// nothing was lost: there is no end of nines.
    #[must_use]
    pub fn of(share: Ratio) -> Option<Self> {
        let all = u128::from(share.den);
        let lost = u128::from(share.den.checked_sub(share.num)?);
        if lost == 0 {
            return None;
        }
        let (mut whole, mut scale) = (0_u32, lost);
        while all >= scale * 10 {
            scale *= 10;
            whole += 1;
        }
        // all / scale is at least 1 and less than 10.
        let mut rest = (all << FRACTION) / scale;
        let mut hundredths = whole * 100;
        for worth in [10, 1] {
            rest = tenth_power(rest);
            while rest >= 10 * ONE {
                rest /= 10;
                hundredths += worth;
            }
        }
        Some(Self(hundredths))
    }
}

/// Rounded down.
const fn tenth_power(x: u128) -> u128 {
    let square = (x * x) >> FRACTION;
    let fourth = (square * square) >> FRACTION;
    let fifth = (fourth * x) >> FRACTION;
    (fifth * fifth) >> FRACTION
}

impl fmt::Display for Nines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_have_these_nines() {
        for (num, den, text) in [
            (9, 10, "1.00"),
            (999, 1000, "3.00"),
            (998, 1000, "2.69"),
            (9995, 10_000, "3.30"),
            (99_999, 100_000, "5.00"),
            (1, 2, "0.30"),
            (0, 7, "0.00"),
            (u64::MAX - 1, u64::MAX, "19.26"),
            (8622, 8640, "2.68"),
        ] {
            let nines = Nines::of(Ratio { num, den });
            assert_eq!(nines.map(|n| n.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Nines::of(Ratio { num: 0, den: 0 }), None);
        assert_eq!(Nines::of(Ratio { num: 5, den: 5 }), None);
        assert_eq!(Nines::of(Ratio { num: 6, den: 5 }), None);
    }

    proptest! {
        #[test]
        fn more_that_is_good_never_has_fewer_nines(den in 1..u64::MAX, a: u64, b: u64) {
            let (a, b) = (a % den, b % den);
            let nines = |num| Nines::of(Ratio { num, den }).expect("something was lost");
            prop_assert!(nines(a.min(b)) <= nines(a.max(b)));
        }

        /// floor(100·log₁₀(all / lost)), or the hundredth below where the last
        /// bits were lost.
        #[test]
        fn they_are_the_logarithm_rounded_down(lost in 1..1_000_000_u64, times in 1..1_000_000_u64) {
            let den = lost * times;
            let found = Nines::of(Ratio { num: den - lost, den }).expect("something was lost");
            let exact = 100.0 * libm::log10(times as f64);
            let found = f64::from(found.0);
            prop_assert!(found <= exact + 1e-6 && exact < found + 1.0 + 1e-3, "{found} {exact}");
        }
    }
}
