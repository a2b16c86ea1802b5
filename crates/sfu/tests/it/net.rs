//! A network of clients around one engine. Time passes in steps of a
//! millisecond and only when told to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{
    Direction, KeyframeRequestKind, MediaKind, Mid, Rid, Simulcast, SimulcastLayer,
};
use str0m::net::Receive;
use str0m::rtp::{ExtensionValues, RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};
use surecast_media::control::{
    AnnouncedCodec, Announcement, Demand, Kind, MediaCommand, MediaEvent, PeerRole,
};
use surecast_media::id::{PeerId, RoomId, TrackId};
use surecast_sfu::{Config, Datagram, Protocol, Sfu};

pub const ROOM: RoomId = RoomId(1);

pub struct Net {
    pub now: Instant,
    pub sfu: Sfu,
    pub clients: Vec<Client>,
    pub events: Vec<MediaEvent>,
    /// Drops the n-th packet from the engine when it says so.
    pub drop: Box<dyn FnMut(u64) -> bool>,
    /// Nothing that clients send arrives.
    pub deaf: bool,
    sent: u64,
    server: SocketAddr,
}

pub struct Client {
    pub id: PeerId,
    pub rtc: Rtc,
    pub addr: SocketAddr,
    pub packets: Vec<RtpPacket>,
    pub keyframe_requests: Vec<(Mid, Option<Rid>)>,
    pub data: Vec<Vec<u8>>,
    channel: Option<ChannelId>,
    /// The channel, once it can be written to.
    pub open: Option<ChannelId>,
    receiving: Vec<Mid>,
    pub connected: bool,
    /// What the next packet is a record of; now, where not said.
    pub captured_at: Option<Instant>,
    last_turn: Instant,
    /// Sections of ours, by the cid they carry.
    mids: Vec<Mid>,
    pending: Option<SdpPendingOffer>,
    inbox: VecDeque<Vec<u8>>,
}

impl Net {
    pub fn new() -> Self {
        #[allow(clippy::disallowed_methods, reason = "virtual time starts somewhere")]
        let now = Instant::now();
        let server = SocketAddr::from(([10, 0, 0, 1], 7882));
        let config = Config {
            udp: vec![server],
            tcp: vec![],
            seed: 7,
        };
        Self {
            now,
            sfu: Sfu::new(&config, now).unwrap(),
            clients: Vec::new(),
            events: Vec::new(),
            drop: Box::new(|_| false),
            deaf: false,
            sent: 0,
            server,
        }
    }

    pub fn join(&mut self, role: PeerRole) -> usize {
        let index = self.clients.len();
        let id = PeerId(index as u64 + 1);
        let addr = SocketAddr::from(([10, 0, 1, 1], 10_000 + u16::try_from(index).unwrap()));
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_vp8(true)
            .enable_h264(true)
            .build(self.now);
        rtc.add_local_candidate(Candidate::host(addr, "udp").unwrap());
        self.clients.push(Client {
            id,
            rtc,
            addr,
            packets: Vec::new(),
            keyframe_requests: Vec::new(),
            data: Vec::new(),
            channel: None,
            open: None,
            receiving: Vec::new(),
            connected: false,
            captured_at: None,
            last_turn: self.now,
            mids: Vec::new(),
            pending: None,
            inbox: VecDeque::new(),
        });
        self.command(MediaCommand::AddPeer {
            peer: id,
            room: ROOM,
            role,
        });
        index
    }

    pub fn command(&mut self, command: MediaCommand) {
        self.sfu.handle_command(command, self.now);
        self.sfu.flush(self.now);
        self.collect();
    }

