//! Connection quality: from loss and round trip to one word.

use std::collections::BTreeMap;
use std::time::Duration;

use surecast_media::control::PeerHealth;
use surecast_media::id::PeerId;
use surecast_media::time::Now;

use super::Room;
use crate::context::Context;
use crate::event::Tap;
use crate::ids::ParticipantKey;
use crate::participant::Participant;
use crate::proto;
use crate::proto::ConnectionQuality;
use crate::proto::signal_response::Message;
use crate::timers::Subject;

/// How often quality is told where it changed.
const INTERVAL: Duration = Duration::from_secs(5);

/// A percent of lost packets costs this much: about what Opus with its own
/// error correction, and video with retransmission, suffer.
const LOSS_WEIGHT: f32 = 1.2;

/// From this protocol on, clients know the word "lost".
const KNOWS_LOST: u32 = 11;

/// From this protocol on, clients want to know at all.
const WANTS_QUALITY: u32 = 5;

type Infos = BTreeMap<ParticipantKey, proto::ConnectionQualityInfo>;

impl Room {
    pub(super) fn peer_health(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        peer: PeerId,
        health: &PeerHealth,
        now: Now,
    ) {
        if health.uplink_bps > 0 {
            self.media_seen(cx, key, peer);
        }
        if let Some(participant) = self.participants.get_mut(&key) {
            participant.health.insert(peer, score(health));
            cx.timers
                .set_if_idle(self.id, Subject::Quality, now.at + INTERVAL);
        }
    }

    /// Everybody hears of itself and of those it receives, where it changed.
    pub(super) fn send_quality(&mut self, cx: &mut Context, now: Now) {
        let infos: Infos = self
            .participants
            .values()
            .filter_map(quality_info)
            .collect();
        if infos.is_empty() {
            return;
        }
        cx.timers.set(self.id, Subject::Quality, now.at + INTERVAL);
        for (key, info) in &infos {
            self.tap_quality(cx, *key, info);
        }
        let receivers: Vec<_> = self.participants.keys().copied().collect();
        for receiver in receivers {
            let news = self.quality_news(receiver, &infos);
            let Some(participant) = self
                .participants
                .get_mut(&receiver)
                .filter(|_| !news.is_empty())
            else {
                continue;
            };
            for (key, info) in &news {
                participant.told_quality.insert(*key, info.quality());
            }
            let updates = news.into_values().collect();
            participant.send(
                cx,
                Message::ConnectionQuality(proto::ConnectionQualityUpdate { updates }),
            );
        }
    }

    /// What this receiver has not been told yet of itself and of those it
    /// receives tracks of.
    fn quality_news(&self, receiver: ParticipantKey, infos: &Infos) -> Infos {
        let Some(participant) = self.participants.get(&receiver) else {
            return Infos::new();
        };
        if participant.protocol < WANTS_QUALITY || !participant.is_active() {
            return Infos::new();
        }
        let tracks = participant
            .subscriptions
            .keys()
            .filter_map(|id| self.tracks.get(id));
        let concerned = tracks.map(|track| track.publisher).chain([receiver]);
        concerned
            .filter_map(|key| Some((key, adapted(infos.get(&key)?, participant.protocol))))
            .filter(|(key, info)| participant.told_quality.get(key) != Some(&info.quality()))
            .collect()
    }

    fn tap_quality(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        info: &proto::ConnectionQualityInfo,
    ) {
        cx.tap(Tap::Quality {
            room: self.name().to_owned(),
            identity: self.identity_of(key).to_owned(),
            score: info.score,
            quality: info.quality(),
        });
    }
}

/// `None` while there is nothing to judge by.
fn quality_info(
    participant: &Participant,
) -> Option<(ParticipantKey, proto::ConnectionQualityInfo)> {
    if !participant.is_active() {
        return None;
    }
    let away = !participant
        .peers
        .connected
        .contains(&participant.primary_peer());
    let worst = participant.health.values().copied().reduce(f32::min);
    let score = if away { 0.0 } else { worst? };
    let info = proto::ConnectionQualityInfo {
        participant_sid: participant.sid.clone(),
        quality: class(score) as i32,
        score: mean_opinion(score),
    };
    Some((participant.key, info))
}

fn adapted(info: &proto::ConnectionQualityInfo, protocol: u32) -> proto::ConnectionQualityInfo {
    let mut info = info.clone();
    if info.quality() == ConnectionQuality::Lost && protocol < KNOWS_LOST {
        info.set_quality(ConnectionQuality::Poor);
    }
    info
}

/// 0 to 100, by a simplified E-model (ITU-T G.107): the delay beyond 160 ms
/// hurts more than the delay before, and loss hurts most.
fn score(health: &PeerHealth) -> f32 {
    let delay = health
        .rtt
        .map_or(0.0, |rtt| rtt.as_secs_f32() * 1000.0 / 2.0);
    let delay_effect = if delay > 160.0 {
        (delay - 120.0) / 10.0
    } else {
        delay / 40.0
    };
    // `max` prefers the number where the other is none.
    let loss = health.uplink_loss.max(health.downlink_loss).clamp(0.0, 1.0);
    (100.0 - delay_effect - loss * 100.0 * LOSS_WEIGHT).clamp(0.0, 100.0)
}

fn class(score: f32) -> ConnectionQuality {
    if score > 80.0 {
        ConnectionQuality::Excellent
    } else if score > 40.0 {
        ConnectionQuality::Good
    } else if score > 20.0 {
        ConnectionQuality::Poor
    } else {
        ConnectionQuality::Lost
    }
}

/// Mean opinion score of an R value (ITU-T G.107 annex B), 1 to 4.5.
fn mean_opinion(score: f32) -> f32 {
    if score <= 0.0 {
        return 1.0;
    }
    (1.0 + 0.035 * score + score * (score - 60.0) * (100.0 - score) * 7.0e-6).clamp(1.0, 4.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let health = |rtt_ms, loss| PeerHealth {
            rtt: Some(Duration::from_millis(rtt_ms)),
            downlink_loss: loss,
            ..PeerHealth::default()
        };
        let judge = |rtt_ms, loss| class(score(&health(rtt_ms, loss)));
        assert_eq!(judge(20, 0.0), ConnectionQuality::Excellent);
        assert_eq!(judge(300, 0.05), ConnectionQuality::Excellent);
        assert_eq!(judge(50, 0.25), ConnectionQuality::Good);
        assert_eq!(judge(50, 0.6), ConnectionQuality::Poor);
        assert_eq!(judge(50, 0.9), ConnectionQuality::Lost);
        assert!((mean_opinion(100.0) - 4.5).abs() < 0.01);
        assert!((mean_opinion(0.0) - 1.0).abs() < f32::EPSILON);
        assert_eq!(
            judge(0, f32::NAN),
            ConnectionQuality::Excellent,
            "nothing was sent, nothing lost"
        );
    }
}
