//! The task that owns the meter and writes its rollups.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use surecast_guarantee::evidence::{Kind, Leaf};
use surecast_guarantee::meter::Meter;
use surecast_guarantee::rollup::experience::Experience;
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

/// What a minute came to.
#[derive(Debug)]
enum Told {
    Rollup(Rollup),
    Experience(Experience),
}

type Appended = (Vec<Told>, Result<Range<u64>, AppendFailure>);
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
            Message::Stalled { from } => {
                tracing::warn!(%from, "a media shard stands still: these minutes have no data");
                self.meter.handle_stall(from, now);
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
        let rollups = std::iter::from_fn(|| self.meter.poll_rollup());
        let mut told: Vec<Told> = rollups.take(LEAVES).map(Told::Rollup).collect();
        // At most as many as rollups.
        let experiences = std::iter::from_fn(|| self.meter.poll_experience());
        told.extend(experiences.map(Told::Experience));
        if !told.is_empty() {
            self.start(told, Duration::ZERO);
        }
    }

    fn start(&mut self, told: Vec<Told>, pause: Duration) {
        let now = (self.now)();
        let leaf = |told: &Told| match told {
            Told::Rollup(rollup) => leaf(rollup, now),
            Told::Experience(experience) => {
                Leaf::text(Kind::Rollup, now, &experience.to_string()).ok()
            }
        };
        let leaves: Vec<Leaf> = told.iter().filter_map(leaf).collect();
        debug_assert_eq!(leaves.len(), told.len(), "a rollup fits into a leaf");
        let log = self.shared.log.clone();
        self.appending = Some(Box::pin(async move {
            tokio::time::sleep(pause).await;
            let result = log.append(leaves).await;
            (told, result)
        }));
    }

    fn done(&mut self, (told, result): Appended) {
        self.appending = None;
        match result {
            Ok(indexes) => {
                self.metrics.guarantee_leaves(told.len() as u64);
                self.metrics
                    .guarantee_log(indexes.end, (self.now)().as_second());
                let mut book = self.shared.write();
                for (told, index) in told.iter().zip(indexes) {
                    match told {
                        Told::Rollup(rollup) => book.handle_rollup(rollup, index),
                        Told::Experience(experience) => book.handle_experience(experience),
                    }
                }
                book.watch(&self.metrics);
            }
            Err(AppendFailure::Closed) => {
                tracing::error!(leaves = told.len(), "the log is closed: not written");
            }
            Err(error) => {
                tracing::error!(%error, "rollups cannot be logged yet");
                self.start(told, PAUSE);
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
