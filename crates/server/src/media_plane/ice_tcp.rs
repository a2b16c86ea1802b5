//! ICE over TCP (RFC 6544), framed by RFC 4571: for clients whose network
//! lets no UDP through.
//!
//! Which shard a connection belongs to shows in the user fragment of its first
//! STUN check, and only the shard knows its fragments. So frames go to every
//! shard until one answers; from then on to that one alone.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::shard::{Input, ShardInput};

/// Connections at a time: each holds a task and two small buffers. ICE-TCP is
/// the exception; a deployment beyond this wants more nodes anyway.
const MAX_CONNECTIONS: usize = 10_000;

/// Connections from one address: an office behind one address translation.
const MAX_PER_ADDRESS: usize = 500;

/// A client checks at least every few seconds; silence beyond is an attack or
/// a corpse.
const IDLE: Duration = Duration::from_secs(30);

/// Frames that wait for a slow client: half a second of video.
const OUTBOX: usize = 128;

/// No shard has answered yet.
const UNKNOWN: usize = usize::MAX;

/// One frame from a client.
pub(super) struct TcpFrame {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    pub(super) contents: Vec<u8>,
}

/// A socket that listens, before anybody serves it.
pub(super) struct Bound(TcpListener);

pub(super) async fn bind(address: SocketAddr) -> std::io::Result<Bound> {
    TcpListener::bind(address).await.map(Bound)
}

/// Stops accepting when dropped.
pub(super) struct Listener(AbortHandle);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Bound {
    pub(super) fn port(&self) -> std::io::Result<u16> {
        self.0.local_addr().map(|a| a.port())
    }

    pub(super) fn serve(self, shards: Vec<Input>, candidates: Vec<SocketAddr>) -> Listener {
        let door = Door {
            shards: shards.into(),
            candidates: candidates.into(),
            connected: Arc::default(),
        };
        let task = tokio::spawn(async move {
            loop {
                match self.0.accept().await {
                    Ok((stream, source)) => door.admit(stream, source),
                    // Out of file descriptors: give others time to close some.
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept an ICE-TCP connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        });
        Listener(task.abort_handle())
    }
}

#[derive(Clone)]
struct Door {
    shards: Arc<[Input]>,
    candidates: Arc<[SocketAddr]>,
    connected: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Door {
    fn admit(&self, stream: TcpStream, source: SocketAddr) {
        if !self.count_in(source.ip()) {
            tracing::debug!(%source, "too many ICE-TCP connections");
            return;
        }
        let door = self.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let local = stream.local_addr().ok();
            let destination = door.candidate(local, source);
            let (read, write) = stream.into_split();
            door.converse(read, write, source, destination).await;
            door.count_out(source.ip());
        });
    }

    async fn converse(
        &self,
        read: OwnedReadHalf,
        write: OwnedWriteHalf,
        source: SocketAddr,
        destination: SocketAddr,
    ) {
        let owner = Arc::new(AtomicUsize::new(UNKNOWN));
        let mut writers = tokio::task::JoinSet::new();
        let write = Arc::new(tokio::sync::Mutex::new(write));
        for (index, shard) in self.shards.iter().enumerate() {
            let (outbox, frames) = mpsc::channel(OUTBOX);
            shard.give(ShardInput::TcpOpened(source, outbox));
            let (owner, write) = (Arc::clone(&owner), Arc::clone(&write));
            writers.spawn(write_frames(index, owner, frames, write));
        }
        self.read_frames(read, source, destination, &owner).await;
        for shard in self.shards.iter() {
            shard.give(ShardInput::TcpClosed(source));
        }
        writers.shutdown().await;
    }

    async fn read_frames(
        &self,
        read: OwnedReadHalf,
        source: SocketAddr,
        destination: SocketAddr,
        owner: &AtomicUsize,
    ) {
        let mut read = BufReader::new(read);
        while let Ok(Ok(contents)) = tokio::time::timeout(IDLE, read_frame(&mut read)).await {
            let frame = |contents| {
                ShardInput::Tcp(TcpFrame {
                    source,
                    destination,
                    contents,
                })
            };
            match self.shards.get(owner.load(Ordering::Relaxed)) {
                Some(shard) => shard.give(frame(contents)),
                None => {
                    for shard in self.shards.iter() {
                        shard.give(frame(contents.clone()));
                    }
                }
            }
        }
    }

    fn candidate(&self, local: Option<SocketAddr>, source: SocketAddr) -> SocketAddr {
        let exact = local.and_then(|l| self.candidates.iter().find(|c| c.ip() == l.ip()));
        let family = || {
            let mut all = self.candidates.iter();
            all.find(|c| c.is_ipv4() == source.is_ipv4())
        };
        exact.or_else(family).copied().unwrap_or(source)
    }

    fn count_in(&self, ip: IpAddr) -> bool {
        let mut connected = self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if connected.values().sum::<usize>() >= MAX_CONNECTIONS {
            return false;
        }
        let here = connected.entry(ip).or_default();
        let admitted = *here < MAX_PER_ADDRESS;
        *here += usize::from(admitted);
        admitted
    }

    fn count_out(&self, ip: IpAddr) {
        let mut connected = self
            .connected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = connected.get_mut(&ip) {
            *here -= 1;
            if *here == 0 {
                connected.remove(&ip);
            }
        }
    }
}

/// Two bytes of length, then as many bytes (RFC 4571 §2).
async fn read_frame(read: &mut BufReader<OwnedReadHalf>) -> std::io::Result<Vec<u8>> {
    let len = read.read_u16().await?;
    let mut contents = vec![0; usize::from(len)];
    read.read_exact(&mut contents).await?;
    Ok(contents)
}

async fn write_frames(
    shard: usize,
    owner: Arc<AtomicUsize>,
    mut frames: mpsc::Receiver<Vec<u8>>,
    write: Arc<tokio::sync::Mutex<OwnedWriteHalf>>,
) {
    while let Some(contents) = frames.recv().await {
        owner.store(shard, Ordering::Relaxed);
        let Ok(len) = u16::try_from(contents.len()) else {
            continue;
        };
        let mut framed = Vec::with_capacity(2 + contents.len());
        framed.extend_from_slice(&len.to_be_bytes());
        framed.extend_from_slice(&contents);
        if write.lock().await.write_all(&framed).await.is_err() {
            return;
        }
    }
}
