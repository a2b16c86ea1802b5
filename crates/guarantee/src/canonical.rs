//! JSON in one spelling only, so that the same data are the same bytes, for
//! hashes and for comparing.
//!
//! After [RFC 8785](https://www.rfc-editor.org/rfc/rfc8785) (JSON
//! Canonicalization Scheme): no white space, names sorted by their UTF-16 code
//! units, text escaped only where it must be. Stricter in one point: there are
//! no fractions, and integers stay within ±(2⁵³ − 1), so that no reader in any
//! language rounds them.

use std::cmp::Ordering;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::Value;

/// Deepest nesting: statements have 5 levels; the rest is room for change.
const MAX_DEPTH: usize = 16;

/// Largest integer that every JSON reader keeps exact (RFC 8785 §3.2.2.3).
const MAX_SAFE: u64 = (1 << 53) - 1;

/// Data that have no canonical form, or text that is not in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Data that are not JSON.
    #[error("this cannot be written as JSON: {0}")]
    NotJson(String),
    /// A number with a fraction, or an integer beyond ±(2⁵³ − 1).
    #[error("`{0}` is not an integer within ±(2^53 - 1): write it as text")]
    NotInteger(String),
    /// Nested more than 16 deep.
    #[error("it is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// Text that is not canonical.
    #[error("byte {at} is not canonical JSON: {why}")]
    Text {
        /// Where, from 0.
        at: usize,
        /// What is wrong there.
        why: &'static str,
    },
}

/// Writes data in the canonical form.
///
/// # Errors
/// They are not JSON, have a number that is no integer, or are nested too deep.
pub fn to_string(data: &impl Serialize) -> Result<String, CanonicalError> {
    let value = serde_json::to_value(data).map_err(|e| CanonicalError::NotJson(e.to_string()))?;
    let mut text = String::new();
    write(&value, MAX_DEPTH, &mut text)?;
    Ok(text)
}

/// SHA-256 of the canonical JSON, as 64 lower-case hexadecimal digits.
///
/// # Errors
/// As [`to_string`].
pub fn sha256(data: &impl Serialize) -> Result<String, CanonicalError> {
    Ok(sha256_hex(to_string(data)?.as_bytes()))
}

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn is_safe(number: &serde_json::Number) -> bool {
    let signed = number.as_i64().map(i64::unsigned_abs);
    signed.or(number.as_u64()).is_some_and(|n| n <= MAX_SAFE)
}

/// RFC 8785 §3.2.3: not the order of the bytes where surrogates are involved.
fn compare_names(left: &str, right: &str) -> Ordering {
    left.encode_utf16().cmp(right.encode_utf16())
}

fn write(value: &Value, depth: usize, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) if is_safe(number) => {
            // Writing into a text does not fail.
            let _ = write!(out, "{number}");
        }
        Value::Number(number) => return Err(CanonicalError::NotInteger(number.to_string())),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            let depth = depth.checked_sub(1).ok_or(CanonicalError::TooDeep)?;
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, depth, out)?;
            }
            out.push(']');
        }
        Value::Object(map) => {
            let depth = depth.checked_sub(1).ok_or(CanonicalError::TooDeep)?;
            // The map's own order depends on how serde_json was built.
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_unstable_by(|(a, _), (b, _)| compare_names(a, b));
            out.push('{');
            for (at, (name, item)) in fields.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write(item, depth, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Whether the text is JSON in the canonical form.
///
/// # Errors
/// Says at which byte it is not.
pub fn check(text: &str) -> Result<(), CanonicalError> {
    let mut scan = Scan { text, at: 0 };
    scan.value(MAX_DEPTH)?;
    if scan.at < text.len() {
        return Err(scan.wrong("there is more behind the end"));
    }
    Ok(())
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn wrong(&self, why: &'static str) -> CanonicalError {
        CanonicalError::Text { at: self.at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), CanonicalError> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.wrong(why))
        }
    }

    fn value(&mut self, depth: usize) -> Result<(), CanonicalError> {
        match self.peek() {
            Some(b'{') => self.object(depth.checked_sub(1).ok_or(CanonicalError::TooDeep)?),
            Some(b'[') => self.array(depth.checked_sub(1).ok_or(CanonicalError::TooDeep)?),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<(), CanonicalError> {
        let rest = &self.text.as_bytes()[self.at..];
        for word in ["null", "true", "false"] {
            if rest.starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(());
            }
        }
        Err(self.wrong("a value must stand here, without spaces"))
    }

    fn number(&mut self) -> Result<(), CanonicalError> {
        let start = self.at;
        self.take(b'-');
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let digits = text.trim_start_matches('-');
        let padded = digits.starts_with('0') && text != "0";
        let fits = digits.parse::<u64>().is_ok_and(|n| n <= MAX_SAFE);
        if padded || !fits || matches!(self.peek(), Some(b'.' | b'e' | b'E')) {
            self.at = start;
            return Err(self.wrong(
                "only integers within ±(2^53 - 1), without leading zeroes, may stand here",
            ));
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), CanonicalError> {
        self.at += 1;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if self.take(b']') {
                return Ok(());
            }
            self.expect(b',', "a list goes on with `,` or ends with `]`")?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), CanonicalError> {
        self.at += 1;
        if self.take(b'}') {
            return Ok(());
        }
        let mut last: Option<&'a str> = None;
        loop {
            let start = self.at;
            let name = self.string()?;
            if last.is_some_and(|last| !in_order(last, name)) {
                self.at = start;
                return Err(self.wrong("names must be sorted, each once"));
            }
            last = Some(name);
            self.expect(b':', "`:` must follow a name")?;
            self.value(depth)?;
            if self.take(b'}') {
                return Ok(());
            }
            self.expect(b',', "an object goes on with `,` or ends with `}`")?;
        }
    }

    /// Gives what stands between the quotes, escapes and all.
    fn string(&mut self) -> Result<&'a str, CanonicalError> {
        self.expect(b'"', "a text in quotes must stand here")?;
        let start = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.text[start..self.at - 1]);
                }
                Some(b'\\') => self.escape()?,
                None | Some(0..b' ') => {
                    return Err(self.wrong("the text does not end, or has a control character"));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), CanonicalError> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        let len = match rest {
            [b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r', ..] => 1,
            [b'u', b'0', b'0', b'0', low, ..] if is_plain_escape(0, *low) => 5,
            [b'u', b'0', b'0', b'1', low, ..] if is_plain_escape(16, *low) => 5,
            _ => return Err(self.wrong("this escape is not the shortest one")),
        };
        self.at += 1 + len;
        Ok(())
    }
}

