//! What goes out: kept until acknowledged, sent again when reported lost
//! (draft-sharabayko-srt-01 §4.5 to §4.8).

use std::collections::VecDeque;

use bytes::Bytes;

use super::packet::{Data, seq, write_data};

/// Packets kept for sending again: as many as a receiver has room for, at most
/// 12 MB.
const MAX_KEPT: usize = 8192;
/// A packet that was not acknowledged after this, or after the receiver's
/// latency where that is longer, is of no use to it any more (libsrt's
/// SRT_TLPKTDROP_MINTHRESHOLD).
const MIN_KEEP: i64 = 1_000_000;
/// Packets a millisecond, 340 Mbit/s: a keyframe does not overflow a receiver's
/// socket, which holds some 150 packets by default, before it is read.
const PACE: i64 = 32;
const MAX_BURST: i64 = 64;
/// Packets sent again may be as many as those sent first, and this many more:
/// a peer that reports everything lost doubles what it gets and no more.
const RESEND_BURST: i64 = 256;
/// After 2^31 packets the counters of the cipher would repeat.
const MAX_PACKETS: u64 = 1 << 31;

/// Times are in microseconds since the endpoint's beginning.
#[derive(Debug)]
pub(super) struct Sender {
    kept: VecDeque<Kept>,
    /// The sequence number of the first one kept.
    first: u32,
    /// How many of them were sent.
    sent: usize,
    /// Reported lost, in the order of the reports.
    again: VecDeque<u32>,
    message: u32,
    /// Packets that the receiver has room for.
    window: usize,
    rtt: i64,
    rtt_var: i64,
    keep: i64,
    pace: i64,
    paced_at: i64,
    resend_budget: i64,
    pub counted: Sent,
}

#[derive(Debug)]
struct Kept {
    payload: Bytes,
    key: u8,
    message: u32,
    time: u32,
    made: i64,
    sent: i64,
    again: bool,
}

/// What a sender counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Packets, each once.
    pub packets: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Packets sent again.
    pub retransmitted: u64,
    /// Packets given up before the receiver had them.
    pub dropped: u64,
}

impl Sender {
    /// `first`: the sequence number that goes out first. `latency_ms`: of the
    /// receiver.
    pub(super) fn new(first: u32, latency_ms: u16, window: u32, now: i64) -> Self {
        Self {
            kept: VecDeque::new(),
            first,
            sent: 0,
            again: VecDeque::new(),
            message: 1,
            window: usize::try_from(window)
                .unwrap_or(MAX_KEPT)
                .clamp(32, MAX_KEPT),
            rtt: 100_000,
            rtt_var: 50_000,
            keep: (i64::from(latency_ms) * 1000 + 20_000).max(MIN_KEEP),
            pace: MAX_BURST,
            paced_at: now,
            resend_budget: RESEND_BURST,
            counted: Sent::default(),
        }
    }

    /// The number that the next packet gets; `None` when all are used up.
    pub(super) fn next_number(&self) -> Option<u32> {
        (self.counted.packets < MAX_PACKETS).then(|| seq::add(self.first, self.kept.len()))
    }

    /// Takes a payload for the next number, encrypted by `key`. `time`: of our
    /// clock on this connection.
    pub(super) fn push(&mut self, payload: Bytes, key: u8, time: u32, now: i64) {
        if self.kept.len() == MAX_KEPT {
            self.drop_front(1);
        }
        self.counted.packets += 1;
        self.counted.bytes += payload.len() as u64;
        self.resend_budget = (self.resend_budget + 1).min(RESEND_BURST);
        let message = self.message;
        self.message = if message == 0x03ff_ffff {
            1
        } else {
            message + 1
        };
        self.kept.push_back(Kept {
            payload,
            key,
            message,
            time,
            made: now,
            sent: 0,
            again: false,
        });
    }

    /// Whether packets wait for their turn: then to be asked again in 1 ms.
    pub(super) fn is_waiting(&self) -> bool {
        (self.sent < self.kept.len() && self.sent < self.window) || !self.again.is_empty()
    }

    /// The next datagram that may go out now.
    pub(super) fn poll(&mut self, to: u32, now: i64) -> Option<Bytes> {
        self.refill(now);
        if self.pace == 0 {
            return None;
        }
        let (index, retransmitted) = match self.next_again() {
            Some(index) => (index, true),
            None if self.sent < self.kept.len() && self.sent < self.window => {
                self.sent += 1;
                (self.sent - 1, false)
            }
            None => return None,
        };
        self.pace -= 1;
        let number = seq::add(self.first, index);
        let kept = self.kept.get_mut(index)?;
        kept.sent = now;
        let (key, time, payload) = (kept.key, kept.time, kept.payload.as_ref());
        let data = Data {
            seq: number,
            key,
            retransmitted,
            time,
            to,
            payload,
        };
        Some(write_data(&data, kept.message))
    }

    fn next_again(&mut self) -> Option<usize> {
        while self.resend_budget > 0 {
            let number = self.again.pop_front()?;
            let index = usize::try_from(seq::distance(self.first, number)).unwrap_or(usize::MAX);
            if let Some(kept) = self.kept.get_mut(index) {
                kept.again = false;
                self.resend_budget -= 1;
                self.counted.retransmitted += 1;
                return Some(index);
            }
        }
        // Nothing may be sent again now; what is missing is reported again.
        for kept in &mut self.kept {
            kept.again = false;
        }
        self.again.clear();
        None
    }

    fn refill(&mut self, now: i64) {
        let millis = (now - self.paced_at) / 1000;
        if millis > 0 {
            self.pace = (self.pace + millis.min(MAX_BURST) * PACE).min(MAX_BURST);
            self.paced_at += millis * 1000;
        }
    }

