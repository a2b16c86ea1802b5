//! Who receives which data track, under which handle.

use std::collections::BTreeMap;
use std::sync::Arc;

use surecast_media::control::DataChannel;
use surecast_media::id::PeerId;

use super::Room;
use super::subscribe::permits;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::limits;
use crate::proto;
use crate::proto::signal_response::Message;

/// Every packet starts with 12 bytes; the handle is at bytes 2 and 3, big endian.
const HEADER_BYTES: usize = 12;
const HANDLE: std::ops::Range<usize> = 2..4;

/// Publisher and subscribers of every data track, by sid.
#[derive(Default)]
pub(super) struct DataRoutes(BTreeMap<String, DataRoute>);

struct DataRoute {
    publisher: ParticipantKey,
    /// With the handle that each of them was given.
    subscribers: BTreeMap<ParticipantKey, u16>,
}

impl DataRoutes {
    pub(super) fn add(&mut self, sid: &str, publisher: ParticipantKey) {
        let route = DataRoute {
            publisher,
            subscribers: BTreeMap::new(),
        };
        self.0.insert(sid.to_owned(), route);
    }

    pub(super) fn remove_subscriber(&mut self, sid: &str, key: ParticipantKey) {
        if let Some(route) = self.0.get_mut(sid) {
            route.subscribers.remove(&key);
        }
    }
}

impl Room {
    pub(super) fn handle_data_subscription(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        update: proto::UpdateDataSubscription,
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
        self.reconcile_data_tracks(cx, key);
    }

    /// Everything about one subscriber; it is told its handles where they changed.
    pub(super) fn reconcile_data_tracks(&mut self, cx: &mut Context, key: ParticipantKey) {
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
    pub(super) fn reconcile_subscribers_of_data(&mut self, cx: &mut Context, key: ParticipantKey) {
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
        let tracks = self.participants.get(&key).map(|p| &p.data_tracks);
        let Some(info) = tracks.and_then(|tracks| tracks.published.get(&handle)) else {
            return;
        };
        let Some(route) = self.data_routes.0.get(&info.sid) else {
            return;
        };
        let mut by_handle: BTreeMap<u16, Vec<PeerId>> = BTreeMap::new();
        for (key, handle) in &route.subscribers {
            if let Some(subscriber) = self.participants.get(key).filter(|p| p.is_active()) {
                by_handle
                    .entry(*handle)
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

    pub(super) fn drop_data_route(&mut self, cx: &mut Context, sid: &str) {
        let Some(route) = self.data_routes.0.remove(sid) else {
            return;
        };
        for key in route.subscribers.into_keys() {
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

    pub(super) fn reconcile_data_track(&mut self, cx: &mut Context, sid: &str) {
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
        match (wanted, route.subscribers.contains_key(&key)) {
            (true, false) => {
                let Some(handle) = tracks.take_handle() else {
                    return false;
                };
                tracks.received.insert(handle, sid.to_owned());
                route.subscribers.insert(key, handle).is_none()
            }
            (false, true) => {
                tracks.received.retain(|_, other| other != sid);
                route.subscribers.remove(&key).is_some()
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

    /// Which handle means which track, all of them.
    pub(super) fn send_handles(&self, cx: &mut Context, key: ParticipantKey) {
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
