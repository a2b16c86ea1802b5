//! What a room broadcasts: one run of items, whoever they come from at the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use surecast_media::control::Kind;
use surecast_media::frame::{Format, Item, TrackNumber};

use super::fanout::{Bounds, Fanout};

/// Tracks of one source. Enhanced RTMP numbers up to 256; nobody sends more
/// than a few languages and angles.
pub const MAX_TRACKS: usize = 16;

/// Bytes that an item costs beside its payload.
const OVERHEAD: usize = 128;

/// One encoder, or one tap on a room's tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u64);

/// The formats of a source's tracks.
pub type Formats = BTreeMap<TrackNumber, Arc<Format>>;

/// The run of items of a room.
pub struct Program {
    /// The room's name.
    pub room: String,
    out: Fanout<Arc<Item>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    owner: Option<SourceId>,
    formats: Formats,
    waits_for_keyframe: bool,
    ended: bool,
}

impl Program {
    /// One that nobody feeds yet.
    pub fn new(room: &str) -> Self {
        Self {
            room: room.to_owned(),
            out: Fanout::new(Bounds::default()),
            state: Mutex::default(),
        }
    }

    /// Where players read.
    pub fn out(&self) -> &Fanout<Arc<Item>> {
        &self.out
    }

    /// Somebody feeds it.
    pub fn is_live(&self) -> bool {
        let state = self.lock();
        state.owner.is_some() && !state.ended
    }

    /// It will not go on.
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// The formats as they are now.
    pub fn formats(&self) -> Formats {
        self.lock().formats.clone()
    }

    /// An item of this source, placed on the timeline. It goes out if the source
    /// is the one that feeds the program, or if nobody is and it becomes that.
    /// `formats` are the source's, this item included.
    pub fn push(&self, source: SourceId, formats: &Formats, item: Item) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        match state.owner {
            Some(owner) if owner == source => {}
            Some(_) => return,
            None => {
                state.owner = Some(source);
                self.begin(&mut state, formats);
                if matches!(item, Item::Format { .. }) {
                    return;
                }
            }
        }
        self.go_on(&mut state, item);
    }

    /// The same source goes on, but its clock has jumped: whoever plays begins
    /// anew.
    pub fn discontinuity(&self, source: SourceId, formats: &Formats) {
        let mut state = self.lock();
        if state.owner == Some(source) {
            self.begin(&mut state, formats);
        }
    }

    /// The source is gone; another may take its place. Whether it fed the
    /// program.
    pub fn release(&self, source: SourceId) -> bool {
        let mut state = self.lock();
        let fed = state.owner == Some(source);
        if fed {
            state.owner = None;
            self.out.forget_entry();
        }
        fed
    }

    /// Ends the program if nobody feeds it. Whether it has ended.
    pub fn end_if_vacant(&self) -> bool {
        let mut state = self.lock();
        if state.owner.is_none() && !state.ended {
            self.finish(&mut state);
        }
        state.ended
    }

    /// Ends it.
    pub fn end(&self) {
        let mut state = self.lock();
        if !state.ended {
            self.finish(&mut state);
        }
    }

    fn finish(&self, state: &mut State) {
        state.ended = true;
        state.owner = None;
        self.out.end();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another source, or another clock.
    fn begin(&self, state: &mut State, formats: &Formats) {
        let old = std::mem::replace(&mut state.formats, formats.clone());
        for track in old.into_keys().filter(|track| !formats.contains_key(track)) {
            self.out
                .push(Arc::new(Item::End { track }), OVERHEAD, false);
        }
        state.waits_for_keyframe = state.video().is_some();
        self.out.forget_entry();
        self.out.set_prologue(state.prologue());
        for item in state.prologue() {
            self.out.push(item, OVERHEAD, false);
        }
    }

    fn go_on(&self, state: &mut State, item: Item) {
        let mut entry = false;
        let mut bytes = OVERHEAD;
        match &item {
            Item::Format { track, format } => {
                state.formats.insert(*track, format.clone());
                if state.video() == Some(*track) {
                    state.waits_for_keyframe = true;
                }
                self.out.forget_entry();
                self.out.set_prologue(state.prologue());
            }
            Item::Frame { track, frame } => {
                if !state.formats.contains_key(track) {
                    return;
                }
                // Sound before the first picture would make players wait for
                // pictures that never come.
                let first = state.video().or_else(|| state.audio());
                let begins = first == Some(*track) && frame.keyframe;
                if state.waits_for_keyframe && !begins {
                    return;
                }
                state.waits_for_keyframe = false;
                entry = begins;
                bytes += frame.data.len();
            }
            Item::End { track } => {
                state.formats.remove(track);
                self.out.set_prologue(state.prologue());
            }
            Item::Data { .. } => {}
        }
        self.out.push(Arc::new(item), bytes, entry);
    }
}

impl State {
    fn video(&self) -> Option<TrackNumber> {
        first(&self.formats, Kind::Video)
    }

    fn audio(&self) -> Option<TrackNumber> {
        first(&self.formats, Kind::Audio)
    }

    fn prologue(&self) -> Vec<Arc<Item>> {
        let item = |(track, format): (&TrackNumber, &Arc<Format>)| {
            Arc::new(Item::Format {
                track: *track,
                format: format.clone(),
            })
        };
        self.formats.iter().map(item).collect()
    }
}

