//! Session descriptions and candidates, to and from the forwarding engine.

use surecast_media::control::MediaCommand;
use surecast_media::id::PeerId;
use surecast_media::time::Now;

use super::Room;
use super::depart::Departure;
use crate::context::Context;
use crate::ids::ParticipantKey;
use crate::limits;
use crate::proto;
use crate::proto::DisconnectReason;
use crate::proto::request_response::{Reason, Request};
use crate::proto::signal_response::Message;

/// The only field of `RTCIceCandidateInit` that is needed: all sections share
/// one transport.
#[derive(serde::Deserialize)]
struct CandidateInit {
    #[serde(default)]
    candidate: Option<String>,
}

impl Room {
    pub(super) fn handle_offer(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        offer: proto::SessionDescription,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        if !self.is_description(key, &offer, "offer") {
            return;
        }
        let peer = participant.peers.publisher;
        cx.media(
            self.id,
            MediaCommand::Offer {
                peer,
                sdp: offer.sdp,
                id: offer.id,
            },
        );
    }

    pub(super) fn handle_answer(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        answer: proto::SessionDescription,
    ) {
        if !self.is_description(key, &answer, "answer") {
            return;
        }
        let subscriber = self.participants.get(&key).and_then(|p| p.peers.subscriber);
        let Some(peer) = subscriber else {
            tracing::warn!(room = %self.name(), participant = %self.identity_of(key),
                "answer refused: nothing was offered on signalling v1 or to who may not subscribe");
            return;
        };
        cx.media(
            self.id,
            MediaCommand::Answer {
                peer,
                sdp: answer.sdp,
                id: answer.id,
            },
        );
    }

    pub(super) fn handle_trickle(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        trickle: &proto::TrickleRequest,
    ) {
        let Some(participant) = self.participants.get(&key) else {
            return;
        };
        let peer = match trickle.target() {
            proto::SignalTarget::Subscriber if !participant.peers.single => {
                participant.peers.subscriber
            }
            _ => Some(participant.peers.publisher),
        };
        match (candidate_of(&trickle.candidate_init), peer) {
            (Ok(Some(candidate)), Some(peer)) => {
                cx.media(self.id, MediaCommand::Candidate { peer, candidate });
            }
            // The client has no more candidates, or none of a connection here.
            (Ok(_), _) => {}
            (Err(message), _) => self.refuse_candidate(cx, key, trickle, &message),
        }
    }

    pub(super) fn send_answer(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        (sdp, id): (String, u32),
        mids: Vec<(String, String)>,
    ) {
        let description = description("answer", sdp, id, mids);
        if let Some(participant) = self.participants.get(&key) {
            participant.send(cx, Message::Answer(description));
        }
    }

    pub(super) fn send_offer(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        (sdp, id): (String, u32),
        mids: Vec<(String, String)>,
    ) {
        let description = description("offer", sdp, id, mids);
        if let Some(participant) = self.participants.get(&key) {
            participant.send(cx, Message::Offer(description));
        }
    }

    /// The old state of the connection stays, but client and server do not
    /// agree on it any more. Only a fresh start heals that, so the client is
    /// told to make one, as LiveKit does.
    pub(super) fn negotiation_failed(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        peer: PeerId,
        reason: &str,
        now: Now,
    ) {
        tracing::warn!(room = %self.name(), participant = %self.identity_of(key), %peer, %reason,
            "negotiation failed, the client has to start over");
        self.respond(cx, key, Reason::InvalidRequest, reason, 0, None);
        self.remove(
            cx,
            key,
            Departure::start_over(DisconnectReason::StateMismatch),
            now,
        );
    }

    pub(super) fn ask_for_sections(
        &mut self,
        cx: &mut Context,
        key: ParticipantKey,
        audio: u32,
        video: u32,
    ) {
        let Some(participant) = self.participants.get_mut(&key) else {
            return;
        };
        let requirement = proto::MediaSectionsRequirement {
            num_audios: audio,
            num_videos: video,
        };
        if participant.signalling.session.is_none() {
            participant.peers.sections = Some(requirement);
            return;
        }
        participant.send(cx, Message::MediaSectionsRequirement(requirement));
    }

    pub(super) fn identity_of(&self, key: ParticipantKey) -> &str {
        self.participants.get(&key).map_or("", |p| p.identity())
    }

    fn refuse_candidate(
        &self,
        cx: &mut Context,
        key: ParticipantKey,
        trickle: &proto::TrickleRequest,
        message: &str,
    ) {
        tracing::warn!(room = %self.name(), participant = %self.identity_of(key), %message,
            "candidate refused");
        // Not echoed: it may be as large as a message can be.
        let request = Request::Trickle(proto::TrickleRequest {
            candidate_init: String::new(),
            target: trickle.target,
            r#final: trickle.r#final,
        });
        self.refuse(cx, key, (Reason::UnclassifiedError, message), request);
    }

    fn is_description(
        &self,
        key: ParticipantKey,
        description: &proto::SessionDescription,
        kind: &str,
    ) -> bool {
        let fits = description.sdp.len() <= limits::SDP_BYTES;
        let right = description.r#type.is_empty() || description.r#type == kind;
        if !(fits && right) {
            tracing::warn!(room = %self.name(), participant = %self.identity_of(key),
                bytes = description.sdp.len(), expected = kind, "session description refused");
        }
        fits && right
    }
}

/// Entry point for a fuzzer: any bytes as a `candidateInit`.
pub fn fuzz_candidate(bytes: &[u8]) {
    let _ = candidate_of(&String::from_utf8_lossy(bytes));
}

fn candidate_of(init: &str) -> Result<Option<String>, String> {
    if init.len() > limits::CANDIDATE_BYTES {
        return Err(format!(
            "candidate is longer than {} bytes",
            limits::CANDIDATE_BYTES
        ));
    }
    let init: CandidateInit = serde_json::from_str(init)
        .map_err(|e| format!("candidateInit is not a candidate in JSON: {e}"))?;
    let candidate = init.candidate.unwrap_or_default();
    let candidate = candidate.trim();
    let candidate = candidate.strip_prefix("a=").unwrap_or(candidate);
    Ok(Some(candidate.to_owned()).filter(|candidate| !candidate.is_empty()))
}

fn description(
    kind: &str,
    sdp: String,
    id: u32,
    mids: Vec<(String, String)>,
) -> proto::SessionDescription {
    proto::SessionDescription {
        r#type: kind.to_owned(),
        sdp,
        id,
        mid_to_track_id: mids.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::candidate_of;

    #[test]
    fn candidates() {
        let line = "candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host";
        let init = |candidate: &str| {
            format!(r#"{{"candidate":"{candidate}","sdpMid":"0","sdpMLineIndex":0}}"#)
        };
        assert_eq!(candidate_of(&init(line)), Ok(Some(line.to_owned())));
        assert_eq!(
            candidate_of(&init(&format!("a={line}"))),
            Ok(Some(line.to_owned()))
        );
        assert_eq!(candidate_of(&init("")), Ok(None));
        assert_eq!(
            candidate_of(r#"{"candidate":null,"sdpMid":null}"#),
            Ok(None)
        );
        assert!(candidate_of("").is_err());
        assert!(candidate_of(r#"{"candidate":5}"#).is_err());
        assert!(candidate_of(&init(&"x".repeat(5000))).is_err());
    }
}
