//! Participants leave, or are made to; rooms close.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use surecast_media::control::MediaCommand;
use surecast_media::id::TrackId;
use surecast_media::time::Now;

use super::Room;
use crate::context::Context;
use crate::event::{EventKind, JoinOutcome, Tap};
use crate::ids::ParticipantKey;
use crate::participant::Participant;
use crate::proto;
use crate::proto::DisconnectReason;
use crate::proto::leave_request::Action;
use crate::proto::participant_info::State;
use crate::proto::signal_response::Message;
use crate::timers::Subject;

/// From this protocol on, a leave says what to do next; before it, there is
/// only `can_reconnect`.
const LEAVE_WITH_ACTION: u32 = 13;

/// Departures remembered for those who are away themselves. Whoever missed more
/// than these has to start over.
const DEPARTED: usize = 1024;

/// How a participant goes.
#[derive(Clone, Copy)]
pub(super) struct Departure {
    reason: DisconnectReason,
    /// What the client is told; `None`: nothing.
    action: Option<Action>,
}

impl Departure {
    /// The client left, or cannot be told.
    pub(super) fn quiet(reason: DisconnectReason) -> Self {
        Self {
            reason,
            action: None,
        }
    }

    /// The client shall stay away.
    pub(super) fn told(reason: DisconnectReason) -> Self {
        Self {
            reason,
            action: Some(Action::Disconnect),
        }
    }

    /// The client shall join again from scratch.
    pub(super) fn start_over(reason: DisconnectReason) -> Self {
        Self {
            reason,
            action: Some(Action::Reconnect),
        }
    }
}

/// Who left lately, for participants that were away meanwhile.
#[derive(Default)]
pub(super) struct Departed {
    log: VecDeque<(Instant, proto::ParticipantInfo)>,
    forgotten_until: Option<Instant>,
}

impl Departed {
    fn add(&mut self, info: &proto::ParticipantInfo, keep: Duration, now: Now) {
        while self.log.front().is_some_and(|(at, _)| *at + keep < now.at) {
            self.log.pop_front();
        }
        if self.log.len() >= DEPARTED {
            self.forgotten_until = self.log.pop_front().map(|(at, _)| at);
        }
        let info = proto::ParticipantInfo {
            sid: info.sid.clone(),
            identity: info.identity.clone(),
            version: info.version,
            state: info.state,
            disconnect_reason: info.disconnect_reason,
            ..Default::default()
        };
        self.log.push_back((now.at, info));
    }

    /// Everybody who left since then; `None` where that is not known any more.
    pub(super) fn since(&self, then: Instant) -> Option<Vec<proto::ParticipantInfo>> {
        if self.forgotten_until.is_some_and(|at| at >= then) {
            return None;
        }
        let later = self.log.iter().filter(|(at, _)| *at >= then);
        Some(later.map(|(_, info)| info.clone()).collect())
    }
}

impl Room {
    /// The participant is out, with everything it published and received.
    pub(super) fn remove(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        how: Departure,
        now: Now,
    ) {
        let Some(mut participant) = self.participants.remove(&key) else {
            return;
        };
        tracing::info!(room = %self.name(), participant = %participant.identity(),
            reason = how.reason.as_str_name(), "participant leaves");
        self.forget(cx, &participant);
        if let Some(session) = participant.signalling.session.take() {
            if let Some(message) = how
                .action
                .and_then(|action| leave(participant.protocol, how.reason, action))
            {
                cx.signal(session, message);
            }
            cx.close_session(session);
        }
        for peer in participant.all_peers() {
            cx.peers.remove(peer);
            cx.media(self.id, MediaCommand::RemovePeer { peer });
        }
        self.drop_tracks_of(cx, &mut participant, now);
        self.drop_subscriptions_of(&participant);
        self.drop_data_tracks_of(cx, &participant);
        self.speaker_left(cx, &participant.sid, key);
        self.report_departure(cx, &mut participant, how.reason, now);
        self.counts_changed(cx, now);
        self.watch_idle(cx, now);
    }

    /// Everybody out; the room ends.
    pub(crate) fn close(&mut self, cx: &mut Context, reason: DisconnectReason, now: Now) {
        if self.closed {
            return;
        }
        self.closed = true;
        let keys: Vec<_> = self.participants.keys().copied().collect();
        for key in keys {
            self.remove(cx, key, Departure::told(reason), now);
        }
        for subject in Subject::OF_ROOM {
            cx.timers.cancel(self.id, subject);
        }
        tracing::info!(room = %self.name(), reason = reason.as_str_name(), "room closed");
        self.report(cx, EventKind::RoomFinished, None, None, now);
    }

