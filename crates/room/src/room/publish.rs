//! Tracks: announced, confirmed, ended.

use surecast_media::control::MediaCommand;
use surecast_media::id::TrackId;
use surecast_media::time::Now;

use super::Room;
use super::broadcast::Echo;
use crate::context::Context;
use crate::event::EventKind;
use crate::ids::ParticipantKey;
use crate::limits;
use crate::proto;
use crate::proto::TrackType;
use crate::proto::request_response::{Reason, Request};
use crate::proto::signal_response::Message;
use crate::timers::Subject;
use crate::track::{PublisherDemand, Track, sid_prefix, track_info};

impl Room {
    /// The client wants to publish, and waits for `track_published` or for a
    /// refusal.
    pub(super) fn add_track(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        request: proto::AddTrackRequest,
        now: Now,
    ) {
        if let Err(why) = self.check_add_track(key, &request) {
            tracing::warn!(room = %self.name(), participant = %self.identity_of(key),
                reason = why.0.as_str_name(), message = why.1, "publication refused");
            let echo = Request::AddTrack(shortened(request));
            self.refuse(cx, key, why, echo);
        } else if !request.sid.is_empty() {
            self.add_codec(cx, key, &request);
        } else if let Some(id) = self.track_by_cid(key, &request.cid) {
            self.announced_again(cx, key, id, request, now);
        } else {
            self.accept_track(cx, key, &request, now);
        }
    }

    /// A client id that is in use already. What has not been offered yet is
    /// announced anew under its old sid; what is published has to end first, and
    /// the client is told that it waits for its own offer to say so.
    fn announced_again(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        id: TrackId,
        request: proto::AddTrackRequest,
        now: Now,
    ) {
        if self.tracks.get(&id).is_some_and(|track| track.bound) {
            let echo = Request::AddTrack(shortened(request.clone()));
            if let Some(participant) = self.participants.get_mut(&key) {
                participant.queued_tracks.push(request);
            }
            self.refuse(cx, key, (Reason::Queued, ""), echo);
            return;
        }
        if let Some(track) = self.tracks.get_mut(&id) {
            let sid = track.info.sid.clone();
            track.info = track_info(&request, sid, &cx.settings.enabled_codecs);
            track.touch(now);
        }
        self.confirm_track(cx, key, id, request.cid);
    }

    /// The publication ends, whoever wanted it to.
    pub(super) fn unpublish(&mut self, cx: &mut Context, id: TrackId, now: Now) {
        let subscribers = self.tracks.get(&id).map(|track| track.subscribers.clone());
        let Some(track) = self.forget_track(cx, id) else {
            return;
        };
        cx.media(self.id, MediaCommand::Unpublish { track: id });
        let publisher = track.publisher;
        if let Some(participant) = self.participants.get_mut(&publisher) {
            participant.tracks.retain(|other| *other != id);
        }
        if track.bound {
            self.announce(cx, publisher, Echo::No, now);
        }
        for subscriber in subscribers.unwrap_or_default() {
            self.clear_speaker_for(cx, subscriber, publisher);
        }
        if track.reported {
            let info = self
                .participants
                .get(&publisher)
                .map(|p| self.participant_info(p, cx));
            self.report(cx, EventKind::TrackUnpublished, info, Some(track.info), now);
        }
        self.accept_queued(cx, publisher, &track.cid, now);
    }

    /// A track of this participant, announced or bound.
    pub(super) fn own_track(&self, key: ParticipantKey, sid: &str) -> Option<TrackId> {
        let id = self.track_sids.get(sid)?;
        (self.tracks.get(id)?.publisher == key).then_some(*id)
    }

    /// Takes the track out of every map, of subscribers as well.
    pub(super) fn forget_track(&mut self, cx: &mut Context, id: TrackId) -> Option<Track> {
        let track = self.tracks.remove(&id)?;
        self.track_sids.remove(track.sid());
        cx.tracks.remove(id);
        cx.timers.cancel(self.id, Subject::Demand(id));
        for subscriber in &track.subscribers {
            if let Some(participant) = self.participants.get_mut(subscriber) {
                participant.subscriptions.remove(&id);
                participant.wishes.remove(track.sid());
            }
        }
        for participant in self.participants.values_mut() {
            participant.denied.remove(&id);
        }
        Some(track)
    }

