//! The primary measure: up / (up + down) milliseconds of sessions, guarded by
//! one-minute timeslices.
//!
//! In a minute below the floor the sessions that were there count, and the
//! probes beside them as one session of their own.

use std::cmp::Ordering;

use super::minutes::{Known, Minutes, Seen};
use super::probes::Verdict;
use super::{Measured, Runs, Tally, Used};
use crate::ratio::{Percent, Ratio};
use crate::rollup::MINUTE_MS;

pub(super) fn measure(minutes: &mut Minutes<'_>, good_from: Percent) -> Measured {
    let (mut up, mut down) = (0_u128, 0_u128);
    let mut tally = Tally::default();
    let mut bad = Runs::default();
    minutes.each(|seen| {
        up += u128::from(seen.counts.up_ms);
        down += u128::from(seen.counts.down_ms);
        let good = if seen.known == Known::Missing {
            tally.no_data += 1;
            false
        } else if seen.below_floor {
            let good = by_probes(seen, &mut tally);
            *(if good { &mut up } else { &mut down }) += u128::from(MINUTE_MS);
            good
        } else {
            share(seen).reaches(good_from)
        };
        if good {
            tally.good += 1;
        } else {
            tally.bad += 1;
            bad.push(seen.minute);
        }
    });
    let primary = Ratio::from_wide(up, up + down);
    let guard = Ratio {
        num: tally.good,
        den: tally.good + tally.bad,
    };
    let worse = guard.compare(primary) == Ordering::Less;
    Measured {
        primary,
        guard: Some(guard),
        used: if worse {
            Used::Guard
        } else {
            Used::SessionSeconds
        },
        tally,
        bad,
    }
}

pub(super) fn by_probes(seen: &Seen, tally: &mut Tally) -> bool {
    match seen.probes {
        Verdict::Unknown => tally.no_data += 1,
        Verdict::Good | Verdict::Bad => tally.by_probes += 1,
    }
    seen.probes == Verdict::Good
}

/// Of the time; of the samples where a source counts no time.
fn share(seen: &Seen) -> Ratio {
    let counts = seen.counts;
    let time = counts.up_ms + counts.down_ms;
    if time > 0 {
        Ratio {
            num: counts.up_ms,
            den: time,
        }
    } else {
        Ratio {
            num: counts.good,
            den: counts.good + counts.bad,
        }
    }
}
