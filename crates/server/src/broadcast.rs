//! Broadcasting: encoders come in by any door and are participants of a room;
//! rooms are watched through any door.
//!
//! A room's [`program::Program`] is one run of items that all doors which are not
//! WebRTC share. It is fed by an encoder ([`encoder`]), or, where people publish
//! by WebRTC, by a tap on their tracks ([`tap`]).

mod access;
pub mod address_guard;
mod anew;
pub mod encoder;
pub mod fanout;
mod hook;
pub mod ingress;
mod message;
mod play;
pub mod program;
pub mod pull;
pub mod push;
pub mod record;
mod room_track;
pub mod status;
pub mod tags;
mod tap;
pub mod thumbnail;
mod timeline;
pub mod transcode;
pub mod ts;
mod variant;
pub mod viewers;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde::Serialize;
use surecast_media::frame::FrameCodec;
use surecast_room::{Grants, Join, proto};

use crate::auth::Keys;
use crate::config::Config;
use crate::control::Control;
use crate::media_plane::MediaPlane;
use access::Access;
pub use access::Refusal;
pub use encoder::{Ended, Publisher};
use hook::{Hooks, What};
use ingress::Ingresses;
pub use play::{Audio, PlayRequest, Played, Player};
use program::{Program, SourceId};
use status::Gauge;
use viewers::{Limits, Viewers};

/// The protocol that somebody comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// RTMP and RTMPS.
    Rtmp,
    /// SRT.
    Srt,
    /// WHIP: WebRTC, but an encoder all the same.
    Whip,
    /// HTTP-FLV and WebSocket-FLV.
    Flv,
    /// HLS.
    Hls,
    /// WHEP: WebRTC, but a viewer all the same.
    Whep,
    /// Fetched from a URL or a file.
    Pull,
    /// Recording.
    Record,
    /// Pushed to another server.
    Push,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Rtmp,
        Self::Srt,
        Self::Whip,
        Self::Flv,
        Self::Hls,
        Self::Whep,
        Self::Pull,
        Self::Record,
        Self::Push,
    ];

    /// As in URLs and labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::Srt => "srt",
            Self::Whip => "whip",
            Self::Flv => "flv",
            Self::Hls => "hls",
            Self::Whep => "whep",
            Self::Pull => "pull",
            Self::Record => "record",
            Self::Push => "push",
        }
    }
}

/// An encoder asks to be let in.
#[derive(Clone, Debug)]
pub struct PublishRequest {
    /// The room.
    pub room: String,
    /// LiveKit token; none is needed with `--dev`.
    pub token: Option<String>,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its address.
    pub from: SocketAddr,
}

/// All programs. Cheap to clone.
#[derive(Clone)]
pub struct Broadcast(Arc<Inner>);

struct Inner {
    access: Access,
    hooks: Hooks,
    viewers: Viewers,
    ingresses: Ingresses,
    limits: Limits,
    takeover: bool,
    linger: Duration,
    transcode: transcode::Settings,
    thumbnails: thumbnail::Thumbnails,
    video_anew: bool,
    control: Control,
    media: Weak<MediaPlane>,
    sources: AtomicU64,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    /// By room.
    programs: HashMap<String, Arc<Program>>,
    /// Rooms whose tracks are tapped.
    taps: HashSet<String>,
    /// Programs with their sound in another codec.
    variants: HashMap<(String, FrameCodec), Arc<Program>>,
    /// What they send, by source.
    gauges: HashMap<(String, SourceId), Arc<Gauge>>,
}

impl Broadcast {
    /// Nothing is live yet.
    ///
    /// # Errors
    /// An address in the settings cannot be used.
    pub fn new(
        config: &Config,
        keys: Keys,
        control: Control,
        media: Weak<MediaPlane>,
        ingresses: Ingresses,
    ) -> anyhow::Result<Self> {
        let broadcast = &config.broadcast;
        let limits = Limits {
            room: broadcast.max_viewers as usize,
            address: broadcast.max_viewers_per_address as usize,
        };
        Ok(Self(Arc::new(Inner {
            hooks: Hooks::new(config, &keys)?,
            viewers: Viewers::default(),
            ingresses,
            limits,
            access: Access {
                keys,
                open: config.dev,
                open_play: broadcast.open_play,
            },
            takeover: broadcast.takeover,
            linger: broadcast.linger.0,
            transcode: transcode::Settings {
                ffmpeg: broadcast.ffmpeg.clone(),
                encoder: broadcast.encoder.clone(),
                ..transcode::Settings::default()
            },
            thumbnails: thumbnail::Thumbnails::default(),
            video_anew: broadcast.transcode_for_webrtc,
            control,
            media,
            sources: AtomicU64::new(1),
            live: Mutex::default(),
        })))
    }

    /// Lets an encoder in: it becomes a participant of the room, and feeds the
    /// room's program if nobody does.
    ///
    /// # Errors
    /// In words for who set up the encoder.
    pub async fn publish(&self, request: PublishRequest) -> Result<Publisher, Refusal> {
        // Large, and made once for each encoder.
        Box::pin(self.let_in(request)).await
    }

    async fn let_in(&self, request: PublishRequest) -> Result<Publisher, Refusal> {
        let token = request.token.as_deref();
        let (room, grants) = self.may_publish(&request.room, token)?;
        self.publish_with(PublishRequest { room, ..request }, grants)
            .await
    }

