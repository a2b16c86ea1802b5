//! A WebRTC client that joins LiveKit-compatible servers by signalling v1.
//!
//! Sans-IO: whoever drives it opens the WebSocket at [`Client::join_request`],
//! carries [`SignalRequest`]s, [`SignalResponse`]s and datagrams, and calls
//! [`Client::handle_timeout`] when [`Client::poll_timeout`] says so. After each
//! `handle_*` the driver drains [`Client::poll_signal`] and
//! [`Client::poll_transmit`].
//!
//! The way of a session, as LiveKit's own clients go it: an offer travels
//! inside the join request; the server answers after its join response; what
//! is to be published is announced (`add_track`), and offered once the server
//! has agreed; when the server needs more sections to send on it says so
//! (`media_sections_requirement`), and the client offers those. Only the client
//! ever offers.

mod endpoint;
mod fault;
mod join;
mod milestones;
mod negotiation;
mod publication;
mod sdp;
mod signalling;
mod transport;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit_protocol::{SignalRequest, SignalResponse};
use str0m::config::{CryptoProvider, DtlsVersion};
use str0m::format::Codec;
use str0m::net::Transmit;
use str0m::rtp::Ssrc;
use str0m::{Candidate, Rtc};
use surecast_media::control::Kind;
use surecast_media::time::Now;
use thiserror::Error;

pub use fault::{Fault, Faults};
pub use milestones::Milestones;
pub use publication::Publish;

use crate::flow::Flow;
use crate::histogram::Histogram;
use crate::meter::{Meter, Totals};
use negotiation::Negotiation;
use publication::Publication;
use signalling::Keepalive;

/// A client that is not connected by then has failed. LiveKit's own clients
/// wait 15 s for the peer connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Streams that one client measures. A client of a room of 100 publishers has
/// 200; a server that keeps changing SSRCs must not fill the memory.
const MAX_STREAMS: usize = 2048;

/// What a client shall do.
#[derive(Clone, Debug)]
pub struct Config {
    /// What it publishes.
    pub publish: Vec<Publish>,
    /// It receives what others publish.
    pub subscribe: bool,
    /// Chooses first numbers, frame sizes, who talks when.
    pub seed: u64,
    /// Marks its packets: unique among the process's clients, and so are as
    /// many following numbers as it publishes encodings.
    pub first_source: u32,
    /// What all stamps of the process count from.
    pub epoch: Instant,
    /// DTLS and SRTP; shared, because it is the same for all.
    pub crypto: Arc<CryptoProvider>,
    /// Which DTLS it offers; [`DtlsVersion::Auto`] is what browsers do.
    pub dtls: DtlsVersion,
}

/// The client cannot be made.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Such an address cannot be an ICE candidate.
    #[error("{address} cannot be a host candidate: {reason}")]
    Address {
        /// The local socket's.
        address: SocketAddr,
        /// As the ICE agent says it.
        reason: String,
    },
    /// Nothing to offer: a defect, since there is always a data channel.
    #[error("the first offer is empty")]
    NoOffer,
}

/// Latency of packets, from the publisher's client to this one.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// Of audio.
    pub audio: Histogram,
    /// Of video.
    pub video: Histogram,
}

/// What travelled in datagrams, whatever it was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Their bytes, without UDP and IP headers.
    pub bytes_in: u64,
    /// Datagrams sent.
    pub datagrams_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
}

/// One participant.
#[derive(Debug)]
pub struct Client {
    config: Config,
    rtc: Rtc,
    local: SocketAddr,
    join_request: String,
    negotiation: Negotiation,
    publications: Vec<Publication>,
    rng: fastrand::Rng,
    keepalive: Keepalive,
    milestones: Milestones,
    faults: Faults,
    streams: HashMap<Ssrc, Meter>,
    latency: Latency,
    traffic: Traffic,
    /// Section → track, as the last answer said it.
    tracks: BTreeMap<String, String>,
    /// Sections that sent media while they were mapped to no track, and since
    /// when. As many as streams, at most.
    unmapped: BTreeMap<String, Instant>,
    /// Bit n: payload type n is a retransmission.
    rtx_types: u128,
    /// The datagram at hand is a retransmission.
    recovering: bool,
    keyframe_check: Option<Instant>,
    signals: VecDeque<SignalRequest>,
    transmits: VecDeque<Transmit>,
    transport_timeout: Instant,
    finished: bool,
}

