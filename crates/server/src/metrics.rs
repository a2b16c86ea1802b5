//! What `/metrics` shows: counters kept here, and gauges read when asked.

mod broadcast;
mod letters;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use surecast_room::{Census, JoinOutcome, Tap};

use crate::media_plane::MediaPlaneMetrics;
pub use letters::LetterResult;

/// From 10 ms (loopback) to 30 s (nobody waits longer).
const JOIN_BUCKETS: [f64; 12] = [
    0.01, 0.025, 0.05, 0.08, 0.12, 0.2, 0.35, 0.6, 1.0, 2.5, 10.0, 30.0,
];

/// Every metric of the server.
pub struct Metrics {
    registry: Registry,
    rooms: Gauge,
    participants: Gauge,
    tracks: Gauge,
    subscriptions: Gauge,
    peers: Gauge,
    packets: Family<Direction, Counter>,
    bytes: Family<Direction, Counter>,
    dropped: Counter,
    rtp: Family<Direction, Counter>,
    keyframe_requests: Counter,
    joins: Family<JoinLabels, Counter>,
    join_seconds: Family<JoinPart, Histogram>,
    signals: Family<Direction, Counter>,
    slow_clients: Counter,
    connections: Gauge,
    streams: Family<DoorLabels, Gauge>,
    webhooks: Family<WebhookLabels, Counter>,
    webhooks_waiting: Gauge,
    first_media: Family<JoinPart, Histogram>,
    samples: Family<SampleLabels, Counter>,
    samples_lost: Counter,
    leaves: Counter,
    log_size: Gauge,
    checkpoint_time: Gauge,
    burn: Family<BurnLabels, Gauge>,
    letters: letters::Letters,
    broadcast: broadcast::BroadcastGauges,
    incidents: Family<IncidentLabels, Gauge>,
    tickets: Family<TicketLabels, Gauge>,
    clocks: Family<ClockLabels, Gauge>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

const IN: Direction = Direction { direction: "in" };
const OUT: Direction = Direction { direction: "out" };

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JoinLabels {
    outcome: &'static str,
    signalling: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JoinPart {
    part: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DoorLabels {
    door: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WebhookLabels {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SampleLabels {
    what: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IncidentLabels {
    contract: String,
    severity: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TicketLabels {
    contract: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClockLabels {
    contract: String,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BurnLabels {
    contract: String,
    module: &'static str,
    region: String,
}

/// What became of a webhook event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookResult {
    /// Written to the outbox.
    Queued,
    /// The receiver took it.
    Delivered,
    /// One attempt failed.
    Failed,
    /// Given up because of its age.
    Expired,
    /// Never written: the queue or the outbox was full.
    Dropped,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("surecast"),
            rooms: Gauge::default(),
            participants: Gauge::default(),
            tracks: Gauge::default(),
            subscriptions: Gauge::default(),
            peers: Gauge::default(),
            packets: Family::default(),
            bytes: Family::default(),
            dropped: Counter::default(),
            rtp: Family::default(),
            keyframe_requests: Counter::default(),
            joins: Family::default(),
            join_seconds: Family::new_with_constructor(|| Histogram::new(JOIN_BUCKETS)),
            signals: Family::default(),
            slow_clients: Counter::default(),
            connections: Gauge::default(),
            streams: Family::default(),
            webhooks: Family::default(),
            webhooks_waiting: Gauge::default(),
            first_media: Family::new_with_constructor(|| Histogram::new(JOIN_BUCKETS)),
            samples: Family::default(),
            samples_lost: Counter::default(),
            leaves: Counter::default(),
            log_size: Gauge::default(),
            checkpoint_time: Gauge::default(),
            burn: Family::default(),
            letters: letters::Letters::default(),
            broadcast: broadcast::BroadcastGauges::default(),
            incidents: Family::default(),
            tickets: Family::default(),
            clocks: Family::default(),
        };
        metrics.register_gauges();
        metrics.register_guarantee();
        metrics.register_counters();
        metrics
    }

    fn register_gauges(&mut self) {
        let registry = &mut self.registry;
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "Version of the server", build);
        for (name, help, gauge) in [
            ("rooms", "Rooms", &self.rooms),
            (
                "participants",
                "Participants, hidden ones too",
                &self.participants,
            ),
            ("tracks", "Tracks that can be subscribed to", &self.tracks),
            (
                "subscriptions",
                "Subscriptions in force",
                &self.subscriptions,
            ),
            ("peer_connections", "Peer connections", &self.peers),
            (
                "signal_connections",
                "Open signalling connections",
                &self.connections,
            ),
            (
                "webhooks_waiting",
                "Events in the outbox",
                &self.webhooks_waiting,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
    }

    fn register_counters(&mut self) {
        let registry = &mut self.registry;
        registry.register("packets", "Media packets", self.packets.clone());
        registry.register_with_unit("media", "Media traffic", Unit::Bytes, self.bytes.clone());
        let help = "RTP packets from publishers, and forwarded (counted per subscriber)";
        registry.register("rtp_packets", help, self.rtp.clone());
        let help = "Keyframes asked of publishers";
        registry.register("keyframe_requests", help, self.keyframe_requests.clone());
        registry.register(
            "packets_dropped",
            "Media packets thrown away",
            self.dropped.clone(),
        );
        let help = "Encoders and viewers by the door that they came by";
        registry.register("stream_sessions", help, self.streams.clone());
        registry.register("joins", "Attempts to join by their end", self.joins.clone());
        let help = "Time from the join request until media is up, and ICE's and DTLS's part of it";
        registry.register_with_unit("join", help, Unit::Seconds, self.join_seconds.clone());
        registry.register(
            "signal_messages",
            "Signalling messages",
            self.signals.clone(),
        );
        registry.register(
            "slow_clients",
            "Clients closed because they did not read",
            self.slow_clients.clone(),
        );
        registry.register(
            "webhooks",
            "Webhook events by what became of them",
            self.webhooks.clone(),
        );
    }

    fn register_guarantee(&mut self) {
        let registry = &mut self.registry;
        let help = "What the taps saw, for the meter";
        registry.register("guarantee_samples", help, self.samples.clone());
        let help = "Samples that the meter did not get; their minutes have no data";
        registry.register("guarantee_samples_lost", help, self.samples_lost.clone());
        let help = "Time to the first packet of a stream: from the wish, and from its publication";
        registry.register_with_unit("first_media", help, Unit::Seconds, self.first_media.clone());
        let help = "Rollups appended to the evidence log";
        registry.register("evidence_leaves", help, self.leaves.clone());
        let help = "Leaves under the log's checkpoint";
        registry.register("evidence_log_size", help, self.log_size.clone());
        let help = "When the log's last checkpoint was seen, in seconds since 1970";
        registry.register(
            "evidence_checkpoint_time",
            help,
            self.checkpoint_time.clone(),
        );
        let help = "Budget of a contract's line: 0 lasts, 1 burns (ticket), 2 burns fast (page)";
        registry.register("guarantee_burn", help, self.burn.clone());
        self.letters.register(registry);
        self.broadcast.register(registry);
        let help = "Open incidents of a contract";
        registry.register("guarantee_incidents", help, self.incidents.clone());
        let help = "Open tickets of a contract";
        registry.register("guarantee_tickets", help, self.tickets.clone());
        let help = "Clocks of open incidents and tickets: running, or past their target (missed)";
        registry.register("guarantee_clocks", help, self.clocks.clone());
    }

    /// A tap saw something.
    pub fn guarantee_sample(&self, what: &'static str) {
        self.samples.get_or_create(&SampleLabels { what }).inc();
    }

    /// A stream began to flow.
    pub fn first_media(&self, part: &'static str, took: Duration) {
        self.first_media
            .get_or_create(&JoinPart { part })
            .observe(took.as_secs_f64());
    }

    /// A sample did not reach the meter.
    pub fn guarantee_lost(&self) {
        self.samples_lost.inc();
    }

    /// Rollups are in the log.
    pub fn guarantee_leaves(&self, count: u64) {
        self.leaves.inc_by(count);
    }

    /// The log has this many leaves, seen at this second since 1970.
    pub fn guarantee_log(&self, size: u64, second: i64) {
        self.log_size.set(i64::try_from(size).unwrap_or(i64::MAX));
        self.checkpoint_time.set(second);
    }

    /// Open incidents of a contract of this severity.
    pub fn guarantee_incidents(&self, contract: &str, severity: &'static str, open: i64) {
        let contract = contract.to_owned();
        let labels = IncidentLabels { contract, severity };
        self.incidents.get_or_create(&labels).set(open);
    }

    /// Open tickets of a contract.
    pub fn guarantee_tickets(&self, contract: &str, open: i64) {
        let contract = contract.to_owned();
        let labels = TicketLabels { contract };
        self.tickets.get_or_create(&labels).set(open);
    }

    /// Clocks of a contract that run within their target, and past it.
    pub fn guarantee_clocks(&self, contract: &str, running: i64, missed: i64) {
        for (state, count) in [("running", running), ("missed", missed)] {
            let contract = contract.to_owned();
            let labels = ClockLabels { contract, state };
            self.clocks.get_or_create(&labels).set(count);
        }
    }

    /// How fast a line's budget burns.
    pub fn guarantee_burn(&self, contract: &str, module: &'static str, region: &str, level: i64) {
        let labels = BurnLabels {
            contract: contract.to_owned(),
            module,
            region: region.to_owned(),
        };
        self.burn.get_or_create(&labels).set(level);
    }

    /// Signalling connections that are open.
    pub fn connections(&self) -> u64 {
        u64::try_from(self.connections.get()).unwrap_or(0)
    }

    /// A message came from a client.
    pub fn signal_received(&self) {
        self.signals.get_or_create(&IN).inc();
    }

    /// A message was queued for a client.
    pub fn signal_sent(&self) {
        self.signals.get_or_create(&OUT).inc();
    }

    /// A client that did not read was closed.
    pub fn slow_client(&self) {
        self.slow_clients.inc();
    }

    /// Signalling connections changed by this much.
    pub fn connections_changed(&self, by: i64) {
        self.connections.inc_by(by);
    }

    /// Encoders or viewers of a door (`whip`, `whep`) changed by this much.
    pub fn streams_changed(&self, door: &'static str, by: i64) {
        self.streams.get_or_create(&DoorLabels { door }).inc_by(by);
    }

    /// A join was refused before the room engine saw it.
    pub fn join_unauthorized(&self, signalling: u8) {
        self.count_join("unauthorized", signalling);
    }

    /// Something happened to a webhook event.
    pub fn webhook(&self, result: WebhookResult) {
        let label = match result {
            WebhookResult::Queued => "queued",
            WebhookResult::Delivered => "delivered",
            WebhookResult::Failed => "failed",
            WebhookResult::Expired => "expired",
            WebhookResult::Dropped => "dropped",
        };
        self.webhooks
            .get_or_create(&WebhookLabels { result: label })
            .inc();
    }

    /// The outbox grew or shrank.
    pub fn webhooks_waiting_changed(&self, by: i64) {
        self.webhooks_waiting.inc_by(by);
    }

    /// A measurement of the room engine.
    pub fn tap(&self, tap: &Tap) {
        let Tap::Join {
            outcome,
            signalling,
            total,
            ice,
            dtls,
            ..
        } = tap
        else {
            return;
        };
        let label = match outcome {
            JoinOutcome::Joined => "joined",
            JoinOutcome::Resumed => "resumed",
            JoinOutcome::Refused(_) => "refused",
            JoinOutcome::Aborted(_) => "aborted",
        };
        self.count_join(label, *signalling);
        if *outcome == JoinOutcome::Joined {
            let parts = [("total", Some(*total)), ("ice", *ice), ("dtls", *dtls)];
            for (part, time) in parts
                .into_iter()
                .filter_map(|(part, time)| Some((part, time?)))
            {
                self.observe_join(part, time);
            }
        }
    }

    /// The text that Prometheus reads.
    pub fn render(&self, census: Census, media: MediaPlaneMetrics) -> String {
        for (gauge, value) in [
            (&self.rooms, census.rooms),
            (&self.participants, census.participants),
            (&self.tracks, census.tracks),
            (&self.subscriptions, census.subscriptions),
        ] {
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        }
        self.peers
            .set(i64::try_from(media.peers).unwrap_or(i64::MAX));
        raise_to(self.packets.get_or_create(&IN).inner(), media.packets_in);
        raise_to(self.packets.get_or_create(&OUT).inner(), media.packets_out);
        raise_to(self.bytes.get_or_create(&IN).inner(), media.bytes_in);
        raise_to(self.bytes.get_or_create(&OUT).inner(), media.bytes_out);
        raise_to(self.dropped.inner(), media.dropped);
        raise_to(self.rtp.get_or_create(&IN).inner(), media.rtp_in);
        raise_to(self.rtp.get_or_create(&OUT).inner(), media.rtp_forwarded);
        raise_to(self.keyframe_requests.inner(), media.keyframe_requests);
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn count_join(&self, outcome: &'static str, signalling: u8) {
        let signalling = if signalling == 0 { "v0" } else { "v1" };
        self.joins
            .get_or_create(&JoinLabels {
                outcome,
                signalling,
            })
            .inc();
    }

    fn observe_join(&self, part: &'static str, time: Duration) {
        self.join_seconds
            .get_or_create(&JoinPart { part })
            .observe(time.as_secs_f64());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The shards count by themselves; a scrape takes their figure over. Never
/// backwards, whichever of two scrapes at once is later.
fn raise_to(counter: &AtomicU64, value: u64) {
    counter.fetch_max(value, std::sync::atomic::Ordering::Relaxed);
}
