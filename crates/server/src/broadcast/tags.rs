//! A room's program as FLV tags: written once, read by any number of players of
//! RTMP and FLV.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use surecast_wire::flv::{Muxer, Role, Tag};
use tokio::task::AbortHandle;

use super::fanout::{Bounds, Fanout, Reader};
use super::{Audio, Broadcast, Played, Player, Refusal};

/// The streams of tags that somebody reads, by room and sound.
#[derive(Clone, Default)]
pub struct TagFeeds(Arc<Mutex<Feeds>>);

type Feeds = HashMap<(String, Audio), Weak<TagFeed>>;

impl TagFeeds {
    /// A reader of the room's tags, from a keyframe on, metadata and configurations
    /// first. Goes on for as long as both are kept.
    ///
    /// # Errors
    /// Nothing is live.
    pub async fn reader(
        &self,
        broadcast: &Broadcast,
        room: &str,
        audio: Audio,
    ) -> Result<(Arc<TagFeed>, Reader<Tag>), Refusal> {
        let key = (room.to_owned(), audio);
        let feed = match self.known(&key) {
            Some(feed) => feed,
            None => {
                let player = broadcast.feed(room, audio, false).await?;
                self.insert(key, player)
            }
        };
        let reader = feed.out.reader();
        Ok((feed, reader))
    }

    fn known(&self, key: &(String, Audio)) -> Option<Arc<TagFeed>> {
        let feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let feed = feeds.get(key)?.upgrade()?;
        (!feed.writer.is_finished()).then_some(feed)
    }

    /// Two that came at the same time share what the first one began.
    fn insert(&self, key: (String, Audio), player: Player) -> Arc<TagFeed> {
        if let Some(feed) = self.known(&key) {
            return feed;
        }
        let feed = Arc::new(TagFeed::start(player));
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        feeds.retain(|_, feed| feed.strong_count() > 0);
        feeds.insert(key, Arc::downgrade(&feed));
        feed
    }
}

/// One room's tags; their writer ends with it.
pub struct TagFeed {
    out: Fanout<Tag>,
    kinds: Arc<AtomicU8>,
    writer: AbortHandle,
}

const AUDIO: u8 = 1;
const VIDEO: u8 = 2;

impl TagFeed {
    fn start(player: Player) -> Self {
        let out = Fanout::new(Bounds::default());
        let kinds = Arc::new(AtomicU8::new(0));
        let task = write(player, out.clone(), kinds.clone());
        let writer = tokio::spawn(task).abort_handle();
        Self { out, kinds, writer }
    }

    /// Whether there is sound, and whether there are pictures; known once a reader
    /// got its first tag.
    pub fn kinds(&self) -> (bool, bool) {
        let kinds = self.kinds.load(Ordering::Relaxed);
        (kinds & AUDIO != 0, kinds & VIDEO != 0)
    }
}

impl Drop for TagFeed {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn write(mut player: Player, out: Fanout<Tag>, kinds: Arc<AtomicU8>) {
    let mut muxer = Muxer::default();
    while let Some(played) = player.next().await {
        let Played::Item(item) = played else {
            // The formats come again, and then a keyframe.
            out.forget_entry();
            continue;
        };
        muxer.handle_item(&item);
        while let Some(tag) = muxer.poll_tag() {
            let entry = tag.role == Role::KeyFrame;
            if entry {
                let (audio, video) = muxer.kinds();
                let bits = (u8::from(audio) * AUDIO) | (u8::from(video) * VIDEO);
                kinds.store(bits, Ordering::Relaxed);
                out.set_prologue(muxer.headers());
            }
            let bytes = tag.bytes().len();
            out.push(tag, bytes, entry);
        }
    }
    out.end();
}
