//! What an operator decides.

use std::time::Duration;

use crate::proto;

/// Settings of all rooms of a server. Contains nothing secret.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Joining a room that does not exist creates it.
    pub auto_create: bool,
    /// A room that nobody joined closes this long after its creation.
    pub empty_timeout: Duration,
    /// A room closes this long after the last participant left.
    pub departure_timeout: Duration,
    /// Participants per room; 0: no limit. A room's own limit comes first.
    pub max_participants: u32,
    /// Rooms on this server, so that nobody with the right to create rooms can
    /// use up the memory: an idle room takes about 2 KiB.
    pub max_rooms: usize,
    /// Name of this server, told to clients.
    pub node_id: String,
    /// Region of this server, told to clients.
    pub region: String,
    /// LiveKit release whose behaviour is announced; clients switch features
    /// by it.
    pub version: String,
    /// How often clients ping.
    pub ping_interval: Duration,
    /// A client that pings and then says nothing for so long lost its
    /// signalling connection.
    pub ping_timeout: Duration,
    /// How long a participant stays without signalling or without media; without
    /// both, a third of it.
    pub resume_window: Duration,
    /// How long a participant may take until its media connection is up.
    pub join_timeout: Duration,
    /// How often a participant gets a fresh token.
    pub token_refresh: Duration,
    /// STUN and TURN servers for clients.
    pub ice_servers: Vec<proto::IceServer>,
    /// Codecs that may be published.
    pub enabled_codecs: Vec<proto::Codec>,
    /// Bytes of a participant's or room's metadata.
    pub max_metadata_bytes: usize,
    /// Bytes of a participant's attributes, keys and values together.
    pub max_attributes_bytes: usize,
    /// Bytes of a participant's display name.
    pub max_name_bytes: usize,
    /// Bytes of an identity.
    pub max_identity_bytes: usize,
    /// Bytes of a room name.
    pub max_room_name_bytes: usize,
    /// An administrator may unmute somebody's track, not only mute it.
    pub remote_unmute: bool,
    /// Rooms up to this size hear of joins and leaves at once. Above it, those
    /// of participants that publish nothing are collected for
    /// [`Settings::update_interval`]: n viewers joining at once would otherwise
    /// cost n² messages.
    pub immediate_updates_up_to: usize,
    /// How long updates of mere viewers, and of counts, are collected.
    pub update_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auto_create: true,
            empty_timeout: Duration::from_secs(300),
            departure_timeout: Duration::from_secs(20),
            max_participants: 0,
            max_rooms: 100_000,
            node_id: "surecast".to_owned(),
            region: String::new(),
            version: "1.13.6".to_owned(),
            ping_interval: Duration::from_secs(5),
            ping_timeout: Duration::from_secs(15),
            resume_window: Duration::from_secs(30),
            join_timeout: Duration::from_secs(60),
            token_refresh: Duration::from_secs(300),
            ice_servers: Vec::new(),
            enabled_codecs: default_codecs(),
            // LiveKit's documented default for both.
            max_metadata_bytes: 64_000,
            max_attributes_bytes: 64_000,
            max_name_bytes: 256,
            max_identity_bytes: 256,
            max_room_name_bytes: 256,
            remote_unmute: false,
            immediate_updates_up_to: 50,
            update_interval: Duration::from_secs(3),
        }
    }
}

fn default_codecs() -> Vec<proto::Codec> {
    [
        "audio/opus",
        "audio/red",
        "audio/PCMU",
        "audio/PCMA",
        "video/VP8",
        "video/H264",
        "video/VP9",
        "video/AV1",
        "video/rtx",
    ]
    .into_iter()
    .map(|mime| proto::Codec {
        mime: mime.to_owned(),
        fmtp_line: String::new(),
    })
    .collect()
}
