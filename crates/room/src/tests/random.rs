//! Whatever clients and the engine say in whatever order: no panic, and the
//! invariants hold.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use surecast_media::control::{
    DataChannel, MediaCommand, MediaEvent, PeerHealth, PeerRole, Quality, SubscriptionFault,
};
use surecast_media::id::{PeerId, TrackId};
use surecast_media::time::Now;

use super::world::{camera, join, join_v0, microphone};
use crate::proto;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::simulate_scenario::Scenario;
use crate::token::VideoGrant;
use crate::{Grants, Join, Output, Rooms, ServiceCall, SessionId, Settings};

/// Small numbers that are mapped onto what there is at that moment.
#[derive(Clone, Debug)]
enum Step {
    Join {
        who: u8,
        v0: bool,
        flags: u8,
        resume: bool,
    },
    Ask {
        who: u8,
        what: u8,
        arg: u8,
    },
    Media {
        what: u8,
        which: u8,
        track: u8,
    },
    Close {
        who: u8,
    },
    Wait {
        ms: u32,
    },
    Service {
        what: u8,
        who: u8,
        arg: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let b = any::<u8>;
    prop_oneof![
        3 => (b(), any::<bool>(), b(), any::<bool>())
            .prop_map(|(who, v0, flags, resume)| Step::Join { who, v0, flags, resume }),
        8 => (b(), b(), b()).prop_map(|(who, what, arg)| Step::Ask { who, what, arg }),
        8 => (b(), b(), b()).prop_map(|(what, which, track)| Step::Media { what, which, track }),
        1 => b().prop_map(|who| Step::Close { who }),
        2 => (0u32..40_000).prop_map(|ms| Step::Wait { ms }),
        2 => (b(), b(), b()).prop_map(|(what, who, arg)| Step::Service { what, who, arg }),
    ]
}

/// What the outputs say there is.
struct Model {
    rooms: Rooms,
    now: Now,
    /// Open sessions, and the identity of each.
    sessions: Vec<(SessionId, String)>,
    peers: HashMap<PeerId, PeerRole>,
    gone_peers: HashSet<PeerId>,
    tracks: Vec<(TrackId, String)>,
    gone_tracks: HashSet<TrackId>,
    subscriptions: HashSet<(PeerId, TrackId)>,
    sids: HashMap<String, String>,
}

impl Model {
    fn new() -> Self {
        #[allow(clippy::disallowed_methods)]
        let at = Instant::now();
        let settings = Settings {
            immediate_updates_up_to: 3,
            ..Settings::default()
        };
        Self {
            rooms: Rooms::new(settings, 3),
            now: Now {
                at,
                unix_ms: 1_700_000_000_000,
            },
            sessions: Vec::new(),
            peers: HashMap::new(),
            gone_peers: HashSet::new(),
            tracks: Vec::new(),
            gone_tracks: HashSet::new(),
            subscriptions: HashSet::new(),
            sids: HashMap::new(),
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Join {
                who,
                v0,
                flags,
                resume,
            } => self.join(who, v0, flags, resume),
            Step::Ask { who, what, arg } => self.ask(who, what, arg),
            Step::Media { what, which, track } => self.media(what, which, track),
            Step::Close { who } => {
                if let Some((session, _)) = pick(&self.sessions, who).cloned() {
                    self.sessions.retain(|(other, _)| *other != session);
                    self.rooms.handle_session_closed(session, self.now);
                }
            }
            Step::Wait { ms } => self.now = self.now.after(Duration::from_millis(u64::from(ms))),
            Step::Service { what, who, arg } => self.service(what, who, arg),
        }
        self.rooms.handle_timeout(self.now);
        self.drain();
    }

    fn join(&mut self, who: u8, v0: bool, flags: u8, resume: bool) {
        let identity = name(who);
        let mut join: Join = if v0 {
            join_v0(&identity)
        } else {
            join(&identity)
        };
        let video = join.grants.video.as_mut().unwrap();
        video.can_subscribe = Some(flags & 1 == 0);
        video.can_publish = Some(flags & 2 == 0);
        video.hidden = flags & 12 == 12;
        video.recorder = flags & 48 == 48;
        join.auto_subscribe = flags & 64 == 0;
        join.auto_subscribe_data_track = flags & 64 == 0;
        if resume {
            join.reconnect = Some(self.sids.get(&identity).cloned().unwrap_or_default());
        } else if flags & 128 != 0 {
            join.add_tracks = vec![microphone("mic"), camera("cam")];
        }
        if let Ok(session) = self.rooms.handle_join(join, self.now) {
            self.sessions.push((session, identity));
        }
    }

