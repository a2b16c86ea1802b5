//! Pieces of sound with timestamps become sound without gaps.
//!
//! Timestamps and samples disagree: containers round to milliseconds, packets
//! are lost, encoders run on a clock of their own, streams jump. What is done
//! depends on how far the next piece is from where the last one ended:
//!
//! | off by | meaning | done |
//! |---|---|---|
//! | less than [`JITTER`] (or ¾ of the piece) | rounding, or a clock that runs otherwise | nothing at once; where the mean is off by more than [`DRIFT`], a sample per piece is left out or doubled where it is heard least |
//! | up to [`GAP`], too late | a piece was lost | silence |
//! | up to [`GAP`], too early | two pieces overlap | the beginning of the later one is cut off |
//! | more | the stream jumped | a new run begins there |

use surecast_media::frame::MediaTime;

use crate::pcm::{micros, samples};

/// Microseconds. Above the rounding of any container (FLV: 0.5 ms) and the
/// jitter of software encoders; below the loss of the shortest usual AAC frame
/// (21 ms at 48 kHz).
pub const JITTER: i64 = 15_000;

/// Microseconds that are filled or cut at most. Longer silence is not a loss
/// but a stream that went on elsewhere; and it bounds what one frame can make
/// a stage hold.
pub const GAP: i64 = 200_000;

/// Microseconds that the mean of timestamps may be away from the samples: half
/// of what the stages promise (5 ms).
pub const DRIFT: i64 = 2_000;

/// Correction ends when the mean is this near.
const SETTLED: i64 = 500;

/// Weight of a piece in the mean of the deviation: about 16 pieces, a third of
/// a second, take the millisecond rounding out.
const MEAN: i64 = 16;

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Splice {
    /// It begins a run at this time: nothing before it is continued.
    NewRun(MediaTime),
    /// It goes on where the last one ended.
    Continues,
}

/// Puts pieces of sound after each other.
pub(crate) struct Splicer {
    rate: u32,
    channels: usize,
    run: Option<Run>,
}

/// Sound without a gap.
struct Run {
    start: MediaTime,
    /// Per channel.
    samples: u64,
    /// Mean of timestamp minus samples, in 1/16 µs so that integers carry it.
    drift: i64,
    correcting: bool,
}

impl Splicer {
    /// `channels` of an instant stand side by side.
    pub(crate) fn new(rate: u32, channels: u8) -> Self {
        Self {
            rate,
            channels: usize::from(channels),
            run: None,
        }
    }

    /// When the next sample is due; `None` before the first.
    pub(crate) fn end(&self) -> Option<MediaTime> {
        let run = self.run.as_ref()?;
        Some(run.start.plus(micros(run.samples, self.rate)))
    }

    /// How many samples are missing before a piece of `length` samples at `at`,
    /// where it is a loss and neither jitter nor a jump.
    pub(crate) fn missing(&self, at: MediaTime, length: usize) -> Option<usize> {
        let off = at.since(self.end()?);
        (off >= self.jitter(length) && off <= GAP).then(|| samples(off, self.rate))
    }

    /// Changes `piece` so that it goes on where the last one ended.
    pub(crate) fn splice(&mut self, at: MediaTime, piece: &mut Vec<f32>) -> Splice {
        let Some(off) = self.end().map(|end| at.since(end)) else {
            return self.begin(at, piece);
        };
        let jitter = self.jitter(piece.len() / self.channels);
        if off.abs() > GAP {
            return self.begin(at, piece);
        }
        let count = samples(off.abs(), self.rate) * self.channels;
        if off >= jitter {
            piece.splice(..0, std::iter::repeat_n(0.0, count));
        } else if off <= -jitter {
            piece.drain(..count.min(piece.len()));
        } else {
            self.follow(off, piece);
        }
        self.count(piece);
        Splice::Continues
    }

    /// Appends silence until `until`, at most [`GAP`] of it.
    pub(crate) fn silence(&mut self, until: MediaTime) -> Vec<f32> {
        let off = self.end().map_or(0, |end| until.since(end)).min(GAP);
        let piece = vec![0.0; samples(off, self.rate) * self.channels];
        self.count(&piece);
        piece
    }

