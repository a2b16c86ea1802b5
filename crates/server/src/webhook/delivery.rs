//! Delivery to one receiver: a few requests at once, one per room.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::lanes::Lanes;
use super::older_than;
use super::post::Poster;
use crate::auth::Keys;
use crate::config::Config;
use crate::metrics::{Metrics, WebhookResult};
use crate::store::{OutboxEvent, Store};

/// How many events wait for a receiver, shared with the writer.
#[derive(Clone)]
pub(super) struct Waiting {
    pub(super) count: Arc<AtomicUsize>,
    pub(super) metrics: Arc<Metrics>,
}

impl Waiting {
    fn remove(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.metrics.webhooks_waiting_changed(-1);
    }
}

/// One receiver.
pub(super) struct Receiver {
    attempt: Attempt,
    lanes: Lanes,
    concurrency: usize,
}

/// What one delivery needs. Cheap to clone.
#[derive(Clone)]
struct Attempt {
    url: Arc<str>,
    poster: Poster,
    store: Store,
    max_age: Duration,
    waiting: Waiting,
}

/// What became of a lane's first event.
enum Outcome {
    /// It is out of the outbox.
    Done,
    /// Try again.
    Failed(OutboxEvent, String),
    /// The store could not be read; try again.
    Unreadable,
}

impl Receiver {
    pub(super) fn new(
        config: &Config,
        url: &str,
        keys: Keys,
        store: Store,
        waiting: Waiting,
    ) -> anyhow::Result<Self> {
        let hook = &config.webhook;
        let api_key = match config.default_key() {
            Some((key, _)) if hook.api_key.is_empty() => key.clone(),
            _ => hook.api_key.clone(),
        };
        let attempt = Attempt {
            url: url.into(),
            poster: Poster::new(url, api_key, keys, hook.timeout.0)?,
            store,
            max_age: hook.max_age.0,
            waiting,
        };
        Ok(Self {
            attempt,
            lanes: Lanes::default(),
            concurrency: usize::from(hook.concurrency),
        })
    }

    /// Runs until the writer is gone and, once `stop` is set, nothing can be
    /// sent at once any more.
    pub(super) async fn run(
        mut self,
        mut items: mpsc::UnboundedReceiver<(i64, String)>,
        stop: watch::Receiver<bool>,
    ) {
        let mut under_way = JoinSet::new();
        let mut writer_gone = false;
        loop {
            while under_way.len() < self.concurrency
                && let Some((room, id)) = self.lanes.next(Instant::now())
            {
                let attempt = self.attempt.clone();
                under_way.spawn(async move { (room, attempt.run(id).await) });
            }
            if writer_gone && *stop.borrow() && under_way.is_empty() && !self.lanes.has_due() {
                return;
            }
            tokio::select! {
                item = items.recv(), if !writer_gone => match item {
                    Some((id, room)) => self.lanes.push(room, id),
                    None => writer_gone = true,
                },
                Some(ended) = under_way.join_next() => self.ended(ended),
                () = pause_end(self.lanes.next_pause_end()), if under_way.len() < self.concurrency => {}
            }
        }
    }

    fn ended(&mut self, ended: Result<(String, Outcome), tokio::task::JoinError>) {
        // A panic in a delivery is a bug; its room waits for the next start.
        let Ok((room, outcome)) = ended else {
            tracing::error!(url = &*self.attempt.url, "a webhook delivery panicked");
            return;
        };
        match outcome {
            Outcome::Done => self.lanes.done(room),
            Outcome::Unreadable => {
                self.lanes.failed(room, Instant::now(), fastrand::f64());
            }
            Outcome::Failed(event, reason) => {
                let pause = self.lanes.failed(room, Instant::now(), fastrand::f64());
                tracing::warn!(
                    url = &*self.attempt.url,
                    room = event.room,
                    event = event.event,
                    id = event.event_id,
                    reason,
                    retry_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                    "webhook not delivered"
                );
            }
        }
    }
}

impl Attempt {
    async fn run(self, id: i64) -> Outcome {
        let event = match self.store.outbox_event(id).await {
            Ok(Some(event)) => event,
            Ok(None) => {
                self.waiting.remove();
                return Outcome::Done;
            }
            Err(error) => {
                tracing::error!(%error, "cannot read the webhook outbox: trying again");
                return Outcome::Unreadable;
            }
        };
        if older_than(self.max_age, event.created_ms) {
            self.waiting.metrics.webhook(WebhookResult::Expired);
            tracing::error!(
                url = &*self.url,
                room = event.room,
                event = event.event,
                id = event.event_id,
                "webhook given up: not delivered within webhook.max_age"
            );
            return self.finish(id).await;
        }
        match self.poster.post(event.body.clone()).await {
            Ok(()) => {
                self.waiting.metrics.webhook(WebhookResult::Delivered);
                tracing::debug!(
                    url = &*self.url,
                    room = event.room,
                    event = event.event,
                    "webhook delivered"
                );
                self.finish(id).await
            }
            Err(reason) => {
                self.waiting.metrics.webhook(WebhookResult::Failed);
                Outcome::Failed(event, reason)
            }
        }
    }

    async fn finish(&self, id: i64) -> Outcome {
        self.waiting.remove();
        if let Err(error) = self.store.outbox_remove(id).await {
            // It goes out once more after a restart: receivers see the same id.
            tracing::error!(%error, "cannot remove a delivered event from the webhook outbox");
        }
        Outcome::Done
    }
}

async fn pause_end(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
