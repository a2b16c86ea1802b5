//! The room service: what administrators ask and what they get.

use crate::error::{ServiceCode, ServiceError};
use crate::proto;

/// A call to `livekit.RoomService`.
#[derive(Clone, Debug)]
// One call at a time is alive: boxing the larger requests would save nothing.
#[allow(clippy::large_enum_variant)]
pub enum ServiceCall {
    /// Needs `roomCreate`.
    CreateRoom(proto::CreateRoomRequest),
    /// Needs `roomList`.
    ListRooms(proto::ListRoomsRequest),
    /// Needs `roomCreate`.
    DeleteRoom(proto::DeleteRoomRequest),
    /// Needs `roomAdmin` of the room.
    ListParticipants(proto::ListParticipantsRequest),
    /// Needs `roomAdmin` of the room.
    GetParticipant(proto::RoomParticipantIdentity),
    /// Needs `roomAdmin` of the room.
    RemoveParticipant(proto::RoomParticipantIdentity),
    /// Needs `roomAdmin` of the room.
    MutePublishedTrack(proto::MuteRoomTrackRequest),
    /// Needs `roomAdmin` of the room.
    UpdateParticipant(proto::UpdateParticipantRequest),
    /// Needs `roomAdmin` of the room.
    UpdateSubscriptions(proto::UpdateSubscriptionsRequest),
    /// Needs `roomAdmin` of the room.
    SendData(proto::SendDataRequest),
    /// Needs `roomAdmin` of the room.
    UpdateRoomMetadata(proto::UpdateRoomMetadataRequest),
}

/// The answer, by the same names.
#[derive(Clone, Debug, PartialEq)]
pub enum ServiceReply {
    /// The room as it is now.
    CreateRoom(proto::Room),
    /// Rooms.
    ListRooms(proto::ListRoomsResponse),
    /// Done.
    DeleteRoom(proto::DeleteRoomResponse),
    /// Participants, hidden ones too.
    ListParticipants(proto::ListParticipantsResponse),
    /// The participant.
    GetParticipant(proto::ParticipantInfo),
    /// Done.
    RemoveParticipant(proto::RemoveParticipantResponse),
    /// The track as it is now.
    MutePublishedTrack(proto::MuteRoomTrackResponse),
    /// The participant as it is now.
    UpdateParticipant(proto::ParticipantInfo),
    /// Done.
    UpdateSubscriptions(proto::UpdateSubscriptionsResponse),
    /// Done.
    SendData(proto::SendDataResponse),
    /// The room as it is now.
    UpdateRoomMetadata(proto::Room),
}

macro_rules! room_service {
    ($($name:ident),* $(,)?) => {
        impl ServiceCall {
            /// Parses the body of `POST /twirp/livekit.RoomService/{method}`.
            ///
            /// # Errors
            /// `bad_route` for an unknown method, `malformed` for a body that
            /// is not the method's request.
            pub fn decode(method: &str, body: &[u8], json: bool) -> Result<Self, ServiceError> {
                match method {
                    $(stringify!($name) => decode_body(body, json).map(Self::$name),)*
                    _ => Err(ServiceError::new(
                        ServiceCode::BadRoute,
                        format!("no method {method:?} in livekit.RoomService"),
                    )),
                }
            }
        }

        impl ServiceReply {
            /// The body of the answer.
            #[must_use]
            pub fn encode(&self, json: bool) -> Vec<u8> {
                match self {
                    $(Self::$name(reply) => encode_body(reply, json),)*
                }
            }
        }
    };
}

room_service!(
    CreateRoom,
    ListRooms,
    DeleteRoom,
    ListParticipants,
    GetParticipant,
    RemoveParticipant,
    MutePublishedTrack,
    UpdateParticipant,
    UpdateSubscriptions,
    SendData,
    UpdateRoomMetadata,
);

fn decode_body<M>(body: &[u8], json: bool) -> Result<M, ServiceError>
where
    M: prost::Message + Default + serde::de::DeserializeOwned,
{
    let malformed = |e: String| {
        ServiceError::new(
            ServiceCode::Malformed,
            format!("the body is not the method's request: {e}"),
        )
    };
    if json {
        serde_json::from_slice(body).map_err(|e| malformed(e.to_string()))
    } else {
        M::decode(body).map_err(|e| malformed(e.to_string()))
    }
}

fn encode_body<M: prost::Message + serde::Serialize>(message: &M, json: bool) -> Vec<u8> {
    if json {
        serde_json::to_vec(message).unwrap_or_default()
    } else {
        message.encode_to_vec()
    }
}
