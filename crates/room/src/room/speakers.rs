//! Who speaks, and how loud.

use std::collections::BTreeMap;
use std::time::Duration;

use surecast_media::control::Kind;
use surecast_media::id::TrackId;
use surecast_media::time::Now;

use super::Room;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::proto;
use crate::proto::signal_response::Message;
use crate::timers::Subject;

/// -35 dBov: quieter than that is not speech.
const ACTIVE: f32 = 0.017_782_794;

/// Weight of a new reading in an exponential mean over two of them.
const SMOOTHING: f32 = 2.0 / 3.0;

/// Levels are told in eighths, so that small changes cost no messages.
const STEPS: f32 = 8.0;

/// Without any word from the engine for so long, nobody speaks.
const STALE: Duration = Duration::from_secs(2);

/// Who speaks now, as it was told.
#[derive(Default)]
pub(super) struct Speakers(BTreeMap<ParticipantKey, Speaker>);

#[derive(Clone, Copy)]
struct Speaker {
    smoothed: f32,
    told: f32,
}

impl Room {
    /// Loudness of every track that was heard since the last such word.
    pub(crate) fn handle_levels(&mut self, cx: &mut Context, levels: &[(TrackId, f32)], now: Now) {
        let loudest = self.loudest_by_participant(levels);
        let mut changed: Vec<(ParticipantKey, f32)> = Vec::new();
        let mut next = BTreeMap::new();
        for (key, level) in loudest {
            let before = self.speakers.0.get(&key).copied();
            let smoothed = before.map_or(0.0, |speaker| speaker.smoothed);
            let smoothed = smoothed + (level - smoothed) * SMOOTHING;
            if smoothed < ACTIVE {
                continue;
            }
            let told = (smoothed * STEPS).ceil() / STEPS;
            if before.is_none_or(|speaker| (speaker.told - told).abs() > f32::EPSILON) {
                changed.push((key, told));
            }
            next.insert(key, Speaker { smoothed, told });
        }
        let silent = self.speakers.0.keys().filter(|key| !next.contains_key(key));
        changed.extend(silent.map(|key| (*key, 0.0)));
        self.speakers.0 = next;
        self.tell_speakers(cx, changed);
        match self.speakers.0.is_empty() {
            true => cx.timers.cancel(self.id, Subject::Speakers),
            false => cx.timers.set(self.id, Subject::Speakers, now.at + STALE),
        }
    }

    pub(super) fn silence_speakers(&mut self, cx: &mut Context) {
        let speakers = std::mem::take(&mut self.speakers.0);
        let silent = speakers.into_keys().map(|key| (key, 0.0)).collect();
        self.tell_speakers(cx, silent);
    }

    /// To somebody who just came in.
    pub(super) fn send_current_speakers(&self, cx: &mut Context, key: ParticipantKey) {
        let speakers = self
            .speakers
            .0
            .iter()
            .map(|(key, speaker)| (*key, speaker.told))
            .collect();
        let speakers = self.speaker_infos(speakers);
        if let Some(participant) = self.participants.get(&key)
            && !speakers.is_empty()
        {
            participant.send(
                cx,
                Message::SpeakersChanged(proto::SpeakersChanged { speakers }),
            );
        }
    }

    /// Who no longer receives anything from a speaker sees it as silent.
    pub(super) fn clear_speaker_for(
        &self,
        cx: &mut Context,
        receiver: ParticipantKey,
        speaker: ParticipantKey,
    ) {
        if !self.speakers.0.contains_key(&speaker) || self.receives_from(receiver, speaker) {
            return;
        }
        let speakers = self.speaker_infos(vec![(speaker, 0.0)]);
        if let Some(participant) = self.participants.get(&receiver) {
            participant.send(
                cx,
                Message::SpeakersChanged(proto::SpeakersChanged { speakers }),
            );
        }
    }

    /// Clients drop a departed speaker by themselves, but slowly.
    pub(super) fn speaker_left(&mut self, cx: &mut Context, sid: &str, key: ParticipantKey) {
        if self.speakers.0.remove(&key).is_some() {
            self.send_speakers(cx, &[speaker_info(sid.to_owned(), 0.0)]);
        }
    }

    /// A client asked to see itself speak for a while.
    pub(super) fn simulate_speaker(&mut self, cx: &mut Context, key: ParticipantKey, level: f32) {
        let speakers = self.speaker_infos(vec![(key, level)]);
        self.send_speakers(cx, &speakers);
    }

    fn tell_speakers(&self, cx: &mut Context, mut speakers: Vec<(ParticipantKey, f32)>) {
        speakers.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let speakers = self.speaker_infos(speakers);
        self.send_speakers(cx, &speakers);
    }

    fn send_speakers(&self, cx: &mut Context, speakers: &[proto::SpeakerInfo]) {
        if speakers.is_empty() {
            return;
        }
        for participant in self.participants.values() {
            let message = proto::SpeakersChanged {
                speakers: speakers.to_vec(),
            };
            participant.send(cx, Message::SpeakersChanged(message));
        }
    }

    fn speaker_infos(&self, speakers: Vec<(ParticipantKey, f32)>) -> Vec<proto::SpeakerInfo> {
        let visible = |key: &ParticipantKey| self.participants.get(key).filter(|p| !p.hidden());
        speakers
            .into_iter()
            .filter_map(|(key, level)| Some(speaker_info(visible(&key)?.sid.clone(), level)))
            .collect()
    }

    /// The sound of a shared screen is no speech.
    fn loudest_by_participant(&self, levels: &[(TrackId, f32)]) -> BTreeMap<ParticipantKey, f32> {
        let mut loudest: BTreeMap<ParticipantKey, f32> = BTreeMap::new();
        for (id, level) in levels {
            let Some(track) = self.tracks.get(id) else {
                continue;
            };
            let speech = track.kind() == Kind::Audio
                && track.info.source() != proto::TrackSource::ScreenShareAudio;
            if speech && !track.info.muted && level.is_finite() {
                let entry = loudest.entry(track.publisher).or_default();
                *entry = entry.max(level.clamp(0.0, 1.0));
            }
        }
        loudest
    }
}

fn speaker_info(sid: String, level: f32) -> proto::SpeakerInfo {
    proto::SpeakerInfo {
        sid,
        level,
        active: level > 0.0,
    }
}
