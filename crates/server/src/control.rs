//! The control actor: the one owner of the room engine.
//!
//! Doors hand it requests through a bounded queue, shards hand it media events
//! through another. After every input it carries out what the engine wants, in
//! the engine's order, and never waits for anybody while doing so.

mod sessions;

use std::sync::Arc;

use surecast_media::control::MediaEvent;
use surecast_room::proto;
use surecast_room::{
    Census, Event, Grants, Join, JoinError, Output, Rooms, ServiceCall, ServiceError, ServiceReply,
    SessionId, Settings, Tap,
};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::auth::Keys;
use crate::clock;
use crate::faults::{self, Faults};
use crate::guarantee;
use crate::media_plane::MediaPlane;
use crate::metrics::Metrics;
use sessions::Sessions;

pub use sessions::{Admission, Ending};

/// Requests waiting for the actor. Each connection has at most one of its own
/// in here, so a full queue slows clients down instead of growing.
const QUEUE: usize = 4096;

/// Inputs handled before timers are looked at again.
const BATCH: usize = 64;

/// What the actor works with.
pub struct Parts {
    /// Room settings.
    pub settings: Settings,
    /// To sign refreshed tokens.
    pub keys: Keys,
    /// Messages waiting for one client before it is given up.
    pub outbox_messages: usize,
    /// Where media commands go.
    pub media: Arc<MediaPlane>,
    /// From the shards.
    pub media_events: mpsc::Receiver<MediaEvent>,
    /// Told of every event. Must not block.
    pub on_event: Box<dyn FnMut(Event) + Send>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Sees all that counts for the guarantee; `None` where it is turned off.
    pub guarantee: Option<guarantee::Tap>,
    /// Faults on purpose; `None` where there are none.
    pub faults: Option<Arc<Faults>>,
}

/// The way to the actor. Cheap to clone.
#[derive(Clone)]
pub struct Control {
    inputs: mpsc::Sender<Input>,
}

/// The actor is gone: the server is stopping.
#[derive(Debug, thiserror::Error)]
#[error("the server is shutting down: try another one or later")]
pub struct Stopped;

enum Input {
    Validate {
        join: Box<Join>,
        reply: oneshot::Sender<Result<(), JoinError>>,
    },
    Join {
        join: Box<Join>,
        reply: oneshot::Sender<Result<Admission, JoinError>>,
    },
    Signal {
        session: SessionId,
        request: Box<proto::SignalRequest>,
    },
    Closed {
        session: SessionId,
    },
    Service {
        grants: Box<Grants>,
        call: Box<ServiceCall>,
        reply: oneshot::Sender<ServiceResult>,
    },
    Census {
        reply: oneshot::Sender<Census>,
    },
    CloseAll {
        reply: oneshot::Sender<()>,
    },
}

type ServiceResult = Result<ServiceReply, ServiceError>;

impl Control {
    /// Starts the actor. The task ends, and gives the media plane back, when
    /// every `Control` is dropped or after [`Control::close_all`].
    pub fn start(parts: Parts) -> (Self, JoinHandle<Arc<MediaPlane>>) {
        let (inputs, receiver) = mpsc::channel(QUEUE);
        let actor = Actor {
            rooms: Rooms::new(parts.settings, fastrand::u64(..)),
            sessions: Sessions::new(parts.outbox_messages, parts.keys),
            media: parts.media,
            on_event: parts.on_event,
            metrics: parts.metrics,
            guarantee: parts.guarantee,
            faults: parts.faults,
            stopping: false,
        };
        (
            Self { inputs },
            tokio::spawn(actor.run(receiver, parts.media_events)),
        )
    }

    /// Would this join be let in?
    ///
    /// # Errors
    /// Outer: stopping. Inner: the engine's refusal.
    pub async fn validate(&self, join: Join) -> Result<Result<(), JoinError>, Stopped> {
        self.ask(|reply| Input::Validate {
            join: Box::new(join),
            reply,
        })
        .await
    }

    /// Joins. What the engine answers first is in the admission's outbox when
    /// this returns.
    ///
    /// # Errors
    /// Outer: stopping. Inner: the engine's refusal.
    pub async fn join(&self, join: Join) -> Result<Result<Admission, JoinError>, Stopped> {
        self.ask(|reply| Input::Join {
            join: Box::new(join),
            reply,
        })
        .await
    }

    /// A message of a client. Waits while the actor is busy, which holds this
    /// client back and nobody else.
    ///
    /// # Errors
    /// Stopping.
    pub async fn signal(
        &self,
        session: SessionId,
        request: proto::SignalRequest,
    ) -> Result<(), Stopped> {
        let input = Input::Signal {
            session,
            request: Box::new(request),
        };
        self.inputs.send(input).await.map_err(|_| Stopped)
    }

    /// The client's connection is gone.
    pub async fn closed(&self, session: SessionId) {
        // A stopped actor has no sessions left to close.
        let _ = self.inputs.send(Input::Closed { session }).await;
    }

    /// A call to the room service.
    ///
    /// # Errors
    /// Outer: stopping. Inner: the engine's answer.
    pub async fn service(
        &self,
        grants: Grants,
        call: ServiceCall,
    ) -> Result<ServiceResult, Stopped> {
        self.ask(|reply| Input::Service {
            grants: Box::new(grants),
            call: Box::new(call),
            reply,
        })
        .await
    }

    /// How much there is.
    ///
    /// # Errors
    /// Stopping.
    pub async fn census(&self) -> Result<Census, Stopped> {
        self.ask(|reply| Input::Census { reply }).await
    }

