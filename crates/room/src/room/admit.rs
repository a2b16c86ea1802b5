//! Letting participants in, and what they are told first.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use surecast_media::control::{MediaCommand, PeerRole};
use surecast_media::id::PeerId;
use surecast_media::time::Now;

use super::Room;
use super::broadcast::Echo;
use super::data_tracks::DataTracks;
use super::depart::Departure;
use super::inbox::Inbox;
use crate::context::Context;
use crate::error::JoinError;
use crate::ids::ParticipantKey;
use crate::join::Join;
use crate::output::{Output, SessionId};
use crate::participant::{Participant, Peers, Signalling, Simulation};
use crate::proto;
use crate::proto::DisconnectReason;
use crate::proto::participant_info::State;
use crate::proto::signal_response::Message;
use crate::timers::Subject;
use crate::token::{Grants, VideoGrant};
use crate::track::without_duplicates;

/// LiveKit's protocol number of the behaviour offered here. From 18 on, clients
/// on signalling v1 expect data channels negotiated in advance.
const PROTOCOL: i32 = 17;

/// From this protocol on, clients can wait for the server's offer first.
const SUBSCRIBER_FIRST: u32 = 3;

impl Room {
    /// Is there a place for somebody with these grants?
    pub(crate) fn check_capacity(&self, grants: &Grants) -> Result<(), JoinError> {
        let limit = self.fixed.max_participants;
        let dependent = crate::participant::is_dependent(grants);
        if limit == 0 || dependent {
            return Ok(());
        }
        let others = self
            .participants
            .values()
            .filter(|p| !p.is_dependent() && p.identity() != grants.identity)
            .count();
        if others >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return Err(JoinError::RoomFull { limit });
        }
        Ok(())
    }

    /// May it take the place of whoever has its identity?
    pub(crate) fn check_identity(&self, grants: &Grants, join: &Join) -> Result<(), JoinError> {
        if join.yields && self.identities.contains_key(&grants.identity) {
            return Err(JoinError::IdentityTaken);
        }
        Ok(())
    }

    /// Admits a new participant; capacity and grants are checked.
    pub(crate) fn admit(&mut self, cx: &mut Context, mut join: Join, now: Now) -> SessionId {
        if let Some(&older) = self.identities.get(&join.grants.identity) {
            let why = Departure::told(DisconnectReason::DuplicateIdentity);
            self.remove(cx, older, why, now);
        }
        let add_tracks = std::mem::take(&mut join.add_tracks);
        let offer = join.offer.take();
        let (key, session) = self.add_participant(cx, join, now);
        self.send_join_response(cx, key);
        self.refresh_token(cx, key, now);
        self.add_peers(cx, key);
        for request in add_tracks {
            self.add_track(cx, key, request, now);
        }
        if let Some(offer) = offer {
            self.handle_offer(cx, key, offer);
        }
        self.announce(cx, key, Echo::No, now);
        self.counts_changed(cx, now);
        self.reconcile_participant(cx, key);
        cx.timers.set(
            self.id,
            Subject::Joining(key),
            now.at + cx.settings.join_timeout,
        );
        session
    }

    /// A fresh token for the participant, and the next one in a few minutes.
    pub(super) fn refresh_token(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        if let Some(session) = participant.signalling.session {
            cx.outputs.push_back(Output::RefreshToken {
                session,
                grants: Box::new(participant.grants.clone()),
            });
        }
        cx.timers.set(
            self.id,
            Subject::Token(key),
            now.at + cx.settings.token_refresh,
        );
    }

    pub(super) fn server_info(cx: &Context) -> proto::ServerInfo {
        proto::ServerInfo {
            edition: proto::server_info::Edition::Standard as i32,
            version: cx.settings.version.clone(),
            protocol: PROTOCOL,
            region: cx.settings.region.clone(),
            node_id: cx.settings.node_id.clone(),
            ..Default::default()
        }
    }

    /// Makes the subscriber connection of signalling v0, once it is allowed.
    pub(super) fn add_subscriber_peer(&mut self, cx: &mut Context, key: ParticipantKey) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        if participant.peers.single || participant.peers.subscriber.is_some() {
            return;
        }
        let peer = cx.ids.peer();
        participant.peers.subscriber = Some(peer);
        cx.peers.insert(peer, self.id, key);
        cx.media(
            self.id,
            MediaCommand::AddPeer {
                peer,
                room: self.id,
                role: PeerRole::Subscriber,
            },
        );
    }

    fn add_participant(
        &mut self,
        cx: &mut Context,
        join: Join,
        now: Now,
    ) -> (ParticipantKey, SessionId) {
        let key = cx.ids.participant();
        let session = cx.ids.session();
        let sid = cx.ids.sid("PA_");
        let publisher = cx.ids.peer();
        cx.sessions.insert(session, self.id, key);
        cx.peers.insert(publisher, self.id, key);
        tracing::info!(room = %self.name(), participant = %join.grants.identity, %sid,
            v1 = join.single_connection, client = ?join.client.sdk(), "participant joins");
        self.identities.insert(join.grants.identity.clone(), key);
        self.sids.insert(sid.clone(), key);
        let participant = new_participant(join, key, session, sid, publisher, now);
        if !participant.is_dependent() {
            self.ever_joined = true;
            cx.timers.cancel(self.id, Subject::RoomIdle);
        }
        self.participants.insert(key, participant);
        (key, session)
    }

    fn send_join_response(&mut self, cx: &mut Context, key: ParticipantKey) {
        let participant = &self.participants[&key];
        let info = self.participant_info(participant, cx);
        let server = Self::server_info(cx);
        let seconds = |d: std::time::Duration| i32::try_from(d.as_secs()).unwrap_or(i32::MAX);
        let response = proto::JoinResponse {
            room: Some(self.info()),
            participant: Some(info),
            other_participants: self.visible_infos(cx, Some(key)),
            server_version: server.version.clone(),
            server_region: server.region.clone(),
            server_info: Some(server),
            ice_servers: cx.settings.ice_servers.clone(),
            subscriber_primary: participant.peers.subscriber_primary,
            client_configuration: Some(proto::ClientConfiguration::default()),
            ping_timeout: seconds(cx.settings.ping_timeout),
            ping_interval: seconds(cx.settings.ping_interval),
            sif_trailer: self.sif_trailer.clone(),
            enabled_publish_codecs: publish_codecs(&cx.settings.enabled_codecs),
            fast_publish: participant.can_publish(),
            ..Default::default()
        };
        participant.send(cx, Message::Join(response));
        if let Some(participant) = self.participants.get_mut(&key) {
            participant.state = State::Joined;
        }
    }

    fn add_peers(&mut self, cx: &mut Context, key: ParticipantKey) {
        let participant = &self.participants[&key];
        let role = match &participant.peers {
            peers if peers.local => PeerRole::Local,
            peers if peers.encoder => PeerRole::Encoder,
            peers if peers.viewer => PeerRole::Viewer,
            peers if peers.single => PeerRole::Single,
            _ => PeerRole::Publisher,
        };
        let peer = participant.peers.publisher;
        let with_subscriber = participant.peers.subscriber_primary || participant.can_subscribe();
        cx.media(
            self.id,
            MediaCommand::AddPeer {
                peer,
                room: self.id,
                role,
            },
        );
        if with_subscriber {
            self.add_subscriber_peer(cx, key);
        }
    }
}

