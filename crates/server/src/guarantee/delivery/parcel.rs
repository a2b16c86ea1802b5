//! What a letter of the store holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use surecast_guarantee::incident::{Incident, Notify};

/// Something to be carried. Its JSON is the body of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Parcel {
    /// To one person, on one channel.
    Notify(Box<Notify>),
    /// A change of an incident, for other products.
    Incident {
        /// Name of the contract.
        contract: String,
        /// The incident after the change.
        incident: Box<Incident>,
        /// The leaf that says the change.
        leaf: u64,
        /// When it changed.
        at: Timestamp,
    },
}

impl Parcel {
    /// Name of the contract.
    #[must_use]
    pub fn contract(&self) -> &str {
        match self {
            Self::Notify(notify) => &notify.facts.contract,
            Self::Incident { contract, .. } => contract,
        }
    }
}
