//! The engine: connections, tracks, and the way of a packet between them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::net::{Receive, TcpType};
use str0m::{Candidate, Input, Output};
use surecast_media::control::{MediaEvent, PeerRole};
use surecast_media::id::{PeerId, RoomId, TrackId};

use crate::demux::{self, Demux};
use crate::dtls;
use crate::local::Locals;
use crate::peer::{Common, Peer, Slot};
use crate::subscription::Forwarded;
use crate::timers::Timers;
use crate::track::Track;
use crate::{Protocol, Transmit};

/// How often renditions are chosen anew and pending keyframe requests sent.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// How often loudness is told, and streams are looked at that may be freezing.
const LEVELS: Duration = Duration::from_millis(300);

/// Connections are woken together on a grid. Pacing then sends what is due in
/// bursts of five milliseconds, as senders in browsers do, and hundreds of
/// subscribers cost two hundred turns of the loop a second instead of tens of
/// thousands. No other timer minds being that late.
const GRID: Duration = Duration::from_millis(5);

/// Outputs in a row of one connection before the engine looks after the
/// others. A connection that never comes to rest would be a bug below us; the
/// bound turns it into slowness of that one connection.
const MAX_OUTPUTS: usize = 10_000;

/// The bandwidth estimator below takes packets of one instant for one packet.
const PACKET_SPACING: Duration = Duration::from_micros(1);

/// What an engine needs to know at its start.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Addresses that clients reach this shard's UDP socket under.
    pub udp: Vec<SocketAddr>,
    /// Addresses that clients reach the ICE-TCP listener under.
    pub tcp: Vec<SocketAddr>,
    /// For random numbers that need not be secret.
    pub seed: u64,
}

/// A datagram, or one frame of an ICE-TCP stream (RFC 4571).
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// UDP or TCP.
    pub proto: Protocol,
    /// The client's address.
    pub source: SocketAddr,
    /// The candidate of ours that it was sent to.
    pub destination: SocketAddr,
    /// Bytes.
    pub contents: &'a [u8],
}

/// What an engine has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams taken.
    pub datagrams_in: u64,
    /// Bytes taken.
    pub bytes_in: u64,
    /// Datagrams given out.
    pub datagrams_out: u64,
    /// Bytes given out.
    pub bytes_out: u64,
    /// RTP packets received from publishers.
    pub rtp_in: u64,
    /// RTP packets forwarded, counted per subscriber.
    pub rtp_forwarded: u64,
    /// Datagrams that belong to no connection, or that are none of ours.
    pub unknown: u64,
    /// Keyframes asked of publishers.
    pub keyframe_requests: u64,
    /// Connections at this moment.
    pub peers: u64,
    /// Published tracks at this moment.
    pub tracks: u64,
}

/// One shard's forwarding engine.
pub struct Sfu {
    pub(crate) common: Common,
    pub(crate) rng: fastrand::Rng,
    pub(crate) peers: Vec<Option<Box<Peer>>>,
    pub(crate) free: Vec<Slot>,
    pub(crate) by_id: HashMap<PeerId, Slot>,
    pub(crate) tracks: BTreeMap<TrackId, Track>,
    pub(crate) demux: Demux,
    timers: Timers,
    /// Packets that wait for [`Sfu::flush`].
    pub(crate) inbound: Vec<Forwarded>,
    /// Connections that were touched and must be drained.
    pub(crate) touched: Vec<Slot>,
    pub(crate) events: VecDeque<MediaEvent>,
    transmits: VecDeque<Transmit>,
    pub(crate) locals: Locals,
    pub(crate) counters: Counters,
    /// Where the grid of wake-ups begins.
    epoch: Instant,
    pub(crate) next_tick: Option<Instant>,
    next_levels: Option<Instant>,
    pub(crate) loud_rooms: BTreeSet<RoomId>,
    /// Connections that ended and wait to be removed.
    ended: Vec<Slot>,
}

