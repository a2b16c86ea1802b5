//! What comes in: order, gaps, and the time at which each packet is due
//! (draft-sharabayko-srt-01 §4.5 to §4.8).

use std::collections::VecDeque;

use bytes::Bytes;

use super::packet::{Data, seq};

/// Packets that are kept until they are due: what libsrt keeps (SRTO_RCVBUF).
/// At 20 Mbit/s it is four seconds, in memory at most 12 MB.
pub(super) const WINDOW: usize = 8192;
/// Ranges in one loss report: what fits into a datagram of 1,456 bytes, by half.
const MAX_RANGES: usize = 90;
/// Acknowledgements whose answer is awaited: 160 ms of them at one each 10 ms.
const MAX_AWAITED: usize = 16;
/// An acknowledgement that is not answered is sent again after this, since
/// the sender's window hangs on it.
const REPEAT_ACK: i64 = 100_000;
/// Clocks of two machines differ by no more than 1 in 1,000: by 5 ms in each
/// of these windows.
const DRIFT_WINDOW: i64 = 5_000_000;
const DRIFT_STEP: i64 = 5_000;
/// Until here the quickest packet tells where the sender's clock stands.
const SETTLING: i64 = 1_000_000;
/// A timestamp that lies further ahead than this is not believed.
const MAX_AHEAD: i64 = 1_000_000;

/// Times are in microseconds since the endpoint's beginning.
#[derive(Debug)]
pub(super) struct Receiver {
    /// From `base` on: what came, and gaps.
    ring: VecDeque<Option<Held>>,
    /// The sequence number of the ring's front.
    base: u32,
    /// How many at the front of the ring are there without a gap.
    contiguous: usize,
    latency: i64,
    clock: PeerClock,
    acknowledged: u32,
    ack_number: u32,
    ack_at: i64,
    answered: bool,
    awaited: VecDeque<(u32, i64)>,
    /// Round trip and its variance.
    pub rtt: i64,
    pub rtt_var: i64,
    reported_at: i64,
    rate: Rate,
    pub counted: Received,
}

#[derive(Debug)]
struct Held {
    due: i64,
    payload: Bytes,
}

/// What a receiver counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Packets, each once.
    pub packets: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Packets that were missing when a later one came.
    pub missed: u64,
    /// Of these, those that never came in time.
    pub lost: u64,
    /// Packets that came again, or too late.
    pub useless: u64,
}

/// What to answer to a packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ack {
    pub number: u32,
    /// The first packet that is not there.
    pub next: u32,
    /// The body's words after `next`.
    pub rest: [u32; 6],
}

impl Receiver {
    /// `first`: the sequence number that comes first.
    pub(super) fn new(first: u32, latency_ms: u16, now: i64) -> Self {
        Self {
            ring: VecDeque::new(),
            base: first,
            contiguous: 0,
            latency: i64::from(latency_ms) * 1000,
            clock: PeerClock::new(now),
            acknowledged: first,
            ack_number: 0,
            ack_at: now,
            answered: true,
            awaited: VecDeque::new(),
            rtt: 100_000,
            rtt_var: 50_000,
            reported_at: now,
            rate: Rate {
                since: now,
                ..Rate::default()
            },
            counted: Received::default(),
        }
    }

    /// Whether the packet fills a place that is empty: only then its payload is
    /// worth decrypting.
    pub(super) fn wants(&self, number: u32) -> bool {
        match usize::try_from(seq::distance(self.base, number)) {
            Ok(offset) if offset < WINDOW => self.ring.get(offset).is_none_or(Option::is_none),
            Ok(_) => self.ring.is_empty(),
            Err(_) => false,
        }
    }

    pub(super) fn useless(&mut self) {
        self.counted.useless += 1;
    }

    /// Takes a packet that is wanted. Returns the gap before it, if there is a
    /// new one, as first and last number.
    pub(super) fn take(&mut self, data: &Data<'_>, payload: Bytes, now: i64) -> Option<(u32, u32)> {
        let mut offset = usize::try_from(seq::distance(self.base, data.seq)).ok()?;
        if offset >= WINDOW {
            // The sender went on after a long pause in which all was lost.
            self.counted.missed += offset as u64;
            self.counted.lost += offset as u64;
            self.base = data.seq;
            offset = 0;
        }
        let gap = (offset > self.ring.len()).then(|| {
            (
                seq::add(self.base, self.ring.len()),
                seq::add(data.seq, WRAP_MINUS_ONE),
            )
        });
        self.counted.missed += offset.saturating_sub(self.ring.len()) as u64;
        while self.ring.len() <= offset {
            self.ring.push_back(None);
        }
        self.counted.packets += 1;
        self.counted.bytes += payload.len() as u64;
        self.rate.count(payload.len());
        let due = self.clock.local(data.time, now) + self.latency;
        let due = due.min(now + self.latency + MAX_AHEAD);
        self.ring[offset] = Some(Held { due, payload });
        self.advance();
        gap
    }

