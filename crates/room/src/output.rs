//! What the engine wants sent.

use surecast_media::control::MediaCommand;
use surecast_media::id::RoomId;

use crate::event::{Event, Tap};
use crate::proto;
use crate::token::Grants;

/// One signalling connection: a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

impl std::fmt::Display for SessionId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "session-{}", self.0)
    }
}

/// From [`Rooms::poll_output`](crate::Rooms::poll_output), in the order in which
/// it has to be carried out.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this on the signalling connection.
    Signal {
        /// To whom.
        session: SessionId,
        /// What.
        message: Box<proto::SignalResponse>,
    },
    /// Sign these grants with the key the session's token was signed with, and
    /// send the token as `refresh_token`. They are what the participant may do
    /// *now*, after changes made through the room service.
    RefreshToken {
        /// To whom.
        session: SessionId,
        /// `identity`, `name`, `metadata`, `attributes` and `video` are current.
        grants: Box<Grants>,
    },
    /// Close the signalling connection once what was sent before is out. The
    /// engine has forgotten the session already.
    CloseSession {
        /// Which.
        session: SessionId,
    },
    /// For the forwarding engine of the shard on which the room lives.
    Media {
        /// The room the command belongs to.
        room: RoomId,
        /// What to do.
        command: MediaCommand,
    },
    /// Something happened that webhooks tell of.
    Event(Box<Event>),
    /// Something happened that is measured.
    Tap(Box<Tap>),
}
