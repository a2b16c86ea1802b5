//! Streams that the server fetches: from HTTP, HLS, RTMP and SRT URLs, and from
//! files in a loop.
//!
//! A pull is a task. It opens its source, waits for the first frame, publishes
//! to the room as any encoder does, and begins again when the source ends, with
//! growing pauses. SRT is spoken by the server itself; the others by an `ffmpeg`
//! child that copies what it gets into MPEG-TS and can reach nothing that
//! [`super::address_guard`] does not allow.

mod ffmpeg;
mod proxy;
mod source;
mod srt;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use surecast_room::proto::{IngressInfo, IngressInput};
use surecast_room::{Grants, VideoGrant};
use surecast_wire::mpegts::Demuxer;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::address_guard::{AddressGuard, Refused};
use super::{Broadcast, Protocol, PublishRequest, Publisher, ingress};
use source::Source;
pub use source::Unusable;

/// Each may have an `ffmpeg` of 50 MB.
const MAX_PULLS: usize = 64;
/// A source that has nothing to say for so long is opened anew.
const SILENCE: Duration = Duration::from_secs(20);
/// Pauses before a source is opened again: doubled each time, up to this.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// A source that ran for so long was fine: the pauses begin anew.
const RAN_WELL: Duration = Duration::from_secs(30);
/// Pieces of a stream on their way from its reader: two seconds at 10 Mbit/s.
const PIECES: usize = 64;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct PullRequest {
    /// What it is called; `None`: a new id. One that is there already is
    /// replaced.
    pub id: Option<String>,
    /// Where from.
    pub url: String,
    /// The room that it goes to.
    pub room: String,
    /// Who it is there; without an identity it gets its id.
    pub grants: Grants,
}

impl PullRequest {
    /// With the identity and name that somebody chose; empty: none.
    pub fn new(room: &str, url: &str, identity: &str, name: &str) -> Self {
        let video = VideoGrant {
            room_join: true,
            room: room.to_owned(),
            can_subscribe: Some(false),
            ..VideoGrant::default()
        };
        let grants = Grants {
            identity: identity.to_owned(),
            name: name.to_owned(),
            kind: "ingress".into(),
            video: Some(video),
            ..Grants::default()
        };
        Self {
            id: None,
            url: url.to_owned(),
            room: room.to_owned(),
            grants,
        }
    }

    /// What an ingress with a URL says.
    pub fn of_ingress(info: &IngressInfo) -> Self {
        Self {
            id: Some(info.ingress_id.clone()),
            url: info.url.clone(),
            room: info.room_name.clone(),
            grants: ingress::grants(info),
        }
    }
}

/// Why there is no pull.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The URL.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The address.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// As many as there may be.
    #[error("there are {MAX_PULLS} pulls already: delete some")]
    TooMany,
}

/// A pull as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct PullInfo {
    /// Its id.
    pub id: String,
    /// The room.
    pub room: String,
    /// Identity in the room.
    pub identity: String,
    /// Where from, without user, password and parameters, which are secrets.
    pub url: String,
    /// `connecting`, `live`, or `waiting` to begin again.
    pub state: &'static str,
    /// How it ended the last time, in words; empty: it did not yet.
    pub error: String,
    /// How often it began again.
    pub restarts: u32,
}

/// All pulls. Cheap to clone. Those of ingresses begin again with the server;
/// others are not kept.
#[derive(Clone)]
pub struct Pulls(Arc<Inner>);

struct Inner {
    broadcast: Broadcast,
    guard: AddressGuard,
    files: PathBuf,
    ffmpeg: PathBuf,
    running: Mutex<BTreeMap<String, Running>>,
}

