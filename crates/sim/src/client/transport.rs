//! Datagrams and media.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::media::{KeyframeRequestKind, MediaKind};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Event, IceConnectionState, Input, Output};
use surecast_media::control::Kind;
use surecast_media::time::Now;
use surecast_media::vp8;

use super::{Client, Fault, MAX_STREAMS};
use crate::meter::{Arrival, Meter};

/// A receiver of video that has no key frame asks for one so often.
const KEYFRAME_PATIENCE: Duration = Duration::from_secs(1);

/// The way of an answer from the server, twice over.
const MAPPING_PATIENCE: Duration = Duration::from_secs(2);

const AUDIO_CLOCK: u32 = 48_000;
const VIDEO_CLOCK: u32 = 90_000;

impl Client {
    pub(super) fn receive(&mut self, source: SocketAddr, payload: &[u8], now: Now) {
        // What is neither STUN nor DTLS nor RTP is not for this client.
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, payload) else {
            return;
        };
        if self.finished {
            return;
        }
        self.recovering = self.is_rtx(payload);
        if let Err(error) = self.rtc.handle_input(Input::Receive(now.at, receive)) {
            self.fail(Fault::Transport, &error.to_string());
            return;
        }
        self.drive(now);
        self.recovering = false;
    }

    pub(super) fn handle_transport_timeout(&mut self, now: Now) {
        if let Err(error) = self.rtc.handle_input(Input::Timeout(now.at)) {
            self.fail(Fault::Transport, &error.to_string());
            return;
        }
        self.drive(now);
    }

    /// Sends what is due, packet by packet: the connection must be drained
    /// before the next is written.
    pub(super) fn send_media(&mut self, now: Now) {
        if self.milestones.connected.is_none() || self.finished {
            return;
        }
        self.ask_for_keyframe(now);
        for index in 0..self.publications.len() {
            while let Some((ssrc, write)) = self.publications[index].poll(now.at) {
                if let Some(stream) = self.rtc.direct_api().stream_tx(&ssrc) {
                    stream.write_rtp(write);
                }
                self.handle_transport_timeout(now);
            }
        }
    }

    /// Takes over all that the connection has to say.
    pub(super) fn drive(&mut self, now: Now) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.transport_timeout = at;
                    break;
                }
                Ok(Output::Transmit(transmit)) => self.transmits.push_back(transmit),
                Ok(Output::Event(event)) => self.on_event(event, now),
                Err(error) => {
                    self.fail(Fault::Transport, &error.to_string());
                    break;
                }
            }
        }
    }

    pub(super) fn learn_rtx_types(&mut self) {
        let types = self.rtc.codec_config().iter().filter_map(|p| p.resend());
        self.rtx_types = types.fold(0, |all, pt| all | 1 << (*pt & 0x7f));
    }

    fn on_event(&mut self, event: Event, now: Now) {
        match event {
            Event::Connected => {
                self.milestones.connected.get_or_insert(now.at);
            }
            Event::IceConnectionStateChange(state) => self.on_ice(state, now),
            Event::RtpPacket(packet) => self.on_packet(&packet, now),
            Event::KeyframeRequest(request) => {
                for publication in &mut self.publications {
                    publication.request_keyframe(request.mid, request.rid);
                }
            }
            Event::Closed if !self.finished => {
                self.fail(Fault::TransportClosed, "the server closed DTLS");
            }
            _ => {}
        }
    }

    fn on_ice(&mut self, state: IceConnectionState, now: Now) {
        if state.is_connected() {
            self.milestones.ice.get_or_insert(now.at);
        } else if state == IceConnectionState::Disconnected && self.milestones.connected.is_some() {
            self.fault(Fault::IceDisconnected, "");
        }
    }

    fn on_packet(&mut self, packet: &RtpPacket, now: Now) {
        let ssrc = packet.header.ssrc;
        if !self.streams.contains_key(&ssrc) && !self.add_stream(ssrc, now) {
            return;
        }
        let Some(meter) = self.streams.get_mut(&ssrc) else {
            return;
        };
        let arrival = Arrival {
            at: now.at,
            seq: *packet.seq_no,
            timestamp: packet.header.timestamp,
            payload: &packet.payload,
            recovered: self.recovering,
        };
        let video = meter.kind() == Kind::Video;
        let latency = if video {
            &mut self.latency.video
        } else {
            &mut self.latency.audio
        };
        meter.record(&arrival, latency);
        self.milestones.first_packet.get_or_insert(now.at);
        if video && self.milestones.first_keyframe.is_none() {
            self.look_for_keyframe(&packet.payload, now);
        }
    }

    fn look_for_keyframe(&mut self, payload: &[u8], now: Now) {
        if vp8::is_keyframe(payload) {
            self.milestones.first_keyframe = Some(now.at);
            self.keyframe_check = None;
        } else {
            self.keyframe_check
                .get_or_insert(now.at + KEYFRAME_PATIENCE);
        }
    }

    fn ask_for_keyframe(&mut self, now: Now) {
        if self.keyframe_check.is_none_or(|at| at > now.at) {
            return;
        }
        self.keyframe_check = Some(now.at + KEYFRAME_PATIENCE);
        let video = |(ssrc, meter): (&Ssrc, &Meter)| (meter.kind() == Kind::Video).then_some(*ssrc);
        let streams: Vec<_> = self.streams.iter().filter_map(video).collect();
        for ssrc in streams {
            if let Some(stream) = self.rtc.direct_api().stream_rx(&ssrc) {
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
        }
        self.handle_transport_timeout(now);
    }

    /// `false` when the stream cannot be measured.
    fn add_stream(&mut self, ssrc: Ssrc, now: Now) -> bool {
        if self.streams.len() >= MAX_STREAMS {
            self.fault(Fault::TooManyStreams, "");
            return false;
        }
        let mid = self.rtc.direct_api().stream_rx(&ssrc).map(|s| s.mid());
        let Some((mid, media)) = mid.and_then(|mid| Some((mid, self.rtc.media(mid)?))) else {
            return false;
        };
        let (kind, clock) = match media.kind() {
            MediaKind::Audio => (Kind::Audio, AUDIO_CLOCK),
            MediaKind::Video => (Kind::Video, VIDEO_CLOCK),
        };
        if !self.tracks.contains_key(&*mid) {
            self.unmapped.insert(mid.to_string(), now.at);
        }
        self.streams
            .insert(ssrc, Meter::new(kind, clock, self.config.epoch));
        true
    }

    /// Media may overtake the answer that says whose it is, but not for long.
    pub(super) fn check_mapping(&mut self, now: Now) {
        let tracks = &self.tracks;
        self.unmapped.retain(|mid, _| !tracks.contains_key(mid));
        let late = |(_, since): &(&String, &Instant)| now.at >= **since + MAPPING_PATIENCE;
        if let Some(mid) = self.unmapped.iter().find(late).map(|(mid, _)| mid.clone()) {
            self.unmapped.remove(&mid);
            self.fault(Fault::UnmappedTrack, &format!("section {mid}"));
        }
    }

    /// Payload types are not encrypted (RFC 3711 §3.1).
    fn is_rtx(&self, datagram: &[u8]) -> bool {
        match datagram {
            [0x80..=0xbf, kind, ..] => self.rtx_types & 1 << (kind & 0x7f) != 0,
            _ => false,
        }
    }
}