impl Sfu {
    /// An engine without connections.
    ///
    /// # Errors
    ///
    /// When no certificate can be made, or an address cannot be a candidate.
    pub fn new(config: &Config, now: Instant) -> Result<Self, String> {
        let provider = dtls::crypto_provider();
        let cert = provider
            .dtls_provider
            .generate_certificate()
            .ok_or("cannot make a DTLS certificate")?;
        Ok(Self {
            common: Common {
                cert,
                candidates: candidates(config)?,
            },
            rng: fastrand::Rng::with_seed(config.seed),
            peers: Vec::new(),
            free: Vec::new(),
            by_id: HashMap::new(),
            tracks: BTreeMap::new(),
            demux: Demux::default(),
            timers: Timers::default(),
            inbound: Vec::new(),
            touched: Vec::new(),
            events: VecDeque::new(),
            transmits: VecDeque::new(),
            locals: Locals::default(),
            counters: Counters::default(),
            epoch: now,
            next_tick: None,
            next_levels: None,
            loud_rooms: BTreeSet::new(),
            ended: Vec::new(),
        })
    }

    /// Takes a datagram. What does not belong to a connection is dropped.
    pub fn handle_datagram(&mut self, datagram: Datagram<'_>, now: Instant) {
        self.counters.datagrams_in += 1;
        self.counters.bytes_in += datagram.contents.len() as u64;
        let Datagram {
            proto,
            source,
            destination,
            contents,
        } = datagram;
        let Some(slot) = self.demux.find(proto, source, contents) else {
            self.counters.unknown += 1;
            return;
        };
        let Ok(receive) = Receive::new(proto, source, destination, contents) else {
            self.counters.unknown += 1;
            return;
        };
        let Some(peer) = self.peers[slot].as_deref_mut() else {
            return;
        };
        if let Err(reason) = peer.feed(Input::Receive(now, receive)) {
            self.fail(slot, &reason);
        }
        self.drain(slot, now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, slot)) = self.timers.due(now) {
            let Some(peer) = self.peers[slot].as_deref_mut() else {
                continue;
            };
            if peer.deadline == Some(at) {
                peer.deadline = None;
                self.touch(slot);
            }
        }
        if self.next_tick.is_none_or(|t| t <= now) {
            self.next_tick = Some(now + TICK);
            self.choose_renditions(now);
        }
        if self.next_levels.is_none_or(|t| t <= now) {
            self.next_levels = Some(now + LEVELS);
            self.tell_levels();
            self.watch_flows(now);
        }
        self.flush(now);
    }

    /// Ends a batch of inputs: forwards, asks for keyframes, negotiates.
    pub fn flush(&mut self, now: Instant) {
        self.forward(now);
        self.ask_for_keyframes(now);
        self.negotiate(now);
        while let Some(slot) = self.touched.pop() {
            let Some(peer) = self.peers[slot].as_deref_mut() else {
                continue;
            };
            peer.touched = false;
            if let Err(reason) = peer.feed(Input::Timeout(now)) {
                self.fail(slot, &reason);
            }
            self.drain(slot, now);
        }
        self.bury();
    }

    /// [`Sfu::flush`] would find nothing to do.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.inbound.is_empty() && self.touched.is_empty() && self.ended.is_empty()
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// The next event for the room engine.
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// When to call [`Sfu::handle_timeout`]; `None` while there is nothing to
    /// wait for.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.by_id.is_empty() {
            return None;
        }
        [self.timers.next(), self.next_tick, self.next_levels]
            .into_iter()
            .flatten()
            .min()
    }

    /// Counters since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            peers: self.by_id.len() as u64,
            tracks: self.tracks.len() as u64,
            ..self.counters
        }
    }

    // Connections.

    pub(crate) fn touch(&mut self, slot: Slot) {
        if let Some(peer) = self.peers[slot].as_deref_mut()
            && !peer.touched
            && peer.role != PeerRole::Local
        {
            peer.touched = true;
            self.touched.push(slot);
        }
    }

    /// Takes everything that a connection has to say.
    pub(crate) fn drain(&mut self, slot: Slot, now: Instant) {
        let mut time = now;
        for _ in 0..MAX_OUTPUTS {
            let Some(peer) = self.peers[slot].as_deref_mut() else {
                return;
            };
            match peer.poll() {
                Ok(Output::Transmit(transmit)) => {
                    self.demux.learn(slot, peer, &transmit);
                    self.counters.datagrams_out += 1;
                    self.counters.bytes_out += transmit.contents.len() as u64;
                    let media = demux::is_rtp(&transmit.contents);
                    self.transmits.push_back(transmit);
                    // The pacer gives out one packet and then wants to be told
                    // the time before the next, even if that is due as well.
                    // Left to the grid, a keyframe would leave at one packet
                    // per wake-up; told unasked, it need not ask.
                    if media {
                        time += PACKET_SPACING;
                        if let Err(reason) = peer.feed(Input::Timeout(time)) {
                            self.fail(slot, &reason);
                            return;
                        }
                    }
                }
                Ok(Output::Event(event)) => self.on_event(slot, event, now),
                Ok(Output::Timeout(at)) => {
                    self.schedule(slot, at, now);
                    return;
                }
                Err(reason) => {
                    self.fail(slot, &reason);
                    return;
                }
            }
        }
    }

    fn schedule(&mut self, slot: Slot, at: Instant, now: Instant) {
        let at = on_grid(self.epoch, at.max(now));
        let Some(peer) = self.peers[slot].as_deref_mut() else {
            return;
        };
        if !peer.rtc.is_alive() {
            self.ended.push(slot);
            return;
        }
        if peer.deadline.is_none_or(|d| at < d || d <= now) {
            peer.deadline = Some(at);
            self.timers.wake(slot, at);
        }
    }

    /// The connection cannot go on.
    pub(crate) fn fail(&mut self, slot: Slot, reason: &str) {
        if let Some(peer) = self.peers[slot].as_deref_mut() {
            tracing::debug!(room = %peer.room, peer = %peer.id, reason, "connection failed");
            peer.broken = true;
            peer.rtc.disconnect();
            self.ended.push(slot);
        }
    }

    /// Tells of connections that ended by themselves, and forgets them.
    fn bury(&mut self) {
        while let Some(slot) = self.ended.pop() {
            let Some(peer) = self.peers[slot].as_deref() else {
                continue;
            };
            self.events.push_back(MediaEvent::Closed {
                peer: peer.id,
                reason: "the peer connection ended".into(),
            });
            self.remove_slot(slot);
        }
    }

    pub(crate) fn remove_slot(&mut self, slot: Slot) {
        let published = self.tracks.values().filter(|t| t.publisher == slot);
        let published: Vec<TrackId> = published.map(|t| t.id).collect();
        for track in published {
            self.unpublish(track);
        }
        let Some(peer) = self.peers[slot].take() else {
            return;
        };
        for track in peer.subscriptions.keys() {
            if let Some(track) = self.tracks.get_mut(track) {
                track.subscribers.retain(|s| *s != slot);
            }
        }
        self.demux.forget(slot, &peer);
        self.by_id.remove(&peer.id);
        self.touched.retain(|s| *s != slot);
        // The next connection in this slot has not ended.
        self.ended.retain(|s| *s != slot);
        self.free.push(slot);
    }
}

/// The next wake-up after the instant.
fn on_grid(epoch: Instant, at: Instant) -> Instant {
    let grid = GRID.as_micros();
    let past = at.saturating_duration_since(epoch).as_micros() % grid;
    at + Duration::from_micros(u64::try_from(grid - past).unwrap_or(0))
}

fn candidates(config: &Config) -> Result<Vec<Candidate>, String> {
    let udp = config.udp.iter().map(|a| Candidate::host(*a, "udp"));
    let tcp = config.tcp.iter().map(|a| {
        let builder = Candidate::builder().tcp().host(*a);
        builder.tcptype(TcpType::Passive).build()
    });
    udp.chain(tcp)
        .collect::<Result<_, _>>()
        .map_err(|e| format!("not usable as an ICE candidate: {e}"))
}
