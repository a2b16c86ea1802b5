//! A one-way path between two endpoints, in virtual time.

use std::time::{Duration, Instant};

/// How a path behaves. The default is ideal: immediate and without loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Profile {
    /// Propagation time.
    pub delay: Duration,
    /// Each datagram takes up to this much longer, evenly distributed. It
    /// never overtakes another through this alone.
    pub jitter: Duration,
    /// Share of datagrams that vanish, 0 to 1.
    pub loss: f64,
    /// Share of datagrams that are held back by another `delay` + `jitter`, so
    /// that later ones overtake them, 0 to 1.
    pub reorder: f64,
    /// Bits per second; 0 = without limit.
    pub rate: u64,
    /// Bytes that wait for the rate; what comes on top vanishes. Has no
    /// meaning without a rate.
    pub queue: u64,
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives then.
    Arrives(Instant),
    /// Lost at random.
    Lost,
    /// The queue was full.
    Dropped,
}

/// A path and what is on its way on it.
#[derive(Clone, Debug, Default)]
pub struct Link {
    profile: Profile,
    /// When the last byte that was accepted has left the queue.
    free_at: Option<Instant>,
    /// No later datagram arrives before this, unless reordered.
    last_arrival: Option<Instant>,
}

impl Link {
    /// A path that behaves so.
    #[must_use]
    pub const fn new(profile: Profile) -> Self {
        Self {
            profile,
            free_at: None,
            last_arrival: None,
        }
    }

    /// From now on it behaves so; what is on its way stays.
    pub const fn set_profile(&mut self, profile: Profile) {
        self.profile = profile;
    }

    /// What becomes of a datagram of `len` bytes that enters now.
    pub fn send(&mut self, now: Instant, len: usize, rng: &mut fastrand::Rng) -> Fate {
        // Drawn in any case, so that one profile's parameters do not shift the
        // fate of all later datagrams.
        let (lost, reordered, share) = (rng.f64(), rng.f64(), rng.f64());
        if lost < self.profile.loss {
            return Fate::Lost;
        }
        let Some(left) = self.leave_queue(now, len) else {
            return Fate::Dropped;
        };
        let held = self.profile.delay + self.profile.jitter.mul_f64(share);
        if reordered < self.profile.reorder {
            return Fate::Arrives(left + held + self.profile.delay + self.profile.jitter);
        }
        let arrival = self
            .last_arrival
            .map_or(left + held, |last| last.max(left + held));
        self.last_arrival = Some(arrival);
        Fate::Arrives(arrival)
    }

    /// When the last byte is on the wire; `None` when the queue is full.
    fn leave_queue(&mut self, now: Instant, len: usize) -> Option<Instant> {
        if self.profile.rate == 0 {
            return Some(now);
        }
        let len = u64::try_from(len).unwrap_or(u64::MAX);
        let start = self.free_at.map_or(now, |at| at.max(now));
        let waiting = bytes_within(start - now, self.profile.rate);
        if waiting.saturating_add(len) > self.profile.queue.max(len) {
            return None;
        }
        let nanos = len.saturating_mul(8_000_000_000) / self.profile.rate;
        let left = start + Duration::from_nanos(nanos);
        self.free_at = Some(left);
        Some(left)
    }
}

fn bytes_within(time: Duration, rate: u64) -> u64 {
    let bits = time.as_nanos() * u128::from(rate) / 1_000_000_000;
    u64::try_from(bits / 8).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "some instant to count from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn ideal_is_immediate() {
        let now = start();
        let fate = Link::default().send(now, 1200, &mut fastrand::Rng::with_seed(1));
        assert_eq!(fate, Fate::Arrives(now));
    }

    #[test]
    fn rate_spaces_and_queue_drops() {
        let now = start();
        let mut rng = fastrand::Rng::with_seed(1);
        let mut link = Link::new(Profile {
            rate: 8_000_000,
            queue: 3000,
            ..Profile::default()
        });
        let fates: Vec<_> = (0..4).map(|_| link.send(now, 1000, &mut rng)).collect();
        let at = |ms| Fate::Arrives(now + Duration::from_millis(ms));
        assert_eq!(fates, [at(1), at(2), at(3), Fate::Dropped]);
        let later = now + Duration::from_millis(10);
        assert_eq!(link.send(later, 1000, &mut rng), at(11));
    }

    #[test]
    fn loss_is_as_told() {
        let now = start();
        let mut rng = fastrand::Rng::with_seed(7);
        let mut link = Link::new(Profile {
            loss: 0.1,
            ..Profile::default()
        });
        let lost = (0..10_000)
            .filter(|_| link.send(now, 100, &mut rng) == Fate::Lost)
            .count();
        assert!((900..1100).contains(&lost), "{lost}");
    }

    #[test]
    fn jitter_alone_keeps_the_order() {
        let now = start();
        let mut rng = fastrand::Rng::with_seed(7);
        let mut link = Link::new(Profile {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(30),
            ..Profile::default()
        });
        let mut last = now;
        for i in 0..1000 {
            let sent = now + Duration::from_millis(i);
            let Fate::Arrives(at) = link.send(sent, 100, &mut rng) else {
                panic!("nothing is lost here");
            };
            assert!(at >= last && at >= sent + Duration::from_millis(20));
            last = at;
        }
    }
}