/// Whether `\u00XY` is how the character must be written: in small letters, and
/// only where there is no escape with a letter.
fn is_plain_escape(high: u8, low: u8) -> bool {
    let low = match low {
        b'0'..=b'9' => low - b'0',
        b'a'..=b'f' => low - b'a' + 10,
        _ => return false,
    };
    !matches!(high + low, 8 | 9 | 10 | 12 | 13)
}

/// Compares names as they were before they were escaped.
fn in_order(left: &str, right: &str) -> bool {
    if !left.contains('\\') && !right.contains('\\') {
        return compare_names(left, right).is_lt();
    }
    let plain = |name: &str| serde_json::from_str::<String>(&format!("\"{name}\""));
    match (plain(left), plain(right)) {
        (Ok(left), Ok(right)) => compare_names(&left, &right).is_lt(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn data_are_written_in_one_way() {
        let data = json!({"b": [1, -2, MAX_SAFE], "a": {"é": null, "z\n\u{1}\"": true}, "": ""});
        let text = r#"{"":"","a":{"z\n\u0001\"":true,"é":null},"b":[1,-2,9007199254740991]}"#;
        assert_eq!(to_string(&data).as_deref(), Ok(text));
        assert_eq!(check(text), Ok(()));
        assert!(matches!(
            to_string(&json!({"a": 0.5})),
            Err(CanonicalError::NotInteger(_))
        ));
    }

    #[test]
    fn other_spellings_are_refused() {
        for (text, at) in [
            ("", 0),
            (" 1", 0),
            ("1 ", 1),
            ("01", 0),
            ("-0", 0),
            ("1.0", 0),
            ("1e3", 0),
            ("9007199254740992", 0),
            ("-9007199254740992", 0),
            ("[1, 2]", 3),
            ("[1,]", 3),
            (r#"{"b":1,"a":2}"#, 7),
            (r#"{"a":1,"a":2}"#, 7),
            (r#"{"a" :1}"#, 4),
            (r#"{a:1}"#, 1),
            (r#""\u0041""#, 1),
            (r#""\u000A""#, 1),
            (r#""\u000a""#, 1),
            (r#""\/""#, 1),
            ("\"\n\"", 1),
            ("\"", 1),
            ("nul", 0),
        ] {
            let Err(CanonicalError::Text { at: found, .. }) = check(text) else {
                panic!("{text}")
            };
            assert_eq!(found, at, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(17), "]".repeat(17));
        assert_eq!(check(&deep), Err(CanonicalError::TooDeep));
    }

    #[test]
    fn surrogates_sort_below_what_follows_them() {
        // RFC 8785 §3.2.3.
        let data = json!({"\u{fb33}": 1, "\u{1f600}": 2});
        let text = "{\"\u{1f600}\":2,\"\u{fb33}\":1}";
        assert_eq!(to_string(&data).as_deref(), Ok(text));
        assert_eq!(check(text), Ok(()));
    }

    #[test]
    fn numbers_that_a_reader_could_round_are_refused() {
        for data in [json!(MAX_SAFE + 1), json!(u64::MAX), json!(1.5)] {
            assert!(to_string(&data).is_err(), "{data}");
        }
    }

    #[test]
    fn the_hash_is_that_of_the_bytes() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), abc);
    }

    fn data() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\u{0}-\u{20}\"\\\\]{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[\u{0}-\u{20}\"\\\\a-cé😀\u{e000}]{0,3}", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_canonical(data in data()) {
            let text = to_string(&data).unwrap();
            prop_assert_eq!(check(&text), Ok(()));
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), data);
        }

        #[test]
        fn what_is_canonical_is_written_the_same(text in r#"[\[\]{}:,"0-9a\\un -]{0,12}"#) {
            if check(&text).is_ok() {
                let data: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(to_string(&data).unwrap(), text);
            }
        }
    }
}