    fn ask(&mut self, who: u8, what: u8, arg: u8) {
        let Some((session, _)) = pick(&self.sessions, who).cloned() else {
            return;
        };
        let sid = pick(&self.tracks, arg).map_or_else(|| "TR_x".to_owned(), |(_, sid)| sid.clone());
        let yes = arg & 1 == 0;
        let sd = |kind: &str| proto::SessionDescription {
            r#type: kind.into(),
            sdp: "v=0".into(),
            id: 1,
            ..Default::default()
        };
        let handle = u32::from(arg % 4);
        let ask = match what % 20 {
            0 => Ask::AddTrack(microphone(&format!("c{}", arg % 5))),
            1 => Ask::AddTrack(camera(&format!("c{}", arg % 5))),
            2 => Ask::Offer(sd("offer")),
            3 => Ask::Answer(sd("answer")),
            4 => Ask::Mute(proto::MuteTrackRequest { sid, muted: yes }),
            5 => Ask::Subscription(proto::UpdateSubscription {
                track_sids: vec![sid],
                subscribe: yes,
                ..Default::default()
            }),
            6 => Ask::TrackSetting(proto::UpdateTrackSettings {
                track_sids: vec![sid],
                disabled: yes,
                quality: i32::from(arg),
                ..Default::default()
            }),
            7 => Ask::Leave(proto::LeaveRequest::default()),
            8 => Ask::SubscriptionPermission(proto::SubscriptionPermission {
                all_participants: yes,
                track_permissions: vec![proto::TrackPermission {
                    participant_identity: name(arg),
                    track_sids: vec![sid],
                    ..Default::default()
                }],
            }),
            9 => Ask::SyncState(proto::SyncState {
                track_sids_disabled: vec![sid.clone()],
                publish_tracks: if arg > 200 {
                    vec![proto::TrackPublishedResponse::default()]
                } else {
                    vec![]
                },
                ..Default::default()
            }),
            10 => Ask::Ping(1),
            11 => Ask::UpdateMetadata(proto::UpdateParticipantMetadata {
                name: "n".into(),
                ..Default::default()
            }),
            12 => Ask::PublishDataTrackRequest(proto::PublishDataTrackRequest {
                pub_handle: handle,
                name: format!("d{handle}"),
                ..Default::default()
            }),
            13 => Ask::UnpublishDataTrackRequest(proto::UnpublishDataTrackRequest {
                pub_handle: handle,
            }),
            14 => Ask::Trickle(proto::TrickleRequest {
                candidate_init: r#"{"candidate":"candidate:1"}"#.into(),
                target: i32::from(arg % 3),
                ..Default::default()
            }),
            15 => Ask::AddTrack(proto::AddTrackRequest {
                sid,
                ..camera("more")
            }),
            16 => Ask::UpdateAudioTrack(proto::UpdateLocalAudioTrack {
                track_sid: sid,
                features: vec![1],
            }),
            17 => Ask::UpdateVideoTrack(proto::UpdateLocalVideoTrack {
                track_sid: sid,
                width: 1,
                height: 1,
            }),
            18 => Ask::Simulate(proto::SimulateScenario {
                scenario: Some(scenario(arg)),
            }),
            _ => Ask::PingReq(proto::Ping::default()),
        };
        self.rooms.handle_signal(
            session,
            proto::SignalRequest { message: Some(ask) },
            self.now,
        );
    }

