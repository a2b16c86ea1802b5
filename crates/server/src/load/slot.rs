//! One client with its sockets.

use std::io;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mio::net::UdpSocket;
use prost::Message as _;
use quinn_udp::{RecvMeta, UdpSocketState};
use socket2::SockRef;
use surecast_media::control::Kind;
use surecast_media::time::Now;
use surecast_sim::client::{Client, Config, Fault};
use surecast_sim::proto::SignalResponse;
use tokio::sync::mpsc;

use super::progress::Progress;
use super::signal::Event;
use crate::clock;

/// Messages for the server that may wait: a client says a handful when it
/// joins, then one every few seconds.
pub(super) const OUTGOING: usize = 64;

/// What a client is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Publisher,
    Subscriber,
}

/// A client that is to join.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) role: Role,
    pub(super) token: String,
    pub(super) config: Config,
    /// Streams that it should receive.
    pub(super) streams_expected: u64,
}

/// A client that has begun to join.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) client: Client,
    pub(super) socket: UdpSocket,
    pub(super) streams_expected: u64,
    /// It ended before it was told to.
    pub(super) failed: bool,
    role: Role,
    state: UdpSocketState,
    /// `None` once the client is done.
    outgoing: Option<mpsc::Sender<Vec<u8>>>,
}

/// As browsers ask for: the burst of a key frame, while the client's thread has
/// others to look after, must not count as loss on the way.
const RECEIVE_BUFFER: usize = 1 << 20;

/// Where received datagrams are put; shared by all clients of a worker. One
/// buffer may hold many datagrams of one sender (UDP GRO).
#[derive(Debug)]
pub(super) struct Batch {
    buffers: Vec<Vec<u8>>,
    metas: Vec<RecvMeta>,
}

impl Slot {
    pub(super) fn new(
        start: Start,
        local: SocketAddr,
        outgoing: mpsc::Sender<Vec<u8>>,
    ) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind(local)?;
        // The system may grant less.
        let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
        let state = UdpSocketState::new((&socket).into())?;
        let local = socket.local_addr()?;
        Ok(Self {
            client: Client::new(start.config, local, clock::now())?,
            socket,
            streams_expected: start.streams_expected,
            failed: false,
            role: start.role,
            state,
            outgoing: Some(outgoing),
        })
    }

    pub(super) fn handle_signal(&mut self, event: Event) {
        match event {
            Event::Open(at) => self.client.handle_signal_open(at),
            Event::Message(bytes) => match SignalResponse::decode(bytes.as_slice()) {
                Ok(response) => self.client.handle_signal(response, clock::now()),
                Err(e) => {
                    let detail = e.to_string();
                    self.client
                        .handle_signal_closed(Fault::SignalMalformed, &detail);
                }
            },
            Event::Closed(fault, detail) => self.client.handle_signal_closed(fault, &detail),
        }
    }

    /// Takes in all that has arrived.
    pub(super) fn receive(&mut self, batch: &mut Batch) -> io::Result<()> {
        loop {
            let count = match batch.receive(&self.state, &self.socket) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            let clock = Clock::read();
            for (buffer, meta) in batch.buffers.iter().zip(&batch.metas).take(count) {
                let now = clock.at(meta.timestamp);
                let filled = buffer.get(..meta.len).unwrap_or_default();
                for datagram in filled.chunks(meta.stride.max(1)) {
                    self.client.handle_datagram(meta.addr, datagram, now);
                }
            }
            // Less than asked for: the socket is empty, and what comes next
            // wakes the worker again.
            if count < batch.metas.len() {
                return Ok(());
            }
        }
    }

    /// Sends what the client has to say. `false` when it ended on its own.
    pub(super) fn flush(&mut self) -> bool {
        while let Some(signal) = self.client.poll_signal() {
            if let Some(outgoing) = &self.outgoing {
                let sent = outgoing.try_send(signal.encode_to_vec());
                if let Err(error) = sent {
                    let detail = error.to_string();
                    self.client
                        .handle_signal_closed(Fault::SignalClosed, &detail);
                }
            }
        }
        while let Some(transmit) = self.client.poll_transmit() {
            // A full send buffer is a lost datagram, as on any network; an
            // ICMP error is the server's way of being gone, and shows up as
            // silence.
            let _ = self
                .socket
                .send_to(&transmit.contents, transmit.destination);
        }
        if self.client.is_finished() && self.outgoing.take().is_some() {
            self.failed = true;
            return false;
        }
        true
    }

    /// The client leaves.
    pub(super) fn leave(&mut self) {
        self.client.leave(clock::now());
        let failed = self.failed;
        self.flush();
        self.failed = failed;
    }

    pub(super) fn add_to(&self, progress: &mut Progress) {
        progress.connected += u64::from(self.client.milestones().connected.is_some());
        progress.failed += u64::from(self.failed);
        let settled = self.failed || self.client.milestones().published.is_some();
        progress.publishers_settled += u64::from(self.role == Role::Publisher && settled);
        for kind in [Kind::Audio, Kind::Video] {
            let totals = self.client.received(kind);
            progress.expected += totals.packets_expected;
            progress.received += totals.packets_received;
        }
        let traffic = self.client.traffic();
        progress.traffic.datagrams_in += traffic.datagrams_in;
        progress.traffic.bytes_in += traffic.bytes_in;
        progress.traffic.datagrams_out += traffic.datagrams_out;
        progress.traffic.bytes_out += traffic.bytes_out;
    }
}

impl Batch {
    pub(super) fn new() -> Self {
        Self {
            buffers: vec![vec![0; usize::from(u16::MAX)]; quinn_udp::BATCH_SIZE],
            metas: vec![RecvMeta::default(); quinn_udp::BATCH_SIZE],
        }
    }

    fn receive(&mut self, state: &UdpSocketState, socket: &UdpSocket) -> io::Result<usize> {
        let mut slices = self.buffers.iter_mut().map(|b| IoSliceMut::new(b));
        let mut slices: [IoSliceMut<'_>; quinn_udp::BATCH_SIZE] =
            std::array::from_fn(|_| slices.next().unwrap_or(IoSliceMut::new(&mut [])));
        socket.try_io(|| state.recv(socket.into(), &mut slices, &mut self.metas))
    }
}

/// Turns the kernel's time of arrival into a moment of the monotonic clock, so
/// that what is measured is the server and the network, not how busy the load
/// itself is.
struct Clock {
    now: Now,
    unix: Duration,
}

impl Clock {
    fn read() -> Self {
        Self {
            now: clock::now(),
            unix: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    fn at(&self, arrival: Option<Duration>) -> Now {
        /// A clock that was set meanwhile gives nonsense; nothing waits so long.
        const PLAUSIBLE: Duration = Duration::from_secs(5);
        let age = arrival.and_then(|arrival| self.unix.checked_sub(arrival));
        let age = age.filter(|age| *age < PLAUSIBLE).unwrap_or_default();
        Now {
            at: self.now.at.checked_sub(age).unwrap_or(self.now.at),
            unix_ms: self.now.unix_ms,
        }
    }
}
