//! Samples become AAC, by an `ffmpeg`.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use surecast_audio::{Pcm, RATE};
use surecast_media::aac::{AudioSpecificConfig, adts};
use surecast_media::frame::{Format, Frame, MediaTime};

use super::Error;
use super::child::{Child, Event};

/// Samples per channel in a frame; ffmpeg's encoder holds back as many: what its
/// first frame gives is heard before the first sample.
const FRAME: u64 = 1024;

/// Microseconds that a piece may be beside the end of the one before and still
/// continue it: they come from stages that count samples.
const TOLERANCE: i64 = 100;

/// Runs whose frames have not come yet. One frame of a child that is a second
/// late; each jump of the input begins one.
const MAX_RUNS: usize = 64;

/// A child that encodes.
pub(super) struct AacEncoder {
    child: Child,
    channels: u8,
    clock: SampleClock,
    /// The beginning of a frame.
    buffer: Vec<u8>,
}

/// What it did.
pub(super) enum Encoded {
    /// It made these.
    Frames(Vec<Frame>),
    /// It ended, and said this.
    Ended(String),
}

impl AacEncoder {
    /// The format of what it makes.
    pub(super) fn format(channels: u8) -> Arc<Format> {
        Arc::new(AudioSpecificConfig::low_complexity(RATE, channels).format())
    }

    /// Starts one. Nothing of it comes at or before `after`.
    pub(super) fn start(
        ffmpeg: &Path,
        channels: u8,
        bitrate: u32,
        after: Option<MediaTime>,
    ) -> Result<Self, Error> {
        let bitrate = if channels == 1 { bitrate / 2 } else { bitrate };
        // Without looking at its input first: it knows what it gets.
        let arguments = format!(
            "-probesize 32 -analyzeduration 0 \
             -f f32le -ar {RATE} -ac {channels} -i pipe:0 \
             -c:a aac -b:a {bitrate} -threads 1 -flush_packets 1 -f adts pipe:1"
        );
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        Ok(Self {
            child: Child::start(ffmpeg, &arguments)?,
            channels,
            clock: SampleClock {
                last: after,
                ..SampleClock::default()
            },
            buffer: Vec::new(),
        })
    }

    /// Gives it a piece. False: it does not keep up.
    pub(super) fn give(&mut self, piece: &Pcm) -> bool {
        let silence = self.clock.place(piece.at, piece.len() as u64);
        let silence = silence as usize * usize::from(self.channels);
        let silence = std::iter::repeat_n(&0.0f32, silence);
        let samples = silence.chain(&piece.samples);
        let bytes: Vec<u8> = samples.flat_map(|sample| sample.to_le_bytes()).collect();
        self.child.give(&bytes)
    }

    /// What it does next. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Encoded {
        match self.child.next().await {
            Event::Output(bytes) => Encoded::Frames(self.frames(&bytes)),
            Event::Ended(words) => Encoded::Ended(words),
        }
    }

    fn frames(&mut self, bytes: &[u8]) -> Vec<Frame> {
        self.buffer.extend_from_slice(bytes);
        let mut used = 0;
        let mut frames = Vec::new();
        for (header, data) in adts::frames(&self.buffer) {
            used += header.frame_len;
            if let Some(at) = self.clock.next_frame() {
                let data = Bytes::copy_from_slice(data);
                frames.push(Frame {
                    dts: at,
                    pts: at,
                    keyframe: true,
                    data,
                });
            }
        }
        self.buffer.drain(..used);
        frames
    }
}

/// Which sample is heard when. The child's output has no timestamps, but as many
/// samples as its input.
#[derive(Debug, Default)]
struct SampleClock {
    /// Where runs begin: sample, and when it is heard.
    runs: VecDeque<(u64, MediaTime)>,
    /// Samples given.
    given: u64,
    /// Frames taken.
    taken: u64,
    last: Option<MediaTime>,
}

impl SampleClock {
    /// A piece of so many samples at this time comes next. How many samples of
    /// silence go before it.
    fn place(&mut self, at: MediaTime, length: u64) -> u64 {
        let due = self.runs.back().map(|run| after(*run, self.given));
        let continues = due.is_some_and(|due| at.since(due).abs() <= TOLERANCE);
        let mut silence = 0;
        if !continues {
            // A run begins with a frame.
            silence = self.given.next_multiple_of(FRAME) - self.given;
            if self.runs.len() == MAX_RUNS {
                self.runs.pop_front();
            }
            self.runs.push_back((self.given + silence, at));
        }
        self.given += silence + length;
        silence
    }

    /// When the next frame is heard; `None` where it is to be left out.
    fn next_frame(&mut self) -> Option<MediaTime> {
        let begin = self.taken * FRAME;
        self.taken += 1;
        // The frame gives what went in a frame before.
        while self.runs.get(1).is_some_and(|next| next.0 + FRAME <= begin) {
            self.runs.pop_front();
        }
        let run = *self.runs.front()?;
        let lead = i64::try_from(begin).ok()? - i64::try_from(run.0 + FRAME).ok()?;
        let at = run.1.plus(MediaTime::from_ticks(lead, RATE).0);
        if self.last.is_some_and(|last| at <= last) {
            return None;
        }
        self.last = Some(at);
        Some(at)
    }
}

/// When `sample` is heard, in a run.
fn after(run: (u64, MediaTime), sample: u64) -> MediaTime {
    let count = i64::try_from(sample - run.0).unwrap_or(i64::MAX);
    run.1.plus(MediaTime::from_ticks(count, RATE).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_heard_when_their_samples_were() {
        let mut clock = SampleClock::default();
        assert_eq!(clock.place(MediaTime(1_000_000), 960), 0);
        assert_eq!(clock.place(MediaTime(1_020_000), 960), 0);
        let times: Vec<_> = (0..3).filter_map(|_| clock.next_frame()).collect();
        assert_eq!(times.map_micros(), [978_667, 1_000_000, 1_021_333]);
    }

    #[test]
    fn a_jump_begins_with_a_frame() {
        let mut clock = SampleClock::default();
        clock.place(MediaTime(0), 1500);
        assert_eq!(clock.place(MediaTime(5_000_000), 2048), 548);
        let times: Vec<_> = (0..5).filter_map(|_| clock.next_frame()).collect();
        assert_eq!(
            times.map_micros(),
            [-21_333, 0, 21_333, 5_000_000, 5_021_333]
        );
    }

    #[test]
    fn another_child_goes_on_after_the_first() {
        let mut clock = SampleClock {
            last: Some(MediaTime(0)),
            ..SampleClock::default()
        };
        clock.place(MediaTime(10_000), 4096);
        assert_eq!(clock.next_frame(), None);
        assert_eq!(clock.next_frame(), Some(MediaTime(10_000)));
    }

    trait Micros {
        fn map_micros(self) -> Vec<i64>;
    }

    impl Micros for Vec<MediaTime> {
        fn map_micros(self) -> Vec<i64> {
            self.into_iter().map(|time| time.0).collect()
        }
    }
}
