//! What administrators do in a room. Grants have been checked.

use surecast_media::control::DataChannel;
use surecast_media::time::Now;

use super::Room;
use super::depart::Departure;
use super::metadata::check_sizes;
use crate::context::Context;
use crate::error::{ServiceCode, ServiceError};
use crate::ids::ParticipantKey;
use crate::limits;
use crate::proto;
use crate::proto::DisconnectReason;
use crate::proto::data_packet::Value;
use crate::proto::signal_response::Message;

type Result<T> = std::result::Result<T, ServiceError>;

impl Room {
    pub(crate) fn list_participants(&self, cx: &Context) -> proto::ListParticipantsResponse {
        let participants = self.participants.values();
        proto::ListParticipantsResponse {
            participants: participants.map(|p| self.participant_info(p, cx)).collect(),
        }
    }

    pub(crate) fn get_participant(
        &self,
        cx: &Context,
        identity: &str,
    ) -> Result<proto::ParticipantInfo> {
        let key = self.find(identity)?;
        Ok(self.participant_info(&self.participants[&key], cx))
    }

    pub(crate) fn remove_participant(
        &mut self,
        cx: &mut Context,
        identity: &str,
        now: Now,
    ) -> Result<()> {
        let key = self.find(identity)?;
        self.remove(
            cx,
            key,
            Departure::told(DisconnectReason::ParticipantRemoved),
            now,
        );
        Ok(())
    }

    pub(crate) fn mute_published_track(
        &mut self,
        cx: &mut Context,
        request: &proto::MuteRoomTrackRequest,
        now: Now,
    ) -> Result<proto::TrackInfo> {
        let key = self.find(&request.identity)?;
        if !request.muted && !cx.settings.remote_unmute {
            let message = "remote unmute not enabled";
            return Err(ServiceError::new(ServiceCode::FailedPrecondition, message));
        }
        let info = self
            .set_muted(cx, key, &request.track_sid, request.muted, now)
            .ok_or_else(|| ServiceError::new(ServiceCode::NotFound, "track is not found"))?;
        let mute = proto::MuteTrackRequest {
            sid: request.track_sid.clone(),
            muted: request.muted,
        };
        if let Some(participant) = self.participants.get(&key) {
            participant.send(cx, Message::Mute(mute));
        }
        Ok(info)
    }

    pub(crate) fn update_participant(
        &mut self,
        cx: &mut Context,
        request: &proto::UpdateParticipantRequest,
        now: Now,
    ) -> Result<proto::ParticipantInfo> {
        let key = self.find(&request.identity)?;
        let update = proto::UpdateParticipantMetadata {
            metadata: request.metadata.clone(),
            name: request.name.clone(),
            attributes: request.attributes.clone(),
            request_id: 0,
        };
        self.update_metadata(cx, key, &update, now)
            .map_err(|too_large| ServiceError::new(ServiceCode::InvalidArgument, too_large))?;
        if let Some(permission) = &request.permission {
            self.set_permission(cx, key, permission, now);
        }
        self.get_participant(cx, &request.identity)
    }

    pub(crate) fn service_subscriptions(
        &mut self,
        cx: &mut Context,
        request: proto::UpdateSubscriptionsRequest,
    ) -> Result<()> {
        let key = self.find(&request.identity)?;
        let update = proto::UpdateSubscription {
            track_sids: request.track_sids,
            subscribe: request.subscribe,
            participant_tracks: request.participant_tracks,
        };
        self.handle_subscription(cx, key, update);
        Ok(())
    }

    #[allow(deprecated)]
    pub(crate) fn service_data(
        &mut self,
        cx: &mut Context,
        request: proto::SendDataRequest,
        now: Now,
    ) -> Result<()> {
        let invalid =
            |message: String| Err(ServiceError::new(ServiceCode::InvalidArgument, message));
        if request.data.len() > limits::DATA_BYTES {
            return invalid(format!("data is larger than {} bytes", limits::DATA_BYTES));
        }
        if !request.nonce.is_empty() && request.nonce.len() != 16 {
            return invalid(format!(
                "nonce should be 16 bytes or not present, got {} bytes",
                request.nonce.len()
            ));
        }
        let channel = match request.kind() {
            proto::data_packet::Kind::Reliable => DataChannel::Reliable,
            proto::data_packet::Kind::Lossy => DataChannel::Lossy,
        };
        let user = proto::UserPacket {
            payload: request.data,
            destination_sids: request.destination_sids,
            destination_identities: request.destination_identities.clone(),
            topic: request.topic,
            nonce: request.nonce,
            ..Default::default()
        };
        let packet = proto::DataPacket {
            destination_identities: request.destination_identities,
            value: Some(Value::User(user)),
            ..Default::default()
        };
        self.forward(cx, None, channel, packet, now);
        Ok(())
    }

    pub(crate) fn update_room_metadata(
        &mut self,
        cx: &mut Context,
        metadata: String,
    ) -> Result<proto::Room> {
        check_sizes(
            &cx.settings,
            "",
            &metadata,
            &std::collections::HashMap::new(),
        )
        .map_err(|too_large| ServiceError::new(ServiceCode::InvalidArgument, too_large))?;
        self.fixed.metadata = metadata;
        self.send_room_update(cx);
        Ok(self.info())
    }

    fn find(&self, identity: &str) -> Result<ParticipantKey> {
        self.identities
            .get(identity)
            .copied()
            .ok_or_else(|| ServiceError::new(ServiceCode::NotFound, "participant does not exist"))
    }
}
