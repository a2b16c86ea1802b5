//! Who receives what: wishes, permissions and publications brought together.

use surecast_media::control::{Demand, MediaCommand, Quality};
use surecast_media::id::{PeerId, TrackId};

use super::Room;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::limits;
use crate::participant::{Participant, Subscription, Wish};
use crate::proto;
use crate::proto::signal_response::Message;
use crate::track::Track;

/// What ought to be between a subscriber and a track.
enum Verdict {
    /// It shall receive it.
    Receive,
    /// It wants it, and the publisher does not let it.
    Denied,
    /// It does not want it, or cannot have it.
    Nothing,
}

impl Room {
    /// Everything about one subscriber.
    pub(super) fn reconcile_participant(&mut self, cx: &mut Context, key: ParticipantKey) {
        let tracks: Vec<_> = self
            .tracks
            .values()
            .filter(|track| track.bound)
            .map(|track| track.id)
            .collect();
        for id in tracks {
            self.reconcile(cx, key, id);
        }
        self.reconcile_data_tracks(cx, key);
    }

    /// Everything about one track. `retry`: subscriptions that failed are made
    /// again, because the track has another codec now.
    pub(super) fn reconcile_track(&mut self, cx: &mut Context, id: TrackId, retry: bool) {
        let keys: Vec<_> = self.participants.keys().copied().collect();
        for key in keys {
            if retry && self.has_failed(key, id) {
                self.unsubscribe(cx, key, id);
            }
            self.reconcile(cx, key, id);
        }
    }

    pub(super) fn handle_subscription(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        update: proto::UpdateSubscription,
    ) {
        let listed = update
            .participant_tracks
            .into_iter()
            .flat_map(|tracks| tracks.track_sids);
        let sids: Vec<_> = update.track_sids.into_iter().chain(listed).collect();
        self.update_subscriptions(cx, key, sids, update.subscribe);
    }

    pub(super) fn update_subscriptions(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        sids: Vec<String>,
        subscribe: bool,
    ) {
        for sid in sids.into_iter().take(limits::TRACKS_PER_REQUEST) {
            if !self.wish(key, &sid, |wish| wish.subscribe = Some(subscribe)) {
                continue;
            }
            if let Some(id) = self.track_sids.get(&sid).copied() {
                self.reconcile(cx, key, id);
            }
        }
    }

    pub(super) fn handle_track_setting(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        setting: &proto::UpdateTrackSettings,
    ) {
        let demand = demand_of(setting);
        for sid in setting.track_sids.iter().take(limits::TRACKS_PER_REQUEST) {
            self.set_demand(cx, key, sid, demand);
        }
    }

    /// The subscriber paused the track before it lost its connection.
    pub(super) fn disable_track(&mut self, cx: &mut Context, key: ParticipantKey, sid: &str) {
        let demand = Demand {
            enabled: false,
            ..Demand::default()
        };
        self.set_demand(cx, key, sid, demand);
    }

    /// Tells once more which tracks the participant must not have.
    pub(super) fn send_denials(&self, cx: &mut Context, key: ParticipantKey) {
        let denied = self.participants.get(&key).map(|p| p.denied.clone());
        for id in denied.unwrap_or_default() {
            if let Some(track) = self.tracks.get(&id) {
                self.send_verdict(cx, key, track.publisher, id, false);
            }
        }
    }

    /// Does the participant receive anything from that one?
    pub(super) fn receives_from(&self, key: ParticipantKey, publisher: ParticipantKey) -> bool {
        self.participants.get(&publisher).is_some_and(|publisher| {
            publisher.tracks.iter().any(|id| {
                self.tracks
                    .get(id)
                    .is_some_and(|track| track.subscribers.contains(&key))
            })
        })
    }

    /// Makes true what ought to be between the two.
    pub(super) fn reconcile(&mut self, cx: &mut Context, key: ParticipantKey, id: TrackId) {
        let (Some(participant), Some(track)) = (self.participants.get(&key), self.tracks.get(&id))
        else {
            return;
        };
        let subscribed = participant.subscriptions.contains_key(&id);
        match self.verdict(participant, track) {
            Verdict::Receive => {
                self.set_denied(cx, key, id, false);
                if !subscribed {
                    self.subscribe(cx, key, id);
                }
            }
            Verdict::Denied => {
                self.set_denied(cx, key, id, true);
                self.unsubscribe(cx, key, id);
            }
            Verdict::Nothing => self.unsubscribe(cx, key, id),
        }
    }

    fn verdict(&self, participant: &Participant, track: &Track) -> Verdict {
        let Some(publisher) = self.participants.get(&track.publisher) else {
            return Verdict::Nothing;
        };
        let wished = participant
            .wishes
            .get(track.sid())
            .and_then(|wish| wish.subscribe);
        // Nobody knows of a hidden publisher; a track of a stranger would only
        // confuse clients.
        let wanted = wished.unwrap_or(participant.auto_subscribe && !publisher.hidden());
        let possible = track.bound
            && publisher.key != participant.key
            && participant.can_subscribe()
            && participant.receiving_peer().is_some();
        if !(wanted && possible) {
            Verdict::Nothing
        } else if participant.is_recorder()
            || permits(publisher, participant.identity(), track.sid())
        {
            Verdict::Receive
        } else {
            Verdict::Denied
        }
    }

