//! Carries out random steps and keeps account of what the engine says.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use surecast_media::control::{MediaCommand, PeerRole};
use surecast_media::id::{PeerId, TrackId};
use surecast_media::time::Now;

use super::steps::pick;
use crate::proto::signal_response::Message as Say;
use crate::{Output, Rooms, SessionId, Settings};

/// Small numbers that are mapped onto what there is at that moment.
#[derive(Clone, Debug)]
pub(super) enum Step {
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

/// What the outputs say there is.
pub(super) struct Model {
    pub(super) rooms: Rooms,
    pub(super) now: Now,
    /// Open sessions, and the identity of each.
    pub(super) sessions: Vec<(SessionId, String)>,
    pub(super) peers: HashMap<PeerId, PeerRole>,
    pub(super) gone_peers: HashSet<PeerId>,
    pub(super) tracks: Vec<(TrackId, String)>,
    pub(super) gone_tracks: HashSet<TrackId>,
    subscriptions: HashSet<(PeerId, TrackId)>,
    pub(super) sids: HashMap<String, String>,
}

impl Model {
    pub(super) fn new() -> Self {
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

    pub(super) fn run(&mut self, step: &Step) {
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

    pub(super) fn drain(&mut self) {
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
