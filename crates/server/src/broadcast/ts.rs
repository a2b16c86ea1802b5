//! A room's program as MPEG-TS: written once, read by any number.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use surecast_media::control::Kind;
use surecast_media::frame::{Item, TrackNumber};
use surecast_wire::mpegts::Muxer;
use tokio::task::AbortHandle;

use super::fanout::{Bounds, Fanout, Reader};
use super::{Audio, Broadcast, Played, Player, Refusal};

/// Where a viewer may begin when there is no picture.
const SOUND_ENTRY_MICROS: i64 = 1_000_000;

/// The transport streams that somebody reads, by room.
#[derive(Clone, Default)]
pub struct TsFeeds(Arc<Mutex<HashMap<String, Weak<TsFeed>>>>);

impl TsFeeds {
    /// A reader of the room's transport stream: pieces of whole packets, from a
    /// keyframe on, tables first. Goes on for as long as both are kept.
    ///
    /// # Errors
    /// Nothing is live.
    pub async fn reader(
        &self,
        broadcast: &Broadcast,
        room: &str,
    ) -> Result<(Arc<TsFeed>, Reader<Bytes>), Refusal> {
        let known = self.known(room);
        let feed = match known {
            Some(feed) => feed,
            None => {
                let player = broadcast.feed(room, Audio::AsIs, false).await?;
                self.insert(room, player)
            }
        };
        let reader = feed.out.reader();
        Ok((feed, reader))
    }

    fn known(&self, room: &str) -> Option<Arc<TsFeed>> {
        let feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let feed = feeds.get(room)?.upgrade()?;
        (!feed.writer.is_finished()).then_some(feed)
    }

    /// Two that came at the same time share what the first one began.
    fn insert(&self, room: &str, player: Player) -> Arc<TsFeed> {
        if let Some(feed) = self.known(room) {
            return feed;
        }
        let feed = Arc::new(TsFeed::start(player));
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|_, feed| feed.strong_count() > 0);
        feeds.insert(room.to_owned(), Arc::downgrade(&feed));
        feed
    }
}

/// One room's transport stream; its writer ends with it.
pub struct TsFeed {
    out: Fanout<Bytes>,
    writer: AbortHandle,
}

impl TsFeed {
    fn start(player: Player) -> Self {
        let out = Fanout::new(Bounds::default());
        let writer = tokio::spawn(write(player, out.clone())).abort_handle();
        Self { out, writer }
    }
}

impl Drop for TsFeed {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn write(mut player: Player, out: Fanout<Bytes>) {
    let mut writer = Writer::default();
    while let Some(played) = player.next().await {
        match played {
            Played::Item(item) => writer.item(&item, player.room(), &out),
            // The formats come again, and then a keyframe.
            Played::Lagged => out.forget_entry(),
        }
    }
    out.end();
}

#[derive(Default)]
struct Writer {
    muxer: Muxer,
    video: Option<TrackNumber>,
    /// The sound that is carried.
    sound: Option<TrackNumber>,
    entry_at: Option<i64>,
}

impl Writer {
    fn item(&mut self, item: &Item, room: &str, out: &Fanout<Bytes>) {
        let entry = self.is_entry(item);
        if entry {
            self.muxer.segment_start();
        }
        if let Err(unsupported) = self.muxer.push(item) {
            tracing::warn!(room, %unsupported, "a track is left out of the transport stream");
        }
        let packets = self.muxer.take();
        if !packets.is_empty() {
            let bytes = packets.len();
            out.push(packets, bytes, entry);
        }
    }

    /// A reader can begin at this item.
    fn is_entry(&mut self, item: &Item) -> bool {
        match item {
            Item::Format { track, format } => {
                let carried = Muxer::carries(format.codec).then_some(*track);
                let place = match format.codec.kind() {
                    Kind::Video => &mut self.video,
                    Kind::Audio => &mut self.sound,
                };
                if carried.is_some() || *place == Some(*track) {
                    *place = carried;
                }
                false
            }
            Item::End { track } => {
                self.video = self.video.filter(|video| video != track);
                self.sound = self.sound.filter(|sound| sound != track);
                false
            }
            Item::Frame { track, frame } if self.video == Some(*track) => frame.keyframe,
            Item::Frame { track, frame } if self.video.is_none() && self.sound == Some(*track) => {
                let due = |at: i64| (frame.dts.0 - at).abs() >= SOUND_ENTRY_MICROS;
                let entry = self.entry_at.is_none_or(due);
                if entry {
                    self.entry_at = Some(frame.dts.0);
                }
                entry
            }
            Item::Frame { .. } | Item::Data { .. } => false,
        }
    }
}