    /// The client offers what it wants to send and receive.
    pub fn offer(&mut self, client: usize, send: &[(&str, MediaKind, bool)], receive: (u32, u32)) {
        let c = &mut self.clients[client];
        let mut api = c.rtc.sdp_api();
        if c.channel.is_none() {
            c.channel = Some(api.add_channel("_reliable".into()));
        }
        for (cid, kind, simulcast) in send {
            let layers = simulcast.then(|| {
                let mut s = Simulcast::new();
                for rid in ["q", "h", "f"] {
                    s.add_send_layer(SimulcastLayer::new(rid));
                }
                s
            });
            let cid = Some((*cid).to_owned());
            let mid = api.add_media(*kind, Direction::SendOnly, Some("s".into()), cid, layers);
            c.mids.push(mid);
        }
        for (kind, count) in [(MediaKind::Audio, receive.0), (MediaKind::Video, receive.1)] {
            for _ in 0..count {
                let mid = api.add_media(kind, Direction::RecvOnly, None, None, None);
                c.receiving.push(mid);
            }
        }
        // As a browser does: a transceiver goes on wanting to receive though
        // the last answer said otherwise.
        for mid in &c.receiving {
            api.set_direction(*mid, Direction::RecvOnly);
        }
        let (offer, pending) = match api.apply() {
            Some(made) => made,
            None => {
                // Nothing to add: a plain offer again.
                let mut api = c.rtc.sdp_api();
                api.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
                api.apply().unwrap()
            }
        };
        c.pending = Some(pending);
        let (peer, sdp) = (c.id, offer.to_sdp_string());
        self.command(MediaCommand::Offer { peer, sdp, id: 1 });
    }

    pub fn publish(&mut self, client: usize, track: u64, cid: &str, kind: Kind) {
        let peer = self.clients[client].id;
        let announcement = announcement(track, cid, kind);
        self.command(MediaCommand::Announce { peer, announcement });
    }

    pub fn subscribe(&mut self, client: usize, track: u64) {
        let peer = self.clients[client].id;
        self.command(MediaCommand::Subscribe {
            peer,
            track: TrackId(track),
            stream_id: "PA_x|camera".into(),
            demand: Demand::default(),
        });
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(1);
            self.exchange();
        }
    }

    /// Runs until something holds.
    pub fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        for _ in 0..60_000 {
            if holds(self) {
                return;
            }
            self.run(Duration::from_millis(1));
        }
        panic!(
            "did not come true in 60 s: {what}; events: {:#?}",
            self.events
        );
    }

    fn exchange(&mut self) {
        for i in 0..self.clients.len() {
            let outgoing = self.clients[i].turn(self.now, self.server);
            for contents in outgoing.iter().filter(|_| !self.deaf) {
                let datagram = Datagram {
                    proto: Protocol::Udp,
                    source: self.clients[i].addr,
                    destination: self.server,
                    contents,
                };
                self.sfu.handle_datagram(datagram, self.now);
            }
        }
        if self.sfu.poll_timeout().is_some_and(|at| at <= self.now) {
            self.sfu.handle_timeout(self.now);
        }
        self.sfu.flush(self.now);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(transmit) = self.sfu.poll_transmit() {
            self.sent += 1;
            if (self.drop)(self.sent) {
                continue;
            }
            let to = |c: &&mut Client| c.addr == transmit.destination;
            if let Some(client) = self.clients.iter_mut().find(to) {
                client.inbox.push_back(transmit.contents.to_vec());
            }
        }
        while let Some(event) = self.sfu.poll_event() {
            self.on_event(&event);
            self.events.push(event);
        }
    }

    fn on_event(&mut self, event: &MediaEvent) {
        let client = |clients: &mut Vec<Client>, id: &PeerId| {
            clients.iter().position(|c| c.id == *id).unwrap()
        };
        match event {
            MediaEvent::Answer { peer, sdp, .. } => {
                let i = client(&mut self.clients, peer);
                let c = &mut self.clients[i];
                let answer = SdpAnswer::from_sdp_string(sdp).unwrap();
                let pending = c.pending.take().unwrap();
                c.rtc.sdp_api().accept_answer(pending, answer).unwrap();
            }
            MediaEvent::Offer { peer, sdp, id, .. } => {
                let i = client(&mut self.clients, peer);
                let offer = SdpOffer::from_sdp_string(sdp).unwrap();
                let answer = self.clients[i].rtc.sdp_api().accept_offer(offer).unwrap();
                let (peer, sdp, id) = (*peer, answer.to_sdp_string(), *id);
                let answer = MediaCommand::Answer { peer, sdp, id };
                self.sfu.handle_command(answer, self.now);
            }
            MediaEvent::SectionsNeeded { peer, audio, video } => {
                let i = client(&mut self.clients, peer);
                if self.clients[i].pending.is_none() {
                    self.offer(i, &[], (*audio, *video));
                }
            }
            MediaEvent::NegotiationFailed { reason, .. } => panic!("{reason}"),
            _ => {}
        }
    }
}

