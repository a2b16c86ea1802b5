//! JSON in one form only, for hashes and for comparing byte for byte.
//!
//! After RFC 8785 (JSON Canonicalization Scheme): no white space, keys sorted by
//! their UTF-16 code units, strings with the shortest escapes. Stricter in one
//! point: there are no floats, and integers stay within ±(2⁵³ − 1), so that no
//! reader in any language rounds them.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::Value;

/// Largest integer that every JSON reader keeps exact (RFC 8785, section 3.2.2.3).
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// serde could not turn it into JSON.
    #[error("the value is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// A float, or an integer beyond ±(2⁵³ − 1).
    #[error("{0} is not an integer within ±(2^53 - 1); write it as text")]
    Number(serde_json::Number),
}

/// The canonical JSON of a value.
///
/// # Errors
/// If it contains a number that is not a safe integer.
pub fn to_string<T: Serialize>(value: &T) -> Result<String, CanonicalError> {
    let mut out = String::new();
    write_value(&mut out, &serde_json::to_value(value)?)?;
    Ok(out)
}

/// SHA-256 of the canonical JSON, as 64 lower-case hexadecimal digits.
///
/// # Errors
/// As [`to_string`].
pub fn sha256<T: Serialize>(value: &T) -> Result<String, CanonicalError> {
    Ok(sha256_hex(to_string(value)?.as_bytes()))
}

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn write_value(out: &mut String, value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            let safe = match (number.as_i64(), number.as_u64()) {
                (Some(i), _) => i.unsigned_abs() <= MAX_SAFE,
                (None, Some(u)) => u <= MAX_SAFE,
                (None, None) => false,
            };
            if !safe {
                return Err(CanonicalError::Number(number.clone()));
            }
            out.push_str(&number.to_string());
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, item)?;
            }
            out.push(']');
        }
        Value::Object(map) => {
            // serde_json's own order depends on a feature that any crate of a
            // build may switch on.
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(key)?);
                out.push(':');
                write_value(out, item)?;
            }
            out.push('}');
        }
        scalar => out.push_str(&serde_json::to_string(scalar)?),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_nothing_is_spaced() {
        let value = json!({"b": [1, -2, null, true], "a": {"€": "\u{1}\n\"", "z": "é"}});
        assert_eq!(
            to_string(&value).expect("canonical"),
            r#"{"a":{"z":"é","€":"\u0001\n\""},"b":[1,-2,null,true]}"#
        );
        // RFC 8785, section 3.2.3: surrogates sort below U+FB33.
        let value = json!({"\u{fb33}": 1, "\u{1f600}": 2});
        assert_eq!(
            to_string(&value).expect("canonical"),
            "{\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn numbers_that_a_reader_could_round_are_refused() {
        assert!(to_string(&9_007_199_254_740_991_u64).is_ok());
        for value in [
            json!(9_007_199_254_740_992_u64),
            json!(u64::MAX),
            json!(1.5),
        ] {
            assert!(to_string(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_bytes() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
