//! A rollup as one line of the log.
//!
//! ```text
//! rollup 2026-09-01T00:00Z media eu-west server:a measured up=59000 down=1000 good=1 bad=0
//! rollup 2026-09-01T00:01Z media eu-west server:a idle
//! rollup 2026-09-01T00:02Z media eu-west server:a no_data
//! ```
//!
//! There is one way to write a rollup: a line that is read is written again with
//! the same bytes. Lines are ASCII, without an end of line, fields parted by one
//! space, numbers without leading zeros, times in milliseconds.

use std::fmt;
use std::str::FromStr;

use super::{Counts, Minute, Rollup, RollupError, RollupState, Source};
use crate::module::{Module, Region};

/// First word of the line.
pub const TAG: &str = "rollup";

/// Longest line that can be right: the longest name of each field and four
/// numbers of 11 digits come to 218.
pub const MAX_LINE: usize = 256;

impl fmt::Display for Rollup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            minute,
            module,
            region,
            source,
            state,
            up_ms,
            down_ms,
            good,
            bad,
        } = self;
        write!(f, "{TAG} {minute} {module} {region} {source} ")?;
        match state {
            RollupState::Measured => {
                write!(
                    f,
                    "measured up={up_ms} down={down_ms} good={good} bad={bad}"
                )
            }
            RollupState::Idle => f.write_str("idle"),
            RollupState::NoData => f.write_str("no_data"),
        }
    }
}

impl FromStr for Rollup {
    type Err = RollupError;

    fn from_str(line: &str) -> Result<Self, RollupError> {
        let mut fields = Fields::new(line)?;
        fields.word(TAG)?;
        let minute = fields.next("a minute like `2026-09-01T00:00Z`", |text| {
            Minute::parse(text.as_bytes())
        })?;
        let module = fields.next("a module like `media`", |text| Module::from_str(text).ok())?;
        let region = fields.next("a region like `eu-west`", |text| {
            Region::from_str(text).ok()
        })?;
        let source = fields.next("a source like `server:a`", |text| {
            Source::from_str(text).ok()
        })?;
        let state = fields.next("`measured`, `idle` or `no_data`", |text| match text {
            "measured" => Some(RollupState::Measured),
            "idle" => Some(RollupState::Idle),
            "no_data" => Some(RollupState::NoData),
            _ => None,
        })?;
        let mut counts = Counts::default();
        if state == RollupState::Measured {
            counts.up_ms = fields.number("up=")?;
            counts.down_ms = fields.number("down=")?;
            counts.good = fields.number("good=")?;
            counts.bad = fields.number("bad=")?;
        }
        fields.end()?;
        let rollup = Self {
            minute,
            module,
            region,
            source,
            state,
            up_ms: counts.up_ms,
            down_ms: counts.down_ms,
            good: counts.good,
            bad: counts.bad,
        };
        rollup.check()?;
        Ok(rollup)
    }
}

/// The fields of a line, parted by single spaces.
pub(crate) struct Fields<'a> {
    line: &'a str,
    /// Where the next field starts; beyond the line's end when there is none.
    at: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(line: &'a str) -> Result<Self, RollupError> {
        if line.len() > MAX_LINE {
            return Err(RollupError::Line {
                column: MAX_LINE + 1,
                expected: format!("the end of the line: it has at most {MAX_LINE} bytes"),
            });
        }
        Ok(Self { line, at: 0 })
    }

    pub(crate) fn next<T>(
        &mut self,
        expected: &str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, RollupError> {
        let rest = self.line.get(self.at..);
        let field = rest.map(|rest| rest.split(' ').next().unwrap_or_default());
        let value = field.and_then(read).ok_or_else(|| self.error(expected))?;
        self.at += field.map_or(0, str::len) + 1;
        Ok(value)
    }

    pub(crate) fn word(&mut self, word: &str) -> Result<(), RollupError> {
        self.next(&format!("`{word}`"), |text| (text == word).then_some(()))
    }

    /// `name` with its `=`, then a number as it is written canonically.
    pub(crate) fn number(&mut self, name: &str) -> Result<u64, RollupError> {
        self.next(name, |text| canonical(text.strip_prefix(name)?))
            .map_err(|_| self.error(&format!("`{name}` and a number without leading zeros")))
    }

    pub(crate) fn end(&self) -> Result<(), RollupError> {
        if self.at > self.line.len() {
            Ok(())
        } else {
            Err(self.error("the end of the line"))
        }
    }

    fn error(&self, expected: &str) -> RollupError {
        RollupError::Line {
            column: self.at.min(self.line.len()) + 1,
            expected: expected.to_owned(),
        }
    }
}

