//! Tracks of an encoder that rooms cannot carry, encoded anew for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, FrameCodec, Item, Shape, TrackNumber};
use tokio::sync::mpsc;

use super::transcode::video::Rendition;
use super::transcode::{self, audio, video};

/// Items of all tracks on their way back: a second.
const ITEMS: usize = 256;

/// What came of a track: its number tells a stage from those before it.
pub(super) type Made = (TrackNumber, u64, Result<Item, transcode::Error>);

/// The stages of one encoder.
pub(super) struct Anew {
    settings: transcode::Settings,
    /// Pictures too: they cost a good part of a core each.
    video: bool,
    formats: BTreeMap<TrackNumber, Arc<Format>>,
    stages: BTreeMap<TrackNumber, (u64, mpsc::Sender<Frame>)>,
    to: mpsc::Sender<Made>,
}

impl Anew {
    /// Without stages; what they make comes from the receiver.
    pub(super) fn new(settings: transcode::Settings, video: bool) -> (Self, mpsc::Receiver<Made>) {
        let (to, made) = mpsc::channel(ITEMS);
        let (formats, stages) = (BTreeMap::new(), BTreeMap::new());
        (
            Self {
                settings,
                video,
                formats,
                stages,
                to,
            },
            made,
        )
    }

    /// The track has this format from here on. True: it had it before, and its
    /// stage goes on.
    pub(super) fn format(&mut self, track: TrackNumber, format: &Arc<Format>) -> bool {
        let same = self.formats.get(&track) == Some(format);
        if same && self.stages.contains_key(&track) {
            return true;
        }
        self.stages.remove(&track);
        self.formats.insert(track, format.clone());
        false
    }

    /// The track has ended.
    pub(super) fn end(&mut self, track: TrackNumber) {
        self.stages.remove(&track);
        self.formats.remove(&track);
    }

    /// The room cannot carry the track: encodes it anew from its next keyframe
    /// on. False where that is not done, or not possible.
    pub(super) fn begin(&mut self, track: TrackNumber) -> bool {
        let Some(format) = self.formats.get(&track).cloned() else {
            return false;
        };
        let number = fastrand::u64(..);
        let started = match format.codec.kind() {
            Kind::Video if !self.video => return false,
            Kind::Video => self.begin_video(track, number, &format),
            Kind::Audio => self.begin_audio(track, number, &format),
        };
        match started {
            Ok(input) => {
                self.stages.insert(track, (number, input));
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a track is not encoded anew");
                false
            }
        }
    }

    /// Takes a frame of a track that has a stage; gives it back if it has none.
    pub(super) fn frame(&mut self, track: TrackNumber, frame: Frame) -> Option<Frame> {
        let Some((_, input)) = self.stages.get(&track) else {
            return Some(frame);
        };
        // Full: the stage goes on with what comes later.
        let _ = input.try_send(frame);
        None
    }

    /// The item of a stage that still is one.
    pub(super) fn current(
        &mut self,
        (track, number, made): Made,
    ) -> Option<Result<Item, TrackNumber>> {
        let (current, _) = self.stages.get(&track)?;
        if *current != number {
            return None;
        }
        Some(made.map_err(|_| {
            self.stages.remove(&track);
            track
        }))
    }

    fn begin_video(
        &self,
        track: TrackNumber,
        number: u64,
        format: &Arc<Format>,
    ) -> Result<mpsc::Sender<Frame>, transcode::Error> {
        let Shape::Video { height, .. } = format.shape else {
            return Err(transcode::Error::Unsupported(
                format.codec,
                FrameCodec::H264,
            ));
        };
        let rendition = Rendition {
            height: u32::MAX,
            bitrate: video::bitrate(height),
        };
        let video::Renditions { input, mut output } =
            video::start(format, &[rendition], &self.settings)?;
        let to = self.to.clone();
        tokio::spawn(async move {
            while let Some(made) = output.recv().await {
                if to.send((track, number, made)).await.is_err() {
                    return;
                }
            }
        });
        Ok(input)
    }

    fn begin_audio(
        &self,
        track: TrackNumber,
        number: u64,
        format: &Format,
    ) -> Result<mpsc::Sender<Frame>, transcode::Error> {
        let audio::Transcode {
            format,
            input,
            mut output,
        } = audio::start(format, FrameCodec::Opus, &self.settings)?;
        let to = self.to.clone();
        tokio::spawn(async move {
            let mut made = Some(Ok(Item::Format { track, format }));
            while let Some(item) = made {
                if to.send((track, number, item)).await.is_err() {
                    return;
                }
                let frame = output.recv().await;
                made = frame.map(|frame| frame.map(|frame| Item::Frame { track, frame }));
            }
        });
        Ok(input)
    }
}
