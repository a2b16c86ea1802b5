//! Faults on purpose, with `--dev` only: to try what the guarantee makes of them.
//!
//! A server that serves real users has none of this: without `--dev` there is no
//! [`Faults`], and the packet loop does not ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use surecast_room::JoinError;

/// Longest fault: an hour, as long as the longest drill.
pub const MAX_SECONDS: u64 = 3600;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Everything that comes in by UDP is lost.
    DropUdp,
    /// Nobody is let in, as if the server had no room left.
    RefuseJoins,
    /// Media that comes in by UDP is lost; connections stay up.
    StallMedia,
}

impl Fault {
    /// As in a request.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DropUdp => "drop_udp",
            Self::RefuseJoins => "refuse_joins",
            Self::StallMedia => "stall_media",
        }
    }
}

/// Until when each fault lasts, in microseconds since `start`; 0: it is over.
#[derive(Debug)]
pub struct Faults {
    start: Instant,
    until: [AtomicU64; 3],
}

impl Faults {
    /// None yet.
    pub fn new(now: Instant) -> Self {
        Self {
            start: now,
            until: Default::default(),
        }
    }

    /// The fault lasts from now on for this long, whatever was said before.
    pub fn set(&self, fault: Fault, lasts: Duration, now: Instant) {
        let until = self.micros(now + lasts);
        self.until[fault as usize].store(until, Ordering::Relaxed);
    }

    /// Whether it is there. One relaxed load.
    pub fn is(&self, fault: Fault, now: Instant) -> bool {
        let until = self.until[fault as usize].load(Ordering::Relaxed);
        until > 0 && self.micros(now) < until
    }

    /// Which datagrams of a batch are lost.
    pub fn loss(&self, now: Instant) -> Loss {
        if self.is(Fault::DropUdp, now) {
            Loss::All
        } else if self.is(Fault::StallMedia, now) {
            Loss::Media
        } else {
            Loss::Nothing
        }
    }

    fn micros(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Refuses as a server would that has no room left: the fault is its own.
///
/// # Errors
/// While nobody is let in.
pub fn lets_in(faults: Option<&Arc<Faults>>, now: Instant) -> Result<(), JoinError> {
    match faults {
        Some(faults) if faults.is(Fault::RefuseJoins, now) => {
            Err(JoinError::TooManyRooms { limit: 0 })
        }
        _ => Ok(()),
    }
}

/// Which datagrams are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// None.
    Nothing,
    /// RTP.
    Media,
    /// All.
    All,
}

impl Loss {
    /// Whether this one is.
    pub fn takes(self, datagram: &[u8]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Media => is_rtp(datagram),
            Self::All => true,
        }
    }
}

/// RTP beside STUN, DTLS and RTCP on one port (RFC 7983 §7, RFC 5761 §4).
fn is_rtp(datagram: &[u8]) -> bool {
    let (Some(first), Some(second)) = (datagram.first(), datagram.get(1)) else {
        return false;
    };
    (128..192).contains(first) && !(192..224).contains(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_ends_by_itself_and_when_told_to() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let faults = Faults::new(now);
        assert_eq!(faults.loss(now), Loss::Nothing);
        faults.set(Fault::StallMedia, 10 * second, now);
        assert_eq!(faults.loss(now + 9 * second), Loss::Media);
        assert_eq!(faults.loss(now + 10 * second), Loss::Nothing);
        faults.set(Fault::DropUdp, 10 * second, now);
        assert_eq!(faults.loss(now), Loss::All);
        assert!(!faults.is(Fault::RefuseJoins, now));
        faults.set(Fault::DropUdp, Duration::ZERO, now + second);
        assert_eq!(faults.loss(now + second), Loss::Media);
    }

    #[test]
    fn only_media_is_stalled() {
        for (datagram, media) in [
            (&[0x80, 111, 0][..], true),
            (&[0x90, 0x80 | 96, 0], true),
            (&[0x80, 200, 0], false),
            (&[0x81, 205, 0], false),
            (&[22, 254, 253], false),
            (&[0, 1, 0], false),
            (&[0x80], false),
            (&[], false),
        ] {
            assert_eq!(Loss::Media.takes(datagram), media, "{datagram:?}");
            assert!(Loss::All.takes(datagram) && !Loss::Nothing.takes(datagram));
        }
    }
}
