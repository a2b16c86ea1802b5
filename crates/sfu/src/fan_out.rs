//! From a publisher's packets to its subscribers' connections.

use std::collections::VecDeque;
use std::time::Instant;

use surecast_media::control::{Kind, MediaEvent, PeerRole, SubscriptionFault};
use surecast_media::id::{PeerId, TrackId};
use surecast_media::local::LocalOutput;

use crate::engine::Sfu;
use crate::local::{self, Locals};
use crate::subscription::{Forwarded, Outcome, Subscription};
use crate::track::Track;

impl Sfu {
    /// Hands received packets to the subscribers of their tracks.
    pub(crate) fn forward(&mut self, now: Instant) {
        let inbound = std::mem::take(&mut self.inbound);
        let mut rest = inbound.as_slice();
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|f| f.track == first.track).count();
            let (run, after) = rest.split_at(same);
            rest = after;
            self.forward_run(first.track, run, now);
        }
        self.inbound = inbound;
        self.inbound.clear();
    }

    /// Packets of one track, subscriber by subscriber.
    pub(crate) fn forward_run(&mut self, track: TrackId, run: &[Forwarded], now: Instant) {
        let Some(track) = self.tracks.get_mut(&track) else {
            return;
        };
        if track.muted {
            return;
        }
        if let Some(first) = run.first() {
            let waited = now.saturating_duration_since(first.arrived);
            track.residence.add(waited);
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
            if peer.role == PeerRole::Local {
                tap(
                    track,
                    (peer.id, subscription),
                    run,
                    &mut self.locals,
                    &mut self.events,
                );
                continue;
            }
            let waits = subscription.awaits().is_some();
            let local = track.local.as_ref().filter(|_| waits);
            let before = local
                .zip(run.first())
                .map(|(local, next)| local.replay(next));
            let before = before.unwrap_or_default();
            let mut sent = 0;
            for f in before.iter().chain(run) {
                let outcome = subscription.forward(&mut peer.rtc, f);
                match outcome {
                    // Nearly always one of these.
                    Outcome::Sent => sent += 1,
                    Outcome::Skipped => {}
                    Outcome::Unsupported => {
                        self.events
                            .push_back(unsupported(track, peer.id, subscription));
                        break;
                    }
                    told => {
                        sent += 1;
                        tell(&mut self.events, peer.id, track.id, told, f);
                    }
                }
            }
            self.counters.rtp_forwarded += sent;
            if sent > 0 && !peer.touched {
                peer.touched = true;
                self.touched.push(*slot);
            }
        }
        let video = track.kind() == Kind::Video;
        if let Some(local) = track.local.as_mut().filter(|_| video) {
            local.keep(run);
        }
    }

    /// Streams that freeze now.
    pub(crate) fn watch_flows(&mut self, now: Instant) {
        for peer in self.peers.iter_mut().flatten() {
            // What the server itself takes is nobody's experience.
            if !peer.timing.connected || peer.role == PeerRole::Local {
                continue;
            }
            for subscription in peer.subscriptions.values_mut() {
                if let Some(since) = subscription.flow.handle_timeout(now) {
                    self.events.push_back(MediaEvent::StreamFrozen {
                        peer: peer.id,
                        track: subscription.track,
                        since,
                    });
                }
            }
        }
    }

    pub(crate) fn ask_for_keyframes(&mut self, now: Instant) {
        for track in self.tracks.values_mut() {
            for rendition in &mut track.renditions {
                if !rendition.keyframes.take(now) {
                    continue;
                }
                let Some(peer) = self.peers[track.publisher].as_deref_mut() else {
                    continue;
                };
                if peer.role == PeerRole::Local {
                    let codec = track.announcement.codecs.first();
                    self.locals.push(LocalOutput::KeyframeWanted {
                        peer: peer.id,
                        cid: codec.map_or_else(|| "".into(), |codec| codec.cid.as_str().into()),
                    });
                    continue;
                }
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
    pub(crate) fn negotiate(&mut self, now: Instant) {
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
}

/// Packets to a subscriber within the server.
fn tap(
    track: &Track,
    (peer, subscription): (PeerId, &mut Subscription),
    run: &[Forwarded],
    locals: &mut Locals,
    events: &mut VecDeque<MediaEvent>,
) {
    for f in run {
        let outcome = subscription.tap(f);
        if outcome == Outcome::First {
            let track = track.id;
            events.push_back(MediaEvent::SubscriptionLive { peer, track });
        }
        if outcome != Outcome::Skipped
            && let Some(packet) = local::received(track, &subscription.sid, f)
        {
            locals.push(LocalOutput::Packet { peer, packet });
        }
    }
}

/// What a packet showed of the stream.
fn tell(
    events: &mut VecDeque<MediaEvent>,
    peer: PeerId,
    track: TrackId,
    outcome: Outcome,
    packet: &Forwarded,
) {
    if outcome == Outcome::First {
        events.push_back(MediaEvent::SubscriptionLive { peer, track });
        return;
    }
    if let Outcome::Froze { from } = outcome {
        let since = from;
        events.push_back(MediaEvent::StreamFrozen { peer, track, since });
    }
    let at = packet.arrived;
    events.push_back(MediaEvent::StreamFlowing { peer, track, at });
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
