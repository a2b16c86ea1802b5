//! A request to join.

use std::collections::HashMap;

use crate::proto;
use crate::token::Grants;

/// A request to join, whichever signalling version it came by.
#[derive(Clone, Debug, Default)]
pub struct Join {
    /// From the verified token.
    pub grants: Grants,
    /// The `room` query parameter; the token's room comes first. May be empty
    /// where the token names the room.
    pub room: String,
    /// The `publish` query parameter of v0: a second, send-only connection of
    /// the same person, `IDENTITY#VALUE`.
    pub publish: Option<String>,
    /// The client's protocol number (`protocol`, or `client.protocol`).
    pub protocol: u32,
    /// Signalling v1: one peer connection for both directions.
    pub single_connection: bool,
    /// No peer connection: a part of the server publishes or receives
    /// ([`surecast_media::local`]). Goes with `single_connection`.
    pub local: bool,
    /// The client only sends (WHIP). Goes with `single_connection`.
    pub encoder: bool,
    /// The client offers once and only receives (WHEP): tracks take over from
    /// one another without another description. Goes with `single_connection`.
    pub viewer: bool,
    /// Is refused where somebody of its identity is in the room already, instead
    /// of taking that one's place.
    pub yields: bool,
    /// What the client says about itself.
    pub client: proto::ClientInfo,
    /// Subscribe to every track.
    pub auto_subscribe: bool,
    /// Subscribe to every data track.
    pub auto_subscribe_data_track: bool,
    /// The client will say by `track_setting` what it shows.
    pub adaptive_stream: bool,
    /// The participant's sid where the client resumes; it may be empty, then
    /// the identity decides.
    pub reconnect: Option<String>,
    /// Why it resumes.
    pub reconnect_reason: proto::ReconnectReason,
    /// Replaces the token's metadata; needs `canUpdateOwnMetadata`.
    pub metadata: Option<String>,
    /// Added to the token's attributes; needs `canUpdateOwnMetadata`.
    pub attributes: HashMap<String, String>,
    /// v1: publications announced with the join.
    pub add_tracks: Vec<proto::AddTrackRequest>,
    /// v1: the publisher's offer.
    pub offer: Option<proto::SessionDescription>,
    /// v1: state of a client that resumes.
    pub sync_state: Option<proto::SyncState>,
}

impl Join {
    /// A v1 join from its decoded request.
    #[must_use]
    pub fn from_request(grants: Grants, room: String, request: proto::JoinRequest) -> Self {
        let reason = request.reconnect_reason();
        let client = request.client_info.unwrap_or_default();
        let connection = request.connection_settings.unwrap_or_default();
        Self {
            grants,
            room,
            publish: None,
            protocol: u32::try_from(client.protocol).unwrap_or(0),
            single_connection: true,
            local: false,
            encoder: false,
            viewer: false,
            yields: false,
            client,
            auto_subscribe: connection.auto_subscribe,
            auto_subscribe_data_track: connection.auto_subscribe_data_track.unwrap_or(false),
            adaptive_stream: connection.adaptive_stream,
            reconnect: request.reconnect.then_some(request.participant_sid),
            reconnect_reason: reason,
            metadata: Some(request.metadata).filter(|m| !m.is_empty()),
            attributes: request.participant_attributes,
            add_tracks: request.add_track_requests,
            offer: request.publisher_offer,
            sync_state: request.sync_state,
        }
    }
}
