//! A participant comes back on a new signalling connection and keeps its media.

use surecast_media::control::MediaCommand;
use surecast_media::time::Now;

use super::Room;
use super::broadcast::update_of;
use super::depart::Departure;
use crate::context::Context;
use crate::event::{JoinOutcome, Tap};
use crate::ids::ParticipantKey;
use crate::join::Join;
use crate::limits;
use crate::output::SessionId;
use crate::proto;
use crate::proto::DisconnectReason;
use crate::proto::signal_response::Message;
use crate::timers::Subject;

impl Room {
    /// The participant that this request may resume.
    pub(crate) fn resumable(&self, join: &Join) -> Option<ParticipantKey> {
        let sid = join.reconnect.as_deref()?;
        let key = *self.identities.get(&join.grants.identity)?;
        let participant = self.participants.get(&key)?;
        let same = sid.is_empty() || participant.sid == sid;
        // The other signalling version has other peer connections.
        let alike = participant.peers.single == join.single_connection;
        (same && alike && !participant.peers.closed).then_some(key)
    }

    /// Puts the participant on a new session.
    pub(crate) fn resume(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        join: Join,
        now: Now,
    ) -> SessionId {
        let session = self.swap_session(cx, key, now);
        if self.take_silent_close(key, now) {
            cx.close_session(session);
            self.handle_session_closed(cx, key, session, now);
            return session;
        }
        let missed = self.missed_departures(key);
        self.send_reconnect_response(cx, key);
        let Some(missed) = missed else {
            self.remove(
                cx,
                key,
                Departure::start_over(DisconnectReason::StateMismatch),
                now,
            );
            return session;
        };
        self.send_state(cx, key, missed);
        self.send_own_state(cx, key);
        self.refresh_token(cx, key, now);
        self.restart_ice(cx, key);
        self.report_resumed(cx, key, &join);
        if let Some(state) = join.sync_state {
            self.handle_sync_state(cx, key, state, now);
        }
        if let Some(offer) = join.offer {
            self.handle_offer(cx, key, offer);
        }
        self.close_where_simulated(cx, key, session, now);
        session
    }

    /// What the client believes, after a resume.
    pub(super) fn handle_sync_state(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        state: proto::SyncState,
        now: Now,
    ) {
        if !self.knows_publications(key, &state) {
            tracing::warn!(room = %self.name(), participant = %self.identity_of(key),
                "a published track is unknown here, the client has to start over");
            let how = Departure::start_over(DisconnectReason::StateMismatch);
            self.remove(cx, key, how, now);
            return;
        }
        for sid in state
            .track_sids_disabled
            .iter()
            .take(limits::TRACKS_PER_REQUEST)
        {
            self.disable_track(cx, key, sid);
        }
        if let Some(subscription) = state.subscription {
            self.handle_subscription(cx, key, subscription);
        }
        if let Some(subscription) = state.data_subscription {
            self.handle_data_subscription(cx, key, subscription);
        }
        self.replay_data(cx, key, &state.datachannel_receive_states, now);
    }

    fn knows_publications(&self, key: ParticipantKey, state: &proto::SyncState) -> bool {
        let track = |published: &proto::TrackPublishedResponse| {
            let info = published.track.as_ref();
            info.is_some_and(|info| self.own_track(key, &info.sid).is_some())
        };
        let data_track = |published: &proto::PublishDataTrackResponse| {
            let info = published.info.as_ref();
            info.is_some_and(|info| self.publishes_data_track(key, &info.sid))
        };
        state.publish_tracks.iter().all(track) && state.publish_data_tracks.iter().all(data_track)
    }

    fn swap_session(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) -> SessionId {
        let session = cx.ids.session();
        cx.sessions.insert(session, self.id, key);
        if let Some(participant) = self.participants.get_mut(&key) {
            tracing::info!(room = %self.fixed.name, participant = %participant.identity(), "participant resumes");
            if let Some(older) = participant.signalling.session.replace(session) {
                participant.signalling.lost_at.get_or_insert(now.at);
                cx.close_session(older);
            }
            participant.signalling.pings = false;
        }
        cx.timers.cancel(self.id, Subject::Silence(key));
        cx.timers.cancel(self.id, Subject::Resume(key));
        session
    }

    /// Who left while the participant was away; `None` where that is too much.
    fn missed_departures(&mut self, key: ParticipantKey) -> Option<Vec<proto::ParticipantInfo>> {
        let participant = self.participants.get_mut(&key)?;
        match participant.signalling.lost_at.take() {
            Some(lost_at) => self.departed.since(lost_at),
            None => Some(Vec::new()),
        }
    }

    fn send_reconnect_response(&self, cx: &mut Context, key: ParticipantKey) {
        let response = proto::ReconnectResponse {
            ice_servers: cx.settings.ice_servers.clone(),
            client_configuration: Some(proto::ClientConfiguration::default()),
            server_info: Some(Self::server_info(cx)),
            last_message_seq: self.participants.get(&key).map_or(0, |p| p.last_sequence),
        };
        if let Some(participant) = self.participants.get(&key) {
            participant.send(cx, Message::Reconnect(response));
        }
    }

    /// Everybody as they are now, the participant itself included, and those who
    /// are no more.
    fn send_state(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        missed: Vec<proto::ParticipantInfo>,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let mut infos = self.visible_infos(cx, None);
        if participant.hidden() {
            infos.push(self.participant_info(participant, cx));
        }
        let here = |info: &proto::ParticipantInfo| self.identities.contains_key(&info.identity);
        infos.extend(missed.into_iter().filter(|info| !here(info)));
        participant.send(cx, update_of(infos));
        participant.send(
            cx,
            Message::RoomUpdate(proto::RoomUpdate {
                room: Some(self.info()),
            }),
        );
    }

    /// What was decided for this participant, and may have been told to nobody.
    fn send_own_state(&mut self, cx: &mut Context, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        if let Some(requirement) = participant.peers.sections.take() {
            participant.send(cx, Message::MediaSectionsRequirement(requirement));
        }
        for id in participant.tracks.clone() {
            if self
                .tracks
                .get(&id)
                .is_some_and(|track| track.demand.told.is_some())
            {
                self.tell_demand(cx, id);
            }
        }
        self.send_denials(cx, key);
        if self.receives_data_tracks(key) {
            self.send_handles(cx, key);
        }
        self.send_current_speakers(cx, key);
    }

    /// On v0 the server's connection is the server's to restart; what the client
    /// offers, it restarts by itself.
    pub(super) fn restart_ice(&self, cx: &mut Context, key: ParticipantKey) {
        let subscriber = self.participants.get(&key).and_then(|p| p.peers.subscriber);
        if let Some(peer) = subscriber {
            cx.media(self.id, MediaCommand::RestartIce { peer });
        }
    }

    fn report_resumed(&self, cx: &mut Context, key: ParticipantKey, join: &Join) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        cx.tap(Tap::Join {
            room: self.name().to_owned(),
            identity: participant.identity().to_owned(),
            participant: participant.sid.clone(),
            signalling: u8::from(join.single_connection),
            outcome: JoinOutcome::Resumed,
            total: std::time::Duration::ZERO,
            ice: None,
            dtls: None,
        });
    }
}
