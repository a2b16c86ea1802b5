//! Who does something, and why they may not.

use serde::{Deserialize, Serialize};

use crate::severity::Severity;

/// Longest name of a person, in bytes: it stands in the log.
pub const MAX_NAME: usize = 128;

/// In which part somebody speaks. The caller has checked that they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Author {
    Customer,
    Agent,
    Lead,
    Manager,
    Expert,
    /// A program: auto-acknowledgements, imports.
    System,
}

impl Author {
    /// The name in messages and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
            Self::Lead => "lead",
            Self::Manager => "manager",
            Self::Expert => "expert",
            Self::System => "system",
        }
    }

    /// A human on the provider's side: only their word is a response.
    #[must_use]
    pub const fn responds(self) -> bool {
        matches!(
            self,
            Self::Agent | Self::Lead | Self::Manager | Self::Expert
        )
    }

    /// Whether their word can let a severity fall, once it measures clear.
    #[must_use]
    pub const fn may_lower(self) -> bool {
        matches!(self, Self::Customer | Self::Expert)
    }
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// In which part.
    pub kind: Author,
    /// Name; at most [`MAX_NAME`] bytes.
    pub name: String,
}

impl Actor {
    /// From both.
    #[must_use]
    pub fn new(kind: Author, name: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Refused> {
        if self.name.len() > MAX_NAME {
            return Err(Refused::TooLong {
                what: "the name".to_owned(),
                most: MAX_NAME,
            });
        }
        Ok(())
    }
}

/// Why something was not done. Nothing has changed but, where it says so, the
/// log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// There is none of that number.
    #[error("there is no {what} {id}")]
    Unknown {
        /// What was looked for.
        what: String,
        /// Its number.
        id: u64,
    },
    /// The contract has no such line.
    #[error("the contract does not cover {module} in {region}")]
    NotCovered {
        /// Of what.
        module: String,
        /// Where.
        region: String,
    },
    /// It does not follow from where things stand.
    #[error("this does not fit here: it is {state}")]
    State {
        /// Where it stands.
        state: String,
    },
    /// Somebody else has to do it.
    #[error("{who} cannot do this: {instead}")]
    NotYours {
        /// Who tried.
        who: String,
        /// Who can.
        instead: String,
    },
    /// The evidence says otherwise.
    #[error(
        "it has measured clear for {clear_minutes} of the {needed_minutes} minutes that are needed"
    )]
    NotClear {
        /// Minutes that it has been clear.
        clear_minutes: u32,
        /// Minutes of the contract.
        needed_minutes: u32,
    },
    /// It is not a lower one.
    #[error("the severity is {is:?} already; lower means a higher number")]
    NotLower {
        /// What it is.
        is: Severity,
    },
    /// Severity follows from the evidence.
    #[error("the severity is {is:?} by evidence; a mark does not change it")]
    ByEvidence {
        /// What it is.
        is: Severity,
    },
    /// An incident behind a ticket goes on.
    #[error("incident {incident} goes on: resolve it first")]
    IncidentOpen {
        /// Which.
        incident: u64,
    },
    /// More bytes than there may be.
    #[error("{what} is too long: at most {most} bytes")]
    TooLong {
        /// What.
        what: String,
        /// Bytes.
        most: usize,
    },
    /// A bound is reached.
    #[error("there are {most} {what} already, which is the most")]
    Full {
        /// Of what.
        what: String,
        /// The bound.
        most: usize,
    },
}
