//! One participant: who it is, what it may do, and what it has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use surecast_media::control::Demand;
use surecast_media::id::{PeerId, TrackId};

use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::output::SessionId;
use crate::proto;
use crate::proto::participant_info::{Kind, State};
use crate::proto::signal_response::Message;
use crate::room::data_tracks::DataTracks;
use crate::room::inbox::Inbox;
use crate::token::{Grants, VideoGrant};

pub(crate) struct Participant {
    pub(crate) key: ParticipantKey,
    pub(crate) sid: String,
    pub(crate) state: State,
    /// Grows with every change that others are told of.
    pub(crate) version: u32,
    pub(crate) joined_at: Instant,
    pub(crate) joined_unix_ms: u64,
    /// Name, metadata, attributes and permissions as they are now.
    pub(crate) grants: Grants,
    pub(crate) client: proto::ClientInfo,
    pub(crate) protocol: u32,
    pub(crate) signalling: Signalling,
    pub(crate) peers: Peers,
    pub(crate) auto_subscribe: bool,
    pub(crate) auto_subscribe_data_track: bool,
    /// It has, or had, something published.
    pub(crate) is_publisher: bool,
    /// Announced and bound tracks in the order of their announcement.
    pub(crate) tracks: Vec<TrackId>,
    /// Announcements that wait for an earlier track with the same client id.
    pub(crate) queued_tracks: Vec<proto::AddTrackRequest>,
    pub(crate) data_tracks: DataTracks,
    /// Who may subscribe to its tracks; `None`: everybody.
    pub(crate) subscribers_allowed: Option<HashMap<String, proto::TrackPermission>>,
    /// What it wants of tracks, by track sid; the track may not exist yet.
    pub(crate) wishes: HashMap<String, Wish>,
    pub(crate) subscriptions: BTreeMap<TrackId, Subscription>,
    /// Tracks it wants and has been told it must not have.
    pub(crate) denied: BTreeSet<TrackId>,
    /// Data messages on their way to it.
    pub(crate) inbox: Inbox,
    /// Last sequence number of reliable data received from it.
    pub(crate) last_sequence: u32,
    pub(crate) health: HashMap<PeerId, f32>,
    /// Connection quality of others, as it was told.
    pub(crate) told_quality: HashMap<ParticipantKey, proto::ConnectionQuality>,
    pub(crate) timing: Option<(Duration, Duration)>,
    pub(crate) simulation: Simulation,
}

/// The signalling side.
pub(crate) struct Signalling {
    /// `None` while the client is away.
    pub(crate) session: Option<SessionId>,
    /// Since when the client is away.
    pub(crate) lost_at: Option<Instant>,
    /// The client pings, so silence means that it is gone.
    pub(crate) pings: bool,
}

/// The peer connections.
pub(crate) struct Peers {
    /// Both directions (signalling v1).
    pub(crate) single: bool,
    /// There is none: a part of the server takes its place.
    pub(crate) local: bool,
    /// It only carries what the client sends.
    pub(crate) encoder: bool,
    /// It is described once, whatever it carries.
    pub(crate) viewer: bool,
    /// Takes offers from the client; the only one on v1.
    pub(crate) publisher: PeerId,
    /// v0, where it may subscribe.
    pub(crate) subscriber: Option<PeerId>,
    /// v0: the client waits for the subscriber connection, and gets its data
    /// messages there.
    pub(crate) subscriber_primary: bool,
    /// Which are up.
    pub(crate) connected: BTreeSet<PeerId>,
    /// One of them ended for good.
    pub(crate) closed: bool,
    /// v1: sections that were asked for while the client was away.
    pub(crate) sections: Option<proto::MediaSectionsRequirement>,
}

/// What a participant said it wants of one track.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wish {
    /// `None`: as auto-subscribe says.
    pub(crate) subscribe: Option<bool>,
    pub(crate) demand: Option<Demand>,
}

/// A subscription in force.
#[derive(Clone, Copy, Default)]
pub(crate) struct Subscription {
    /// It reported that it cannot deliver.
    pub(crate) failed: bool,
}

/// Faults that a client asked for, to test itself.
#[derive(Default)]
pub(crate) struct Simulation {
    pub(crate) close_on_resume_until: Option<Instant>,
    pub(crate) close_silently_on_resume_until: Option<Instant>,
}

impl Participant {
    pub(crate) fn identity(&self) -> &str {
        &self.grants.identity
    }

    pub(crate) fn video(&self) -> VideoGrant {
        self.grants.video_or_none()
    }

    pub(crate) fn grant(&self) -> Option<&VideoGrant> {
        self.grants.video.as_ref()
    }

    pub(crate) fn can_publish(&self) -> bool {
        self.grant().is_some_and(VideoGrant::can_publish)
    }

    pub(crate) fn can_publish_source(&self, source: proto::TrackSource) -> bool {
        self.grant()
            .is_some_and(|grant| grant.can_publish_source(source))
    }

    pub(crate) fn can_publish_data(&self) -> bool {
        self.grant().is_some_and(VideoGrant::can_publish_data)
    }

    pub(crate) fn can_subscribe(&self) -> bool {
        self.grant().is_some_and(VideoGrant::can_subscribe)
    }

    pub(crate) fn hidden(&self) -> bool {
        self.grant().is_some_and(|grant| grant.hidden)
    }

    /// Recorders may have every track.
    pub(crate) fn is_recorder(&self) -> bool {
        is_recorder(&self.grants)
    }

    pub(crate) fn is_agent(&self) -> bool {
        is_agent(&self.grants)
    }

    pub(crate) fn is_dependent(&self) -> bool {
        is_dependent(&self.grants)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.state == State::Active
    }

    pub(crate) fn send(&self, cx: &mut Context, message: Message) {
        if let Some(session) = self.signalling.session {
            cx.signal(session, message);
        }
    }

    /// The connection that has to be up for the participant to count as active,
    /// and that carries data messages to it.
    pub(crate) fn primary_peer(&self) -> PeerId {
        match self.peers.subscriber {
            Some(peer) if self.peers.subscriber_primary => peer,
            _ => self.peers.publisher,
        }
    }

    /// The connection that carries tracks to it.
    pub(crate) fn receiving_peer(&self) -> Option<PeerId> {
        if self.peers.encoder {
            None
        } else if self.peers.single {
            Some(self.peers.publisher)
        } else {
            self.peers.subscriber
        }
    }

    pub(crate) fn all_peers(&self) -> impl Iterator<Item = PeerId> + use<> {
        [Some(self.peers.publisher), self.peers.subscriber]
            .into_iter()
            .flatten()
    }
}

/// Agents and recorders neither count as participants nor keep a room open.
pub(crate) fn is_dependent(grants: &Grants) -> bool {
    is_recorder(grants) || is_agent(grants)
}

fn is_recorder(grants: &Grants) -> bool {
    grants.participant_kind() == Kind::Egress
        || grants.video.as_ref().is_some_and(|grant| grant.recorder)
}

fn is_agent(grants: &Grants) -> bool {
    grants.participant_kind() == Kind::Agent
        || grants.video.as_ref().is_some_and(|grant| grant.agent)
}
