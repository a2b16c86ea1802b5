//! Webhooks: every event is written to the outbox first, then posted to each
//! receiver, in order per room, until it is taken or too old.

mod delivery;
mod lanes;
pub(crate) mod post;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use surecast_room::Event;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::auth::Keys;
use crate::clock;
use crate::config::Config;
use crate::metrics::{Metrics, WebhookResult};
use crate::store::{OutboxEvent, Store};
use delivery::{Receiver, Waiting};

/// Events between the control actor and the outbox: some seconds of a disk
/// that stalls while 1,000 participants join. Beyond it events are lost, and
/// counted: the actor never waits for a disk.
const QUEUE: usize = 8192;

/// Events written in one transaction.
const BATCH: usize = 256;

/// Events in the outbox per receiver: about 1 GiB on disk. A receiver that is
/// that far behind gets no newer ones until it has caught up.
const WAITING: usize = 500_000;

/// A store that cannot be written is tried again after this.
const WRITE_PAUSE: Duration = Duration::from_secs(1);

/// The running delivery.
pub struct Webhooks {
    queue: Option<mpsc::Sender<Event>>,
    tasks: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
    store: Store,
    metrics: Arc<Metrics>,
}

impl Webhooks {
    /// Takes up what the last run left over, and starts delivering. Without
    /// receivers nothing is written.
    ///
    /// # Errors
    /// The outbox cannot be read.
    pub async fn start(
        config: &Config,
        keys: Keys,
        store: Store,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let (stop, _) = watch::channel(false);
        let mut this = Self {
            queue: None,
            tasks: Vec::new(),
            stop,
            store,
            metrics,
        };
        let mut receivers = Vec::new();
        for url in &config.webhook.urls {
            receivers.push(this.receiver(config, url, &keys)?);
        }
        let next_id = this.take_up(&receivers, config.webhook.max_age.0).await?;
        if !receivers.is_empty() {
            let (queue, events) = mpsc::channel(QUEUE);
            let writer = Writer {
                store: this.store.clone(),
                metrics: this.metrics.clone(),
                receivers,
                next_id,
            };
            this.queue = Some(queue);
            this.tasks.push(tokio::spawn(writer.run(events)));
        }
        Ok(this)
    }

    /// Gives the receivers what the last run left over; returns the next free
    /// id. Events of a receiver that is not configured now stay until they are
    /// too old: it may have been left out by mistake.
    async fn take_up(&self, receivers: &[Target], max_age: Duration) -> anyhow::Result<i64> {
        let left_over = self.store.outbox_heads().await;
        let left_over = left_over.context("cannot read the webhook outbox")?;
        let next_id = left_over.last().map_or(1, |head| head.id + 1);
        let (mut kept, mut dropped) = (0, 0);
        for head in left_over {
            if let Some(receiver) = receivers.iter().find(|receiver| receiver.url == head.url) {
                receiver.push(head.id, head.room);
            } else if older_than(max_age, head.created_ms) {
                let removed = self.store.outbox_remove(head.id).await;
                removed.context("cannot write the webhook outbox")?;
                dropped += 1;
            } else {
                kept += 1;
            }
        }
        if kept + dropped > 0 {
            tracing::warn!(
                kept,
                dropped,
                "the outbox has events for webhook receivers that are not in `webhook.urls`"
            );
        }
        Ok(next_id)
    }

    /// Where the control actor puts events. Never blocks.
    pub fn sink(&self) -> Box<dyn FnMut(Event) + Send> {
        let Some(queue) = self.queue.clone() else {
            return Box::new(drop);
        };
        let metrics = self.metrics.clone();
        Box::new(move |event| {
            if let Err(error) = queue.try_send(event) {
                let event = error.into_inner();
                metrics.webhook(WebhookResult::Dropped);
                tracing::error!(
                    room = event.room.name,
                    event = event.name.as_str(),
                    "webhook event lost: the outbox cannot be written fast enough"
                );
            }
        })
    }

    /// Delivers what can be delivered at once, for at most `grace`, and ends.
    /// All sinks must be gone. The rest stays in the outbox.
    pub async fn stop(mut self, grace: Duration) {
        self.queue = None;
        self.stop.send_replace(true);
        let deadline = tokio::time::Instant::now() + grace;
        for mut task in self.tasks.drain(..) {
            if tokio::time::timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
    }

    fn receiver(&mut self, config: &Config, url: &str, keys: &Keys) -> anyhow::Result<Target> {
        let (items, waiting_items) = mpsc::unbounded_channel();
        let waiting = Waiting::new(self.metrics.clone());
        let store = self.store.clone();
        let receiver = Receiver::new(config, url, keys.clone(), store, waiting.clone())?;
        let task = receiver.run(waiting_items, self.stop.subscribe());
        self.tasks.push(tokio::spawn(task));
        Ok(Target {
            url: url.to_owned(),
            items,
            waiting,
        })
    }
}

/// Is an event of that Unix time, in milliseconds, beyond `max_age`?
fn older_than(max_age: Duration, created_ms: i64) -> bool {
    let now = i64::try_from(clock::now().unix_ms).unwrap_or(i64::MAX);
    let max_age = i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX);
    now.saturating_sub(created_ms) > max_age
}

/// The writer's end of a receiver. The channel is bounded by [`WAITING`].
struct Target {
    url: String,
    items: mpsc::UnboundedSender<(i64, String)>,
    waiting: Waiting,
}

impl Target {
    fn push(&self, id: i64, room: String) {
        self.waiting.add();
        // The receiver task ends after the writer.
        let _ = self.items.send((id, room));
    }
}

/// The one who writes the outbox.
struct Writer {
    store: Store,
    metrics: Arc<Metrics>,
    receivers: Vec<Target>,
    next_id: i64,
}

impl Writer {
    async fn run(mut self, mut events: mpsc::Receiver<Event>) {
        let mut batch = Vec::with_capacity(BATCH);
        while events.recv_many(&mut batch, BATCH).await > 0 {
            let rows = self.rows(batch.drain(..));
            while let Err(error) = self.store.outbox_append(&rows).await {
                tracing::error!(%error, events = rows.len(), "cannot write the webhook outbox: trying again");
                tokio::time::sleep(WRITE_PAUSE).await;
            }
            for row in rows {
                self.metrics.webhook(WebhookResult::Queued);
                if let Some(target) = self.receivers.iter().find(|target| target.url == row.url) {
                    target.push(row.id, row.room);
                }
            }
        }
    }

    fn rows(&mut self, events: impl Iterator<Item = Event>) -> Vec<OutboxEvent> {
        let mut rows = Vec::new();
        for event in events {
            // Strings, numbers and maps with string keys only: this cannot fail.
            let body = serde_json::to_string(&event.to_webhook()).unwrap_or_default();
            for target in &self.receivers {
                if target.waiting.count() + rows.len() >= WAITING {
                    self.metrics.webhook(WebhookResult::Dropped);
                    tracing::error!(
                        url = target.url,
                        room = event.room.name,
                        "webhook outbox is full: event lost"
                    );
                    continue;
                }
                rows.push(OutboxEvent {
                    id: self.next_id,
                    url: target.url.clone(),
                    room: event.room.name.clone(),
                    event: event.name.as_str().to_owned(),
                    event_id: event.id.clone(),
                    created_ms: event.created_at.saturating_mul(1000),
                    body: body.clone(),
                });
                self.next_id += 1;
            }
        }
        rows
    }
}

impl Waiting {
    fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            count: Arc::new(AtomicUsize::new(0)),
            metrics,
        }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.metrics.webhooks_waiting_changed(1);
    }
}
