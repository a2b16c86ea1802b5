//! One viewer: what it offered to receive, what the room has for it, and what
//! it is told of that. Without sockets: messages of the room engine go in,
//! requests to it come out.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use surecast_media::control::Kind;
use surecast_room::proto::participant_info::State;
use surecast_room::proto::signal_request::Message as Ask;
use surecast_room::proto::signal_response::Message as Say;
use surecast_room::proto::{
    ParticipantInfo, TrackInfo, UpdateSubscription, UpdateTrackSettings, VideoQuality,
};
use surecast_sfu::sdp::{self, Section};
use tokio::sync::watch;

use super::layers::{self, LayerChoice, Layers};
use super::program::Program;
use crate::doors::wish::Problem;

/// What a viewer is told of what it watches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::doors) struct Show {
    /// Something is published.
    pub(super) active: bool,
    /// The video's layers.
    pub(super) layers: Layers,
}

/// A viewer's side of the room.
pub(in crate::doors) struct Viewer {
    audio: Option<Section>,
    video: Option<Section>,
    /// Place of the video section among all; layers are told by it.
    video_line: usize,
    /// Those who publish something, by identity: who comes back takes the place
    /// of who it was before.
    people: BTreeMap<String, ParticipantInfo>,
    program: Option<Program>,
    /// The layer that it chose; `None`: whatever its network carries.
    chosen: Option<String>,
    show: watch::Sender<Show>,
}

impl Viewer {
    /// From the viewer's offer.
    ///
    /// # Errors
    /// It offers to receive nothing.
    pub(super) fn new(offer: &str) -> Result<Self, Problem> {
        let bad = |detail: &str| Problem::new(StatusCode::BAD_REQUEST, detail);
        if !offer.trim_start().starts_with("v=0") {
            let detail = "the body is not a session description: it does not begin with v=0";
            return Err(bad(detail));
        }
        let sections = sdp::sections(offer);
        let first = |kind: Kind| {
            let wanted = |s: &&Section| s.kind == kind && s.direction.receives();
            sections.iter().find(wanted).cloned()
        };
        let (audio, video) = (first(Kind::Audio), first(Kind::Video));
        if audio.is_none() && video.is_none() {
            return Err(bad(
                "the offer receives nothing: it needs an audio or video section with \
                 a=recvonly and an a=mid",
            ));
        }
        let line = |section: &Section| sections.iter().position(|s| s.mid == section.mid);
        Ok(Self {
            video_line: video.as_ref().and_then(line).unwrap_or(0),
            audio,
            video,
            people: BTreeMap::new(),
            program: None,
            chosen: None,
            show: watch::Sender::new(Show::default()),
        })
    }

    /// What it is told, to be watched.
    pub(in crate::doors) fn show(&self) -> watch::Receiver<Show> {
        self.show.subscribe()
    }

    /// Can the viewer play this at all?
    ///
    /// # Errors
    /// It has the codec of neither sound nor picture, or not that of one.
    pub(super) fn check(&self, program: &Program) -> Result<(), Problem> {
        for (section, track) in [(&self.audio, &program.audio), (&self.video, &program.video)] {
            let (Some(section), Some(track)) = (section, track) else {
                continue;
            };
            let codec = track.mime_type.split('/').nth(1).unwrap_or_default();
            // Redundancy is unpacked for who has only Opus.
            let codec = if codec.eq_ignore_ascii_case("red") {
                "opus"
            } else {
                codec
            };
            let has = |name: &String| name.eq_ignore_ascii_case(codec);
            if !codec.is_empty() && !section.codecs.iter().any(has) {
                let detail = format!(
                    "{codec} is live in the room, and the offer has only {}",
                    section.codecs.join(", ")
                );
                return Err(Problem::new(StatusCode::NOT_ACCEPTABLE, detail));
            }
        }
        Ok(())
    }

    /// Takes note of what the room engine says; gives what to ask of it.
    pub(in crate::doors) fn take(&mut self, say: &Say) -> Vec<Ask> {
        match say {
            Say::Join(join) => join.other_participants.iter().for_each(|p| self.person(p)),
            Say::Update(update) => update.participants.iter().for_each(|p| self.person(p)),
            _ => return Vec::new(),
        }
        self.settle()
    }

    /// Chooses a layer, or lets the network decide again.
    ///
    /// # Errors
    /// There is no such layer or section.
    pub(in crate::doors) fn choose(&mut self, choice: LayerChoice) -> Result<Option<Ask>, Problem> {
        let mid = self.video.as_ref().map(|section| section.mid.as_str());
        self.chosen = choice.check(self.video_line, mid, &self.show.borrow().layers)?;
        Ok(self.setting())
    }

    fn person(&mut self, info: &ParticipantInfo) {
        let known = self.people.get(&info.identity);
        let gone = info.state() == State::Disconnected || info.tracks.is_empty();
        if !gone {
            self.people.insert(info.identity.clone(), info.clone());
        } else if known.is_some_and(|known| known.sid == info.sid) {
            self.people.remove(&info.identity);
        }
    }

    /// Makes what it receives what it ought to receive.
    fn settle(&mut self) -> Vec<Ask> {
        let before = self.subscribed();
        let program = Program::choose(self.people.values(), self.program.as_ref());
        self.program = program;
        let after = self.subscribed();
        let only = |a: &[String], b: &[String]| -> Vec<String> {
            a.iter().filter(|sid| !b.contains(sid)).cloned().collect()
        };
        let mut asks = Vec::new();
        let (gone, new) = (only(&before, &after), only(&after, &before));
        // First the old ones: the new ones need their sections.
        for (track_sids, subscribe) in [(gone, false), (new, true)] {
            if !track_sids.is_empty() {
                let update = UpdateSubscription {
                    track_sids,
                    subscribe,
                    ..Default::default()
                };
                asks.push(Ask::Subscription(update));
            }
        }
        if before != after {
            asks.extend(self.setting().filter(|_| self.chosen.is_some()));
        }
        self.tell();
        asks
    }

