//! What the control actor sees, as samples of the meter.
//!
//! The tap only looks: at joins, at what the room engine wants of the media
//! engine, and at what the media engine says. It never waits. When its queue is
//! full it counts what is lost and, once there is room, says so together with
//! all that goes on, so that the minutes concerned have no data and the next
//! ones are right again.

mod state;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use surecast_guarantee::meter::{JoinFailure, Milestones, Sample, SessionId, What};
use surecast_guarantee::module::Region;
use surecast_media::control::{MediaCommand, MediaEvent, PeerRole};
use surecast_media::id::PeerId;
use surecast_media::time::Now;
use surecast_room::proto::DisconnectReason;
use surecast_room::proto::signal_response::Message as Said;
use surecast_room::{Join, JoinError, JoinOutcome, Output, Tap as RoomTap};
use tokio::sync::mpsc;

use crate::clock;
use crate::metrics::Metrics;
use state::{Start, State};

/// Samples waiting for the meter: a room of 1,000 in which 60 tracks are muted
/// at once. The meter takes about a million a second.
pub const QUEUE: usize = 65_536;

/// A connection's health is told every two seconds; a delay stands for the time
/// since the last one.
const HEALTH_COVERS_MS: u32 = 2_000;

/// Refused participants whose next attempt is known as theirs. Beyond, an
/// attempt is a participant by itself.
const MAX_RETRYING: usize = 10_000;

/// What the meter's task is sent.
#[derive(Debug)]
pub enum Message {
    /// A sample.
    Sample(Sample),
    /// Samples from `from` on were lost.
    Lost {
        /// The first one.
        from: Timestamp,
        /// All that goes on now.
        state: Vec<Sample>,
    },
    /// A part of the server stood still.
    Stalled {
        /// Since when.
        from: Timestamp,
    },
}

/// A join that the room engine is deciding about.
struct Joining {
    who: (String, String),
    at: Timestamp,
    /// Its number, once it is let in.
    key: Option<u64>,
    sid: String,
}

/// The control actor's side.
pub struct Tap {
    queue: mpsc::Sender<Message>,
    metrics: Arc<Metrics>,
    region: Region,
    next: u64,
    joining: Option<Joining>,
    by_sid: HashMap<String, u64>,
    retrying: HashMap<(String, String), u64>,
    /// Connections of parts of the server: nobody's experience.
    locals: HashSet<PeerId>,
    state: State,
    lost: Option<Timestamp>,
}

impl Tap {
    /// A tap that fills this queue.
    pub fn new(queue: mpsc::Sender<Message>, region: Region, metrics: Arc<Metrics>) -> Self {
        Self {
            queue,
            metrics,
            region,
            next: 0,
            joining: None,
            by_sid: HashMap::new(),
            retrying: HashMap::new(),
            locals: HashSet::new(),
            state: State::default(),
            lost: None,
        }
    }

    /// Somebody with a valid token asks to be let in.
    pub fn join_begins(&mut self, join: &Join, now: Now) {
        let named = join.grants.video.as_ref().map(|video| video.room.clone());
        let room = named.filter(|room| !room.is_empty());
        let who = (
            room.unwrap_or_else(|| join.room.clone()),
            join.grants.identity.clone(),
        );
        self.joining = Some(Joining {
            who,
            at: instant(now),
            key: None,
            sid: String::new(),
        });
    }

    /// The room engine has decided, and its outputs went through
    /// [`Tap::output`].
    ///
    /// Coming back to a session that goes on is no attempt. Neither is what the
    /// client may not have; what the server cannot give is one that failed.
    pub fn join_decided(&mut self, refused: Option<&JoinError>) {
        let Some(joining) = self.joining.take() else {
            return;
        };
        if refused.is_some_and(|error| error.http_status() >= 500) {
            let key = self.key_of(&joining.who);
            self.send(key, joining.at, What::JoinStarted);
            self.send(key, joining.at, What::JoinFailed(JoinFailure::Failed));
            if self.retrying.len() < MAX_RETRYING {
                self.retrying.insert(joining.who, key);
            }
        } else if let Some(key) = joining.key {
            self.by_sid.insert(joining.sid.clone(), key);
            self.state.name(key, joining.sid);
        }
        self.tell_lost(joining.at);
    }

    /// Something that the room engine wants.
    pub fn output(&mut self, output: &Output, now: Now) {
        let at = instant(now);
        match output {
            Output::Media { command, .. } => self.command(command, at),
            Output::Signal { message, .. } => {
                if let (Some(joining), Some(Said::Join(join))) =
                    (&mut self.joining, &message.message)
                    && let Some(participant) = &join.participant
                {
                    joining.sid.clone_from(&participant.sid);
                }
            }
            Output::Tap(tap) => self.room_tap(tap, at),
            _ => {}
        }
        self.tell_lost(at);
    }

