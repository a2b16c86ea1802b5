//! SRT, called by us.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use surecast_wire::srt::{Call, Endpoint, Event, Passphrase, Settings};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{Input, PIECES, lock};

/// Sixteen packets to each piece.
const MAX_DATAGRAM: usize = 1500;

/// What the URL says.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub stream_id: String,
    pub passphrase: Option<Passphrase>,
    pub latency_ms: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            stream_id: String::new(),
            passphrase: None,
            latency_ms: 120,
        }
    }
}

/// Ends the task when the input is dropped.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(super) async fn open(address: SocketAddr, options: &Options) -> Result<Input, String> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)
        .await
        .map_err(|error| error.to_string())?;
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret)
        .map_err(|_| "the system has no random numbers".to_owned())?;
    let settings = Settings {
        listen: false,
        max_connections: 1,
        ..Settings::default()
    };
    let now = Instant::now();
    let mut endpoint = Endpoint::new(settings, secret, now);
    endpoint.connect(
        Call {
            to: address,
            stream_id: options.stream_id.clone(),
            passphrase: options.passphrase.clone(),
            latency_ms: options.latency_ms,
        },
        now,
    );
    let (sender, pieces) = mpsc::channel(PIECES * 16);
    let error = Arc::new(Mutex::new(String::new()));
    let caller = Caller {
        socket,
        endpoint,
        pieces: sender,
        error: error.clone(),
    };
    let task = Task(tokio::spawn(caller.run()).abort_handle());
    Ok(Input {
        pieces,
        from: address,
        error,
        _reader: Box::new(task),
    })
}

struct Caller {
    socket: UdpSocket,
    endpoint: Endpoint,
    pieces: mpsc::Sender<Bytes>,
    error: Arc<Mutex<String>>,
}

impl Caller {
    async fn run(mut self) {
        let mut buffer = [0; MAX_DATAGRAM];
        loop {
            while let Some(transmit) = self.endpoint.poll_transmit() {
                // What cannot be sent is repeated, or given up by the timeout.
                let _ = self.socket.send_to(&transmit.data, transmit.to).await;
            }
            while let Some(event) = self.endpoint.poll_event() {
                match event {
                    Event::Data { payload, .. } => {
                        if self.pieces.send(payload).await.is_err() {
                            return;
                        }
                    }
                    Event::Closed { reason, .. } => {
                        *lock(&self.error) = format!("SRT: {reason}");
                        return;
                    }
                    Event::Connected { .. } | Event::Request { .. } => {}
                }
            }
            let wait = self
                .endpoint
                .poll_timeout()
                .unwrap_or_else(|| Instant::now() + Duration::from_secs(1));
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    if let Ok((length, from)) = received {
                        self.endpoint.handle_datagram(from, &buffer[..length], Instant::now());
                    }
                }
                () = tokio::time::sleep_until(wait.into()) => self.endpoint.handle_timeout(Instant::now()),
            }
        }
    }
}
