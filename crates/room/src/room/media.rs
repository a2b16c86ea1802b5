//! What the forwarding engine says.

use std::time::Duration;

use surecast_media::control::MediaEvent;
use surecast_media::id::PeerId;
use surecast_media::time::Now;

use super::Room;
use super::broadcast::Echo;
use super::depart::Departure;
use crate::context::Context;
use crate::event::{EventKind, JoinOutcome, Tap};
use crate::ids::ParticipantKey;
use crate::proto::DisconnectReason;
use crate::proto::participant_info::State;
use crate::timers::Subject;

/// Between the end of a peer connection and the leave that explains it.
const LEAVE_GRACE: Duration = Duration::from_secs(1);

impl Room {
    /// `key` is the owner of the peer connection or track that it is about.
    pub(crate) fn handle_media(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        event: MediaEvent,
        now: Now,
    ) {
        use MediaEvent as E;
        match event {
            E::Answer {
                sdp,
                id,
                mid_to_track,
                ..
            } => self.send_answer(cx, key, (sdp, id), mid_to_track),
            E::Offer {
                sdp,
                id,
                mid_to_track,
                ..
            } => self.send_offer(cx, key, (sdp, id), mid_to_track),
            E::NegotiationFailed { peer, reason, .. } => {
                self.negotiation_failed(cx, key, peer, &reason, now)
            }
            E::SectionsNeeded { audio, video, .. } => self.ask_for_sections(cx, key, audio, video),
            E::Connected { peer, ice, dtls } => {
                self.peer_connected(cx, key, peer, (ice, dtls), now)
            }
            E::Disconnected { peer } => self.peer_disconnected(cx, key, peer, now),
            E::Closed { peer, reason } => self.peer_closed(cx, key, peer, &reason, now),
            E::Data {
                peer,
                channel,
                payload,
            } => {
                self.media_seen(cx, key, peer);
                self.handle_data(cx, key, channel, &payload, now);
            }
            E::DataReady { peer } => self.data_ready(cx, key, peer, now),
            E::Health { peer, health } => self.peer_health(cx, key, peer, &health, now),
            event => self.handle_track_event(cx, key, event, now),
        }
    }

    fn handle_track_event(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        event: MediaEvent,
        now: Now,
    ) {
        use MediaEvent as E;
        match event {
            E::TrackBound {
                track, mid, mime, ..
            } => self.track_bound(cx, track, mid, &mime, now),
            E::TrackLive { track, mime } => self.track_live(cx, track, &mime, now),
            E::TrackGone { track } => self.unpublish(cx, track, now),
            E::TrackDemand { track, quality } => self.track_demand(cx, track, quality, now),
            E::SubscriptionLive { track, .. } => self.subscription_live(cx, track),
            E::SubscriptionFailed { track, fault, .. } => {
                self.subscription_failed(cx, key, track, fault)
            }
            E::StreamState { track, paused, .. } => self.send_stream_state(cx, key, track, paused),
            E::Levels { levels, .. } => self.handle_levels(cx, &levels, now),
            // The others are about connections.
            _ => {}
        }
    }

    pub(super) fn media_timed_out(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        // Whoever still has signalling may try again from scratch.
        self.remove(
            cx,
            key,
            Departure::start_over(DisconnectReason::ConnectionTimeout),
            now,
        );
    }

    fn peer_connected(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        peer: PeerId,
        timing: (Duration, Duration),
        now: Now,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.peers.connected.insert(peer);
        if peer != participant.primary_peer() {
            return;
        }
        cx.timers.cancel(self.id, Subject::Media(key));
        if participant.is_active() {
            return;
        }
        participant.timing = Some(timing);
        participant.state = State::Active;
        cx.timers.cancel(self.id, Subject::Joining(key));
        self.announce(cx, key, Echo::No, now);
        self.report_join(cx, key, now);
        self.send_current_speakers(cx, key);
    }

    fn peer_disconnected(&mut self, cx: &mut Context, key: ParticipantKey, peer: PeerId, now: Now) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.peers.connected.remove(&peer);
        participant.health.remove(&peer);
        if peer == participant.primary_peer() {
            // Encoders and viewers begin anew instead of resuming; all they may
            // come back by is an ICE restart.
            let begins_anew = participant.peers.encoder || participant.peers.viewer;
            let window = match begins_anew {
                true => cx.settings.resume_window / 3,
                false => cx.settings.resume_window,
            };
            cx.timers.set(self.id, Subject::Media(key), now.at + window);
            self.hurry_if_gone(cx, key, now);
        }
    }

    /// Something arrived on a connection that was thought to be lost: its path
    /// works again.
    pub(super) fn media_seen(&mut self, cx: &mut Context, key: ParticipantKey, peer: PeerId) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let known = participant.is_active() && !participant.peers.closed;
        if known && participant.peers.connected.insert(peer) && peer == participant.primary_peer() {
            cx.timers.cancel(self.id, Subject::Media(key));
        }
    }

    /// The connection is gone for good. A client that closed it on purpose says
    /// so a moment later by a leave on the other socket; one that did not has to
    /// start over.
    fn peer_closed(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        peer: PeerId,
        reason: &str,
        now: Now,
    ) {
        tracing::info!(room = %self.name(), participant = %self.identity_of(key), %peer, %reason,
            "peer connection closed");
        if let Some(participant) = self.participants.get_mut(&key) {
            participant.peers.connected.remove(&peer);
            participant.peers.closed = true;
            cx.timers
                .set(self.id, Subject::Media(key), now.at + LEAVE_GRACE);
        }
    }

    fn report_join(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let info = self.participant_info(participant, cx);
        cx.tap(Tap::Join {
            room: self.name().to_owned(),
            identity: participant.identity().to_owned(),
            participant: participant.sid.clone(),
            signalling: u8::from(participant.peers.single),
            outcome: JoinOutcome::Joined,
            total: now.at.saturating_duration_since(participant.joined_at),
            ice: participant.timing.map(|(ice, _)| ice),
            dtls: participant.timing.map(|(_, dtls)| dtls),
        });
        self.report(cx, EventKind::ParticipantJoined, Some(info), None, now);
    }
}
