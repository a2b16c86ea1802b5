//! What the room engine says, done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use str0m::Candidate;
use surecast_media::control::{
    Announcement, DataChannel, Demand, MediaCommand, MediaEvent, PeerRole, SubscriptionFault,
};
use surecast_media::id::{PeerId, RoomId, TrackId};
use surecast_media::local::LocalOutput;

use crate::engine::{Sfu, TICK};
use crate::peer::{Peer, Slot};
use crate::subscription::Subscription;
use crate::track::Track;

impl Sfu {
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
                self.mute(track, muted);
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

    fn mute(&mut self, track: TrackId, muted: bool) {
        let Some(track) = self.tracks.get_mut(&track) else {
            return;
        };
        track.muted = muted;
        for slot in &track.subscribers {
            let peer = self.peers[*slot].as_deref_mut();
            if let Some(subscription) = peer.and_then(|p| p.subscriptions.get_mut(&track.id)) {
                subscription.flow.reset();
            }
        }
    }

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
        if role == PeerRole::Local {
            self.local_joined(slot);
        }
        self.touch(slot);
    }

    fn remove_peer(&mut self, id: PeerId, now: Instant) {
        let Some(slot) = self.by_id.get(&id).copied() else {
            return;
        };
        if let Some(peer) = self.peers[slot].as_deref_mut()
            && peer.role != PeerRole::Local
        {
            peer.close();
            self.drain(slot, now);
        }
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
        if let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) {
            if peer.role == PeerRole::Local {
                self.local_announced(slot, announcement);
                return;
            }
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
        let mut subscription = Subscription::new(
            track_id,
            track.kind(),
            stream_id,
            sid,
            demand,
            first_seq,
            track.pauses(),
        );
        // Nothing has to be negotiated within the server.
        subscription.ready = peer.role == PeerRole::Local;
        peer.subscriptions.insert(track_id, subscription);
        peer.offers.wanted = true;
        peer.fill_sections();
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
        if demand.enabled != subscription.demand.enabled {
            subscription.flow.reset();
        }
        if !demand.enabled && subscription.demand.enabled {
            // Whatever comes after the pause begins with a keyframe.
            subscription.current = None;
        }
        subscription.demand = demand;
        self.choose_renditions_of(slot, now);
    }

    fn send_data(&mut self, id: PeerId, channel: DataChannel, payload: &Arc<[u8]>) {
        let Some((slot, peer)) = find(&mut self.peers, &self.by_id, id) else {
            return;
        };
        if peer.role == PeerRole::Local {
            self.locals.push(LocalOutput::Data {
                peer: id,
                channel,
                payload: Arc::clone(payload),
            });
            return;
        }
        let refused = peer.channels.refused;
        peer.channels.send(&mut peer.rtc, channel, payload);
        if peer.channels.refused == 1 && refused == 0 {
            tracing::warn!(room = %peer.room, peer = %id, "reads too slowly: reliable messages are dropped");
        }
        self.touch(slot);
    }
}

fn find<'a>(
    peers: &'a mut [Option<Box<Peer>>],
    by_id: &HashMap<PeerId, Slot>,
    id: PeerId,
) -> Option<(Slot, &'a mut Peer)> {
    let slot = *by_id.get(&id)?;
    Some((slot, peers[slot].as_deref_mut()?))
}
