//! How fast the error budget burns: several windows, long and short, over the
//! rollups of one line.
//!
//! The pairs are those of the reference ("Specs to speak"), for a budget of 30
//! days. A pair fires when both its windows burn faster than its rate: the long
//! one says that it matters, the short one that it is still going on.

use std::cmp::Ordering;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ratio::{Percent, Ratio};
use crate::rollup::Minute;

/// What a firing pair asks for. `Page < Ticket`: the smaller is more urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alert {
    /// Somebody has to get up.
    Page,
    /// Somebody has to look at it in the day.
    Ticket,
}

/// Two windows and a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Pair {
    /// Minutes of the long window.
    pub long: u32,
    /// Minutes of the short window.
    pub short: u32,
    /// Tenths of the rate at which the budget lasts exactly 30 days.
    pub rate_tenths: u32,
    /// What it asks for.
    pub alert: Alert,
}

/// Burn 2 % of a month's budget in 1 h, 5 % in 6 h, 10 % in 1 d, 10 % in 3 d.
pub const PAIRS: [Pair; 4] = [
    pair(60, 5, 144, Alert::Page),
    pair(6 * 60, 30, 60, Alert::Page),
    pair(24 * 60, 2 * 60, 30, Alert::Ticket),
    pair(72 * 60, 6 * 60, 10, Alert::Ticket),
];

/// Minutes that are kept: the longest window. 69 kB for a line.
const KEPT: usize = 72 * 60;

const fn pair(long: u32, short: u32, rate_tenths: u32, alert: Alert) -> Pair {
    Pair {
        long,
        short,
        rate_tenths,
        alert,
    }
}

/// A minute of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burned {
    /// Good and bad, in milliseconds of sessions or in samples, as the line is
    /// measured. Both 0 = nothing happened.
    Counted {
        /// Good ones.
        good: u64,
        /// Bad ones.
        bad: u64,
    },
    /// Nobody can say: all bad, and as much as in the minute before, one at
    /// least.
    NoData,
}

/// A minute came too late to matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("minute {minute} is before the three days that are watched, which start at {oldest}")]
pub struct TooLate {
    /// The minute.
    pub minute: Minute,
    /// The oldest that is watched.
    pub oldest: Minute,
}

/// What a pair says now.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PairState {
    /// Which.
    pub pair: Pair,
    /// Share that was bad in the long window.
    pub long: Ratio,
    /// Share that was bad in the short window.
    pub short: Ratio,
    /// Whether both burn faster than the pair's rate.
    pub firing: bool,
}

/// What the line says now.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BurnState {
    /// The last minute that is known.
    pub minute: Minute,
    /// The most urgent of the firing pairs.
    pub alert: Option<Alert>,
    /// All pairs.
    pub pairs: [PairState; 4],
    /// The first bad minute in the shortest long window that fires: clocks start
    /// there.
    pub first_bad: Option<Minute>,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    good: u64,
    bad: u64,
}

impl Cell {
    const fn all(self) -> u128 {
        self.good as u128 + self.bad as u128
    }
}

/// Bad and all of a window.
#[derive(Clone, Copy, Default)]
struct Sum {
    bad: u128,
    all: u128,
}

/// Watches one line. A minute costs the same however much came before.
pub struct BurnDetector {
    /// What the target leaves.
    budget: Percent,
    /// The last minutes, the latest at the back, without holes.
    minutes: VecDeque<Cell>,
    last: Option<Minute>,
    /// Long and short of each pair.
    sums: [[Sum; 2]; 4],
}

impl BurnDetector {
    /// Watches a line with this target. A target of 100 % leaves no budget:
    /// whatever is bad then burns infinitely fast.
    #[must_use]
    pub fn new(target: Percent) -> Self {
        Self {
            budget: target.complement(),
            minutes: VecDeque::with_capacity(KEPT),
            last: None,
            sums: [[Sum::default(); 2]; 4],
        }
    }

