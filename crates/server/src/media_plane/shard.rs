//! A shard from outside: its thread, its queue, its counters.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mio::{Poll, Waker};
use surecast_media::control::{MediaCommand, MediaEvent};
use surecast_media::id::PeerId;
use surecast_media::local::{LocalInput, LocalOutput};
use surecast_sfu::{Config, Sfu};
use tokio::sync::mpsc;

use super::ice_tcp::TcpFrame;
use super::packet_loop::{self, PacketLoop, WAKE};
use super::{MediaPlaneMetrics, with_port};
use crate::faults::Faults;

/// Commands and TCP frames that wait for a shard. A shard empties its queue
/// every turn, that is within a millisecond; this is several seconds of the
/// busiest signalling, so a full queue means the shard hangs.
const QUEUE: usize = 65_536;

/// Kernel buffers of the UDP socket, where the system allows that much: a
/// quarter of a second at 100 Mbps.
const SOCKET_BUFFER: usize = 4 << 20;

/// What a shard is given.
pub(super) enum ShardInput {
    Command(MediaCommand),
    /// A frame of an ICE-TCP connection.
    Tcp(TcpFrame),
    /// An ICE-TCP connection can be written to.
    TcpOpened(SocketAddr, mpsc::Sender<Vec<u8>>),
    TcpClosed(SocketAddr),
    /// From a participant without a peer connection.
    Local(LocalInput),
    /// Where what is for such a participant goes.
    LocalOpened(PeerId, mpsc::Sender<LocalOutput>),
    Stop,
}

/// The sending end of a shard's queue.
#[derive(Clone)]
pub(super) struct Input {
    queue: SyncSender<ShardInput>,
    waker: Arc<Waker>,
    refused: Arc<AtomicU64>,
}

impl Input {
    /// Never blocks: a shard that hangs must not hang the others.
    pub(super) fn give(&self, input: ShardInput) {
        match self.queue.try_send(input) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                if self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::error!("a shard does not take its commands; it hangs");
                }
            }
            Err(TrySendError::Disconnected(_)) => return,
        }
        let _ = self.waker.wake();
    }
}

/// When a shard last turned.
pub(super) struct Beat {
    start: Instant,
    /// Milliseconds since then.
    last: AtomicU64,
}

impl Beat {
    fn new(now: Instant) -> Self {
        Self {
            start: now,
            last: AtomicU64::new(0),
        }
    }

    pub(super) fn now(&self, now: Instant) {
        let since = now.saturating_duration_since(self.start).as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
    }

    fn age(&self, now: Instant) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        now.saturating_duration_since(self.start)
            .saturating_sub(last)
    }
}

/// A running shard.
pub(super) struct Shard {
    input: Input,
    metrics: Arc<Mutex<MediaPlaneMetrics>>,
    beat: Arc<Beat>,
    thread: JoinHandle<()>,
}

impl Shard {
    pub(super) fn input(&self) -> Input {
        self.input.clone()
    }

    /// As of the shard's last turn in which a tenth of a second was over.
    pub(super) fn metrics(&self) -> MediaPlaneMetrics {
        *self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when it has not turned.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        self.beat.age(now)
    }

    pub(super) fn stop(self) {
        self.input.give(ShardInput::Stop);
        let _ = self.thread.join();
    }
}

/// Binds the socket and starts the thread.
pub(super) fn start(
    index: usize,
    listen: SocketAddr,
    advertise: &[IpAddr],
    tcp_candidates: &[SocketAddr],
    events: mpsc::Sender<MediaEvent>,
    faults: Option<Arc<Faults>>,
) -> anyhow::Result<Shard> {
    let socket =
        bind(listen).with_context(|| format!("cannot listen for WebRTC on UDP {listen}"))?;
    let port = socket.local_addr()?.port();
    let family = |a: &SocketAddr| a.is_ipv4() || listen.is_ipv6();
    let udp: Vec<SocketAddr> = with_port(advertise, port)
        .into_iter()
        .filter(family)
        .collect();
    let config = Config {
        udp: udp.clone(),
        tcp: tcp_candidates.to_vec(),
        seed: fastrand::u64(..),
    };
    let sfu = Sfu::new(&config, Instant::now()).map_err(anyhow::Error::msg)?;
    let poll = Poll::new()?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
    let (queue, inputs): (_, Receiver<ShardInput>) = sync_channel(QUEUE);
    let metrics = Arc::default();
    let mut packet_loop =
        PacketLoop::new(sfu, socket, udp, poll, inputs, events, Arc::clone(&metrics))?;
    packet_loop.set_faults(faults);
    let beat = Arc::new(Beat::new(Instant::now()));
    packet_loop.set_beat(Arc::clone(&beat));
    let thread = std::thread::Builder::new()
        .name(format!("shard-{index}"))
        .spawn(move || packet_loop::run(&mut packet_loop))?;
    Ok(Shard {
        input: Input {
            queue,
            waker,
            refused: Arc::default(),
        },
        metrics,
        beat,
        thread,
    })
}

fn bind(listen: SocketAddr) -> std::io::Result<UdpSocket> {
    let domain = socket2::Domain::for_address(listen);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
    // The system may grant less; that costs packets in bursts, not correctness.
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.bind(&listen.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}