    fn subscribe(&mut self, cx: &mut Context, key: ParticipantKey, id: TrackId) {
        let (Some(participant), Some(track)) =
            (self.participants.get_mut(&key), self.tracks.get_mut(&id))
        else {
            return;
        };
        let Some(peer) = participant.receiving_peer() else {
            return;
        };
        participant
            .subscriptions
            .insert(id, Subscription::default());
        track.subscribers.insert(key);
        let demand = participant
            .wishes
            .get(track.sid())
            .and_then(|wish| wish.demand)
            .unwrap_or_default();
        let stream_id = self.stream_id(id);
        cx.media(
            self.id,
            MediaCommand::Subscribe {
                peer,
                track: id,
                stream_id,
                demand,
            },
        );
    }

    fn unsubscribe(&mut self, cx: &mut Context, key: ParticipantKey, id: TrackId) {
        let (Some(participant), Some(track)) =
            (self.participants.get_mut(&key), self.tracks.get_mut(&id))
        else {
            return;
        };
        if participant.subscriptions.remove(&id).is_none() {
            return;
        }
        track.subscribers.remove(&key);
        let publisher = track.publisher;
        if let Some(peer) = participant.receiving_peer() {
            cx.media(self.id, MediaCommand::Unsubscribe { peer, track: id });
        }
        self.clear_speaker_for(cx, key, publisher);
    }

    /// Clients find the publisher, and on v0 the track, by the stream's name.
    fn stream_id(&self, id: TrackId) -> String {
        let Some(track) = self.tracks.get(&id) else {
            return String::new();
        };
        let publisher = self
            .participants
            .get(&track.publisher)
            .map_or("", |p| &p.sid);
        match self.sync_streams {
            true => format!("{publisher}|{}", track.info.stream),
            false => format!("{publisher}|{}", track.info.sid),
        }
    }

    fn set_demand(&mut self, cx: &mut Context, key: ParticipantKey, sid: &str, demand: Demand) {
        if !self.wish(key, sid, |wish| wish.demand = Some(demand)) {
            return;
        }
        let Some((peer, track)) = self.delivery(key, sid) else {
            return;
        };
        cx.media(
            self.id,
            MediaCommand::SetDemand {
                peer,
                track,
                demand,
            },
        );
    }

    /// The connection and track of a subscription in force.
    fn delivery(&self, key: ParticipantKey, sid: &str) -> Option<(PeerId, TrackId)> {
        let id = *self.track_sids.get(sid)?;
        let participant = self.participants.get(&key)?;
        participant.subscriptions.contains_key(&id).then_some(())?;
        Some((participant.receiving_peer()?, id))
    }

    fn wish(&mut self, key: ParticipantKey, sid: &str, change: impl FnOnce(&mut Wish)) -> bool {
        let Some(participant) = self.participants.get_mut(&key) else {
            return false;
        };
        let room = participant.wishes.len() < limits::WISHES_PER_PARTICIPANT;
        if sid.len() > limits::NAME_BYTES || !(room || participant.wishes.contains_key(sid)) {
            return false;
        }
        change(participant.wishes.entry(sid.to_owned()).or_default());
        true
    }

    fn set_denied(&mut self, cx: &mut Context, key: ParticipantKey, id: TrackId, denied: bool) {
        let (Some(participant), Some(track)) =
            (self.participants.get_mut(&key), self.tracks.get(&id))
        else {
            return;
        };
        let changed = match denied {
            true => participant.denied.insert(id),
            false => participant.denied.remove(&id),
        };
        if changed {
            let publisher = track.publisher;
            self.send_verdict(cx, key, publisher, id, !denied);
        }
    }

    fn send_verdict(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        publisher: ParticipantKey,
        id: TrackId,
        allowed: bool,
    ) {
        let (Some(publisher), Some(track)) =
            (self.participants.get(&publisher), self.tracks.get(&id))
        else {
            return;
        };
        let update = proto::SubscriptionPermissionUpdate {
            participant_sid: publisher.sid.clone(),
            track_sid: track.info.sid.clone(),
            allowed,
        };
        if let Some(participant) = self.participants.get(&key) {
            participant.send(cx, Message::SubscriptionPermissionUpdate(update));
        }
    }

    fn has_failed(&self, key: ParticipantKey, id: TrackId) -> bool {
        let subscription = self
            .participants
            .get(&key)
            .and_then(|p| p.subscriptions.get(&id));
        subscription.is_some_and(|subscription| subscription.failed)
    }
}

/// Does the publisher let this identity have the track?
pub(super) fn permits(publisher: &Participant, identity: &str, sid: &str) -> bool {
    match &publisher.subscribers_allowed {
        None => true,
        Some(allowed) => allowed.get(identity).is_some_and(|permission| {
            permission.all_tracks || permission.track_sids.iter().any(|s| s == sid)
        }),
    }
}

fn demand_of(setting: &proto::UpdateTrackSettings) -> Demand {
    let quality = match setting.quality() {
        proto::VideoQuality::Low => Quality::Low,
        proto::VideoQuality::Medium => Quality::Medium,
        proto::VideoQuality::High | proto::VideoQuality::Off => Quality::High,
    };
    Demand {
        enabled: !setting.disabled && setting.quality() != proto::VideoQuality::Off,
        quality,
        width: setting.width,
        height: setting.height,
        fps: setting.fps,
        priority: setting.priority,
    }
}