    fn media(&mut self, what: u8, which: u8, track: u8) {
        // Old ones too: the engine may speak of what is gone.
        let mut peers: Vec<_> = self.peers.keys().chain(&self.gone_peers).copied().collect();
        peers.sort_unstable();
        let (Some(peer), track) = (
            pick(&peers, which).copied(),
            pick(&self.tracks, track).map(|(id, _)| *id),
        ) else {
            return;
        };
        let track = track.unwrap_or(TrackId(u64::from(which)));
        let mime = "video/VP8".to_owned();
        let paused = which & 1 == 0;
        let event = match what % 17 {
            0 | 1 => MediaEvent::Connected {
                peer,
                ice: Duration::ZERO,
                dtls: Duration::ZERO,
            },
            2 => MediaEvent::Disconnected { peer },
            3 => MediaEvent::Closed {
                peer,
                reason: String::new(),
            },
            4 | 5 => MediaEvent::TrackBound {
                track,
                mid: "0".into(),
                mime,
                simulcast: true,
            },
            6 => MediaEvent::TrackLive { track, mime },
            7 => MediaEvent::TrackGone { track },
            8 => MediaEvent::SubscriptionLive { peer, track },
            9 => MediaEvent::SubscriptionFailed {
                peer,
                track,
                fault: SubscriptionFault::CodecUnsupported,
            },
            10 => MediaEvent::StreamState {
                peer,
                track,
                paused,
            },
            11 => MediaEvent::Data {
                peer,
                channel: channel(which),
                payload: Arc::from(&[0u8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5][..]),
            },
            12 => MediaEvent::DataReady { peer },
            13 => MediaEvent::TrackDemand {
                track,
                quality: (which & 1 == 0).then_some(Quality::Low),
            },
            14 => MediaEvent::Health {
                peer,
                health: PeerHealth {
                    downlink_loss: f32::from(which) / 255.0,
                    ..PeerHealth::default()
                },
            },
            15 => MediaEvent::Answer {
                peer,
                sdp: String::new(),
                id: 1,
                mid_to_track: vec![],
            },
            _ => MediaEvent::NegotiationFailed {
                peer,
                id: 1,
                reason: String::new(),
            },
        };
        if let MediaEvent::TrackGone { track } = &event {
            self.gone_tracks.insert(*track);
        }
        self.rooms.handle_media(event, self.now);
    }

    fn service(&mut self, what: u8, who: u8, arg: u8) {
        let video = VideoGrant {
            room_admin: true,
            room_create: true,
            room: "r".into(),
            ..VideoGrant::default()
        };
        let admin = Grants {
            video: Some(video),
            ..Grants::default()
        };
        let about = proto::RoomParticipantIdentity {
            room: "r".into(),
            identity: name(who),
            ..Default::default()
        };
        let permission = proto::ParticipantPermission {
            can_subscribe: arg & 1 == 0,
            can_publish: arg & 2 == 0,
            can_publish_data: arg & 4 == 0,
            hidden: arg & 24 == 24,
            ..Default::default()
        };
        let call = match what % 8 {
            0 => ServiceCall::RemoveParticipant(about),
            1 if arg > 128 => {
                ServiceCall::DeleteRoom(proto::DeleteRoomRequest { room: "r".into() })
            }
            2 => ServiceCall::SendData(proto::SendDataRequest {
                room: "r".into(),
                data: vec![1],
                ..Default::default()
            }),
            3 => ServiceCall::CreateRoom(proto::CreateRoomRequest {
                name: "r".into(),
                ..Default::default()
            }),
            _ => ServiceCall::UpdateParticipant(proto::UpdateParticipantRequest {
                room: "r".into(),
                identity: name(who),
                permission: Some(permission),
                ..Default::default()
            }),
        };
        let _ = self.rooms.handle_service(&admin, call, self.now);
    }

    fn drain(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            match output {
                Output::Signal { session, message } => {
                    self.check_signal(session, message.message.unwrap())
                }
                Output::RefreshToken { session, .. } => assert!(self.is_open(session)),
                Output::CloseSession { session } => {
                    assert!(self.is_open(session), "{session} closed twice");
                    self.sessions.retain(|(other, _)| *other != session);
                }
                Output::Media { command, .. } => self.check_command(command),
                Output::Event(_) | Output::Tap(_) => {}
            }
        }
        let census = self.rooms.census();
        assert_eq!(census.subscriptions, self.subscriptions.len());
        self.rooms.check_integrity();
    }

    fn is_open(&self, session: SessionId) -> bool {
        self.sessions.iter().any(|(other, _)| *other == session)
    }

    fn check_signal(&mut self, session: SessionId, message: Say) {
        let identity = self
            .sessions
            .iter()
            .find(|(other, _)| *other == session)
            .map(|(_, identity)| identity.clone());
        let identity =
            identity.unwrap_or_else(|| panic!("{message:?} to {session}, which is not open"));
        match message {
            Say::Join(join) => {
                self.sids.insert(identity, join.participant.unwrap().sid);
            }
            // An empty update is a waste.
            Say::Update(update) => assert!(!update.participants.is_empty()),
            _ => {}
        }
    }

