//! From the timestamps of a protocol to the one timeline of a stream.

use std::collections::BTreeMap;

use surecast_media::frame::{Frame, MediaTime, TrackNumber};

/// A step forward of more than this, in µs, is no gap but another clock: an
/// encoder that lost its network for so long would have reconnected.
const MAX_GAP: i64 = 10_000_000;

/// A step back of more than this, in µs, is another clock. Less is a bad
/// timestamp: the frame is moved to just after the one before.
const MAX_BACK: i64 = 500_000;

/// Places a source's frames on the timeline on which 0 is the Unix epoch.
///
/// The first frame is placed at the time at which it came, and all tracks move
/// with it, so that sound and picture stay together. When the source's clock
/// jumps, its next frame is placed anew.
#[derive(Debug, Default)]
pub struct Timeline {
    offset: Option<i64>,
    /// Last decoding time of each track, placed.
    last: BTreeMap<TrackNumber, MediaTime>,
}

/// What a frame showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It follows what came before.
    Next,
    /// The source's clock jumped: nothing connects the two sides.
    Jump,
}

impl Timeline {
    /// Places the frame, which came at `now` (µs since the Unix epoch).
    pub fn place(&mut self, track: TrackNumber, frame: &mut Frame, now: i64) -> Step {
        let first = self.offset.is_none();
        let mut offset = *self.offset.get_or_insert(now.saturating_sub(frame.dts.0));
        let mut step = Step::Next;
        if let Some(last) = self.latest() {
            let placed = frame.dts.0.saturating_add(offset);
            let ahead = placed.saturating_sub(last.0);
            let own = self.last.get(&track);
            let back = own.map_or(0, |own| own.0.saturating_sub(placed));
            if !first && (ahead > MAX_GAP || back > MAX_BACK || -ahead > MAX_GAP) {
                // Not before anything that was there.
                offset = now.max(last.0 + 1).saturating_sub(frame.dts.0);
                self.offset = Some(offset);
                step = Step::Jump;
            }
        }
        let shown_after = frame.pts.since(frame.dts);
        let mut dts = frame.dts.plus(offset);
        if let Some(own) = self.last.get(&track)
            && dts <= *own
        {
            dts = own.plus(1);
        }
        frame.dts = dts;
        frame.pts = dts.plus(shown_after);
        self.last.insert(track, dts);
        step
    }

    /// A time of the source that belongs to no frame.
    pub fn place_time(&mut self, time: MediaTime, now: i64) -> MediaTime {
        let offset = *self.offset.get_or_insert(now.saturating_sub(time.0));
        time.plus(offset)
    }

    fn latest(&self) -> Option<MediaTime> {
        self.last.values().max().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const NOW: i64 = 1_800_000_000_000_000;
    const VIDEO: TrackNumber = TrackNumber(0);
    const AUDIO: TrackNumber = TrackNumber(1);

    fn place(line: &mut Timeline, track: TrackNumber, ms: i64, now: i64) -> (i64, Step) {
        let time = MediaTime::from_millis(ms);
        let mut frame = Frame {
            dts: time,
            pts: time.plus(40_000),
            keyframe: true,
            data: Bytes::new(),
        };
        let step = line.place(track, &mut frame, now);
        assert_eq!(frame.pts.since(frame.dts), 40_000);
        ((frame.dts.0 - NOW) / 1000, step)
    }

    #[test]
    fn the_first_frame_is_now_and_all_tracks_move_with_it() {
        let mut line = Timeline::default();
        assert_eq!(place(&mut line, VIDEO, 5000, NOW), (0, Step::Next));
        assert_eq!(place(&mut line, AUDIO, 4990, NOW + 3), (-10, Step::Next));
        assert_eq!(
            place(&mut line, VIDEO, 5040, NOW + 99_000),
            (40, Step::Next)
        );
    }

    #[test]
    fn a_jump_in_either_direction_is_placed_anew() {
        for ms in [4_000_000, -3_000_000] {
            let mut line = Timeline::default();
            place(&mut line, VIDEO, 0, NOW);
            place(&mut line, AUDIO, 10, NOW);
            let (at, step) = place(&mut line, VIDEO, ms, NOW + 40_000);
            assert_eq!((at, step), (40, Step::Jump));
            let (at, step) = place(&mut line, AUDIO, ms + 5, NOW + 45_000);
            assert_eq!((at, step), (45, Step::Next));
        }
    }

    #[test]
    fn small_steps_back_are_straightened() {
        let mut line = Timeline::default();
        place(&mut line, VIDEO, 0, NOW);
        place(&mut line, VIDEO, 100, NOW);
        let (at, step) = place(&mut line, VIDEO, 60, NOW);
        assert_eq!((at, step), (100, Step::Next));
        assert_eq!(place(&mut line, VIDEO, 140, NOW), (140, Step::Next));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut line = Timeline::default();
        for time in [i64::MIN, i64::MAX, 0] {
            let mut frame = Frame {
                dts: MediaTime(time),
                pts: MediaTime(i64::MAX),
                keyframe: true,
                data: Bytes::new(),
            };
            line.place(VIDEO, &mut frame, NOW);
        }
    }
}
