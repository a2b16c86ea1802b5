//! Any rate of AAC to 48 kHz.

use rubato::{FftFixedInOut, Resampler as _};

use crate::error::Error;
use crate::guard::Guarded;
use crate::pcm::RATE;

/// Converts a run of interleaved samples to [`RATE`], exactly: n samples in
/// give `n * 48000 / rate` out, to the nearest, and the filter's delay is cut
/// off the beginning.
pub(crate) struct Resampler {
    rate: u32,
    channels: usize,
    /// `None` where the rate is right already.
    filter: Option<Filter>,
    /// Samples per channel of this run.
    taken: u64,
    given: u64,
}

struct Filter {
    fft: Guarded<FftFixedInOut<f32>>,
    /// Input of less than a block, by channel.
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
    block: usize,
    delay: usize,
    /// Output still to be cut off.
    skip: usize,
}

impl Resampler {
    /// `rate` is one of ISO/IEC 14496-3 table 1.18: others have no short ratio
    /// to 48 kHz, and the filter would be as long as the rate.
    pub(crate) fn new(rate: u32, channels: u8) -> Result<Self, Error> {
        let channels = usize::from(channels);
        let filter = (rate != RATE)
            .then(|| Filter::new(rate, channels))
            .transpose()?;
        Ok(Self {
            rate,
            channels,
            filter,
            taken: 0,
            given: 0,
        })
    }

    /// Appends to `out` what `piece` completes.
    pub(crate) fn push(&mut self, piece: &[f32], out: &mut Vec<f32>) -> Result<(), Error> {
        self.taken += (piece.len() / self.channels) as u64;
        let before = out.len();
        match &mut self.filter {
            Some(filter) => filter.push(piece, self.channels, out)?,
            None => out.extend_from_slice(piece),
        }
        self.given += ((out.len() - before) / self.channels) as u64;
        Ok(())
    }

    /// The run is over: appends the rest of it.
    pub(crate) fn flush(&mut self, out: &mut Vec<f32>) -> Result<(), Error> {
        let due = (self.taken * u64::from(RATE) + u64::from(self.rate) / 2) / u64::from(self.rate);
        let rest = usize::try_from(due.saturating_sub(self.given)).unwrap_or(0);
        let end = out.len() + rest * self.channels;
        if let Some(filter) = &mut self.filter {
            let silence = vec![0.0; filter.block * self.channels];
            // The rest is less than a block of input and the delay, half a block.
            for _ in 0..3 {
                if out.len() < end {
                    filter.push(&silence, self.channels, out)?;
                }
            }
            filter.reset()?;
        }
        out.truncate(end);
        (self.taken, self.given) = (0, 0);
        Ok(())
    }
}

impl Filter {
    fn new(rate: u32, channels: usize) -> Result<Self, Error> {
        // A filter of 10 ms at 44.1 kHz (441 taps) passes up to 20 kHz; for
        // lower rates as many taps take longer, and pass as large a part.
        let wanted = (rate as usize / 100).max(320);
        let make = || FftFixedInOut::<f32>::new(rate as usize, RATE as usize, wanted, channels);
        let unsupported = |e| Error::Unsupported(format!("no resampling from {rate} Hz: {e}"));
        let fft = make().map_err(unsupported)?;
        let (block, delay) = (fft.input_frames_next(), fft.output_delay());
        let output = fft.output_buffer_allocate(true);
        let fft = Guarded::new("resampler", || fft)?;
        let input = vec![Vec::with_capacity(block); channels];
        Ok(Self {
            fft,
            input,
            output,
            block,
            delay,
            skip: delay,
        })
    }

    fn push(&mut self, piece: &[f32], channels: usize, out: &mut Vec<f32>) -> Result<(), Error> {
        for instant in piece.chunks_exact(channels) {
            for (channel, sample) in self.input.iter_mut().zip(instant) {
                channel.push(*sample);
            }
            if self.input[0].len() == self.block {
                self.convert(out)?;
            }
        }
        Ok(())
    }

    fn convert(&mut self, out: &mut Vec<f32>) -> Result<(), Error> {
        let (input, output) = (&self.input, &mut self.output);
        let result = self
            .fft
            .with(|fft| fft.process_into_buffer(input, output, None))?;
        let (_, count) = result.map_err(|_| Error::Broken("resampler"))?;
        self.input.iter_mut().for_each(Vec::clear);
        let skip = self.skip.min(count);
        self.skip -= skip;
        for n in skip..count {
            out.extend(self.output.iter().map(|channel| channel[n]));
        }
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.input.iter_mut().for_each(Vec::clear);
        self.skip = self.delay;
        self.fft.with(FftFixedInOut::reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates of ISO/IEC 14496-3 table 1.18.
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000, 7_350,
    ];

    #[test]
    fn a_tone_keeps_its_place_and_level() {
        for rate in RATES {
            let mut resampler = Resampler::new(rate, 2).unwrap();
            let tone = |n: usize, rate: u32| {
                (n as f32 / rate as f32 * 440.0 * std::f32::consts::TAU).sin() * 0.5
            };
            // The filter's middle is up to half a sample of the input away, and
            // one sample of the output is 0.03.
            let tolerance = 0.03 * (0.6 * 48_000.0 / rate as f32).max(1.0);
            for run in 0..2 {
                let mut out = Vec::new();
                for start in (0..10_240).step_by(1024) {
                    let piece: Vec<f32> = (start..start + 1024)
                        .flat_map(|n| [tone(n, rate), 0.0])
                        .collect();
                    resampler.push(&piece, &mut out).unwrap();
                }
                resampler.flush(&mut out).unwrap();
                let due = (10_240.0 * 48_000.0 / f64::from(rate)).round() as usize;
                assert_eq!(out.len(), due * 2, "{rate} Hz, run {run}");
                // The filter rings at the ends, where the tone is switched.
                for n in due / 10..due * 9 / 10 {
                    let off = (out[n * 2] - tone(n, 48_000)).abs();
                    assert!(off < tolerance, "{rate} Hz, sample {n} off by {off}");
                    assert!(out[n * 2 + 1].abs() < 1e-6);
                }
            }
        }
    }
}
