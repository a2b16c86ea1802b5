//! What is broadcast, as of the scrape.

use std::collections::HashMap;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Metrics;
use crate::broadcast::{Broadcast, Protocol};

/// Encoders, viewers, programs.
#[derive(Default)]
pub(super) struct BroadcastGauges {
    encoders: Family<Labels, Gauge>,
    viewers: Family<Labels, Gauge>,
    programs: Gauge,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    protocol: &'static str,
}

impl BroadcastGauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Encoders by doors that are not WebRTC";
        registry.register("broadcast_encoders", help, self.encoders.clone());
        let help = "Viewers by doors that are not WebRTC";
        registry.register("broadcast_viewers", help, self.viewers.clone());
        let help = "Rooms that are broadcast";
        registry.register("broadcast_programs", help, self.programs.clone());
    }
}

impl Metrics {
    /// Reads what is broadcast now.
    pub fn broadcast(&self, broadcast: &Broadcast) {
        let gauges = &self.broadcast;
        let mut encoders = HashMap::new();
        for (_, incoming) in broadcast.incoming() {
            *encoders.entry(incoming.protocol).or_default() += 1;
        }
        set(&gauges.encoders, &encoders);
        set(&gauges.viewers, &broadcast.viewers().by_protocol());
        gauges.programs.set(count(broadcast.programs().len()));
    }
}

/// A protocol that nobody uses any more goes to 0.
fn set(family: &Family<Labels, Gauge>, counts: &HashMap<Protocol, usize>) {
    for protocol in Protocol::ALL {
        let value = counts.get(&protocol).copied().unwrap_or(0);
        let protocol = protocol.name();
        family.get_or_create(&Labels { protocol }).set(count(value));
    }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
