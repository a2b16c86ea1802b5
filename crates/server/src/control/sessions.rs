//! The signalling connections as the actor sees them: an outbox each.

use std::collections::HashMap;
use std::time::Duration;

use surecast_media::id::{PeerId, RoomId};
use surecast_room::proto::{self, signal_response::Message};
use surecast_room::{Grants, Join, SessionId};
use tokio::sync::{mpsc, watch};

use crate::auth::Keys;

/// Life of a refreshed token: LiveKit's clients expect it to outlast a resume,
/// and get a newer one every few minutes.
const REFRESH_TTL: Duration = Duration::from_secs(10 * 60);

/// How a connection ends from our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It goes on, or ends when its outbox is closed and empty.
    None,
    /// The client does not read; what waits for it is dropped.
    SlowReader,
}

/// What a door gets for a client that was let in.
pub struct Admission {
    /// The engine's id.
    pub session: SessionId,
    /// Where its media goes: the room's shard and its connection there.
    /// `None` where it is sent away at once.
    pub media: Option<(RoomId, PeerId)>,
    /// Room name, for the log.
    pub room: String,
    /// Identity, for the log.
    pub identity: String,
    /// What to send; closed when the connection shall end.
    pub outbox: mpsc::Receiver<proto::SignalResponse>,
    /// Says so when it shall end at once.
    pub ending: watch::Receiver<Ending>,
}

/// Who a connection belongs to.
pub(super) struct Who {
    room: String,
    identity: String,
    api_key: String,
}

impl Who {
    pub(super) fn of(join: &Join) -> Self {
        let named = join.grants.video.as_ref().map(|video| video.room.clone());
        Self {
            room: named
                .filter(|room| !room.is_empty())
                .unwrap_or_else(|| join.room.clone()),
            identity: join.grants.identity.clone(),
            api_key: join.grants.issuer.clone(),
        }
    }
}

struct Entry {
    who: Who,
    outbox: mpsc::Sender<proto::SignalResponse>,
    ending: watch::Sender<Ending>,
}

pub(super) struct Sessions {
    entries: HashMap<SessionId, Entry>,
    outbox_messages: usize,
    keys: Keys,
}

impl Sessions {
    pub(super) fn new(outbox_messages: usize, keys: Keys) -> Self {
        Self {
            entries: HashMap::new(),
            outbox_messages,
            keys,
        }
    }

    pub(super) fn add(
        &mut self,
        session: SessionId,
        who: Who,
        media: Option<(RoomId, PeerId)>,
    ) -> Admission {
        let (outbox, receiver) = mpsc::channel(self.outbox_messages);
        let (ending, ended) = watch::channel(Ending::None);
        let (room, identity) = (who.room.clone(), who.identity.clone());
        self.entries.insert(
            session,
            Entry {
                who,
                outbox,
                ending,
            },
        );
        Admission {
            session,
            media,
            room,
            identity,
            outbox: receiver,
            ending: ended,
        }
    }

    /// The connection gets what is waiting for it and is closed then. `false`
    /// when it was not there.
    pub(super) fn remove(&mut self, session: SessionId) -> bool {
        self.entries.remove(&session).is_some()
    }

    pub(super) fn close_all(&mut self) {
        self.entries.clear();
    }

    /// `false`: the client does not read and has been given up.
    pub(super) fn send(&mut self, session: SessionId, message: proto::SignalResponse) -> bool {
        let Some(entry) = self.entries.get(&session) else {
            return true; // on its way out: its close has not reached the engine yet
        };
        if !matches!(
            entry.outbox.try_send(message),
            Err(mpsc::error::TrySendError::Full(_))
        ) {
            return true; // sent, or the door has hung up and will report it
        }
        if let Some(entry) = self.entries.remove(&session) {
            tracing::warn!(
                room = entry.who.room,
                participant = entry.who.identity,
                messages = self.outbox_messages,
                "client does not read its signalling connection: closing it"
            );
            entry.ending.send_replace(Ending::SlowReader);
        }
        false
    }

    /// The message with a fresh token, signed by the key of the first one.
    pub(super) fn refresh(
        &self,
        session: SessionId,
        grants: &Grants,
    ) -> Option<proto::SignalResponse> {
        let entry = self.entries.get(&session)?;
        let token = self.keys.sign(&entry.who.api_key, grants, REFRESH_TTL)?;
        Some(proto::SignalResponse {
            message: Some(Message::RefreshToken(token)),
        })
    }
}
