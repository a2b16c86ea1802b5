//! Participants without a peer connection: packets come from, and go to, other
//! parts of the server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::format::{Codec as StrCodec, CodecSpec, FormatParams, PayloadParams};
use str0m::media::{Frequency, Mid, Pt};
use str0m::rtp::{ExtensionValues, Ssrc};
use surecast_media::codec::Codec;
use surecast_media::control::{Announcement, Kind, MediaEvent, PeerRole};
use surecast_media::id::PeerId;
use surecast_media::local::{LocalInput, LocalOutput, LocalPacket, ReceivedPacket};

use crate::engine::Sfu;
use crate::peer::{Bound, Slot};
use crate::subscription::Forwarded;
use crate::track::{Format, Track};

/// Outputs that wait to be polled. The server polls after every input; this is
/// a bound against a caller that forgets, some seconds of one track.
const MAX_OUTPUTS: usize = 8192;

/// A cached group of pictures larger than this is not sent again: it would take
/// longer to arrive than the next keyframe. It is also what a subscriber's
/// buffer for retransmissions holds.
const MAX_GROUP: usize = 1000;

/// Frames of a cached group are this far apart when they are sent again, in
/// ticks of 90 kHz (1 ms): decoded at once, and shown as one jump to the present.
const REPLAY_SPACING: u32 = 90;

/// What local participants are owed.
#[derive(Default)]
pub(crate) struct Locals(VecDeque<LocalOutput>);

impl Locals {
    pub(crate) fn push(&mut self, output: LocalOutput) {
        if self.0.len() < MAX_OUTPUTS {
            self.0.push_back(output);
        }
    }
}

impl Sfu {
    /// Takes what a local participant publishes or wants.
    pub fn handle_local(&mut self, input: LocalInput, now: Instant) {
        match input {
            LocalInput::Packets { peer, cid, packets } => {
                self.local_packets(peer, &cid, packets, now);
            }
            LocalInput::Unpublish { peer, cid } => {
                if let Some(track) = self.local_track(peer, &cid).map(|track| track.id) {
                    self.unpublish(track);
                    self.events.push_back(MediaEvent::TrackGone { track });
                }
            }
            LocalInput::KeyframeWanted { peer, sid } => self.local_wants_keyframe(peer, &sid),
            LocalInput::Data {
                peer,
                channel,
                payload,
            } => {
                if self.local_slot(peer).is_some() {
                    self.events.push_back(MediaEvent::Data {
                        peer,
                        channel,
                        payload,
                    });
                }
            }
        }
    }

    /// The next thing for a local participant.
    pub fn poll_local(&mut self) -> Option<LocalOutput> {
        self.locals.0.pop_front()
    }

    fn local_slot(&self, id: PeerId) -> Option<Slot> {
        let slot = *self.by_id.get(&id)?;
        let peer = self.peers[slot].as_deref()?;
        (peer.role == PeerRole::Local).then_some(slot)
    }

    /// It is connected as soon as it is there.
    pub(crate) fn local_joined(&mut self, slot: Slot) {
        let Some(peer) = self.peers[slot].as_deref_mut() else {
            return;
        };
        peer.timing.connected = true;
        let peer = peer.id;
        self.events.push_back(MediaEvent::Connected {
            peer,
            ice: Duration::ZERO,
            dtls: Duration::ZERO,
        });
        self.events.push_back(MediaEvent::DataReady { peer });
    }

    /// What it announces is there: no offer has to carry it.
    pub(crate) fn local_announced(&mut self, slot: Slot, announcement: Announcement) {
        let Some(peer) = self.peers[slot].as_deref_mut() else {
            return;
        };
        let id = announcement.track;
        let codec = announcement.codecs.first();
        let mime = codec.map(|codec| codec.mime.clone());
        let mime = mime.filter(|mime| !mime.is_empty());
        // Clients name no codec for sound.
        let mime = mime.unwrap_or_else(|| Codec::Opus.mime().to_owned());
        // A section of this name is all that the track's bookkeeping asks for.
        let mid = Mid::from(format!("l{}", peer.bound.len()).as_str());
        let known = self.tracks.contains_key(&id);
        let ssrc = Ssrc::from(self.rng.u32(1..));
        let track = self
            .tracks
            .entry(id)
            .or_insert_with(|| Track::new(peer.room, slot, announcement));
        if known {
            return;
        }
        track.local = Some(LocalTrack::new(ssrc));
        track.bind(0, mid, &[]);
        peer.bound.push(Bound {
            mid,
            track: id,
            encoding: 0,
        });
        self.events.push_back(MediaEvent::TrackBound {
            track: id,
            mid: mid.to_string(),
            mime,
            simulcast: false,
        });
    }

    fn local_packets(&mut self, id: PeerId, cid: &str, packets: Vec<LocalPacket>, now: Instant) {
        let Some(track) = self.local_track(id, cid) else {
            return;
        };
        let id = track.id;
        let before = track.live_as;
        let mut shown = before;
        let taken: Vec<_> = packets
            .into_iter()
            .filter_map(|packet| {
                shown = Some(packet.codec);
                take(track, packet, now)
            })
            .collect();
        track.live_as = shown;
        self.counters.rtp_in += taken.len() as u64;
        self.inbound.extend(taken);
        if let Some(codec) = shown.filter(|_| shown != before) {
            self.events.push_back(MediaEvent::TrackLive {
                track: id,
                mime: codec.mime().to_owned(),
            });
        }
    }

    fn local_track(&mut self, id: PeerId, cid: &str) -> Option<&mut Track> {
        let slot = self.local_slot(id)?;
        self.tracks.values_mut().find(|track| {
            let codec = track.announcement.codecs.first();
            track.publisher == slot && codec.is_some_and(|codec| codec.cid == cid)
        })
    }

