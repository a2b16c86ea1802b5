//! Exact shares.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A share of one in parts per million of a percent (10⁻⁸ of the whole): exact
/// for every target anybody writes down, `99.99307 %` among them.
///
/// In contracts and JSON it is a text: `"99.95%"`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Percent(u64);

impl Percent {
    /// Units in a whole.
    pub const WHOLE: u64 = 100_000_000;
    /// All of it.
    pub const ONE: Self = Self(Self::WHOLE);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From units of 10⁻⁸; `None` above the whole.
    #[must_use]
    pub const fn from_units(units: u64) -> Option<Self> {
        if units <= Self::WHOLE {
            Some(Self(units))
        } else {
            None
        }
    }

    /// Units of 10⁻⁸.
    #[must_use]
    pub const fn units(self) -> u64 {
        self.0
    }

    /// One minus this.
    #[must_use]
    pub const fn complement(self) -> Self {
        Self(Self::WHOLE - self.0)
    }

    /// The same as a ratio.
    #[must_use]
    pub const fn ratio(self) -> Ratio {
        Ratio {
            num: self.0,
            den: Self::WHOLE,
        }
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not a share: write it like `99.95%`, from 0% to 100%, with at most 6 decimals"
            )
        };
        let digits = text.strip_suffix('%').ok_or_else(wrong)?.trim_end();
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        let dangling = digits.contains('.') && decimals.is_empty();
        if whole.is_empty()
            || whole.len() > 3
            || decimals.len() > 6
            || dangling
            || !plain(whole)
            || !plain(decimals)
        {
            return Err(wrong());
        }
        let units: u64 = format!("{whole}{decimals:0<6}")
            .parse()
            .map_err(|_| wrong())?;
        Self::from_units(units).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Percent {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// A share as it was counted: `num` of `den`. Compared exactly, never reduced,
/// so that a statement shows the counts themselves.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Ratio {
    /// What is counted.
    pub num: u64,
    /// Of how much; 0 = nothing was there to be counted.
    pub den: u64,
}

impl Ratio {
    /// From counts of any width. Where they do not fit, both lose their last
    /// bits, the share rounded down.
    #[must_use]
    pub fn from_wide(num: u128, den: u128) -> Self {
        let spare = 64_u32.saturating_sub(den.max(num).leading_zeros());
        let fit = |wide: u128| u64::try_from(wide).unwrap_or(u64::MAX);
        let kept = den >> spare;
        let lost = u128::from(kept << spare != den);
        Self {
            num: fit(num >> spare),
            den: fit(kept + lost),
        }
    }

    /// Whether the share is known and at least `target`.
    #[must_use]
    pub fn reaches(self, target: Percent) -> bool {
        self.den > 0 && self.compare(target.ratio()) != Ordering::Less
    }

    /// `None` where nothing was counted: that is not 100 %.
    #[must_use]
    pub const fn known(self) -> Option<Self> {
        if self.den == 0 { None } else { Some(self) }
    }

    /// Compares two shares that are known (`den` > 0).
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        let left = u128::from(self.num) * u128::from(other.den);
        let right = u128::from(other.num) * u128::from(self.den);
        left.cmp(&right)
    }

    /// The share in units of 10⁻⁸, rounded down, so that what is shown is never
    /// better than what was; at most the whole, zero where nothing was counted.
    #[must_use]
    pub fn percent(self) -> Percent {
        if self.den == 0 {
            return Percent::ZERO;
        }
        let units = u128::from(self.num) * u128::from(Percent::WHOLE) / u128::from(self.den);
        let units = u64::try_from(units).unwrap_or(Percent::WHOLE);
        Percent(units.min(Percent::WHOLE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_read_and_written_exactly() {
        for (text, units) in [
            ("99.95%", 99_950_000),
            ("100%", Percent::WHOLE),
            ("0%", 0),
            ("99.993070%", 99_993_070),
        ] {
            let percent: Percent = text.parse().expect(text);
            assert_eq!(percent.units(), units, "{text}");
            assert_eq!(percent.to_string().parse::<Percent>(), Ok(percent));
        }
        for text in [
            "",
            "%",
            "99.95",
            "100.1%",
            "-1%",
            "99.%",
            ".5%",
            "1e2%",
            "99.1234567%",
            "９%",
        ] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn wide_counts_become_a_share_that_is_not_better() {
        let exact = Ratio::from_wide(3, 4);
        assert_eq!((exact.num, exact.den), (3, 4));
        let max = u128::from(u64::MAX);
        let exact = Ratio::from_wide(max - 1, max);
        assert_eq!((exact.num, exact.den), (u64::MAX - 1, u64::MAX));
        let wide = Ratio::from_wide((1 << 100) - 1, (1 << 100) + 1);
        assert!(wide.num < wide.den);
        assert!(wide.reaches("99.999999%".parse().expect("a share")));
        assert!(!Ratio::from_wide(0, 0).reaches(Percent::ZERO));
    }

    #[test]
    fn a_share_is_never_shown_better_than_it_was() {
        assert_eq!(Ratio { num: 2, den: 3 }.percent().units(), 66_666_666);
        assert_eq!(Ratio { num: 0, den: 0 }.percent(), Percent::ZERO);
        assert!(Ratio { num: 0, den: 0 }.known().is_none());
    }
}
