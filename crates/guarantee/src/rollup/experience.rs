//! A minute as users experienced it: the counts that agreements on quality of
//! experience ask for.
//!
//! ```text
//! experience 2026-09-01T00:00Z eu-west server:a join=95/100 audio=5998200/6000000 video=0/0 delay=5400000/6000000
//! ```
//!
//! Each is good / all: of joins the attempts, of the others milliseconds of
//! media time. There is one way to write it, as for a rollup.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::line::{Fields, canonical};
use super::table::{ImportError, Imported};
use super::{MAX_MS, MAX_SAMPLES, Minute, RollupError, Source};
use crate::module::Region;
use crate::ratio::Ratio;

/// First word of the line.
pub const TAG: &str = "experience";

/// Most rows of a table: a year of minutes of five sources, 400 MB.
pub const MAX_ROWS: usize = 3_000_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// Attempts to join that succeeded in time.
    Join,
    /// Milliseconds of audio that did not freeze.
    Audio,
    /// Milliseconds of video that did not freeze.
    Video,
    /// Milliseconds of media whose delay was within the level.
    Delay,
}

impl Indicator {
    /// All of them, in the order of lines and statements.
    pub const ALL: [Self; 4] = [Self::Join, Self::Audio, Self::Video, Self::Delay];

    const fn tag(self) -> &'static str {
        match self {
            Self::Join => "join=",
            Self::Audio => "audio=",
            Self::Video => "video=",
            Self::Delay => "delay=",
        }
    }

    pub(crate) const fn most(self) -> u64 {
        match self {
            Self::Join => MAX_SAMPLES,
            Self::Audio | Self::Video | Self::Delay => MAX_MS,
        }
    }
}

/// Good and all of each indicator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Experienced {
    /// Good ones, by [`Indicator`].
    pub good: [u64; 4],
    /// All of them.
    pub all: [u64; 4],
}

impl Experienced {
    /// Adds `all` of which `good` were good.
    pub fn add(&mut self, indicator: Indicator, good: u64, all: u64) {
        let i = indicator as usize;
        self.good[i] = self.good[i].saturating_add(good);
        self.all[i] = self.all[i].saturating_add(all);
    }

    /// The share of one.
    #[must_use]
    pub const fn share(&self, indicator: Indicator) -> Ratio {
        let i = indicator as usize;
        Ratio {
            num: self.good[i],
            den: self.all[i],
        }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all == [0; 4]
    }

    /// With the larger of what was bad in both, of the larger of all.
    fn with(self, other: Self) -> Self {
        let mut with = Self::default();
        for i in 0..4 {
            let bad = |e: &Self| e.all[i] - e.good[i];
            with.all[i] = self.all[i].max(other.all[i]);
            with.good[i] = with.all[i] - bad(&self).max(bad(&other));
        }
        with
    }

    /// Of two that contradict each other the worse, number by number: more that
    /// was bad, less that was good.
    fn worse(self, other: Self) -> Self {
        let mut worse = Self::default();
        for i in 0..4 {
            let bad = |e: &Self| e.all[i] - e.good[i];
            worse.good[i] = self.good[i].min(other.good[i]);
            worse.all[i] = worse.good[i] + bad(&self).max(bad(&other));
        }
        worse
    }
}

/// A minute in one region, as one source saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Experience {
    /// Which minute.
    pub minute: Minute,
    /// Where.
    pub region: Region,
    /// Who saw it.
    pub source: Source,
    /// What was counted.
    pub counts: Experienced,
}

