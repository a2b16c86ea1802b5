//! From 32 bits of milliseconds to a timeline that does not wrap.

/// Unwraps timestamps: each is taken as the nearest to the one before, so the
/// timeline goes on where the 32 bits wrap after 49.7 days.
///
/// Steps back and jumps of less than 24 days stay what they are: whoever places
/// the stream on a timeline of its own sees them and decides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    last: Option<(u32, i64)>,
}

impl Clock {
    /// Milliseconds, unwrapped; the next timestamp is near this one.
    pub(super) fn advance(&mut self, timestamp: u32) -> i64 {
        let at = self.look(timestamp);
        self.last = Some((timestamp, at));
        at
    }

    /// The same without going there.
    pub(super) fn look(&self, timestamp: u32) -> i64 {
        match self.last {
            None => i64::from(timestamp),
            Some((last, at)) => {
                at.saturating_add(i64::from(timestamp.wrapping_sub(last).cast_signed()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn goes_on_after_the_wrap() {
        let mut clock = Clock::default();
        assert_eq!(clock.advance(u32::MAX - 9), 4_294_967_286);
        assert_eq!(clock.advance(10), 4_294_967_306);
        assert_eq!(clock.advance(u32::MAX), 4_294_967_295);
        assert_eq!(clock.look(40), 4_294_967_336);
    }
}
