//! What became of a letter so far. It stands in the store's column for the
//! error, so that a receiver that has a letter does not get it again after a
//! restart only because another one is down: an alert that is over would page
//! somebody once more.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::receiver::Receiver;

/// Longest error that is kept, in characters: a line of a log.
const MAX_ERROR: usize = 300;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    /// Receivers that have it, or will never take it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    done: BTreeSet<String>,
    /// What went wrong last.
    error: String,
}

impl Progress {
    /// From the column; what cannot be read is no progress.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub fn is_done(&self, receiver: &Receiver) -> bool {
        self.done.contains(&receiver.to_string())
    }

    pub fn done(&mut self, receiver: &Receiver) {
        self.done.insert(receiver.to_string());
    }

    pub fn failed(&mut self, receiver: &Receiver, why: &str) {
        let text = format!("{receiver}: {why}");
        self.error = text.chars().take(MAX_ERROR).collect();
    }

    /// For the column.
    pub fn to_text(&self) -> String {
        // Strings only: this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_the_store_and_takes_any_text_there() {
        let hook = Receiver::Webhook("http://a/".into());
        let mut progress = Progress::default();
        progress.done(&hook);
        progress.failed(&Receiver::PagerDuty, &"x".repeat(1000));
        let again = Progress::parse(&progress.to_text());
        assert_eq!(again, progress);
        assert!(again.is_done(&hook) && !again.is_done(&Receiver::PagerDuty));
        assert_eq!(again.error.chars().count(), MAX_ERROR);
        assert_eq!(Progress::parse("connection refused"), Progress::default());
        assert_eq!(Progress::parse(""), Progress::default());
    }
}
