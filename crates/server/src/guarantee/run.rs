//! The task that owns the meter and writes its rollups.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use surecast_guarantee::evidence::{Kind, Leaf};
use surecast_guarantee::meter::Meter;
use surecast_guarantee::rollup::{Rollup, RollupState};
use tokio::sync::mpsc;

use super::{Message, Shared};
use crate::evidence::AppendFailure;
use crate::metrics::Metrics;

/// Messages taken at once.
const BATCH: usize = 1024;

/// Leaves of one call to the log: about 1 MB. What is beyond stays in the meter,
/// where a minute takes less room.
const LEAVES: usize = 10_000;

/// A log that cannot be written is tried again after this.
const PAUSE: Duration = Duration::from_secs(1);

type Appended = (Vec<Rollup>, Result<Range<u64>, AppendFailure>);
type Appending = Pin<Box<dyn Future<Output = Appended> + Send>>;

pub(super) struct Runner {
    meter: Meter,
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
    now: fn() -> Timestamp,
    /// Rollups on their way into the log, one call at a time, in order.
    appending: Option<Appending>,
}

impl Runner {
    pub fn new(
        meter: Meter,
        shared: Arc<Shared>,
        metrics: Arc<Metrics>,
        now: fn() -> Timestamp,
    ) -> Self {
        Self {
            meter,
            shared,
            metrics,
            now,
            appending: None,
        }
    }

    /// Until nobody fills the queue any more; then the open minute is closed,
    /// and this returns when all rollups are durable or cannot be written.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            self.append();
            let pause = self.pause();
            tokio::select! {
                count = queue.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    let now = (self.now)();
                    batch.drain(..).for_each(|message| self.handle(message, now));
                }
                () = tokio::time::sleep(pause) => self.tick((self.now)()),
                done = appended(&mut self.appending) => self.done(done),
            }
        }
        self.end().await;
    }

    /// Takes a message.
    pub fn handle(&mut self, message: Message, now: Timestamp) {
        match message {
            Message::Sample(sample) => self.meter.handle_sample(sample, now),
            Message::Lost { from, state } => {
                tracing::warn!(%from, "samples were lost: these minutes have no data");
                self.meter.handle_loss(from, now);
                for sample in state {
                    self.meter.handle_sample(sample, now);
                }
            }
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Timestamp) {
        self.meter.handle_timeout(now);
    }

    /// The source stops.
    pub async fn end(mut self) {
        self.meter.handle_end((self.now)());
        loop {
            self.append();
            if self.appending.is_none() {
                return;
            }
            let done = appended(&mut self.appending).await;
            self.done(done);
        }
    }

    fn pause(&self) -> Duration {
        let due = self.meter.poll_timeout().duration_since((self.now)());
        due.try_into().unwrap_or_default()
    }

    /// Hands what is closed to the log, unless it is busy.
    fn append(&mut self) {
        if self.appending.is_some() {
            return;
        }
        // Nobody reads them yet; they must not pile up.
        while self.meter.poll_experience().is_some() {}
        let rollups = std::iter::from_fn(|| self.meter.poll_rollup());
        let rollups: Vec<Rollup> = rollups.take(LEAVES).collect();
        if !rollups.is_empty() {
            self.start(rollups, Duration::ZERO);
        }
    }

    fn start(&mut self, rollups: Vec<Rollup>, pause: Duration) {
        let now = (self.now)();
        let leaves: Vec<Leaf> = rollups.iter().filter_map(|r| leaf(r, now)).collect();
        debug_assert_eq!(leaves.len(), rollups.len(), "a rollup fits into a leaf");
        let log = self.shared.log.clone();
        self.appending = Some(Box::pin(async move {
            tokio::time::sleep(pause).await;
            let result = log.append(leaves).await;
            (rollups, result)
        }));
    }

    fn done(&mut self, (rollups, result): Appended) {
        self.appending = None;
        match result {
            Ok(indexes) => {
                self.metrics.guarantee_leaves(rollups.len() as u64);
                self.metrics
                    .guarantee_log(indexes.end, (self.now)().as_second());
                let mut book = self.shared.write();
                for (rollup, index) in rollups.iter().zip(indexes) {
                    book.handle_rollup(rollup, index);
                }
                book.watch(&self.metrics);
            }
            Err(AppendFailure::Closed) => {
                tracing::error!(rollups = rollups.len(), "the log is closed: not written");
            }
            Err(error) => {
                tracing::error!(%error, "rollups cannot be logged yet");
                self.start(rollups, PAUSE);
            }
        }
    }
}

/// A minute as it stands in the log.
pub(super) fn leaf(rollup: &Rollup, at: Timestamp) -> Option<Leaf> {
    let kind = match rollup.state {
        RollupState::NoData => Kind::NoData,
        RollupState::Measured | RollupState::Idle => Kind::Rollup,
    };
    Leaf::text(kind, at, &rollup.to_string()).ok()
}

/// Never, while nothing is under way.
async fn appended(appending: &mut Option<Appending>) -> Appended {
    match appending {
        Some(appending) => appending.await,
        None => std::future::pending().await,
    }
}
