//! Looks whether signalling answers.
//!
//! Every five seconds the control actor is asked for something small. When it
//! answers in time, every open signalling connection was up since the last look;
//! otherwise all were down. A look counts as one sample for each connection, and
//! as one without any when there is no connection and no answer.

use std::sync::Arc;
use std::time::Duration;

use surecast_guarantee::meter::{Sample, SessionId, What};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::Counts;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::{Message, timestamp};
use crate::control::Control;
use crate::metrics::Metrics;

/// Twelve looks a minute.
const PERIOD: Duration = Duration::from_secs(5);

/// A client whose message is not answered for this long shows it to its user.
const PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Look {
    pub control: Control,
    pub queue: mpsc::WeakSender<Message>,
    pub metrics: Arc<Metrics>,
    pub region: Region,
}

impl Look {
    /// Until the control actor has ended.
    pub async fn run(self) {
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut last = tokio::time::Instant::now();
        loop {
            ticks.tick().await;
            let at = timestamp();
            let answers = match tokio::time::timeout(PATIENCE, self.control.census()).await {
                Ok(Ok(_)) => true,
                Ok(Err(_)) => return,
                Err(_) => false,
            };
            let took = last.elapsed();
            last = tokio::time::Instant::now();
            let counts = counts(self.metrics.connections(), took, answers);
            if counts.is_empty() {
                continue;
            }
            let sample = Sample {
                at,
                session: SessionId(0),
                region: self.region.clone(),
                what: What::Counted {
                    module: Module::Signalling,
                    counts,
                },
            };
            let Some(queue) = self.queue.upgrade() else {
                return;
            };
            if queue.try_send(Message::Sample(sample)).is_err() {
                self.metrics.guarantee_lost();
            }
        }
    }
}

fn counts(connections: u64, took: Duration, answers: bool) -> Counts {
    // Without an answer somebody could not get in, even when nobody was in.
    let concerned = connections.max(u64::from(!answers));
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let ms = ms.saturating_mul(concerned);
    if answers {
        Counts {
            up_ms: ms,
            good: concerned,
            ..Counts::default()
        }
    } else {
        Counts {
            down_ms: ms,
            bad: concerned,
            ..Counts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_up_and_silence_is_down() {
        let five = Duration::from_secs(5);
        let cases = [
            (3, true, (15_000, 0, 3, 0)),
            (3, false, (0, 15_000, 0, 3)),
            (0, true, (0, 0, 0, 0)),
            (0, false, (0, 5_000, 0, 1)),
        ];
        for (connections, answers, expected) in cases {
            let c = counts(connections, five, answers);
            let found = (c.up_ms, c.down_ms, c.good, c.bad);
            assert_eq!(found, expected, "{connections} {answers}");
        }
    }
}
