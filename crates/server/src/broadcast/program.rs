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
