//! Who wants to be woken when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::peer::Slot;

/// A heap of wishes. A connection may change its mind: stale entries are
/// recognised by the caller when they come up.
#[derive(Debug, Default)]
pub(crate) struct Timers(BinaryHeap<Reverse<(Instant, Slot)>>);

impl Timers {
    pub(crate) fn wake(&mut self, slot: Slot, at: Instant) {
        self.0.push(Reverse((at, slot)));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    pub(crate) fn due(&mut self, now: Instant) -> Option<(Instant, Slot)> {
        let Reverse((at, _)) = self.0.peek()?;
        if *at > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}
