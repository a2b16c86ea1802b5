//! The room service.

use surecast_media::id::RoomId;
use surecast_media::time::Now;

use super::Rooms;
use crate::context::Context;
use crate::error::{JoinError, ServiceCode, ServiceError};
use crate::proto;
use crate::proto::DisconnectReason;
use crate::room::{Room, RoomPlan};
use crate::service::{ServiceCall, ServiceReply};
use crate::token::{Grants, VideoGrant};

type Result<T> = std::result::Result<T, ServiceError>;

impl Rooms {
    /// A call to the room service.
    ///
    /// # Errors
    /// `unauthenticated` where a grant is missing, as LiveKit puts it;
    /// `not_found`, `invalid_argument` and the like.
    pub fn handle_service(
        &mut self,
        grants: &Grants,
        call: ServiceCall,
        now: Now,
    ) -> Result<ServiceReply> {
        check_grants(&grants.video_or_none(), &call)?;
        match call {
            ServiceCall::CreateRoom(request) => {
                self.create_room(request, now).map(ServiceReply::CreateRoom)
            }
            ServiceCall::ListRooms(request) => {
                Ok(ServiceReply::ListRooms(self.list_rooms(&request)))
            }
            ServiceCall::DeleteRoom(request) => {
                self.in_room(&request.room, |room, cx| {
                    room.close(cx, DisconnectReason::RoomDeleted, now)
                })?;
                Ok(ServiceReply::DeleteRoom(
                    proto::DeleteRoomResponse::default(),
                ))
            }
            ServiceCall::UpdateRoomMetadata(request) => self
                .in_room(&request.room, |room, cx| {
                    room.update_room_metadata(cx, request.metadata)
                })?
                .map(ServiceReply::UpdateRoomMetadata),
            ServiceCall::SendData(request) => {
                let name = request.room.clone();
                self.in_room(&name, |room, cx| room.service_data(cx, request, now))??;
                Ok(ServiceReply::SendData(proto::SendDataResponse::default()))
            }
            call => self.participant_call(call, now),
        }
    }

    /// Calls about one participant, or all of one room.
    fn participant_call(&mut self, call: ServiceCall, now: Now) -> Result<ServiceReply> {
        match call {
            ServiceCall::ListParticipants(request) => Ok(ServiceReply::ListParticipants(
                self.list_participants(&request.room),
            )),
            ServiceCall::GetParticipant(request) => self
                .in_room(&request.room, |room, cx| {
                    room.get_participant(cx, &request.identity)
                })?
                .map(ServiceReply::GetParticipant),
            ServiceCall::RemoveParticipant(request) => {
                self.in_room(&request.room, |room, cx| {
                    room.remove_participant(cx, &request.identity, now)
                })??;
                let reply = proto::RemoveParticipantResponse::default();
                Ok(ServiceReply::RemoveParticipant(reply))
            }
            ServiceCall::MutePublishedTrack(request) => {
                let track = self.in_room(&request.room, |room, cx| {
                    room.mute_published_track(cx, &request, now)
                })??;
                let reply = proto::MuteRoomTrackResponse { track: Some(track) };
                Ok(ServiceReply::MutePublishedTrack(reply))
            }
            ServiceCall::UpdateParticipant(request) => self
                .in_room(&request.room, |room, cx| {
                    room.update_participant(cx, &request, now)
                })?
                .map(ServiceReply::UpdateParticipant),
            ServiceCall::UpdateSubscriptions(request) => {
                let name = request.room.clone();
                self.in_room(&name, |room, cx| room.service_subscriptions(cx, request))??;
                let reply = proto::UpdateSubscriptionsResponse::default();
                Ok(ServiceReply::UpdateSubscriptions(reply))
            }
            _ => Err(ServiceError::new(
                ServiceCode::Internal,
                "not a call about participants",
            )),
        }
    }