    fn check_command(&mut self, command: MediaCommand) {
        match command {
            MediaCommand::AddPeer { peer, role, .. } => {
                assert!(self.peers.insert(peer, role).is_none())
            }
            MediaCommand::RemovePeer { peer } => {
                assert!(self.peers.remove(&peer).is_some(), "{peer} removed twice");
                self.gone_peers.insert(peer);
                self.subscriptions.retain(|(other, _)| *other != peer);
                self.forget_tracks();
            }
            MediaCommand::Announce { peer, announcement } => {
                assert_ne!(self.role(peer), PeerRole::Subscriber);
                assert!(!announcement.codecs.is_empty());
                if self.tracks.iter().all(|(id, _)| *id != announcement.track) {
                    self.tracks.push((announcement.track, announcement.sid));
                }
            }
            MediaCommand::Unpublish { track } => {
                self.gone_tracks.insert(track);
                self.subscriptions.retain(|(_, other)| *other != track);
            }
            MediaCommand::Subscribe { peer, track, .. } => {
                assert_ne!(
                    self.role(peer),
                    PeerRole::Publisher,
                    "subscribed on a connection that only sends"
                );
                assert!(self.subscriptions.insert((peer, track)), "subscribed twice");
            }
            MediaCommand::Unsubscribe { peer, track } => {
                assert!(
                    self.subscriptions.remove(&(peer, track)),
                    "was not subscribed"
                );
            }
            MediaCommand::SetDemand { peer, track, .. } => {
                assert!(self.subscriptions.contains(&(peer, track)))
            }
            MediaCommand::SendData { peers, .. } => {
                assert!(
                    !peers.is_empty() && peers.iter().all(|peer| self.peers.contains_key(peer))
                );
            }
            MediaCommand::Answer { peer, .. } | MediaCommand::RestartIce { peer } => {
                assert_eq!(self.role(peer), PeerRole::Subscriber);
            }
            MediaCommand::Offer { peer, .. } => assert_ne!(self.role(peer), PeerRole::Subscriber),
            MediaCommand::Candidate { peer, .. } => {
                self.role(peer);
            }
            MediaCommand::Mute { .. } => {}
        }
    }

    /// A removed connection ends what it published.
    fn forget_tracks(&mut self) {
        let here: HashSet<_> = self.rooms.bound_tracks().into_iter().collect();
        self.subscriptions.retain(|(_, track)| here.contains(track));
    }

    fn role(&self, peer: PeerId) -> PeerRole {
        *self
            .peers
            .get(&peer)
            .unwrap_or_else(|| panic!("{peer} is not there"))
    }
}

fn scenario(arg: u8) -> Scenario {
    match arg % 8 {
        0 => Scenario::SpeakerUpdate(i32::from(arg)),
        1 => Scenario::NodeFailure(true),
        2 => Scenario::Migration(true),
        3 => Scenario::ServerLeave(true),
        4 => Scenario::SwitchCandidateProtocol(1),
        5 => Scenario::DisconnectSignalOnResume(true),
        6 => Scenario::DisconnectSignalOnResumeNoMessages(true),
        _ => Scenario::LeaveRequestFullReconnect(true),
    }
}

fn channel(which: u8) -> DataChannel {
    match which % 3 {
        0 => DataChannel::Reliable,
        1 => DataChannel::Lossy,
        _ => DataChannel::DataTrack,
    }
}

fn name(who: u8) -> String {
    format!("p{}", who % 6)
}

fn pick<T>(from: &[T], which: u8) -> Option<&T> {
    from.get(usize::from(which) % from.len().max(1))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_anything(steps in proptest::collection::vec(step(), 1..120)) {
        let mut model = Model::new();
        for step in &steps {
            model.run(step);
        }
        // When everybody has left and time has passed, nothing is left.
        for (session, _) in model.sessions.clone() {
            let leave = proto::SignalRequest { message: Some(Ask::Leave(proto::LeaveRequest::default())) };
            model.rooms.handle_signal(session, leave, model.now);
            model.drain();
        }
        for _ in 0..4 {
            model.run(&Step::Wait { ms: 600_000 });
        }
        prop_assert_eq!(model.rooms.census(), crate::Census::default());
        prop_assert!(model.peers.is_empty());
        prop_assert!(model.sessions.is_empty());
        prop_assert_eq!(model.rooms.poll_timeout(), None);
        prop_assert!(model.rooms.is_pristine());
    }

    #[test]
    fn any_protobuf_request(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz_candidate(&bytes);
        crate::fuzz_data_packet(&bytes);
        crate::fuzz_data_track_packet(&bytes);
        if let Ok(request) = crate::signal::decode(&bytes) {
            let mut model = Model::new();
            model.run(&Step::Join { who: 0, v0: false, flags: 0, resume: false });
            let session = model.sessions[0].0;
            model.rooms.handle_signal(session, request, model.now);
            model.drain();
        }
    }
}
