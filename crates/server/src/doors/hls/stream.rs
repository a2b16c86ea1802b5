//! Rooms that are being cut into segments.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use surecast_media::frame::{FrameCodec, Item};
use surecast_wire::hls::{Answer, PlaylistRequest, Resource, Segmenter, Settings};
use tokio::sync::watch;

use super::reply::Problem;
use crate::broadcast::{Audio, Broadcast, Played, Player};
use crate::config;

/// How long the first playlist is waited for: the longest segment that is waited
/// for without a keyframe is half of it.
const FIRST: Duration = Duration::from_secs(20);

/// A stream that has ended is kept for viewers that have not noticed.
const ENDED: Duration = Duration::from_secs(60);

/// Stands for a viewer's own query; no query has such a character.
const PLACE: &str = "\u{1a}";

/// Playlists as they were last written, by name and whether they leave out what
/// a player has (delta updates); with the state that they were written at.
type Written = HashMap<(String, bool), (u64, Arc<str>)>;

/// Streams by room.
#[derive(Clone)]
pub(super) struct Streams {
    broadcast: Broadcast,
    settings: Settings,
    idle: Duration,
    by_room: Arc<Mutex<HashMap<String, Arc<Stream>>>>,
}

/// One room.
pub(super) struct Stream {
    segmenter: Mutex<Segmenter>,
    /// The segmenter's version.
    changed: watch::Sender<u64>,
    used: Mutex<Instant>,
    /// The playlists of this version, with [`PLACE`] for what differs from viewer
    /// to viewer: each is written once for all who wait for it.
    written: Mutex<Written>,
    /// VP8 has no place in HLS.
    unplayable: Mutex<Option<&'static str>>,
}

impl Streams {
    pub(super) fn new(broadcast: Broadcast, config: &config::Hls) -> Self {
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let settings = Settings {
            part: micros(config.part.0),
            segment: micros(config.segment.0),
            window: micros(config.window.0),
            bytes: config.memory_mib as usize * (1 << 20),
            ..Settings::default()
        };
        Self {
            broadcast,
            settings,
            idle: config.idle.0,
            by_room: Arc::default(),
        }
    }

    /// The room's stream; it is begun where there is none.
    pub(super) async fn get(&self, room: &str) -> Result<Arc<Stream>, Problem> {
        let known = self.lock().get(room).cloned();
        if let Some(stream) = &known
            && !stream.lock().has_ended()
        {
            stream.touch();
            return Ok(stream.clone());
        }
        let player = match self.broadcast.feed(room, Audio::Aac, false).await {
            Ok(player) => player,
            // Its viewers have yet to see that it has ended.
            Err(refusal) => return known.ok_or(Problem::Refused(refusal)),
        };
        Ok(self.begin(room, player))
    }

    /// The room's stream, if there is one.
    pub(super) fn running(&self, room: &str) -> Result<Arc<Stream>, Problem> {
        let known = self.lock().get(room).cloned();
        let stream = known.ok_or(Problem::Gone("nobody watches this stream, or it has ended"))?;
        stream.touch();
        Ok(stream)
    }

    fn begin(&self, room: &str, player: Player) -> Arc<Stream> {
        let mut streams = self.lock();
        // Another request may have been faster.
        if let Some(stream) = streams.get(room)
            && !stream.lock().has_ended()
        {
            return stream.clone();
        }
        let stream = Arc::new(Stream {
            segmenter: Mutex::new(Segmenter::new(self.settings)),
            changed: watch::channel(0).0,
            used: Mutex::new(Instant::now()),
            written: Mutex::default(),
            unplayable: Mutex::default(),
        });
        streams.insert(room.to_owned(), stream.clone());
        tracing::info!(room, "HLS begins");
        tokio::spawn(self.clone().run(room.to_owned(), stream.clone(), player));
        stream
    }

