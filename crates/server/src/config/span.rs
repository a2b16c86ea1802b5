//! Lengths of time as people write them: `200ms`, `20s`, `5m`, `6h`, `7d`, or a
//! plain number of seconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

/// Longest accepted span, 100 years: beyond it adding to a clock may overflow.
const MAX_SECS: u64 = 100 * 365 * 86_400;

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is not a length of time: write for example 200ms, 20s, 5m, 6h or 7d")
        };
        let (digits, unit) = match text
            .trim()
            .char_indices()
            .find(|(_, c)| !c.is_ascii_digit())
        {
            Some((at, _)) => text.trim().split_at(at),
            None => (text.trim(), "s"),
        };
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        let factor = match unit {
            "ms" if count <= MAX_SECS => return Ok(Self(Duration::from_millis(count))),
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let secs = count.checked_mul(factor).filter(|secs| *secs <= MAX_SECS);
        secs.map(|secs| Self(Duration::from_secs(secs)))
            .ok_or_else(|| format!("`{text}` is too long"))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.as_secs();
        if self.0.subsec_millis() > 0 {
            return write!(f, "{}ms", self.0.as_millis());
        }
        let (count, unit) = match secs {
            0 => (0, "s"),
            s if s % 86_400 == 0 => (s / 86_400, "d"),
            s if s % 3_600 == 0 => (s / 3_600, "h"),
            s if s % 60 == 0 => (s / 60, "m"),
            s => (s, "s"),
        };
        write!(f, "{count}{unit}")
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "a length of time such as \"20s\", \"5m\", \"6h\", or seconds"
        )]
        enum Written {
            Seconds(u64),
            Text(String),
        }
        match Written::deserialize(input)? {
            Written::Seconds(secs) => secs.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
        .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, secs, shown) in [
            ("20s", 20, "20s"),
            ("90", 90, "90s"),
            ("5m", 300, "5m"),
            ("6h", 21_600, "6h"),
            ("48h", 172_800, "2d"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.0.as_secs(), secs, "{text}");
            assert_eq!(span.to_string(), shown);
        }
        let part: Span = "200ms".parse().unwrap();
        assert_eq!(part.0.as_millis(), 200);
        assert_eq!(part.to_string(), "200ms");
        assert_eq!(Span(Duration::from_millis(1500)).to_string(), "1500ms");
        for text in [
            "",
            "h",
            "5 m",
            "-1s",
            "1.5h",
            "5w",
            "99999999999999999999s",
            "9999999999d",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
