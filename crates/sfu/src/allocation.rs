//! Which rendition each subscriber gets: what it asked for, within what its
//! downlink carries.

use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use surecast_media::control::{Kind, MediaEvent, Quality};
use surecast_media::id::TrackId;

use crate::engine::Sfu;
use crate::peer::{Peer, Slot};
use crate::track::Track;

/// After a step down nothing goes up for this long: a queue that has just
/// drained looks like room.
const HOLD_AFTER_DOWN: Duration = Duration::from_secs(3);

/// A rendition goes up only if the estimate exceeds its need by this much, in
/// percent; it goes down when the estimate falls below its need. Between the
/// two nothing moves.
const HEADROOM: u64 = 115;

/// The connection probes for this much more than is wanted, in percent, so
/// that the estimate can confirm what is being sent.
const PROBE: u64 = 130;

/// Below this the estimator is not asked to look: audio alone.
const MIN_DESIRED: u64 = 300_000;

impl Sfu {
    /// For everybody, on every tick.
    pub(crate) fn choose_renditions(&mut self, now: Instant) {
        for slot in 0..self.peers.len() {
            self.choose_renditions_of(slot, now);
        }
        self.tell_demand();
    }

    /// For one subscriber: something about it changed.
    pub(crate) fn choose_renditions_of(&mut self, slot: Slot, now: Instant) {
        let Self { peers, tracks, .. } = self;
        let Some(peer) = peers[slot].as_deref_mut() else {
            return;
        };
        if peer.subscriptions.is_empty() {
            return;
        }
        let desired = fit(peer, tracks, now);
        for subscription in peer.subscriptions.values_mut() {
            let Some(track) = tracks.get_mut(&subscription.track) else {
                continue;
            };
            let (encoding, cap) = (subscription.encoding, subscription.cap);
            subscription.target = track.choose(encoding, &subscription.demand, cap, now);
            let waits = subscription.awaits().filter(|_| peer.timing.connected);
            if let Some(rendition) = waits.and_then(|i| track.renditions.get_mut(i)) {
                rendition.keyframes.want();
            }
        }
        if peer.estimate.is_some() {
            let desired = (desired * PROBE / 100).max(MIN_DESIRED);
            let mut bwe = peer.rtc.bwe();
            bwe.set_bitrate(Bitrate::ZERO, Bitrate::bps(desired));
        }
    }

    /// Highest rendition that anybody wants of each track, when it changed.
    fn tell_demand(&mut self) {
        let Self {
            peers,
            tracks,
            events,
            ..
        } = self;
        for track in tracks.values_mut().filter(|t| t.kind() == Kind::Video) {
            let wanted = track.subscribers.iter().filter_map(|slot| {
                let peer = peers[*slot].as_deref()?;
                let subscription = peer.subscriptions.get(&track.id)?;
                let demand = &subscription.demand;
                demand.enabled.then(|| track.wanted_quality(demand))
            });
            let wanted = wanted.max();
            if track.told_demand != Some(wanted) {
                track.told_demand = Some(wanted);
                events.push_back(MediaEvent::TrackDemand {
                    track: track.id,
                    quality: wanted,
                });
            }
        }
    }
}

/// Sets the caps so that the sum fits the estimate; returns what would be sent
/// without any limit, in bits per second.
fn fit(peer: &mut Peer, tracks: &std::collections::BTreeMap<TrackId, Track>, now: Instant) -> u64 {
    let mut wishes: Vec<Wish> = peer
        .subscriptions
        .values()
        .filter(|s| s.active())
        .filter_map(|s| {
            Wish::new(
                s.track,
                s.cap,
                s.encoding,
                &s.demand,
                tracks.get(&s.track)?,
                now,
            )
        })
        .collect();
    let desired = wishes.iter().map(|w| w.need(w.wanted)).sum();
    let Some(estimate) = peer.estimate else {
        return desired;
    };
    wishes.sort_by_key(|w| w.priority);
    let may_rise = peer.no_upgrade_before.is_none_or(|t| t <= now);
    let caps = allocate(&wishes, estimate, may_rise);
    let needed: u64 = wishes.iter().zip(&caps).map(|(w, cap)| w.need(*cap)).sum();
    pace(peer, needed <= estimate);
    let fell = wishes
        .iter()
        .zip(&caps)
        .any(|(w, cap)| *cap < w.cap.min(w.wanted));
    if fell {
        peer.no_upgrade_before = Some(now + HOLD_AFTER_DOWN);
    }
    for (wish, cap) in wishes.iter().zip(caps) {
        if let Some(subscription) = peer.subscriptions.get_mut(&wish.track) {
            // At its wish a track is not limited at all.
            subscription.cap = if cap >= wish.wanted {
                Quality::High
            } else {
                cap
            };
        }
    }
    desired
}

