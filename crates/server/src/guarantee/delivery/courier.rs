//! The task that carries letters: takes them from the store, gives each to its
//! receivers, and takes it out of the store when all have it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::Patience;
use super::lanes::{Item, Lanes};
use super::open::Open;
use super::outlet::{Failure, Key, Outlet};
use super::parcel::Parcel;
use super::progress::Progress;
use super::receiver::Receiver;
use crate::guarantee::timestamp;
use crate::metrics::{LetterResult, Metrics};
use crate::store::{Letter, Store};

/// Letters that are taken from the store at once.
const PAGE: u32 = 256;

/// Letters in memory, 2 KB each: one every 13 s for three days to a receiver
/// that is down. What is beyond waits in the store until some have left.
const MOST: u32 = 20_000;

/// Sends under way at once, each to another receiver. A receiver that does not
/// answer holds one of them for 15 s, and then waits for at least 5.
const CONCURRENCY: usize = 32;

/// The store is looked at this often, whoever forgot to say that there is
/// something.
const LOOK: Duration = Duration::from_secs(30);

/// A store that cannot be read or written is tried again after this.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// A letter that is in memory.
struct Held {
    letter: Letter,
    parcel: Arc<Parcel>,
    progress: Progress,
    /// Receivers that do not have it yet.
    left: Vec<Receiver>,
}

type Ended = (Receiver, Item, Result<(), Failure>);

pub(super) struct Courier {
    pub store: Store,
    pub metrics: Arc<Metrics>,
    pub outlet: Arc<Outlet>,
    pub patience: Patience,
    pub open: Open,
    pub wake: Arc<Notify>,
    pub stop: watch::Receiver<bool>,
    lanes: Lanes,
    held: HashMap<i64, Option<Held>>,
    under_way: JoinSet<Ended>,
    look_at: Instant,
    resend_at: Instant,
}

impl Courier {
    pub fn new(
        store: Store,
        metrics: Arc<Metrics>,
        outlet: Arc<Outlet>,
        patience: Patience,
        open: Open,
        wake: Arc<Notify>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let now = Instant::now();
        Self {
            store,
            metrics,
            outlet,
            patience,
            open,
            wake,
            stop,
            lanes: Lanes::default(),
            held: HashMap::new(),
            under_way: JoinSet::new(),
            look_at: now,
            // Alertmanager takes an alert for over after 5 minutes, and nobody
            // knows how long the server was away.
            resend_at: now + patience.resend_first,
        }
    }

    /// Until it is told to stop; then until nothing can be sent at once.
    pub async fn run(mut self) {
        let wake = self.wake.clone();
        loop {
            if self.look_at <= Instant::now() {
                self.look().await;
            }
            self.resend();
            self.send();
            let stopping = *self.stop.borrow();
            if stopping && self.under_way.is_empty() {
                return;
            }
            let until = self.next_wake();
            tokio::select! {
                () = wake.notified() => self.look_at = Instant::now(),
                Some(ended) = self.under_way.join_next() => self.ended(ended).await,
                () = tokio::time::sleep_until(until), if !stopping => {}
                Ok(()) = self.stop.changed(), if !stopping => {}
            }
        }
    }

    fn next_wake(&self) -> Instant {
        let mut at = self.look_at.min(self.resend_at);
        if self.under_way.len() < CONCURRENCY
            && let Some(due) = self.lanes.next_due()
        {
            let wait = u64::try_from(due - now_ms()).unwrap_or(0);
            at = at.min(Instant::now() + Duration::from_millis(wait));
        }
        at
    }

    /// Takes what is in the store and not in memory yet. Letters that wait are
    /// among it, so that a younger one of the same receiver stays behind them.
    async fn look(&mut self) {
        let held = u32::try_from(self.held.len()).unwrap_or(u32::MAX);
        let most = held.saturating_add(PAGE).min(MOST);
        let horizon = now_ms().saturating_add(self.patience.pauses.longest_ms);
        let mut letters = match self.store.letters_due(horizon, most).await {
            Ok(letters) => letters,
            Err(error) => {
                tracing::error!(%error, "cannot read the letters that wait: trying again");
                self.look_at = Instant::now() + STORE_PAUSE;
                return;
            }
        };
        let more = letters.len() >= most as usize && most < MOST;
        self.look_at = Instant::now() + if more { Duration::ZERO } else { LOOK };
        letters.sort_by_key(|letter| letter.id);
        for letter in letters {
            if !self.held.contains_key(&letter.id) {
                self.take(letter).await;
            }
        }
        self.count().await;
    }

    async fn take(&mut self, letter: Letter) {
        let parcel: Parcel = match serde_json::from_str(&letter.body) {
            Ok(parcel) => parcel,
            Err(error) => {
                // It may be of a newer version, which comes back and sends it.
                let id = letter.id;
                tracing::error!(%error, id, "a letter cannot be read: it stays until it is too old");
                if self.is_too_old(&letter, self.patience.max_age) {
                    self.remove(id).await;
                } else {
                    self.held.insert(id, None);
                }
                return;
            }
        };
        self.open.note(&parcel);
        let progress = Progress::parse(&letter.error);
        let mut left = self.outlet.receivers(&parcel);
        left.retain(|receiver| !progress.is_done(receiver));
        let (id, due) = (letter.id, letter.due_ms);
        if left.is_empty() {
            self.remove(id).await;
            return;
        }
        let failures = u32::try_from(letter.attempts).unwrap_or(0);
        for receiver in &left {
            let item = Item::Letter { id, due };
            self.lanes.push(receiver.clone(), item, failures);
        }
        let held = Held {
            letter,
            parcel: Arc::new(parcel),
            progress,
            left,
        };
        self.held.insert(id, Some(held));
    }

