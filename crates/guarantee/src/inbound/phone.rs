//! A note of a phone call.

use serde::{Deserialize, Serialize};

use super::InboundError;
use super::sender::by_phone;
use super::text::{line, lines};
use crate::contract::Contract;
use crate::contract::support::Channel;
use crate::ticket::bounds::{MAX_BODY, MAX_SUBJECT};
use crate::ticket::{About, Incoming};

/// Longest note as JSON, in bytes: every character of the longest text can be
/// an escape of six.
pub const MAX_NOTE: usize = 6 * MAX_BODY + 4096;

/// What the phone desk, or the machine that answers, sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// Name of the contract.
    pub contract: String,
    /// Number or name of the caller.
    pub caller: String,
    /// What was said.
    pub note: String,
    /// To which ticket; none = a new one.
    #[serde(default)]
    pub ticket: Option<u64>,
}

/// A note as a text of a ticket.
///
/// # Errors
/// It is too large, no JSON of a [`Note`], empty, or of another contract.
pub fn phone(json: &[u8], contract: &Contract) -> Result<Incoming, InboundError> {
    if json.len() > MAX_NOTE {
        return Err(InboundError::TooLarge {
            what: "note",
            most: MAX_NOTE,
        });
    }
    let note: Note = serde_json::from_slice(json).map_err(|error| {
        InboundError::Malformed(format!(
            "not {{\"contract\", \"caller\", \"note\", \"ticket\"?}}: {error}"
        ))
    })?;
    if note.contract != contract.id {
        let why = format!("the note is for another contract than `{}`", contract.id);
        return Err(InboundError::Malformed(why));
    }
    let body = lines(&note.note, MAX_BODY);
    let caller = line(&note.caller, MAX_SUBJECT / 2);
    if body.is_empty() || caller.is_empty() {
        let why = "a note needs `caller` and `note`";
        return Err(InboundError::Malformed(why.to_owned()));
    }
    let first = body.lines().next().unwrap_or_default();
    Ok(Incoming {
        ticket: note.ticket,
        channel: Channel::Phone,
        author: by_phone(contract, note.caller.trim()),
        automatic: false,
        subject: line(&format!("{caller}: {first}"), MAX_SUBJECT),
        body,
        about: About::default(),
    })
}
