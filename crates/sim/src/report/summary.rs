use std::time::Instant;

use surecast_media::control::Kind;

use super::{Clients, Cpu, ErrorCount, JoinTimes, Media, Percentiles, Plan, Report, Throughput};
use crate::client::{Client, Fault, Faults, Latency, Milestones, Traffic};
use crate::histogram::Histogram;
use crate::meter::Totals;

/// Sums over clients, to be merged and then reported.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// How many came how far.
    pub clients: Clients,
    /// All datagrams.
    pub traffic: Traffic,
    audio: Totals,
    video: Totals,
    latency: Latency,
    packets_published: u64,
    times: Times,
    faults: Faults,
}

/// Milliseconds, one for each client that came so far.
#[derive(Clone, Debug, Default)]
struct Times {
    signal_open: Vec<f64>,
    joined: Vec<f64>,
    answered: Vec<f64>,
    ice: Vec<f64>,
    connected: Vec<f64>,
    first_packet: Vec<f64>,
    first_keyframe: Vec<f64>,
    published: Vec<f64>,
}

impl Summary {
    /// Adds one client. `failed`: it ended before it was told to;
    /// `streams_expected`: what it should receive.
    pub fn add(&mut self, client: &Client, failed: bool, streams_expected: u64) {
        let (audio, video) = (client.received(Kind::Audio), client.received(Kind::Video));
        self.clients.started += 1;
        self.clients.connected += u64::from(client.milestones().connected.is_some());
        self.clients.failed += u64::from(failed);
        self.clients.streams_expected += streams_expected;
        self.clients.streams_received += audio.streams + video.streams;
        self.audio.add(&audio);
        self.video.add(&video);
        self.latency.audio.merge(&client.latency().audio);
        self.latency.video.merge(&client.latency().video);
        self.packets_published += client.packets_published();
        self.faults.merge(client.faults());
        self.add_traffic(client.traffic());
        self.times.add(client.milestones());
    }

    /// Adds clients of another worker.
    pub fn merge(&mut self, other: &Self) {
        self.clients.started += other.clients.started;
        self.clients.connected += other.clients.connected;
        self.clients.failed += other.clients.failed;
        self.clients.streams_expected += other.clients.streams_expected;
        self.clients.streams_received += other.clients.streams_received;
        self.audio.add(&other.audio);
        self.video.add(&other.video);
        self.latency.audio.merge(&other.latency.audio);
        self.latency.video.merge(&other.latency.video);
        self.packets_published += other.packets_published;
        self.faults.merge(&other.faults);
        self.add_traffic(other.traffic);
        self.times.merge(&other.times);
    }

    /// Counts something that went wrong outside of any client.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Share of packets lost so far, audio and video.
    #[must_use]
    pub fn loss(&self) -> Option<f64> {
        ratio(
            self.audio.packets_lost + self.video.packets_lost,
            self.audio.packets_expected + self.video.packets_expected,
        )
    }

    /// The report, but for what only the driver knows: `throughput`, `load_cpu`
    /// and times stay empty.
    #[must_use]
    pub fn report(&self, url: String, plan: Plan) -> Report {
        Report {
            url,
            plan,
            interrupted: false,
            elapsed_s: 0.0,
            window_s: 0.0,
            clients: self.clients,
            join_ms: self.times.report(),
            audio: media(self.audio, &self.latency.audio),
            video: media(self.video, &self.latency.video),
            packets_published: self.packets_published,
            throughput: Throughput::default(),
            load_cpu: Cpu::default(),
            errors: self.errors(),
        }
    }

    fn errors(&self) -> Vec<ErrorCount> {
        let count = |(fault, count, example): (Fault, u64, &str)| ErrorCount {
            kind: fault.name(),
            count,
            example: example.to_owned(),
        };
        self.faults.iter().map(count).collect()
    }

    fn add_traffic(&mut self, more: Traffic) {
        self.traffic.datagrams_in += more.datagrams_in;
        self.traffic.bytes_in += more.bytes_in;
        self.traffic.datagrams_out += more.datagrams_out;
        self.traffic.bytes_out += more.bytes_out;
    }
}

impl Times {
    fn add(&mut self, milestones: &Milestones) {
        let Some(start) = milestones.started else {
            return;
        };
        let record = |to: &mut Vec<f64>, at: Option<Instant>| {
            to.extend(at.map(|at| at.saturating_duration_since(start).as_secs_f64() * 1000.0));
        };
        record(&mut self.signal_open, milestones.signal_open);
        record(&mut self.joined, milestones.joined);
        record(&mut self.answered, milestones.answered);
        record(&mut self.ice, milestones.ice);
        record(&mut self.connected, milestones.connected);
        record(&mut self.first_packet, milestones.first_packet);
        record(&mut self.first_keyframe, milestones.first_keyframe);
        record(&mut self.published, milestones.published);
    }

    fn merge(&mut self, other: &Self) {
        self.signal_open.extend(&other.signal_open);
        self.joined.extend(&other.joined);
        self.answered.extend(&other.answered);
        self.ice.extend(&other.ice);
        self.connected.extend(&other.connected);
        self.first_packet.extend(&other.first_packet);
        self.first_keyframe.extend(&other.first_keyframe);
        self.published.extend(&other.published);
    }

    fn report(&self) -> JoinTimes {
        JoinTimes {
            signal_open: Percentiles::exact(&self.signal_open),
            joined: Percentiles::exact(&self.joined),
            answered: Percentiles::exact(&self.answered),
            ice: Percentiles::exact(&self.ice),
            connected: Percentiles::exact(&self.connected),
            first_packet: Percentiles::exact(&self.first_packet),
            first_keyframe: Percentiles::exact(&self.first_keyframe),
            published: Percentiles::exact(&self.published),
        }
    }
}

fn media(totals: Totals, latency: &Histogram) -> Media {
    let source_lost = totals.source_expected - totals.source_received;
    Media {
        totals,
        loss: ratio(totals.packets_lost, totals.packets_expected),
        source_loss: ratio(source_lost, totals.source_expected),
        latency_ms: Percentiles::estimated(latency),
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