    fn check_add_track(
        &self,
        key: ParticipantKey,
        request: &proto::AddTrackRequest,
    ) -> Result<(), (Reason, &'static str)> {
        let Some(participant) = self.participants.get(&key) else {
            return Err((Reason::NotFound, "no such participant"));
        };
        if !participant.can_publish_source(request.source()) {
            return Err((
                Reason::NotAllowed,
                "the token does not allow to publish this source",
            ));
        }
        if !matches!(request.r#type(), TrackType::Audio | TrackType::Video) {
            return Err((
                Reason::UnsupportedType,
                "only audio and video tracks can be published",
            ));
        }
        if request.cid.is_empty() && request.sid.is_empty() {
            return Err((Reason::InvalidRequest, "cid is empty"));
        }
        if has_long_name(request) {
            return Err((Reason::LimitExceeded, "a name is longer than 256 bytes"));
        }
        if request.sid.is_empty() {
            let tracks = participant.tracks.len() + participant.queued_tracks.len();
            if tracks >= limits::TRACKS_PER_PARTICIPANT {
                return Err((Reason::LimitExceeded, "too many tracks"));
            }
        } else if self.own_track(key, &request.sid).is_none() {
            return Err((Reason::NotFound, "no track with this sid"));
        }
        Ok(())
    }

    fn accept_track(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        request: &proto::AddTrackRequest,
        now: Now,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let sid = cx.ids.sid(sid_prefix(request));
        let id = cx.ids.track();
        let mut track = Track {
            id,
            publisher: key,
            cid: request.cid.clone(),
            info: track_info(request, sid.clone(), &cx.settings.enabled_codecs),
            bound: false,
            live: false,
            reported: false,
            ever_subscribed: false,
            subscribers: std::collections::BTreeSet::new(),
            backup_asked: false,
            demand: PublisherDemand::default(),
        };
        track.touch(now);
        participant.tracks.push(id);
        cx.tracks.insert(id, self.id, key);
        self.track_sids.insert(sid, id);
        self.tracks.insert(id, track);
        self.confirm_track(cx, key, id, request.cid.clone());
    }

    /// Tells the client its track's sid, and the engine what to expect.
    fn confirm_track(&self, cx: &mut Context, key: ParticipantKey, id: TrackId, cid: String) {
        let (Some(track), Some(participant)) = (self.tracks.get(&id), self.participants.get(&key))
        else {
            return;
        };
        let published = proto::TrackPublishedResponse {
            cid,
            track: Some(track.info.clone()),
        };
        participant.send(cx, Message::TrackPublished(published));
        let (peer, announcement) = (participant.peers.publisher, track.announcement());
        cx.media(self.id, MediaCommand::Announce { peer, announcement });
        let muted = track.info.muted;
        cx.media(self.id, MediaCommand::Mute { track: id, muted });
    }

    /// A published track in another codec.
    fn add_codec(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        request: &proto::AddTrackRequest,
    ) {
        let Some(id) = self.own_track(key, &request.sid) else {
            return;
        };
        if let Some(track) = self.tracks.get_mut(&id) {
            track.add_codecs(&request.simulcast_codecs, &cx.settings.enabled_codecs);
        }
        self.confirm_track(cx, key, id, request.cid.clone());
    }

    /// What waited for the end of a track with the same client id may begin.
    fn accept_queued(&mut self, cx: &mut Context, key: ParticipantKey, cid: &str, now: Now) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let Some(at) = participant
            .queued_tracks
            .iter()
            .position(|request| request.cid == cid)
        else {
            return;
        };
        let request = participant.queued_tracks.remove(at);
        self.add_track(cx, key, request, now);
    }

    fn track_by_cid(&self, key: ParticipantKey, cid: &str) -> Option<TrackId> {
        let tracks = &self.participants.get(&key)?.tracks;
        tracks
            .iter()
            .copied()
            .find(|id| self.tracks.get(id).is_some_and(|track| track.cid == cid))
    }
}

/// Everybody in the room is told these.
fn has_long_name(request: &proto::AddTrackRequest) -> bool {
    let names = [&request.cid, &request.name, &request.stream];
    let codecs = &request.simulcast_codecs;
    let of_codecs = codecs.iter().flat_map(|codec| [&codec.cid, &codec.codec]);
    let layers = codecs
        .iter()
        .flat_map(|codec| &codec.layers)
        .chain(&request.layers);
    let rids = layers.map(|layer| &layer.rid);
    names
        .into_iter()
        .chain(of_codecs)
        .chain(rids)
        .any(|name| name.len() > limits::NAME_BYTES)
}

/// What is sent back with a refusal: enough to recognise the request.
fn shortened(mut request: proto::AddTrackRequest) -> proto::AddTrackRequest {
    let fits = |text: &String| text.len() <= limits::NAME_BYTES;
    request.name = Some(request.name).filter(fits).unwrap_or_default();
    request.cid = Some(request.cid).filter(fits).unwrap_or_default();
    request.sid = Some(request.sid).filter(fits).unwrap_or_default();
    request.stream = Some(request.stream).filter(fits).unwrap_or_default();
    request.layers.clear();
    request.simulcast_codecs.clear();
    request.audio_features.clear();
    request.packet_trailer_features.clear();
    request
}