    /// Starts the countdown where nobody is left that would keep the room open.
    pub(super) fn watch_idle(&mut self, cx: &mut Context, now: Now) {
        if self.closed || !self.is_idle() {
            return;
        }
        let seconds = match self.ever_joined {
            true => self.fixed.departure_timeout,
            false => self.fixed.empty_timeout,
        };
        let at = now.at + Duration::from_secs(u64::from(seconds));
        cx.timers.set_if_idle(self.id, Subject::RoomIdle, at);
    }

    pub(super) fn close_if_idle(&mut self, cx: &mut Context, now: Now) {
        if self.is_idle() {
            self.close(cx, DisconnectReason::RoomClosed, now);
        }
    }

    pub(super) fn join_timed_out(&mut self, cx: &mut Context, key: ParticipantKey, now: Now) {
        if self.participants.get(&key).is_some_and(|p| !p.is_active()) {
            self.remove(cx, key, Departure::told(DisconnectReason::JoinFailure), now);
        }
    }

    fn is_idle(&self) -> bool {
        self.participants.values().all(Participant::is_dependent)
    }

    fn forget(&mut self, cx: &mut Context, participant: &Participant) {
        if self.identities.get(participant.identity()) == Some(&participant.key) {
            self.identities.remove(participant.identity());
        }
        self.sids.remove(&participant.sid);
        for subject in Subject::of_participant(participant.key) {
            cx.timers.cancel(self.id, subject);
        }
        for other in self.participants.values_mut() {
            other.told_quality.remove(&participant.key);
        }
    }

    /// The forwarding engine drops them with the peer connection.
    fn drop_tracks_of(&mut self, cx: &mut Context, participant: &mut Participant, now: Now) {
        let tracks: Vec<TrackId> = std::mem::take(&mut participant.tracks);
        for id in tracks {
            let Some(track) = self.forget_track(cx, id) else {
                continue;
            };
            if track.reported {
                let info = self.participant_info(participant, cx);
                self.report(
                    cx,
                    EventKind::TrackUnpublished,
                    Some(info),
                    Some(track.info),
                    now,
                );
            }
        }
    }

    fn drop_subscriptions_of(&mut self, participant: &Participant) {
        for id in participant.subscriptions.keys() {
            if let Some(track) = self.tracks.get_mut(id) {
                track.subscribers.remove(&participant.key);
            }
        }
    }

    fn report_departure(
        &mut self,
        cx: &mut Context,
        participant: &mut Participant,
        reason: DisconnectReason,
        now: Now,
    ) {
        let was_active = participant.is_active();
        participant.state = State::Disconnected;
        participant.version = participant.version.saturating_add(1);
        let mut info = self.participant_info(participant, cx);
        info.set_disconnect_reason(reason);
        if !participant.hidden() {
            self.departed.add(&info, cx.settings.resume_window * 2, now);
            self.announce_to_others(cx, participant.key, info.clone(), now);
        }
        if was_active {
            self.report(cx, EventKind::ParticipantLeft, Some(info), None, now);
            return;
        }
        self.report(
            cx,
            EventKind::ParticipantConnectionAborted,
            Some(info),
            None,
            now,
        );
        cx.tap(Tap::Join {
            room: self.name().to_owned(),
            identity: participant.identity().to_owned(),
            participant: participant.sid.clone(),
            signalling: u8::from(participant.peers.single),
            outcome: JoinOutcome::Aborted(reason),
            total: now.at.saturating_duration_since(participant.joined_at),
            ice: None,
            dtls: None,
        });
    }
}

/// The leave message for a client of that protocol; `None` where it has no word
/// for it.
// `can_reconnect` is deprecated in favour of `action`, which old clients lack.
#[allow(deprecated)]
pub(crate) fn leave(protocol: u32, reason: DisconnectReason, action: Action) -> Option<Message> {
    let mut leave = proto::LeaveRequest {
        reason: reason as i32,
        ..Default::default()
    };
    if protocol >= LEAVE_WITH_ACTION {
        leave.set_action(action);
    } else if action == Action::Resume {
        return None;
    } else {
        leave.can_reconnect = action == Action::Reconnect;
    }
    Some(Message::Leave(leave))
}
