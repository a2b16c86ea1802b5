//! What goes over SRT.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use surecast_wire::srt::Statistics;

use super::{Direction, IN, OUT};

/// Counters of all SRT connections, those of the past included.
#[derive(Clone, Default)]
pub struct SrtMetrics {
    connections: Gauge,
    refused: Family<Refused, Counter>,
    packets: Family<Direction, Counter>,
    missed: Counter,
    lost: Counter,
    retransmitted: Counter,
    dropped: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    code: u32,
}

impl SrtMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Open SRT connections";
        registry.register("srt_connections", help, self.connections.clone());
        let help = "SRT callers that were refused, by the reason that they were told";
        registry.register("srt_refused", help, self.refused.clone());
        let help = "SRT data packets, each once";
        registry.register("srt_packets", help, self.packets.clone());
        let help = "SRT packets that were missing when a later one came";
        registry.register("srt_packets_missed", help, self.missed.clone());
        let help = "SRT packets that never came in time";
        registry.register("srt_packets_lost", help, self.lost.clone());
        let help = "SRT packets that were sent again";
        registry.register(
            "srt_packets_retransmitted",
            help,
            self.retransmitted.clone(),
        );
        let help = "SRT packets given up before the receiver had them";
        registry.register("srt_packets_dropped", help, self.dropped.clone());
    }

    /// Connections that are open.
    pub fn open(&self, connections: usize) {
        self.connections
            .set(i64::try_from(connections).unwrap_or(i64::MAX));
    }

    /// A caller was refused.
    pub fn refused(&self, code: u32) {
        self.refused.get_or_create(&Refused { code }).inc();
    }

    /// What a connection counted since `before`.
    pub fn counted(&self, before: &Statistics, now: &Statistics) {
        let (was, is) = (&before.received, &now.received);
        self.packets
            .get_or_create(&IN)
            .inc_by(is.packets - was.packets);
        self.missed.inc_by(is.missed - was.missed);
        self.lost.inc_by(is.lost - was.lost);
        let (was, is) = (&before.sent, &now.sent);
        self.packets
            .get_or_create(&OUT)
            .inc_by(is.packets - was.packets);
        self.retransmitted
            .inc_by(is.retransmitted - was.retransmitted);
        self.dropped.inc_by(is.dropped - was.dropped);
    }
}
