//! Looks whether the media shards turn.
//!
//! A shard that stands still sees neither packets nor their absence, and would
//! be taken for one whose streams flow. The meter looks after itself: when it was
//! not called for longer than [`STILL`], its minutes have no data either.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{Message, timestamp};
use crate::clock;
use crate::media_plane::MediaPlane;
use crate::metrics::Metrics;

/// A part of the server that does nothing for longer stands still. The longest
/// that a shard rests when all is well is a second.
pub(super) const STILL: Duration = Duration::from_secs(3);

/// How often it looks, and how often the meter wants to be called.
pub(super) const BEAT: Duration = Duration::from_secs(1);

pub(super) struct Pulse {
    pub media: Weak<MediaPlane>,
    pub queue: mpsc::WeakSender<Message>,
    pub metrics: Arc<Metrics>,
}

impl Pulse {
    /// Until the media plane has ended.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(BEAT);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let Some(silence) = self.media.upgrade().map(|m| m.silence(clock::now().at)) else {
                return;
            };
            if silence <= STILL {
                continue;
            }
            let now = timestamp();
            let from = now.checked_sub(silence).unwrap_or(now);
            let Some(queue) = self.queue.upgrade() else {
                return;
            };
            if queue.try_send(Message::Stalled { from }).is_err() {
                self.metrics.guarantee_lost();
            }
        }
    }
}