    /// Takes a minute. Minutes that were jumped over have no data. A minute that
    /// is known already is replaced, so corrections and copies do no harm.
    pub fn handle_minute(&mut self, minute: Minute, burned: Burned) -> Result<BurnState, TooLate> {
        let Some(last) = self.last.filter(|&last| minute <= last) else {
            self.skip_to(minute);
            let cell = self.cell(burned, self.minutes.len());
            self.push(cell);
            self.last = Some(minute);
            return Ok(self.state(minute));
        };
        let oldest = Minute(last.0 + 1 - u32::try_from(self.minutes.len()).unwrap_or(u32::MAX));
        if minute < oldest {
            return Err(TooLate { minute, oldest });
        }
        let at = (minute.0 - oldest.0) as usize;
        let cell = self.cell(burned, at);
        self.replace(at, cell);
        Ok(self.state(last))
    }

    /// What is known now; `None` before the first minute.
    #[must_use]
    pub fn poll_state(&self) -> Option<BurnState> {
        self.last.map(|last| self.state(last))
    }

    /// Share that was bad in the last `minutes`; `None` if there are not so many
    /// or none is asked for.
    #[must_use]
    pub fn share(&self, minutes: u32) -> Option<Ratio> {
        let skipped = self.minutes.len().checked_sub(minutes as usize)?;
        let cells = self.minutes.iter().skip(skipped);
        let sum = cells.fold(Sum::default(), |sum, cell| Sum {
            bad: sum.bad + u128::from(cell.bad),
            all: sum.all + cell.all(),
        });
        (minutes > 0).then(|| Ratio::from_wide(sum.bad, sum.all))
    }

    /// The same, only if the first of these minutes had something bad: then they
    /// are minutes since a bad sample, as severity counts them.
    #[must_use]
    pub fn share_since_bad(&self, minutes: u32) -> Option<Ratio> {
        let first = self.minutes.len().checked_sub(minutes as usize)?;
        let began = self.minutes.get(first).is_some_and(|cell| cell.bad > 0);
        self.share(minutes).filter(|_| began)
    }

    fn skip_to(&mut self, minute: Minute) {
        let Some(last) = self.last else {
            return;
        };
        let missing = (minute.0 - last.0 - 1) as usize;
        // More than all windows hold: the older part would fall out at once.
        for _ in 0..missing.min(KEPT) {
            let cell = self.cell(Burned::NoData, self.minutes.len());
            self.push(cell);
        }
    }

    fn cell(&self, burned: Burned, at: usize) -> Cell {
        match burned {
            Burned::Counted { good, bad } => Cell { good, bad },
            Burned::NoData => {
                let before = at.checked_sub(1).and_then(|at| self.minutes.get(at));
                let all = before.map_or(0, |cell| cell.good.saturating_add(cell.bad));
                Cell {
                    good: 0,
                    bad: all.max(1),
                }
            }
        }
    }

    fn push(&mut self, cell: Cell) {
        for (sums, pair) in self.sums.iter_mut().zip(PAIRS) {
            for (sum, window) in sums.iter_mut().zip([pair.long, pair.short]) {
                sum.bad += u128::from(cell.bad);
                sum.all += cell.all();
                let leaves = self.minutes.len().checked_sub(window as usize);
                if let Some(old) = leaves.and_then(|at| self.minutes.get(at)) {
                    sum.bad -= u128::from(old.bad);
                    sum.all -= old.all();
                }
            }
        }
        if self.minutes.len() == KEPT {
            self.minutes.pop_front();
        }
        self.minutes.push_back(cell);
    }

    fn replace(&mut self, at: usize, cell: Cell) {
        let age = self.minutes.len() - at;
        let Some(slot) = self.minutes.get_mut(at) else {
            return;
        };
        let old = std::mem::replace(slot, cell);
        for (sums, pair) in self.sums.iter_mut().zip(PAIRS) {
            for (sum, window) in sums.iter_mut().zip([pair.long, pair.short]) {
                if age <= window as usize {
                    sum.bad = sum.bad + u128::from(cell.bad) - u128::from(old.bad);
                    sum.all = sum.all + cell.all() - old.all();
                }
            }
        }
    }

