//! The claims of an access token.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::proto;
use crate::proto::participant_info::{Kind, KindDetail};

/// Who somebody is and what the token allows: LiveKit's claims.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Grants {
    /// API key that signed (`iss`).
    #[serde(rename = "iss", skip_serializing_if = "String::is_empty")]
    pub issuer: String,
    /// Identity of the participant (`sub`, else `jti`).
    #[serde(rename = "sub", skip_serializing_if = "String::is_empty")]
    pub identity: String,
    /// Token id (`jti`).
    #[serde(rename = "jti", skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Unix seconds (`exp`).
    #[serde(
        rename = "exp",
        deserialize_with = "numeric_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<i64>,
    /// Unix seconds (`nbf`).
    #[serde(
        rename = "nbf",
        deserialize_with = "numeric_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub not_before: Option<i64>,
    /// Display name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `standard` (also when empty), `ingress`, `egress`, `sip`, `agent`,
    /// `connector` or `bridge`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Finer kinds, `cloud_agent` and the like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kind_details: Vec<String>,
    /// What is allowed with rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoGrant>,
    /// What is allowed with telephony.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sip: Option<SipGrant>,
    /// What is allowed with agents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentGrant>,
    /// What is allowed with the guarantee. Not one of LiveKit's claims: rooms do
    /// not look at it, and other servers pass it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guarantee: Option<GuaranteeGrant>,
    /// How the room shall be if this participant creates it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_config: Option<proto::RoomConfiguration>,
    /// Name of a preset; kept, not used.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub room_preset: String,
    /// Base64 of the SHA-256 of a webhook's body.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sha256: String,
    /// Initial metadata of the participant.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub metadata: String,
    /// Initial attributes of the participant.
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub attributes: HashMap<String, String>,
}

/// What is allowed with rooms. An absent permission has the default that the
/// method of the same name gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VideoGrant {
    /// Create and delete rooms.
    #[serde(skip_serializing_if = "is_false")]
    pub room_create: bool,
    /// List rooms.
    #[serde(skip_serializing_if = "is_false")]
    pub room_list: bool,
    /// Record rooms.
    #[serde(skip_serializing_if = "is_false")]
    pub room_record: bool,
    /// Administer the room named by `room`.
    #[serde(skip_serializing_if = "is_false")]
    pub room_admin: bool,
    /// Join the room named by `room`, or any where that is empty.
    #[serde(skip_serializing_if = "is_false")]
    pub room_join: bool,
    /// Room name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub room: String,
    /// Publish tracks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish: Option<bool>,
    /// Receive tracks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe: Option<bool>,
    /// Send data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// `camera`, `microphone`, `screen_share`, `screen_share_audio`; empty: any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub can_publish_sources: Vec<String>,
    /// Change own name, metadata and attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_update_own_metadata: Option<bool>,
    /// Administer ingress.
    #[serde(skip_serializing_if = "is_false")]
    pub ingress_admin: bool,
    /// Others do not see this participant.
    #[serde(skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// This participant records.
    #[serde(skip_serializing_if = "is_false")]
    pub recorder: bool,
    /// This participant is an agent, or registers as a worker for agents.
    #[serde(skip_serializing_if = "is_false")]
    pub agent: bool,
    /// Receive metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe_metrics: Option<bool>,
    /// Manage an agent's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_manage_agent_session: Option<bool>,
    /// Room to which participants may be forwarded.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_room: String,
}

/// What is allowed with telephony.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SipGrant {
    /// Everything.
    #[serde(skip_serializing_if = "is_false")]
    pub admin: bool,
    /// Make calls.
    #[serde(skip_serializing_if = "is_false")]
    pub call: bool,
}

/// What is allowed with agents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AgentGrant {
    /// Everything.
    #[serde(skip_serializing_if = "is_false")]
    pub admin: bool,
}

/// What is allowed with contracts, incidents, tickets and settlements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GuaranteeGrant {
    /// In which part: `operator`, `customer` and the like. What each may do is
    /// the server's matter.
    pub role: String,
    /// Contracts that it is for; empty: all, but for a customer, who then has
    /// none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contracts: Vec<String>,
}

impl Grants {
    /// The participant's kind; an unknown word counts as standard.
    #[must_use]
    pub fn participant_kind(&self) -> Kind {
        Kind::from_str_name(&self.kind.to_ascii_uppercase()).unwrap_or(Kind::Standard)
    }

