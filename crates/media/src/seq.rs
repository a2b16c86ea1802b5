//! Sequence numbers and timestamps that wrap (RFC 3550 §5.1, appendix A.1).
//!
//! Of two values the newer one is that which is less than half the number
//! space ahead (RFC 1982). At exactly half the space the order is undefined
//! there; here the larger number counts as newer, so that of two different
//! values exactly one is always newer.

/// `a` is newer than `b`, sixteen bits.
#[must_use]
pub const fn newer_u16(a: u16, b: u16) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && (ahead < 0x8000 || (ahead == 0x8000 && a > b))
}

/// `a` is newer than `b`, thirty-two bits.
#[must_use]
pub const fn newer_u32(a: u32, b: u32) -> bool {
    let ahead = a.wrapping_sub(b);
    ahead != 0 && (ahead < 0x8000_0000 || (ahead == 0x8000_0000 && a > b))
}

/// How far `a` is ahead of `b`; negative when it is behind.
#[must_use]
pub const fn distance_u16(a: u16, b: u16) -> i16 {
    a.wrapping_sub(b).cast_signed()
}

/// How far `a` is ahead of `b`; negative when it is behind.
#[must_use]
pub const fn distance_u32(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b).cast_signed()
}

/// Makes wrapping numbers of sixteen bits into ones that never wrap.
///
/// The first number seen lands one whole round above zero, so that reordered
/// packets from before it still get a number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extend16 {
    highest: Option<u64>,
}

impl Extend16 {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The extended number of `seq`, which also becomes the reference when it
    /// is the newest so far.
    pub fn extend(&mut self, seq: u16) -> u64 {
        let extended = self.peek(seq);
        if self.highest.is_none_or(|highest| extended > highest) {
            self.highest = Some(extended);
        }
        extended
    }

    /// As [`Self::extend`], changing nothing.
    #[must_use]
    pub fn peek(&self, seq: u16) -> u64 {
        let Some(highest) = self.highest else {
            return (1 << 16) + u64::from(seq);
        };
        let distance = distance_u16(seq, low_u16(highest));
        highest.saturating_add_signed(i64::from(distance))
    }

    /// The newest extended number so far.
    #[must_use]
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }
}

/// Makes wrapping numbers of thirty-two bits into ones that never wrap.
///
/// As [`Extend16`]: the first number lands one whole round above zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extend32 {
    highest: Option<u64>,
}

impl Extend32 {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The extended number of `value`, which also becomes the reference when
    /// it is the newest so far.
    pub fn extend(&mut self, value: u32) -> u64 {
        let extended = self.peek(value);
        if self.highest.is_none_or(|highest| extended > highest) {
            self.highest = Some(extended);
        }
        extended
    }

    /// As [`Self::extend`], changing nothing.
    #[must_use]
    pub fn peek(&self, value: u32) -> u64 {
        let Some(highest) = self.highest else {
            return (1 << 32) + u64::from(value);
        };
        let distance = distance_u32(value, low_u32(highest));
        highest.saturating_add_signed(i64::from(distance))
    }

    /// The newest extended number so far.
    #[must_use]
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }
}

/// The sixteen bits that travel in a packet.
const fn low_u16(extended: u64) -> u16 {
    (extended & 0xffff) as u16
}

/// The thirty-two bits that travel in a packet.
const fn low_u32(extended: u64) -> u32 {
    (extended & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn newer_across_the_wrap() {
        assert!(newer_u16(0, 0xffff));
        assert!(!newer_u16(0xffff, 0));
        assert!(!newer_u16(7, 7));
        assert!(newer_u32(3, 0xffff_fff0));
        assert_eq!(distance_u16(2, 0xfffe), 4);
        assert_eq!(distance_u32(0xffff_ffff, 0), -1);
    }

    #[test]
    fn reordered_packets_before_the_first_get_a_number() {
        let mut extend = Extend16::new();
        let first = extend.extend(0);
        assert_eq!(extend.extend(0xffff), first - 1);
        assert_eq!(extend.highest(), Some(first));
    }

    proptest! {
        #[test]
        fn exactly_one_of_two_is_newer(a: u16, b: u16, c: u32, d: u32) {
            prop_assert_eq!(newer_u16(a, b) ^ newer_u16(b, a), a != b);
            prop_assert_eq!(newer_u32(c, d) ^ newer_u32(d, c), c != d);
        }

        #[test]
        fn extension_follows_any_walk(
            start: u16,
            steps in prop::collection::vec(-3000i64..3000, 0..500),
        ) {
            let mut extend = Extend16::new();
            let mut truth = i64::from(start) + (1 << 16);
            extend.extend(start);
            for step in steps {
                let from = extend.highest().unwrap().cast_signed();
                truth = (truth + step).clamp(from - 0x7fff, from + 0x7fff).max(0);
                let seq = u16::try_from(truth & 0xffff).unwrap();
                prop_assert_eq!(extend.extend(seq).cast_signed(), truth);
            }
        }

        #[test]
        fn low_bits_survive(values: Vec<u32>, seqs: Vec<u16>) {
            let (mut e32, mut e16) = (Extend32::new(), Extend16::new());
            for value in values {
                prop_assert_eq!(low_u32(e32.extend(value)), value);
            }
            for seq in seqs {
                prop_assert_eq!(low_u16(e16.extend(seq)), seq);
            }
        }
    }
}
