//! What probes say of a minute.

use crate::rollup::{Counts, RollupState};

/// Vantages that must have measured, at least: with fewer, one broken line at a
/// vantage would be a third of the evidence or more.
pub const MIN_VANTAGES: u32 = 3;

/// Vantages that must agree before it is an outage of the service.
pub const MIN_AGREEING: u32 = 2;

/// The probes' answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Enough vantages, fewer than two of them bad.
    Good,
    /// Enough vantages, two or more of them bad.
    Bad,
    /// Too few vantages could measure.
    #[default]
    Unknown,
}

/// Votes of the vantages in one minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    good: u32,
    bad: u32,
}

impl Votes {
    /// Counts one vantage. It votes good if more of its rounds were good than
    /// bad. One that could not measure, or did not, has no vote: a probe's own
    /// failure is not an outage.
    pub fn add(&mut self, state: RollupState, counts: Counts) {
        if state != RollupState::Measured || counts.good + counts.bad == 0 {
            return;
        }
        if counts.good > counts.bad {
            self.good += 1;
        } else {
            self.bad += 1;
        }
    }

    /// What they come to.
    #[must_use]
    pub const fn verdict(self) -> Verdict {
        if self.good + self.bad < MIN_VANTAGES {
            Verdict::Unknown
        } else if self.bad >= MIN_AGREEING {
            Verdict::Bad
        } else {
            Verdict::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_vantages_vote_and_two_must_agree() {
        // good and bad rounds of each vantage; `None` = could not measure
        let good = Some((2, 0));
        let bad = Some((0, 2));
        let torn = Some((1, 1));
        for (vantages, verdict) in [
            (vec![], Verdict::Unknown),
            (vec![good, good], Verdict::Unknown),
            (vec![bad, bad], Verdict::Unknown),
            (vec![good, good, None], Verdict::Unknown),
            (vec![good, good, good], Verdict::Good),
            (vec![good, good, bad], Verdict::Good),
            (vec![good, bad, bad], Verdict::Bad),
            (vec![good, torn, torn], Verdict::Bad),
            (vec![good, good, good, good, good, bad, bad], Verdict::Bad),
            (vec![good, bad, None, None, good], Verdict::Good),
        ] {
            let mut votes = Votes::default();
            for vantage in &vantages {
                let (state, (good, bad)) = match vantage {
                    Some(rounds) => (RollupState::Measured, *rounds),
                    None => (RollupState::NoData, (0, 0)),
                };
                votes.add(
                    state,
                    Counts {
                        good,
                        bad,
                        ..Counts::default()
                    },
                );
            }
            assert_eq!(votes.verdict(), verdict, "{vantages:?}");
        }
    }
}
