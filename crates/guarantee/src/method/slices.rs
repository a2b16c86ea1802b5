//! Timeslices and ratio-timeslices: the window cut into slices of equal length,
//! from its start on.
//!
//! A slice's share is good / all of its samples, and never more than the share
//! of its minutes of which anything is known. Below the floor it is the share
//! of its minutes that the probes saw good.

use super::minutes::{Known, Minutes, Seen};
use super::probes::Verdict;
use super::{Measured, Runs, Tally, Used};
use crate::ratio::{Percent, Ratio};
use crate::rollup::Minute;

/// A slice's share is a whole number of these parts, rounded half up. The sum
/// of ten years of one-minute slices still fits into 64 bits.
pub const SHARE_PARTS: u64 = 1_000_000_000_000;

/// A slice in the making.
#[derive(Default)]
struct Slice {
    index: u32,
    minutes: Vec<Minute>,
    known: u64,
    good: u64,
    bad: u64,
    probes_good: u64,
    probes_unknown: u64,
}

/// A finished one.
struct Share {
    num: u128,
    den: u128,
    by_probes: bool,
    no_data: bool,
}

impl Share {
    fn reaches(&self, target: Percent) -> bool {
        // At most 60 minutes × 10⁹ samples × a hundred thousand sources × 10⁸:
        // far below 2¹²⁸.
        let whole = u128::from(Percent::WHOLE);
        !self.no_data && self.num * whole >= u128::from(target.units()) * self.den
    }

    fn parts(&self) -> u64 {
        let twice = self.num * u128::from(SHARE_PARTS) * 2 + self.den;
        u64::try_from(twice / (self.den * 2)).unwrap_or(SHARE_PARTS)
    }
}

impl Slice {
    fn add(&mut self, seen: &Seen) {
        self.minutes.push(seen.minute);
        if seen.known == Known::Missing {
            return;
        }
        self.known += 1;
        self.good = self.good.saturating_add(seen.counts.good);
        self.bad = self.bad.saturating_add(seen.counts.bad);
        match seen.probes {
            Verdict::Good => self.probes_good += 1,
            Verdict::Bad => {}
            Verdict::Unknown => self.probes_unknown += 1,
        }
    }

    fn share(&self, floor: u64) -> Share {
        let minutes = self.minutes.len() as u128;
        let samples = u128::from(self.good) + u128::from(self.bad);
        if samples >= u128::from(floor) {
            return Share {
                num: u128::from(self.good) * u128::from(self.known),
                den: samples * minutes,
                by_probes: false,
                no_data: false,
            };
        }
        let no_data = self.known == self.probes_unknown;
        Share {
            num: u128::from(self.probes_good),
            den: minutes,
            by_probes: !no_data,
            no_data,
        }
    }
}

pub(super) fn timeslices(minutes: &mut Minutes<'_>, length: u32, good_from: Percent) -> Measured {
    let (tally, bad, _) = cut(minutes, length, good_from);
    Measured {
        primary: Ratio {
            num: tally.good,
            den: tally.good + tally.bad,
        },
        guard: None,
        used: Used::Timeslices,
        tally,
        bad,
    }
}

pub(super) fn ratio_timeslices(
    minutes: &mut Minutes<'_>,
    length: u32,
    target: Percent,
) -> Measured {
    let (tally, bad, parts) = cut(minutes, length, target);
    let slices = u128::from(tally.good + tally.bad);
    Measured {
        primary: Ratio::from_wide(parts, slices * u128::from(SHARE_PARTS)),
        guard: None,
        used: Used::RatioTimeslices,
        tally,
        bad,
    }
}

/// Good and bad slices, the bad ones' minutes, and the sum of the shares.
fn cut(minutes: &mut Minutes<'_>, length: u32, good_from: Percent) -> (Tally, Runs, u128) {
    let (from, floor) = (minutes.first(), minutes.floor());
    let mut sums = (Tally::default(), Runs::default(), 0_u128);
    let mut slice = Slice::default();
    minutes.each(|seen| {
        let index = (seen.minute.0 - from.0) / length;
        if index != slice.index {
            finish(&mut slice, floor, good_from, &mut sums);
            slice.index = index;
        }
        slice.add(seen);
    });
    finish(&mut slice, floor, good_from, &mut sums);
    sums
}

fn finish(
    slice: &mut Slice,
    floor: u64,
    good_from: Percent,
    (tally, bad, parts): &mut (Tally, Runs, u128),
) {
    // A slice that is excluded as a whole has no minutes and does not count.
    if slice.minutes.is_empty() {
        return;
    }
    let share = slice.share(floor);
    *parts += u128::from(share.parts());
    tally.by_probes += u64::from(share.by_probes);
    tally.no_data += u64::from(share.no_data);
    if share.reaches(good_from) {
        tally.good += 1;
    } else {
        tally.bad += 1;
        for &minute in &slice.minutes {
            bad.push(minute);
        }
    }
    let mut minutes = std::mem::take(&mut slice.minutes);
    minutes.clear();
    *slice = Slice {
        minutes,
        ..Slice::default()
    };
}