    fn state(&self, minute: Minute) -> BurnState {
        let mut i = 0;
        let pairs = PAIRS.map(|pair| {
            let [long, short] = self.sums[i].map(|sum| Ratio::from_wide(sum.bad, sum.all));
            i += 1;
            // Before the short window is full a single bad attempt after a
            // restart would wake somebody.
            let enough = self.minutes.len() >= pair.short as usize;
            let fast = |ratio| self.burns_faster(ratio, pair.rate_tenths);
            PairState {
                pair,
                long,
                short,
                firing: enough && fast(long) && fast(short),
            }
        });
        let firing = pairs.iter().filter(|state| state.firing);
        let first = firing.clone().map(|state| state.pair.long).min();
        BurnState {
            minute,
            alert: firing.map(|state| state.pair.alert).min(),
            pairs,
            first_bad: first.and_then(|window| self.first_bad(minute, window)),
        }
    }

    /// bad / all > rate × (1 − target), without a division.
    fn burns_faster(&self, ratio: Ratio, rate_tenths: u32) -> bool {
        let left = u128::from(ratio.num) * 10 * u128::from(Percent::WHOLE);
        let right = u128::from(ratio.den) * u128::from(rate_tenths);
        let right = right * u128::from(self.budget.units());
        left.cmp(&right) == Ordering::Greater
    }

