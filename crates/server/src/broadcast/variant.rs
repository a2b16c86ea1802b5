//! A program with its sound in another codec, made once for all who want it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use surecast_media::control::Kind;
use surecast_media::frame::{Frame, FrameCodec, Item, MediaTime, TrackNumber};
use tokio::sync::mpsc;

use super::Broadcast;
use super::fanout::{Read, Reader};
use super::play::Audio;
use super::program::{Formats, Program, SourceId};
use super::transcode::{self, audio};
use crate::clock;

/// Pictures wait so long for their sound, which is encoded meanwhile. What takes
/// longer comes after its picture.
const HOLD: Duration = Duration::from_millis(250);

/// Items that wait for sound: more than come within `HOLD`.
const MAX_HELD: usize = 512;

/// How often waits are looked at.
const TICK: Duration = Duration::from_millis(20);

/// Nobody wanted it for so long: it ends.
const IDLE: Duration = Duration::from_secs(15);

/// Frames of all encoded tracks on their way back.
const FRAMES: usize = 256;

impl Broadcast {
    /// The program with sound as it is wanted; the program itself where its
    /// sound is that already.
    pub(super) fn with_audio(&self, base: Arc<Program>, audio: Audio) -> Arc<Program> {
        let Some(codec) = wanted(audio) else {
            return base;
        };
        let formats = base.formats();
        let sounds = || formats.values().filter(|f| f.codec.kind() == Kind::Audio);
        if !formats.is_empty() && sounds().all(|format| serves(format.codec, codec)) {
            return base;
        }
        let key = (base.room.clone(), codec);
        let mut live = self.lock();
        let known = live
            .variants
            .get(&key)
            .filter(|variant| !variant.has_ended());
        if let Some(variant) = known {
            return variant.clone();
        }
        let variant = Arc::new(Program::new(&base.room));
        live.variants.insert(key.clone(), variant.clone());
        drop(live);
        let task = Variant {
            reader: base.out().reader(),
            program: variant.clone(),
            source: self.next_source(),
            codec,
            settings: self.0.transcode.clone(),
            formats: Formats::new(),
            stages: BTreeMap::new(),
            held: VecDeque::new(),
            heard: None,
            watched: clock::now().at,
        };
        let this = self.clone();
        tokio::spawn(async move {
            let variant = task.run().await;
            variant.end();
            let mut live = this.lock();
            if live
                .variants
                .get(&key)
                .is_some_and(|it| Arc::ptr_eq(it, &variant))
            {
                live.variants.remove(&key);
            }
        });
        variant
    }
}

fn wanted(audio: Audio) -> Option<FrameCodec> {
    match audio {
        Audio::AsIs => None,
        Audio::Aac => Some(FrameCodec::Aac),
        Audio::Opus => Some(FrameCodec::Opus),
    }
}

/// Whether who wants `wanted` can have `there` as it is: what plays AAC plays MP3
/// as well.
fn serves(there: FrameCodec, wanted: FrameCodec) -> bool {
    there == wanted || (there, wanted) == (FrameCodec::Mp3, FrameCodec::Aac)
}

/// What an encoder of sound gave: its number tells it from those before it.
type Made = (TrackNumber, u64, Result<Frame, transcode::Error>);

struct Stage {
    number: u64,
    input: mpsc::Sender<Frame>,
}

/// The task that makes it.
struct Variant {
    reader: Reader<Arc<Item>>,
    program: Arc<Program>,
    source: SourceId,
    codec: FrameCodec,
    settings: transcode::Settings,
    formats: Formats,
    stages: BTreeMap<TrackNumber, Stage>,
    held: VecDeque<(Item, Instant)>,
    /// Sound is there up to this time.
    heard: Option<MediaTime>,
    watched: Instant,
}

