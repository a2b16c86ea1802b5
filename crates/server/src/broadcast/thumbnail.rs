//! A small picture of what a room broadcasts.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, Item};
use tokio::sync::{Mutex, Semaphore};

use super::play::Audio;
use super::transcode::{self, picture};
use super::{Broadcast, Played, Refusal};
use crate::clock;

/// How old a picture may be. Whoever asks more often gets the same once more.
pub const MAX_AGE: Duration = Duration::from_secs(10);

/// Lines: enough for a card on a phone.
const HEIGHT: u32 = 360;

/// A stream has a keyframe within this, or its players wait too long as well.
const PATIENCE: Duration = Duration::from_secs(10);

/// Rooms whose pictures are kept; 30 KB each.
const MAX_ROOMS: usize = 1000;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum NoPicture {
    /// Whoever asks may not watch, or nothing is live.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No keyframe came.
    #[error("no picture came within {} s: the room broadcasts sound only, or has long pauses between keyframes", PATIENCE.as_secs())]
    None,
    /// It cannot be made.
    #[error(transparent)]
    Transcode(#[from] transcode::Error),
}

/// Children that make pictures at a time: a picture takes a tenth of a second of
/// a core, and streams come first.
const CHILDREN: usize = 1;

/// When the last picture was made, and it. Locked while another is made.
type Slot = Arc<Mutex<Option<(Instant, Bytes)>>>;

/// The last picture of each room.
pub(super) struct Thumbnails {
    rooms: std::sync::Mutex<HashMap<String, Slot>>,
    children: Semaphore,
}

impl Default for Thumbnails {
    fn default() -> Self {
        Self {
            rooms: std::sync::Mutex::default(),
            children: Semaphore::new(CHILDREN),
        }
    }
}

impl Thumbnails {
    fn slot(&self, room: &str) -> Slot {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() >= MAX_ROOMS && !rooms.contains_key(room) {
            // Those that nobody waits for.
            rooms.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        rooms.entry(room.to_owned()).or_default().clone()
    }
}

impl Broadcast {
    /// A JPEG of the room's program, [`MAX_AGE`] old at most, for who may watch
    /// the room.
    ///
    /// # Errors
    /// Who asks may not watch, or there is no picture.
    pub async fn thumbnail(&self, room: &str, token: Option<&str>) -> Result<Bytes, NoPicture> {
        self.0.access.play(room, token)?;
        if !self.programs().iter().any(|(live, _)| live == room) {
            return Err(Refusal::NotLive { room: room.into() }.into());
        }
        let slot = self.0.thumbnails.slot(room);
        let mut slot = slot.lock().await;
        let now = clock::now().at;
        let fresh = |made: Instant| now.saturating_duration_since(made) < MAX_AGE;
        if let Some((_, picture)) = slot.as_ref().filter(|(made, _)| fresh(*made)) {
            return Ok(picture.clone());
        }
        let keyframe = tokio::time::timeout(PATIENCE, self.keyframe(room)).await;
        let (format, frame) = keyframe.unwrap_or(Ok(None))?.ok_or(NoPicture::None)?;
        let _permit = self.0.thumbnails.children.acquire().await;
        let ffmpeg = &self.0.transcode.ffmpeg;
        let picture = picture::jpeg(ffmpeg, &format, &frame, HEIGHT).await?;
        *slot = Some((clock::now().at, picture.clone()));
        Ok(picture)
    }

    /// The last keyframe, with its format; the next where there is none yet.
    async fn keyframe(&self, room: &str) -> Result<Option<(Arc<Format>, Frame)>, Refusal> {
        let mut player = self.feed(room, Audio::AsIs, false).await?;
        let mut video = None;
        while let Some(played) = player.next().await {
            let Played::Item(item) = played else { continue };
            match item.as_ref() {
                Item::Format { track, format } if format.codec.kind() == Kind::Video => {
                    video = Some((*track, format.clone()));
                }
                Item::Frame { track, frame } if frame.keyframe => {
                    if let Some((_, format)) = video.as_ref().filter(|(it, _)| it == track) {
                        return Ok(Some((format.clone(), frame.clone())));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }
}
