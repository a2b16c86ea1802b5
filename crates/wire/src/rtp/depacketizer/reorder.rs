//! Packets in the order in which they were sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use surecast_media::control::Kind;
use surecast_media::frame::FrameCodec;
use surecast_media::{codec, h264, h265};

use super::RtpIn;

/// Packets that wait: a second of 20 Mbit/s.
const MAX_PACKETS: usize = 2048;

/// Their bytes: such packets over UDP are three quarters of it at most; over TCP
/// they can be longer.
const MAX_BYTES: usize = 4 << 20;

/// A distance that no reordering explains (half of the sixteen bits that RTP
/// has): the sender counts anew.
const RESTART: u64 = 1 << 15;

/// What is next.
#[derive(Debug)]
pub(super) enum Event {
    /// The next packet.
    Packet(RtpIn),
    /// Packets are missing and will not come; what came of the present picture
    /// is worthless.
    Lost,
}

/// Whether a keyframe begins with a packet. Told apart once, when the packet
/// comes: a hostile sender makes us look for beginnings often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begins {
    No,
    Yes,
    /// A slice that begins one if nothing of the same picture comes before it.
    IfFirst,
}

#[derive(Debug)]
struct Waiting {
    packet: RtpIn,
    begins: Begins,
}

/// Keeps packets until those before them have come or are given up.
#[derive(Debug)]
pub(super) struct Reorder {
    codec: FrameCodec,
    patience: Duration,
    packets: BTreeMap<u64, Waiting>,
    /// Of their payloads.
    bytes: usize,
    /// The next packet of the sequence; `None` while a beginning is looked for.
    next: Option<u64>,
    /// Number and timestamp of the last packet that was passed on.
    last: Option<(u64, u32)>,
    /// Everything before has been passed on or given up.
    floor: u64,
    /// Since when `next` is missing though later packets have come.
    missing_since: Option<Instant>,
}

impl Reorder {
    pub(super) const fn new(codec: FrameCodec, patience: Duration) -> Self {
        Self {
            codec,
            patience,
            packets: BTreeMap::new(),
            bytes: 0,
            next: None,
            last: None,
            floor: 0,
            missing_since: None,
        }
    }

    pub(super) const fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// True where the sender counts anew, and all that came before is void.
    pub(super) fn push(&mut self, packet: RtpIn, now: Instant) -> bool {
        let around = self
            .next
            .or_else(|| Some(*self.packets.last_key_value()?.0));
        let restarted = around.is_some_and(|around| packet.seq.abs_diff(around) > RESTART);
        if restarted {
            self.restart();
        }
        if packet.seq >= self.floor && !self.packets.contains_key(&packet.seq) {
            self.bytes += packet.payload.len();
            let begins = begins(self.codec, &packet.payload);
            self.packets.insert(packet.seq, Waiting { packet, begins });
        }
        if self.next.is_none() {
            self.find_beginning(now);
        }
        restarted
    }

    /// The next packet, as far as there is no hole before it, or the hole is
    /// given up.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Event> {
        let next = self.next?;
        if let Some(Waiting { packet, .. }) = self.packets.remove(&next) {
            self.bytes -= packet.payload.len();
            self.missing_since = None;
            self.last = Some((next, packet.timestamp));
            self.advance_to(next.saturating_add(1));
            return Some(Event::Packet(packet));
        }
        let (&first, waiting) = self.packets.first_key_value()?;
        let arrived = waiting.packet.arrived.min(now);
        let since = *self.missing_since.get_or_insert(arrived);
        if now < since + self.patience && !self.is_full() {
            return None;
        }
        self.missing_since = None;
        self.advance_to(first);
        if self.codec.kind() == Kind::Video {
            self.await_keyframe(now);
        }
        Some(Event::Lost)
    }

    /// When a hole is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        Some(self.missing_since? + self.patience)
    }

    /// The sequence has ended; another one begins anywhere.
    pub(super) fn restart(&mut self) {
        self.packets.clear();
        self.bytes = 0;
        self.next = None;
        self.last = None;
        self.floor = 0;
        self.missing_since = None;
    }

    /// What follows is of no use before a keyframe begins. True where one does
    /// among the packets that are here.
    pub(super) fn await_keyframe(&mut self, now: Instant) -> bool {
        self.next = None;
        self.missing_since = None;
        self.find_beginning(now);
        self.next.is_some()
    }

    fn is_full(&self) -> bool {
        self.packets.len() >= MAX_PACKETS || self.bytes >= MAX_BYTES
    }

    fn advance_to(&mut self, seq: u64) {
        self.next = Some(seq);
        self.floor = seq;
    }

    fn find_beginning(&mut self, now: Instant) {
        let mut waiting = self.packets.values();
        if let Some(found) = waiting.find(|waiting| self.is_beginning(waiting)) {
            // What belongs to the same picture and came before.
            let first = self.first_of_picture(&found.packet);
            while self
                .packets
                .first_key_value()
                .is_some_and(|(&seq, _)| seq < first)
            {
                self.pop_first();
            }
            return self.advance_to(first);
        }
        // The keyframe's beginning may come after its end, but not much later.
        while let Some((_, first)) = self.packets.first_key_value()
            && (self.is_full()
                || now.saturating_duration_since(first.packet.arrived) > self.patience)
        {
            self.pop_first();
        }
    }

    fn pop_first(&mut self) {
        if let Some((seq, Waiting { packet, .. })) = self.packets.pop_first() {
            self.bytes -= packet.payload.len();
            self.floor = seq.saturating_add(1);
        }
    }

    fn is_beginning(&self, waiting: &Waiting) -> bool {
        match waiting.begins {
            Begins::No => false,
            Begins::Yes => true,
            Begins::IfFirst => self.follows_another_picture(&waiting.packet),
        }
    }

    fn follows_another_picture(&self, packet: &RtpIn) -> bool {
        let Some(before) = packet.seq.checked_sub(1) else {
            return true;
        };
        let waiting = self.packets.get(&before).map(|it| it.packet.timestamp);
        let passed = self.last.filter(|&(seq, _)| seq == before);
        waiting
            .or(passed.map(|(_, timestamp)| timestamp))
            .is_some_and(|timestamp| timestamp != packet.timestamp)
    }

    fn first_of_picture(&self, packet: &RtpIn) -> u64 {
        let mut first = packet.seq;
        while let Some(before) = first.checked_sub(1)
            && let Some(waiting) = self.packets.get(&before)
            && waiting.packet.timestamp == packet.timestamp
        {
            first = before;
        }
        first
    }
}

/// Of H.264 and H.265 each slice of a keyframe looks like a beginning. What comes
/// before the first is parameter sets, or a packet of another picture.
fn begins(codec: FrameCodec, payload: &[u8]) -> Begins {
    let Some(of_rooms) = codec.rtp() else {
        return Begins::No;
    };
    if !codec::is_keyframe(of_rooms, payload) {
        return Begins::No;
    }
    let sure = match codec {
        FrameCodec::H264 => h264::units(payload).any(|unit| unit.kind == h264::NAL_SPS),
        FrameCodec::H265 => {
            h265::unit_types(payload).any(|kind| matches!(kind, h265::NAL_VPS | h265::NAL_SPS))
        }
        _ => true,
    };
    if sure { Begins::Yes } else { Begins::IfFirst }
}
