//! Quality of experience as good and bad one-minute units.
//!
//! The levels are those of the strictest published agreement: a unit is bad if
//! fewer than 95 % of the attempts joined within 5 s, if more than 3 % of the
//! audio time or more than 5 % of the video time froze, or if less than 90 % of
//! the media time had a delay of at most 400 ms. Each indicator has its own rate
//! of good units; which rate picks which credit stands in the contract's
//! remedies.
//!
//! Other than there, a unit below the floor is not left out: the probes decide,
//! and without them it is bad.

use serde::{Deserialize, Serialize};

use super::probes::{Verdict, Votes};
use super::{EvaluateError, MAX_PERIOD_MINUTES, Tally};
use crate::exclusion::{ValidExclusion, excluded};
use crate::interval::Interval;
use crate::module::{Module, Region};
use crate::ratio::{Percent, Ratio};
use crate::rollup::experience::{ExperienceTable, Experienced, Indicator};
use crate::rollup::{MINUTE_MS, Minute, RollupTable, Source};

/// When a unit of one indicator is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitRule {
    /// From this share on.
    pub good_from: Percent,
    /// With fewer attempts, or milliseconds, probes decide.
    pub floor: u64,
}

/// The rules of all four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitRules {
    /// Attempts.
    pub join: UnitRule,
    /// Milliseconds of audio.
    pub audio: UnitRule,
    /// Milliseconds of video.
    pub video: UnitRule,
    /// Milliseconds of media.
    pub delay: UnitRule,
}

impl Default for UnitRules {
    fn default() -> Self {
        let rule = |millionths, floor| UnitRule {
            good_from: Percent::from_units(millionths).unwrap_or(Percent::ONE),
            floor,
        };
        Self {
            join: rule(95_000_000, 100),
            audio: rule(97_000_000, 100 * MINUTE_MS),
            video: rule(95_000_000, 100 * MINUTE_MS),
            delay: rule(90_000_000, 100 * MINUTE_MS),
        }
    }
}

impl UnitRules {
    /// The rule of one.
    #[must_use]
    pub const fn rule(&self, indicator: Indicator) -> UnitRule {
        match indicator {
            Indicator::Join => self.join,
            Indicator::Audio => self.audio,
            Indicator::Video => self.video,
            Indicator::Delay => self.delay,
        }
    }
}

/// What a minute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// The share was reached.
    Good,
    /// It was not.
    Bad,
    /// Too few samples. Probes decide.
    BelowFloor,
}

impl UnitRule {
    /// Judges one minute.
    #[must_use]
    pub fn unit(&self, share: Ratio) -> Unit {
        if share.den < self.floor.max(1) {
            Unit::BelowFloor
        } else if share.reaches(self.good_from) {
            Unit::Good
        } else {
            Unit::Bad
        }
    }
}

/// Units of one indicator over a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct IndicatorResult {
    /// Which.
    pub indicator: Indicator,
    /// Units, counted.
    pub tally: Tally,
}

impl IndicatorResult {
    /// Share of good units.
    #[must_use]
    pub const fn rate(&self) -> Ratio {
        Ratio {
            num: self.tally.good,
            den: self.tally.good + self.tally.bad,
        }
    }
}

/// Whose view counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seers {
    /// That of the servers.
    Servers,
    /// That of the servers, and of clients' receipts where it is worse: whoever
    /// signs nothing, or only what is good, changes nothing.
    Receipts,
}

/// Counts good and bad units of each indicator in `region` over `period`.
/// Probes are taken from `table`: those of `join` for joins, those of `media`
/// for the rest, and so are exclusions.
pub fn evaluate_indicators(
    rules: &UnitRules,
    experiences: &ExperienceTable,
    table: &RollupTable,
    seers: Seers,
    (region, period): (&Region, Interval),
    exclusions: &[ValidExclusion],
) -> Result<[IndicatorResult; 4], EvaluateError> {
    let (from, to) = Minute::within(period);
    if from >= to {
        return Err(EvaluateError::EmptyPeriod(period));
    }
    if to.0 - from.0 > MAX_PERIOD_MINUTES {
        return Err(EvaluateError::LongPeriod(period));
    }
    let left_out =
        [Module::Join, Module::Media].map(|module| minutes_of(exclusions, module, region));
    let mut results = Indicator::ALL.map(|indicator| IndicatorResult {
        indicator,
        tally: Tally::default(),
    });
    for minute in (from.0..to.0).map(Minute) {
        let seen = match seers {
            Seers::Servers => experiences.servers(region, minute),
            Seers::Receipts => experiences.with_receipts(region, minute),
        };
        for result in &mut results {
            let module = module_of(result.indicator);
            let left_out = &left_out[usize::from(module == Module::Media)];
            if is_in(left_out, minute) {
                result.tally.excluded_minutes += 1;
                continue;
            }
            let probes = || probes_say(table, module, region, minute);
            judge(rules, seen, probes, result);
        }
    }
    Ok(results)
}

const fn module_of(indicator: Indicator) -> Module {
    match indicator {
        Indicator::Join => Module::Join,
        Indicator::Audio | Indicator::Video | Indicator::Delay => Module::Media,
    }
}

fn minutes_of(
    exclusions: &[ValidExclusion],
    module: Module,
    region: &Region,
) -> Vec<(Minute, Minute)> {
    let excluded = excluded(exclusions, module, region);
    excluded
        .parts()
        .iter()
        .map(|&part| Minute::within(part))
        .collect()
}