    /// Sends everybody away and stops the actor.
    pub async fn close_all(&self) {
        let _ = self.ask(|reply| Input::CloseAll { reply }).await;
    }

    /// Waits for the actor's end.
    pub async fn gone(&self) {
        self.inputs.closed().await;
    }

    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Result<T, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.inputs.send(input(reply)).await.map_err(|_| Stopped)?;
        answer.await.map_err(|_| Stopped)
    }
}

struct Actor {
    rooms: Rooms,
    sessions: Sessions,
    media: Arc<MediaPlane>,
    on_event: Box<dyn FnMut(Event) + Send>,
    metrics: Arc<Metrics>,
    guarantee: Option<guarantee::Tap>,
    faults: Option<Arc<Faults>>,
    stopping: bool,
}

impl Actor {
    async fn run(
        mut self,
        mut inputs: mpsc::Receiver<Input>,
        mut media_events: mpsc::Receiver<MediaEvent>,
    ) -> Arc<MediaPlane> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut media_batch = Vec::with_capacity(BATCH);
        while !self.stopping {
            let timeout = self.rooms.poll_timeout();
            tokio::select! {
                count = inputs.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    for input in batch.drain(..) {
                        self.handle(input);
                    }
                }
                Some(_) = recv_media(&mut media_events, &mut media_batch) => {
                    for event in media_batch.drain(..) {
                        let now = clock::now();
                        if let Some(tap) = &mut self.guarantee {
                            tap.media(&event, now);
                        }
                        self.rooms.handle_media(event, now);
                        self.drain();
                    }
                }
                () = sleep_until(timeout) => {
                    self.rooms.handle_timeout(clock::now());
                    self.drain();
                }
            }
        }
        self.media
    }

    fn handle(&mut self, input: Input) {
        let now = clock::now();
        // Whoever asked may be gone by the time it is answered: `send` fails
        // then, and there is nobody to tell.
        match input {
            Input::Validate { join, reply } => {
                let answer = faults::lets_in(self.faults.as_ref(), now.at);
                let _ = reply.send(answer.and_then(|()| self.rooms.validate(&join, now)));
            }
            Input::Join { join, reply } => self.join(*join, reply),
            Input::Signal { session, request } => {
                self.metrics.signal_received();
                self.rooms.handle_signal(session, *request, now);
            }
            Input::Closed { session } => {
                if self.sessions.remove(session) {
                    self.rooms.handle_session_closed(session, now);
                }
            }
            Input::Service {
                grants,
                call,
                reply,
            } => {
                let answer = self.rooms.handle_service(&grants, *call, now);
                self.drain();
                let _ = reply.send(answer);
            }
            Input::Census { reply } => {
                if let Some(tap) = &mut self.guarantee {
                    tap.flush(now);
                }
                let _ = reply.send(self.rooms.census());
            }
            Input::CloseAll { reply } => {
                self.rooms
                    .close_all(proto::DisconnectReason::ServerShutdown, now);
                self.drain();
                self.sessions.close_all();
                self.stopping = true;
                let _ = reply.send(());
            }
        }
        self.drain();
    }

    fn join(&mut self, join: Join, reply: oneshot::Sender<Result<Admission, JoinError>>) {
        let now = clock::now();
        let who = sessions::Who::of(&join);
        if let Some(tap) = &mut self.guarantee {
            tap.join_begins(&join, now);
        }
        let admission = faults::lets_in(self.faults.as_ref(), now.at)
            .and_then(|()| self.rooms.handle_join(join, now))
            .map(|session| {
                let media = self.rooms.connection(session);
                self.sessions.add(session, who, media)
            });
        self.drain();
        if let Some(tap) = &mut self.guarantee {
            tap.join_decided(admission.as_ref().err());
        }
        if let Err(Ok(admission)) = reply.send(admission) {
            // The client hung up while it was being let in.
            if self.sessions.remove(admission.session) {
                self.rooms
                    .handle_session_closed(admission.session, clock::now());
            }
        }
    }

    /// Carries out what the engine wants.
    fn drain(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            if let Some(tap) = &mut self.guarantee {
                tap.output(&output, clock::now());
            }
            match output {
                Output::Signal { session, message } => self.send(session, *message),
                Output::RefreshToken { session, grants } => {
                    if let Some(message) = self.sessions.refresh(session, &grants) {
                        self.send(session, message);
                    }
                }
                Output::CloseSession { session } => {
                    self.sessions.remove(session);
                }
                Output::Media { room, command } => self.media.command(room, command),
                Output::Event(event) => (self.on_event)(*event),
                Output::Tap(tap) => self.tap(&tap),
            }
        }
    }

    fn send(&mut self, session: SessionId, message: proto::SignalResponse) {
        self.metrics.signal_sent();
        if !self.sessions.send(session, message) {
            self.metrics.slow_client();
            self.rooms.handle_session_closed(session, clock::now());
        }
    }

    fn tap(&self, tap: &Tap) {
        self.metrics.tap(tap);
        if let Tap::Join {
            room,
            identity,
            participant,
            outcome,
            total,
            ..
        } = tap
        {
            tracing::info!(
                room,
                participant = identity,
                sid = participant,
                ?outcome,
                ms = u64::try_from(total.as_millis()).unwrap_or(u64::MAX),
                "join"
            );
        }
    }
}

/// `None` once all shards are gone; the select then waits for the others.
async fn recv_media(
    events: &mut mpsc::Receiver<MediaEvent>,
    batch: &mut Vec<MediaEvent>,
) -> Option<usize> {
    let count = events.recv_many(batch, BATCH).await;
    (count > 0).then_some(count)
}

async fn sleep_until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
