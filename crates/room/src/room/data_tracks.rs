//! Data tracks: streams of framed packets, addressed by 16-bit handles that the
//! publisher and every subscriber number for themselves.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use surecast_media::control::DataChannel;
use surecast_media::id::PeerId;
use surecast_media::time::Now;

use super::Room;
use super::broadcast::Echo;
use super::subscribe::permits;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::limits;
use crate::participant::Participant;
use crate::proto;
use crate::proto::request_response::{Reason, Request};
use crate::proto::signal_response::Message;

/// Every packet starts with 12 bytes; the handle is at bytes 2 and 3, big endian.
const HEADER_BYTES: usize = 12;
const HANDLE: std::ops::Range<usize> = 2..4;

/// Data tracks of one participant, both ways.
#[derive(Default)]
pub(crate) struct DataTracks {
    /// By the publisher's handle. At most [`limits::TRACKS_PER_PARTICIPANT`].
    published: BTreeMap<u16, proto::DataTrackInfo>,
    /// By the subscriber's handle.
    received: BTreeMap<u16, String>,
    next_handle: u16,
    /// What was asked for, by sid. At most [`limits::WISHES_PER_PARTICIPANT`].
    wishes: HashMap<String, bool>,
}

impl DataTracks {
    pub(crate) fn infos(&self) -> Vec<proto::DataTrackInfo> {
        self.published.values().cloned().collect()
    }

    fn has(&self, sid: &str) -> bool {
        self.published.values().any(|info| info.sid == sid)
    }

    fn handle_of(&self, sid: &str) -> Option<u16> {
        self.received
            .iter()
            .find(|(_, other)| *other == sid)
            .map(|(handle, _)| *handle)
    }

    /// The next handle that is free and not 0; `None` where all are taken.
    fn take_handle(&mut self) -> Option<u16> {
        for _ in 0..=u16::MAX {
            self.next_handle = self.next_handle.wrapping_add(1);
            if self.next_handle != 0 && !self.received.contains_key(&self.next_handle) {
                return Some(self.next_handle);
            }
        }
        None
    }
}

/// Who publishes and who receives, by sid.
#[derive(Default)]
pub(super) struct DataRoutes(BTreeMap<String, DataRoute>);

struct DataRoute {
    publisher: ParticipantKey,
    subscribers: BTreeSet<ParticipantKey>,
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
        let route = DataRoute {
            publisher: key,
            subscribers: BTreeSet::new(),
        };
        self.data_routes.0.insert(info.sid.clone(), route);
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

    pub(super) fn handle_data_subscription(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        update: proto::UpdateDataSubscription,
        now: Now,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        for update in update.updates.into_iter().take(limits::TRACKS_PER_REQUEST) {
            let wishes = &mut participant.data_tracks.wishes;
            let room = wishes.len() < limits::WISHES_PER_PARTICIPANT
                || wishes.contains_key(&update.track_sid);
            if room && update.track_sid.len() <= limits::NAME_BYTES {
                wishes.insert(update.track_sid, update.subscribe);
            }
        }
        self.reconcile_data_tracks(cx, key, now);
    }

    /// Everything about one subscriber; it is told its handles where they changed.
    pub(super) fn reconcile_data_tracks(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        _now: Now,
    ) {
        let sids: Vec<String> = self.data_routes.0.keys().cloned().collect();
        let mut changed = false;
        for sid in sids {
            changed |= self.reconcile_data_route(key, &sid);
        }
        if changed {
            self.send_handles(cx, key);
        }
    }

    /// The publisher changed who may receive its data tracks.
    pub(super) fn reconcile_subscribers_of_data(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        _now: Now,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let infos = participant.data_tracks.infos();
        for info in infos {
            self.reconcile_data_track(cx, &info.sid);
        }
    }

    /// Passes a packet on under each subscriber's own handle.
    pub(super) fn forward_data_track(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        packet: &Arc<[u8]>,
    ) {
        let Some(handle) = handle_of(packet) else {
            tracing::debug!(room = %self.name(), participant = %self.identity_of(key), "data track packet too short");
            return;
        };
        let published = self
            .participants
            .get(&key)
            .and_then(|p| p.data_tracks.published.get(&handle));
        let Some(route) =
            published.and_then(|info| Some((info, self.data_routes.0.get(&info.sid)?)))
        else {
            return;
        };
        let (info, route) = route;
        let mut by_handle: BTreeMap<u16, Vec<PeerId>> = BTreeMap::new();
        for subscriber in route
            .subscribers
            .iter()
            .filter_map(|key| self.participants.get(key))
        {
            if let Some(handle) = subscriber.data_tracks.handle_of(&info.sid)
                && subscriber.is_active()
            {
                by_handle
                    .entry(handle)
                    .or_default()
                    .push(subscriber.primary_peer());
            }
        }
        for (handle, peers) in by_handle {
            self.send_data(
                cx,
                peers,
                DataChannel::DataTrack,
                with_handle(packet, handle),
            );
        }
    }

