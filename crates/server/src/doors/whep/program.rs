//! What a room's viewers get to see: one picture and its sound.

use surecast_room::proto::participant_info::{Kind, State};
use surecast_room::proto::{ParticipantInfo, TrackInfo, TrackSource, TrackType};

/// The tracks of one publisher.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Program {
    /// `PA_…`
    pub(super) publisher: String,
    pub(super) audio: Option<TrackInfo>,
    pub(super) video: Option<TrackInfo>,
}

impl Program {
    /// Chooses among those who are in the room, as for players of other doors:
    /// a picture before sound alone, who is on already, an encoder before
    /// people, and then who came first. `None` where nobody publishes anything.
    pub(super) fn choose<'a>(
        people: impl IntoIterator<Item = &'a ParticipantInfo>,
        present: Option<&Self>,
    ) -> Option<Self> {
        let programs = people.into_iter().filter_map(|person| {
            let program = Self::of(person)?;
            let rank = (
                program.video.is_none(),
                present.is_none_or(|present| present.publisher != program.publisher),
                person.kind() != Kind::Ingress,
                person.joined_at_ms,
                person.sid.clone(),
            );
            Some((rank, program))
        });
        let best = programs.min_by(|(a, _), (b, _)| a.cmp(b));
        best.map(|(_, program)| program)
    }

    /// What somebody publishes: a shared screen before a camera, and no picture
    /// that is muted.
    fn of(person: &ParticipantInfo) -> Option<Self> {
        let hidden = person.permission.as_ref().is_some_and(|p| p.hidden);
        if hidden || person.state() == State::Disconnected {
            return None;
        }
        let first = |kind: TrackType, source: TrackSource| {
            let lit = |track: &&TrackInfo| !track.muted || kind == TrackType::Audio;
            let tracks = person.tracks.iter().filter(lit);
            let of_kind = tracks.filter(|track| track.r#type() == kind);
            of_kind
                .min_by_key(|track| track.source() != source)
                .cloned()
        };
        let program = Self {
            publisher: person.sid.clone(),
            audio: first(TrackType::Audio, TrackSource::Microphone),
            video: first(TrackType::Video, TrackSource::ScreenShare),
        };
        (program.audio.is_some() || program.video.is_some()).then_some(program)
    }
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

    fn microphone(sid: &str) -> TrackInfo {
        track(sid, TrackType::Audio, TrackSource::Microphone)
    }

    fn camera(sid: &str) -> TrackInfo {
        track(sid, TrackType::Video, TrackSource::Camera)
    }

    fn person(sid: &str, joined: i64, tracks: &[TrackInfo]) -> ParticipantInfo {
        ParticipantInfo {
            sid: sid.into(),
            joined_at_ms: joined,
            tracks: tracks.to_vec(),
            ..Default::default()
        }
    }

    fn chosen(people: &[ParticipantInfo], present: Option<&Program>) -> Option<String> {
        Program::choose(people, present).map(|program| program.publisher)
    }

    #[test]
    fn encoders_pictures_and_who_was_first() {
        let viewer = person("PA_v", 0, &[]);
        let radio = person("PA_a", 1, &[microphone("TR_a")]);
        let ann = person("PA_b", 3, &[camera("TR_b")]);
        let ben = person("PA_c", 2, &[camera("TR_c")]);
        let mut encoder = person("PA_d", 9, &[camera("TR_d"), microphone("TR_e")]);
        encoder.set_kind(Kind::Ingress);
        assert_eq!(chosen(&[], None), None);
        assert_eq!(chosen(std::slice::from_ref(&viewer), None), None);
        assert_eq!(chosen(&[viewer, radio.clone()], None).unwrap(), "PA_a");
        assert_eq!(
            chosen(&[radio.clone(), ann.clone(), ben.clone()], None).unwrap(),
            "PA_c"
        );
        let all = [radio, ann, ben, encoder.clone()];
        assert_eq!(chosen(&all, None).unwrap(), "PA_d");
        let program = Program::choose(&all, None).unwrap();
        assert_eq!(program.audio.unwrap().sid, "TR_e");
        encoder.set_state(State::Disconnected);
        assert_eq!(chosen(&[encoder], None), None);
    }

    #[test]
    fn who_is_on_stays_on() {
        let ann = person("PA_b", 2, &[camera("TR_b")]);
        let ben = person("PA_a", 1, &[camera("TR_a")]);
        let present = Program::choose([&ann], None).unwrap();
        assert_eq!(chosen(&[ben, ann], Some(&present)).unwrap(), "PA_b");
    }

    #[test]
    fn hidden_people_are_not_shown_and_muted_cameras_neither() {
        let mut spy = person("PA_s", 0, &[camera("TR_s")]);
        spy.permission = Some(surecast_room::proto::ParticipantPermission {
            hidden: true,
            ..Default::default()
        });
        assert_eq!(chosen(&[spy], None), None);
        let mut dark = camera("TR_dark");
        dark.muted = true;
        let screen = track("TR_screen", TrackType::Video, TrackSource::ScreenShare);
        let ann = person("PA_a", 1, &[dark, screen]);
        let program = Program::choose([&ann], None).unwrap();
        assert_eq!(program.video.unwrap().sid, "TR_screen");
    }
}