impl Client {
    /// A client whose datagrams leave from `local`. It begins to join now.
    ///
    /// # Errors
    /// `local` cannot be a candidate.
    pub fn new(config: Config, local: SocketAddr, now: Now) -> Result<Self, ClientError> {
        let mut rtc = build_rtc(&config, now.at);
        let candidate = Candidate::host(local, "udp").map_err(|e| ClientError::Address {
            address: local,
            reason: e.to_string(),
        })?;
        rtc.add_local_candidate(candidate);
        let mut negotiation = Negotiation::default();
        let offer = negotiation
            .first_offer(&mut rtc, config.subscribe)
            .ok_or(ClientError::NoOffer)?;
        let publications = publication::all(&config);
        Ok(Self {
            rng: fastrand::Rng::with_seed(config.seed),
            join_request: join::parameter(config.subscribe, offer),
            milestones: Milestones {
                started: Some(now.at),
                ..Milestones::default()
            },
            config,
            rtc,
            local,
            negotiation,
            publications,
            keepalive: Keepalive::default(),
            faults: Faults::default(),
            streams: HashMap::new(),
            latency: Latency::default(),
            traffic: Traffic::default(),
            tracks: BTreeMap::new(),
            unmapped: BTreeMap::new(),
            rtx_types: 0,
            recovering: false,
            keyframe_check: None,
            signals: VecDeque::new(),
            transmits: VecDeque::new(),
            transport_timeout: now.at,
            finished: false,
        })
    }

    /// Value of the `join_request` query parameter of `/rtc/v1`. URL-safe.
    #[must_use]
    pub fn join_request(&self) -> &str {
        &self.join_request
    }

    /// The WebSocket is open.
    pub fn handle_signal_open(&mut self, now: Now) {
        self.milestones.signal_open.get_or_insert(now.at);
        self.keepalive.heard(now.at);
    }

    /// A message of the server.
    pub fn handle_signal(&mut self, response: SignalResponse, now: Now) {
        if self.finished {
            return;
        }
        self.keepalive.heard(now.at);
        if let Some(message) = response.message {
            self.on_signal(message, now);
            self.drive(now);
        }
    }

    /// The WebSocket could not be opened, or is gone.
    pub fn handle_signal_closed(&mut self, fault: Fault, detail: &str) {
        if !self.finished {
            self.fail(fault, detail);
        }
    }

    /// A datagram came.
    pub fn handle_datagram(&mut self, source: SocketAddr, payload: &[u8], now: Now) {
        self.traffic.datagrams_in += 1;
        self.traffic.bytes_in += payload.len() as u64;
        self.receive(source, payload, now);
    }

    /// Time has passed: sends what is due, notices what is overdue.
    pub fn handle_timeout(&mut self, now: Now) {
        if self.finished {
            return;
        }
        self.check_overdue(now);
        self.send_media(now);
        if now.at >= self.transport_timeout {
            self.handle_transport_timeout(now);
        }
    }

    /// Leaves the room and closes the connection. What is still to be sent can
    /// be polled afterwards; nothing else happens any more.
    pub fn leave(&mut self, now: Now) {
        if self.finished {
            return;
        }
        if self.milestones.connected.is_none() {
            let detail = self.milestones.stuck_after();
            self.fault(Fault::NeverConnected, detail);
        }
        self.signals.push_back(signalling::leave());
        // It is over either way; what the peer does not hear, it times out.
        let _ = self.rtc.close();
        self.drive(now);
        self.finished = true;
    }