    fn local_wants_keyframe(&mut self, id: PeerId, sid: &str) {
        let Some(slot) = self.local_slot(id) else {
            return;
        };
        let Some(peer) = self.peers[slot].as_deref() else {
            return;
        };
        let Some(subscription) = peer.subscriptions.values().find(|s| s.sid == sid) else {
            return;
        };
        let current = subscription.current.map(|(rendition, _)| rendition);
        let wanted = subscription.awaits().or(current);
        let track = self.tracks.get_mut(&subscription.track);
        if let Some(rendition) = wanted.and_then(|i| track?.renditions.get_mut(i)) {
            rendition.keyframes.want();
        }
    }
}

/// A packet of a local publisher becomes one like any other.
fn take(track: &mut Track, packet: LocalPacket, now: Instant) -> Option<Forwarded> {
    let ssrc = track.local.as_ref()?.ssrc;
    let rendition = track.renditions.first_mut()?;
    rendition.note_local(packet.payload.len(), now);
    if packet.keyframe {
        rendition.keyframes.served();
    }
    let format = local_format(packet.codec);
    Some(Forwarded {
        track: track.id,
        rendition: 0,
        format,
        seq: packet.seq,
        timestamp: packet.timestamp,
        ssrc,
        pt: format.params.pt(),
        marker: packet.marker,
        extensions: ExtensionValues::default(),
        payload: packet.payload,
        arrived: now,
        captured: packet.captured,
        keyframe: packet.keyframe,
    })
}

/// What a tapped packet looks like outside.
pub(crate) fn received(track: &Track, sid: &str, f: &Forwarded) -> Option<ReceivedPacket> {
    let payload = crate::subscription::payload(f, f.format.red)?;
    let quality = track.renditions.get(f.rendition)?.quality;
    Some(ReceivedPacket {
        sid: Arc::from(sid),
        codec: f.format.codec,
        quality,
        stream: *f.ssrc,
        seq: f.seq,
        timestamp: f.timestamp,
        marker: f.marker,
        keyframe: f.keyframe,
        captured: f.captured,
        arrived: f.arrived,
        payload,
    })
}

/// What a track of a local publisher has beyond others.
#[derive(Debug)]
pub(crate) struct LocalTrack {
    ssrc: Ssrc,
    /// Since the last keyframe, for who comes in between: an encoder that
    /// cannot be asked for a keyframe sends one every few seconds.
    group: Vec<Forwarded>,
    /// The group has grown too large to be of use.
    overflown: bool,
}

impl LocalTrack {
    fn new(ssrc: Ssrc) -> Self {
        Self {
            ssrc,
            group: Vec::new(),
            overflown: true,
        }
    }

    /// Keeps what was forwarded.
    pub(crate) fn keep(&mut self, run: &[Forwarded]) {
        for f in run {
            let begins = f.keyframe && self.group.last().is_none_or(|l| l.timestamp != f.timestamp);
            if begins {
                self.group.clear();
                self.overflown = false;
            }
            if self.overflown {
                continue;
            }
            if self.group.len() >= MAX_GROUP {
                self.overflown = true;
                self.group = Vec::new();
                continue;
            }
            self.group.push(f.clone());
        }
    }

    /// The group so far, for a subscriber that waits for a keyframe; its frames
    /// follow one another closely, and the last one comes just before `next`.
    pub(crate) fn replay(&self, next: &Forwarded) -> Vec<Forwarded> {
        let mut replay = self.group.clone();
        let mut after = (0, None);
        for f in replay.iter_mut().rev() {
            if after.1 != Some(f.timestamp) {
                after = (after.0 + 1, Some(f.timestamp));
            }
            let back = REPLAY_SPACING * after.0;
            f.timestamp = next.timestamp.wrapping_sub(back);
            let back = Duration::from_micros(u64::from(back) * 100 / 9);
            f.captured = next.captured.checked_sub(back).unwrap_or(next.captured);
            f.arrived = next.arrived;
        }
        replay
    }
}

/// As a browser would have described the codec. For H.264 the most common of
/// its profiles: which one a stream really is stands in the stream, and
/// decoders take it from there.
fn local_format(codec: Codec) -> Format {
    let (str_codec, number) = match codec {
        Codec::Opus | Codec::Red => (StrCodec::Opus, 111),
        Codec::Pcmu => (StrCodec::PCMU, 0),
        Codec::Pcma => (StrCodec::PCMA, 8),
        Codec::Vp8 => (StrCodec::Vp8, 96),
        Codec::H264 => (StrCodec::H264, 97),
        Codec::Vp9 => (StrCodec::Vp9, 98),
        Codec::Av1 => (StrCodec::Av1, 99),
        Codec::H265 => (StrCodec::H265, 100),
    };
    let mut format = FormatParams::default();
    match codec {
        Codec::H264 => {
            format.profile_level_id = Some(0x42_e01f);
            format.packetization_mode = Some(1);
            format.level_asymmetry_allowed = Some(true);
        }
        Codec::Vp9 | Codec::Av1 => format.profile_id = Some(0),
        _ => {}
    }
    let audio = codec.kind() == Kind::Audio;
    let clock_rate = match codec.clock_rate() {
        48_000 => Frequency::FORTY_EIGHT_KHZ,
        8_000 => Frequency::EIGHT_KHZ,
        _ => Frequency::NINETY_KHZ,
    };
    let spec = CodecSpec {
        codec: str_codec,
        clock_rate,
        channels: audio.then_some(if codec.clock_rate() == 8_000 { 1 } else { 2 }),
        format,
    };
    let params = PayloadParams::new(Pt::from(number), None, spec);
    Format {
        codec,
        params,
        red: false,
    }
}
