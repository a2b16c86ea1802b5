//! Decimal quantities that people write: money and plain measures.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, de};

/// Largest quantity: a billion. With four decimals, times the seconds of a
/// month, times the parts of a share, it still fits the 28 digits of a decimal.
const MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// Finest step: a hundredth of a cent.
const MAX_DECIMALS: u32 = 4;

/// A decimal from 0 to 1,000,000,000 with at most four decimals. In money, the
/// currency stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(into = "String")]
pub struct Quantity(Decimal);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The decimal.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// For the numeric parts that are no money: rates, shapes, minutes.
    pub(crate) fn to_f64(self) -> f64 {
        float(self.0)
    }
}

impl From<u32> for Quantity {
    /// At most a billion: more is cut to it.
    fn from(whole: u32) -> Self {
        Self(Decimal::from(whole).min(MAX))
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_digit() || b == b'.' || b == b'_';
        let shown: String = text.chars().take(40).collect();
        if text.starts_with('-') {
            return Err(format!("`{shown}` is negative: write 0 or more"));
        }
        let wrong = || {
            format!(
                "`{shown}` is not a quantity: write a number like 1200 or 0.35, at most \
                 1000000000, with at most {MAX_DECIMALS} decimals"
            )
        };
        // 20 digits are more than the largest quantity has.
        if text.is_empty() || text.len() > 20 || !text.bytes().all(plain) {
            return Err(wrong());
        }
        let value = Decimal::from_str_exact(text).map_err(|_| wrong())?;
        let value = value.normalize();
        if value > MAX || value.scale() > MAX_DECIMALS {
            return Err(wrong());
        }
        Ok(Self(value))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// A quantity as it stands in a document: a text, or a whole number.
struct Written;

impl de::Visitor<'_> for Written {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity like 1200 or 0.35")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Money as it is shown: two decimals, half away from zero.
pub(crate) fn cents(amount: Decimal) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    rounded
}

/// A statistic as a decimal with `decimals` places; what is no number is zero.
pub(crate) fn decimal(value: f64, decimals: u32) -> Decimal {
    let exact = Decimal::from_f64_retain(value).unwrap_or_default();
    let mut rounded =
        exact.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(decimals);
    rounded
}

/// For statistics (standard errors, plots), never for sums of money.
pub(crate) fn float(value: Decimal) -> f64 {
    use rust_decimal::prelude::ToPrimitive as _;
    value.to_f64().unwrap_or(0.0)
}

/// `12345.6` as `12,345.60`, or without decimals.
pub(crate) fn grouped(amount: Decimal, decimals: u32) -> String {
    let mut rounded =
        amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(decimals);
    let text = rounded.abs().to_string();
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::new();
    if rounded.is_sign_negative() && !rounded.is_zero() {
        out.push('-');
    }
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_exactly_or_refused() {
        for (text, shown) in [
            ("0", "0"),
            ("8000", "8000"),
            ("0.35", "0.35"),
            ("1_000", "1000"),
            ("1000000000", "1000000000"),
        ] {
            let read: Quantity = text.parse().expect(text);
            assert_eq!(read.to_string(), shown);
        }
        for text in [
            "",
            "-1",
            "1e3",
            "abc",
            "0.00001",
            "1000000001",
            ".",
            "1.2.3",
            "NaN",
            "+1",
        ] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn money_is_grouped_and_rounded_half_up() {
        for (text, decimals, shown) in [
            ("1234567.005", 2, "1,234,567.01"),
            ("999.5", 0, "1,000"),
            ("-0.001", 2, "0.00"),
            ("-1234", 0, "-1,234"),
        ] {
            let amount = Decimal::from_str_exact(text).expect(text);
            assert_eq!(grouped(amount, decimals), shown);
        }
    }
}
