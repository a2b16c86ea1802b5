//! Who is in, what they receive, and whether it flows.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use surecast_guarantee::meter::{MediaKind, Milestones, What};
use surecast_media::control::Kind;
use surecast_media::id::{PeerId, TrackId};

/// Of which session, and what there is to say.
type Told = Vec<(u64, What)>;

/// A subscription.
type Key = (PeerId, TrackId);

#[derive(Default)]
pub(super) struct State {
    sessions: BTreeMap<u64, Session>,
    peers: HashMap<PeerId, Peer>,
    tracks: HashMap<TrackId, Track>,
    subs: BTreeMap<Key, Sub>,
    /// When what is being handled happened.
    now: Timestamp,
    starts: Vec<Start>,
}

/// How long it took until something began to flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// From the wish to the first packet.
    Wished(Duration),
    /// From the announcement of a track to the first packet that somebody got
    /// who was waiting for it.
    Published(Duration),
}

#[derive(Default)]
struct Session {
    sid: String,
    joined: bool,
    peers: BTreeSet<PeerId>,
    /// Subscriptions so far.
    count: u32,
}

#[derive(Clone, Copy)]
struct Peer {
    session: u64,
    connected: bool,
    closed: bool,
}

#[derive(Default)]
struct Track {
    audio: bool,
    live: bool,
    muted: bool,
    announced: Timestamp,
    forwarded: bool,
    receivers: BTreeSet<PeerId>,
}

/// A session that is over.
pub(super) struct Gone {
    pub key: u64,
    pub sid: String,
}

/// A subscription and what the meter was told of it.
pub(super) struct Sub {
    number: u32,
    pub enabled: bool,
    /// A packet came through since it was wanted and not muted.
    pub seen: bool,
    pub paused: bool,
    /// Packets should come through and do not.
    frozen: bool,
    /// It was there before its track was.
    early: bool,
    told: Flow,
    /// When it was last told to be wanted or to flow.
    since: Timestamp,
}

impl Sub {
    /// What was seen before does not count any more.
    const fn anew(&mut self) {
        self.seen = false;
        self.frozen = false;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Unwanted,
    Waiting,
    Flowing,
    Frozen,
}

impl State {
    /// What comes next happened at `now`.
    pub const fn at(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// What began since the last time.
    pub fn take_starts(&mut self) -> Vec<Start> {
        std::mem::take(&mut self.starts)
    }

    /// The session of a connection.
    pub fn session_of(&self, peer: PeerId) -> Option<u64> {
        self.peers.get(&peer).map(|peer| peer.session)
    }

    /// Packets come through from now on.
    pub fn flowing(&mut self, key: Key) -> Told {
        let now = self.now;
        let told = self.change(key, |sub| {
            sub.seen = true;
            sub.frozen = false;
        });
        if let Some(sub) = self.subs.get_mut(&key) {
            sub.since = now;
        }
        told
    }

    /// Nothing came through since `since`. Gives when that is to count from: a
    /// stream cannot freeze before it was told to flow.
    pub fn frozen(&mut self, key: Key, since: Timestamp) -> (Told, Timestamp) {
        let told = self.change(key, |sub| sub.frozen = true);
        let earliest = self.subs.get(&key).map_or(since, |sub| sub.since);
        (told, since.max(earliest))
    }

    /// Whether the subscriber wants it.
    pub fn demand(&mut self, key: Key, enabled: bool) -> Told {
        self.change(key, |sub| {
            if enabled && !sub.enabled {
                sub.anew();
            }
            sub.enabled = enabled;
        })
    }

    /// A connection of a session, which is new with its first one.
    pub fn open(&mut self, key: u64, peer: PeerId) {
        let session = self.sessions.entry(key).or_default();
        session.peers.insert(peer);
        let fresh = Peer {
            session: key,
            connected: false,
            closed: false,
        };
        self.peers.insert(peer, fresh);
    }

    /// `PA_…` of a session.
    pub fn name(&mut self, key: u64, sid: String) {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.sid = sid;
        }
    }

