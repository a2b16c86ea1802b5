//! Room engine and forwarding engine together, between real WebRTC clients, in
//! virtual time: the whole server but for its sockets.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::DtlsVersion;
use surecast_media::control::{MediaCommand, MediaEvent};
use surecast_media::id::TrackId;
use surecast_media::time::Now;
use surecast_room::token::VideoGrant;
use surecast_room::{Grants, Join, Output, Rooms, SessionId, Settings};
use surecast_sfu::{Config as SfuConfig, Datagram as SfuDatagram, Protocol, Sfu};
use surecast_sim::client::{Client, Config, Publish};
use surecast_sim::proto::SignalResponse;
use surecast_sim::world::{Datagram, Endpoint, World};

pub const SERVER: SocketAddr = SocketAddr::new(
    std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)),
    7882,
);

/// Signalling is exchanged so often: what TCP and a loaded server take.
const STEP: Duration = Duration::from_millis(5);

/// Both engines behind one address.
pub struct Core {
    rooms: Rooms,
    sfu: Sfu,
    now: Now,
    signals: HashMap<SessionId, Vec<SignalResponse>>,
    /// What froze, in order.
    pub freezes: Vec<Freeze>,
    /// Streams that were told to flow again, without the first time.
    pub flows: usize,
    tracks: Vec<TrackId>,
}

/// A stream to a subscriber that froze.
#[derive(Clone, Copy, Debug)]
pub struct Freeze {
    pub track: TrackId,
    pub since: Instant,
    pub until: Option<Instant>,
}

/// A server, its clients, and the paths between them.
pub struct Show {
    pub world: World,
    pub core: Core,
    pub clients: Vec<Client>,
    sessions: Vec<Option<SessionId>>,
    origin: Now,
}

impl Core {
    fn new(seed: u64, now: Now) -> Self {
        let config = SfuConfig {
            udp: vec![SERVER],
            seed,
            ..SfuConfig::default()
        };
        Self {
            rooms: Rooms::new(Settings::default(), seed),
            sfu: Sfu::new(&config, now.at).unwrap(),
            now,
            signals: HashMap::new(),
            freezes: Vec::new(),
            flows: 0,
            tracks: Vec::new(),
        }
    }

    fn watch(&mut self, event: &MediaEvent) {
        match *event {
            MediaEvent::StreamFrozen { track, since, .. } => self.freezes.push(Freeze {
                track,
                since,
                until: None,
            }),
            MediaEvent::StreamFlowing { track, at, .. } => {
                self.flows += 1;
                let open = |f: &&mut Freeze| f.track == track && f.until.is_none();
                if let Some(freeze) = self.freezes.iter_mut().find(open) {
                    freeze.until = Some(at);
                }
            }
            _ => {}
        }
    }

    /// Mutes every track of the show, or ends that, as their publisher would.
    pub fn mute_all(&mut self, muted: bool) {
        for track in self.tracks.clone() {
            let command = MediaCommand::Mute { track, muted };
            self.sfu.handle_command(command, self.now.at);
        }
    }

    /// Carries values between the engines until both are at rest.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            while let Some(output) = self.rooms.poll_output() {
                moved = true;
                match output {
                    Output::Media { command, .. } => self.sfu.handle_command(command, self.now.at),
                    Output::Signal { session, message } => {
                        self.signals.entry(session).or_default().push(*message);
                    }
                    _ => {}
                }
            }
            self.sfu.flush(self.now.at);
            while let Some(event) = self.sfu.poll_event() {
                moved = true;
                self.watch(&event);
                if let MediaEvent::TrackBound { track, .. } = event {
                    self.tracks.push(track);
                }
                self.rooms.handle_media(event, self.now);
            }
            if !moved {
                return;
            }
        }
    }
}

impl Endpoint for Core {
    fn address(&self) -> SocketAddr {
        SERVER
    }

    fn handle_datagram(&mut self, datagram: &Datagram, now: Now) {
        self.now = now;
        let input = SfuDatagram {
            proto: Protocol::Udp,
            source: datagram.source,
            destination: datagram.destination,
            contents: &datagram.payload,
        };
        self.sfu.handle_datagram(input, now.at);
        self.settle();
    }

    fn handle_timeout(&mut self, now: Now) {
        self.now = now;
        self.sfu.handle_timeout(now.at);
        self.rooms.handle_timeout(now);
        self.settle();
    }

    fn poll_transmit(&mut self) -> Option<Datagram> {
        let transmit = self.sfu.poll_transmit()?;
        Some(Datagram {
            source: transmit.source,
            destination: transmit.destination,
            payload: transmit.contents.to_vec(),
        })
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let timeouts = [self.sfu.poll_timeout(), self.rooms.poll_timeout()];
        let earliest = timeouts.into_iter().flatten().min();
        // What is overdue is due now; a clock that went back would be none.
        earliest.map(|at| at.max(self.now.at))
    }
}

impl Show {
    pub fn new(seed: u64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
        let at = Instant::now();
        let origin = Now {
            at,
            unix_ms: 1_700_000_000_000,
        };
        Self {
            world: World::new(seed, origin),
            core: Core::new(seed, origin),
            clients: Vec::new(),
            sessions: Vec::new(),
            origin,
        }
    }

    /// Address of the client of that number.
    pub fn address(index: usize) -> SocketAddr {
        SocketAddr::from(([10, 1, 0, u8::try_from(index + 1).unwrap()], 5000))
    }

    /// A client joins; its number.
    pub fn join(&mut self, publish: Vec<Publish>, subscribe: bool) -> usize {
        let index = self.clients.len();
        let now = self.world.now();
        let config = Config {
            publish,
            subscribe,
            seed: index as u64,
            first_source: u32::try_from(index * 10).unwrap(),
            epoch: self.origin.at,
            crypto: Arc::new(str0m::crypto::from_feature_flags()),
            dtls: DtlsVersion::Auto,
        };
        let mut client = Client::new(config, Self::address(index), now).unwrap();
        let request = surecast_room::signal::decode_join_request(client.join_request()).unwrap();
        let grants = Grants {
            identity: format!("client-{index}"),
            video: Some(VideoGrant {
                room_join: true,
                room: "show".to_owned(),
                ..VideoGrant::default()
            }),
            ..Grants::default()
        };
        let join = Join::from_request(grants, "show".to_owned(), request);
        self.core.now = now;
        let session = self.core.rooms.handle_join(join, now).unwrap();
        self.core.settle();
        client.handle_signal_open(now);
        self.clients.push(client);
        self.sessions.push(Some(session));
        index
    }

    pub fn leave(&mut self, index: usize) {
        self.clients[index].leave(self.world.now());
        self.exchange();
    }

    pub fn run(&mut self, time: Duration) {
        let until = self.world.now().at + time;
        while self.world.now().at < until {
            self.exchange();
            let mut endpoints: Vec<&mut dyn Endpoint> = vec![&mut self.core];
            endpoints.extend(self.clients.iter_mut().map(|c| c as &mut dyn Endpoint));
            self.world.run_for(&mut endpoints, STEP);
        }
        self.exchange();
    }

    /// What both sides have to say on the WebSockets.
    fn exchange(&mut self) {
        let now = self.world.now();
        self.core.now = now;
        for (client, session) in self.clients.iter_mut().zip(&self.sessions) {
            let Some(session) = *session else { continue };
            while let Some(request) = client.poll_signal() {
                self.core.rooms.handle_signal(session, request, now);
                self.core.settle();
            }
            for response in self.core.signals.remove(&session).unwrap_or_default() {
                client.handle_signal(response, now);
            }
        }
    }
}
