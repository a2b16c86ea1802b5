//! The engine: all rooms of a server, and who is in which.

mod entry;
mod service;

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use surecast_media::control::MediaEvent;
use surecast_media::id::{PeerId, RoomId};
use surecast_media::time::Now;

use crate::context::Context;
use crate::error::JoinError;
use crate::event::{Census, JoinOutcome, Tap};
use crate::ids::ParticipantKey;
use crate::join::Join;
use crate::output::{Output, SessionId};
use crate::proto;
use crate::room::Room;
use crate::settings::Settings;

/// All rooms of a server.
///
/// Every `handle_*` may leave outputs behind: take them with
/// [`Rooms::poll_output`] until there are none, then sleep until
/// [`Rooms::poll_timeout`].
pub struct Rooms {
    cx: Context,
    rooms: BTreeMap<RoomId, Room>,
    names: HashMap<String, RoomId>,
    shutting_down: bool,
}

impl Rooms {
    /// An engine without rooms. `seed` decides every id it will make.
    #[must_use]
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            cx: Context::new(settings, seed),
            rooms: BTreeMap::new(),
            names: HashMap::new(),
            shutting_down: false,
        }
    }

    /// Would [`Rooms::handle_join`] let this in? For `/rtc/validate`.
    ///
    /// # Errors
    /// As `handle_join`.
    pub fn validate(&self, join: &Join, _now: Now) -> Result<(), JoinError> {
        let entry = self.entry(join)?;
        self.check_entry(&entry, join)
    }

    /// Lets a participant in. The first output for the new session is its
    /// `JoinResponse` (or `ReconnectResponse`; or, where it wants to resume and
    /// is not known, a leave that makes it join from scratch).
    ///
    /// # Errors
    /// See [`JoinError`]; then nothing has changed.
    pub fn handle_join(&mut self, join: Join, now: Now) -> Result<SessionId, JoinError> {
        let room = join.grants.video.as_ref().map_or("", |video| &video.room);
        let room = if room.is_empty() { &join.room } else { room }.to_owned();
        let identity = join.grants.identity.clone();
        let signalling = u8::from(join.single_connection);
        let result = self.join(join, now);
        if let Err(error) = &result {
            tracing::info!(%room, participant = %identity, %error, "join refused");
            self.cx.tap(Tap::Join {
                room,
                identity,
                participant: String::new(),
                signalling,
                outcome: JoinOutcome::Refused(error.to_string()),
                total: std::time::Duration::ZERO,
                ice: None,
                dtls: None,
            });
        }
        result
    }

    /// The room of a session, and the connection on which its participant
    /// publishes (and, on signalling v1, receives).
    #[must_use]
    pub fn connection(&self, session: SessionId) -> Option<(RoomId, PeerId)> {
        let (id, key) = self.cx.sessions.get(session)?;
        let peer = self.rooms.get(&id)?.publisher_peer(key)?;
        Some((id, peer))
    }

    /// A message from a client.
    pub fn handle_signal(&mut self, session: SessionId, request: proto::SignalRequest, now: Now) {
        let (Some((id, key)), Some(ask)) = (self.cx.sessions.get(session), request.message) else {
            return;
        };
        self.with_room(id, |room, cx| room.handle_request(cx, key, ask, now));
    }

    /// The signalling connection is gone.
    pub fn handle_session_closed(&mut self, session: SessionId, now: Now) {
        let Some((id, key)) = self.cx.sessions.get(session) else {
            return;
        };
        self.cx.sessions.remove(session);
        self.with_room(id, |room, cx| {
            room.handle_session_closed(cx, key, session, now)
        });
    }

    /// A message from the forwarding engine. One about something that is gone
    /// meanwhile is ignored.
    pub fn handle_media(&mut self, event: MediaEvent, now: Now) {
        if let MediaEvent::Levels { room, levels } = event {
            self.with_room(room, |room, cx| room.handle_levels(cx, &levels, now));
        } else if let Some((id, key)) = self.owner(&event) {
            self.with_room(id, |room, cx| room.handle_media(cx, key, event, now));
        }
    }

    /// [`Rooms::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some((id, subject)) = self.cx.timers.pop_due(now.at) {
            self.with_room(id, |room, cx| room.handle_timer(cx, subject, now));
        }
    }

    /// When [`Rooms::handle_timeout`] wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.cx.timers.next()
    }

    /// The next thing to do, until there is nothing more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.cx.outputs.pop_front()
    }

    /// The server stops: every client is told to leave, as LiveKit does it
    /// (action `DISCONNECT`), every room ends, and nobody is let in any more.
    pub fn close_all(&mut self, reason: proto::DisconnectReason, now: Now) {
        self.shutting_down = true;
        let ids: Vec<_> = self.rooms.keys().copied().collect();
        for id in ids {
            self.with_room(id, |room, cx| room.close(cx, reason, now));
        }
    }

    /// How much there is.
    #[must_use]
    pub fn census(&self) -> Census {
        let sum = |count: fn(&Room) -> usize| self.rooms.values().map(count).sum();
        Census {
            rooms: self.rooms.len(),
            participants: sum(Room::participant_count),
            tracks: sum(Room::bound_track_count),
            subscriptions: sum(Room::subscription_count),
        }
    }

    /// Runs something in a room, and drops the room where that ended it.
    fn with_room<T>(
        &mut self,
        id: RoomId,
        work: impl FnOnce(&mut Room, &mut Context) -> T,
    ) -> Option<T> {
        let room = self.rooms.get_mut(&id)?;
        let result = work(room, &mut self.cx);
        if room.is_closed() {
            self.names.remove(room.name());
            self.rooms.remove(&id);
        }
        Some(result)
    }

    /// Where the peer connection or track belongs that the event is about.
    fn owner(&self, event: &MediaEvent) -> Option<(RoomId, ParticipantKey)> {
        use MediaEvent as E;
        match event {
            E::Answer { peer, .. }
            | E::Offer { peer, .. }
            | E::NegotiationFailed { peer, .. }
            | E::SectionsNeeded { peer, .. }
            | E::Connected { peer, .. }
            | E::Disconnected { peer }
            | E::Closed { peer, .. }
            | E::SubscriptionLive { peer, .. }
            | E::SubscriptionFailed { peer, .. }
            | E::StreamState { peer, .. }
            | E::StreamFrozen { peer, .. }
            | E::StreamFlowing { peer, .. }
            | E::Data { peer, .. }
            | E::DataReady { peer }
            | E::Health { peer, .. } => self.cx.peers.get(*peer),
            E::TrackBound { track, .. }
            | E::TrackLive { track, .. }
            | E::TrackGone { track }
            | E::TrackDemand { track, .. } => self.cx.tracks.get(*track),
            E::Levels { .. } => None,
        }
    }
}

#[cfg(test)]
impl Rooms {
    pub(crate) fn only_room(&self) -> RoomId {
        assert_eq!(self.rooms.len(), 1);
        self.rooms.keys().copied().next().expect("one room")
    }

    pub(crate) fn room_info(&self, name: &str) -> Option<proto::Room> {
        self.names.get(name).map(|id| self.rooms[id].info())
    }

    pub(crate) fn bound_tracks(&self) -> Vec<surecast_media::id::TrackId> {
        self.rooms.values().flat_map(Room::bound_tracks).collect()
    }

    pub(crate) fn check_integrity(&self) {
        assert_eq!(self.rooms.len(), self.names.len());
        for room in self.rooms.values() {
            assert!(!room.is_closed());
            room.check_integrity(&self.cx);
        }
    }

    /// Nothing is left of anybody.
    pub(crate) fn is_pristine(&self) -> bool {
        self.rooms.is_empty()
            && self.names.is_empty()
            && self.cx.sessions.is_empty()
            && self.cx.peers.is_empty()
            && self.cx.tracks.is_empty()
            && self.cx.timers.is_empty()
            && self.cx.outputs.is_empty()
    }
}