    fn advance(&mut self) {
        while self.ring.get(self.contiguous).is_some_and(Option::is_some) {
            self.contiguous += 1;
        }
    }

    /// The next payload that is due. Packets that are missing before it are
    /// given up.
    pub(super) fn deliver(&mut self, now: i64) -> Option<Bytes> {
        let gap = self.ring.iter().position(Option::is_some)?;
        let due = self.ring[gap].as_ref()?.due;
        if due > now {
            return None;
        }
        self.drop_front(gap);
        let held = self.ring.pop_front()??;
        self.base = seq::add(self.base, 1);
        self.contiguous = self.contiguous.saturating_sub(1);
        self.advance();
        Some(held.payload)
    }

    fn drop_front(&mut self, count: usize) {
        if count > 0 {
            self.ring.drain(..count);
            self.base = seq::add(self.base, count);
            self.contiguous = 0;
            self.counted.lost += count as u64;
            self.advance();
        }
    }

    /// The sender says that it will not send these any more. Gaps at the front
    /// are given up at once; others when what follows them is due.
    pub(super) fn dropped(&mut self, first: u32, last: u32) {
        let missing = self.ring.iter().take_while(|held| held.is_none()).count();
        let last = seq::distance(self.base, last);
        let covers_front = seq::distance(self.base, first) <= 0;
        if let (true, Ok(last)) = (covers_front, usize::try_from(last)) {
            self.drop_front(missing.min(last + 1));
        }
    }

    /// An acknowledgement, where one is due. To be called every 10 ms.
    pub(super) fn acknowledge(&mut self, now: i64) -> Option<Ack> {
        let next = seq::add(self.base, self.contiguous);
        let repeat = !self.answered && now - self.ack_at >= REPEAT_ACK;
        if next == self.acknowledged && !repeat {
            return None;
        }
        self.acknowledged = next;
        self.ack_at = now;
        self.answered = false;
        self.ack_number = self.ack_number.wrapping_add(1);
        if self.awaited.len() == MAX_AWAITED {
            self.awaited.pop_front();
        }
        self.awaited.push_back((self.ack_number, now));
        let (packets, bytes) = self.rate.measure(now);
        let room = WINDOW - self.ring.len().min(WINDOW);
        let rest = [
            word(self.rtt),
            word(self.rtt_var),
            room as u32,
            packets,
            packets,
            bytes,
        ];
        Some(Ack {
            number: self.ack_number,
            next,
            rest,
        })
    }

    /// The sender got an acknowledgement: a round trip (§4.10).
    pub(super) fn answered(&mut self, number: u32, now: i64) {
        let Some(index) = self.awaited.iter().position(|(other, _)| *other == number) else {
            return;
        };
        let sent = self.awaited[index].1;
        self.awaited.drain(..=index);
        self.answered = true;
        let sample = (now - sent).clamp(1, 10_000_000);
        self.rtt_var = (3 * self.rtt_var + (self.rtt - sample).abs()) / 4;
        self.rtt = (7 * self.rtt + sample) / 8;
    }

    /// All gaps, where a report is due again (periodic NAK, §4.8.2).
    pub(super) fn report(&mut self, now: i64) -> Vec<(u32, u32)> {
        let every = ((self.rtt + 4 * self.rtt_var) / 2).clamp(20_000, 500_000);
        if self.contiguous == self.ring.len() || now - self.reported_at < every {
            return Vec::new();
        }
        self.reported_at = now;
        let mut gaps: Vec<(u32, u32)> = Vec::new();
        let mut before = None;
        for (index, held) in self.ring.iter().enumerate().skip(self.contiguous) {
            if held.is_some() {
                continue;
            }
            let number = seq::add(self.base, index);
            let goes_on = before == index.checked_sub(1);
            match gaps.last_mut() {
                Some(gap) if goes_on => gap.1 = number,
                _ => {
                    if gaps.len() == MAX_RANGES {
                        break;
                    }
                    gaps.push((number, number));
                }
            }
            before = Some(index);
        }
        gaps
    }
}

/// Added to a number, it is the one before.
const WRAP_MINUS_ONE: usize = 0x7fff_ffff;

fn word(micros: i64) -> u32 {
    u32::try_from(micros).unwrap_or(0)
}

/// Packets and bytes a second.
#[derive(Debug, Default)]
struct Rate {
    since: i64,
    packets: u32,
    bytes: u32,
    told: (u32, u32),
}

impl Rate {
    fn count(&mut self, bytes: usize) {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes as u32);
    }

    fn measure(&mut self, now: i64) -> (u32, u32) {
        if now - self.since >= 1_000_000 {
            let a_second = |count: u32| (i64::from(count) * 1_000_000 / (now - self.since)) as u32;
            self.told = (a_second(self.packets), a_second(self.bytes));
            *self = Self {
                since: now,
                told: self.told,
                ..Self::default()
            };
        }
        self.told
    }
}