    fn begin(&mut self, at: MediaTime, piece: &[f32]) -> Splice {
        self.run = Some(Run {
            start: at,
            samples: 0,
            drift: 0,
            correcting: false,
        });
        self.count(piece);
        Splice::NewRun(at)
    }

    fn count(&mut self, piece: &[f32]) {
        if let Some(run) = &mut self.run {
            run.samples += (piece.len() / self.channels) as u64;
        }
    }

    fn jitter(&self, length: usize) -> i64 {
        JITTER.min(micros(length as u64, self.rate) * 3 / 4)
    }

    /// Follows a clock that runs otherwise, by a sample.
    fn follow(&mut self, off: i64, piece: &mut Vec<f32>) {
        let Some(run) = &mut self.run else { return };
        run.drift += off - run.drift / MEAN;
        let mean = run.drift / MEAN;
        run.correcting = mean.abs() > if run.correcting { SETTLED } else { DRIFT };
        if !run.correcting || piece.len() < 4 * self.channels {
            return;
        }
        let at = least_heard(piece, self.channels);
        let step = 1_000_000 / i64::from(self.rate) * MEAN;
        if mean > 0 {
            let instant = piece[at..at + self.channels].to_vec();
            piece.splice(at..at, instant);
            run.drift -= step;
        } else {
            piece.drain(at..at + self.channels);
            run.drift += step;
        }
    }
}

/// The index of the instant that differs least from the one before it: leaving
/// it out or doubling it makes the smallest step.
fn least_heard(piece: &[f32], channels: usize) -> usize {
    let step = |at: usize| -> f32 {
        (0..channels)
            .map(|c| (piece[at + c] - piece[at + c - channels]).abs())
            .sum()
    };
    (1..piece.len() / channels)
        .map(|instant| instant * channels)
        .min_by(|a, b| step(*a).total_cmp(&step(*b)))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece() -> Vec<f32> {
        (0..1024).map(|n| (n as f32 * 0.05).sin()).collect()
    }

    /// Sample lengths of what 1024 samples at 48 kHz become at each time.
    fn lengths(times: &[i64]) -> Vec<(usize, bool)> {
        let mut splicer = Splicer::new(48_000, 1);
        let one = |at: &i64| {
            let mut piece = piece();
            let splice = splicer.splice(MediaTime(*at), &mut piece);
            (piece.len(), splice != Splice::Continues)
        };
        times.iter().map(one).collect()
    }

    #[test]
    fn rounding_changes_nothing() {
        let times: Vec<i64> = (0..500).map(|n| n * 1024 * 1000 / 48_000 * 1000).collect();
        let lengths = lengths(&times);
        assert_eq!(lengths[0], (1024, true));
        assert!(lengths[1..].iter().all(|l| *l == (1024, false)));
    }

    #[test]
    fn losses_are_filled_overlaps_are_cut_jumps_begin_anew() {
        let got = lengths(&[0, 42_667, 64_000 - 20_000, 1_000_000, 500_000]);
        assert_eq!(got[1], (1024 + 1024, false));
        assert_eq!(got[2], (1024 - 960, false));
        assert_eq!(got[3], (1024, true));
        assert_eq!(got[4], (1024, true));
    }

    #[test]
    fn another_clock_is_followed() {
        for ppm in [-200, 200] {
            let mut splicer = Splicer::new(48_000, 1);
            for n in 0..50_000i64 {
                let at = MediaTime::from_ticks(n * 1024, 48_000);
                let at = at.plus(at.0 * ppm / 1_000_000).to_millis();
                let mut piece = piece();
                splicer.splice(MediaTime::from_millis(at), &mut piece);
                let end = splicer.end().unwrap().since(MediaTime::from_millis(at)) - 21_333;
                assert!(end.abs() < 4_000, "{end} µs away after {n} pieces");
            }
        }
    }

    #[test]
    fn the_least_heard_sample_is_at_the_peak() {
        let sine: Vec<f32> = (0..100).map(|n| (n as f32 * 0.0314).sin()).collect();
        assert!((50..=51).contains(&least_heard(&sine, 1)));
    }
}
