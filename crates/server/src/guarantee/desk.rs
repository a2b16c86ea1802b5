//! The engines of incidents and tickets, from the outside.

use std::sync::Arc;

use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::policy::RegisteredEvent;
use surecast_guarantee::exclusion::Exclusion;
use surecast_guarantee::incident::{self, Actor, Incident, Refused};
use surecast_guarantee::ticket::{self, Incoming, Ticket};

/// A handle to the task that owns the engines; cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk {
    views: Arc<Vec<Arc<DeskView>>>,
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
    /// Declared maintenance.
    pub maintenance: Vec<Exclusion>,
    /// Shows that the customer registered.
    pub events: Vec<RegisteredEvent>,
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// There is none of that name.
    #[error("there is no contract `{0}`")]
    UnknownContract(String),
    /// The engine says no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Not now.
    #[error("{0}")]
    Unavailable(String),
}

impl Desk {
    /// One that shows these contracts and takes nothing.
    pub fn closed(contracts: &[Contract]) -> Self {
        let view = |contract: &Contract| {
            Arc::new(DeskView {
                contract: Arc::new(contract.clone()),
                incidents: Vec::new(),
                tickets: Vec::new(),
                maintenance: Vec::new(),
                events: Vec::new(),
            })
        };
        Self {
            views: Arc::new(contracts.iter().map(view).collect()),
        }
    }

    /// All that are served.
    pub fn contracts(&self) -> Vec<Arc<Contract>> {
        self.views.iter().map(|v| v.contract.clone()).collect()
    }

    /// What is there of one contract.
    pub fn view(&self, contract: &str) -> Option<Arc<DeskView>> {
        self.views
            .iter()
            .find(|v| v.contract.id == contract)
            .cloned()
    }

    /// Does something about an incident.
    pub async fn incident(
        &self,
        _contract: &str,
        _actor: Actor,
        _id: u64,
        _action: incident::Action,
    ) -> Result<(), DeskError> {
        Err(closed())
    }

    /// Takes a text: a new ticket, or one more message. Gives its number.
    pub async fn write(&self, _contract: &str, _incoming: Incoming) -> Result<u64, DeskError> {
        Err(closed())
    }

    /// Does something about a ticket.
    pub async fn ticket(
        &self,
        _contract: &str,
        _actor: Actor,
        _id: u64,
        _action: ticket::Action,
    ) -> Result<(), DeskError> {
        Err(closed())
    }

    /// Declares time that is not to count. Gives its leaf.
    pub async fn declare(
        &self,
        _contract: &str,
        _by: Actor,
        _exclusion: Exclusion,
    ) -> Result<u64, DeskError> {
        Err(closed())
    }

    /// Registers a show. Gives its leaf.
    pub async fn register_event(
        &self,
        _contract: &str,
        _by: Actor,
        _event: RegisteredEvent,
    ) -> Result<u64, DeskError> {
        Err(closed())
    }
}

fn closed() -> DeskError {
    DeskError::Unavailable("the desk takes nothing yet: try again later".to_owned())
}
