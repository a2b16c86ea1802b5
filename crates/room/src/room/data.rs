//! Data packets: checked, stamped with who sent them, and passed on.

use std::sync::Arc;

use prost::Message as _;
use surecast_media::control::{DataChannel, MediaCommand};
use surecast_media::id::PeerId;
use surecast_media::time::Now;

use super::Room;
use super::replay::Sent;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::limits;
use crate::participant::Participant;
use crate::proto;
use crate::proto::data_packet::Value;

/// Who gets a message.
enum Audience {
    Everybody,
    /// Identities, and sids as older clients address them.
    Some {
        identities: Vec<String>,
        sids: Vec<String>,
    },
    /// Those who may see metrics.
    Metrics,
}

impl Room {
    /// A message on one of the participant's data channels.
    pub(super) fn handle_data(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        channel: DataChannel,
        payload: &Arc<[u8]>,
        now: Now,
    ) {
        if channel == DataChannel::DataTrack {
            self.forward_data_track(cx, key, payload);
            return;
        }
        match self.stamp(key, channel, payload) {
            Ok(packet) => self.forward(cx, Some(key), channel, packet, now),
            Err(reason) => {
                tracing::warn!(room = %self.name(), participant = %self.identity_of(key),
                    bytes = payload.len(), reason, "data packet refused");
            }
        }
    }

    /// Sends a packet to everybody it is meant for, but never back.
    #[allow(deprecated)]
    pub(super) fn forward(
        &mut self,
        cx: &mut Context,
        sender: Option<ParticipantKey>,
        channel: DataChannel,
        mut packet: proto::DataPacket,
        now: Now,
    ) {
        packet.kind = match channel {
            DataChannel::Reliable => proto::data_packet::Kind::Reliable as i32,
            _ => proto::data_packet::Kind::Lossy as i32,
        };
        if let Some(Value::User(user)) = &packet.value
            && self.replay.is_duplicate(&user.nonce)
        {
            return;
        }
        let audience = audience_of(&mut packet);
        let payload: Arc<[u8]> = packet.encode_to_vec().into();
        if channel == DataChannel::Reliable && packet.sequence > 0 && sender.is_some() {
            self.replay.add(Sent {
                at: now.at,
                sender_sid: packet.participant_sid,
                sequence: packet.sequence,
                destinations: packet.destination_identities,
                payload: Arc::clone(&payload),
            });
        }
        let peers = self.receivers(sender, channel, &audience, &payload, now);
        self.send_data(cx, peers, channel, payload);
    }

    /// Connections that can take the message now; for the others it is kept.
    fn receivers(
        &mut self,
        sender: Option<ParticipantKey>,
        channel: DataChannel,
        audience: &Audience,
        payload: &Arc<[u8]>,
        now: Now,
    ) -> Vec<PeerId> {
        let mut peers = Vec::new();
        for participant in self.participants.values_mut() {
            if Some(participant.key) == sender || !audience.contains(participant) {
                continue;
            }
            if channel == DataChannel::Reliable && !participant.inbox.is_ready() {
                participant.inbox.hold(payload, now.at);
            } else if channel == DataChannel::Reliable || participant.is_active() {
                peers.push(participant.primary_peer());
            }
        }
        peers
    }

    /// The participant's reliable channel opened.
    pub(super) fn data_ready(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        peer: PeerId,
        now: Now,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        if peer != participant.primary_peer() {
            return;
        }
        for payload in participant.inbox.open(now.at) {
            self.send_data(cx, vec![peer], DataChannel::Reliable, payload);
        }
    }

    /// The participant is back and says what it received last of whom. What it
    /// missed is sent again; clients drop by its number what they have.
    pub(super) fn replay_data(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        states: &[proto::DataChannelReceiveState],
        now: Now,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let peer = participant.primary_peer();
        for state in states.iter().take(limits::DESTINATIONS) {
            let missed = self.replay.after(
                &state.publisher_sid,
                state.last_seq,
                participant.identity(),
                now.at,
            );
            for payload in missed {
                self.send_data(cx, vec![peer], DataChannel::Reliable, payload);
            }
        }
    }

    pub(super) fn send_data(
        &self,
        cx: &mut Context,
        peers: Vec<PeerId>,
        channel: DataChannel,
        payload: Arc<[u8]>,
    ) {
        if !peers.is_empty() {
            cx.media(
                self.id,
                MediaCommand::SendData {
                    peers: peers.into(),
                    channel,
                    payload,
                },
            );
        }
    }