fn new_participant(
    join: Join,
    key: ParticipantKey,
    session: SessionId,
    sid: String,
    publisher: PeerId,
    now: Now,
) -> Participant {
    let peers = peers_of(&join, publisher);
    let client = proto::ClientInfo {
        // Everybody in the room is told these.
        capabilities: without_duplicates(&join.client.capabilities),
        ..join.client
    };
    let signalling = Signalling {
        session: Some(session),
        lost_at: None,
        pings: false,
    };
    Participant {
        key,
        sid,
        state: State::Joining,
        version: 0,
        joined_at: now.at,
        joined_unix_ms: now.unix_ms,
        client,
        protocol: join.protocol,
        signalling,
        peers,
        auto_subscribe: join.auto_subscribe,
        auto_subscribe_data_track: join.auto_subscribe_data_track,
        is_publisher: false,
        tracks: Vec::new(),
        queued_tracks: Vec::new(),
        data_tracks: DataTracks::default(),
        subscribers_allowed: None,
        wishes: HashMap::new(),
        subscriptions: BTreeMap::new(),
        denied: BTreeSet::new(),
        inbox: Inbox::default(),
        last_sequence: 0,
        health: HashMap::new(),
        told_quality: HashMap::new(),
        timing: None,
        simulation: Simulation::default(),
        grants: join.grants,
    }
}

fn peers_of(join: &Join, publisher: PeerId) -> Peers {
    let video = join.grants.video.as_ref();
    Peers {
        single: join.single_connection,
        local: join.local,
        encoder: join.encoder,
        viewer: join.viewer,
        publisher,
        subscriber: None,
        subscriber_primary: !join.single_connection
            && video.is_some_and(VideoGrant::can_subscribe)
            && join.protocol >= SUBSCRIBER_FIRST,
        connected: BTreeSet::new(),
        closed: false,
        sections: None,
    }
}

/// What may be published, the most widely understood first; how lost packets
/// are repeated is not for clients to choose.
fn publish_codecs(enabled: &[proto::Codec]) -> Vec<proto::Codec> {
    let rank = |codec: &proto::Codec| match codec.mime.to_ascii_lowercase().as_str() {
        "video/vp8" => 0,
        "video/h264" => 1,
        mime if mime.starts_with("video/") => 2,
        _ => 3,
    };
    let mut codecs: Vec<_> = enabled
        .iter()
        .filter(|codec| !codec.mime.eq_ignore_ascii_case("video/rtx"))
        .cloned()
        .collect();
    codecs.sort_by_key(rank);
    codecs
}
