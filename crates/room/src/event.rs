//! What happened: for webhooks, metrics and the guarantee's meters.

use std::time::Duration;

use crate::proto;

/// Kind of an [`Event`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A room came to be.
    RoomStarted,
    /// A room is gone.
    RoomFinished,
    /// A participant's media connection is up for the first time.
    ParticipantJoined,
    /// A participant that had joined is gone.
    ParticipantLeft,
    /// A participant is gone that never got its media connection up.
    ParticipantConnectionAborted,
    /// The first packet of a track arrived, or it was published muted.
    TrackPublished,
    /// A published track is gone.
    TrackUnpublished,
}

impl EventKind {
    /// The name in LiveKit's webhooks.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoomStarted => "room_started",
            Self::RoomFinished => "room_finished",
            Self::ParticipantJoined => "participant_joined",
            Self::ParticipantLeft => "participant_left",
            Self::ParticipantConnectionAborted => "participant_connection_aborted",
            Self::TrackPublished => "track_published",
            Self::TrackUnpublished => "track_unpublished",
        }
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A webhook to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened.
    pub name: EventKind,
    /// The room at that moment.
    pub room: proto::Room,
    /// The participant it is about. With a track event: its publisher.
    pub participant: Option<proto::ParticipantInfo>,
    /// The track it is about.
    pub track: Option<proto::TrackInfo>,
    /// Unix time in seconds.
    pub created_at: i64,
    /// `EV_…`, unique.
    pub id: String,
}

impl Event {
    /// The same as LiveKit's webhook body.
    #[must_use]
    pub fn to_webhook(&self) -> proto::WebhookEvent {
        proto::WebhookEvent {
            event: self.name.as_str().to_owned(),
            room: Some(self.room.clone()),
            participant: self.participant.clone(),
            track: self.track.clone(),
            created_at: self.created_at,
            id: self.id.clone(),
            ..Default::default()
        }
    }
}

/// How an attempt to join ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinOutcome {
    /// Media connection up.
    Joined,
    /// A known participant came back on a new signalling connection.
    Resumed,
    /// The join request was refused; the reason in words.
    Refused(String),
    /// The participant left, or was removed, before its media was up.
    Aborted(proto::DisconnectReason),
}

/// A measurement.
#[derive(Clone, Debug, PartialEq)]
pub enum Tap {
    /// One attempt to join is over.
    Join {
        /// Room name.
        room: String,
        /// Identity of the participant.
        identity: String,
        /// `PA_…`; empty where refused.
        participant: String,
        /// Signalling version: 0 or 1.
        signalling: u8,
        /// How it ended.
        outcome: JoinOutcome,
        /// From the join request until now.
        total: Duration,
        /// ICE's part of it, as the media engine reports it.
        ice: Option<Duration>,
        /// DTLS's part of it, as the media engine reports it.
        dtls: Option<Duration>,
    },
    /// Connection quality of a participant, every few seconds.
    Quality {
        /// Room name.
        room: String,
        /// Identity of the participant.
        identity: String,
        /// Estimated mean opinion score, 1 to 4.5.
        score: f32,
        /// The class clients are told.
        quality: proto::ConnectionQuality,
    },
}

/// How much there is, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Rooms.
    pub rooms: usize,
    /// Participants, hidden ones too.
    pub participants: usize,
    /// Tracks that can be subscribed to.
    pub tracks: usize,
    /// Subscriptions in force.
    pub subscriptions: usize,
}
