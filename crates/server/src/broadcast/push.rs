//! Streams that the server sends on: to RTMP and RTMPS servers.
//!
//! A push is a task. It reads a room's tags, connects, publishes, and begins again
//! when the connection ends, with growing pauses. Where nothing is live it waits
//! for it.

mod carry;
mod target;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::AbortHandle;

use super::tags::TagFeeds;
use super::{Audio, Broadcast};
use carry::Failure;
use target::Target;
pub use target::Unusable;

/// Each is a connection and a share of the uplink.
const MAX_PUSHES: usize = 256;

/// Pauses before it begins again: doubled each time, up to this.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// A connection that held for so long was fine: the pauses begin anew.
const RAN_WELL: Duration = Duration::from_secs(30);

/// Whether an address may be connected to: a room's owner names hosts, and the
/// server stands where it reaches machines that he does not.
pub type Allow = fn(IpAddr) -> bool;

/// What is to be sent where.
#[derive(Clone, Debug)]
pub struct PushRequest {
    /// The room.
    pub room: String,
    /// `rtmp://HOST/APP/KEY` or `rtmps://…`.
    pub url: String,
}

/// Why there is no push.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The URL.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// As many as there may be.
    #[error("there are {MAX_PUSHES} pushes already: delete some")]
    TooMany,
}

/// What a push is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PushState {
    /// Nothing is live in the room.
    Idle,
    /// On its way to the server.
    Connecting,
    /// The server takes the stream.
    Live,
    /// It begins again after a pause.
    Waiting,
}

/// A push as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct PushInfo {
    /// Its id.
    pub id: String,
    /// The room.
    pub room: String,
    /// Where to, without the stream key, which is a secret.
    pub url: String,
    /// What it is doing.
    pub state: PushState,
    /// How it ended the last time, in words; empty: it did not yet.
    pub error: String,
    /// How often it began again.
    pub restarts: u32,
    /// Bytes sent, of all connections.
    pub bytes: u64,
}

/// All pushes. Cheap to clone. They are not kept over a restart.
#[derive(Clone)]
pub struct Pushes(Arc<Inner>);

struct Inner {
    broadcast: Broadcast,
    feeds: TagFeeds,
    allow: Allow,
    running: Mutex<BTreeMap<String, Running>>,
}

struct Running {
    info: Shared,
    task: AbortHandle,
}

type Shared = Arc<Mutex<PushInfo>>;

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pushes {
    /// None yet.
    pub fn new(broadcast: Broadcast, feeds: TagFeeds, allow: Allow) -> Self {
        Self(Arc::new(Inner {
            broadcast,
            feeds,
            allow,
            running: Mutex::default(),
        }))
    }

    /// Begins to send.
    ///
    /// # Errors
    /// The URL is not understood, or there are too many.
    pub fn start(&self, request: &PushRequest) -> Result<PushInfo, PushError> {
        let target = Target::parse(&request.url)?;
        let mut running = self.lock();
        if running.len() >= MAX_PUSHES {
            return Err(PushError::TooMany);
        }
        let id = format!("PS_{:012x}", fastrand::u64(..1 << 48));
        let info = PushInfo {
            id: id.clone(),
            room: request.room.clone(),
            url: target.shown(),
            state: PushState::Idle,
            error: String::new(),
            restarts: 0,
            bytes: 0,
        };
        let shared = Arc::new(Mutex::new(info.clone()));
        let push = Push {
            broadcast: self.0.broadcast.clone(),
            feeds: self.0.feeds.clone(),
            allow: self.0.allow,
            room: request.room.clone(),
            target,
            info: shared.clone(),
        };
        let task = tokio::spawn(push.run()).abort_handle();
        running.insert(id, Running { info: shared, task });
        Ok(info)
    }

    /// Ends one; what it was, where there was one.
    pub fn stop(&self, id: &str) -> Option<PushInfo> {
        let running = self.lock().remove(id)?;
        Some(lock(&running.info).clone())
    }

    /// All, by id.
    pub fn list(&self) -> Vec<PushInfo> {
        let running = self.lock();
        running.values().map(|it| lock(&it.info).clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        lock(&self.0.running)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Push {
    broadcast: Broadcast,
    feeds: TagFeeds,
    allow: Allow,
    room: String,
    target: Target,
    info: Shared,
}

impl Push {
    async fn run(self) {
        let mut pause = Duration::from_secs(1);
        loop {
            let began = now();
            let failure = self.attempt().await;
            if began.elapsed() >= RAN_WELL {
                pause = Duration::from_secs(1);
            }
            match failure {
                Failure::NotLive => {
                    self.tell(|info| info.state = PushState::Idle);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
                Failure::Failed(error) => self.tell(|info| {
                    tracing::warn!(
                        push = info.id,
                        room = info.room,
                        url = info.url,
                        error,
                        "push ended; it begins again"
                    );
                    info.state = PushState::Waiting;
                    info.error = error;
                    info.restarts += 1;
                }),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// From the room's first tag until something ends.
    async fn attempt(&self) -> Failure {
        // Other servers take AAC for certain; Opus only where they say so, which is
        // known too late to choose.
        let reader = self
            .feeds
            .reader(&self.broadcast, &self.room, Audio::Aac)
            .await;
        let Ok((feed, reader)) = reader else {
            return Failure::NotLive;
        };
        self.tell(|info| info.state = PushState::Connecting);
        let carrier = carry::Carrier {
            target: &self.target,
            allow: self.allow,
            live: &|| self.tell(|info| info.state = PushState::Live),
            sent: &|bytes| self.tell(|info| info.bytes += bytes),
        };
        let failure = Box::pin(carrier.run(reader)).await;
        drop(feed);
        failure
    }

    fn tell(&self, change: impl FnOnce(&mut PushInfo)) {
        change(&mut lock(&self.info));
    }
}

fn now() -> Instant {
    crate::clock::now().at
}
