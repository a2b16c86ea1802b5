//! How subscriptions fare, as the forwarding engine sees it.

use surecast_media::control::SubscriptionFault;
use surecast_media::id::TrackId;

use super::Room;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::proto;
use crate::proto::signal_response::Message;

impl Room {
    pub(super) fn subscription_live(&mut self, cx: &mut Context, id: TrackId) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut track.ever_subscribed, true) {
            return;
        }
        let message = proto::TrackSubscribed {
            track_sid: track.info.sid.clone(),
        };
        if let Some(publisher) = self.participants.get(&track.publisher) {
            // Old Rust clients cannot read this message.
            let reads =
                publisher.client.sdk() != proto::client_info::Sdk::Rust || publisher.protocol >= 10;
            if reads {
                publisher.send(cx, Message::TrackSubscribed(message));
            }
        }
    }

    /// A subscriber that lacks the codec waits for the publisher's fallback
    /// where it announced one; otherwise it is told that nothing will come.
    pub(super) fn subscription_failed(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        id: TrackId,
        fault: SubscriptionFault,
    ) {
        let (Some(track), Some(participant)) =
            (self.tracks.get_mut(&id), self.participants.get_mut(&key))
        else {
            return;
        };
        let Some(subscription) = participant.subscriptions.get_mut(&id) else {
            return;
        };
        subscription.failed = true;
        let fallback = fault == SubscriptionFault::CodecUnsupported && track.info.codecs.len() > 1;
        if fallback && !track.backup_asked {
            track.backup_asked = true;
            self.tell_demand(cx, id);
            return;
        }
        let err = match fault {
            SubscriptionFault::CodecUnsupported => proto::SubscriptionError::SeCodecUnsupported,
            SubscriptionFault::TrackNotFound => proto::SubscriptionError::SeTrackNotfound,
        };
        tracing::warn!(room = %self.fixed.name, participant = %participant.identity(), track = %track.info.sid,
            ?fault, "subscription failed");
        let response = proto::SubscriptionResponse {
            track_sid: track.info.sid.clone(),
            err: err as i32,
        };
        participant.send(cx, Message::SubscriptionResponse(response));
    }

    pub(super) fn send_stream_state(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        id: TrackId,
        paused: bool,
    ) {
        let (Some(track), Some(participant)) = (self.tracks.get(&id), self.participants.get(&key))
        else {
            return;
        };
        let Some(publisher) = self.participants.get(&track.publisher) else {
            return;
        };
        let state = if paused {
            proto::StreamState::Paused
        } else {
            proto::StreamState::Active
        };
        let info = proto::StreamStateInfo {
            participant_sid: publisher.sid.clone(),
            track_sid: track.info.sid.clone(),
            state: state as i32,
        };
        let update = proto::StreamStateUpdate {
            stream_states: vec![info],
        };
        participant.send(cx, Message::StreamStateUpdate(update));
    }
}