    /// Both what the departed participant published and what it received.
    pub(super) fn drop_data_tracks_of(&mut self, cx: &mut Context, participant: &Participant) {
        for sid in participant.data_tracks.received.values() {
            if let Some(route) = self.data_routes.0.get_mut(sid) {
                route.subscribers.remove(&participant.key);
            }
        }
        for info in participant.data_tracks.published.values() {
            self.drop_data_route(cx, &info.sid);
        }
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
        if prost_size(request) > 2 * limits::NAME_BYTES * 4 {
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

    fn drop_data_route(&mut self, cx: &mut Context, sid: &str) {
        let Some(route) = self.data_routes.0.remove(sid) else {
            return;
        };
        for key in route.subscribers {
            if let Some(subscriber) = self.participants.get_mut(&key) {
                subscriber
                    .data_tracks
                    .received
                    .retain(|_, other| other != sid);
                subscriber.data_tracks.wishes.remove(sid);
            }
            self.send_handles(cx, key);
        }
    }

    fn reconcile_data_track(&mut self, cx: &mut Context, sid: &str) {
        let keys: Vec<_> = self.participants.keys().copied().collect();
        for key in keys {
            if self.reconcile_data_route(key, sid) {
                self.send_handles(cx, key);
            }
        }
    }

    /// `true` where the subscriber's handles changed.
    fn reconcile_data_route(&mut self, key: ParticipantKey, sid: &str) -> bool {
        let wanted = self.wants_data_track(key, sid);
        let (Some(participant), Some(route)) = (
            self.participants.get_mut(&key),
            self.data_routes.0.get_mut(sid),
        ) else {
            return false;
        };
        let tracks = &mut participant.data_tracks;
        match (wanted, route.subscribers.contains(&key)) {
            (true, false) => {
                let Some(handle) = tracks.take_handle() else {
                    return false;
                };
                tracks.received.insert(handle, sid.to_owned());
                route.subscribers.insert(key)
            }
            (false, true) => {
                tracks.received.retain(|_, other| other != sid);
                route.subscribers.remove(&key)
            }
            _ => false,
        }
    }

    fn wants_data_track(&self, key: ParticipantKey, sid: &str) -> bool {
        let Some((participant, route)) =
            self.participants.get(&key).zip(self.data_routes.0.get(sid))
        else {
            return false;
        };
        let Some(publisher) = self.participants.get(&route.publisher) else {
            return false;
        };
        let wish = participant.data_tracks.wishes.get(sid).copied();
        wish.unwrap_or(participant.auto_subscribe_data_track && !publisher.hidden())
            && publisher.key != key
            && participant.can_subscribe()
            && (participant.is_recorder() || permits(publisher, participant.identity(), sid))
    }

    fn send_handles(&self, cx: &mut Context, key: ParticipantKey) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let published = |sid: &String| {
            let publisher = self
                .participants
                .get(&self.data_routes.0.get(sid)?.publisher)?;
            Some(proto::data_track_subscriber_handles::PublishedDataTrack {
                publisher_identity: publisher.identity().to_owned(),
                publisher_sid: publisher.sid.clone(),
                track_sid: sid.clone(),
            })
        };
        let received = participant.data_tracks.received.iter();
        let sub_handles = received
            .filter_map(|(handle, sid)| Some((u32::from(*handle), published(sid)?)))
            .collect();
        let message = proto::DataTrackSubscriberHandles { sub_handles };
        participant.send(cx, Message::DataTrackSubscriberHandles(message));
    }
}

/// Entry point for a fuzzer: any bytes as a data track packet.
pub fn fuzz_data_track_packet(bytes: &[u8]) {
    if handle_of(bytes).is_some() {
        let _ = with_handle(bytes, 1);
    }
}

fn handle_of(packet: &[u8]) -> Option<u16> {
    let bytes: [u8; 2] = packet.get(HANDLE)?.try_into().ok()?;
    (packet.len() >= HEADER_BYTES && packet.len() <= limits::DATA_BYTES)
        .then(|| u16::from_be_bytes(bytes))
}

/// `packet` has been through [`handle_of`].
fn with_handle(packet: &[u8], handle: u16) -> Arc<[u8]> {
    let mut out = packet.to_vec();
    if let Some(bytes) = out.get_mut(HANDLE) {
        bytes.copy_from_slice(&handle.to_be_bytes());
    }
    out.into()
}

fn prost_size(message: &impl prost::Message) -> usize {
    message.encoded_len()
}