impl Client {
    /// Sends a packet of the track on `cid`.
    pub fn send(&mut self, cid: &str, rid: Option<&str>, seq: u64, time: u32, payload: &[u8]) {
        let mid = self.mid_of(cid);
        let pt = self.rtc.media(mid).unwrap().remote_pts()[0];
        let now = self.captured_at.unwrap_or(self.last_turn);
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, rid.map(Rid::from)).unwrap();
        let write = RtpWrite::new(pt, seq.into(), time, now, payload.to_vec())
            .marker(true)
            .nackable(true)
            .ext_vals(ExtensionValues {
                audio_level: Some(-20),
                voice_activity: Some(true),
                ..ExtensionValues::default()
            });
        stream.write_rtp(write);
    }

    fn mid_of(&self, cid: &str) -> Mid {
        let carries = |m: &&Mid| self.rtc.media(**m).is_some_and(|m| m.track_id() == cid);
        *self
            .mids
            .iter()
            .find(carries)
            .expect("a section for the cid")
    }

    pub fn request_keyframe(&mut self) {
        let ssrc = self.packets.last().unwrap().header.ssrc;
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx(&ssrc).unwrap();
        stream.request_keyframe(KeyframeRequestKind::Pli);
    }

    /// One input, then everything it leads to: the connection keeps one
    /// received packet at a time.
    fn turn(&mut self, now: Instant, server: SocketAddr) -> Vec<Vec<u8>> {
        self.last_turn = now;
        let mut out = Vec::new();
        while let Some(contents) = self.inbox.pop_front() {
            let receive = Receive::new(Protocol::Udp, server, self.addr, &contents).unwrap();
            let taken = self.rtc.handle_input(Input::Receive(now, receive));
            if taken.is_err() {
                // The engine said goodbye.
                self.rtc.disconnect();
            }
            self.drain(&mut out);
        }
        let _ = self.rtc.handle_input(Input::Timeout(now));
        self.drain(&mut out);
        out
    }

    fn drain(&mut self, out: &mut Vec<Vec<u8>>) {
        loop {
            // An error is the goodbye of the engine.
            let Ok(output) = self.rtc.poll_output() else {
                return;
            };
            match output {
                Output::Timeout(_) => return,
                Output::Transmit(t) => out.push(t.contents.to_vec()),
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::RtpPacket(p)) => self.packets.push(p),
                Output::Event(Event::KeyframeRequest(k)) => {
                    self.keyframe_requests.push((k.mid, k.rid));
                }
                Output::Event(Event::ChannelOpen(id, _)) => self.open = Some(id),
                Output::Event(Event::ChannelData(d)) => self.data.push(d.data),
                Output::Event(_) => {}
            }
        }
    }
}

pub fn announcement(track: u64, cid: &str, kind: Kind) -> Announcement {
    Announcement {
        track: TrackId(track),
        sid: format!("TR_{track}"),
        kind,
        codecs: vec![AnnouncedCodec {
            cid: cid.into(),
            mime: String::new(),
        }],
        layers: vec![],
        disable_red: false,
        stereo: false,
        dtx: false,
        screen_share: false,
    }
}

/// A VP8 packet: descriptor with a 15-bit picture id, then a frame header.
pub fn vp8(picture: u16, keyframe: bool) -> Vec<u8> {
    let id = picture.to_be_bytes();
    let mut payload = vec![0x90, 0x80, id[0] | 0x80, id[1], u8::from(!keyframe)];
    payload.extend([0; 200]);
    payload
}

pub fn picture_of(packet: &RtpPacket) -> u16 {
    u16::from_be_bytes([packet.payload[2] & 0x7f, packet.payload[3]])
}

pub fn is_event(net: &Net, f: impl Fn(&MediaEvent) -> bool) -> bool {
    net.events.iter().any(f)
}
