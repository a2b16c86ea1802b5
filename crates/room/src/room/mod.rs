//! One room. Its behaviour is spread over the files of this folder, one
//! subject each.

mod admit;
mod broadcast;
mod data;
mod data_route;
pub(crate) mod data_tracks;
mod delivery;
mod demand;
mod depart;
pub(crate) mod inbox;
mod media;
mod metadata;
mod negotiate;
mod permission;
mod publish;
mod quality;
mod replay;
mod request;
mod resume;
mod service;
mod simulate;
mod speakers;
mod subscribe;
mod track_change;

pub use data::fuzz_data_packet;
pub use data_route::fuzz_data_track_packet;
pub(crate) use depart::leave;
pub(crate) use metadata::attributes_bytes;
pub use negotiate::fuzz_candidate;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use surecast_media::id::{PeerId, RoomId, TrackId};
use surecast_media::time::Now;

use crate::context::Context;
use crate::event::{Event, EventKind};
use crate::ids::ParticipantKey;
use crate::participant::Participant;
use crate::proto;
use crate::timers::Subject;
use crate::track::Track;

use broadcast::Updates;
use data_route::DataRoutes;
use depart::Departed;
use replay::Replay;
use speakers::Speakers;

/// LiveKit's participant updates, tracks and data of one room.
pub(crate) struct Room {
    pub(crate) id: RoomId,
    /// Fields that do not follow from the participants.
    fixed: proto::Room,
    /// Encrypted streams end a server's own frames with these bytes, so that
    /// receivers do not try to decrypt them.
    sif_trailer: Vec<u8>,
    /// Camera and microphone of a participant arrive as one stream, which
    /// makes clients keep them in sync.
    sync_streams: bool,
    participants: BTreeMap<ParticipantKey, Participant>,
    identities: HashMap<String, ParticipantKey>,
    sids: HashMap<String, ParticipantKey>,
    tracks: BTreeMap<TrackId, Track>,
    track_sids: HashMap<String, TrackId>,
    ever_joined: bool,
    closed: bool,
    updates: Updates,
    departed: Departed,
    speakers: Speakers,
    replay: Replay,
    data_routes: DataRoutes,
}

/// How a room shall be, whoever asks for it.
#[derive(Default)]
pub(crate) struct RoomPlan {
    pub(crate) name: String,
    /// Seconds; 0: as the settings say.
    pub(crate) empty_timeout: u32,
    /// Seconds; 0: as the settings say.
    pub(crate) departure_timeout: u32,
    /// 0: as the settings say.
    pub(crate) max_participants: u32,
    pub(crate) metadata: String,
    pub(crate) sync_streams: bool,
}

impl Room {
    pub(crate) fn new(cx: &mut Context, plan: &RoomPlan, now: Now) -> Self {
        let fixed = fixed_info(cx, plan, now);
        let mut room = Self {
            id: cx.ids.room(),
            fixed,
            sif_trailer: cx.ids.bytes(24),
            sync_streams: plan.sync_streams,
            participants: BTreeMap::new(),
            identities: HashMap::new(),
            sids: HashMap::new(),
            tracks: BTreeMap::new(),
            track_sids: HashMap::new(),
            ever_joined: false,
            closed: false,
            updates: Updates::default(),
            departed: Departed::default(),
            speakers: Speakers::default(),
            replay: Replay::default(),
            data_routes: DataRoutes::default(),
        };
        tracing::info!(room = %room.name(), sid = %room.fixed.sid, "room opened");
        room.report(cx, EventKind::RoomStarted, None, None, now);
        room.watch_idle(cx, now);
        room
    }

    pub(crate) fn name(&self) -> &str {
        &self.fixed.name
    }

    /// Nobody will be let in any more; the owner drops it.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// The room as clients and administrators see it.
    pub(crate) fn info(&self) -> proto::Room {
        let counted = |p: &&Participant| !p.hidden() && !p.is_dependent();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        proto::Room {
            num_participants: count(self.participants.values().filter(counted).count()),
            num_publishers: count(
                self.participants
                    .values()
                    .filter(|p| p.is_publisher)
                    .count(),
            ),
            active_recording: self.participants.values().any(Participant::is_recorder),
            ..self.fixed.clone()
        }
    }

    pub(crate) fn participant_info(
        &self,
        participant: &Participant,
        cx: &Context,
    ) -> proto::ParticipantInfo {
        let bound = |id: &TrackId| self.tracks.get(id).filter(|track| track.bound);
        proto::ParticipantInfo {
            sid: participant.sid.clone(),
            identity: participant.identity().to_owned(),
            name: participant.grants.name.clone(),
            state: participant.state as i32,
            tracks: participant
                .tracks
                .iter()
                .filter_map(bound)
                .map(|track| track.info.clone())
                .collect(),
            metadata: participant.grants.metadata.clone(),
            joined_at: i64::try_from(participant.joined_unix_ms / 1000).unwrap_or(i64::MAX),
            joined_at_ms: i64::try_from(participant.joined_unix_ms).unwrap_or(i64::MAX),
            version: participant.version,
            permission: participant
                .grant()
                .map(crate::token::VideoGrant::to_permission),
            region: cx.settings.region.clone(),
            is_publisher: participant.is_publisher,
            kind: participant.grants.participant_kind() as i32,
            attributes: participant.grants.attributes.clone(),
            kind_details: participant
                .grants
                .participant_kind_details()
                .into_iter()
                .map(|kind| kind as i32)
                .collect(),
            data_tracks: participant.data_tracks.infos(),
            client_protocol: participant.client.client_protocol,
            capabilities: participant.client.capabilities.clone(),
            ..Default::default()
        }
    }