    /// The same for who has these grants without a token: what the server itself
    /// was told to publish by somebody who may. The request's token is passed
    /// over.
    ///
    /// # Errors
    /// In words for who set it up.
    pub async fn publish_with(
        &self,
        request: PublishRequest,
        grants: Grants,
    ) -> Result<Publisher, Refusal> {
        let identity = grants.identity.clone();
        let place = (request.protocol, request.from);
        self.ask_publish(&request.room, &identity, place).await?;
        let mut join = encoder_join(&request, grants);
        join.yields = !self.0.takeover;
        let admission = self.0.control.join(join).await??;
        let source = self.next_source();
        let since = encoder::unix_micros();
        let gauge = Arc::new(Gauge::new(request.protocol, request.from, &identity, since));
        let program = self.program(&request.room);
        let mut live = self.lock();
        live.gauges
            .insert((request.room.clone(), source), gauge.clone());
        drop(live);
        tracing::info!(room = request.room, identity, protocol = request.protocol.name(),
            from = %request.from, "encoder publishes");
        let (this, room) = (self.clone(), request.room);
        Ok(encoder::start(encoder::Parts {
            program,
            source,
            admission,
            control: self.0.control.clone(),
            media: self.0.media.clone(),
            gauge,
            transcode: (self.0.transcode.clone(), self.0.video_anew),
            gone: Box::new(move || this.encoder_gone(&room, &identity, source)),
        }))
    }

    /// What whoever names this room may publish, and where: the stream key of an
    /// ingress stands for a room and an identity, and needs no token.
    ///
    /// # Errors
    /// Nothing.
    pub fn may_publish(
        &self,
        room: &str,
        token: Option<&str>,
    ) -> Result<(String, Grants), Refusal> {
        if let Some(info) = self.0.ingresses.of_key(room) {
            if !ingress::is_enabled(&info) {
                let words = format!("ingress {} is turned off", info.ingress_id);
                return Err(Refusal::NotAllowed(words));
            }
            return Ok((info.room_name.clone(), ingress::grants(&info)));
        }
        let grants = self.0.access.publish(room, token)?;
        Ok((room.to_owned(), grants))
    }

    /// Asks the operator whether an encoder may come in.
    ///
    /// # Errors
    /// The operator says no, or nothing.
    pub async fn ask_publish(
        &self,
        room: &str,
        identity: &str,
        place: (Protocol, SocketAddr),
    ) -> Result<(), Refusal> {
        let hooks = &self.0.hooks;
        hooks.ask(What::Publish, room, identity, place).await
    }

    /// Ways in with keys of their own.
    pub fn ingresses(&self) -> &Ingresses {
        &self.0.ingresses
    }

    /// The streams that come in by frame doors.
    pub fn incoming(&self) -> Vec<(String, status::Incoming)> {
        let now = encoder::unix_micros();
        let live = self.lock();
        let gauges = live.gauges.iter();
        let mut all: Vec<_> = gauges
            .map(|((room, _), gauge)| (room.clone(), gauge.read(now)))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// The rooms with a program, and how many read it.
    pub fn programs(&self) -> Vec<(String, usize)> {
        let live = self.lock();
        let programs = live.programs.iter();
        let mut all: Vec<_> = programs
            .filter(|(_, program)| program.is_live())
            .map(|(room, program)| (room.clone(), program.out().readers()))
            .collect();
        all.sort();
        all
    }

    /// Viewers by doors that are not WebRTC.
    pub fn viewers(&self) -> &Viewers {
        &self.0.viewers
    }

    fn encoder_gone(&self, room: &str, identity: &str, source: SourceId) {
        tracing::info!(room, identity, "encoder is gone");
        let mut live = self.lock();
        live.gauges.remove(&(room.to_owned(), source));
        drop(live);
        self.end_when_vacant(room);
    }

    /// An encoder that lost its network comes back within seconds: players stay
    /// for so long.
    fn end_when_vacant(&self, room: &str) {
        let Some(program) = self.lock().programs.get(room).cloned() else {
            return;
        };
        if program.is_live() {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(this.0.linger).await;
            if program.end_if_vacant() {
                this.forget(&program);
            }
        });
    }

    fn forget(&self, program: &Arc<Program>) {
        let mut live = self.lock();
        let programs = &mut live.programs;
        if programs
            .get(&program.room)
            .is_some_and(|it| Arc::ptr_eq(it, program))
        {
            programs.remove(&program.room);
        }
    }

    /// The room's program, made where there is none.
    fn program(&self, room: &str) -> Arc<Program> {
        let mut live = self.lock();
        let known = live.programs.get(room).filter(|it| !it.has_ended());
        if let Some(program) = known {
            return program.clone();
        }
        let program = Arc::new(Program::new(room));
        live.programs.insert(room.to_owned(), program.clone());
        program
    }

    fn next_source(&self) -> SourceId {
        SourceId(self.0.sources.fetch_add(1, Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An encoder as a participant: it sends and does not receive.
fn encoder_join(request: &PublishRequest, mut grants: Grants) -> Join {
    if grants.kind.is_empty() {
        grants.kind = "ingress".into();
    }
    if grants.name.is_empty() {
        grants.name.clone_from(&grants.identity);
    }
    grants
        .attributes
        .insert("surecast.protocol".into(), request.protocol.name().into());
    Join {
        grants,
        room: request.room.clone(),
        protocol: 16,
        single_connection: true,
        local: true,
        client: proto::ClientInfo {
            address: request.from.ip().to_string(),
            ..Default::default()
        },
        ..Join::default()
    }
}