    async fn run(self, room: String, stream: Arc<Stream>, mut player: Player) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                played = player.next() => match played {
                    Some(Played::Item(item)) => stream.take(&item),
                    // Formats follow, then a keyframe; the segmenter sees the hole.
                    Some(Played::Lagged) => tracing::warn!(room, "HLS fell behind"),
                    None => break,
                },
                _ = tick.tick() => if stream.unused_for(self.idle) { break },
            }
        }
        drop(player);
        stream.end();
        if !stream.unused_for(self.idle) {
            tracing::info!(room, "HLS has ended with its stream");
            tokio::time::sleep(ENDED).await;
        } else {
            tracing::info!(room, "HLS ends: nobody watches");
        }
        let mut streams = self.lock();
        if streams
            .get(&room)
            .is_some_and(|it| Arc::ptr_eq(it, &stream))
        {
            streams.remove(&room);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Stream>>> {
        self.by_room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    pub(super) async fn multivariant(&self, tail: &str) -> Result<String, Problem> {
        self.wait(|segmenter| segmenter.multivariant(tail)).await
    }

    pub(super) async fn playlist(
        &self,
        name: &str,
        request: PlaylistRequest,
        tail: &str,
    ) -> Result<String, Problem> {
        if name == "ts" {
            let ask = |segmenter: &Segmenter| segmenter.playlist(name, request, tail);
            return self.wait(ask).await;
        }
        let ask = |segmenter: &Segmenter| match segmenter.is_there(name, request) {
            Answer::Ready(()) => self.written(segmenter, name, request.skip),
            Answer::Wait => Answer::Wait,
            Answer::BadRequest(words) => Answer::BadRequest(words),
            Answer::Gone => Answer::Gone,
        };
        let text = self.wait(ask).await?;
        Ok(text.replace(PLACE, tail))
    }

    fn written(&self, segmenter: &Segmenter, name: &str, skip: bool) -> Answer<Arc<str>> {
        let mut all = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.to_owned(), skip);
        if let Some((version, text)) = all.get(&key)
            && *version == segmenter.version()
        {
            return Answer::Ready(text.clone());
        }
        let request = PlaylistRequest {
            skip,
            ..PlaylistRequest::default()
        };
        let Answer::Ready(text) = segmenter.playlist(name, request, PLACE) else {
            return Answer::Wait;
        };
        let text: Arc<str> = text.into();
        all.insert(key, (segmenter.version(), text.clone()));
        Answer::Ready(text)
    }

    pub(super) async fn media(
        &self,
        name: &str,
        run: &str,
        what: Resource,
    ) -> Result<Vec<Bytes>, Problem> {
        self.wait(|segmenter| segmenter.media(name, run, what))
            .await
    }

    /// Target duration in seconds.
    pub(super) fn target(&self) -> i64 {
        self.lock().target_seconds().unwrap_or(1)
    }

    /// Asks again with each change, for as long as the protocol lets a client
    /// wait: three target durations (RFC 8216bis §6.2.5.2).
    async fn wait<T>(&self, ask: impl Fn(&Segmenter) -> Answer<T>) -> Result<T, Problem> {
        let mut changed = self.changed.subscribe();
        let target = self.lock().target_seconds();
        let patience = target.map_or(FIRST, |target| Duration::from_secs(3 * target as u64));
        let until = tokio::time::Instant::now() + patience;
        loop {
            changed.mark_unchanged();
            if let Some(words) = *self
                .unplayable
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
            {
                return Err(Problem::Format(words));
            }
            let answer = ask(&self.lock());
            match answer {
                Answer::Ready(value) => return Ok(value),
                Answer::BadRequest(words) => return Err(Problem::Bad(words)),
                Answer::Gone => {
                    return Err(Problem::NotFound("it is not there, or not any more"));
                }
                Answer::Wait => {}
            }
            let change = tokio::time::timeout_at(until, changed.changed());
            if !matches!(change.await, Ok(Ok(()))) {
                return Err(Problem::Late);
            }
            self.touch();
        }
    }

    fn take(&self, item: &Item) {
        if let Item::Format { format, .. } = item
            && format.codec == FrameCodec::Vp8
        {
            let words = "VP8 cannot be played by HLS: let the encoder send H.264, or watch by WHEP";
            *self
                .unplayable
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(words);
            self.changed.send_modify(|version| *version += 1);
        }
        let mut segmenter = self.lock();
        segmenter.handle_item(item);
        let version = segmenter.version();
        drop(segmenter);
        self.changed.send_if_modified(|last| {
            let new = *last != version;
            *last = version;
            new
        });
    }

    fn end(&self) {
        let mut segmenter = self.lock();
        segmenter.end();
        let version = segmenter.version();
        drop(segmenter);
        self.changed.send_replace(version);
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn unused_for(&self, long: Duration) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.elapsed() >= long
    }

    fn lock(&self) -> MutexGuard<'_, Segmenter> {
        self.segmenter
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
