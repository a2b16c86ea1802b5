//! One of the two clients of a round, with its sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use prost::Message as _;
use surecast_sim::client::{Client, Config, Fault};
use surecast_sim::proto::SignalResponse;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep_until, timeout};

use crate::clock;
use crate::load::signal::{self, Event, Inbox};
use crate::load::target::Target;

/// Messages that wait, in either direction: a client says a handful when it
/// joins, then one every few seconds.
const MESSAGES: usize = 64;

/// Datagrams that are taken in one after another before other things are looked
/// at: a key frame is about ten.
const IN_A_ROW: usize = 64;

/// How long the farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A client that has begun to join.
pub(super) struct Peer {
    pub(super) client: Client,
    /// Bytes of signalling messages, received and sent.
    pub(super) signalling: (u64, u64),
    /// How much later than it wanted it was called, at worst: what the machine
    /// of the probe itself is late.
    pub(super) lag: Duration,
    socket: UdpSocket,
    events: mpsc::Receiver<Event>,
    /// `None` once the client is done.
    outgoing: Option<mpsc::Sender<Vec<u8>>>,
    websocket: JoinHandle<()>,
    buffer: Vec<u8>,
}

struct ToPeer(mpsc::Sender<Event>);

impl Inbox for ToPeer {
    async fn put(&self, event: Event) {
        // Nobody listens once the round is over.
        let _ = self.0.send(event).await;
    }
}

impl Peer {
    /// `Err`: this machine gives no socket.
    pub(super) async fn start(
        target: &Target,
        token: String,
        config: Config,
    ) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::new(target.local, 0)).await?;
        let client = Client::new(config, socket.local_addr()?, clock::now())?;
        let (inbox, events) = mpsc::channel(MESSAGES);
        let (outgoing, messages) = mpsc::channel(MESSAGES);
        let join_request = client.join_request().to_owned();
        let run = signal::run(target.clone(), token, join_request, messages, ToPeer(inbox));
        Ok(Self {
            client,
            signalling: (0, 0),
            lag: Duration::ZERO,
            socket,
            events,
            outgoing: Some(outgoing),
            websocket: tokio::spawn(run),
            buffer: vec![0; usize::from(u16::MAX)],
        })
    }

    /// Waits for the next thing to happen and does what follows from it. Nothing
    /// is lost when the future is dropped.
    pub(super) async fn turn(&mut self) {
        if self.client.is_finished() {
            return std::future::pending().await;
        }
        self.flush();
        let due = self.client.poll_timeout().unwrap_or_else(Instant::now);
        tokio::select! {
            Some(event) = self.events.recv() => self.handle_signal(event),
            received = self.socket.recv_from(&mut self.buffer) => self.receive(received),
            () = sleep_until(due.into()) => {
                let now = clock::now();
                self.lag = self.lag.max(now.at.saturating_duration_since(due));
                self.client.handle_timeout(now);
            }
        }
        self.flush();
    }

    /// Leaves the room, and gives back the client when the farewell is out.
    pub(super) async fn leave(mut self) -> Self {
        self.client.leave(clock::now());
        self.flush();
        self.outgoing = None;
        // Whoever does not get it across is timed out by the server.
        if timeout(FAREWELL, &mut self.websocket).await.is_err() {
            self.websocket.abort();
        }
        self
    }

    fn handle_signal(&mut self, event: Event) {
        match event {
            Event::Open(at) => self.client.handle_signal_open(at),
            Event::Message(bytes) => {
                self.signalling.0 += bytes.len() as u64;
                match SignalResponse::decode(bytes.as_slice()) {
                    Ok(response) => self.client.handle_signal(response, clock::now()),
                    Err(error) => self
                        .client
                        .handle_signal_closed(Fault::SignalMalformed, &error.to_string()),
                }
            }
            Event::Closed(fault, detail) => self.client.handle_signal_closed(fault, &detail),
        }
    }

    fn receive(&mut self, mut received: std::io::Result<(usize, SocketAddr)>) {
        for _ in 0..IN_A_ROW {
            match received {
                Ok((len, from)) => {
                    let datagram = self.buffer.get(..len).unwrap_or_default();
                    self.client.handle_datagram(from, datagram, clock::now());
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                // The answer of a host that does not listen; silence tells more.
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => return,
                Err(error) => {
                    let detail = error.to_string();
                    return self
                        .client
                        .handle_signal_closed(Fault::LocalSocket, &detail);
                }
            }
            self.flush();
            received = self.socket.try_recv_from(&mut self.buffer);
        }
    }

    fn flush(&mut self) {
        while let Some(signal) = self.client.poll_signal() {
            let Some(outgoing) = &self.outgoing else {
                break;
            };
            let message = signal.encode_to_vec();
            self.signalling.1 += message.len() as u64;
            if let Err(error) = outgoing.try_send(message) {
                let detail = error.to_string();
                self.client
                    .handle_signal_closed(Fault::SignalClosed, &detail);
            }
        }
        while let Some(transmit) = self.client.poll_transmit() {
            // A full send buffer is a lost datagram, as on any network.
            let _ = self
                .socket
                .try_send_to(&transmit.contents, transmit.destination);
        }
    }
}