    /// Finer kinds, without the words that are not known.
    #[must_use]
    pub fn participant_kind_details(&self) -> Vec<KindDetail> {
        self.kind_details
            .iter()
            .filter_map(|word| KindDetail::from_str_name(&word.to_ascii_uppercase()))
            .collect()
    }

    /// The video grant, or one that allows nothing that has to be granted.
    #[must_use]
    pub fn video_or_none(&self) -> VideoGrant {
        self.video.clone().unwrap_or_default()
    }

    pub(super) fn with_identity_from_id(mut self) -> Self {
        if self.identity.is_empty() {
            self.identity.clone_from(&self.id);
        }
        self
    }
}

impl VideoGrant {
    /// Default: yes.
    #[must_use]
    pub fn can_publish(&self) -> bool {
        self.can_publish.unwrap_or(true)
    }

    /// May this source be published? An empty list of sources allows any.
    #[must_use]
    pub fn can_publish_source(&self, source: proto::TrackSource) -> bool {
        let listed = |name: &String| source_from_name(name) == source;
        self.can_publish()
            && (self.can_publish_sources.is_empty() || self.can_publish_sources.iter().any(listed))
    }

    /// Default: yes.
    #[must_use]
    pub fn can_subscribe(&self) -> bool {
        self.can_subscribe.unwrap_or(true)
    }

    /// Default: as [`VideoGrant::can_publish`].
    #[must_use]
    pub fn can_publish_data(&self) -> bool {
        self.can_publish_data.unwrap_or_else(|| self.can_publish())
    }

    /// Default: no.
    #[must_use]
    pub fn can_update_own_metadata(&self) -> bool {
        self.can_update_own_metadata.unwrap_or(false)
    }

    /// The same as clients are told it.
    #[must_use]
    // `recorder` and `agent` are deprecated; older clients read them.
    #[allow(deprecated)]
    pub fn to_permission(&self) -> proto::ParticipantPermission {
        proto::ParticipantPermission {
            can_subscribe: self.can_subscribe(),
            can_publish: self.can_publish(),
            can_publish_data: self.can_publish_data(),
            can_publish_sources: self
                .can_publish_sources
                .iter()
                .map(|name| source_from_name(name) as i32)
                .collect(),
            hidden: self.hidden,
            recorder: self.recorder,
            can_update_metadata: self.can_update_own_metadata(),
            agent: self.agent,
            can_subscribe_metrics: self.can_subscribe_metrics.unwrap_or(false),
            can_manage_agent_session: self.can_manage_agent_session.unwrap_or(false),
        }
    }

    /// Takes over everything that [`VideoGrant::to_permission`] tells.
    #[allow(deprecated)]
    pub fn set_permission(&mut self, permission: &proto::ParticipantPermission) {
        self.can_subscribe = Some(permission.can_subscribe);
        self.can_publish = Some(permission.can_publish);
        self.can_publish_data = Some(permission.can_publish_data);
        self.can_publish_sources = permission
            .can_publish_sources()
            .map(|source| source_name(source).to_owned())
            .collect();
        self.hidden = permission.hidden;
        self.recorder = permission.recorder;
        self.can_update_own_metadata = Some(permission.can_update_metadata);
        self.agent = permission.agent;
        self.can_subscribe_metrics = Some(permission.can_subscribe_metrics);
        self.can_manage_agent_session = Some(permission.can_manage_agent_session);
    }
}

/// `camera` and the like, as tokens spell it.
#[must_use]
pub fn source_name(source: proto::TrackSource) -> &'static str {
    match source {
        proto::TrackSource::Camera => "camera",
        proto::TrackSource::Microphone => "microphone",
        proto::TrackSource::ScreenShare => "screen_share",
        proto::TrackSource::ScreenShareAudio => "screen_share_audio",
        proto::TrackSource::Unknown => "unknown",
    }
}

/// The opposite of [`source_name`]; other words are `Unknown`.
#[must_use]
pub fn source_from_name(name: &str) -> proto::TrackSource {
    proto::TrackSource::from_str_name(&name.to_ascii_uppercase())
        .unwrap_or(proto::TrackSource::Unknown)
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A `NumericDate` (RFC 7519 section 2) may have a fraction.
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Date {
        Whole(i64),
        Fraction(f64),
    }
    Ok(
        Option::<Date>::deserialize(deserializer)?.map(|date| match date {
            Date::Whole(seconds) => seconds,
            // Saturates where out of range.
            #[allow(clippy::cast_possible_truncation)]
            Date::Fraction(seconds) => seconds.floor() as i64,
        }),
    )
}
