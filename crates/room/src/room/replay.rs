//! The last two seconds of reliable data, for receivers that come back; and the
//! memory that drops duplicates.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use crate::limits;

/// Clients number user packets by UUIDs.
type Nonce = [u8; 16];

#[derive(Default)]
pub(super) struct Replay {
    sent: VecDeque<Sent>,
    bytes: usize,
    seen: HashSet<Nonce>,
    seen_order: VecDeque<Nonce>,
}

/// A reliable message that was forwarded.
pub(super) struct Sent {
    pub(super) at: Instant,
    pub(super) sender_sid: String,
    pub(super) sequence: u32,
    /// Identities; empty: everybody.
    pub(super) destinations: Vec<String>,
    pub(super) payload: Arc<[u8]>,
}

impl Replay {
    pub(super) fn add(&mut self, sent: Sent) {
        let now = sent.at;
        self.bytes += sent.payload.len();
        self.sent.push_back(sent);
        while let Some(oldest) = self.sent.front()
            && (oldest.at + limits::REPLAY_TIME < now
                || self.sent.len() > limits::REPLAY_MESSAGES
                || self.bytes > limits::REPLAY_BYTES)
        {
            if let Some(dropped) = self.sent.pop_front() {
                self.bytes -= dropped.payload.len();
            }
        }
    }

    /// What `sender_sid` sent to `identity` after that sequence number.
    pub(super) fn after(
        &self,
        sender_sid: &str,
        sequence: u32,
        identity: &str,
        now: Instant,
    ) -> Vec<Arc<[u8]>> {
        self.sent
            .iter()
            .filter(|sent| sent.sender_sid == sender_sid && sent.sequence > sequence)
            .filter(|sent| sent.at + limits::REPLAY_TIME >= now)
            .filter(|sent| {
                sent.destinations.is_empty() || sent.destinations.iter().any(|d| d == identity)
            })
            .map(|sent| Arc::clone(&sent.payload))
            .collect()
    }

    /// Was there such a packet already? Remembers it.
    pub(super) fn is_duplicate(&mut self, nonce: &[u8]) -> bool {
        let Ok(nonce) = Nonce::try_from(nonce) else {
            return false;
        };
        if !self.seen.insert(nonce) {
            return true;
        }
        self.seen_order.push_back(nonce);
        if self.seen_order.len() > limits::NONCES
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn replays_what_is_recent_and_addressed() {
        #[allow(clippy::disallowed_methods)]
        let t0 = Instant::now();
        let mut replay = Replay::default();
        let mut add = |ms, sequence, to: &[&str]| {
            replay.add(Sent {
                at: t0 + Duration::from_millis(ms),
                sender_sid: "PA_a".to_owned(),
                sequence,
                destinations: to.iter().map(|s| (*s).to_owned()).collect(),
                payload: Arc::from(sequence.to_be_bytes().as_slice()),
            });
        };
        add(0, 1, &[]);
        add(1000, 2, &[]);
        add(1900, 3, &["bob"]);
        add(2500, 4, &["eve"]);
        let at = t0 + Duration::from_millis(2600);
        let numbers = |identity: &str, after| -> Vec<u8> {
            replay
                .after("PA_a", after, identity, at)
                .iter()
                .map(|payload| payload[3])
                .collect()
        };
        assert_eq!(numbers("bob", 0), [2, 3]);
        assert_eq!(numbers("bob", 2), [3]);
        assert_eq!(numbers("eve", 0), [2, 4]);
        assert!(replay.after("PA_b", 0, "bob", at).is_empty());
    }

    #[test]
    fn both_memories_are_bounded() {
        #[allow(clippy::disallowed_methods)]
        let at = Instant::now();
        let mut replay = Replay::default();
        for n in 0..10_000u128 {
            assert!(!replay.is_duplicate(&n.to_be_bytes()));
            assert!(replay.is_duplicate(&n.to_be_bytes()));
            assert!(!replay.is_duplicate(b"no uuid"));
            replay.add(Sent {
                at,
                sender_sid: String::new(),
                sequence: 1,
                destinations: Vec::new(),
                payload: Arc::from(vec![0; 8192]),
            });
        }
        assert!(replay.seen.len() <= limits::NONCES && replay.seen_order.len() <= limits::NONCES);
        assert!(
            replay.bytes <= limits::REPLAY_BYTES && replay.sent.len() <= limits::REPLAY_MESSAGES
        );
    }
}
