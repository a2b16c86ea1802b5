//! Settles by itself: every period that is over, once its last minutes are in
//! the log.
//!
//! ```text
//! log ─► Known ─► what is due ─► the whole log again ─► leaf ─► log ─► store
//! ```
//!
//! The log is the truth. Whatever is known is read from it, also what was just
//! appended, so that a server that was killed anywhere in between goes on where
//! it was. The store has the same rows to be looked up, and is brought up to the
//! log at every start.

mod known;
mod plan;
mod read;
mod task;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use surecast_guarantee::settlement::Step;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::{Shared, timestamp};
use crate::config;
use crate::store::{ContractRow, SettlementRow, Store};

pub use plan::Rules;

/// Steps that wait. People make them; who comes when it is full waits to be
/// taken in.
const QUEUE: usize = 64;

/// A handle to the task that settles. Cheap to clone.
#[derive(Clone)]
pub struct Settler {
    queue: mpsc::Sender<task::Request>,
    store: Store,
    contracts: Arc<BTreeSet<String>>,
}

/// Why a step was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettlerError {
    /// Not one that this server keeps.
    #[error("the contract `{0}` is not kept here")]
    UnknownContract(String),
    /// No such period.
    #[error("the contract `{contract}` has no period {period}: it has {periods}, from 0")]
    UnknownPeriod {
        /// Which contract.
        contract: String,
        /// Which period.
        period: u32,
        /// How many there are.
        periods: usize,
    },
    /// Too early.
    #[error(
        "period {period} is not over before {end}: until then, the minutes to come would count \
         as down"
    )]
    NotOver {
        /// Which period.
        period: u32,
        /// When it is.
        end: Timestamp,
    },
    /// The step does not lead on from where the period stands, or its reason is
    /// no reason.
    #[error("{0}")]
    Refused(String),
    /// The log or the store cannot be used now.
    #[error("the period cannot be settled now: {0}")]
    Unavailable(String),
}

/// What ends the task.
pub(super) struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Settler {
    /// Begins to settle the contracts of these names, as the log has them.
    pub(super) fn start(
        shared: &Arc<Shared>,
        store: Store,
        contracts: BTreeSet<String>,
        rules: Rules,
    ) -> (Self, Running) {
        let (queue, requests) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(false);
        let task = task::Task {
            shared: shared.clone(),
            store: store.clone(),
            place: read::Place {
                root: shared.log.root().to_owned(),
                key: shared.log.key().clone(),
                stop: stopped,
            },
            rules,
            kept: contracts.clone(),
            known: known::Known::default(),
            begun: timestamp(),
            now: timestamp,
            contracts: VecDeque::new(),
            rows: VecDeque::new(),
        };
        let settler = Self {
            queue,
            store,
            contracts: Arc::new(contracts),
        };
        let task = tokio::spawn(task.run(requests));
        (settler, Running { stop, task })
    }

    /// All entries of all periods of a contract, in the order of the log.
    ///
    /// # Errors
    /// `UnknownContract`, `Unavailable`.
    pub async fn list(&self, contract: &str) -> Result<Vec<SettlementRow>, SettlerError> {
        self.known(contract)?;
        let rows = self.store.settlements(contract).await;
        rows.map_err(|error| SettlerError::Unavailable(error.to_string()))
    }

    /// A version of a contract, as the log has it.
    ///
    /// # Errors
    /// `UnknownContract`, `Unavailable`.
    pub async fn contract(&self, contract: &str, hash: &str) -> Result<ContractRow, SettlerError> {
        self.known(contract)?;
        let rows = self.store.contracts().await;
        let rows = rows.map_err(|error| SettlerError::Unavailable(error.to_string()))?;
        let found = rows.into_iter().find(|row| row.hash == hash);
        found.ok_or_else(|| SettlerError::UnknownContract(contract.to_owned()))
    }

    /// Takes a step: its entry is in the log when this returns. A period that is
    /// computed again to the same result keeps its entry, unless somebody had
    /// objected.
    ///
    /// # Errors
    /// See [`SettlerError`].
    pub async fn step(
        &self,
        contract: &str,
        period: u32,
        step: Step,
        reason: Option<String>,
    ) -> Result<SettlementRow, SettlerError> {
        self.known(contract)?;
        let (reply, answer) = oneshot::channel();
        let request = task::Request {
            contract: contract.to_owned(),
            period,
            step,
            reason,
            reply,
        };
        let stops = || SettlerError::Unavailable("the server stops".to_owned());
        self.queue.send(request).await.map_err(|_| stops())?;
        answer.await.map_err(|_| stops())?
    }

    fn known(&self, contract: &str) -> Result<(), SettlerError> {
        if self.contracts.contains(contract) {
            return Ok(());
        }
        Err(SettlerError::UnknownContract(contract.to_owned()))
    }
}

impl Running {
    /// Ends the task. What it was about to append is either in the log or not;
    /// the next start sees which.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the settler ended badly");
        }
    }
}

impl Rules {
    /// As the settings say.
    pub(super) fn new(settings: &config::Guarantee) -> Self {
        // Spans in settings are 100 years at most.
        let span = |span: config::Span| SignedDuration::try_from(span.0).unwrap_or_default();
        Self {
            settle_after: span(settings.settle_after),
            final_after: span(settings.final_after),
        }
    }
}