    /// Something that the media engine says.
    pub fn media(&mut self, event: &MediaEvent, now: Now) {
        let at = instant(now);
        self.state.at(at);
        let told = match event {
            MediaEvent::Connected { peer, .. } => self.state.connected(*peer, true),
            MediaEvent::Disconnected { peer } => self.state.connected(*peer, false),
            MediaEvent::Closed { peer, .. } => self.state.closed(*peer),
            MediaEvent::TrackLive { track, .. } => self.state.track_live(*track),
            MediaEvent::TrackGone { track } => self.state.track_ended(*track),
            MediaEvent::SubscriptionLive { peer, track } => self.state.flowing((*peer, *track)),
            MediaEvent::StreamFlowing { peer, track, at } => {
                let then = before(now, *at);
                self.state.at(then);
                let told = self.state.flowing((*peer, *track));
                return self.send_all(told, then);
            }
            MediaEvent::StreamFrozen { peer, track, since } => {
                let key = (*peer, *track);
                let (told, from) = self.state.frozen(key, before(now, *since));
                return self.send_all(told, from);
            }
            MediaEvent::Health { peer, health } => {
                let delay = health.media_delay.map(milliseconds);
                let session = self.state.session_of(*peer);
                if let Some((delay_ms, key)) = delay.zip(session) {
                    let covers_ms = HEALTH_COVERS_MS;
                    let what = What::Delay {
                        delay_ms,
                        covers_ms,
                    };
                    self.send(key, at, what);
                    self.tell_lost(at);
                }
                return;
            }
            MediaEvent::StreamState {
                peer,
                track,
                paused,
            } => self
                .state
                .change((*peer, *track), |sub| sub.paused = *paused),
            _ => return,
        };
        self.send_all(told, at);
    }

    /// Tells of what was lost, once there is room for it. To be called now and
    /// then also when nothing happens.
    pub fn flush(&mut self, now: Now) {
        self.tell_lost(instant(now));
    }

    fn tell_lost(&mut self, at: Timestamp) {
        let Some(from) = self.lost else {
            return;
        };
        // All that goes on is much to collect: not for a single free place.
        if self.queue.capacity() < QUEUE / 2 {
            return;
        }
        let sample = |(key, what)| self.sample(key, at, what);
        let state = self.state.all().into_iter().map(sample).collect();
        if self.queue.try_send(Message::Lost { from, state }).is_ok() {
            self.lost = None;
        }
    }

    /// About a participant without a connection. What it publishes counts for
    /// those who receive it.
    fn is_local(&mut self, command: &MediaCommand) -> bool {
        match command {
            MediaCommand::AddPeer { peer, role, .. } if *role == PeerRole::Local => {
                self.locals.insert(*peer)
            }
            MediaCommand::RemovePeer { peer } => self.locals.remove(peer),
            MediaCommand::Subscribe { peer, .. }
            | MediaCommand::Unsubscribe { peer, .. }
            | MediaCommand::SetDemand { peer, .. } => self.locals.contains(peer),
            _ => false,
        }
    }

    fn command(&mut self, command: &MediaCommand, at: Timestamp) {
        if self.is_local(command) {
            return;
        }
        self.state.at(at);
        let told = match command {
            MediaCommand::AddPeer { peer, .. } => {
                self.let_in(*peer);
                return;
            }
            MediaCommand::RemovePeer { peer } => {
                // Whoever was not in yet is told of by the room engine.
                if let Some(gone) = self.state.remove_peer(*peer) {
                    self.by_sid.remove(&gone.sid);
                    self.send(gone.key, at, What::Left);
                }
                return;
            }
            MediaCommand::Announce { announcement, .. } => {
                self.state.announced(announcement.track, announcement.kind);
                return;
            }
            MediaCommand::Unpublish { track } => self.state.track_ended(*track),
            MediaCommand::Mute { track, muted } => self.state.muted(*track, *muted),
            MediaCommand::Subscribe {
                peer,
                track,
                demand,
                ..
            } => self.state.subscribe((*peer, *track), demand.enabled),
            MediaCommand::Unsubscribe { peer, track } => self.state.unsubscribe((*peer, *track)),
            MediaCommand::SetDemand {
                peer,
                track,
                demand,
            } => self.state.demand((*peer, *track), demand.enabled),
            _ => return,
        };
        self.send_all(told, at);
    }