/// Holding packets back to the estimate helps as long as they fit into it.
/// Where even the lowest renditions do not, it would only make them late, and
/// later all the time.
fn pace(peer: &mut Peer, paced: bool) {
    if std::mem::replace(&mut peer.paced, paced) == paced {
        return;
    }
    for subscription in peer.subscriptions.values() {
        if let (Kind::Video, Some(mid)) = (subscription.kind, subscription.mid) {
            let mut api = peer.rtc.direct_api();
            if let Some(stream) = api.stream_tx_by_mid(mid, None) {
                stream.set_unpaced(!paced);
            }
        }
    }
}

/// What one subscription wants and what that costs.
#[derive(Clone, Debug)]
struct Wish {
    track: TrackId,
    /// Present limit.
    cap: Quality,
    wanted: Quality,
    /// Lower comes first.
    priority: (u32, bool, TrackId),
    /// Bits per second of the renditions, lowest first.
    rates: Vec<(Quality, u64)>,
}

impl Wish {
    fn new(
        id: TrackId,
        cap: Quality,
        encoding: usize,
        demand: &surecast_media::control::Demand,
        track: &Track,
        now: Instant,
    ) -> Option<Self> {
        if track.muted {
            return None;
        }
        let of_encoding = track.renditions.iter().filter(|r| r.encoding == encoding);
        let rates: Vec<_> = of_encoding
            .filter(|r| r.is_sent(now))
            .map(|r| (r.quality, r.rate.bps(now)))
            .collect();
        let asked = if demand.priority == 0 {
            u32::MAX
        } else {
            demand.priority
        };
        let class = if track.kind() == Kind::Audio {
            0
        } else {
            asked
        };
        Some(Self {
            track: id,
            cap,
            wanted: track.wanted_quality(demand),
            priority: (class, !track.announcement.screen_share, id),
            rates,
        })
    }

    /// Bits per second when limited to this quality: of the best rendition not
    /// above it, or of the lowest there is.
    fn need(&self, cap: Quality) -> u64 {
        let fitting = self.rates.iter().rfind(|(q, _)| *q <= cap);
        fitting.or(self.rates.first()).map_or(0, |(_, bps)| *bps)
    }
}

/// Everybody gets the lowest rendition; what is left raises them one step at a
/// time, by priority. Nothing is paused here: a single rendition goes through.
fn allocate(wishes: &[Wish], estimate: u64, may_rise: bool) -> Vec<Quality> {
    let mut caps = vec![Quality::Low; wishes.len()];
    let mut used: u64 = wishes.iter().map(|w| w.need(Quality::Low)).sum();
    for step in [Quality::Medium, Quality::High] {
        for (wish, cap) in wishes.iter().zip(&mut caps) {
            let target = step.min(wish.wanted);
            if target <= *cap {
                continue;
            }
            let now_at = wish.cap.min(wish.wanted);
            let rises = target > now_at;
            if rises && !may_rise {
                continue;
            }
            let total = used - wish.need(*cap) + wish.need(target);
            let limit = if rises {
                estimate * 100 / HEADROOM
            } else {
                estimate
            };
            if total <= limit {
                used = total;
                *cap = target;
            }
        }
    }
    caps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(id: u64, cap: Quality, kbps: [u64; 3]) -> Wish {
        let qualities = [Quality::Low, Quality::Medium, Quality::High];
        let rates = qualities.into_iter().zip(kbps.map(|k| k * 1000)).collect();
        Wish {
            track: TrackId(id),
            cap,
            wanted: Quality::High,
            priority: (u32::MAX, true, TrackId(id)),
            rates,
        }
    }

    #[test]
    fn what_fits_is_sent() {
        let wishes = [wish(1, Quality::High, [150, 500, 1500])];
        assert_eq!(allocate(&wishes, 2_000_000, true), [Quality::High]);
        assert_eq!(allocate(&wishes, 1_000_000, true), [Quality::Medium]);
        assert_eq!(allocate(&wishes, 100_000, true), [Quality::Low]);
    }

    #[test]
    fn between_need_and_headroom_nothing_moves() {
        let up = [wish(1, Quality::Medium, [150, 500, 1500])];
        let down = [wish(1, Quality::High, [150, 500, 1500])];
        let estimate = 1_600_000;
        assert_eq!(allocate(&up, estimate, true), [Quality::Medium]);
        assert_eq!(allocate(&down, estimate, true), [Quality::High]);
    }

    #[test]
    fn after_a_step_down_nothing_rises() {
        let wishes = [wish(1, Quality::Low, [150, 500, 1500])];
        assert_eq!(allocate(&wishes, 9_000_000, false), [Quality::Low]);
    }

    #[test]
    fn all_get_a_step_before_one_gets_two() {
        let wishes = [
            wish(1, Quality::High, [150, 500, 1500]),
            wish(2, Quality::High, [150, 500, 1500]),
        ];
        let caps = allocate(&wishes, 1_200_000, true);
        assert_eq!(caps, [Quality::Medium, Quality::Medium]);
    }
}
