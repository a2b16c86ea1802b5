//! What clients say.

use surecast_media::time::Now;

use super::Room;
use super::depart::Departure;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::output::SessionId;
use crate::proto;
use crate::proto::DisconnectReason;
use crate::proto::request_response::{Reason, Request};
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message;
use crate::timers::Subject;

/// From this protocol on, clients expect an answer also where all is well.
const CONFIRMATIONS: u32 = 15;

impl Room {
    // Older clients still send `UpdateLayers`.
    #[allow(deprecated)]
    pub(crate) fn handle_request(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        ask: Ask,
        now: Now,
    ) {
        self.heard_from(cx, key, &ask, now);
        match ask {
            Ask::Offer(offer) => self.handle_offer(cx, key, offer),
            Ask::Answer(answer) => self.handle_answer(cx, key, answer),
            Ask::Trickle(trickle) => self.handle_trickle(cx, key, &trickle),
            Ask::AddTrack(request) => self.add_track(cx, key, request, now),
            Ask::Mute(mute) => self.handle_mute(cx, key, mute, now),
            Ask::Subscription(update) => self.handle_subscription(cx, key, update),
            Ask::TrackSetting(setting) => self.handle_track_setting(cx, key, &setting),
            Ask::Leave(_) => self.handle_leave(cx, key, now),
            Ask::UpdateLayers(update) => self.update_layers(cx, key, update, now),
            Ask::SubscriptionPermission(update) => {
                self.handle_subscription_permission(cx, key, update)
            }
            Ask::SyncState(state) => self.handle_sync_state(cx, key, state, now),
            Ask::Simulate(scenario) => self.simulate(cx, key, &scenario, now),
            Ask::Ping(_) => self.send_to(cx, key, Message::Pong(unix_ms(now))),
            Ask::PingReq(ping) => self.send_to(cx, key, pong(&ping, now)),
            Ask::UpdateMetadata(update) => self.handle_update_metadata(cx, key, update, now),
            Ask::UpdateAudioTrack(update) => self.update_audio_track(cx, key, update, now),
            Ask::UpdateVideoTrack(update) => self.update_video_track(cx, key, update, now),
            Ask::PublishDataTrackRequest(request) => self.publish_data_track(cx, key, request, now),
            Ask::UnpublishDataTrackRequest(request) => {
                self.handle_unpublish_data_track(cx, key, request, now)
            }
            Ask::UpdateDataSubscription(update) => self.handle_data_subscription(cx, key, update),
            Ask::StoreDataBlobRequest(request) => self.refuse_blob(cx, key, request.request_id),
            Ask::GetDataBlobRequest(request) => self.refuse_blob(cx, key, request.request_id),
        }
    }

    fn handle_leave(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        let how = Departure::quiet(DisconnectReason::ClientInitiated);
        self.remove(cx, key, how, now);
    }

    /// The signalling connection is gone without a leave.
    pub(crate) fn handle_session_closed(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        session: SessionId,
        now: Now,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        if participant.signalling.session != Some(session) {
            return;
        }
        participant.signalling.session = None;
        participant.signalling.lost_at.get_or_insert(now.at);
        cx.timers.cancel(self.id, Subject::Silence(key));
        cx.timers.cancel(self.id, Subject::Token(key));
        // Without media there is nothing that could be resumed.
        if participant.is_active() || !participant.peers.connected.is_empty() {
            cx.timers.set(
                self.id,
                Subject::Resume(key),
                now.at + cx.settings.resume_window,
            );
            self.hurry_if_gone(cx, key, now);
        } else {
            self.remove(
                cx,
                key,
                Departure::quiet(DisconnectReason::SignalClose),
                now,
            );
        }
    }

    /// Who has neither signalling nor media has most likely crashed: the others
    /// shall not look at a frozen picture for long.
    pub(super) fn hurry_if_gone(&self, cx: &mut Context, key: ParticipantKey, now: Now) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let has_media = participant
            .peers
            .connected
            .contains(&participant.primary_peer());
        if participant.signalling.session.is_none() && !has_media {
            let at = now.at + cx.settings.resume_window / 3;
            cx.timers.set_earlier(self.id, Subject::Resume(key), at);
        }
    }

    pub(super) fn resume_timed_out(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        self.remove(
            cx,
            key,
            Departure::quiet(DisconnectReason::SignalClose),
            now,
        );
    }

    /// A client that pings has said nothing for too long: its connection is
    /// dead, whatever the socket says.
    pub(super) fn client_fell_silent(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        let session = self
            .participants
            .get(&key)
            .and_then(|p| p.signalling.session);
        if let Some(session) = session {
            tracing::info!(room = %self.name(), participant = %self.identity_of(key), "client stopped pinging");
            cx.close_session(session);
            self.handle_session_closed(cx, key, session, now);
        }
    }

    /// Answers a request that carries an id, or one that was refused.
    pub(super) fn respond(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        reason: Reason,
        message: &str,
        request_id: u32,
        request: Option<Request>,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        // Old Rust clients cannot read this message at all.
        let reads =
            participant.client.sdk() != proto::client_info::Sdk::Rust || participant.protocol >= 10;
        if !reads || (reason == Reason::Ok && participant.protocol < CONFIRMATIONS) {
            return;
        }
        let response = proto::RequestResponse {
            request_id,
            reason: reason as i32,
            message: message.to_owned(),
            request,
        };
        participant.send(cx, Message::RequestResponse(response));
    }

    /// Says no to a request without an id of its own, and why.
    pub(super) fn refuse(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        (reason, message): (Reason, &str),
        request: Request,
    ) {
        self.respond(cx, key, reason, message, 0, Some(request));
    }

    fn send_to(&self, cx: &mut Context, key: ParticipantKey, message: Message) {
        if let Some(participant) = self.participants.get(&key) {
            participant.send(cx, message);
        }
    }

    fn heard_from(&mut self, cx: &mut Context, key: ParticipantKey, ask: &Ask, now: Now) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.signalling.pings |= matches!(ask, Ask::Ping(_) | Ask::PingReq(_));
        if participant.signalling.pings {
            // One ping more than the client itself would wait for.
            let patience = cx.settings.ping_timeout + cx.settings.ping_interval;
            cx.timers
                .set(self.id, Subject::Silence(key), now.at + patience);
        }
    }

    fn refuse_blob(&self, cx: &mut Context, key: ParticipantKey, request_id: u32) {
        let message = "this server stores no data blobs";
        self.respond(cx, key, Reason::UnsupportedType, message, request_id, None);
    }
}

fn pong(ping: &proto::Ping, now: Now) -> Message {
    Message::PongResp(proto::Pong {
        last_ping_timestamp: ping.timestamp,
        timestamp: unix_ms(now),
    })
}

fn unix_ms(now: Now) -> i64 {
    i64::try_from(now.unix_ms).unwrap_or(i64::MAX)
}
