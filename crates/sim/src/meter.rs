//! What a receiver measures of one incoming stream.

use std::time::{Duration, Instant};

use serde::Serialize;
use surecast_media::control::Kind;
use surecast_media::seq::{Extend32, distance_u32};

use crate::flow::Flow;
use crate::histogram::Histogram;
use crate::stamp::Stamp;

/// A frame that comes so much later than usual is a freeze: the rule of
/// WebRTC's `freezeCount` statistic, which adds 150 ms to the usual time
/// between frames, or takes three times that, whichever is longer.
const FREEZE_MARGIN: Duration = Duration::from_millis(150);

/// One received packet.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// When it was read from the socket.
    pub at: Instant,
    /// Extended sequence number.
    pub seq: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// RTP payload.
    pub payload: &'a [u8],
    /// It came as a retransmission (RFC 4588).
    pub recovered: bool,
}

/// Sums over one or many streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Packets that the server sent, by its sequence numbers: highest less
    /// first, plus one.
    pub packets_expected: u64,
    /// Of these, received, at first or by retransmission.
    pub packets_received: u64,
    /// Of the received, those that came by retransmission.
    pub packets_recovered: u64,
    /// Expected and never received.
    pub packets_lost: u64,
    /// Packets that the publishers sent, by the numbers inside the payloads:
    /// this also counts what was lost before the server.
    pub source_expected: u64,
    /// Of these, received.
    pub source_received: u64,
    /// RTP payload bytes received.
    pub payload_bytes: u64,
    /// Video frames that began to arrive.
    pub frames: u64,
    /// Times that video stood still.
    pub freezes: u64,
    /// How long it stood still, in milliseconds.
    pub freeze_ms: u64,
    /// Interarrival jitter of RFC 3550 §6.4.1, in milliseconds: the mean over
    /// streams when summed up.
    pub jitter_ms: f64,
    /// Streams that gave these numbers.
    pub streams: u64,
}

/// One incoming stream, that is one SSRC.
#[derive(Debug)]
pub struct Meter {
    kind: Kind,
    clock_rate: f64,
    epoch: Instant,
    seqs: Option<(u64, u64)>,
    totals: Totals,
    /// Seconds, and the transit time of the packet before.
    jitter: f64,
    transit: Option<f64>,
    timestamps: Extend32,
    frames: Frames,
    source: Option<Segment>,
    flow: Flow,
}

/// Packets of one source in a row. A switch of the simulcast encoding begins
/// another one.
#[derive(Clone, Copy, Debug)]
struct Segment {
    source: u32,
    first: u32,
    highest: u32,
    received: u64,
}

/// When video frames began to arrive.
#[derive(Clone, Copy, Debug, Default)]
struct Frames {
    timestamp: Option<u32>,
    at: Option<Instant>,
    /// Smoothed seconds between frames.
    usual: f64,
}

impl Meter {
    /// Stamps are read as counting from `epoch`; `clock_rate` in Hz.
    #[must_use]
    pub fn new(kind: Kind, clock_rate: u32, epoch: Instant) -> Self {
        Self {
            kind,
            clock_rate: f64::from(clock_rate.max(1)),
            epoch,
            seqs: None,
            totals: Totals {
                streams: 1,
                ..Totals::default()
            },
            jitter: 0.0,
            transit: None,
            timestamps: Extend32::new(),
            frames: Frames::default(),
            source: None,
            flow: Flow::new(kind),
        }
    }

    /// Audio or video.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Counts a packet. What took the packet from one client to the other goes
    /// into `latency`.
    pub fn record(&mut self, arrival: &Arrival<'_>, latency: &mut Histogram) {
        let (first, highest) = self.seqs.unwrap_or((arrival.seq, arrival.seq));
        let newest = self.seqs.is_none() || arrival.seq > highest;
        self.seqs = Some((first.min(arrival.seq), highest.max(arrival.seq)));
        self.totals.packets_received += 1;
        self.totals.packets_recovered += u64::from(arrival.recovered);
        self.totals.payload_bytes += arrival.payload.len() as u64;
        // A retransmission says nothing about the path's evenness.
        if !arrival.recovered {
            self.update_jitter(arrival);
        }
        if self.kind == Kind::Video && newest {
            self.update_frames(arrival);
        }
        if let Some(stamp) = Stamp::read(arrival.payload) {
            self.update_source(stamp, newest);
            let now = arrival.at.saturating_duration_since(self.epoch);
            let delay = now.saturating_sub(stamp.sent);
            latency.record(delay);
            self.flow.record(arrival.at, stamp, delay);
        }
    }