impl Experience {
    /// Whether bounds and names are as they must be.
    pub fn check(&self) -> Result<(), RollupError> {
        if self.minute > Minute::MAX {
            return Err(RollupError::Minute);
        }
        if !self.source.is_valid() {
            return Err(RollupError::Source(self.source.kind().to_owned()));
        }
        for indicator in Indicator::ALL {
            let Ratio { num, den } = self.counts.share(indicator);
            for (what, given, most) in [
                ("good of an indicator", num, den),
                ("all of an indicator", den, indicator.most()),
            ] {
                if given > most {
                    return Err(RollupError::TooLarge { what, given, most });
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Experience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TAG} {} {} {}", self.minute, self.region, self.source)?;
        for indicator in Indicator::ALL {
            let share = self.counts.share(indicator);
            write!(f, " {}{}/{}", indicator.tag(), share.num, share.den)?;
        }
        Ok(())
    }
}

impl FromStr for Experience {
    type Err = RollupError;

    fn from_str(line: &str) -> Result<Self, RollupError> {
        let mut fields = Fields::new(line)?;
        fields.word(TAG)?;
        let minute = fields.next("a minute like `2026-09-01T00:00Z`", |text| {
            Minute::parse(text.as_bytes())
        })?;
        let region = fields.next("a region like `eu-west`", |text| {
            Region::from_str(text).ok()
        })?;
        let source = fields.next("a source like `server:a`", |text| {
            Source::from_str(text).ok()
        })?;
        let mut counts = Experienced::default();
        for indicator in Indicator::ALL {
            let tag = indicator.tag();
            let (good, all) = fields.next(&format!("`{tag}` and good/all"), |text| {
                let (good, all) = text.strip_prefix(tag)?.split_once('/')?;
                Some((canonical(good)?, canonical(all)?))
            })?;
            counts.add(indicator, good, all);
        }
        fields.end()?;
        let experience = Self {
            minute,
            region,
            source,
            counts,
        };
        experience.check()?;
        Ok(experience)
    }
}

/// Many of them, whatever the order and however often each came.
#[derive(Clone, Debug, Default)]
pub struct ExperienceTable {
    rows: BTreeMap<Region, BTreeMap<(Minute, Source), Experienced>>,
    len: usize,
}

impl ExperienceTable {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one. Of two that contradict each other the worse is kept, number by
    /// number.
    pub fn import(&mut self, experience: &Experience) -> Result<Imported, ImportError> {
        experience.check()?;
        let key = (experience.minute, experience.source.clone());
        let known = self
            .rows
            .get_mut(&experience.region)
            .and_then(|rows| rows.get_mut(&key));
        if let Some(known) = known {
            if *known == experience.counts {
                return Ok(Imported::Duplicate);
            }
            *known = known.worse(experience.counts);
            return Ok(Imported::Contradiction);
        }
        if self.len >= MAX_ROWS {
            return Err(ImportError::Full(self.len / 1440));
        }
        self.len += 1;
        let rows = self.rows.entry(experience.region.clone()).or_default();
        rows.insert(key, experience.counts);
        Ok(Imported::New)
    }

    /// All servers of a minute together; `None` where none says anything.
    #[must_use]
    pub fn servers(&self, region: &Region, minute: Minute) -> Option<Experienced> {
        self.sum(region, minute, &Source::Server(String::new()))
    }

    /// The same, and for each indicator the larger of what was bad for the servers
    /// and in clients' receipts: what clients saw bad was not good. `None` where no
    /// server says anything, whatever clients say.
    #[must_use]
    pub fn with_receipts(&self, region: &Region, minute: Minute) -> Option<Experienced> {
        let servers = self.servers(region, minute)?;
        let receipts = self.sum(region, minute, &Source::Receipts(String::new()));
        Some(receipts.map_or(servers, |receipts| servers.with(receipts)))
    }

    /// All sources of the kind of `first`, which is before all of its kind.
    fn sum(&self, region: &Region, minute: Minute, first: &Source) -> Option<Experienced> {
        let rows = self.rows.get(region)?;
        let mut sum = None;
        for ((at, source), counts) in rows.range((minute, first.clone())..) {
            if *at != minute || source.kind() != first.kind() {
                break;
            }
            let sum = sum.get_or_insert_with(Experienced::default);
            for indicator in Indicator::ALL {
                let share = counts.share(indicator);
                sum.add(indicator, share.num, share.den);
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn experience() -> impl Strategy<Value = Experience> {
        let count = |most: u64| (0..=most, 0..=most).prop_map(|(a, b)| (a.min(b), a.max(b)));
        let counts = (
            count(MAX_SAMPLES),
            count(MAX_MS),
            prop_oneof![count(2), count(MAX_MS)],
            count(MAX_MS),
        );
        (0..3_u32, "server:[ab]", counts).prop_map(|(minute, source, (a, b, c, d))| Experience {
            minute: Minute(29_000_000 + minute),
            region: "eu-west".parse().expect("a region"),
            source: source.parse().expect("a source"),
            counts: Experienced {
                good: [a.0, b.0, c.0, d.0],
                all: [a.1, b.1, c.1, d.1],
            },
        })
    }

    proptest! {
        #[test]
        fn an_experience_survives_its_line(experience in experience()) {
            let line = experience.to_string();
            prop_assert!(line.len() <= super::super::line::MAX_LINE);
            prop_assert_eq!(line.parse::<Experience>(), Ok(experience));
        }

        #[test]
        fn order_and_copies_change_nothing(all in prop::collection::vec(experience(), 0..20)) {
            let table = |all: &[Experience]| {
                let mut table = ExperienceTable::new();
                for experience in all {
                    table.import(experience).expect("imported");
                }
                table.rows
            };
            let mut reversed: Vec<_> = all.iter().rev().cloned().collect();
            reversed.extend(all.clone());
            prop_assert_eq!(table(&all), table(&reversed));
        }
    }

    #[test]
    fn a_wrong_line_says_where() {
        let head = "experience 2026-09-01T00:00Z eu-west server:a";
        for (rest, expected) in [
            ("join=1/2", "column 55: expected `audio=` and good/all"),
            ("join=1 audio=", "column 47: expected `join=` and good/all"),
            (
                "join=3/2 audio=0/0 video=0/0 delay=0/0",
                "good of an indicator: 3 is more than the 2 that one source can see in a minute",
            ),
        ] {
            let line = format!("{head} {rest}");
            let error = line.parse::<Experience>().expect_err(&line);
            assert_eq!(error.to_string(), expected);
        }
    }
}