/// Reads a number that would be written the same way.
pub(crate) fn canonical(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let leading_zero = text.len() > 1 && text.starts_with('0');
    if digits && !leading_zero {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::super::{MAX_MS, MAX_SAMPLES};
    use super::*;

    fn counts() -> impl Strategy<Value = Counts> {
        let half = (
            0..=MAX_MS / 2,
            0..=MAX_MS / 2,
            0..=MAX_SAMPLES / 2,
            0..=MAX_SAMPLES / 2,
        );
        let small = (0..3_u64, 0..3_u64, 0..3_u64, 0..3_u64);
        prop_oneof![half, small].prop_map(|(up_ms, down_ms, good, bad)| Counts {
            up_ms,
            down_ms,
            good,
            bad,
        })
    }

    pub(crate) fn rollup(minutes: std::ops::Range<u32>) -> impl Strategy<Value = Rollup> {
        let source = prop_oneof!["server:[ab]", "probe:[abc]", "receipts:a"];
        let module = prop::sample::select(Module::ALL.to_vec());
        let region = prop::sample::select(vec!["eu-west", "ap-1"]);
        (minutes, module, region, source, counts(), any::<bool>()).prop_map(
            |(minute, module, region, source, counts, no_data)| {
                let region: Region = region.parse().expect("a region");
                let source: Source = source.parse().expect("a source");
                let minute = Minute(minute);
                if no_data {
                    Rollup::no_data(minute, module, region, source)
                } else {
                    Rollup::new(minute, module, region, source, counts).expect("in bounds")
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_rollup_survives_its_line(rollup in rollup(0..Minute::MAX.0)) {
            let line = rollup.to_string();
            prop_assert!(line.len() <= MAX_LINE);
            prop_assert_eq!(line.parse::<Rollup>(), Ok(rollup));
        }

        #[test]
        fn a_changed_line_is_refused_or_says_itself(
            rollup in rollup(29_000_000..29_100_000),
            at in any::<prop::sample::Index>(),
            byte in 0_u8..128,
        ) {
            let mut line = rollup.to_string().into_bytes();
            let at = at.index(line.len());
            line[at] = byte;
            let line = String::from_utf8(line).expect("ASCII");
            if let Ok(read) = line.parse::<Rollup>() {
                prop_assert_eq!(read.to_string(), line);
            }
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,300}") {
            if let Ok(read) = text.parse::<Rollup>() {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }

    #[test]
    fn a_wrong_line_says_where() {
        let head = "rollup 2026-09-01T00:00Z media eu-west server:a";
        for (line, expected) in [
            ("minute 2026", "column 1: expected `rollup`"),
            (
                "rollup 2026-09-31T00:00Z media",
                "column 8: expected a minute like `2026-09-01T00:00Z`",
            ),
            (
                "rollup 2026-09-01T00:00Z ",
                "column 26: expected a module like `media`",
            ),
            (
                "rollup 2026-09-01T00:00Z",
                "column 25: expected a module like `media`",
            ),
            (
                &format!("{head} fine"),
                "column 49: expected `measured`, `idle` or `no_data`",
            ),
            (
                &format!("{head} measured up=01 down=0 good=0 bad=0"),
                "column 58: expected `up=` and a number without leading zeros",
            ),
            (
                &format!("{head} measured up=0 down=0 good=0 bad=0"),
                "state and counts do not fit: `measured` has at least one count above 0, `idle` and `no_data` have none",
            ),
            (
                &format!("{head} idle "),
                "column 54: expected the end of the line",
            ),
            (
                &format!("{head} measured up=60000000001 down=0 good=0 bad=0"),
                "up + down milliseconds: 60000000001 is more than the 60000000000 that one source can see in a minute",
            ),
        ] {
            let error = line.parse::<Rollup>().expect_err(line);
            assert_eq!(error.to_string(), expected, "{line}");
        }
    }

    #[test]
    fn lines_look_as_documented() {
        for line in [
            "rollup 2026-09-01T00:00Z media eu-west server:a measured up=59000 down=1000 good=1 bad=0",
            "rollup 2026-09-01T00:01Z media eu-west server:a idle",
            "rollup 2026-09-01T00:02Z media eu-west probe:fra-1 no_data",
        ] {
            assert_eq!(line.parse::<Rollup>().expect(line).to_string(), line);
        }
    }
}
