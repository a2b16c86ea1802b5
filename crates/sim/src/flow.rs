//! How evenly stamped media arrived: gaps, standing still, delay.
//!
//! Only packets with a [`Stamp`](crate::stamp::Stamp) count, so that what a
//! server makes up itself is not taken for media. A gap is what the receiver
//! waited longer than the sender did: a sender that was held up is not the
//! network's fault.

use std::time::{Duration, Instant};

use surecast_media::control::Kind;
use surecast_media::seq::distance_u32;

use crate::stamp::Stamp;

/// Audio that stands still for so long is noticed: the level of contracts.
pub const AUDIO_FREEZE: Duration = Duration::from_millis(200);

/// The same of video.
pub const VIDEO_FREEZE: Duration = Duration::from_millis(600);

/// Longest delay at which people still talk with one another.
pub const DELAY: Duration = Duration::from_millis(400);

/// Twice what lies between two packets of audio, and a little more than between
/// two frames of video.
const USUAL: Duration = Duration::from_millis(40);

/// What was seen of one stream.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    freeze: Duration,
    /// First and last stamped packet.
    span: Option<(Instant, Instant)>,
    /// Number and time of sending of the newest packet that came.
    newest: (u32, Duration),
    longest: Duration,
    frozen: Duration,
    freezes: u64,
    packets: u64,
    in_time: u64,
}

impl Flow {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            freeze: match kind {
                Kind::Audio => AUDIO_FREEZE,
                Kind::Video => VIDEO_FREEZE,
            },
            span: None,
            newest: (0, Duration::ZERO),
            longest: Duration::ZERO,
            frozen: Duration::ZERO,
            freezes: 0,
            packets: 0,
            in_time: 0,
        }
    }

    /// `delay` is what the packet took.
    pub(crate) fn record(&mut self, at: Instant, stamp: Stamp, delay: Duration) {
        self.packets += 1;
        self.in_time += u64::from(delay <= DELAY);
        let Some((first, last)) = self.span else {
            self.span = Some((at, at));
            self.newest = (stamp.number, stamp.sent);
            return;
        };
        let gap = at.saturating_duration_since(last);
        let held = self.held_by_sender(stamp);
        self.wait(gap.saturating_sub(held), gap);
        self.span = Some((first, last.max(at)));
        if distance_u32(stamp.number, self.newest.0) > 0 {
            self.newest = (stamp.number, stamp.sent);
        }
    }

    /// How much longer than usual the sender itself paused before this packet. A
    /// pause in which packets are missing is none: they were lost on the way.
    fn held_by_sender(&self, stamp: Stamp) -> Duration {
        let (number, sent) = self.newest;
        if stamp.number != number.wrapping_add(1) {
            return Duration::ZERO;
        }
        stamp.sent.saturating_sub(sent).saturating_sub(USUAL)
    }

    /// Counts the time after the last packet, up to `end`.
    #[must_use]
    pub fn until(mut self, end: Instant) -> Self {
        if let Some((_, last)) = self.span {
            let gap = end.saturating_duration_since(last);
            self.wait(gap, gap);
        }
        self
    }

    fn wait(&mut self, gap: Duration, whole: Duration) {
        self.longest = self.longest.max(gap);
        if gap >= self.freeze {
            self.freezes += 1;
            self.frozen += whole;
        }
    }

    /// The first stamped packet came.
    #[must_use]
    pub fn first(&self) -> Option<Instant> {
        self.span.map(|(first, _)| first)
    }

    /// Longest time without a packet.
    #[must_use]
    pub const fn longest(&self) -> Duration {
        self.longest
    }

    /// Time in gaps that were noticed, and how many there were.
    #[must_use]
    pub const fn frozen(&self) -> (Duration, u64) {
        (self.frozen, self.freezes)
    }

    /// Stamped packets, and those of them that came within [`DELAY`].
    #[must_use]
    pub const fn packets(&self) -> (u64, u64) {
        (self.packets, self.in_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: u32 = 20;

    /// Audio of which these packets came: number, sent at, on its way for (ms).
    fn flow(packets: &[(u32, u64, u64)]) -> (Flow, Instant) {
        #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
        let epoch = Instant::now();
        let mut flow = Flow::new(Kind::Audio);
        for &(number, sent, late) in packets {
            let (sent, late) = (Duration::from_millis(sent), Duration::from_millis(late));
            let stamp = Stamp {
                source: 1,
                number,
                sent,
            };
            flow.record(epoch + sent + late, stamp, late);
        }
        (flow, epoch)
    }

    fn even(numbers: std::ops::Range<u32>) -> Vec<(u32, u64, u64)> {
        numbers.map(|n| (n, u64::from(n * PACKET), 10)).collect()
    }

    #[test]
    fn even_media_has_no_gap() {
        let (flow, epoch) = flow(&even(0..50));
        assert_eq!(flow.longest(), Duration::from_millis(20));
        assert_eq!(flow.frozen(), (Duration::ZERO, 0));
        assert_eq!(flow.packets(), (50, 50));
        let later = flow.until(epoch + Duration::from_millis(49 * 20 + 10 + 300));
        assert_eq!(later.frozen(), (Duration::from_millis(300), 1));
    }

    #[test]
    fn lost_packets_are_a_gap_and_a_held_sender_is_none() {
        let lost: Vec<_> = even(0..20).into_iter().chain(even(40..50)).collect();
        let (lost, _) = flow(&lost);
        assert_eq!(lost.frozen(), (Duration::from_millis(420), 1));
        // The sender stood still for 500 ms, and nothing was lost.
        let held = even(20..40)
            .into_iter()
            .map(|(n, sent, late)| (n, sent + 500, late));
        let held: Vec<_> = even(0..20).into_iter().chain(held).collect();
        let (held, _) = flow(&held);
        assert_eq!(held.frozen(), (Duration::ZERO, 0));
    }

    #[test]
    fn what_is_late_is_counted() {
        let late = [(0, 0, 400), (1, 20, 401), (2, 40, 900)];
        assert_eq!(flow(&late).0.packets(), (3, 1));
    }
}