/// The track that stands for its kind where there is room for one only.
pub fn first(formats: &Formats, kind: Kind) -> Option<TrackNumber> {
    let of_kind = |(_, format): &(&TrackNumber, &Arc<Format>)| format.codec.kind() == kind;
    formats.iter().find(of_kind).map(|(track, _)| *track)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use surecast_media::frame::{Frame, FrameCodec, MediaTime, Shape};

    use super::*;
    use crate::broadcast::fanout::{Read, Reader};

    const A: SourceId = SourceId(1);
    const B: SourceId = SourceId(2);
    const VIDEO: TrackNumber = TrackNumber(0);
    const AUDIO: TrackNumber = TrackNumber(1);

    fn formats() -> Formats {
        let video = Format {
            codec: FrameCodec::H264,
            shape: Shape::Video {
                width: 640,
                height: 360,
            },
            config: Bytes::new(),
        };
        let audio = Format {
            codec: FrameCodec::Opus,
            shape: Shape::Audio {
                rate: 48_000,
                channels: 2,
            },
            config: Bytes::new(),
        };
        Formats::from([(VIDEO, Arc::new(video)), (AUDIO, Arc::new(audio))])
    }

    fn frame(track: TrackNumber, ms: i64, keyframe: bool) -> Item {
        let time = MediaTime::from_millis(ms);
        let frame = Frame {
            dts: time,
            pts: time,
            keyframe,
            data: Bytes::from_static(b"x"),
        };
        Item::Frame { track, frame }
    }

    /// `F0` a format of track 0, `K0@40` a keyframe of it at 40 ms, `0@80`
    /// another frame, `E0` its end.
    fn read(reader: &mut Reader<Arc<Item>>) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(Some(read)) = reader.try_next() {
            all.push(match read {
                Read::Lagged => "lagged".into(),
                Read::Item(item) => match &*item {
                    Item::Format { track, .. } => format!("F{}", track.0),
                    Item::End { track } => format!("E{}", track.0),
                    Item::Data { .. } => "D".into(),
                    Item::Frame { track, frame } => {
                        let key = if frame.keyframe && *track == VIDEO {
                            "K"
                        } else {
                            ""
                        };
                        format!("{key}{}@{}", track.0, frame.dts.to_millis())
                    }
                },
            });
        }
        all
    }

    #[test]
    fn it_begins_with_a_keyframe_and_late_comers_at_the_last_one() {
        let program = Program::new("r");
        let mut early = program.out().reader();
        program.push(A, &formats(), frame(AUDIO, 0, true));
        program.push(A, &formats(), frame(VIDEO, 0, false));
        program.push(A, &formats(), frame(VIDEO, 40, true));
        assert_eq!(read(&mut early), ["F0", "F1", "K0@40"]);
        program.push(A, &formats(), frame(AUDIO, 50, true));
        program.push(A, &formats(), frame(VIDEO, 80, true));
        program.push(A, &formats(), frame(AUDIO, 90, true));
        assert_eq!(read(&mut early), ["1@50", "K0@80", "1@90"]);
        let mut late = program.out().reader();
        assert_eq!(read(&mut late), ["F0", "F1", "K0@80", "1@90"]);
    }

    #[test]
    fn sound_alone_begins_anywhere() {
        let program = Program::new("r");
        let mut formats = formats();
        formats.remove(&VIDEO);
        program.push(A, &formats, frame(AUDIO, 0, true));
        program.push(A, &formats, frame(AUDIO, 20, true));
        assert_eq!(read(&mut program.out().reader()), ["F1", "1@20"]);
    }

    #[test]
    fn one_source_feeds_it_and_the_next_takes_its_place() {
        let program = Program::new("r");
        let mut reader = program.out().reader();
        program.push(A, &formats(), frame(VIDEO, 0, true));
        program.push(B, &formats(), frame(VIDEO, 5, true));
        assert_eq!(read(&mut reader), ["F0", "F1", "K0@0"]);
        assert!(!program.release(B));
        assert!(program.release(A) && !program.is_live());
        assert!(
            program.out().reader().try_next().is_none(),
            "nothing to begin with"
        );
        let mut video = formats();
        video.remove(&AUDIO);
        program.push(B, &video, frame(VIDEO, 40, false));
        program.push(B, &video, frame(VIDEO, 80, true));
        assert_eq!(read(&mut reader), ["E1", "F0", "K0@80"]);
        assert!(!program.end_if_vacant());
        program.release(B);
        assert!(program.end_if_vacant());
        assert_eq!(reader.try_next(), Some(None));
    }

    #[test]
    fn a_new_format_waits_for_a_keyframe() {
        let program = Program::new("r");
        let mut reader = program.out().reader();
        let formats = formats();
        program.push(A, &formats, frame(VIDEO, 0, true));
        assert_eq!(read(&mut reader), ["F0", "F1", "K0@0"]);
        let format = formats[&VIDEO].clone();
        program.push(
            A,
            &formats,
            Item::Format {
                track: VIDEO,
                format,
            },
        );
        program.push(A, &formats, frame(VIDEO, 40, false));
        assert!(program.out().reader().try_next().is_none());
        program.push(A, &formats, frame(VIDEO, 80, true));
        assert_eq!(read(&mut reader), ["F0", "K0@80"]);
        program.discontinuity(A, &formats);
        program.push(A, &formats, frame(AUDIO, 90, true));
        program.push(A, &formats, frame(VIDEO, 120, true));
        assert_eq!(read(&mut reader), ["F0", "F1", "K0@120"]);
    }
}
