//! The engine: connections, tracks, and the way of a packet between them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::net::{Receive, TcpType};
use str0m::{Candidate, Input, Output};
use surecast_media::control::{
    Announcement, DataChannel, Demand, MediaCommand, MediaEvent, PeerRole, SubscriptionFault,
};
use surecast_media::id::{PeerId, RoomId, TrackId};

use crate::demux::Demux;
use crate::dtls;
use crate::peer::{Common, Peer, Slot};
use crate::subscription::{Forwarded, Outcome, Subscription};
use crate::timers::Timers;
use crate::track::Track;
use crate::{Protocol, Transmit};

/// How often renditions are chosen anew and pending keyframe requests sent.
const TICK: Duration = Duration::from_millis(100);

/// How often loudness is told.
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
    free: Vec<Slot>,
    by_id: HashMap<PeerId, Slot>,
    pub(crate) tracks: BTreeMap<TrackId, Track>,
    demux: Demux,
    timers: Timers,
    /// Packets that wait for [`Sfu::flush`].
    pub(crate) inbound: Vec<Forwarded>,
    /// Connections that were touched and must be drained.
    touched: Vec<Slot>,
    pub(crate) events: VecDeque<MediaEvent>,
    transmits: VecDeque<Transmit>,
    pub(crate) counters: Counters,
    /// Where the grid of wake-ups begins.
    epoch: Instant,
    next_tick: Option<Instant>,
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
            counters: Counters::default(),
            epoch: now,
            next_tick: None,
            next_levels: None,
            loud_rooms: BTreeSet::new(),
            ended: Vec::new(),
        })
    }

    /// Does what the room engine says.
    pub fn handle_command(&mut self, command: MediaCommand, now: Instant) {
        match command {
            MediaCommand::AddPeer { peer, room, role } => self.add_peer(peer, room, role, now),
            MediaCommand::RemovePeer { peer } => self.remove_peer(peer, now),
            MediaCommand::Offer { peer, sdp, id } => self.offer(peer, &sdp, id, now),
            MediaCommand::Answer { peer, sdp, id } => self.answer(peer, &sdp, id),
            MediaCommand::Candidate { peer, candidate } => self.candidate(peer, &candidate),
            MediaCommand::RestartIce { peer } => self.restart_ice(peer),
            MediaCommand::Announce { peer, announcement } => self.announce(peer, announcement),
            MediaCommand::Unpublish { track } => self.unpublish(track),
            MediaCommand::Mute { track, muted } => {
                if let Some(track) = self.tracks.get_mut(&track) {
                    track.muted = muted;
                }
            }
            MediaCommand::Subscribe {
                peer,
                track,
                stream_id,
                demand,
            } => self.subscribe(peer, track, stream_id, demand, now),
            MediaCommand::Unsubscribe { peer, track } => self.unsubscribe(peer, track),
            MediaCommand::SetDemand {
                peer,
                track,
                demand,
            } => self.set_demand(peer, track, demand, now),
            MediaCommand::SendData {
                peers,
                channel,
                payload,
            } => {
                for peer in peers.iter() {
                    self.send_data(*peer, channel, &payload);
                }
            }
        }
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

    // Commands, one by one.

    fn add_peer(&mut self, id: PeerId, room: RoomId, role: PeerRole, now: Instant) {
        if self.by_id.contains_key(&id) {
            return;
        }
        let peer = Box::new(Peer::new(id, room, role, &self.common, now));
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.peers.push(None);
                self.peers.len() - 1
            }
        };
        let peer = self.peers[slot].insert(peer);
        self.demux.learn_ufrag(slot, peer);
        if role == PeerRole::Subscriber {
            peer.offers.wanted = true;
        }
        self.by_id.insert(id, slot);
        self.next_tick.get_or_insert(now + TICK);
        self.touch(slot);
    }

    fn remove_peer(&mut self, id: PeerId, now: Instant) {
        let Some(slot) = self.by_id.get(&id).copied() else {
            return;
        };
        if let Some(peer) = self.peers[slot].as_deref_mut() {
            peer.close();
        }
        self.drain(slot, now);
        self.remove_slot(slot);
    }

    fn offer(&mut self, id: PeerId, sdp: &str, offer_id: u32, now: Instant) {
        let Self { peers, tracks, .. } = self;
        let Some((slot, peer)) = find(peers, &self.by_id, id) else {
            return;
        };
        let announced = |track: TrackId| tracks.get(&track).map(|t| &t.announcement);
        let outcome = match peer.accept_offer(sdp, announced, now) {
            Ok(outcome) => outcome,
            Err(reason) => {
                self.events.push_back(MediaEvent::NegotiationFailed {
                    peer: id,
                    id: offer_id,
                    reason,
                });
                return;
            }
        };
        self.demux.learn_ufrag(slot, peer);
        let room = peer.room;
        self.events.push_back(MediaEvent::Answer {
            peer: id,
            sdp: outcome.answer,
            id: offer_id,
            mid_to_track: outcome.mid_to_track,
        });
        for track in outcome.gone {
            self.unpublish(track);
            self.events.push_back(MediaEvent::TrackGone { track });
        }
        for new in outcome.bound {
            let track = new.announcement.track;
            let entry = self.tracks.entry(track);
            let published = entry.or_insert_with(|| Track::new(room, slot, new.announcement));
            published.bind(new.encoding, new.mid, &new.rids);
            self.events.push_back(MediaEvent::TrackBound {
                track,
                mid: new.mid.to_string(),
                mime: new.mime,
                simulcast: new.rids.len() > 1,
            });
        }
        self.choose_renditions_of(slot, now);
        self.touch(slot);
    }

    fn answer(&mut self, id: PeerId, sdp: &str, offer_id: u32) {
        let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) else {
            return;
        };
        if let Err(reason) = peer.accept_answer(sdp, offer_id) {
            self.events.push_back(MediaEvent::NegotiationFailed {
                peer: id,
                id: offer_id,
                reason,
            });
            return;
        }
        self.demux.learn_ufrag(slot, peer);
        self.touch(slot);
    }

    fn candidate(&mut self, id: PeerId, candidate: &str) {
        let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) else {
            return;
        };
        // Host names (mDNS) cannot be resolved here; the client's own checks
        // make such a candidate known as peer-reflexive.
        if let Ok(candidate) = Candidate::from_sdp_string(candidate) {
            peer.rtc.add_remote_candidate(candidate);
            self.touch(slot);
        }
    }

    fn restart_ice(&mut self, id: PeerId) {
        if let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) {
            peer.abandon_offer();
            peer.offers.restart_ice = true;
            self.touch(slot);
        }
    }

    fn announce(&mut self, id: PeerId, announcement: Announcement) {
        if let Some((_, peer)) = find(&mut self.peers, &self.by_id, id) {
            peer.pending.retain(|a| a.track != announcement.track);
            if let Some(track) = self.tracks.get_mut(&announcement.track) {
                track.announcement = announcement.clone();
            }
            peer.pending.push(announcement);
        }
    }

    pub(crate) fn unpublish(&mut self, track: TrackId) {
        for peer in self.peers.iter_mut().flatten() {
            peer.pending.retain(|a| a.track != track);
        }
        let Some(gone) = self.tracks.remove(&track) else {
            return;
        };
        if let Some(publisher) = self.peers[gone.publisher].as_deref_mut() {
            publisher.bound.retain(|b| b.track != track);
            publisher.forget_sources();
        }
        for slot in gone.subscribers {
            if let Some(peer) = self.peers[slot].as_deref_mut() {
                peer.unsubscribe(track);
                self.touch(slot);
            }
        }
    }

    fn subscribe(
        &mut self,
        id: PeerId,
        track_id: TrackId,
        stream_id: String,
        demand: Demand,
        now: Instant,
    ) {
        let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) else {
            return;
        };
        let Some(track) = self.tracks.get_mut(&track_id) else {
            self.events.push_back(MediaEvent::SubscriptionFailed {
                peer: id,
                track: track_id,
                fault: SubscriptionFault::TrackNotFound,
            });
            return;
        };
        if track.subscribers.contains(&slot) {
            return;
        }
        track.subscribers.push(slot);
        let sid = track.announcement.sid.clone();
        let first_seq = self.rng.u16(1..0x4000);
        let subscription =
            Subscription::new(track_id, track.kind(), stream_id, sid, demand, first_seq);
        peer.subscriptions.insert(track_id, subscription);
        peer.offers.wanted = true;
        self.choose_renditions_of(slot, now);
        self.touch(slot);
    }

    fn unsubscribe(&mut self, id: PeerId, track: TrackId) {
        let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) else {
            return;
        };
        peer.unsubscribe(track);
        if let Some(track) = self.tracks.get_mut(&track) {
            track.subscribers.retain(|s| *s != slot);
        }
        self.touch(slot);
    }

    fn set_demand(&mut self, id: PeerId, track: TrackId, demand: Demand, now: Instant) {
        let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) else {
            return;
        };
        let Some(subscription) = peer.subscriptions.get_mut(&track) else {
            return;
        };
        if !demand.enabled && subscription.demand.enabled {
            // Whatever comes after the pause begins with a keyframe.
            subscription.current = None;
        }
        subscription.demand = demand;
        self.choose_renditions_of(slot, now);
    }

    fn send_data(&mut self, id: PeerId, channel: DataChannel, payload: &std::sync::Arc<[u8]>) {
        let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) else {
            return;
        };
        let refused = peer.channels.refused;
        peer.channels.send(&mut peer.rtc, channel, payload);
        if peer.channels.refused == 1 && refused == 0 {
            tracing::warn!(room = %peer.room, peer = %id, "reads too slowly: reliable messages are dropped");
        }
        self.touch(slot);
    }

    // The way of a packet.

    /// Hands received packets to the subscribers of their tracks.
    fn forward(&mut self, now: Instant) {
        let inbound = std::mem::take(&mut self.inbound);
        let mut rest = inbound.as_slice();
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|f| f.track == first.track).count();
            let (run, after) = rest.split_at(same);
            rest = after;
            self.forward_run(first.track, run);
        }
        self.inbound = inbound;
        self.inbound.clear();
        let _ = now;
    }

    /// Packets of one track, subscriber by subscriber.
    fn forward_run(&mut self, track: TrackId, run: &[Forwarded]) {
        let Some(track) = self.tracks.get_mut(&track) else {
            return;
        };
        if track.muted {
            return;
        }
        for slot in &track.subscribers {
            let Some(peer) = self.peers[*slot].as_deref_mut() else {
                continue;
            };
            if !peer.timing.connected {
                continue;
            }
            let Some(subscription) = peer.subscriptions.get_mut(&track.id) else {
                continue;
            };
            let mut sent = 0;
            for f in run {
                let outcome = subscription.forward(&mut peer.rtc, f);
                sent += u64::from(matches!(outcome, Outcome::Sent | Outcome::First));
                if outcome == Outcome::First {
                    self.events.push_back(MediaEvent::SubscriptionLive {
                        peer: peer.id,
                        track: track.id,
                    });
                }
                if outcome == Outcome::Unsupported {
                    self.events
                        .push_back(unsupported(track, peer.id, subscription));
                    break;
                }
            }
            self.counters.rtp_forwarded += sent;
            if sent > 0 && !peer.touched {
                peer.touched = true;
                self.touched.push(*slot);
            }
        }
    }

    fn ask_for_keyframes(&mut self, now: Instant) {
        for track in self.tracks.values_mut() {
            for rendition in &mut track.renditions {
                if !rendition.keyframes.take(now) {
                    continue;
                }
                let Some(peer) = self.peers[track.publisher].as_deref_mut() else {
                    continue;
                };
                let mut api = peer.rtc.direct_api();
                if let Some(stream) = api.stream_rx_by_mid(rendition.mid, rendition.rid) {
                    stream.request_keyframe(str0m::media::KeyframeRequestKind::Pli);
                    self.counters.keyframe_requests += 1;
                } else {
                    // Nothing received yet: ask again when there is.
                    rendition.keyframes.want();
                }
                if !peer.touched {
                    peer.touched = true;
                    self.touched.push(track.publisher);
                }
            }
        }
    }

    /// Offers of ours, and requests for offers of the client.
    fn negotiate(&mut self, now: Instant) {
        for i in 0..self.touched.len() {
            let slot = self.touched[i];
            let Some(peer) = self.peers[slot].as_deref_mut() else {
                continue;
            };
            if let Some((audio, video)) = peer.sections_needed() {
                self.events.push_back(MediaEvent::SectionsNeeded {
                    peer: peer.id,
                    audio,
                    video,
                });
            }
            if let Some((sdp, id, mid_to_track)) = peer.make_offer(now) {
                self.demux.learn_ufrag(slot, peer);
                self.events.push_back(MediaEvent::Offer {
                    peer: peer.id,
                    sdp,
                    id,
                    mid_to_track,
                });
            }
        }
    }

    // Connections.

    pub(crate) fn touch(&mut self, slot: Slot) {
        if let Some(peer) = self.peers[slot].as_deref_mut()
            && !peer.touched
        {
            peer.touched = true;
            self.touched.push(slot);
        }
    }

    /// Takes everything that a connection has to say.
    fn drain(&mut self, slot: Slot, now: Instant) {
        for _ in 0..MAX_OUTPUTS {
            let Some(peer) = self.peers[slot].as_deref_mut() else {
                return;
            };
            match peer.poll() {
                Ok(Output::Transmit(transmit)) => {
                    self.demux.learn(slot, peer, &transmit);
                    self.counters.datagrams_out += 1;
                    self.counters.bytes_out += transmit.contents.len() as u64;
                    self.transmits.push_back(transmit);
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

    fn remove_slot(&mut self, slot: Slot) {
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

fn find<'a>(
    peers: &'a mut [Option<Box<Peer>>],
    by_id: &HashMap<PeerId, Slot>,
    id: PeerId,
) -> Option<(Slot, &'a mut Peer)> {
    let slot = *by_id.get(&id)?;
    Some((slot, peers[slot].as_deref_mut()?))
}

/// Tries the track's next codec, or gives up.
fn unsupported(track: &Track, peer: PeerId, subscription: &mut Subscription) -> MediaEvent {
    let next = subscription.encoding + 1;
    if track.renditions.iter().any(|r| r.encoding == next) {
        subscription.encoding = next;
        subscription.current = None;
    } else {
        subscription.ready = false;
    }
    MediaEvent::SubscriptionFailed {
        peer,
        track: track.id,
        fault: SubscriptionFault::CodecUnsupported,
    }
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