    /// The next message for the server.
    pub fn poll_signal(&mut self) -> Option<SignalRequest> {
        self.signals.pop_front()
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.transmits.pop_front()?;
        self.traffic.datagrams_out += 1;
        self.traffic.bytes_out += transmit.contents.len() as u64;
        Some(transmit)
    }

    /// When [`Self::handle_timeout`] shall be called; `None` once finished.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.finished {
            return None;
        }
        // Before that nothing can be sent.
        let connected = self.milestones.connected.is_some();
        let media = self.publications.iter().filter(|_| connected);
        media
            .filter_map(Publication::next_due)
            .chain(self.keepalive.next_due())
            .chain(self.overdue_at())
            .chain(self.keyframe_check)
            .chain([self.transport_timeout])
            .min()
    }

    /// It left, or failed for good.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.finished
    }

    /// When what happened.
    #[must_use]
    pub const fn milestones(&self) -> &Milestones {
        &self.milestones
    }

    /// What went wrong.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How long packets took.
    #[must_use]
    pub const fn latency(&self) -> &Latency {
        &self.latency
    }

    /// All datagrams.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Media packets that it published.
    #[must_use]
    pub fn packets_published(&self) -> u64 {
        self.publications.iter().map(Publication::sent).sum()
    }

    /// What it received, of one kind, over all streams.
    #[must_use]
    pub fn received(&self, kind: Kind) -> Totals {
        let mut totals = Totals::default();
        for meter in self.streams.values().filter(|meter| meter.kind() == kind) {
            totals.add(&meter.totals());
        }
        totals
    }

    /// How evenly media of one kind arrived, in the stream that brought most of
    /// it; `None` where nothing came.
    #[must_use]
    pub fn flow(&self, kind: Kind) -> Option<Flow> {
        let streams = self.streams.values().filter(|m| m.kind() == kind);
        streams
            .map(Meter::flow)
            .max_by_key(|flow| flow.packets())
            .copied()
    }

    /// The longest time until the server answered a ping, or during which it
    /// owed an answer at `now`; `None` before the first ping.
    #[must_use]
    pub fn slowest_pong(&self, now: Instant) -> Option<Duration> {
        self.keepalive.slowest(now)
    }

    /// Tracks that the server has mapped to sections, and of which packets
    /// came.
    #[must_use]
    pub fn tracks_mapped(&self) -> usize {
        self.tracks.len()
    }

    fn overdue_at(&self) -> Option<Instant> {
        let waiting = self.milestones.connected.is_none();
        let start = self.milestones.started.filter(|_| waiting);
        let connect = start.map(|at| at + CONNECT_TIMEOUT);
        let publish = self.publications.iter().filter_map(Publication::overdue_at);
        connect.into_iter().chain(publish).min()
    }

    fn check_overdue(&mut self, now: Now) {
        let started = self.milestones.started.unwrap_or(now.at);
        let late = now.at.saturating_duration_since(started) >= CONNECT_TIMEOUT;
        if late && self.milestones.connected.is_none() {
            let detail = self.milestones.stuck_after();
            self.fail(Fault::ConnectTimeout, detail);
        }
        self.check_publications(now);
        self.check_keepalive(now);
        self.check_mapping(now);
    }

    /// Something went wrong that the session outlives.
    fn fault(&mut self, fault: Fault, detail: &str) {
        self.faults.add(fault, detail);
    }

    /// Something went wrong that ends the session.
    fn fail(&mut self, fault: Fault, detail: &str) {
        self.fault(fault, detail);
        self.finished = true;
    }
}

fn build_rtc(config: &Config, now: Instant) -> Rtc {
    let mut builder = Rtc::builder()
        .set_crypto_provider(Arc::clone(&config.crypto))
        .set_rtp_mode(true)
        .set_stats_interval(None)
        .clear_codecs()
        .enable_opus(true, false)
        .enable_vp8(true)
        .set_dtls_version(config.dtls);
    debug_assert!(
        builder
            .codec_config()
            .iter()
            .any(|p| p.spec().codec == Codec::Vp8)
    );
    builder.build(now)
}
