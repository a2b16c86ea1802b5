//! SRT: encoders and players call one UDP port.
//!
//! One task owns the socket and the protocol ([`socket`]); each caller has a
//! task that talks to the hub ([`session`]). They exchange commands and payloads
//! through bounded queues.

mod session;
mod socket;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use surecast_wire::srt::{ConnectionId, Passphrase, Reject, Settings};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Doors;
use crate::broadcast::ts::TsFeeds;
use crate::config::Srt as Section;

/// Orders of sessions on their way to the socket: a tenth of a second of 500
/// players at 30 pictures and 50 sounds a second. A session waits when it is
/// full, and its player skips what it missed.
const COMMANDS: usize = 4096;
/// Kernel buffers of the socket, where the system allows that much: a quarter
/// of a second at 100 Mbit/s.
const SOCKET_BUFFER: usize = 4 << 20;

/// What a session asks of the socket.
#[derive(Debug)]
enum Command {
    Accept(ConnectionId),
    Reject(ConnectionId, Reject),
    /// Whole transport packets.
    Send(ConnectionId, Bytes),
    Close(ConnectionId),
}

/// The open port.
pub struct SrtDoor {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl SrtDoor {
    /// Opens the port.
    ///
    /// # Errors
    /// It is taken, or the passphrase cannot be used.
    pub fn open(doors: &Arc<Doors>) -> anyhow::Result<Self> {
        let section = &doors.config.srt;
        let settings = settings(section)?;
        let listen = section.listen;
        let socket = bind(listen).with_context(|| {
            format!(
                "cannot listen on UDP {listen} (`srt.listen`): choose another port, move all ports with \
                 --port-offset, or set `srt.enabled` to false"
            )
        })?;
        let address = socket.local_addr()?;
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret)
            .map_err(|_| anyhow::anyhow!("the system has no random numbers"))?;
        let (stop, stopped) = watch::channel(false);
        let (to_socket, commands) = mpsc::channel(COMMANDS);
        let sessions = session::Sessions {
            broadcast: doors.broadcast.clone(),
            feeds: TsFeeds::default(),
            to_socket,
        };
        let socket = socket::Socket::new(
            socket,
            settings,
            secret,
            sessions,
            doors.metrics.srt.clone(),
        );
        let task = tokio::spawn(socket.run(commands, stopped));
        tracing::info!(%address, "SRT");
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes leave of everybody and closes the port.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the SRT port ended badly");
        }
    }
}

fn settings(section: &Section) -> anyhow::Result<Settings> {
    let passphrase = match section.passphrase.as_str() {
        "" => None,
        text => Some(
            Passphrase::new(text.to_owned())
                .context("`srt.passphrase` must have 10 to 79 bytes")?,
        ),
    };
    Ok(Settings {
        latency_ms: u16::try_from(section.latency.0.as_millis()).unwrap_or(u16::MAX),
        passphrase,
        ..Settings::default()
    })
}

fn bind(listen: SocketAddr) -> std::io::Result<UdpSocket> {
    let domain = socket2::Domain::for_address(listen);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
    // The system may grant less; that costs packets in bursts, which come again.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&listen.into())?;
    UdpSocket::from_std(socket.into())
}