    /// The tracks that fill its sections.
    fn subscribed(&self) -> Vec<String> {
        let Some(program) = &self.program else {
            return Vec::new();
        };
        let tracks = [
            program.audio.as_ref().filter(|_| self.audio.is_some()),
            program.video.as_ref().filter(|_| self.video.is_some()),
        ];
        tracks
            .into_iter()
            .flatten()
            .map(|t| t.sid.clone())
            .collect()
    }

    /// Which layer of the video it wants.
    fn setting(&self) -> Option<Ask> {
        let video = self.video_track()?;
        let quality = self
            .chosen
            .as_ref()
            .and_then(|id| layers::quality(video, id));
        Some(Ask::TrackSetting(UpdateTrackSettings {
            track_sids: vec![video.sid.clone()],
            quality: quality.unwrap_or(VideoQuality::High) as i32,
            ..Default::default()
        }))
    }

    fn video_track(&self) -> Option<&TrackInfo> {
        self.program.as_ref()?.video.as_ref()
    }

    fn tell(&self) {
        let section = self.video.as_ref().map(|_| self.video_line);
        let video = section.zip(self.video_track());
        let show = Show {
            active: self.program.is_some(),
            layers: video
                .map(|(line, track)| Layers::of(line, track))
                .unwrap_or_default(),
        };
        self.show.send_if_modified(|told| {
            let changed = *told != show;
            *told = show;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surecast_room::proto::{JoinResponse, ParticipantUpdate, TrackSource, TrackType};

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\n";

    fn encoder(sid: &str, tracks: &[(&str, TrackType)]) -> ParticipantInfo {
        let track = |(sid, kind): &(&str, TrackType)| TrackInfo {
            sid: (*sid).into(),
            r#type: *kind as i32,
            source: TrackSource::Camera as i32,
            mime_type: "video/VP8".into(),
            ..Default::default()
        };
        ParticipantInfo {
            sid: sid.into(),
            identity: "encoder".into(),
            tracks: tracks.iter().map(track).collect(),
            ..Default::default()
        }
    }

    fn update(person: ParticipantInfo) -> Say {
        Say::Update(ParticipantUpdate {
            participants: vec![person],
        })
    }

    /// What is asked, as `+sid` and `-sid`.
    fn subscriptions(asks: &[Ask]) -> Vec<String> {
        let lines = |ask: &Ask| match ask {
            Ask::Subscription(update) => {
                let sign = if update.subscribe { '+' } else { '-' };
                update
                    .track_sids
                    .iter()
                    .map(|sid| format!("{sign}{sid}"))
                    .collect()
            }
            _ => Vec::new(),
        };
        asks.iter().flat_map(lines).collect()
    }

    #[test]
    fn the_encoder_comes_goes_and_comes_back() {
        use TrackType::{Audio, Video};
        let mut viewer = Viewer::new(OFFER).unwrap();
        let join = Say::Join(JoinResponse {
            other_participants: vec![encoder("PA_1", &[("TR_a", Audio), ("TR_v", Video)])],
            ..Default::default()
        });
        assert_eq!(subscriptions(&viewer.take(&join)), ["+TR_a", "+TR_v"]);
        assert!(viewer.show.borrow().active);

        let mut gone = encoder("PA_1", &[]);
        gone.set_state(State::Disconnected);
        let asks = viewer.take(&update(gone.clone()));
        assert_eq!(subscriptions(&asks), ["-TR_a", "-TR_v"]);
        assert!(!viewer.show.borrow().active);

        let again = update(encoder("PA_2", &[("TR_b", Audio), ("TR_w", Video)]));
        assert_eq!(subscriptions(&viewer.take(&again)), ["+TR_b", "+TR_w"]);
        assert!(viewer.take(&again).is_empty(), "nothing new");
        // The late word about its predecessor changes nothing.
        assert!(viewer.take(&update(gone)).is_empty());
    }

    #[test]
    fn a_takeover_needs_no_departure() {
        let mut viewer = Viewer::new(OFFER).unwrap();
        viewer.take(&update(encoder("PA_1", &[("TR_v", TrackType::Video)])));
        let asks = viewer.take(&update(encoder("PA_2", &[("TR_w", TrackType::Video)])));
        assert_eq!(subscriptions(&asks), ["-TR_v", "+TR_w"]);
    }

    #[test]
    fn what_it_cannot_play_is_said() {
        let viewer = Viewer::new(OFFER).unwrap();
        let mut person = encoder("PA_1", &[("TR_v", TrackType::Video)]);
        let program = Program::choose([&person], None).unwrap();
        assert!(viewer.check(&program).is_ok());
        person.tracks[0].mime_type = "video/H264".into();
        let program = Program::choose([&person], None).unwrap();
        let problem = viewer.check(&program).unwrap_err();
        assert_eq!(problem.status().as_u16(), 406);
        assert!(problem.detail().contains("H264") && problem.detail().contains("VP8"));
    }

    #[test]
    fn offers_that_receive_nothing_are_refused() {
        assert!(Viewer::new("hello").is_err());
        assert!(Viewer::new(&OFFER.replace("recvonly", "sendonly")).is_err());
        assert!(Viewer::new(&OFFER.replace("recvonly", "sendrecv")).is_ok());
    }
}