    /// Decodes a packet and writes the sender into it.
    fn stamp(
        &mut self,
        key: ParticipantKey,
        channel: DataChannel,
        payload: &[u8],
    ) -> Result<proto::DataPacket, &'static str> {
        let participant = self.participants.get_mut(&key).ok_or("sender is gone")?;
        if payload.len() > limits::DATA_BYTES {
            return Err("larger than 64 KiB");
        }
        if !participant.can_publish_data() {
            return Err("the sender may not publish data");
        }
        let mut packet = proto::DataPacket::decode(payload).map_err(|_| "not a DataPacket")?;
        if packet.destination_identities.len() > limits::DESTINATIONS {
            return Err("addressed to too many identities");
        }
        if channel == DataChannel::Reliable && packet.sequence > 0 {
            if packet.sequence <= participant.last_sequence {
                return Err("received before");
            }
            participant.last_sequence = packet.sequence;
        }
        let keeps_identity = speaks_for_another(participant, &mut packet)?;
        packet.participant_sid.clone_from(&participant.sid);
        let (sid, identity) = match participant.hidden() {
            true => (String::new(), String::new()),
            false => (participant.sid.clone(), participant.identity().to_owned()),
        };
        stamp_user(&mut packet, &sid, &identity);
        if !keeps_identity {
            packet.participant_identity = identity;
        }
        Ok(packet)
    }
}

/// Entry point for a fuzzer: any bytes as a data packet, as far as it can be
/// judged without a room.
pub fn fuzz_data_packet(bytes: &[u8]) {
    if let Ok(mut packet) = proto::DataPacket::decode(bytes) {
        stamp_user(&mut packet, "PA_x", "x");
        let _ = audience_of(&mut packet);
        let _ = packet.encode_to_vec();
    }
}

impl Audience {
    fn contains(&self, participant: &Participant) -> bool {
        match self {
            Self::Everybody => true,
            Self::Some { identities, sids } => {
                identities
                    .iter()
                    .any(|identity| identity == participant.identity())
                    || sids.contains(&participant.sid)
            }
            Self::Metrics => participant
                .grant()
                .is_some_and(|grant| grant.can_subscribe_metrics == Some(true)),
        }
    }
}

/// Older clients address packets inside `user`; both places are made to agree.
#[allow(deprecated)]
fn audience_of(packet: &mut proto::DataPacket) -> Audience {
    let mut sids = Vec::new();
    match &mut packet.value {
        Some(Value::Metrics(_)) => return Audience::Metrics,
        Some(Value::User(user)) => {
            if packet.destination_identities.is_empty() {
                packet
                    .destination_identities
                    .clone_from(&user.destination_identities);
            } else {
                user.destination_identities
                    .clone_from(&packet.destination_identities);
            }
            sids.clone_from(&user.destination_sids);
        }
        _ => {}
    }
    sids.truncate(limits::DESTINATIONS);
    let identities = packet.destination_identities.clone();
    if identities.is_empty() && sids.is_empty() {
        Audience::Everybody
    } else {
        Audience::Some { identities, sids }
    }
}

#[allow(deprecated)]
fn stamp_user(packet: &mut proto::DataPacket, sid: &str, identity: &str) {
    if let Some(Value::User(user)) = &mut packet.value {
        sid.clone_into(&mut user.participant_sid);
        identity.clone_into(&mut user.participant_identity);
    }
}

/// Agents may speak in the name of another participant: transcriptions, chat,
/// text streams. The latter two are then marked as generated. Nobody else may
/// send transcriptions.
#[allow(deprecated)]
fn speaks_for_another(
    participant: &Participant,
    packet: &mut proto::DataPacket,
) -> Result<bool, &'static str> {
    use proto::data_stream::header::ContentHeader;
    let agent = participant.is_agent();
    let other = agent
        && !packet.participant_identity.is_empty()
        && packet.participant_identity != participant.identity();
    match &mut packet.value {
        None => return Err("it is of an unknown kind or empty"),
        Some(Value::Speaker(_)) => return Err("only the server tells who speaks"),
        Some(Value::Transcription(_)) if !agent => {
            return Err("only agents may send transcriptions");
        }
        Some(Value::ChatMessage(chat)) if other => {
            chat.generated = true;
            return Ok(true);
        }
        Some(Value::StreamHeader(header)) if other => {
            if let Some(ContentHeader::TextHeader(text)) = &mut header.content_header {
                text.generated = true;
                return Ok(true);
            }
        }
        Some(_) => {}
    }
    Ok(false)
}
