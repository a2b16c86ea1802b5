//! The desk: incidents and tickets of every contract.
//!
//! ```text
//! Book ─ minutes ─► Incidents ─► Tickets ─► leaves ─► log
//! people ─ Desk ──────┴─────────────┘  └──► letters ─► store ─► Delivery
//! ```
//!
//! One task owns the engines. Whatever is answered is in the store and in the log,
//! and nobody is told anything before its leaf is there.

mod breach;
mod case;
mod logged;
mod turn;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::policy::RegisteredEvent;
use surecast_guarantee::exclusion::Exclusion;
use surecast_guarantee::incident::{self, Actor, Incident, NotTaken, Refused};
use surecast_guarantee::ticket::{self, Incoming, Ticket};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::Shared;
use crate::metrics::Metrics;
use crate::store::Store;

pub(crate) use logged::Logged;

use case::Case;
use worker::{BATCH, Worker};

/// Requests that wait: what people do while the log commits for a second, a few
/// times over. Beyond that the doors wait.
const QUEUE: usize = 4 * BATCH;

/// A handle to the task that owns the engines; cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk {
    queue: mpsc::Sender<Request>,
    views: Arc<BTreeMap<String, watch::Receiver<Arc<DeskView>>>>,
}

/// What the engines of one contract hold.
#[derive(Clone, Debug)]
pub struct DeskView {
    /// Which contract.
    pub contract: Arc<Contract>,
    /// Its incidents that are kept.
    pub incidents: Vec<Incident>,
    /// Its tickets that are kept.
    pub tickets: Vec<Ticket>,
    /// Declared maintenance that is not over.
    pub maintenance: Vec<Exclusion>,
    /// Shows that were registered; those in the contract are not among them.
    pub events: Vec<RegisteredEvent>,
}

/// Why something was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeskError {
    /// There is none of that name.
    #[error("there is no contract `{0}`")]
    UnknownContract(String),
    /// The rules say no. The log says that it was tried.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Maintenance that does not count.
    #[error(transparent)]
    Maintenance(NotTaken),
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// The store or the log cannot be written.
    #[error("try again later: {0}")]
    Unavailable(String),
}

#[derive(Debug)]
struct Request {
    contract: String,
    what: What,
    reply: oneshot::Sender<Result<u64, DeskError>>,
}

#[derive(Debug)]
enum What {
    Incident {
        actor: Actor,
        id: u64,
        action: incident::Action,
    },
    Write(Incoming),
    Ticket {
        actor: Actor,
        id: u64,
        action: ticket::Action,
    },
    Declare {
        by: Actor,
        exclusion: Exclusion,
    },
    Event {
        by: Actor,
        event: RegisteredEvent,
    },
}

/// The running task.
pub(super) struct Running {
    pub desk: Desk,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Before the log is closed. What is not carried out is in the store.
    pub async fn stop(self) {
        // It may have ended by itself.
        let _ = self.stop.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the desk ended badly");
        }
    }
}

impl Desk {
    /// Goes on from the store, and begins to work. `wake` is called when letters
    /// are in the store.
    pub(super) async fn start(
        contracts: &[Contract],
        shared: &Arc<Shared>,
        store: Store,
        metrics: Arc<Metrics>,
        wake: Box<dyn Fn() + Send>,
        now: fn() -> Timestamp,
    ) -> anyhow::Result<Running> {
        let (worker, desk, queue) =
            Self::assemble(contracts, shared, store, metrics, wake, now()).await?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(worker.run(queue, stopped, now));
        Ok(Running { desk, stop, task })
    }

