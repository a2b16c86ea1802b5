//! The least server that a client can be tested against: one str0m connection
//! that answers offers and hands out what it receives.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Instant;

use str0m::change::SdpOffer;
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};
use surecast_media::time::Now;
use surecast_sim::client::Client;
use surecast_sim::proto::{
    JoinRequest, JoinResponse, SessionDescription, SignalRequest, SignalResponse, TrackInfo,
    TrackPublishedResponse, signal_request as ask, signal_response as tell,
};
use surecast_sim::world::{Datagram, Endpoint};

pub struct FakeServer {
    rtc: Rtc,
    address: SocketAddr,
    transmits: VecDeque<Datagram>,
    timeout: Instant,
    /// What the client sent.
    pub received: Vec<RtpPacket>,
    /// Sections that the answers shall use for sending.
    pub send_on: HashMap<Mid, String>,
    pub requests: Vec<ask::Message>,
    pub connected: bool,
    /// Sections in the order of the last offer.
    order: Vec<Mid>,
    sent: u64,
}

impl FakeServer {
    pub fn new(address: SocketAddr, now: Now) -> Self {
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .set_ice_lite(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .build(now.at);
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        Self {
            rtc,
            address,
            transmits: VecDeque::new(),
            timeout: now.at,
            received: Vec::new(),
            send_on: HashMap::new(),
            requests: Vec::new(),
            connected: false,
            order: Vec::new(),
            sent: 0,
        }
    }

    /// The client's join request, as the WebSocket door would take it.
    pub fn join(&mut self, client: &mut Client, now: Now) -> JoinRequest {
        let request = surecast_room::signal::decode_join_request(client.join_request()).unwrap();
        client.handle_signal_open(now);
        let join = JoinResponse {
            ping_interval: 5,
            ping_timeout: 15,
            ..JoinResponse::default()
        };
        client.handle_signal(response(tell::Message::Join(join)), now);
        let offer = request.publisher_offer.clone().unwrap();
        let answer = self.answer(&offer, now);
        client.handle_signal(response(answer), now);
        request
    }

    /// Takes what the client has to say, and answers it.
    pub fn talk(&mut self, client: &mut Client, now: Now) {
        while let Some(SignalRequest { message }) = client.poll_signal() {
            let message = message.unwrap();
            self.requests.push(message.clone());
            let reply = match message {
                ask::Message::AddTrack(request) => {
                    tell::Message::TrackPublished(TrackPublishedResponse {
                        cid: request.cid,
                        track: Some(TrackInfo::default()),
                    })
                }
                ask::Message::Offer(offer) => self.answer(&offer, now),
                _ => continue,
            };
            client.handle_signal(response(reply), now);
        }
    }

    /// Receiving sections of the client, by kind.
    pub fn sections(&self, kind: MediaKind) -> Vec<Mid> {
        let order = self.order.iter().copied();
        order
            .filter(|&mid| self.rtc.media(mid).is_some_and(|m| m.kind() == kind))
            .filter(|&mid| {
                self.rtc
                    .media(mid)
                    .is_some_and(|m| m.direction() == Direction::SendOnly)
            })
            .collect()
    }

    pub fn send(&mut self, mid: Mid, packet: &RtpPacket, codec: Codec, now: Now) {
        let mut params = self.rtc.codec_config().iter();
        let pt = params.find(|p| p.spec().codec == codec).unwrap().pt();
        self.sent += 1;
        let write = RtpWrite::new(
            pt,
            self.sent.into(),
            packet.header.timestamp,
            now.at,
            packet.payload.clone(),
        )
        .marker(packet.header.marker)
        .nackable(true);
        self.rtc
            .direct_api()
            .stream_tx_by_mid(mid, None)
            .unwrap()
            .write_rtp(write);
        self.handle_timeout(now);
    }

    pub fn request_keyframe(&mut self, packet: &RtpPacket, now: Now) {
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_rx(&packet.header.ssrc).unwrap();
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.handle_timeout(now);
    }

    fn answer(&mut self, offer: &SessionDescription, now: Now) -> tell::Message {
        let mids = offer
            .sdp
            .lines()
            .filter_map(|line| line.strip_prefix("a=mid:"));
        self.order = mids.map(Mid::from).collect();
        let parsed = SdpOffer::from_sdp_string(&offer.sdp).unwrap();
        let answer = self.rtc.sdp_api().accept_offer(parsed).unwrap();
        self.drive(now);
        tell::Message::Answer(SessionDescription {
            r#type: "answer".to_owned(),
            sdp: self.only_used(&answer.to_sdp_string()),
            id: offer.id,
            mid_to_track_id: self
                .send_on
                .iter()
                .map(|(mid, track)| (mid.to_string(), track.clone()))
                .collect(),
        })
    }

    /// Sections that are not used are inactive, as LiveKit's server says it.
    fn only_used(&self, answer: &str) -> String {
        let sections: Vec<_> = answer.split("\r\nm=").collect();
        let used = |section: &str| {
            self.send_on
                .keys()
                .any(|mid| section.contains(&format!("\r\na=mid:{mid}\r\n")))
        };
        let sections = sections.into_iter().map(|section| {
            if used(section) {
                section.to_owned()
            } else {
                section.replace("\r\na=sendonly\r\n", "\r\na=inactive\r\n")
            }
        });
        sections.collect::<Vec<_>>().join("\r\nm=")
    }

    fn drive(&mut self, now: Now) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Timeout(at) => {
                    self.timeout = at.max(now.at);
                    return;
                }
                Output::Transmit(transmit) => self.transmits.push_back(Datagram {
                    source: transmit.source,
                    destination: transmit.destination,
                    payload: transmit.contents.to_vec(),
                }),
                Output::Event(Event::RtpPacket(packet)) => self.received.push(packet),
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(_) => {}
            }
        }
    }
}

impl Endpoint for FakeServer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn handle_datagram(&mut self, datagram: &Datagram, now: Now) {
        let contents = datagram.payload.as_slice().try_into().unwrap();
        let receive = Receive {
            proto: Protocol::Udp,
            source: datagram.source,
            destination: datagram.destination,
            contents,
        };
        self.rtc
            .handle_input(Input::Receive(now.at, receive))
            .unwrap();
        self.drive(now);
    }

    fn handle_timeout(&mut self, now: Now) {
        self.rtc.handle_input(Input::Timeout(now.at)).unwrap();
        self.drive(now);
    }

    fn poll_transmit(&mut self) -> Option<Datagram> {
        self.transmits.pop_front()
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        Some(self.timeout)
    }
}

fn response(message: tell::Message) -> SignalResponse {
    SignalResponse {
        message: Some(message),
    }
}
