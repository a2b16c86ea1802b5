//! What all rooms share: settings, ids, timers, who is where, and the outbox.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use surecast_media::control::MediaCommand;
use surecast_media::id::{PeerId, RoomId, TrackId};

use crate::event::{Event, Tap};
use crate::ids::{Ids, ParticipantKey};
use crate::output::{Output, SessionId};
use crate::proto;
use crate::proto::signal_response::Message;
use crate::settings::Settings;
use crate::timers::Timers;

/// Handed to a room with every call, next to `&mut Room`.
pub(crate) struct Context {
    pub(crate) settings: Settings,
    pub(crate) ids: Ids,
    pub(crate) timers: Timers,
    pub(crate) sessions: Index<SessionId>,
    pub(crate) peers: Index<PeerId>,
    pub(crate) tracks: Index<TrackId>,
    pub(crate) outputs: VecDeque<Output>,
}

impl Context {
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            ids: Ids::new(seed),
            timers: Timers::default(),
            sessions: Index::default(),
            peers: Index::default(),
            tracks: Index::default(),
            outputs: VecDeque::new(),
        }
    }

    pub(crate) fn signal(&mut self, session: SessionId, message: Message) {
        self.outputs.push_back(Output::Signal {
            session,
            message: Box::new(proto::SignalResponse {
                message: Some(message),
            }),
        });
    }

    /// Closes a session and forgets it.
    pub(crate) fn close_session(&mut self, session: SessionId) {
        self.sessions.remove(session);
        self.outputs.push_back(Output::CloseSession { session });
    }

    pub(crate) fn media(&mut self, room: RoomId, command: MediaCommand) {
        self.outputs.push_back(Output::Media { room, command });
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(Box::new(event)));
    }

    pub(crate) fn tap(&mut self, tap: Tap) {
        self.outputs.push_back(Output::Tap(Box::new(tap)));
    }
}

/// Where a session, peer connection or track belongs.
pub(crate) struct Index<K>(HashMap<K, (RoomId, ParticipantKey)>);

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Copy + Hash + Eq> Index<K> {
    pub(crate) fn insert(&mut self, key: K, room: RoomId, participant: ParticipantKey) {
        self.0.insert(key, (room, participant));
    }

    pub(crate) fn remove(&mut self, key: K) {
        self.0.remove(&key);
    }

    pub(crate) fn get(&self, key: K) -> Option<(RoomId, ParticipantKey)> {
        self.0.get(&key).copied()
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