fn is_in(runs: &[(Minute, Minute)], minute: Minute) -> bool {
    let after = runs.partition_point(|run| run.0 <= minute);
    after > 0 && minute < runs[after - 1].1
}

fn judge(
    rules: &UnitRules,
    seen: Option<Experienced>,
    probes: impl Fn() -> Verdict,
    result: &mut IndicatorResult,
) {
    let tally = &mut result.tally;
    // Nobody can say: bad, whatever the probes saw.
    let Some(seen) = seen else {
        tally.no_data += 1;
        tally.bad += 1;
        return;
    };
    let rule = rules.rule(result.indicator);
    let good = match rule.unit(seen.share(result.indicator)) {
        Unit::Good => true,
        Unit::Bad => false,
        Unit::BelowFloor => {
            let verdict = probes();
            if verdict == Verdict::Unknown {
                tally.no_data += 1;
            } else {
                tally.by_probes += 1;
            }
            verdict == Verdict::Good
        }
    };
    *(if good {
        &mut tally.good
    } else {
        &mut tally.bad
    }) += 1;
}

fn probes_say(table: &RollupTable, module: Module, region: &Region, minute: Minute) -> Verdict {
    let mut votes = Votes::default();
    for (source, column) in table.columns(module, region) {
        if let (Source::Probe(_), Some(cell)) = (source, column.get(minute)) {
            votes.add(cell.state, cell.counts);
        }
    }
    votes.verdict()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollup::Rollup;
    use crate::rollup::experience::Experience;

    /// Reference, worked examples, and the same border of the other three.
    #[test]
    fn units_are_judged_by_share_and_floor() {
        let minutes = |n: u64| n * MINUTE_MS;
        for (indicator, good, all, expected) in [
            (Indicator::Join, 99, 99, Unit::BelowFloor),
            (Indicator::Join, 0, 99, Unit::BelowFloor),
            (Indicator::Join, 94, 100, Unit::Bad),
            (Indicator::Join, 95, 100, Unit::Good),
            (Indicator::Audio, minutes(97), minutes(100), Unit::Good),
            (Indicator::Audio, minutes(97) - 1, minutes(100), Unit::Bad),
            (Indicator::Video, minutes(95), minutes(100), Unit::Good),
            (Indicator::Video, minutes(95) - 1, minutes(100), Unit::Bad),
            (Indicator::Delay, minutes(90), minutes(100), Unit::Good),
            (Indicator::Delay, minutes(90) - 1, minutes(100), Unit::Bad),
            (
                Indicator::Delay,
                minutes(99),
                minutes(100) - 1,
                Unit::BelowFloor,
            ),
        ] {
            let rule = UnitRules::default().rule(indicator);
            let unit = rule.unit(Ratio {
                num: good,
                den: all,
            });
            assert_eq!(unit, expected, "{indicator:?} {good} of {all}");
        }
    }

    #[test]
    fn below_the_floor_probes_decide_and_missing_is_bad() {
        let region: Region = "eu-west".parse().expect("a region");
        let start = 29_671_200;
        let mut experiences = ExperienceTable::new();
        for (minute, good, all) in [(0, 95, 100), (1, 94, 100), (2, 0, 0), (3, 5, 5)] {
            let mut counts = Experienced::default();
            counts.add(Indicator::Join, good, all);
            let experience = Experience {
                minute: Minute(start + minute),
                region: region.clone(),
                source: Source::Server("a".to_owned()),
                counts,
            };
            experiences.import(&experience).expect("imported");
        }
        let mut table = RollupTable::new();
        // The probes see minutes 2 and 4, of which the servers say nothing.
        for minute in [2, 4] {
            for probe in ["a", "b", "c"] {
                let rollup = Rollup {
                    good: 1,
                    state: crate::rollup::RollupState::Measured,
                    ..Rollup::no_data(
                        Minute(start + minute),
                        Module::Join,
                        region.clone(),
                        Source::Probe(probe.to_owned()),
                    )
                };
                table.import(&rollup, None).expect("imported");
            }
        }
        let period = Minute::span(Minute(start), Minute(start + 5));
        let rules = UnitRules::default();
        let evaluate = |seers, experiences: &ExperienceTable| {
            let place = (&region, period);
            evaluate_indicators(&rules, experiences, &table, seers, place, &[])
        };
        let results = evaluate(Seers::Servers, &experiences);
        let [join, audio, ..] = results.expect("evaluated");
        let expected = Tally {
            good: 2,
            bad: 3,
            no_data: 2,
            by_probes: 1,
            excluded_minutes: 0,
        };
        assert_eq!(join.tally, expected);
        assert_eq!((join.rate().num, join.rate().den), (2, 5));
        assert_eq!((audio.tally.good, audio.tally.no_data), (0, 5));
        // Clients saw a join fail more in the first minute, and one well in the
        // second, which the servers did not: the worse counts, where it is asked.
        for (minute, good, all) in [(0, 10, 16), (1, 100, 100), (4, 100, 100)] {
            let mut counts = Experienced::default();
            counts.add(Indicator::Join, good, all);
            let experience = Experience {
                minute: Minute(start + minute),
                region: region.clone(),
                source: Source::Receipts("a".to_owned()),
                counts,
            };
            experiences.import(&experience).expect("imported");
        }
        let results = evaluate(Seers::Servers, &experiences);
        assert_eq!(results.expect("evaluated")[0].tally, expected);
        let results = evaluate(Seers::Receipts, &experiences);
        let with = Tally {
            good: 1,
            bad: 4,
            ..expected
        };
        assert_eq!(results.expect("evaluated")[0].tally, with);
    }
}
