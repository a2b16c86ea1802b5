//! The task that owns the socket and the protocol.

use std::collections::HashMap;
use std::future::pending;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use surecast_wire::srt::{ConnectionId, Endpoint, Event, Reject, Settings, Statistics, StreamId};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};

use super::Command;
use super::session::Sessions;
use crate::metrics::SrtMetrics;

/// What fits into a datagram on an Ethernet; longer ones are no SRT and cut.
const MAX_DATAGRAM: usize = 1500;
/// Seven transport packets.
const PAYLOAD: usize = 1316;
/// Datagrams and commands taken before the other one has its turn.
const TURN: usize = 64;
/// Payloads on their way to a session: a second at 10 Mbit/s. A session that
/// does not take them loses some, and says so.
const PAYLOADS: usize = 1024;
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// The socket, the connections, and what was counted of each.
pub(super) struct Socket {
    socket: UdpSocket,
    endpoint: Endpoint,
    sessions: Sessions,
    open: HashMap<ConnectionId, Open>,
    metrics: SrtMetrics,
    counted_at: Instant,
}

/// A caller that has a session.
struct Open {
    payloads: mpsc::Sender<Bytes>,
    counted: Statistics,
}

impl Socket {
    pub(super) fn new(
        socket: UdpSocket,
        settings: Settings,
        secret: [u8; 32],
        sessions: Sessions,
        metrics: SrtMetrics,
    ) -> Self {
        let now = Instant::now();
        Self {
            socket,
            endpoint: Endpoint::new(settings, secret, now),
            sessions,
            open: HashMap::new(),
            metrics,
            counted_at: now,
        }
    }

    pub(super) async fn run(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut buffer = [0; MAX_DATAGRAM];
        loop {
            let timeout = self.endpoint.poll_timeout();
            tokio::select! {
                readable = self.socket.readable() => {
                    if let Err(error) = readable {
                        tracing::error!(%error, "the SRT socket failed");
                        return;
                    }
                    self.receive(&mut buffer);
                }
                Some(command) = commands.recv() => {
                    self.command(command);
                    for _ in 1..TURN {
                        let Ok(command) = commands.try_recv() else { break };
                        self.command(command);
                    }
                }
                () = sleep_until(timeout) => self.endpoint.handle_timeout(Instant::now()),
                () = told(&mut stop) => {
                    self.endpoint.close_all(Instant::now());
                    self.transmit().await;
                    return;
                }
            }
            self.events();
            self.transmit().await;
            self.count();
        }
    }

    fn receive(&mut self, buffer: &mut [u8]) {
        let now = Instant::now();
        for _ in 0..TURN {
            match self.socket.try_recv_from(buffer) {
                Ok((length, from)) => self.endpoint.handle_datagram(from, &buffer[..length], now),
                // Nothing more; or, by ICMP, that somebody is not there any
                // more, which his silence will tell.
                Err(_) => return,
            }
        }
    }

    fn command(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Accept(id) => {
                self.endpoint.accept(id, now);
            }
            Command::Reject(id, reason) => {
                self.metrics.refused(reason.0);
                self.open.remove(&id);
                self.endpoint.reject(id, reason, now);
            }
            Command::Send(id, data) => {
                self.endpoint.send(id, &data, PAYLOAD, now);
            }
            Command::Close(id) => {
                self.forget(id);
                self.endpoint.close(id, now);
            }
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            match event {
                Event::Request {
                    id,
                    from,
                    stream_id,
                    encrypted,
                } => self.request(id, from, &stream_id, encrypted),
                Event::Data { id, payload } => {
                    if let Some(open) = self.open.get(&id)
                        && open.payloads.try_send(payload).is_err()
                    {
                        tracing::debug!(?id, "a payload is lost: its session does not take it");
                    }
                }
                Event::Closed { id, reason } => {
                    tracing::debug!(?id, %reason, "SRT connection closed");
                    self.forget(id);
                }
                // Only callers are told that.
                Event::Connected { .. } => {}
            }
        }
    }

    fn request(&mut self, id: ConnectionId, from: SocketAddr, stream_id: &str, encrypted: bool) {
        match StreamId::parse(stream_id) {
            Ok(wanted) => {
                let (payloads, taken) = mpsc::channel(PAYLOADS);
                self.open.insert(
                    id,
                    Open {
                        payloads,
                        counted: Statistics::default(),
                    },
                );
                tracing::debug!(?id, %from, ?wanted, encrypted, "SRT caller");
                self.sessions.begin(id, from, wanted, taken);
            }
            Err(unclear) => {
                tracing::info!(%from, "SRT caller refused: {unclear}");
                self.command(Command::Reject(id, Reject::BAD_REQUEST));
            }
        }
    }

    /// Its session ends with its queue.
    fn forget(&mut self, id: ConnectionId) {
        if let Some(open) = self.open.remove(&id)
            && let Some(now) = self.endpoint.statistics(id)
        {
            self.metrics.counted(&open.counted, &now);
        }
        self.metrics.open(self.open.len());
    }

    async fn transmit(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let sent = self.socket.try_send_to(&transmit.data, transmit.to);
            let full = sent.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
            if full {
                // An address that cannot be reached is told by its silence.
                let _ = self.socket.send_to(&transmit.data, transmit.to).await;
            }
        }
    }

    fn count(&mut self) {
        let now = Instant::now();
        if now - self.counted_at < COUNT_EVERY {
            return;
        }
        self.counted_at = now;
        self.metrics.open(self.open.len());
        for (id, open) in &mut self.open {
            if let Some(now) = self.endpoint.statistics(*id) {
                self.metrics.counted(&open.counted, &now);
                open.counted = now;
            }
        }
    }
}

/// That it is time to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}