struct Running {
    info: Arc<Mutex<PullInfo>>,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pulls {
    /// None yet.
    pub fn new(broadcast: Broadcast, config: &crate::config::Broadcast) -> Self {
        Self(Arc::new(Inner {
            broadcast,
            guard: AddressGuard {
                private: config.pull_private,
            },
            files: config.pull_files.clone(),
            ffmpeg: config.ffmpeg.clone(),
            running: Mutex::default(),
        }))
    }

    /// Whether something can be fetched from there.
    ///
    /// # Errors
    /// The URL is not understood, or its host may not be connected to.
    pub async fn check(&self, url: &str) -> Result<(), PullError> {
        let source = Source::parse(url, &self.0.files)?;
        if let Some((host, port)) = source.host() {
            self.0.guard.resolve(host, port).await?;
        }
        Ok(())
    }

    /// Begins to fetch; where to it may connect is looked at when it does.
    ///
    /// # Errors
    /// The URL is not understood, or there are too many.
    pub fn start(&self, request: PullRequest) -> Result<PullInfo, PullError> {
        let source = Source::parse(&request.url, &self.0.files)?;
        let new_id = || format!("PU_{:012x}", fastrand::u64(..1 << 48));
        let id = request.id.unwrap_or_else(new_id);
        let mut grants = request.grants;
        if grants.identity.is_empty() {
            grants.identity.clone_from(&id);
        }
        let info = PullInfo {
            id: id.clone(),
            room: request.room,
            identity: grants.identity.clone(),
            url: source.shown(),
            state: "connecting",
            error: String::new(),
            restarts: 0,
        };
        let shared = Arc::new(Mutex::new(info.clone()));
        let mut running = self.lock();
        running.remove(&id);
        if running.len() >= MAX_PULLS {
            return Err(PullError::TooMany);
        }
        let pull = Pull {
            broadcast: self.0.broadcast.clone(),
            guard: self.0.guard,
            ffmpeg: self.0.ffmpeg.clone(),
            source,
            grants,
            info: shared.clone(),
        };
        let task = tokio::spawn(pull.run()).abort_handle();
        running.insert(id, Running { info: shared, task });
        Ok(info)
    }

    /// Begins what the ingresses with a URL say, which are in the store.
    pub fn start_ingresses(&self) {
        for info in self.0.broadcast.ingresses().list("", "") {
            if info.input_type() != IngressInput::UrlInput || !ingress::is_enabled(&info) {
                continue;
            }
            if let Err(error) = self.start(PullRequest::of_ingress(&info)) {
                tracing::error!(ingress = info.ingress_id, "cannot pull: {error}");
            }
        }
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<PullInfo> {
        let running = self.lock();
        let info = lock(&running.get(id)?.info).clone();
        Some(info)
    }

    /// Ends one; what it was, where there was one.
    pub fn stop(&self, id: &str) -> Option<PullInfo> {
        let running = self.lock().remove(id)?;
        Some(lock(&running.info).clone())
    }

    /// All, by id.
    pub fn list(&self) -> Vec<PullInfo> {
        self.lock()
            .values()
            .map(|running| lock(&running.info).clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Running>> {
        lock(&self.0.running)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A source that is open: pieces of a transport stream come until it ends.
/// Dropping it ends it.
struct Input {
    pieces: mpsc::Receiver<Bytes>,
    /// Where it comes from; a file from nowhere.
    from: SocketAddr,
    /// Why it ended, when it did; empty where nothing is known.
    error: Arc<Mutex<String>>,
    _reader: Box<dyn Send + Sync>,
}

struct Pull {
    broadcast: Broadcast,
    guard: AddressGuard,
    ffmpeg: PathBuf,
    source: Source,
    grants: Grants,
    info: Arc<Mutex<PullInfo>>,
}

impl Pull {
    async fn run(self) {
        let mut pause = Duration::from_secs(1);
        loop {
            let began = Instant::now();
            let error = self.attempt().await;
            if began.elapsed() >= RAN_WELL {
                pause = Duration::from_secs(1);
            }
            self.tell(|info| {
                tracing::warn!(
                    pull = info.id,
                    room = info.room,
                    url = info.url,
                    error,
                    "pull ended; it begins again"
                );
                info.state = "waiting";
                info.error = error.clone();
                info.restarts += 1;
            });
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
            self.tell(|info| info.state = "connecting");
        }
    }

    fn tell(&self, change: impl FnOnce(&mut PullInfo)) {
        change(&mut lock(&self.info));
    }

    /// From opening the source until it ends; why it did.
    async fn attempt(&self) -> String {
        let mut input = match self.source.open(self.guard, &self.ffmpeg).await {
            Ok(input) => input,
            Err(error) => return error,
        };
        let mut demuxer = Demuxer::new();
        let mut publisher = None;
        loop {
            let piece = tokio::select! {
                piece = tokio::time::timeout(SILENCE, input.pieces.recv()) => piece,
                ended = ended(publisher.as_ref()) => return ended,
            };
            match piece {
                Err(_) => return format!("nothing came for {} s", SILENCE.as_secs()),
                Ok(None) => return self.why(&input),
                Ok(Some(piece)) => demuxer.push(&piece),
            }
            while let Some(notice) = demuxer.poll_notice() {
                tracing::warn!(room = lock(&self.info).room, "pull: {notice}");
            }
            if let Err(error) = self.carry(&mut demuxer, &mut publisher, input.from).await {
                return error;
            }
        }
    }

    fn why(&self, input: &Input) -> String {
        match lock(&input.error).as_str() {
            "" => "the source has ended".into(),
            words => words.to_owned(),
        }
    }

    /// Publishes with the first item: a source that does not answer is nobody in
    /// the room.
    async fn carry(
        &self,
        demuxer: &mut Demuxer,
        publisher: &mut Option<Publisher>,
        from: SocketAddr,
    ) -> Result<(), String> {
        while let Some(item) = demuxer.poll_item() {
            if publisher.is_none() {
                *publisher = Some(self.publish(from).await?);
                self.tell(|info| info.state = "live");
            }
            if let Some(publisher) = publisher {
                publisher.item(item).map_err(|ended| ended.to_string())?;
            }
        }
        Ok(())
    }

    async fn publish(&self, from: SocketAddr) -> Result<Publisher, String> {
        let room = lock(&self.info).room.clone();
        let request = PublishRequest {
            room,
            token: None,
            protocol: Protocol::Pull,
            from,
        };
        self.broadcast
            .publish_with(request, self.grants.clone())
            .await
            .map_err(|refusal| refusal.to_string())
    }
}

async fn ended(publisher: Option<&Publisher>) -> String {
    match publisher {
        Some(publisher) => publisher.ended().await.to_string(),
        None => std::future::pending().await,
    }
}