    /// An existing room of that name is given back as it is.
    fn create_room(&mut self, request: proto::CreateRoomRequest, now: Now) -> Result<proto::Room> {
        let settings = &self.cx.settings;
        let invalid = |message: String| ServiceError::new(ServiceCode::InvalidArgument, message);
        if request.name.is_empty() {
            return Err(invalid("no room name".to_owned()));
        }
        if request.name.len() > settings.max_room_name_bytes {
            let limit = settings.max_room_name_bytes;
            return Err(invalid(format!(
                "room name length exceeds limits: max length {limit}"
            )));
        }
        if request.metadata.len() > settings.max_metadata_bytes {
            let limit = settings.max_metadata_bytes;
            return Err(invalid(format!(
                "metadata size exceeds limits: max size {limit}"
            )));
        }
        if let Some(room) = self.room_named(&request.name) {
            return Ok(room.info());
        }
        if self.shutting_down {
            return Err(ServiceError::new(
                ServiceCode::FailedPrecondition,
                JoinError::ShuttingDown.to_string(),
            ));
        }
        self.check_room_count()
            .map_err(|e| ServiceError::new(ServiceCode::ResourceExhausted, e.to_string()))?;
        let name = request.name.clone();
        self.open_room(&plan_from_request(request), now);
        self.room_named(&name)
            .map(Room::info)
            .ok_or_else(|| ServiceError::new(ServiceCode::Internal, "the room could not be opened"))
    }

    fn list_rooms(&self, request: &proto::ListRoomsRequest) -> proto::ListRoomsResponse {
        let rooms = match request.names.is_empty() {
            true => self.rooms.values().map(Room::info).collect(),
            false => request
                .names
                .iter()
                .filter_map(|name| self.room_named(name))
                .map(Room::info)
                .collect(),
        };
        proto::ListRoomsResponse { rooms }
    }

    /// A room that does not exist has nobody in it: LiveKit says so too.
    fn list_participants(&self, room: &str) -> proto::ListParticipantsResponse {
        self.room_named(room)
            .map(|room| room.list_participants(&self.cx))
            .unwrap_or_default()
    }

    fn room_named(&self, name: &str) -> Option<&Room> {
        self.rooms.get(self.names.get(name)?)
    }

    fn in_room<T>(
        &mut self,
        name: &str,
        work: impl FnOnce(&mut Room, &mut Context) -> T,
    ) -> Result<T> {
        let missing = || ServiceError::new(ServiceCode::NotFound, "requested room does not exist");
        let id: RoomId = *self.names.get(name).ok_or_else(missing)?;
        self.with_room(id, work).ok_or_else(missing)
    }
}

fn check_grants(video: &VideoGrant, call: &ServiceCall) -> Result<()> {
    use ServiceCall as C;
    let administers = |room: &str| video.room_admin && video.room == room;
    let (allowed, needed) = match call {
        C::CreateRoom(_) | C::DeleteRoom(_) => (video.room_create, "roomCreate"),
        C::ListRooms(_) => (video.room_list, "roomList"),
        C::ListParticipants(r) => (administers(&r.room), "roomAdmin of this room"),
        C::GetParticipant(r) | C::RemoveParticipant(r) => {
            (administers(&r.room), "roomAdmin of this room")
        }
        C::MutePublishedTrack(r) => (administers(&r.room), "roomAdmin of this room"),
        C::UpdateParticipant(r) => (administers(&r.room), "roomAdmin of this room"),
        C::UpdateSubscriptions(r) => (administers(&r.room), "roomAdmin of this room"),
        C::SendData(r) => (administers(&r.room), "roomAdmin of this room"),
        C::UpdateRoomMetadata(r) => (administers(&r.room), "roomAdmin of this room"),
    };
    if allowed {
        return Ok(());
    }
    let message = format!("permissions denied: the token lacks {needed}");
    Err(ServiceError::new(ServiceCode::Unauthenticated, message))
}

fn plan_from_request(request: proto::CreateRoomRequest) -> RoomPlan {
    RoomPlan {
        name: request.name,
        empty_timeout: request.empty_timeout,
        departure_timeout: request.departure_timeout,
        max_participants: request.max_participants,
        metadata: request.metadata,
        sync_streams: request.sync_streams,
    }
}
