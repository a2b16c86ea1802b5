//! Settlements as they are kept.

use surecast_guarantee::settlement::Step;

/// A statement in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementRow {
    /// Name of the contract.
    pub contract: String,
    /// SHA-256 of its canonical JSON.
    pub hash: String,
    /// Which period, from 0.
    pub period: i64,
    /// Which statement of it, from 0.
    pub entry: i64,
    /// Its leaf.
    pub leaf: i64,
    /// Where it stands.
    pub status: String,
    /// What stands in the log.
    pub canonical: String,
    /// When, in Unix milliseconds.
    pub at_ms: i64,
}

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum SettlerError {
    /// There is none of that name.
    #[error("there is no contract `{0}`")]
    UnknownContract(String),
    /// Nothing was settled yet.
    #[error("period {0} is not settled")]
    NotSettled(u32),
    /// It does not follow from where it stands.
    #[error("{0}")]
    Refused(String),
    /// Not now.
    #[error("{0}")]
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
