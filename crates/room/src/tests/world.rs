//! A server around the engine: collects what it says, lets time pass.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message as _;
use surecast_media::control::{DataChannel, MediaCommand, MediaEvent, PeerRole};
use surecast_media::id::{PeerId, TrackId};
use surecast_media::time::Now;

use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::{self, TrackSource, TrackType};
use crate::token::VideoGrant;
use crate::{Event, Grants, Join, JoinError, Output, Rooms, SessionId, Settings, Tap};

pub(super) struct World {
    pub(super) rooms: Rooms,
    pub(super) now: Now,
    pub(super) said: HashMap<SessionId, Vec<Say>>,
    pub(super) media: Vec<MediaCommand>,
    pub(super) events: Vec<Event>,
    pub(super) taps: Vec<Tap>,
    pub(super) closed: Vec<SessionId>,
    pub(super) refreshed: Vec<(SessionId, Grants)>,
}

/// Somebody in a room.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) session: SessionId,
    pub(super) identity: String,
    pub(super) sid: String,
    /// `Single` or `Publisher`.
    pub(super) up: PeerId,
    /// Where tracks and data come: `Single` or `Subscriber`.
    pub(super) down: PeerId,
}

/// Something published.
#[derive(Clone, Debug)]
pub(super) struct Published {
    pub(super) sid: String,
    pub(super) track: TrackId,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        #[allow(clippy::disallowed_methods)]
        let at = Instant::now();
        Self {
            rooms: Rooms::new(settings, 7),
            now: Now {
                at,
                unix_ms: 1_700_000_000_000,
            },
            said: HashMap::new(),
            media: Vec::new(),
            events: Vec::new(),
            taps: Vec::new(),
            closed: Vec::new(),
            refreshed: Vec::new(),
        }
    }

    pub(super) fn try_join(&mut self, join: Join) -> Result<SessionId, JoinError> {
        let result = self.rooms.handle_join(join, self.now);
        self.drain();
        result
    }

    /// Joins on v1 unless `join` says otherwise.
    pub(super) fn join(&mut self, join: Join) -> Client {
        let identity = join.grants.identity.clone();
        let before = self.media.len();
        let session = self.try_join(join).expect("is let in");
        let Some(Say::Join(response)) = self.said[&session].first() else {
            panic!("the first message is no join: {:?}", self.said[&session]);
        };
        let participant = response.participant.clone().expect("participant");
        let peers: Vec<_> = self.media[before..]
            .iter()
            .filter_map(|command| match command {
                MediaCommand::AddPeer { peer, role, .. } => Some((*peer, *role)),
                _ => None,
            })
            .collect();
        let up = peers
            .iter()
            .find(|(_, role)| *role != PeerRole::Subscriber)
            .expect("a peer")
            .0;
        let down = peers
            .iter()
            .find(|(_, role)| *role == PeerRole::Subscriber)
            .map_or(up, |(peer, _)| *peer);
        Client {
            session,
            identity,
            sid: participant.sid,
            up,
            down,
        }
    }

    /// Joins and gets media; forgets what was said meanwhile.
    pub(super) fn active(&mut self, identity: &str) -> Client {
        self.active_with(join(identity))
    }

    pub(super) fn active_with(&mut self, join: Join) -> Client {
        let client = self.join(join);
        self.connect(&client);
        self.forget();
        client
    }

    pub(super) fn connect(&mut self, client: &Client) {
        let (ice, dtls) = (Duration::from_millis(20), Duration::from_millis(10));
        self.media(MediaEvent::Connected {
            peer: client.down,
            ice,
            dtls,
        });
        self.media(MediaEvent::DataReady { peer: client.down });
    }

    pub(super) fn ask(&mut self, client: &Client, ask: Ask) {
        self.rooms.handle_signal(
            client.session,
            proto::SignalRequest { message: Some(ask) },
            self.now,
        );
        self.drain();
    }

    pub(super) fn media(&mut self, event: MediaEvent) {
        self.rooms.handle_media(event, self.now);
        self.drain();
    }

    pub(super) fn drop_session(&mut self, client: &Client) {
        self.rooms.handle_session_closed(client.session, self.now);
        self.drain();
    }

    /// Lets time pass, every timer at its time.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now.after(time);
        while let Some(at) = self.rooms.poll_timeout().filter(|at| *at <= end.at) {
            self.now = self.now.after(at.saturating_duration_since(self.now.at));
            self.rooms.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    pub(super) fn forget(&mut self) {
        self.said.clear();
        self.media.clear();
        self.events.clear();
        self.taps.clear();
        self.closed.clear();
        self.refreshed.clear();
    }

    /// What was said to the client since the last time.
    pub(super) fn hear(&mut self, client: &Client) -> Vec<Say> {
        self.said.remove(&client.session).unwrap_or_default()
    }

    pub(super) fn commands(&mut self) -> Vec<MediaCommand> {
        std::mem::take(&mut self.media)
    }

    pub(super) fn event_names(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.events)
            .iter()
            .map(|event| event.name.as_str())
            .collect()
    }

    /// Announces a track; it is not in an offer yet.
    pub(super) fn announce(
        &mut self,
        client: &Client,
        request: proto::AddTrackRequest,
    ) -> Published {
        let cid = request.cid.clone();
        self.ask(client, Ask::AddTrack(request));
        self.published(client, &cid)
    }

    /// The last confirmation of that client id.
    pub(super) fn published(&mut self, client: &Client, cid: &str) -> Published {
        let info = self.said[&client.session]
            .iter()
            .rev()
            .find_map(|said| match said {
                Say::TrackPublished(published) if published.cid == cid => published.track.clone(),
                _ => None,
            })
            .expect("track_published");
        let track = self
            .media
            .iter()
            .find_map(|command| match command {
                MediaCommand::Announce { announcement, .. } if announcement.sid == info.sid => {
                    Some(announcement.track)
                }
                _ => None,
            })
            .expect("announce");
        Published {
            sid: info.sid,
            track,
        }
    }

    pub(super) fn bind(&mut self, published: &Published, mime: &str) {
        let (mid, mime) = ("0".to_owned(), mime.to_owned());
        self.media(MediaEvent::TrackBound {
            track: published.track,
            mid,
            mime,
            simulcast: false,
        });
    }

    /// Announces, offers, sends; forgets what was said meanwhile.
    pub(super) fn publish(
        &mut self,
        client: &Client,
        request: proto::AddTrackRequest,
    ) -> Published {
        let mime = if request.r#type() == TrackType::Video {
            "video/VP8"
        } else {
            "audio/opus"
        };
        let published = self.announce(client, request);
        self.bind(&published, mime);
        self.media(MediaEvent::TrackLive {
            track: published.track,
            mime: mime.to_owned(),
        });
        self.forget();
        published
    }

    pub(super) fn send_data(&mut self, from: &Client, packet: &proto::DataPacket) {
        self.send_bytes(from, DataChannel::Reliable, &packet.encode_to_vec());
    }

    pub(super) fn send_bytes(&mut self, from: &Client, channel: DataChannel, payload: &[u8]) {
        let payload = Arc::from(payload);
        self.media(MediaEvent::Data {
            peer: from.up,
            channel,
            payload,
        });
    }

    /// Data sent since the last time: to whom, and what.
    pub(super) fn delivered(&mut self) -> Vec<(Vec<PeerId>, proto::DataPacket)> {
        self.commands()
            .into_iter()
            .filter_map(|command| match command {
                MediaCommand::SendData { peers, payload, .. } => Some((
                    peers.to_vec(),
                    proto::DataPacket::decode(&payload[..]).expect("a packet"),
                )),
                _ => None,
            })
            .collect()
    }

    /// Takes what calls that do not pass through here left behind.
    pub(super) fn drain(&mut self) {
        while let Some(output) = self.rooms.poll_output() {
            match output {
                Output::Signal { session, message } => {
                    assert!(
                        !self.closed.contains(&session),
                        "a message after the end: {message:?}"
                    );
                    self.said
                        .entry(session)
                        .or_default()
                        .push(message.message.expect("not empty"));
                }
                Output::RefreshToken { session, grants } => self.refreshed.push((session, *grants)),
                Output::CloseSession { session } => self.closed.push(session),
                Output::Media { command, .. } => self.media.push(command),
                Output::Event(event) => self.events.push(*event),
                Output::Tap(tap) => self.taps.push(*tap),
            }
        }
    }
}

