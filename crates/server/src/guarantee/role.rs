//! In which part somebody asks.

use std::fmt;
use std::str::FromStr;

use surecast_guarantee::incident::Author;

/// The role in a token's claim `guarantee`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Runs the service: the lead of the shift.
    Operator,
    /// Answers tickets.
    Agent,
    /// Answers for a customer, by name.
    AccountManager,
    /// Knows the thing itself.
    Expert,
    /// Was promised something.
    Customer,
    /// Reads all, changes nothing.
    Auditor,
    /// A program that tries the service from outside.
    Probe,
    /// A program that passes on mails and calls.
    Hook,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Operator,
        Self::Agent,
        Self::AccountManager,
        Self::Expert,
        Self::Customer,
        Self::Auditor,
        Self::Probe,
        Self::Hook,
    ];

    /// The name in tokens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Agent => "agent",
            Self::AccountManager => "account_manager",
            Self::Expert => "expert",
            Self::Customer => "customer",
            Self::Auditor => "auditor",
            Self::Probe => "probe",
            Self::Hook => "hook",
        }
    }

    /// In which part the engines take their word; programs and auditors have
    /// none.
    #[must_use]
    pub const fn author(self) -> Author {
        match self {
            Self::Operator => Author::Lead,
            Self::Agent => Author::Agent,
            Self::AccountManager => Author::Manager,
            Self::Expert => Author::Expert,
            Self::Customer => Author::Customer,
            Self::Auditor | Self::Probe | Self::Hook => Author::System,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            let text: String = text.chars().take(32).collect();
            format!("`{text}` is not a role of the guarantee; there are {names}")
        })
    }
}
