//! Texts of others, made fit to be printed.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::world::has_glyph;

/// Stands for what the fonts do not have, and for what is not to be seen.
const UNKNOWN: char = '□';

/// Longest run without a place to break it: it still fits into a narrow column.
const RUN: usize = 16;

/// A line may be broken here; nothing is seen of it.
const BREAK: char = '\u{200b}';

/// Everything in it as it can be printed.
pub fn printable(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text),
        Value::Array(list) => list.iter_mut().for_each(printable),
        Value::Object(fields) => fields.values_mut().for_each(printable),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        BREAK => c,
        c if c.is_control() => ' ',
        c if has_glyph(c) => c,
        _ => UNKNOWN,
    };
    text.chars().map(shown).collect()
}

/// What somebody wrote, with places to break it where it has none.
pub fn breakable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = 0;
    for c in text.chars() {
        if c.is_whitespace() {
            run = 0;
        } else if run == RUN {
            out.push(BREAK);
            run = 0;
        }
        run += 1;
        out.push(c);
    }
    out
}

/// `1,234.50`: with the decimals of the currency, cut. Only the credit is
/// rounded, and it comes rounded.
pub fn money(amount: Decimal, decimals: u32) -> String {
    let mut cut = amount.trunc_with_scale(decimals);
    cut.rescale(decimals);
    let text = cut.to_string();
    let (whole, rest) = match text.find('.') {
        Some(at) => text.split_at(at),
        None => (text.as_str(), ""),
    };
    let mut out = String::with_capacity(text.len() + text.len() / 3);
    for (at, digit) in whole.chars().enumerate() {
        let left = whole.len() - at;
        let after_digit = out.ends_with(|c: char| c.is_ascii_digit());
        if left.is_multiple_of(3) && after_digit {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_cut() {
        for (amount, decimals, expected) in [
            ("0", 2, "0.00"),
            ("5", 2, "5.00"),
            ("999.999", 2, "999.99"),
            ("1234.5", 2, "1,234.50"),
            ("1234567", 0, "1,234,567"),
            ("-1234", 2, "-1,234.00"),
            ("-123", 2, "-123.00"),
        ] {
            let amount: Decimal = amount.parse().expect("a decimal");
            assert_eq!(money(amount, decimals), expected);
        }
    }

    #[test]
    fn long_words_can_be_broken_and_unknown_characters_are_seen() {
        let long = "x".repeat(40);
        let broken = breakable(&long);
        assert_eq!(broken.matches(BREAK).count(), 2);
        assert_eq!(broken.replace(BREAK, ""), long);
        assert_eq!(
            breakable("short words stay as they are"),
            "short words stay as they are"
        );
        let mut value = serde_json::json!({"a": ["tab\there", "中文 \u{1f600} \u{202e}é"]});
        printable(&mut value);
        assert_eq!(value, serde_json::json!({"a": ["tab here", "中文 □ □é"]}));
    }
}
