//! The media plane: shard threads and their sockets.
//!
//! A shard is one thread with one UDP port and one forwarding engine of its
//! own. It shares nothing; the control side talks to it through a bounded
//! queue. A room lives on one shard.

mod egress;
mod ice_tcp;
mod packet_loop;
mod shard;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use surecast_media::control::{MediaCommand, MediaEvent};
use surecast_media::id::{PeerId, RoomId};
use surecast_media::local::{LocalInput, LocalOutput};
use tokio::sync::mpsc;

use crate::faults::Faults;
use shard::{Shard, ShardInput};

/// What the media plane listens on.
#[derive(Clone, Debug)]
pub struct MediaPlaneConfig {
    /// One per shard.
    pub udp_listen: Vec<SocketAddr>,
    /// Addresses told to clients.
    pub advertise: Vec<IpAddr>,
    /// ICE over TCP, where wanted.
    pub ice_tcp: Option<SocketAddr>,
    /// Faults on purpose; `None` where there are none.
    pub faults: Option<Arc<Faults>>,
}

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaPlaneMetrics {
    /// Packets received.
    pub packets_in: u64,
    /// Packets sent.
    pub packets_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// RTP packets received from publishers.
    pub rtp_in: u64,
    /// RTP packets forwarded, counted per subscriber.
    pub rtp_forwarded: u64,
    /// Keyframes asked of publishers.
    pub keyframe_requests: u64,
    /// Peer connections now.
    pub peers: u64,
    /// Packets thrown away: of no connection, or for want of buffer.
    pub dropped: u64,
}

/// All shards.
pub struct MediaPlane {
    shards: Vec<Shard>,
    ice_tcp: Option<ice_tcp::Listener>,
}

impl MediaPlane {
    /// Binds the sockets and starts the threads.
    ///
    /// # Errors
    ///
    /// A socket cannot be bound.
    pub async fn start(
        config: MediaPlaneConfig,
        events: mpsc::Sender<MediaEvent>,
    ) -> anyhow::Result<Self> {
        let tcp = match config.ice_tcp {
            Some(address) => Some(
                ice_tcp::bind(address)
                    .await
                    .with_context(|| format!("cannot listen for ICE-TCP on {address}"))?,
            ),
            None => None,
        };
        let tcp_port = tcp.as_ref().map(ice_tcp::Bound::port).transpose()?;
        let tcp_candidates = tcp_port.map(|port| with_port(&config.advertise, port));
        let tcp_candidates = tcp_candidates.unwrap_or_default();
        let mut shards = Vec::new();
        for (index, address) in config.udp_listen.iter().enumerate() {
            let shard = shard::start(
                index,
                *address,
                &config.advertise,
                &tcp_candidates,
                events.clone(),
                config.faults.clone(),
            )?;
            shards.push(shard);
        }
        let inputs: Vec<_> = shards.iter().map(Shard::input).collect();
        let ice_tcp = tcp.map(|bound| bound.serve(inputs, tcp_candidates));
        Ok(Self { shards, ice_tcp })
    }

    /// Hands a command to the room's shard. Never blocks.
    pub fn command(&self, room: RoomId, command: MediaCommand) {
        if let Some(shard) = self.shard(room) {
            shard.input().give(ShardInput::Command(command));
        }
    }

    /// Hands the room's shard what a participant without a peer connection
    /// publishes or wants. Never blocks.
    pub fn local(&self, room: RoomId, input: LocalInput) {
        if let Some(shard) = self.shard(room) {
            shard.input().give(ShardInput::Local(input));
        }
    }

    /// What is for this participant goes here from now on, until the receiver
    /// is dropped. What does not fit is dropped, as a network would drop it.
    pub fn open_local(&self, room: RoomId, peer: PeerId, to: mpsc::Sender<LocalOutput>) {
        if let Some(shard) = self.shard(room) {
            shard.input().give(ShardInput::LocalOpened(peer, to));
        }
    }

    fn shard(&self, room: RoomId) -> Option<&Shard> {
        let count = self.shards.len() as u64;
        let index = usize::try_from(room.0 % count.max(1)).unwrap_or(0);
        self.shards.get(index)
    }

    /// Counters of all shards.
    pub fn metrics(&self) -> MediaPlaneMetrics {
        let all = self.shards.iter().map(Shard::metrics);
        all.fold(MediaPlaneMetrics::default(), |a, b| MediaPlaneMetrics {
            packets_in: a.packets_in + b.packets_in,
            packets_out: a.packets_out + b.packets_out,
            bytes_in: a.bytes_in + b.bytes_in,
            bytes_out: a.bytes_out + b.bytes_out,
            rtp_in: a.rtp_in + b.rtp_in,
            rtp_forwarded: a.rtp_forwarded + b.rtp_forwarded,
            keyframe_requests: a.keyframe_requests + b.keyframe_requests,
            peers: a.peers + b.peers,
            dropped: a.dropped + b.dropped,
        })
    }

    /// For how long the quietest shard has not turned. A shard that is well turns
    /// at least once a second.
    pub fn silence(&self, now: Instant) -> Duration {
        let silences = self.shards.iter().map(|shard| shard.silence(now));
        silences.max().unwrap_or_default()
    }

    /// Stops the threads.
    pub async fn stop(self) {
        drop(self.ice_tcp);
        for shard in self.shards {
            // A shard ends within one turn of its loop.
            let _ = tokio::task::spawn_blocking(move || shard.stop()).await;
        }
    }
}

fn with_port(ips: &[IpAddr], port: u16) -> Vec<SocketAddr> {
    ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect()
}
