//! The hot path. One turn of the loop, top to bottom: wait, take commands,
//! receive, let time pass, forward, send.

use std::collections::HashMap;
use std::io::{ErrorKind, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use surecast_media::control::MediaEvent;
use surecast_media::id::PeerId;
use surecast_media::local::LocalOutput;
use surecast_sfu::{Datagram, Protocol, Sfu};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::MediaPlaneMetrics;
use super::egress::Egress;
use super::shard::{Beat, ShardInput};
use crate::faults::{Faults, Loss};

pub(super) const WAKE: Token = Token(0);
const UDP: Token = Token(1);

/// Receive calls per turn: with [`BATCH_SIZE`] datagrams each this is a
/// millisecond's worth at the highest rate one core forwards; after it the
/// loop sends before it receives more.
const RECEIVE_CALLS: usize = 8;

/// Commands per turn, so that a join storm does not delay packets.
const COMMANDS: usize = 256;

/// Room for one datagram, or for a run of them that the kernel merged (GRO).
const RECEIVE_BUFFER: usize = 64 << 10;

/// Events that wait while the control side is busy: ten thousand joins at
/// once. Beyond it the oldest are worth nothing any more.
const MAX_BACKLOG: usize = 200_000;

/// Turns of the engine are at least this far apart. The packets of a frame
/// arrive one by one; given to the subscribers together they cost one waking of
/// each connection instead of one per packet. A packet after a pause does not
/// wait at all.
const MIN_REST: Duration = Duration::from_millis(1);

/// Under load the engine rests as long as its last turn took, so that batches
/// grow with the load and a packet costs less the more there are; but no longer
/// than this, a third of the time between two frames.
const MAX_REST: Duration = Duration::from_millis(10);

/// How often the counters are published.
const METRICS: Duration = Duration::from_millis(100);

/// Longest sleep.
const IDLE: Duration = Duration::from_secs(1);

pub(super) struct PacketLoop {
    sfu: Sfu,
    socket: UdpSocket,
    state: UdpSocketState,
    poll: Poll,
    inputs: Receiver<ShardInput>,
    events: mpsc::Sender<MediaEvent>,
    backlog: std::collections::VecDeque<MediaEvent>,
    /// What clients know the UDP socket under.
    candidates: Vec<SocketAddr>,
    egress: Egress,
    tcp: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>>,
    /// Participants without a peer connection.
    locals: HashMap<PeerId, mpsc::Sender<LocalOutput>>,
    buffers: Vec<Vec<u8>>,
    metrics: Arc<Mutex<MediaPlaneMetrics>>,
    published: Option<Instant>,
    /// Earliest next turn of the engine.
    next_turn: Option<Instant>,
    /// With `--dev` only.
    faults: Option<Arc<Faults>>,
    /// Told every tenth of a second that the loop turns.
    beat: Option<Arc<Beat>>,
    stopping: bool,
}

impl PacketLoop {
    pub(super) fn new(
        sfu: Sfu,
        socket: UdpSocket,
        candidates: Vec<SocketAddr>,
        poll: Poll,
        inputs: Receiver<ShardInput>,
        events: mpsc::Sender<MediaEvent>,
        metrics: Arc<Mutex<MediaPlaneMetrics>>,
    ) -> std::io::Result<Self> {
        use std::os::fd::AsRawFd;
        let state = UdpSocketState::new((&socket).into())?;
        let fd = socket.as_raw_fd();
        let registry = poll.registry();
        registry.register(&mut SourceFd(&fd), UDP, Interest::READABLE)?;
        let egress = Egress::new(state.max_gso_segments());
        Ok(Self {
            sfu,
            socket,
            state,
            poll,
            inputs,
            events,
            backlog: std::collections::VecDeque::new(),
            candidates,
            egress,
            tcp: HashMap::new(),
            locals: HashMap::new(),
            buffers: vec![vec![0; RECEIVE_BUFFER]; BATCH_SIZE],
            metrics,
            published: None,
            next_turn: None,
            faults: None,
            beat: None,
            stopping: false,
        })
    }

    pub(super) fn set_beat(&mut self, beat: Arc<Beat>) {
        self.beat = Some(beat);
    }

    /// Datagrams are lost while these say so.
    pub(super) fn set_faults(&mut self, faults: Option<Arc<Faults>>) {
        self.faults = faults;
    }
}

/// Runs until told to stop.
pub(super) fn run(l: &mut PacketLoop) {
    let mut ready = Events::with_capacity(8);
    let mut more = false;
    while !l.stopping {
        let wait = if more { Duration::ZERO } else { l.until_due() };
        if let Err(error) = l.poll.poll(&mut ready, Some(wait))
            && error.kind() != ErrorKind::Interrupted
        {
            tracing::error!(%error, "cannot wait for packets; the shard stops");
            return;
        }
        more = l.take_inputs();
        more |= l.receive();
        let now = Instant::now();
        l.forward(now);
        l.send();
        l.tell();
        l.publish(now);
    }
}

impl PacketLoop {
    fn until_due(&self) -> Duration {
        let wait = if self.backlog.is_empty() {
            IDLE
        } else {
            Duration::from_millis(1)
        };
        let now = Instant::now();
        let due = if self.sfu.is_settled() {
            self.sfu.poll_timeout()
        } else {
            Some(now)
        };
        let due = due.map(|at| self.next_turn.map_or(at, |turn| at.max(turn)));
        match due {
            Some(at) => at.saturating_duration_since(now).min(wait),
            None => wait,
        }
    }

    /// Lets time pass in the engine and ends the batch, if either is due.
    fn forward(&mut self, now: Instant) {
        if self.next_turn.is_some_and(|at| now < at) {
            return;
        }
        if self.sfu.poll_timeout().is_some_and(|at| at <= now) {
            self.sfu.handle_timeout(now);
        } else if self.sfu.is_settled() {
            return;
        } else {
            self.sfu.flush(now);
        }
        let end = Instant::now();
        self.next_turn = Some(end + (end - now).clamp(MIN_REST, MAX_REST));
    }

    /// Whether there may be more.
    fn take_inputs(&mut self) -> bool {
        for _ in 0..COMMANDS {
            let Ok(input) = self.inputs.try_recv() else {
                return false;
            };
            let now = Instant::now();
            match input {
                ShardInput::Command(command) => self.sfu.handle_command(command, now),
                ShardInput::Tcp(frame) => self.sfu.handle_datagram(
                    Datagram {
                        proto: Protocol::Tcp,
                        source: frame.source,
                        destination: frame.destination,
                        contents: &frame.contents,
                    },
                    now,
                ),
                ShardInput::TcpOpened(address, sender) => {
                    self.tcp.insert(address, sender);
                }
                ShardInput::TcpClosed(address) => {
                    self.tcp.remove(&address);
                }
                ShardInput::Local(input) => self.sfu.handle_local(input, now),
                ShardInput::LocalOpened(peer, sender) => {
                    self.locals.retain(|_, sender| !sender.is_closed());
                    self.locals.insert(peer, sender);
                }
                ShardInput::Stop => self.stopping = true,
            }
        }
        true
    }

    /// Whether there may be more.
    fn receive(&mut self) -> bool {
        for _ in 0..RECEIVE_CALLS {
            let mut metas = [RecvMeta::default(); BATCH_SIZE];
            let mut slices: Vec<_> = self
                .buffers
                .iter_mut()
                .map(|b| IoSliceMut::new(b))
                .collect();
            let received = self
                .state
                .recv((&self.socket).into(), &mut slices, &mut metas);
            drop(slices);
            let count = match received {
                Ok(count) => count,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return false,
                // A client's closed port comes back as an error of our socket.
                Err(_) => continue,
            };
            let now = Instant::now();
            let faults = self.faults.as_ref();
            let loss = faults.map_or(Loss::Nothing, |faults| faults.loss(now));
            for (meta, buffer) in metas.iter().zip(&self.buffers).take(count) {
                let destination = local_candidate(&self.candidates, meta);
                for contents in buffer[..meta.len].chunks(meta.stride.max(1)) {
                    if loss.takes(contents) {
                        continue;
                    }
                    let datagram = Datagram {
                        proto: Protocol::Udp,
                        source: meta.addr,
                        destination,
                        contents,
                    };
                    self.sfu.handle_datagram(datagram, now);
                }
            }
        }
        true
    }

    fn send(&mut self) {
        while let Some(transmit) = self.sfu.poll_transmit() {
            match transmit.proto {
                Protocol::Udp => {
                    self.egress
                        .push(&transmit, |run| run.send(&self.state, &self.socket));
                }
                _ => {
                    if let Some(connection) = self.tcp.get(&transmit.destination) {
                        // A TCP client that reads too slowly loses packets, as
                        // it would on UDP.
                        let _ = connection.try_send(transmit.contents.into());
                    }
                }
            }
        }
        self.egress
            .finish(|run| run.send(&self.state, &self.socket));
        while let Some(output) = self.sfu.poll_local() {
            let peer = output.peer();
            let Some(to) = self.locals.get(&peer) else {
                continue;
            };
            if let Err(TrySendError::Closed(_)) = to.try_send(output) {
                self.locals.remove(&peer);
            }
        }
    }

    fn tell(&mut self) {
        while let Some(event) = self.sfu.poll_event() {
            if self.backlog.len() < MAX_BACKLOG {
                self.backlog.push_back(event);
            }
        }
        while let Some(event) = self.backlog.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.backlog.push_front(event);
                    return;
                }
                Err(TrySendError::Closed(_)) => return,
            }
        }
    }

    fn publish(&mut self, now: Instant) {
        if self.published.is_some_and(|t| now < t + METRICS) {
            return;
        }
        self.published = Some(now);
        if let Some(beat) = &self.beat {
            beat.now(now);
        }
        let c = self.sfu.counters();
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        *metrics = MediaPlaneMetrics {
            packets_in: c.datagrams_in,
            packets_out: c.datagrams_out,
            bytes_in: c.bytes_in,
            bytes_out: c.bytes_out,
            rtp_in: c.rtp_in,
            rtp_forwarded: c.rtp_forwarded,
            keyframe_requests: c.keyframe_requests,
            peers: c.peers,
            dropped: c.unknown + self.egress.dropped,
        };
    }
}

/// The candidate that the client sent to. Behind an address translation the
/// local address is none of the candidates; then the first one stands for it.
fn local_candidate(candidates: &[SocketAddr], meta: &RecvMeta) -> SocketAddr {
    let exact = meta
        .dst_ip
        .and_then(|ip| candidates.iter().find(|c| c.ip() == ip));
    let family = || {
        candidates
            .iter()
            .find(|c| c.is_ipv4() == meta.addr.is_ipv4())
    };
    exact
        .or_else(family)
        .or(candidates.first())
        .copied()
        .unwrap_or(meta.addr)
}
