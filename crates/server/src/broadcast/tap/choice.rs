//! Whose picture and sound a room broadcasts when several people publish.
//!
//! One person's at a time: the one who is on already for as long as there is a
//! picture; else an encoder before people, and who came first before the others.
//! A shared screen goes before a camera. Without any picture it is who has
//! sound. (Several at once are a layout's business.)

use std::collections::BTreeMap;

use surecast_media::frame::TrackNumber;
use surecast_room::proto::participant_info::{Kind, State};
use surecast_room::proto::{ParticipantInfo, TrackInfo, TrackSource, TrackType};

/// Numbers of the program's tracks.
pub(super) const VIDEO: TrackNumber = TrackNumber(0);
const AUDIO: TrackNumber = TrackNumber(1);

/// Who is in the room, by sid.
#[derive(Debug, Default)]
pub(super) struct People(BTreeMap<String, ParticipantInfo>);

/// The tracks that are on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Choice {
    person: String,
    video: Option<String>,
    audio: Option<String>,
}

impl Choice {
    /// Sids of the tracks.
    pub(super) fn sids(&self) -> Vec<String> {
        self.video.iter().chain(&self.audio).cloned().collect()
    }

    /// Whether there is a picture among them.
    pub(super) fn has_picture(&self) -> bool {
        self.video.is_some()
    }

    /// Whether a track is on.
    pub(super) fn has(&self, sid: &str) -> bool {
        self.number(sid).is_some()
    }

    /// Its number in the program.
    pub(super) fn number(&self, sid: &str) -> Option<TrackNumber> {
        match sid {
            sid if self.video.as_deref() == Some(sid) => Some(VIDEO),
            sid if self.audio.as_deref() == Some(sid) => Some(AUDIO),
            _ => None,
        }
    }

    /// Numbers of the tracks that are on.
    pub(super) fn numbers(&self) -> Vec<TrackNumber> {
        let video = self.video.iter().map(|_| VIDEO);
        video.chain(self.audio.iter().map(|_| AUDIO)).collect()
    }
}

impl People {
    /// What the room tells of its people.
    pub(super) fn update(&mut self, infos: Vec<ParticipantInfo>) {
        for info in infos {
            if info.state() == State::Disconnected {
                self.0.remove(&info.sid);
            } else {
                self.0.insert(info.sid.clone(), info);
            }
        }
    }

    /// Who is on next, given who is on now.
    pub(super) fn choose(&self, now: &Choice) -> Choice {
        let mut people: Vec<&ParticipantInfo> = self.0.values().collect();
        people.sort_by_key(|person| {
            let on = person.sid == now.person;
            let encoder = person.kind() == Kind::Ingress;
            (!on, !encoder, person.joined_at_ms, person.sid.clone())
        });
        let of = |person: &&&ParticipantInfo, kind| person.tracks.iter().any(|t| is(t, kind));
        let with = |kind| people.iter().find(|person| of(person, kind));
        let Some(person) = with(TrackType::Video).or_else(|| with(TrackType::Audio)) else {
            return Choice::default();
        };
        let track = |kind, first| best(&person.tracks, kind, first);
        Choice {
            person: person.sid.clone(),
            video: track(TrackType::Video, TrackSource::ScreenShare),
            audio: track(TrackType::Audio, TrackSource::Microphone),
        }
    }
}

fn is(track: &TrackInfo, kind: TrackType) -> bool {
    track.r#type() == kind && (!track.muted || kind == TrackType::Audio)
}

fn best(tracks: &[TrackInfo], kind: TrackType, first: TrackSource) -> Option<String> {
    let of_kind = || tracks.iter().filter(|track| is(track, kind));
    let preferred = of_kind().find(|track| track.source() == first);
    preferred
        .or_else(|| of_kind().next())
        .map(|track| track.sid.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(sid: &str, kind: TrackType, source: TrackSource) -> TrackInfo {
        TrackInfo {
            sid: sid.into(),
            r#type: kind as i32,
            source: source as i32,
            ..Default::default()
        }
    }

    fn person(sid: &str, joined_at_ms: i64, tracks: Vec<TrackInfo>) -> ParticipantInfo {
        ParticipantInfo {
            sid: sid.into(),
            joined_at_ms,
            tracks,
            state: State::Active as i32,
            ..Default::default()
        }
    }

    fn camera(sid: &str) -> TrackInfo {
        track(sid, TrackType::Video, TrackSource::Camera)
    }

    fn microphone(sid: &str) -> TrackInfo {
        track(sid, TrackType::Audio, TrackSource::Microphone)
    }

    #[test]
    fn the_first_with_a_picture_is_on_and_stays_on() {
        let mut people = People::default();
        people.update(vec![
            person("PA_listener", 1, vec![microphone("TR_l")]),
            person("PA_b", 3, vec![camera("TR_bv"), microphone("TR_ba")]),
        ]);
        let on = people.choose(&Choice::default());
        assert_eq!(on.sids(), ["TR_bv", "TR_ba"]);
        people.update(vec![person("PA_a", 2, vec![camera("TR_av")])]);
        assert_eq!(
            people.choose(&on),
            on,
            "who came earlier does not push anybody out"
        );
        let mut gone = person("PA_b", 3, vec![]);
        gone.state = State::Disconnected as i32;
        people.update(vec![gone]);
        assert_eq!(people.choose(&on).sids(), ["TR_av"]);
    }

    #[test]
    fn a_screen_goes_before_a_camera_and_a_muted_picture_is_none() {
        let mut people = People::default();
        let mut muted = camera("TR_c");
        muted.muted = true;
        let screen = track("TR_s", TrackType::Video, TrackSource::ScreenShare);
        people.update(vec![person(
            "PA_a",
            1,
            vec![camera("TR_v"), screen, muted.clone()],
        )]);
        let on = people.choose(&Choice::default());
        assert_eq!(on.number("TR_s"), Some(VIDEO));
        let mut people = People::default();
        people.update(vec![person("PA_a", 1, vec![muted, microphone("TR_m")])]);
        assert_eq!(people.choose(&Choice::default()).sids(), ["TR_m"]);
    }

    #[test]
    fn nobody_publishes() {
        assert_eq!(
            People::default().choose(&Choice::default()),
            Choice::default()
        );
    }
}