impl Variant {
    async fn run(mut self) -> Arc<Program> {
        let (to, mut made) = mpsc::channel::<Made>(FRAMES);
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                read = self.reader.next() => match read {
                    Some(Read::Item(item)) => self.item(&item, &to),
                    Some(Read::Lagged) => {}
                    None => break,
                },
                Some(made) = made.recv() => self.made(made),
                _ = tick.tick() => {
                    if !self.tick(clock::now().at) {
                        break;
                    }
                }
            }
        }
        self.program
    }

    fn item(&mut self, item: &Item, to: &mpsc::Sender<Made>) {
        match item {
            Item::Format { track, format } => {
                self.stages.remove(track);
                let sound = format.codec.kind() == Kind::Audio;
                let other = sound && !serves(format.codec, self.codec);
                let mut format = format.clone();
                if other {
                    match audio::start(&format, self.codec, &self.settings) {
                        Ok(stage) => format = self.begin(*track, stage, to),
                        Err(error) => {
                            // Pictures without sound are better than nothing.
                            tracing::warn!(room = self.program.room, %error, "no sound");
                            self.formats.remove(track);
                            return;
                        }
                    }
                }
                let track = *track;
                self.formats.insert(track, format.clone());
                self.hold(Item::Format { track, format });
            }
            Item::Frame { track, frame } => match self.stages.get(track) {
                // Full: a piece of sound is lost, and silence takes its place.
                Some(stage) => drop(stage.input.try_send(frame.clone())),
                None if self.formats.contains_key(track) => self.hold(item.clone()),
                None => {}
            },
            Item::End { track } => {
                self.stages.remove(track);
                self.formats.remove(track);
                self.hold(item.clone());
            }
            Item::Data { .. } => self.hold(item.clone()),
        }
    }

    /// Frames of the track go through this from now on.
    fn begin(
        &mut self,
        track: TrackNumber,
        stage: audio::Transcode,
        to: &mpsc::Sender<Made>,
    ) -> Arc<surecast_media::frame::Format> {
        let audio::Transcode {
            format,
            input,
            mut output,
        } = stage;
        let number = fastrand::u64(..);
        self.stages.insert(track, Stage { number, input });
        self.heard = None;
        let to = to.clone();
        tokio::spawn(async move {
            while let Some(made) = output.recv().await {
                if to.send((track, number, made)).await.is_err() {
                    return;
                }
            }
        });
        format
    }

    fn made(&mut self, (track, number, made): Made) {
        let current = self
            .stages
            .get(&track)
            .is_some_and(|stage| stage.number == number);
        if !current {
            return;
        }
        match made {
            Ok(frame) => {
                self.heard = Some(frame.dts);
                self.release(clock::now().at);
                let item = Item::Frame { track, frame };
                self.program.push(self.source, &self.formats, item);
            }
            Err(error) => {
                tracing::warn!(room = self.program.room, %error, "the sound ended");
                self.stages.remove(&track);
                self.formats.remove(&track);
                self.hold(Item::End { track });
            }
        }
    }

    fn hold(&mut self, item: Item) {
        let now = clock::now().at;
        self.held.push_back((item, now));
        self.release(now);
    }

    /// What waited goes as far as its sound is there.
    fn release(&mut self, now: Instant) {
        while let Some((item, since)) = self.held.front() {
            let waits = match item {
                Item::Frame { frame, .. } => {
                    !self.stages.is_empty() && self.heard.is_none_or(|heard| frame.dts > heard)
                }
                _ => false,
            };
            let patient = now.saturating_duration_since(*since) < HOLD;
            if waits && patient && self.held.len() < MAX_HELD {
                return;
            }
            if let Some((item, _)) = self.held.pop_front() {
                self.program.push(self.source, &self.formats, item);
            }
        }
    }

    /// Whether to go on.
    fn tick(&mut self, now: Instant) -> bool {
        self.release(now);
        if self.program.out().readers() > 0 {
            self.watched = now;
        }
        now.saturating_duration_since(self.watched) < IDLE
    }
}