    /// Open incidents once more, to every Alertmanager.
    fn resend(&mut self) {
        if self.resend_at > Instant::now() {
            return;
        }
        self.resend_at = Instant::now() + self.patience.resend;
        if self.open.is_empty() {
            return;
        }
        for receiver in self.outlet.alertmanagers() {
            self.lanes.push(receiver, Item::Resend, 0);
        }
    }

    fn send(&mut self) {
        while self.under_way.len() < CONCURRENCY
            && let Some((receiver, item)) = self.lanes.next(now_ms())
        {
            let outlet = self.outlet.clone();
            match item {
                Item::Resend => {
                    let open = self.open.clone();
                    self.under_way.spawn(async move {
                        let result = outlet.repeat(&receiver, &open.all()).await;
                        (receiver, item, result)
                    });
                }
                Item::Letter { id, .. } => {
                    let Some(Some(held)) = self.held.get(&id) else {
                        self.lanes.done(&receiver, false);
                        continue;
                    };
                    let max_age = self.patience.age_of(&receiver);
                    let too_old = self.is_too_old(&held.letter, max_age);
                    let parcel = held.parcel.clone();
                    let key = Key::of(&held.letter);
                    self.under_way.spawn(async move {
                        let result = if too_old {
                            Err(Failure::too_old())
                        } else {
                            outlet.send(&receiver, &key, &parcel).await
                        };
                        (receiver, item, result)
                    });
                }
            }
        }
    }

    async fn ended(&mut self, ended: Result<Ended, JoinError>) {
        let (receiver, item, result) = match ended {
            Ok(ended) => ended,
            // A panic in a send is a bug; its receiver waits for the next start.
            Err(error) => {
                tracing::error!(%error, "a send ended badly");
                return;
            }
        };
        match item {
            Item::Resend => self.repeated(&receiver, result),
            Item::Letter { id, .. } => self.letter_ended(&receiver, id, result).await,
        }
    }

    fn repeated(&mut self, receiver: &Receiver, result: Result<(), Failure>) {
        let Err(failure) = result else {
            return self.lanes.done(receiver, true);
        };
        tracing::warn!(%receiver, why = failure.why, "open incidents were not repeated");
        if failure.is_final {
            self.lanes.done(receiver, false);
        } else {
            // It still stands first in its lane.
            let pauses = self.patience.pauses;
            self.lanes
                .failed(receiver, pauses, now_ms(), fastrand::f64());
        }
    }

    async fn letter_ended(&mut self, receiver: &Receiver, id: i64, result: Result<(), Failure>) {
        let Some(Some(held)) = self.held.get_mut(&id) else {
            return;
        };
        let channel = receiver.channel();
        let contract = held.parcel.contract().to_owned();
        match result {
            Err(failure) if !failure.is_final => {
                let pauses = self.patience.pauses;
                let (attempts, due) =
                    self.lanes
                        .failed(receiver, pauses, now_ms(), fastrand::f64());
                self.metrics.letter(channel, LetterResult::Failed);
                let retry_ms = due - now_ms();
                tracing::warn!(%receiver, contract, id, why = failure.why, retry_ms, "letter not delivered");
                held.progress.failed(receiver, &failure.why);
                held.letter.attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
                held.letter.due_ms = due;
            }
            ended => {
                let delivered = ended.is_ok();
                self.lanes.done(receiver, delivered);
                held.left.retain(|other| other != receiver);
                held.progress.done(receiver);
                self.count_end(receiver, &contract, id, ended);
            }
        }
        self.keep(id).await;
    }

    fn count_end(&self, receiver: &Receiver, contract: &str, id: i64, ended: Result<(), Failure>) {
        let result = match ended {
            Ok(()) => {
                tracing::debug!(%receiver, contract, id, "letter delivered");
                LetterResult::Delivered
            }
            Err(failure) => {
                tracing::error!(%receiver, contract, id, why = failure.why, "letter given up");
                failure.result
            }
        };
        self.metrics.letter(receiver.channel(), result);
    }

    /// Writes down where a letter stands, or that all have it.
    async fn keep(&mut self, id: i64) {
        let Some(Some(held)) = self.held.get(&id) else {
            return;
        };
        if held.left.is_empty() {
            self.remove(id).await;
            self.count().await;
            return;
        }
        let (letter, error) = (&held.letter, held.progress.to_text());
        let kept = self
            .store
            .letter_retry(id, letter.attempts, letter.due_ms, &error)
            .await;
        if let Err(error) = kept {
            // It goes on from memory; after a restart there may be a copy.
            tracing::error!(%error, id, "cannot write down that a letter waits");
        }
    }

    async fn remove(&mut self, id: i64) {
        self.held.remove(&id);
        if let Err(error) = self.store.letter_remove(id).await {
            // It would go out again at once: remember it as one to pass over.
            self.held.insert(id, None);
            tracing::error!(%error, id, "cannot remove a letter: there may be a copy after a restart");
        }
    }

    async fn count(&self) {
        if let Ok((waiting, _)) = self.store.letters_waiting().await {
            self.metrics.letters_waiting(waiting);
        }
    }

    fn is_too_old(&self, letter: &Letter, max_age: Duration) -> bool {
        let max_age = i64::try_from(max_age.as_millis()).unwrap_or(i64::MAX);
        now_ms().saturating_sub(letter.created_ms) > max_age
    }
}

/// The guarantee's clock: letters are written by it.
fn now_ms() -> i64 {
    timestamp().as_millisecond()
}
