//! Data tracks: streams of framed packets, addressed by 16-bit handles that the
//! publisher and every subscriber number for themselves. Here they are published.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use surecast_media::time::Now;

use super::Room;
use super::broadcast::Echo;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::limits;
use crate::participant::Participant;
use crate::proto;
use crate::proto::request_response::{Reason, Request};
use crate::proto::signal_response::Message;

/// Bytes of a publication request besides its name: both encoding and schema
/// have names of their own, in up to four bytes a character.
const REQUEST_BYTES: usize = 3 * 4 * limits::NAME_BYTES;

type Why = (Reason, &'static str);
const NOT_ALLOWED: Why = (
    Reason::NotAllowed,
    "does not have permission to publish data",
);
const BAD_HANDLE: Why = (Reason::InvalidHandle, "handle should be > 0 and < 65536");
const BAD_NAME: Why = (
    Reason::InvalidName,
    "name should not be empty and not exceed 256 characters",
);
const TAKEN_HANDLE: Why = (
    Reason::DuplicateHandle,
    "a data track with same handle already exists",
);
const TAKEN_NAME: Why = (
    Reason::DuplicateName,
    "a data track with same name already exists",
);
const TOO_MANY: Why = (Reason::LimitExceeded, "too many data tracks");
const TOO_LONG: Why = (Reason::InvalidRequest, "encoding or schema is too long");

/// Data tracks of one participant, both ways.
#[derive(Default)]
pub(crate) struct DataTracks {
    /// By the publisher's handle. At most [`limits::TRACKS_PER_PARTICIPANT`].
    pub(super) published: BTreeMap<u16, proto::DataTrackInfo>,
    /// By the subscriber's handle.
    pub(super) received: BTreeMap<u16, String>,
    next_handle: u16,
    /// What was asked for, by sid. At most [`limits::WISHES_PER_PARTICIPANT`].
    pub(super) wishes: HashMap<String, bool>,
}

impl DataTracks {
    pub(crate) fn infos(&self) -> Vec<proto::DataTrackInfo> {
        self.published.values().cloned().collect()
    }

    fn has(&self, sid: &str) -> bool {
        self.published.values().any(|info| info.sid == sid)
    }

    /// The next handle that is free and not 0; `None` where all are taken.
    pub(super) fn take_handle(&mut self) -> Option<u16> {
        for _ in 0..=u16::MAX {
            self.next_handle = self.next_handle.wrapping_add(1);
            if self.next_handle != 0 && !self.received.contains_key(&self.next_handle) {
                return Some(self.next_handle);
            }
        }
        None
    }
}

impl Room {
    pub(super) fn publish_data_track(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        request: proto::PublishDataTrackRequest,
        now: Now,
    ) {
        let handle = match self.check_data_track(key, &request) {
            Ok(handle) => handle,
            Err(why) => {
                let echo = proto::PublishDataTrackRequest {
                    pub_handle: request.pub_handle,
                    ..Default::default()
                };
                self.refuse(cx, key, why, Request::PublishDataTrack(echo));
                return;
            }
        };
        self.accept_data_track(cx, key, handle, request, now);
    }

    pub(super) fn handle_unpublish_data_track(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        request: proto::UnpublishDataTrackRequest,
        now: Now,
    ) {
        let handle = u16::try_from(request.pub_handle).ok();
        if handle.is_none_or(|handle| !self.unpublish_data_track(cx, key, handle)) {
            let echo = Request::UnpublishDataTrack(request);
            let why = (Reason::NotFound, "no data track with this handle");
            self.refuse(cx, key, why, echo);
            return;
        }
        self.announce(cx, key, Echo::No, now);
    }

    /// The participant may not publish data any more.
    pub(super) fn unpublish_all_data(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let handles: Vec<_> = participant.data_tracks.published.keys().copied().collect();
        for handle in &handles {
            self.unpublish_data_track(cx, key, *handle);
        }
        if !handles.is_empty() {
            self.announce(cx, key, Echo::No, now);
        }
    }

    /// Both what the departed participant published and what it received.
    pub(super) fn drop_data_tracks_of(&mut self, cx: &mut Context, participant: &Participant) {
        for sid in participant.data_tracks.received.values() {
            self.data_routes.remove_subscriber(sid, participant.key);
        }
        for info in participant.data_tracks.published.values() {
            self.drop_data_route(cx, &info.sid);
        }
    }

    pub(super) fn receives_data_tracks(&self, key: ParticipantKey) -> bool {
        self.participants
            .get(&key)
            .is_some_and(|p| !p.data_tracks.received.is_empty())
    }

    pub(super) fn publishes_data_track(&self, key: ParticipantKey, sid: &str) -> bool {
        self.participants
            .get(&key)
            .is_some_and(|p| p.data_tracks.has(sid))
    }

    fn check_data_track(
        &self,
        key: ParticipantKey,
        request: &proto::PublishDataTrackRequest,
    ) -> Result<u16, Why> {
        let Some(participant) = self.participants.get(&key) else {
            return Err((Reason::NotFound, "no such participant"));
        };
        let published = &participant.data_tracks.published;
        let handle = u16::try_from(request.pub_handle).unwrap_or(0);
        let name = request.name.chars().count();
        let taken = published.values().any(|info| info.name == request.name);
        // The first that is wrong is the answer.
        let faults = [
            (!participant.can_publish_data(), NOT_ALLOWED),
            (handle == 0, BAD_HANDLE),
            (name == 0 || name > limits::NAME_BYTES, BAD_NAME),
            (published.contains_key(&handle), TAKEN_HANDLE),
            (taken, TAKEN_NAME),
            (published.len() >= limits::TRACKS_PER_PARTICIPANT, TOO_MANY),
            (request.encoded_len() > REQUEST_BYTES, TOO_LONG),
        ];
        match faults.into_iter().find(|(is_wrong, _)| *is_wrong) {
            Some((_, why)) => Err(why),
            None => Ok(handle),
        }
    }

    fn accept_data_track(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        handle: u16,
        request: proto::PublishDataTrackRequest,
        now: Now,
    ) {
        let info = proto::DataTrackInfo {
            pub_handle: request.pub_handle,
            sid: cx.ids.sid("DTR_"),
            name: request.name,
            encryption: request.encryption,
            frame_encoding: request.frame_encoding,
            schema: request.schema,
        };
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.is_publisher = true;
        participant
            .data_tracks
            .published
            .insert(handle, info.clone());
        let response = proto::PublishDataTrackResponse {
            info: Some(info.clone()),
        };
        participant.send(cx, Message::PublishDataTrackResponse(response));
        self.data_routes.add(&info.sid, key);
        self.announce(cx, key, Echo::No, now);
        self.reconcile_data_track(cx, &info.sid);
    }

    fn unpublish_data_track(&mut self, cx: &mut Context, key: ParticipantKey, handle: u16) -> bool {
        let Some(participant) = self.participants.get_mut(&key) else {
            return false;
        };
        let Some(info) = participant.data_tracks.published.remove(&handle) else {
            return false;
        };
        let sid = info.sid.clone();
        let response = proto::UnpublishDataTrackResponse { info: Some(info) };
        participant.send(cx, Message::UnpublishDataTrackResponse(response));
        self.drop_data_route(cx, &sid);
        true
    }
}
