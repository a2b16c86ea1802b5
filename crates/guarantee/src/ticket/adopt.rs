//! Going on under another version of the contract.

use std::sync::Arc;

use super::engine::{Saved, Tickets};
use super::model::TicketChange;
use crate::contract::Contract;
use crate::incident::RestoreError;

impl Tickets {
    /// Goes on from a snapshot of another version of the same contract, as
    /// [`Incidents::adopt`](crate::incident::Incidents::adopt) does: the new
    /// version's targets hold from now on, and the log is told.
    ///
    /// # Errors
    /// It is no snapshot.
    pub fn adopt(contract: Arc<Contract>, snapshot: &str) -> Result<Self, RestoreError> {
        let mut saved: Saved = serde_json::from_str(snapshot)?;
        let to = contract.hash()?;
        let from = std::mem::replace(&mut saved.contract, to.clone());
        let mut open = Vec::new();
        for ticket in saved.tickets.values_mut() {
            for timer in ticket.timers.values_mut() {
                timer.plan_next(&contract.support);
            }
            if ticket.state.is_open() {
                open.push(ticket.id);
            }
        }
        let mut engine = Self { contract, saved };
        for id in open {
            let (from, to) = (from.clone(), to.clone());
            engine.record(id, TicketChange::Superseded { from, to });
        }
        Ok(engine)
    }
}
