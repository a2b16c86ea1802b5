//! Settlements as they are kept.

use jiff::Timestamp;
use surecast_guarantee::settlement::Step;

use crate::store::SettlementRow;

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
    #[error("period {period} is not over before {end}")]
    NotOver {
        /// Which period.
        period: u32,
        /// When it is.
        end: Timestamp,
    },
    /// It does not follow from where it stands.
    #[error("{0}")]
    Refused(String),
    /// Not now.
    #[error("the period cannot be settled now: {0}")]
    Unavailable(String),
}

/// A handle to whoever settles; cheap to clone.
#[derive(Clone, Debug)]
pub struct Settler;

impl Settler {
    /// All statements of a contract.
    pub async fn list(&self, _contract: &str) -> Result<Vec<SettlementRow>, SettlerError> {
        Ok(Vec::new())
    }

    /// Takes a step with a period.
    pub async fn step(
        &self,
        _contract: &str,
        _period: u32,
        _step: Step,
        _reason: Option<String>,
    ) -> Result<SettlementRow, SettlerError> {
        Err(SettlerError::Unavailable(
            "nothing is settled yet: try again later".to_owned(),
        ))
    }
}
