//! Occurrences: good / all samples of the window.
//!
//! The window is one slice: if it has fewer samples than the floor, the probes
//! decide each of its minutes. Otherwise a minute without samples counts as one
//! sample, as the probes saw it.

use super::minutes::{Known, Minutes};
use super::probes::Verdict;
use super::session_seconds::by_probes;
use super::{Measured, Runs, Tally, Used};
use crate::ratio::{Percent, Ratio};

pub(super) fn measure(minutes: &mut Minutes<'_>, target: Percent) -> Measured {
    let floor = u128::from(minutes.floor());
    let (mut good, mut bad, mut samples) = (0_u128, 0_u128, 0_u128);
    let mut of_probes = Tally::default();
    let mut by_samples = Tally::default();
    let (mut bad_by_probes, mut bad_by_samples) = (Runs::default(), Runs::default());
    minutes.each(|seen| {
        let missing = seen.known == Known::Missing;
        let (some_good, some_bad) = (u128::from(seen.counts.good), u128::from(seen.counts.bad));
        if !missing {
            samples += some_good + some_bad;
        }
        let probes_good = !missing && seen.probes == Verdict::Good;
        if missing {
            of_probes.no_data += 1;
        } else {
            by_probes(seen, &mut of_probes);
        }
        decide(probes_good, seen.minute, &mut of_probes, &mut bad_by_probes);
        let fine = if some_good + some_bad == 0 {
            by_probes(seen, &mut by_samples);
            *(if probes_good { &mut good } else { &mut bad }) += 1;
            probes_good
        } else {
            good += some_good;
            bad += some_bad;
            by_samples.no_data += u64::from(missing);
            !missing && Ratio::from_wide(some_good, some_good + some_bad).reaches(target)
        };
        decide(fine, seen.minute, &mut by_samples, &mut bad_by_samples);
    });
    let few = samples < floor;
    let primary = if few {
        Ratio {
            num: of_probes.good,
            den: of_probes.good + of_probes.bad,
        }
    } else {
        Ratio::from_wide(good, good + bad)
    };
    Measured {
        primary,
        guard: None,
        used: Used::Occurrences,
        tally: if few { of_probes } else { by_samples },
        bad: if few { bad_by_probes } else { bad_by_samples },
    }
}

fn decide(good: bool, minute: crate::rollup::Minute, tally: &mut Tally, bad: &mut Runs) {
    if good {
        tally.good += 1;
    } else {
        tally.bad += 1;
        bad.push(minute);
    }
}