pub(super) fn grants(identity: &str) -> Grants {
    Grants {
        identity: identity.to_owned(),
        video: Some(VideoGrant {
            room_join: true,
            room: "r".to_owned(),
            ..VideoGrant::default()
        }),
        ..Grants::default()
    }
}

/// v1, everything allowed that is allowed by default.
pub(super) fn join(identity: &str) -> Join {
    Join {
        grants: grants(identity),
        protocol: 16,
        single_connection: true,
        auto_subscribe: true,
        ..Join::default()
    }
}

/// The same with some other grant.
pub(super) fn join_with(identity: &str, change: impl FnOnce(&mut VideoGrant)) -> Join {
    let mut join = join(identity);
    change(join.grants.video.as_mut().expect("a video grant"));
    join
}

pub(super) fn join_v0(identity: &str) -> Join {
    Join {
        single_connection: false,
        ..join(identity)
    }
}

pub(super) fn microphone(cid: &str) -> proto::AddTrackRequest {
    proto::AddTrackRequest {
        cid: cid.to_owned(),
        r#type: TrackType::Audio as i32,
        source: TrackSource::Microphone as i32,
        ..Default::default()
    }
}

pub(super) fn camera(cid: &str) -> proto::AddTrackRequest {
    proto::AddTrackRequest {
        cid: cid.to_owned(),
        r#type: TrackType::Video as i32,
        source: TrackSource::Camera as i32,
        width: 1280,
        height: 720,
        simulcast_codecs: vec![proto::SimulcastCodec {
            codec: "vp8".to_owned(),
            cid: cid.to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// Participants in updates among these messages, in their order.
pub(super) fn updates(said: &[Say]) -> Vec<proto::ParticipantInfo> {
    said.iter()
        .filter_map(|said| match said {
            Say::Update(update) => Some(update.participants.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

/// The leave among these messages.
pub(super) fn leave_of(
    said: &[Say],
) -> Option<(proto::DisconnectReason, proto::leave_request::Action)> {
    said.iter().find_map(|said| match said {
        Say::Leave(leave) => Some((leave.reason(), leave.action())),
        _ => None,
    })
}

/// Answers to requests among these messages.
pub(super) fn responses(said: &[Say]) -> Vec<proto::request_response::Reason> {
    said.iter()
        .filter_map(|said| match said {
            Say::RequestResponse(response) => Some(response.reason()),
            _ => None,
        })
        .collect()
}