    /// Whoever is let in gets a connection first. What it receives may follow
    /// before the room engine's decision is known.
    fn let_in(&mut self, peer: PeerId) {
        let Some(mut joining) = self.joining.take() else {
            return;
        };
        let key = joining.key.unwrap_or_else(|| {
            let key = self.key_of(&joining.who);
            self.send(key, joining.at, What::JoinStarted);
            key
        });
        joining.key = Some(key);
        self.joining = Some(joining);
        self.state.open(key, peer);
    }

    fn key_of(&mut self, who: &(String, String)) -> u64 {
        self.retrying.remove(who).unwrap_or_else(|| {
            self.next += 1;
            self.next
        })
    }

    fn room_tap(&mut self, tap: &RoomTap, at: Timestamp) {
        let RoomTap::Join {
            participant,
            outcome,
            total,
            ice,
            dtls,
            ..
        } = tap
        else {
            return;
        };
        let Some(&key) = self.by_sid.get(participant) else {
            return;
        };
        match outcome {
            JoinOutcome::Joined => {
                let [ice, dtls] = [ice, dtls].map(|part| part.unwrap_or_default());
                let signalling = total.saturating_sub(ice + dtls);
                let milestones = Milestones {
                    signalling_ms: milliseconds(signalling),
                    ice_ms: milliseconds(ice),
                    dtls_ms: milliseconds(dtls),
                    first_media_ms: None,
                };
                self.state.joined(key);
                self.send(key, at, What::Joined(milestones));
            }
            JoinOutcome::Aborted(reason) => {
                self.by_sid.remove(participant);
                self.state.remove(key);
                self.send(key, at, What::JoinFailed(failure(*reason)));
            }
            JoinOutcome::Resumed | JoinOutcome::Refused(_) => {}
        }
    }

    fn send_all(&mut self, told: Vec<(u64, What)>, at: Timestamp) {
        for (key, what) in told {
            self.send(key, at, what);
        }
        for start in self.state.take_starts() {
            let (part, took) = match start {
                Start::Wished(took) => ("wished", took),
                Start::Published(took) => ("published", took),
            };
            self.metrics.first_media(part, took);
        }
        self.tell_lost(at);
    }

    fn send(&mut self, key: u64, at: Timestamp, what: What) {
        self.metrics.guarantee_sample(name(&what));
        let message = Message::Sample(self.sample(key, at, what));
        // After a loss only the whole state helps, which is told by `tell_lost`.
        let full = self.lost.is_some()
            || matches!(
                self.queue.try_send(message),
                Err(mpsc::error::TrySendError::Full(_))
            );
        if full {
            self.lost.get_or_insert(at);
            self.metrics.guarantee_lost();
        }
    }

    fn sample(&self, key: u64, at: Timestamp, what: What) -> Sample {
        Sample {
            at,
            session: SessionId(key),
            region: self.region.clone(),
            what,
        }
    }
}

/// Whose doing it was that somebody did not get in.
fn failure(reason: DisconnectReason) -> JoinFailure {
    match reason {
        // Media, or the negotiation of it, never worked.
        DisconnectReason::JoinFailure
        | DisconnectReason::ConnectionTimeout
        | DisconnectReason::StateMismatch
        | DisconnectReason::MediaFailure => JoinFailure::Failed,
        _ => JoinFailure::GaveUp,
    }
}

const fn name(what: &What) -> &'static str {
    match what {
        What::JoinStarted => "join_started",
        What::Joined(_) => "joined",
        What::JoinFailed(JoinFailure::Refused) => "join_refused",
        What::JoinFailed(JoinFailure::GaveUp) => "join_given_up",
        What::JoinFailed(JoinFailure::Failed) => "join_failed",
        What::MediaWanted { .. } => "media_wanted",
        What::MediaFlowing { .. } => "media_flowing",
        What::Frozen { .. } => "media_frozen",
        What::MediaUnwanted { .. } => "media_unwanted",
        What::Delay { .. } => "delay",
        What::Left => "left",
        What::Counted { .. } => "counted",
    }
}

/// An instant of the packets' clock that lies before now.
fn before(now: Now, at: Instant) -> Timestamp {
    let ago = now.at.saturating_duration_since(at);
    let now = instant(now);
    now.checked_sub(ago).unwrap_or(now)
}

fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// On the guarantee's clock, which `--dev-time` moves.
pub(super) fn instant(now: Now) -> Timestamp {
    let ms = i64::try_from(now.unix_ms).unwrap_or(i64::MAX);
    let ms = ms.saturating_add(clock::guarantee_shift());
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