/// Where the sender's clock stands on ours.
///
/// Packets come late by chance and never early, so the quickest of a while
/// tells it. After the first second only the two clocks' different speed can
/// move it, which is slow; when it seems quick, it is the way that has become
/// longer or shorter.
#[derive(Debug)]
struct PeerClock {
    began: i64,
    /// The last timestamp, continued over 32 bits.
    last: i64,
    /// Ours minus the sender's.
    offset: Option<i64>,
    window_began: i64,
    window_least: i64,
}

impl PeerClock {
    fn new(now: i64) -> Self {
        Self {
            began: now,
            last: 0,
            offset: None,
            window_began: now,
            window_least: i64::MAX,
        }
    }

    /// The moment on our clock at which the sender sent it.
    fn local(&mut self, time: u32, now: i64) -> i64 {
        let ahead = time.wrapping_sub(self.last as u32).cast_signed();
        let time = self.last + i64::from(ahead);
        self.last = time;
        let offset = now - time;
        let settling = now - self.began < SETTLING;
        match &mut self.offset {
            None => self.offset = Some(offset),
            Some(known) if settling => *known = (*known).min(offset),
            Some(_) => self.follow(offset, now),
        }
        time + self.offset.unwrap_or(offset)
    }

    fn follow(&mut self, offset: i64, now: i64) {
        self.window_least = self.window_least.min(offset);
        if now - self.window_began < DRIFT_WINDOW {
            return;
        }
        if let Some(known) = &mut self.offset {
            *known += (self.window_least - *known).clamp(-DRIFT_STEP, DRIFT_STEP);
        }
        self.window_began = now;
        self.window_least = i64::MAX;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(number: u32, time: u32) -> Data<'static> {
        Data {
            seq: number,
            key: 0,
            retransmitted: false,
            time,
            to: 1,
            payload: &[],
        }
    }

    fn take(receiver: &mut Receiver, number: u32, now: i64) -> Option<(u32, u32)> {
        assert!(receiver.wants(number));
        receiver.take(
            &data(number, now as u32),
            Bytes::from(number.to_string()),
            now,
        )
    }

    fn delivered(receiver: &mut Receiver, now: i64) -> Vec<String> {
        std::iter::from_fn(|| receiver.deliver(now))
            .map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn what_comes_again_in_time_is_in_order() {
        let mut receiver = Receiver::new(0x7fff_ffff, 120, 0);
        assert_eq!(take(&mut receiver, 0x7fff_ffff, 0), None);
        assert_eq!(take(&mut receiver, 2, 20_000), Some((0, 1)));
        assert_eq!(receiver.report(20_000), [], "not yet due");
        assert_eq!(receiver.report(500_000), [(0, 1)]);
        assert_eq!(take(&mut receiver, 1, 21_000), None);
        assert!(!receiver.wants(1));
        assert_eq!(receiver.acknowledge(22_000).map(|ack| ack.next), Some(0));
        assert_eq!(take(&mut receiver, 0, 22_000), None);
        assert_eq!(receiver.acknowledge(23_000).map(|ack| ack.next), Some(3));
        assert_eq!(delivered(&mut receiver, 119_999), Vec::<String>::new());
        assert_eq!(
            delivered(&mut receiver, 150_000),
            ["2147483647", "0", "1", "2"]
        );
        assert_eq!((receiver.counted.missed, receiver.counted.lost), (2, 0));
    }

    #[test]
    fn a_gap_is_given_up_when_what_follows_is_due() {
        let mut receiver = Receiver::new(0, 100, 0);
        take(&mut receiver, 0, 0);
        take(&mut receiver, 3, 10_000);
        assert_eq!(delivered(&mut receiver, 105_000), ["0"]);
        assert_eq!(delivered(&mut receiver, 110_000), ["3"]);
        assert_eq!(receiver.counted.lost, 2);
        assert!(!receiver.wants(1));
        assert_eq!(receiver.acknowledge(120_000).map(|ack| ack.next), Some(4));
    }

    #[test]
    fn a_jump_costs_no_more_than_the_window() {
        let mut receiver = Receiver::new(0, 100, 0);
        take(&mut receiver, 0, 0);
        assert!(!receiver.wants(0x3fff_ffff), "something is kept");
        delivered(&mut receiver, 1_000_000);
        assert_eq!(take(&mut receiver, 0x3fff_fff0, 1_000_000), None);
        assert_eq!(receiver.ring.len(), 1);
        receiver.dropped(0x3fff_fff1, 0x7fff_0000);
        assert_eq!(delivered(&mut receiver, 2_000_000).len(), 1);
    }

    #[test]
    fn a_quick_clock_is_followed() {
        let mut clock = PeerClock::new(0);
        // 200 parts in a million for an hour: 720 ms in all.
        let mut error = 0;
        for second in 0..3600 {
            let now = second * 1_000_000;
            let time = (now + now / 5000) as u32;
            error = now - clock.local(time, now);
        }
        assert!((-5_000..=5_000).contains(&error), "{error}");
    }
}
