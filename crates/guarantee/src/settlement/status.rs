//! Where a statement stands: provisional → final → credited, and disputes.
//!
//! | from | step | to |
//! |---|---|---|
//! | nothing | settle | provisional |
//! | provisional | correct | provisional |
//! | provisional, recomputed | finalise | final |
//! | final | credit | credited |
//! | provisional, recomputed, final, credited | dispute | disputed |
//! | disputed, recomputed, final, credited | correct | recomputed |
//!
//! Nothing is changed: each step is a new entry in the log.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::Kind;

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Computed; late leaves and objections may still come.
    Provisional,
    /// Nobody objected.
    Final,
    /// The credit was given.
    Credited,
    /// Somebody objects.
    Disputed,
    /// Computed again after a dispute, or after it was final.
    Recomputed,
}

/// What leads to a new entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The first statement of a period.
    Settle,
    /// Computed again from all that is known now.
    Correct,
    /// The time for objections is over.
    Finalise,
    /// The credit was given.
    Credit,
    /// Somebody objects.
    Dispute,
}

/// Why a step is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionError {
    /// Nothing was settled yet.
    #[error("the period is not settled yet: `settle` comes before `{0}`")]
    NotSettled(Step),
    /// It does not lead on from there.
    #[error("a settlement that is {from} cannot take the step `{step}`")]
    NotFrom {
        /// Where it stands.
        from: Status,
        /// What was asked.
        step: Step,
    },
    /// It needs the evidence.
    #[error("the step `{0}` has to compute the statement again")]
    Computes(Step),
}

impl Status {
    /// The name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Final => "final",
            Self::Credited => "credited",
            Self::Disputed => "disputed",
            Self::Recomputed => "recomputed",
        }
    }
}

impl Step {
    /// The name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settle => "settle",
            Self::Correct => "correct",
            Self::Finalise => "finalise",
            Self::Credit => "credit",
            Self::Dispute => "dispute",
        }
    }

    /// Whether the statement is computed, and not only given another status.
    #[must_use]
    pub const fn computes(self) -> bool {
        matches!(self, Self::Settle | Self::Correct)
    }

    /// The kind of its leaf.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Correct => Kind::Correction,
            Self::Settle | Self::Finalise | Self::Credit | Self::Dispute => Kind::Settlement,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where `step` leads.
///
/// # Errors
/// It is not in the table.
pub(super) fn after(from: Option<Status>, step: Step) -> Result<Status, TransitionError> {
    let Some(from) = from else {
        return match step {
            Step::Settle => Ok(Status::Provisional),
            _ => Err(TransitionError::NotSettled(step)),
        };
    };
    match (from, step) {
        (Status::Provisional, Step::Correct) => Ok(Status::Provisional),
        (Status::Provisional | Status::Recomputed, Step::Finalise) => Ok(Status::Final),
        (Status::Final, Step::Credit) => Ok(Status::Credited),
        (
            Status::Provisional | Status::Recomputed | Status::Final | Status::Credited,
            Step::Dispute,
        ) => Ok(Status::Disputed),
        (
            Status::Disputed | Status::Recomputed | Status::Final | Status::Credited,
            Step::Correct,
        ) => Ok(Status::Recomputed),
        _ => Err(TransitionError::NotFrom { from, step }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete() {
        use Status::{Credited, Disputed, Final, Provisional, Recomputed};
        use Step::{Correct, Credit, Dispute, Finalise, Settle};
        let allowed = [
            (None, Settle, Provisional),
            (Some(Provisional), Correct, Provisional),
            (Some(Provisional), Finalise, Final),
            (Some(Provisional), Dispute, Disputed),
            (Some(Final), Credit, Credited),
            (Some(Final), Dispute, Disputed),
            (Some(Final), Correct, Recomputed),
            (Some(Credited), Dispute, Disputed),
            (Some(Credited), Correct, Recomputed),
            (Some(Disputed), Correct, Recomputed),
            (Some(Recomputed), Finalise, Final),
            (Some(Recomputed), Dispute, Disputed),
            (Some(Recomputed), Correct, Recomputed),
        ];
        let from = [Provisional, Final, Credited, Disputed, Recomputed].map(Some);
        for from in from.into_iter().chain([None]) {
            for step in [Settle, Correct, Finalise, Credit, Dispute] {
                let row = allowed.iter().find(|row| (row.0, row.1) == (from, step));
                assert_eq!(
                    after(from, step).ok(),
                    row.map(|row| row.2),
                    "{from:?} {step}"
                );
            }
        }
        let error = after(Some(Disputed), Credit).expect_err("not allowed");
        let said = "a settlement that is disputed cannot take the step `credit`";
        assert_eq!(error.to_string(), said);
    }
}