    /// The receiver has all before `next`. `room`, where it says so: packets
    /// that it has room for.
    pub(super) fn acknowledged(&mut self, next: u32, room: Option<u32>) {
        if let Ok(count) = usize::try_from(seq::distance(self.first, next))
            && count <= self.sent
        {
            self.kept.drain(..count);
            self.first = next;
            self.sent -= count;
        }
        if let Some(room) = room {
            self.window = usize::try_from(room).unwrap_or(MAX_KEPT).clamp(2, MAX_KEPT);
        }
    }

    /// What the receiver measured, in microseconds.
    pub(super) fn measured(&mut self, rtt: u32, rtt_var: u32) {
        self.rtt = i64::from(rtt).min(10_000_000);
        self.rtt_var = i64::from(rtt_var).min(10_000_000);
    }

    /// Packets are reported lost. Returns those that are not kept any more, as
    /// first and last number: the receiver need not wait for them.
    pub(super) fn reported(
        &mut self,
        gaps: impl Iterator<Item = (u32, u32)>,
        now: i64,
    ) -> Option<(u32, u32)> {
        // A packet sent again a round trip ago may still be on its way.
        let on_the_way = (self.rtt + self.rtt_var).clamp(5_000, 1_000_000);
        let mut gone = None;
        // One report looks at each packet once, however often it names it.
        let mut looks = MAX_KEPT;
        for (first, last) in gaps {
            let (from, to) = (
                seq::distance(self.first, first),
                seq::distance(self.first, last),
            );
            if from > to {
                continue;
            }
            if from < 0 {
                gone = gone.or(Some((first, seq::add(self.first, 0x7fff_ffff))));
            }
            let from = usize::try_from(from).unwrap_or(0);
            let to = usize::try_from(to).map_or(0, |to| to + 1).min(self.sent);
            for index in from..to.min(from.saturating_add(looks)) {
                looks -= 1;
                let kept = &mut self.kept[index];
                let recently =
                    kept.again || (now - kept.sent < on_the_way && kept.sent > kept.made);
                if !recently {
                    kept.again = true;
                    self.again.push_back(seq::add(self.first, index));
                }
            }
        }
        gone
    }

    /// Gives up what is too old.
    pub(super) fn expire(&mut self, now: i64) {
        let old = self
            .kept
            .iter()
            .take_while(|kept| now - kept.made > self.keep)
            .count();
        self.drop_front(old);
    }

    fn drop_front(&mut self, count: usize) {
        if count > 0 {
            self.kept.drain(..count);
            self.first = seq::add(self.first, count);
            self.sent = self.sent.saturating_sub(count);
            self.counted.dropped += count as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srt::packet::Packet;

    fn numbers(sender: &mut Sender, now: i64) -> Vec<(u32, bool)> {
        std::iter::from_fn(|| sender.poll(9, now))
            .map(|datagram| match Packet::parse(&datagram) {
                Some(Packet::Data(data)) => (data.seq, data.retransmitted),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    fn sender(packets: usize) -> Sender {
        let mut sender = Sender::new(0x7fff_ffff, 120, 8192, 0);
        for _ in 0..packets {
            sender.push(Bytes::from_static(b"x"), 0, 0, 0);
        }
        sender
    }

    #[test]
    fn goes_again_when_reported() {
        let mut sender = sender(3);
        assert_eq!(
            numbers(&mut sender, 0),
            [(0x7fff_ffff, false), (0, false), (1, false)]
        );
        sender.measured(10_000, 1_000);
        assert_eq!(sender.reported([(0, 1)].into_iter(), 1_000), None);
        assert_eq!(numbers(&mut sender, 1_000), [(0, true), (1, true)]);
        assert_eq!(sender.reported([(0, 1)].into_iter(), 2_000), None);
        assert_eq!(numbers(&mut sender, 2_000), [], "on the way");
        sender.acknowledged(1, Some(100));
        assert_eq!(sender.reported([(0, 1)].into_iter(), 50_000), Some((0, 0)));
        assert_eq!(numbers(&mut sender, 50_000), [(1, true)]);
        sender.acknowledged(2, None);
        assert!(sender.kept.is_empty());
        sender.acknowledged(900, None);
        assert_eq!(sender.next_number(), Some(2));
    }

    #[test]
    fn a_burst_is_spread() {
        let mut sender = sender(200);
        assert_eq!(numbers(&mut sender, 0).len(), 64);
        assert!(sender.is_waiting());
        assert_eq!(numbers(&mut sender, 1_000).len(), 32);
        assert_eq!(numbers(&mut sender, 10_000).len(), 64);
    }

    #[test]
    fn what_nobody_acknowledges_is_given_up() {
        let mut sender = sender(10);
        numbers(&mut sender, 0);
        sender.expire(1_000_000);
        assert_eq!(sender.kept.len(), 10);
        sender.expire(1_000_001);
        assert_eq!(sender.counted.dropped, 10);
        assert_eq!(
            sender.reported([(0, 3)].into_iter(), 2_000_000),
            Some((0, 8))
        );
    }

    #[test]
    fn a_liar_gets_no_flood() {
        let mut sender = sender(60);
        numbers(&mut sender, 0);
        let mut again = 0;
        for step in 1..200 {
            let now = step * 10_000;
            let all = std::iter::repeat_n((0x7fff_ffff, 0x3fff_0000), 300);
            sender.reported(all, now);
            again += numbers(&mut sender, now).len();
        }
        assert!(again <= 60 + RESEND_BURST as usize, "{again}");
    }
}
