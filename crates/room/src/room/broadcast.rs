//! Telling everybody about a participant or about the room.

use std::collections::BTreeMap;

use surecast_media::time::Now;

use super::Room;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::participant::Participant;
use crate::proto;
use crate::proto::DisconnectReason;
use crate::proto::participant_info::State;
use crate::proto::signal_response::Message;
use crate::timers::Subject;

/// From this protocol on, clients see by the identity that a participant was
/// replaced, and need no word about the replaced one.
const REPLACES_BY_IDENTITY: u32 = 12;

/// Updates of mere viewers of a large room, collected; the newest of each
/// participant counts, so there are never more than participants and recently
/// departed ones.
#[derive(Default)]
pub(super) struct Updates {
    pending: BTreeMap<ParticipantKey, proto::ParticipantInfo>,
}

/// Whether the participant itself hears of its change.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    Yes,
    No,
}

impl Room {
    /// The participant changed: everybody who sees it is told.
    pub(super) fn announce(&mut self, cx: &mut Context, key: ParticipantKey, echo: Echo, now: Now) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        participant.version = participant.version.saturating_add(1);
        let participant = &self.participants[&key];
        let info = self.participant_info(participant, cx);
        if echo == Echo::Yes {
            participant.send(cx, update_of(vec![info.clone()]));
        }
        if !participant.hidden() {
            self.announce_to_others(cx, key, info, now);
        }
    }

    /// `info` may be that of somebody who has left.
    pub(super) fn announce_to_others(
        &mut self,
        cx: &mut Context,
        about: ParticipantKey,
        info: proto::ParticipantInfo,
        now: Now,
    ) {
        let small = self.participants.len() <= cx.settings.immediate_updates_up_to;
        if small || info.is_publisher {
            self.updates.pending.remove(&about);
            self.send_update(cx, &[(about, info)]);
            return;
        }
        self.updates.pending.insert(about, info);
        let at = now.at + cx.settings.update_interval;
        cx.timers.set_if_idle(self.id, Subject::Updates, at);
    }

    pub(super) fn flush_updates(&mut self, cx: &mut Context) {
        let pending = std::mem::take(&mut self.updates.pending);
        let infos: Vec<_> = pending.into_iter().collect();
        self.send_update(cx, &infos);
    }

    /// Counts changed: the room is told within a few seconds.
    pub(super) fn counts_changed(&mut self, cx: &mut Context, now: Now) {
        let at = now.at + cx.settings.update_interval;
        cx.timers.set_if_idle(self.id, Subject::Counts, at);
    }

    pub(super) fn send_room_update(&mut self, cx: &mut Context) {
        cx.timers.cancel(self.id, Subject::Counts);
        let update = proto::RoomUpdate {
            room: Some(self.info()),
        };
        for participant in self.participants.values() {
            participant.send(cx, Message::RoomUpdate(update.clone()));
        }
    }

    /// Everybody the participant may see, itself included.
    pub(super) fn visible_infos(
        &self,
        cx: &Context,
        except: Option<ParticipantKey>,
    ) -> Vec<proto::ParticipantInfo> {
        self.participants
            .values()
            .filter(|other| Some(other.key) != except && !other.hidden())
            .map(|other| self.participant_info(other, cx))
            .collect()
    }

    fn send_update(&self, cx: &mut Context, infos: &[(ParticipantKey, proto::ParticipantInfo)]) {
        if infos.is_empty() {
            return;
        }
        for receiver in self.participants.values() {
            let infos = infos
                .iter()
                .filter(|(about, info)| *about != receiver.key && concerns(receiver, info))
                .map(|(_, info)| info.clone())
                .collect::<Vec<_>>();
            if !infos.is_empty() {
                receiver.send(cx, update_of(infos));
            }
        }
    }
}

pub(super) fn update_of(participants: Vec<proto::ParticipantInfo>) -> Message {
    Message::Update(proto::ParticipantUpdate { participants })
}

fn concerns(receiver: &Participant, info: &proto::ParticipantInfo) -> bool {
    let replaced = info.state() == State::Disconnected
        && info.disconnect_reason() == DisconnectReason::DuplicateIdentity;
    !replaced || receiver.protocol < REPLACES_BY_IDENTITY
}