    pub(crate) fn participant_count(&self) -> usize {
        self.participants.len()
    }

    /// The connection on which the participant publishes.
    pub(crate) fn publisher_peer(&self, key: ParticipantKey) -> Option<PeerId> {
        Some(self.participants.get(&key)?.peers.publisher)
    }

    pub(crate) fn bound_track_count(&self) -> usize {
        self.tracks.values().filter(|track| track.bound).count()
    }

    pub(crate) fn subscription_count(&self) -> usize {
        self.tracks
            .values()
            .map(|track| track.subscribers.len())
            .sum()
    }

    /// A timer of this room.
    pub(crate) fn handle_timer(&mut self, cx: &mut Context, subject: Subject, now: Now) {
        match subject {
            Subject::RoomIdle => self.close_if_idle(cx, now),
            Subject::Updates => self.flush_updates(cx),
            Subject::Counts => self.send_room_update(cx),
            Subject::Speakers => self.silence_speakers(cx),
            Subject::Quality => self.send_quality(cx, now),
            Subject::Joining(key) => self.join_timed_out(cx, key, now),
            Subject::Resume(key) => self.resume_timed_out(cx, key, now),
            Subject::Media(key) => self.media_timed_out(cx, key, now),
            Subject::Silence(key) => self.client_fell_silent(cx, key, now),
            Subject::Token(key) => self.refresh_token(cx, key, now),
            Subject::Simulation(key) => self.end_simulated_speaker(cx, key),
            Subject::Demand(track) => self.tell_demand(cx, track),
        }
    }

    fn report(
        &self,
        cx: &mut Context,
        name: EventKind,
        participant: Option<proto::ParticipantInfo>,
        track: Option<proto::TrackInfo>,
        now: Now,
    ) {
        let id = cx.ids.sid("EV_");
        cx.event(Event {
            name,
            room: self.info(),
            participant,
            track,
            created_at: now.unix_secs(),
            id,
        });
    }
}

fn fixed_info(cx: &mut Context, plan: &RoomPlan, now: Now) -> proto::Room {
    let seconds = |seconds: u32, default: Duration| match seconds {
        0 => u32::try_from(default.as_secs()).unwrap_or(u32::MAX),
        seconds => seconds,
    };
    proto::Room {
        sid: cx.ids.sid("RM_"),
        name: plan.name.clone(),
        empty_timeout: seconds(plan.empty_timeout, cx.settings.empty_timeout),
        departure_timeout: seconds(plan.departure_timeout, cx.settings.departure_timeout),
        max_participants: match plan.max_participants {
            0 => cx.settings.max_participants,
            limit => limit,
        },
        creation_time: now.unix_secs(),
        creation_time_ms: i64::try_from(now.unix_ms).unwrap_or(i64::MAX),
        enabled_codecs: cx.settings.enabled_codecs.clone(),
        metadata: plan.metadata.clone(),
        ..Default::default()
    }
}

#[cfg(test)]
impl Room {
    pub(crate) fn bound_tracks(&self) -> Vec<TrackId> {
        self.tracks
            .values()
            .filter(|track| track.bound)
            .map(|track| track.id)
            .collect()
    }

    /// The maps agree with one another.
    pub(crate) fn check_integrity(&self, cx: &Context) {
        assert_eq!(self.participants.len(), self.identities.len());
        assert_eq!(self.participants.len(), self.sids.len());
        assert_eq!(self.tracks.len(), self.track_sids.len());
        for track in self.tracks.values() {
            let publisher = &self.participants[&track.publisher];
            assert!(publisher.tracks.contains(&track.id));
            for subscriber in &track.subscribers {
                let subscriber = &self.participants[subscriber];
                assert!(subscriber.subscriptions.contains_key(&track.id));
                assert!(subscriber.can_subscribe() && subscriber.key != track.publisher);
            }
        }
        for participant in self.participants.values() {
            assert_eq!(self.identities[participant.identity()], participant.key);
            assert_eq!(self.sids[&participant.sid], participant.key);
            for id in &participant.tracks {
                assert_eq!(self.tracks[id].publisher, participant.key);
            }
            for id in participant.subscriptions.keys() {
                assert!(self.tracks[id].subscribers.contains(&participant.key));
            }
            assert!(
                participant
                    .denied
                    .iter()
                    .all(|id| self.tracks.contains_key(id))
            );
            for peer in participant.all_peers() {
                assert_eq!(cx.peers.get(peer), Some((self.id, participant.key)));
            }
            if let Some(session) = participant.signalling.session {
                assert_eq!(cx.sessions.get(session), Some((self.id, participant.key)));
            }
        }
    }
}