    async fn assemble(
        contracts: &[Contract],
        shared: &Arc<Shared>,
        store: Store,
        metrics: Arc<Metrics>,
        wake: Box<dyn Fn() + Send>,
        now: Timestamp,
    ) -> anyhow::Result<(Worker, Self, mpsc::Receiver<Request>)> {
        let (last, logged, record) = {
            let mut book = shared.write();
            (book.last(), book.take_logged(), book.record())
        };
        let mut worker = Worker {
            cases: BTreeMap::new(),
            views: BTreeMap::new(),
            shared: shared.clone(),
            store,
            metrics,
            logged,
            wake,
            behind: false,
        };
        let mut views = BTreeMap::new();
        for (id, versions) in by_name(contracts) {
            let case = Case::open(versions, record.clone(), &worker.store, last, now).await;
            let case = case.with_context(|| format!("the incidents and tickets of `{id}`"))?;
            let (sender, receiver) = watch::channel(Arc::new(case.view()));
            worker.views.insert(id.clone(), sender);
            worker.cases.insert(id.clone(), case);
            views.insert(id, receiver);
        }
        let declared: Vec<Exclusion> = worker.logged.maintenance().cloned().collect();
        for exclusion in &declared {
            worker.maintain(exclusion, now);
        }
        let (queue, requests) = mpsc::channel(QUEUE);
        let views = Arc::new(views);
        Ok((worker, Self { queue, views }, requests))
    }

    /// The contracts, by name.
    #[must_use]
    pub fn contracts(&self) -> Vec<Arc<Contract>> {
        let views = self.views.values();
        views.map(|view| view.borrow().contract.clone()).collect()
    }

    /// What is in the store of a contract.
    #[must_use]
    pub fn view(&self, contract: &str) -> Option<Arc<DeskView>> {
        Some(self.views.get(contract)?.borrow().clone())
    }

    /// Somebody does something about an incident.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn incident(
        &self,
        contract: &str,
        actor: Actor,
        id: u64,
        action: incident::Action,
    ) -> Result<(), DeskError> {
        let what = What::Incident { actor, id, action };
        self.ask(contract, what).await.map(drop)
    }

    /// Somebody writes: a new ticket, or one more text of one. Gives its number.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn write(&self, contract: &str, incoming: Incoming) -> Result<u64, DeskError> {
        self.ask(contract, What::Write(incoming)).await
    }

    /// Somebody does something about a ticket.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn ticket(
        &self,
        contract: &str,
        actor: Actor,
        id: u64,
        action: ticket::Action,
    ) -> Result<(), DeskError> {
        let what = What::Ticket { actor, id, action };
        self.ask(contract, what).await.map(drop)
    }

    /// Declares maintenance; its time and leaf are given here. Gives the leaf.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn declare(
        &self,
        contract: &str,
        by: Actor,
        exclusion: Exclusion,
    ) -> Result<u64, DeskError> {
        self.ask(contract, What::Declare { by, exclusion }).await
    }

    /// Registers a show, before it starts. Gives the leaf.
    ///
    /// # Errors
    /// See [`DeskError`].
    pub async fn register_event(
        &self,
        contract: &str,
        by: Actor,
        event: RegisteredEvent,
    ) -> Result<u64, DeskError> {
        self.ask(contract, What::Event { by, event }).await
    }

    async fn ask(&self, contract: &str, what: What) -> Result<u64, DeskError> {
        if !self.views.contains_key(contract) {
            return Err(DeskError::UnknownContract(contract.to_owned()));
        }
        let (reply, answer) = oneshot::channel();
        let request = Request {
            contract: contract.to_owned(),
            what,
            reply,
        };
        let stops = || DeskError::Unavailable("the server stops: look before you try again".into());
        self.queue.send(request).await.map_err(|_| stops())?;
        answer.await.map_err(|_| stops())?
    }
}

/// The versions of each contract, from the first on.
fn by_name(contracts: &[Contract]) -> BTreeMap<String, Vec<Arc<Contract>>> {
    let mut named: BTreeMap<String, Vec<Arc<Contract>>> = BTreeMap::new();
    for contract in contracts {
        let versions = named.entry(contract.id.clone()).or_default();
        versions.push(Arc::new(contract.clone()));
    }
    for versions in named.values_mut() {
        versions.sort_by_key(|contract| contract.version);
        versions.dedup_by_key(|contract| contract.version);
    }
    named
}

#[cfg(test)]
mod tests;
