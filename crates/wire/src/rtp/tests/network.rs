//! Packets on their way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use surecast_media::frame::{Format, Frame, MediaTime};

use crate::rtp::{Packetizer, RtpIn};

/// A packet as it leaves.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) seq: u64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    pub(super) payload: Arc<[u8]>,
    pub(super) captured: MediaTime,
}

/// All frames in packets.
pub(super) fn send(format: &Format, frames: &[Frame], mtu: usize) -> Vec<Sent> {
    let rate = format.codec.rtp().unwrap().clock_rate();
    let mut packetizer = Packetizer::new(format, mtu);
    let mut sent = Vec::new();
    for frame in frames {
        for payload in packetizer.packetize(frame) {
            sent.push(Sent {
                seq: 1000 + u64::try_from(sent.len()).unwrap(),
                timestamp: u32::try_from(frame.pts.to_ticks(rate)).unwrap(),
                marker: payload.marker,
                payload: payload.bytes,
                captured: frame.pts,
            });
        }
    }
    sent
}

/// What happens to packets; by default nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Network {
    pub(super) loss_per_mille: u32,
    pub(super) doubled_per_mille: u32,
    pub(super) delayed_per_mille: u32,
    /// The longest.
    pub(super) delay: Duration,
    pub(super) seed: u64,
}

impl Network {
    /// The packets in the order in which they arrive.
    pub(super) fn carry(&self, sent: &[Sent]) -> Vec<RtpIn> {
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut chance = move |per_mille| rng.u32(0..1000) < per_mille;
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut packets = Vec::new();
        for it in sent {
            if chance(self.loss_per_mille) {
                continue;
            }
            for _ in 0..=u8::from(chance(self.doubled_per_mille)) {
                let captured = u64::try_from(it.captured.0).unwrap();
                let mut arrived = epoch() + Duration::from_micros(captured);
                if chance(self.delayed_per_mille) {
                    arrived += self.delay.mul_f64(rng.f64());
                }
                packets.push(RtpIn {
                    seq: it.seq,
                    timestamp: it.timestamp,
                    marker: it.marker,
                    payload: it.payload.clone(),
                    pts: it.captured,
                    arrived,
                });
            }
        }
        packets.sort_by_key(|packet| packet.arrived);
        packets
    }
}

/// Any instant does: only differences count.
pub(super) fn epoch() -> Instant {
    use std::sync::OnceLock;
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    #[allow(clippy::disallowed_methods, reason = "tests need some instant")]
    *EPOCH.get_or_init(Instant::now)
}
