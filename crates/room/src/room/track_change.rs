//! What happens to a track between its announcement and its end.

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
use crate::proto::request_response::{Reason, Request};
use crate::track::without_duplicates;

const NO_SUCH_TRACK: (Reason, &str) = (Reason::NotFound, "no such track");

impl Room {
    /// An offer carried the track: others see it and receive it.
    pub(super) fn track_bound(
        &mut self,
        cx: &mut Context,
        id: TrackId,
        mid: String,
        mime: &str,
        now: Now,
    ) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        let first = !track.bound;
        let publisher = track.publisher;
        track.bind(mid, mime, now);
        let report = track.info.muted || track.live;
        if let Some(participant) = self.participants.get_mut(&publisher) {
            participant.is_publisher = true;
        }
        self.announce(cx, publisher, if first { Echo::No } else { Echo::Yes }, now);
        if first {
            self.counts_changed(cx, now);
            if report {
                self.report_published(cx, id, now);
            }
        }
        self.reconcile_track(cx, id, !first);
    }

    /// The first packet came, or the codec changed.
    pub(super) fn track_live(&mut self, cx: &mut Context, id: TrackId, mime: &str, now: Now) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        track.live = true;
        if track.bound && !mime.is_empty() && !track.info.mime_type.eq_ignore_ascii_case(mime) {
            mime.clone_into(&mut track.info.mime_type);
            track.touch(now);
            let publisher = track.publisher;
            self.announce(cx, publisher, Echo::Yes, now);
        }
        self.report_published(cx, id, now);
    }

    /// The track as it is then; `None` where the participant has no such track.
    pub(super) fn set_muted(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        sid: &str,
        muted: bool,
        now: Now,
    ) -> Option<proto::TrackInfo> {
        let id = self.own_track(key, sid)?;
        let track = self.tracks.get_mut(&id)?;
        if track.info.muted != muted {
            track.info.muted = muted;
            track.touch(now);
            let bound = track.bound;
            cx.media(self.id, MediaCommand::Mute { track: id, muted });
            if bound {
                self.announce(cx, key, Echo::Yes, now);
            }
            if muted {
                self.report_published(cx, id, now);
            }
        }
        self.tracks.get(&id).map(|track| track.info.clone())
    }

    pub(super) fn handle_mute(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        mute: proto::MuteTrackRequest,
        now: Now,
    ) {
        if self
            .set_muted(cx, key, &mute.sid, mute.muted, now)
            .is_none()
        {
            self.refuse(cx, key, NO_SUCH_TRACK, Request::Mute(mute));
        }
    }

    // The deprecated flags say the same to older clients.
    #[allow(deprecated)]
    pub(super) fn update_audio_track(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        update: proto::UpdateLocalAudioTrack,
        now: Now,
    ) {
        let features = without_duplicates(&update.features);
        let has = |feature: proto::AudioTrackFeature| features.contains(&(feature as i32));
        let (stereo, disable_dtx) = (
            has(proto::AudioTrackFeature::TfStereo),
            has(proto::AudioTrackFeature::TfNoDtx),
        );
        let changed = self.change_info(cx, key, &update.track_sid, now, |info| {
            info.audio_features = features;
            info.stereo = stereo;
            info.disable_dtx = disable_dtx;
        });
        if !changed {
            let echo = Request::UpdateAudioTrack(update);
            self.refuse(cx, key, NO_SUCH_TRACK, echo);
        }
    }

    pub(super) fn update_video_track(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        update: proto::UpdateLocalVideoTrack,
        now: Now,
    ) {
        let changed = self.change_info(cx, key, &update.track_sid, now, |info| {
            info.width = update.width;
            info.height = update.height;
        });
        if !changed {
            let echo = Request::UpdateVideoTrack(update);
            self.refuse(cx, key, NO_SUCH_TRACK, echo);
        }
    }

    /// Older clients change the sizes of their renditions by this message.
    #[allow(deprecated)]
    pub(super) fn update_layers(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        mut update: proto::UpdateVideoLayers,
        now: Now,
    ) {
        update
            .layers
            .retain(|layer| layer.rid.len() <= limits::NAME_BYTES);
        update.layers.truncate(limits::LAYERS_PER_CODEC);
        self.change_info(cx, key, &update.track_sid, now, |info| {
            info.layers = update.layers
        });
    }

    fn change_info(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        sid: &str,
        now: Now,
        change: impl FnOnce(&mut proto::TrackInfo),
    ) -> bool {
        let Some(track) = self
            .own_track(key, sid)
            .and_then(|id| self.tracks.get_mut(&id))
        else {
            return false;
        };
        change(&mut track.info);
        track.touch(now);
        if track.bound {
            self.announce(cx, key, Echo::Yes, now);
        }
        true
    }

    fn report_published(&mut self, cx: &mut Context, id: TrackId, now: Now) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.reported || !track.bound {
            return;
        }
        track.reported = true;
        let (publisher, info) = (track.publisher, track.info.clone());
        let participant = self
            .participants
            .get(&publisher)
            .map(|p| self.participant_info(p, cx));
        self.report(cx, EventKind::TrackPublished, participant, Some(info), now);
    }
}
