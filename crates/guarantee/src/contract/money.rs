//! Amounts in contracts: whole numbers or texts (`"1200.50"`), never floats.
//!
//! For `#[serde(with = "money")]`. Amounts are written without trailing zeros,
//! so that `"8000"` and `"8000.00"` hash alike.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{self, Visitor};
use serde::{Deserializer, Serializer};

/// Writes an amount as text.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&amount.normalize().to_string())
}

/// Reads a whole number or a text.
///
/// # Errors
/// For floats, and for texts that are not a plain decimal number.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    deserializer.deserialize_any(Amount)
}

struct Amount;

impl Visitor<'_> for Amount {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount of money: a whole number, or a text like \"1200.50\"")
    }

    fn visit_u64<E: de::Error>(self, amount: u64) -> Result<Decimal, E> {
        Ok(amount.into())
    }

    fn visit_i64<E: de::Error>(self, amount: i64) -> Result<Decimal, E> {
        Ok(amount.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
        let plain = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
        let amount = if text.chars().all(plain) {
            Decimal::from_str_exact(text).ok()
        } else {
            None
        };
        amount.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// The same for an amount that may be missing.
pub mod option {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Wrapped(#[serde(with = "super")] Decimal);

    /// Writes it as text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        amount: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        amount.map(Wrapped).serialize(serializer)
    }

    /// Reads it.
    ///
    /// # Errors
    /// As [`super::deserialize`].
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|w| w.0))
    }
}