    fn first_bad(&self, last: Minute, window: u32) -> Option<Minute> {
        let skipped = self.minutes.len().saturating_sub(window as usize);
        let at = self
            .minutes
            .iter()
            .skip(skipped)
            .position(|cell| cell.bad > 0)?;
        let age = u32::try_from(self.minutes.len() - skipped - at).ok()?;
        Some(Minute(last.0 + 1 - age))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: u32 = 29_671_200;

    fn detector(target: &str) -> BurnDetector {
        BurnDetector::new(target.parse().expect("a share"))
    }

    #[test]
    fn shares_of_the_last_minutes_are_told() {
        let mut detector = detector("99.9%");
        assert!(detector.share(1).is_none());
        for (at, bad) in [0, 500, 1000].into_iter().enumerate() {
            let burned = Burned::Counted {
                good: 1000 - bad,
                bad,
            };
            let minute = Minute(START + u32::try_from(at).expect("few"));
            detector.handle_minute(minute, burned).expect("in time");
        }
        let counts = |ratio: Option<Ratio>| ratio.map(|r| (r.num, r.den));
        assert_eq!(counts(detector.share(3)), Some((1500, 3000)));
        assert_eq!(counts(detector.share_since_bad(3)), None);
        assert_eq!(counts(detector.share_since_bad(2)), Some((1500, 2000)));
        assert_eq!(counts(detector.share(0)), None);
        assert_eq!(counts(detector.share_since_bad(0)), None);
        assert_eq!(counts(detector.share(4)), None);
    }

    /// Bad of a thousand in each minute, run by run.
    fn run(target: &str, runs: &[(u32, u64)]) -> BurnState {
        let mut detector = detector(target);
        let mut minute = START;
        for &(minutes, bad) in runs {
            for _ in 0..minutes {
                let burned = Burned::Counted {
                    good: 1000 - bad,
                    bad,
                };
                detector
                    .handle_minute(Minute(minute), burned)
                    .expect("in time");
                minute += 1;
            }
        }
        detector.poll_state().expect("known")
    }

    #[test]
    fn both_windows_must_burn() {
        let clean = (72 * 60, 0);
        for (name, runs, firing) in [
            // Reference: 2 % for 1 h of 99.9 %; the same, then 5 minutes clean.
            (
                "2 % for an hour",
                vec![clean, (60, 20)],
                [true, false, false, false],
            ),
            (
                "then 5 minutes clean",
                vec![clean, (60, 20), (5, 0)],
                [false; 4],
            ),
            (
                "one minute clean is not enough",
                vec![clean, (60, 20), (1, 0)],
                [true, false, false, false],
            ),
            ("no budget burned", vec![clean], [false; 4]),
            (
                "0.7 % for 6 hours",
                vec![clean, (360, 7)],
                [false, true, false, false],
            ),
            (
                "0.6 % is not more than 6 times",
                vec![clean, (360, 6)],
                [false, false, false, false],
            ),
            (
                "0.4 % for a day",
                vec![clean, (1440, 4)],
                [false, false, true, true],
            ),
            (
                "0.2 % for 3 days",
                vec![(72 * 60, 2)],
                [false, false, false, true],
            ),
            (
                "0.1 % for 3 days is the budget",
                vec![(72 * 60, 1)],
                [false; 4],
            ),
            ("all down for 5 minutes", vec![clean, (5, 1000)], [true; 4]),
        ] {
            let state = run("99.9%", &runs);
            let found = state.pairs.map(|pair| pair.firing);
            assert_eq!(found, firing, "{name}");
        }
    }

    #[test]
    fn a_page_comes_before_a_ticket_and_knows_its_start() {
        let state = run("99.9%", &[(72 * 60, 0), (30, 50)]);
        assert_eq!(state.alert, Some(Alert::Page));
        assert_eq!(state.first_bad, Some(Minute(START + 72 * 60)));
        assert_eq!(run("99.9%", &[(1440, 4)]).alert, Some(Alert::Ticket));
        assert_eq!(run("99.9%", &[(1440, 0)]).alert, None);
        assert_eq!(run("99.9%", &[(1440, 0)]).first_bad, None);
    }

    #[test]
    fn missing_minutes_burn() {
        let mut detector = detector("99.9%");
        let fine = Burned::Counted { good: 500, bad: 0 };
        for minute in 0..120 {
            detector
                .handle_minute(Minute(START + minute), fine)
                .expect("in time");
        }
        let state = detector
            .handle_minute(Minute(START + 126), fine)
            .expect("in time");
        let short = state.pairs[0].short;
        assert_eq!((short.num, short.den), (2000, 2500));
        assert_eq!(state.alert, Some(Alert::Page));
        // What was missing arrives.
        for minute in 120..126 {
            detector
                .handle_minute(Minute(START + minute), fine)
                .expect("in time");
        }
        assert_eq!(detector.poll_state().and_then(|state| state.alert), None);
        // Years later only the kept minutes are filled.
        detector
            .handle_minute(Minute(START + 5_000_000), fine)
            .expect("in time");
        assert_eq!(detector.minutes.len(), KEPT);
        let late = detector.handle_minute(Minute(START), fine);
        assert!(late.is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The running sums are what a sum over the window would be, also after
        /// corrections.
        #[test]
        fn sums_are_those_of_the_windows(
            minutes in prop::collection::vec((0..3_u64, 0..3_u64), 1..500),
            corrections in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u64), 0..20),
        ) {
            let mut detector = detector("99%");
            let mut cells = minutes;
            for (minute, &(good, bad)) in (START..).zip(&cells) {
                detector.handle_minute(Minute(minute), Burned::Counted { good, bad }).expect("in time");
            }
            for (at, bad) in corrections {
                let at = at.index(cells.len());
                cells[at].1 = bad;
                let burned = Burned::Counted { good: cells[at].0, bad };
                detector.handle_minute(Minute(START + at as u32), burned).expect("in time");
            }
            let state = detector.poll_state().expect("known");
            for pair in state.pairs {
                for (window, ratio) in [(pair.pair.long, pair.long), (pair.pair.short, pair.short)] {
                    let kept = &cells[cells.len().saturating_sub(window as usize)..];
                    let bad: u64 = kept.iter().map(|c| c.1).sum();
                    let all: u64 = kept.iter().map(|c| c.0 + c.1).sum();
                    prop_assert_eq!((ratio.num, ratio.den), (bad, all));
                }
            }
        }
    }
}
