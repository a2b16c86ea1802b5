//! What is to be said of a period now: by whoever calls for it, and by a server
//! that settles by itself.

use super::{Entry, Replayer, SettleError, Settlement, Status, Step};
use crate::contract::Contract;
use crate::term::Period;

/// A statement, and whether the log has it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What is to be said.
    pub settlement: Settlement,
    /// The leaf that says it already; nothing is to be appended then.
    pub stands: Option<u64>,
}

/// Why there is nothing to be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// A status needs a statement.
    #[error("the log has no settlement of this period")]
    NotSettled,
    /// The step does not lead on from there, or its reason is no reason.
    #[error(transparent)]
    Step(SettleError),
    /// It cannot be computed; in words.
    #[error("{0}")]
    Compute(String),
}

impl Proposal {
    /// The last entry of a period with another status.
    ///
    /// # Errors
    /// There is none, or `step` does not lead on from there.
    pub fn carry(
        before: Option<&Entry>,
        step: Step,
        reason: Option<&str>,
    ) -> Result<Self, ProposalError> {
        let before = before.ok_or(ProposalError::NotSettled)?;
        let settlement = Settlement::next(before, step, reason).map_err(ProposalError::Step)?;
        Ok(Self {
            settlement,
            stands: None,
        })
    }
}

impl Replayer {
    /// Computes a period from all that was read. Where that comes to what the
    /// last entry says, the entry stands; an objection is answered all the same.
    ///
    /// # Errors
    /// In words.
    pub fn propose(
        &mut self,
        contract: &Contract,
        period: &Period,
        reason: Option<&str>,
    ) -> Result<Proposal, ProposalError> {
        let settlement = self.settle(contract, period, reason);
        let settlement = settlement.map_err(ProposalError::Compute)?;
        let same = self.settled(contract, period.index).filter(|entry| {
            entry.settlement.status != Status::Disputed
                && entry.settlement.says_the_same(&settlement)
        });
        Ok(match same {
            Some(entry) => Proposal {
                settlement: entry.settlement.clone(),
                stands: Some(entry.leaf),
            },
            None => Proposal {
                settlement,
                stands: None,
            },
        })
    }
}
