//! Letters of the guarantee.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Metrics;

/// What became of a letter at one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterResult {
    /// The receiver took it.
    Delivered,
    /// One attempt failed.
    Failed,
    /// Given up because of its age.
    Expired,
    /// Given up because the receiver will never take it.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    channel: &'static str,
    result: &'static str,
}

/// Their metrics.
#[derive(Default)]
pub(super) struct Letters {
    letters: Family<Labels, Counter>,
    waiting: Gauge,
}

impl Letters {
    pub fn register(&self, registry: &mut Registry) {
        let help = "Letters of the guarantee by channel and what became of them";
        registry.register("guarantee_letters", help, self.letters.clone());
        let help = "Letters of the guarantee in the store";
        registry.register("guarantee_letters_waiting", help, self.waiting.clone());
    }
}

impl Metrics {
    /// Something happened to a letter.
    pub fn letter(&self, channel: &'static str, result: LetterResult) {
        let result = match result {
            LetterResult::Delivered => "delivered",
            LetterResult::Failed => "failed",
            LetterResult::Expired => "expired",
            LetterResult::Refused => "refused",
        };
        let labels = Labels { channel, result };
        self.letters.letters.get_or_create(&labels).inc();
    }

    /// So many letters are in the store.
    pub fn letters_waiting(&self, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.letters.waiting.set(count);
    }
}
