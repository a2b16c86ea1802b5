//! From a publisher's packets to its subscribers' connections.

use std::time::Instant;

use surecast_media::control::{MediaEvent, SubscriptionFault};
use surecast_media::id::{PeerId, TrackId};

use crate::engine::Sfu;
use crate::subscription::{Forwarded, Outcome, Subscription};
use crate::track::Track;

impl Sfu {
    /// Hands received packets to the subscribers of their tracks.
    pub(crate) fn forward(&mut self) {
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
    }

    /// Packets of one track, subscriber by subscriber.
    pub(crate) fn forward_run(&mut self, track: TrackId, run: &[Forwarded]) {
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

    pub(crate) fn ask_for_keyframes(&mut self, now: Instant) {
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