    pub fn joined(&mut self, key: u64) {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.joined = true;
        }
    }

    /// Forgets a session.
    pub fn remove(&mut self, key: u64) {
        if let Some(session) = self.sessions.remove(&key) {
            for peer in session.peers {
                self.forget_peer(peer);
            }
        }
    }

    /// Gives the session when this was its last connection and it had joined.
    pub fn remove_peer(&mut self, peer: PeerId) -> Option<Gone> {
        let key = self.peers.get(&peer)?.session;
        self.forget_peer(peer);
        let session = self.sessions.get_mut(&key)?;
        session.peers.remove(&peer);
        if !session.peers.is_empty() || !session.joined {
            return None;
        }
        let sid = self.sessions.remove(&key)?.sid;
        Some(Gone { key, sid })
    }

    fn forget_peer(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
        for track in self.received_by(peer) {
            self.subs.remove(&(peer, track));
            if let Some(track) = self.tracks.get_mut(&track) {
                track.receivers.remove(&peer);
            }
        }
    }

    pub fn connected(&mut self, peer: PeerId, connected: bool) -> Told {
        self.change_peer(peer, |peer| peer.connected = connected)
    }

    /// A client that closes its connection wants nothing any more. One that was
    /// lost before still does: it stays frozen until it has left.
    pub fn closed(&mut self, peer: PeerId) -> Told {
        self.change_peer(peer, |peer| peer.closed = peer.connected)
    }

    fn change_peer(&mut self, peer: PeerId, change: impl FnOnce(&mut Peer)) -> Told {
        let Some(entry) = self.peers.get_mut(&peer) else {
            return Told::new();
        };
        change(entry);
        let tracks = self.received_by(peer);
        let tell = |track| self.tell((peer, track));
        tracks.into_iter().flat_map(tell).collect()
    }

    fn received_by(&self, peer: PeerId) -> Vec<TrackId> {
        let from = self.subs.range((peer, TrackId(0))..);
        from.take_while(|((of, _), _)| *of == peer)
            .map(|((_, track), _)| *track)
            .collect()
    }

    pub fn announced(&mut self, track: TrackId, kind: Kind) {
        let now = self.now;
        let entry = self.tracks.entry(track).or_default();
        entry.audio = kind == Kind::Audio;
        entry.announced = now;
    }

    pub fn track_live(&mut self, track: TrackId) -> Told {
        self.change_track(track, |track| track.live = true)
    }

    pub fn muted(&mut self, track: TrackId, muted: bool) -> Told {
        if !muted && let Some(entry) = self.tracks.get(&track).filter(|t| t.muted) {
            for peer in &entry.receivers {
                if let Some(sub) = self.subs.get_mut(&(*peer, track)) {
                    sub.anew();
                }
            }
        }
        self.change_track(track, |track| track.muted = muted)
    }

    pub fn track_ended(&mut self, track: TrackId) -> Told {
        let told = self.change_track(track, |track| track.live = false);
        let ended = self.tracks.remove(&track);
        for peer in ended.into_iter().flat_map(|track| track.receivers) {
            self.subs.remove(&(peer, track));
        }
        told
    }

    fn change_track(&mut self, track: TrackId, change: impl FnOnce(&mut Track)) -> Told {
        let Some(entry) = self.tracks.get_mut(&track) else {
            return Told::new();
        };
        change(entry);
        let receivers: Vec<PeerId> = entry.receivers.iter().copied().collect();
        let tell = |peer| self.tell((peer, track));
        receivers.into_iter().flat_map(tell).collect()
    }

