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
            Err((reason, message)) => {
                let echo = proto::PublishDataTrackRequest {
                    pub_handle: request.pub_handle,
                    ..Default::default()
                };
                self.respond(
                    cx,
                    key,
                    reason,
                    message,
                    0,
                    Some(Request::PublishDataTrack(echo)),
                );
                return;
            }
        };
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
            self.respond(
                cx,
                key,
                Reason::NotFound,
                "no data track with this handle",
                0,
                Some(echo),
            );
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
    ) -> Result<u16, (Reason, &'static str)> {
        let Some(participant) = self.participants.get(&key) else {
            return Err((Reason::NotFound, "no such participant"));
        };
        let published = &participant.data_tracks.published;
        if !participant.can_publish_data() {
            return Err((
                Reason::NotAllowed,
                "does not have permission to publish data",
            ));
        }
        let handle = u16::try_from(request.pub_handle).unwrap_or(0);
        if handle == 0 {
            return Err((Reason::InvalidHandle, "handle should be > 0 and < 65536"));
        }
        if request.name.is_empty() || request.name.chars().count() > limits::NAME_BYTES {
            return Err((
                Reason::InvalidName,
                "name should not be empty and not exceed 256 characters",
            ));
        }
        if published.contains_key(&handle) {
            return Err((
                Reason::DuplicateHandle,
                "a data track with same handle already exists",
            ));
        }
        if published.values().any(|info| info.name == request.name) {
            return Err((
                Reason::DuplicateName,
                "a data track with same name already exists",
            ));
        }
        if published.len() >= limits::TRACKS_PER_PARTICIPANT {
            return Err((Reason::LimitExceeded, "too many data tracks"));
        }
        // Both are passed on to everybody in the room.
        if request.encoded_len() > REQUEST_BYTES {
            return Err((Reason::InvalidRequest, "encoding or schema is too long"));
        }
        Ok(handle)
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
