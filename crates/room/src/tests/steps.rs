//! What random steps mean.

use std::sync::Arc;
use std::time::Duration;

use surecast_media::control::{DataChannel, MediaEvent, PeerHealth, Quality, SubscriptionFault};
use surecast_media::id::TrackId;

use super::model::Model;
use super::world::{camera, join, join_v0, microphone};
use crate::proto;
use crate::proto::signal_request::Message as Ask;
use crate::proto::simulate_scenario::Scenario;
use crate::token::VideoGrant;
use crate::{Grants, Join, ServiceCall};

impl Model {
    pub(super) fn join(&mut self, who: u8, v0: bool, flags: u8, resume: bool) {
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

    pub(super) fn ask(&mut self, who: u8, what: u8, arg: u8) {
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

    pub(super) fn media(&mut self, what: u8, which: u8, track: u8) {
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

    pub(super) fn service(&mut self, what: u8, who: u8, arg: u8) {
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

pub(super) fn pick<T>(from: &[T], which: u8) -> Option<&T> {
    from.get(usize::from(which) % from.len().max(1))
}
