//! Many clients' measurements in one report.
//!
//! The JSON form of [`Report`] is an interface: fields are added, never
//! renamed or given another meaning. Times are milliseconds, rates bits per
//! second of UDP payload, shares 0 to 1. What could not be measured is `null`.

mod summary;
mod table;

use std::time::Duration;

use serde::Serialize;

pub use summary::Summary;

use crate::client::Traffic;
use crate::histogram::Histogram;
use crate::meter::Totals;

/// The whole measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Server that was measured.
    pub url: String,
    /// What was asked for.
    pub plan: Plan,
    /// It was stopped before its time.
    pub interrupted: bool,
    /// From the first client's start to the end, in seconds.
    pub elapsed_s: f64,
    /// From the last client's start to the end, in seconds: what `throughput`
    /// is measured over.
    pub window_s: f64,
    /// How many clients came how far.
    pub clients: Clients,
    /// How long joining took.
    pub join_ms: JoinTimes,
    /// Received audio.
    pub audio: Media,
    /// Received video.
    pub video: Media,
    /// Media packets that the publishers sent.
    pub packets_published: u64,
    /// Datagrams of all clients, within the window.
    pub throughput: Throughput,
    /// What the load itself cost.
    pub load_cpu: Cpu,
    /// What went wrong, by kind.
    pub errors: Vec<ErrorCount>,
}

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Rooms.
    pub rooms: usize,
    /// Publishers in each room.
    pub publishers: usize,
    /// Subscribers in each room.
    pub subscribers: usize,
    /// `720p`, `simulcast` or `none`.
    pub video: String,
    /// Publishers send audio.
    pub audio: bool,
    /// Seconds.
    pub duration_s: f64,
    /// Joins per second.
    pub join_rate: f64,
    /// Seed of what is random about the media.
    pub seed: u64,
}

/// How many clients came how far.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Clients {
    /// Began to join.
    pub started: u64,
    /// ICE and DTLS came up.
    pub connected: u64,
    /// Ended before they were told to.
    pub failed: u64,
    /// Streams that subscribers should receive: with simulcast still one for
    /// each track.
    pub streams_expected: u64,
    /// Streams of which at least one packet came.
    pub streams_received: u64,
}

/// How long joining took, from the moment before the TCP connection was opened.
#[derive(Clone, Debug, Default, Serialize)]
pub struct JoinTimes {
    /// Until the WebSocket was open.
    pub signal_open: Percentiles,
    /// Until the join response.
    pub joined: Percentiles,
    /// Until the first answer.
    pub answered: Percentiles,
    /// Until ICE had a working pair.
    pub ice: Percentiles,
    /// Until DTLS was up: the client is connected.
    pub connected: Percentiles,
    /// Subscribers: until the first media packet.
    pub first_packet: Percentiles,
    /// Subscribers: until the first packet of a video key frame.
    pub first_keyframe: Percentiles,
    /// Publishers: until all their tracks were negotiated.
    pub published: Percentiles,
}

/// Percentiles of milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Percentiles {
    /// Samples.
    pub count: u64,
    /// Median.
    pub p50: Option<f64>,
    /// 95 % are not above.
    pub p95: Option<f64>,
    /// 99 % are not above.
    pub p99: Option<f64>,
    /// None is above.
    pub max: Option<f64>,
}

/// What subscribers received of one kind.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Media {
    /// Sums over all streams.
    #[serde(flatten)]
    pub totals: Totals,
    /// `packets_lost` over `packets_expected`.
    pub loss: Option<f64>,
    /// The share of the publishers' packets that did not arrive.
    pub source_loss: Option<f64>,
    /// From one client to the other, retransmissions included; within 6 %.
    pub latency_ms: Percentiles,
}

/// Datagrams per second and bits per second.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Throughput {
    /// Bits per second sent to the server.
    pub sent_bps: f64,
    /// Bits per second received from it.
    pub received_bps: f64,
    /// Datagrams per second sent.
    pub sent_pps: f64,
    /// Datagrams per second received.
    pub received_pps: f64,
}

/// What the load itself cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Cpu {
    /// CPU seconds of the load's process, from start to end; `null` where the
    /// system does not tell.
    pub seconds: Option<f64>,
    /// CPU seconds per second within the window: 1 is one core.
    pub cores: Option<f64>,
}

/// How often something went wrong.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorCount {
    /// Stable name, see [`Fault::name`](crate::client::Fault::name).
    pub kind: &'static str,
    /// How often.
    pub count: u64,
    /// The first one's detail.
    pub example: String,
}

impl Throughput {
    /// What was transferred between two readings.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub fn between(before: Traffic, after: Traffic, time: Duration) -> Self {
        let seconds = time.as_secs_f64().max(0.001);
        let rate = |a: u64, b: u64| b.saturating_sub(a) as f64 / seconds;
        Self {
            sent_bps: rate(before.bytes_out, after.bytes_out) * 8.0,
            received_bps: rate(before.bytes_in, after.bytes_in) * 8.0,
            sent_pps: rate(before.datagrams_out, after.datagrams_out),
            received_pps: rate(before.datagrams_in, after.datagrams_in),
        }
    }
}

impl Percentiles {
    fn exact(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied()
        };
        Self {
            count: sorted.len() as u64,
            p50: at(50),
            p95: at(95),
            p99: at(99),
            max: sorted.last().copied(),
        }
    }

    fn estimated(histogram: &Histogram) -> Self {
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let any = histogram.count() > 0;
        Self {
            count: histogram.count(),
            p50: histogram.quantile(0.5).map(ms),
            p95: histogram.quantile(0.95).map(ms),
            p99: histogram.quantile(0.99).map(ms),
            max: any.then(|| ms(histogram.max())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_percentiles() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        let got = Percentiles::exact(&values);
        assert_eq!(
            (got.p50, got.p95, got.p99, got.max),
            (Some(50.0), Some(95.0), Some(99.0), Some(100.0))
        );
        assert_eq!(Percentiles::exact(&[]).p50, None);
        assert_eq!(Percentiles::exact(&[7.0]).p99, Some(7.0));
    }
}