    /// How evenly it arrived.
    #[must_use]
    pub const fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The sums so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = self.totals;
        if let Some((first, highest)) = self.seqs {
            totals.packets_expected = highest - first + 1;
        }
        totals.packets_lost = totals
            .packets_expected
            .saturating_sub(totals.packets_received);
        totals.jitter_ms = self.jitter * 1000.0;
        if let Some(segment) = self.source {
            totals.close(segment);
        }
        totals
    }

    fn update_jitter(&mut self, arrival: &Arrival<'_>) {
        let arrived = arrival
            .at
            .saturating_duration_since(self.epoch)
            .as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are 3000 years")]
        let ticks = self.timestamps.extend(arrival.timestamp) as f64;
        let transit = arrived - ticks / self.clock_rate;
        if let Some(before) = self.transit.replace(transit) {
            self.jitter += ((transit - before).abs() - self.jitter) / 16.0;
        }
    }

    fn update_frames(&mut self, arrival: &Arrival<'_>) {
        if self.frames.timestamp == Some(arrival.timestamp) {
            return;
        }
        self.totals.frames += 1;
        self.frames.timestamp = Some(arrival.timestamp);
        let Some(before) = self.frames.at.replace(arrival.at) else {
            return;
        };
        let gap = arrival.at.saturating_duration_since(before);
        let usual = self.frames.usual;
        let seconds = gap.as_secs_f64();
        let limit = (usual * 3.0).max(usual + FREEZE_MARGIN.as_secs_f64());
        if usual > 0.0 && seconds > limit {
            self.totals.freezes += 1;
            self.totals.freeze_ms += u64::try_from(gap.as_millis()).unwrap_or(u64::MAX);
            return;
        }
        let weight = if usual > 0.0 { 1.0 / 16.0 } else { 1.0 };
        self.frames.usual += (seconds - usual) * weight;
    }

    fn update_source(&mut self, stamp: Stamp, newest: bool) {
        match &mut self.source {
            Some(segment) if segment.source == stamp.source => segment.count(stamp.number),
            // A straggler of the encoding before the switch.
            Some(_) if !newest => {}
            _ => {
                if let Some(done) = self.source.replace(Segment::new(stamp)) {
                    self.totals.close(done);
                }
            }
        }
    }
}

impl Segment {
    const fn new(stamp: Stamp) -> Self {
        Self {
            source: stamp.source,
            first: stamp.number,
            highest: stamp.number,
            received: 1,
        }
    }

    const fn count(&mut self, number: u32) {
        self.received += 1;
        if distance_u32(number, self.highest) > 0 {
            self.highest = number;
        } else if distance_u32(number, self.first) < 0 {
            self.first = number;
        }
    }
}

impl Totals {
    /// Adds another stream's or client's sums.
    pub fn add(&mut self, other: &Self) {
        #[expect(clippy::cast_precision_loss, reason = "a number of streams")]
        let (mine, theirs) = (self.streams as f64, other.streams as f64);
        if mine + theirs > 0.0 {
            self.jitter_ms = (self.jitter_ms * mine + other.jitter_ms * theirs) / (mine + theirs);
        }
        self.packets_expected += other.packets_expected;
        self.packets_received += other.packets_received;
        self.packets_recovered += other.packets_recovered;
        self.packets_lost += other.packets_lost;
        self.source_expected += other.source_expected;
        self.source_received += other.source_received;
        self.payload_bytes += other.payload_bytes;
        self.frames += other.frames;
        self.freezes += other.freezes;
        self.freeze_ms += other.freeze_ms;
        self.streams += other.streams;
    }

    fn close(&mut self, segment: Segment) {
        let expected = u64::from(segment.highest.wrapping_sub(segment.first)) + 1;
        self.source_expected += expected;
        self.source_received += segment.received.min(expected);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    struct Feed {
        meter: Meter,
        latency: Histogram,
        epoch: Instant,
    }

    impl Feed {
        fn new(kind: Kind) -> Self {
            let epoch = start();
            Self {
                meter: Meter::new(kind, 90_000, epoch),
                latency: Histogram::default(),
                epoch,
            }
        }

        /// One packet per frame, 33 ms apart, `late` ms on its way.
        fn packet(&mut self, number: u32, source: u32, late: u64, recovered: bool) {
            let sent = Duration::from_millis(u64::from(number) * 33);
            let mut payload = [0; 40];
            Stamp {
                source,
                number,
                sent,
            }
            .write(&mut payload);
            let arrival = Arrival {
                at: self.epoch + sent + Duration::from_millis(late),
                seq: u64::from(number) + 70_000,
                timestamp: number * 2970,
                payload: &payload,
                recovered,
            };
            self.meter.record(&arrival, &mut self.latency);
        }
    }

    #[test]
    fn loss_and_recovery_are_told_apart() {
        let mut feed = Feed::new(Kind::Video);
        for number in (0..100).filter(|n| n % 10 != 5) {
            feed.packet(number, 1, 20, false);
        }
        for number in [5, 15, 25] {
            feed.packet(number, 1, 90, true);
        }
        let totals = feed.meter.totals();
        assert_eq!(totals.packets_expected, 100);
        assert_eq!(totals.packets_received, 93);
        assert_eq!(totals.packets_recovered, 3);
        assert_eq!(totals.packets_lost, 7);
        assert_eq!((totals.source_expected, totals.source_received), (100, 93));
        let median = feed.latency.quantile(0.5).unwrap();
        assert!(median.as_millis().abs_diff(20) <= 1, "{median:?}");
    }

    #[test]
    fn even_arrival_has_no_jitter() {
        let mut feed = Feed::new(Kind::Audio);
        for number in 0..100 {
            feed.packet(number, 1, 20, false);
        }
        assert!(feed.meter.totals().jitter_ms < 0.01);
        for number in 100..300 {
            feed.packet(number, 1, 20 + u64::from(number % 2) * 8, false);
        }
        let jitter = feed.meter.totals().jitter_ms;
        assert!((7.0..9.0).contains(&jitter), "{jitter}");
    }

    #[test]
    fn a_layer_switch_is_no_loss() {
        let mut feed = Feed::new(Kind::Video);
        for number in 0..50 {
            feed.packet(number, 1, 20, false);
        }
        for number in 900..950 {
            feed.packet(number, 2, 20, false);
        }
        let totals = feed.meter.totals();
        assert_eq!((totals.source_expected, totals.source_received), (100, 100));
    }

    #[test]
    fn standing_still_is_a_freeze() {
        let mut feed = Feed::new(Kind::Video);
        for number in (0..50).chain(80..100) {
            feed.packet(number, 1, 20, false);
        }
        let totals = feed.meter.totals();
        assert_eq!(totals.freezes, 1);
        assert_eq!(totals.freeze_ms, 31 * 33);
    }
}
