//! Permissions that change while the participant is in the room.

use std::collections::HashMap;

use surecast_media::id::TrackId;
use surecast_media::time::Now;

use super::Room;
use super::broadcast::Echo;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::limits;
use crate::proto;
use crate::proto::signal_response::Message;

impl Room {
    /// An administrator gives the participant other permissions.
    pub(super) fn set_permission(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        permission: &proto::ParticipantPermission,
        now: Now,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let mut video = participant.video();
        if video.to_permission() == *permission {
            return;
        }
        let was_hidden = video.hidden;
        video.set_permission(permission);
        participant.grants.video = Some(video);
        tracing::info!(room = %self.fixed.name, participant = %participant.identity(), ?permission, "permission changed");
        self.revoke_tracks(cx, key, now);
        if self
            .participants
            .get(&key)
            .is_some_and(|p| p.can_subscribe())
        {
            self.add_subscriber_peer(cx, key);
        }
        self.reconcile_participant(cx, key);
        self.visibility_changed(cx, key, was_hidden, now);
        self.announce(cx, key, Echo::Yes, now);
        self.refresh_token(cx, key, now);
        self.counts_changed(cx, now);
        self.watch_idle(cx, now);
    }

    /// A publisher says who may subscribe to its tracks.
    pub(super) fn handle_subscription_permission(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        update: proto::SubscriptionPermission,
    ) {
        let allowed = match update.all_participants {
            true => None,
            false => Some(self.permissions_by_identity(update.track_permissions)),
        };
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.subscribers_allowed = allowed;
        for id in participant.tracks.clone() {
            self.reconcile_track(cx, id, false);
        }
        self.reconcile_subscribers_of_data(cx, key);
    }

    fn permissions_by_identity(
        &self,
        permissions: Vec<proto::TrackPermission>,
    ) -> HashMap<String, proto::TrackPermission> {
        let mut by_identity = HashMap::new();
        for mut permission in permissions
            .into_iter()
            .take(limits::SUBSCRIPTION_PERMISSIONS)
        {
            permission
                .track_sids
                .truncate(limits::TRACKS_PER_PARTICIPANT * 2);
            let mut identity = std::mem::take(&mut permission.participant_identity);
            if identity.is_empty() {
                let key = self.sids.get(&permission.participant_sid);
                match key.and_then(|key| self.participants.get(key)) {
                    Some(participant) => identity = participant.identity().to_owned(),
                    None => continue,
                }
            }
            by_identity.insert(identity, permission);
        }
        by_identity
    }

    /// Ends what the participant may not publish any more.
    fn revoke_tracks(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.queued_tracks.clear();
        let participant = &self.participants[&key];
        let revoked = |id: &TrackId| {
            let source = self.tracks.get(id).map(|track| track.info.source());
            source.is_some_and(|source| !participant.can_publish_source(source))
        };
        let tracks: Vec<_> = participant.tracks.iter().copied().filter(revoked).collect();
        for id in tracks {
            let sid = self.tracks.get(&id).map(|track| track.info.sid.clone());
            self.unpublish(cx, id, now);
            if let (Some(track_sid), Some(participant)) = (sid, self.participants.get(&key)) {
                let message = proto::TrackUnpublishedResponse { track_sid };
                participant.send(cx, Message::TrackUnpublished(message));
            }
        }
        if self
            .participants
            .get(&key)
            .is_some_and(|p| !p.can_publish_data())
        {
            self.unpublish_all_data(cx, key, now);
        }
        if let Some(participant) = self.participants.get_mut(&key)
            && !participant.can_publish()
        {
            participant.is_publisher = false;
        }
    }

    /// Others must not go on seeing somebody who became hidden, nor miss
    /// somebody who no longer is.
    fn visibility_changed(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        was_hidden: bool,
        now: Now,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        if participant.hidden() == was_hidden {
            return;
        }
        if !was_hidden {
            let mut info = self.participant_info(participant, cx);
            info.set_state(proto::participant_info::State::Disconnected);
            info.version = info.version.saturating_add(1);
            self.announce_to_others(cx, key, info, now);
        }
        for id in self.participants[&key].tracks.clone() {
            self.reconcile_track(cx, id, false);
        }
    }
}
