//! What people did about an incident, with their names and words.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::actor::Actor;
use super::engine::Incidents;

/// Entries that are kept of one incident: an update every half hour for three
/// days, and as much again. The oldest go first; their leaves stay.
pub const MAX_WORDS: usize = 300;

/// Bytes of their texts: eight of the longest. All of this is in memory, and in
/// every snapshot.
pub const MAX_WORD_BYTES: usize = 8 * super::MAX_TEXT;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// When.
    pub at: Timestamp,
    /// Who did it; none = by time.
    pub by: Option<Actor>,
    /// Name of the action, or `called`.
    pub what: String,
    /// Who was called.
    pub called: Vec<String>,
    /// What they wrote. It is not safe to be shown without escaping.
    pub text: String,
}

impl Word {
    pub(super) fn said(at: Timestamp, by: &Actor, what: &str, text: String) -> Self {
        Self {
            at,
            by: Some(by.clone()),
            what: what.to_owned(),
            called: Vec::new(),
            text,
        }
    }

    pub(super) fn called(at: Timestamp, called: Vec<String>) -> Self {
        Self {
            at,
            by: None,
            what: "called".to_owned(),
            called,
            text: String::new(),
        }
    }
}

/// The last of them, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Words(VecDeque<Word>);

impl Words {
    /// From the oldest on.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Word> {
        self.0.iter()
    }

    fn push(&mut self, word: Word) {
        self.0.push_back(word);
        let bytes = |words: &VecDeque<Word>| words.iter().map(|w| w.text.len()).sum::<usize>();
        while self.0.len() > MAX_WORDS || bytes(&self.0) > MAX_WORD_BYTES {
            self.0.pop_front();
        }
    }
}

impl Incidents {
    pub(super) fn keep(&mut self, id: u64, word: Word) {
        if let Some(incident) = self.saved.incidents.get_mut(&id) {
            incident.words.push(word);
        }
    }
}
