//! Reliable messages for somebody whose data channel is not open yet. A caller
//! that sends as soon as it sees the other one join would otherwise talk to the
//! wall.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use crate::limits;

#[derive(Default)]
pub(crate) struct Inbox {
    ready: bool,
    waiting: VecDeque<(Instant, Arc<[u8]>)>,
    bytes: usize,
}

impl Inbox {
    pub(crate) fn is_ready(&self) -> bool {
        self.ready
    }

    /// Keeps a message; the oldest make room for it.
    pub(crate) fn hold(&mut self, payload: &Arc<[u8]>, now: Instant) {
        self.bytes += payload.len();
        self.waiting.push_back((now, Arc::clone(payload)));
        let too_old = |at: Instant| at + limits::UNREADY_TIME < now;
        while let Some((at, _)) = self.waiting.front()
            && (too_old(*at)
                || self.waiting.len() > limits::UNREADY_MESSAGES
                || self.bytes > limits::UNREADY_BYTES)
        {
            if let Some((_, dropped)) = self.waiting.pop_front() {
                self.bytes -= dropped.len();
            }
        }
    }

    /// The channel is open: what is still worth sending.
    pub(crate) fn open(&mut self, now: Instant) -> Vec<Arc<[u8]>> {
        self.ready = true;
        self.bytes = 0;
        let fresh = |at: &Instant| *at + limits::UNREADY_TIME >= now;
        let waiting = std::mem::take(&mut self.waiting);
        waiting
            .into_iter()
            .filter(|(at, _)| fresh(at))
            .map(|(_, payload)| payload)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_forgets_what_is_old_or_too_much() {
        #[allow(clippy::disallowed_methods)]
        let t0 = Instant::now();
        let message = |byte: u8, size: usize| Arc::from(vec![byte; size]);
        let mut inbox = Inbox::default();
        inbox.hold(&message(0, 10), t0);
        inbox.hold(&message(1, 10), t0 + Duration::from_millis(1500));
        assert_eq!(
            inbox.open(t0 + Duration::from_millis(2500)),
            [message(1, 10)]
        );

        let mut inbox = Inbox::default();
        for byte in 0..200 {
            inbox.hold(&message(byte, limits::UNREADY_BYTES / 4), t0);
        }
        assert_eq!(inbox.open(t0).len(), 4);
        assert!(inbox.is_ready());
    }
}