    pub fn subscribe(&mut self, key: Key, enabled: bool) -> Told {
        let session = self.peers.get(&key.0).map(|peer| peer.session);
        let Some(session) = session.and_then(|key| self.sessions.get_mut(&key)) else {
            return Told::new();
        };
        if self.subs.contains_key(&key) {
            return self.demand(key, enabled);
        }
        session.count = session.count.wrapping_add(1);
        let number = session.count;
        let track = self.tracks.entry(key.1).or_default();
        let sub = Sub {
            number,
            enabled,
            seen: false,
            paused: false,
            frozen: false,
            early: !track.live,
            told: Flow::Unwanted,
            since: self.now,
        };
        self.subs.insert(key, sub);
        track.receivers.insert(key.0);
        self.tell(key)
    }

    pub fn unsubscribe(&mut self, key: Key) -> Told {
        let told = self.change(key, |sub| sub.enabled = false);
        self.subs.remove(&key);
        if let Some(track) = self.tracks.get_mut(&key.1) {
            track.receivers.remove(&key.0);
        }
        told
    }

    pub fn change(&mut self, key: Key, change: impl FnOnce(&mut Sub)) -> Told {
        match self.subs.get_mut(&key) {
            Some(sub) => change(sub),
            None => return Told::new(),
        }
        self.tell(key)
    }

    /// What is to be said of a subscription, given what was said before.
    fn tell(&mut self, key: Key) -> Told {
        let (Some(peer), Some(track), Some(sub)) = (
            self.peers.get(&key.0),
            self.tracks.get_mut(&key.1),
            self.subs.get_mut(&key),
        ) else {
            return Told::new();
        };
        let flow = flow(*peer, track, sub);
        if sub.told == Flow::Unwanted && flow != Flow::Unwanted {
            sub.since = self.now;
        }
        if sub.told == Flow::Waiting && flow == Flow::Flowing {
            self.starts
                .push(Start::Wished(between(sub.since, self.now)));
            if !std::mem::replace(&mut track.forwarded, true) && sub.early {
                let took = between(track.announced, self.now);
                self.starts.push(Start::Published(took));
            }
        }
        let told = steps(sub.told, flow, sub.number, track.audio);
        sub.told = flow;
        told.into_iter().map(|what| (peer.session, what)).collect()
    }

    /// All that goes on, as if it began now.
    pub fn all(&self) -> Told {
        let begin = |session: &Session| match session.joined {
            true => What::Joined(Milestones::default()),
            false => What::JoinStarted,
        };
        let sessions = self.sessions.iter().map(|(key, s)| (*key, begin(s)));
        let mut told: Told = sessions.collect();
        for ((peer, track), sub) in &self.subs {
            if let (Some(peer), Some(track)) = (self.peers.get(peer), self.tracks.get(track)) {
                let steps = steps(Flow::Unwanted, sub.told, sub.number, track.audio);
                told.extend(steps.into_iter().map(|what| (peer.session, what)));
            }
        }
        told
    }
}

/// None where the clock went back.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}

/// Nothing is expected of a track that its publisher does not send or mutes, nor
/// of one that the subscriber has turned off.
fn flow(peer: Peer, track: &Track, sub: &Sub) -> Flow {
    if !track.live || track.muted || !sub.enabled || peer.closed {
        Flow::Unwanted
    } else if !sub.seen {
        Flow::Waiting
    } else if sub.paused || sub.frozen || !peer.connected {
        Flow::Frozen
    } else {
        Flow::Flowing
    }
}

fn steps(from: Flow, to: Flow, subscription: u32, audio: bool) -> Vec<What> {
    let mut steps = Vec::new();
    if from == to {
        return steps;
    }
    if from == Flow::Unwanted {
        let kind = if audio {
            MediaKind::Audio
        } else {
            MediaKind::Video
        };
        steps.push(What::MediaWanted { subscription, kind });
    }
    match to {
        Flow::Unwanted => steps.push(What::MediaUnwanted { subscription }),
        Flow::Waiting => {}
        Flow::Flowing => steps.push(What::MediaFlowing { subscription }),
        Flow::Frozen => {
            // It began before; only a stop is told of now.
            if from == Flow::Unwanted {
                steps.push(What::MediaFlowing { subscription });
            }
            steps.push(What::Frozen { subscription });
        }
    }
    steps
}
