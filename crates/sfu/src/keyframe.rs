//! Keyframe requests of many subscribers become few towards the publisher.

use std::time::{Duration, Instant};

/// A keyframe costs as much as a second of video. Twice a second is what a
/// publisher must bear while an audience streams in.
const MIN_INTERVAL: Duration = Duration::from_millis(500);

/// Lets one request through per interval and remembers that more were asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyframeGate {
    last: Option<Instant>,
    wanted: bool,
}

impl KeyframeGate {
    /// Somebody needs a keyframe.
    pub(crate) fn want(&mut self) {
        self.wanted = true;
    }

    /// A keyframe came by: whoever waited has it.
    pub(crate) fn served(&mut self) {
        self.wanted = false;
    }

    /// Whether to ask the publisher now.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let open = self
            .last
            .is_none_or(|t| now.saturating_duration_since(t) >= MIN_INTERVAL);
        let ask = self.wanted && open;
        if ask {
            self.wanted = false;
            self.last = Some(now);
        }
        ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_asks_once_and_late_comers_once_more() {
        #[allow(clippy::disallowed_methods, reason = "tests need some instant")]
        let t = Instant::now();
        let mut gate = KeyframeGate::default();
        let mut asked = 0;
        for i in 0..100 {
            gate.want();
            asked += u32::from(gate.take(t + Duration::from_millis(i)));
        }
        assert_eq!(asked, 1);
        assert!(
            gate.take(t + MIN_INTERVAL),
            "the late ones are not forgotten"
        );
        assert!(!gate.take(t + 3 * MIN_INTERVAL), "nobody asked again");
    }
}
