//! Spans of time: half-open, start in, end out. Lengths are whole nanoseconds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// From `start` up to, but not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Interval {
    /// First instant in it.
    pub start: Timestamp,
    /// First instant after it; not before `start`.
    pub end: Timestamp,
}

/// An interval as it is read, before its order was checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    start: Timestamp,
    end: Timestamp,
}

impl TryFrom<Unchecked> for Interval {
    type Error = String;

    fn try_from(raw: Unchecked) -> Result<Self, String> {
        Self::new(raw.start, raw.end)
    }
}

impl Interval {
    /// From `start` to `end`; an error in words where `end` is before `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, String> {
        if end < start {
            return Err(format!(
                "the interval ends at {end}, before it starts at {start}: exchange the two"
            ));
        }
        Ok(Self { start, end })
    }

    /// Nothing is in it. So it is, too, for one that was built the wrong way
    /// round.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// Its length in nanoseconds; 0 if empty.
    #[must_use]
    pub fn nanos(self) -> u128 {
        let length = self.end.as_nanosecond() - self.start.as_nanosecond();
        u128::try_from(length).unwrap_or(0)
    }

    /// Whether `instant` is in it.
    #[must_use]
    pub fn contains(self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }

    /// What both have; `None` where that is nothing.
    #[must_use]
    pub fn intersect(self, other: Self) -> Option<Self> {
        let both = Self {
            start: self.start.max(other.start),
            end: self.end.min(other.end),
        };
        (!both.is_empty()).then_some(both)
    }
}

/// A set of instants: sorted intervals, none empty, none touching the next. Two
/// sets are equal exactly if they hold the same instants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct IntervalSet(Vec<Interval>);

impl FromIterator<Interval> for IntervalSet {
    fn from_iter<I: IntoIterator<Item = Interval>>(parts: I) -> Self {
        let mut parts: Vec<Interval> = parts.into_iter().filter(|i| !i.is_empty()).collect();
        parts.sort_unstable();
        let mut set = Self::default();
        for part in parts {
            set.push(part);
        }
        set
    }
}

impl From<Interval> for IntervalSet {
    fn from(interval: Interval) -> Self {
        [interval].into_iter().collect()
    }
}

impl<'de> Deserialize<'de> for IntervalSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Interval>::deserialize(deserializer).map(|parts| parts.into_iter().collect())
    }
}

impl IntervalSet {
    /// Its parts, sorted, disjoint.
    #[must_use]
    pub fn parts(&self) -> &[Interval] {
        &self.0
    }

    /// Nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length of all parts together, in nanoseconds.
    #[must_use]
    pub fn nanos(&self) -> u128 {
        self.0.iter().map(|part| part.nanos()).sum()
    }

    /// Whether `instant` is in it.
    #[must_use]
    pub fn contains(&self, instant: Timestamp) -> bool {
        let after = self.0.partition_point(|part| part.start <= instant);
        after > 0 && self.0[after - 1].contains(instant)
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// What is in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut set = Self::default();
        while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
            if let Some(both) = left.intersect(**right) {
                set.push(both);
            }
            if left.end <= right.end {
                a.next();
            } else {
                b.next();
            }
        }
        set
    }

    /// What is in this and not in `other`.
    #[must_use]
    pub fn subtract(&self, other: &Self) -> Self {
        let mut set = Self::default();
        let mut first = 0;
        for part in &self.0 {
            while other
                .0
                .get(first)
                .is_some_and(|hole| hole.end <= part.start)
            {
                first += 1;
            }
            let mut start = part.start;
            for hole in &other.0[first..] {
                if hole.start >= part.end {
                    break;
                }
                set.push(Interval {
                    start,
                    end: hole.start.min(part.end),
                });
                start = start.max(hole.end);
            }
            set.push(Interval {
                start,
                end: part.end,
            });
        }
        set
    }

    /// What of it is in `window`.
    #[must_use]
    pub fn clip(&self, window: Interval) -> Self {
        self.intersect(&window.into())
    }

    /// Appends a part that does not start before the last one; melts them where
    /// they overlap or touch.
    fn push(&mut self, part: Interval) {
        if part.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => self.0.push(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn span(start: i64, end: i64) -> Interval {
        Interval {
            start: at(start),
            end: at(end),
        }
    }

    fn set() -> impl Strategy<Value = IntervalSet> {
        // A small range, so that parts overlap, touch and repeat; some are the
        // wrong way round.
        prop::collection::vec((0..60_i64, 0..60_i64), 0..12)
            .prop_map(|parts| parts.into_iter().map(|(a, b)| span(a, b)).collect())
    }

    /// The set as one truth per second.
    fn seconds(set: &IntervalSet) -> Vec<bool> {
        (0..60).map(|s| set.contains(at(s))).collect()
    }

    proptest! {
        #[test]
        fn the_algebra_of_sets_holds(a in set(), b in set(), c in set()) {
            prop_assert_eq!(a.union(&a), a.clone());
            prop_assert_eq!(a.intersect(&a), a.clone());
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.intersect(&b), b.intersect(&a));
            prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
            prop_assert_eq!(a.intersect(&b).intersect(&c), a.intersect(&b.intersect(&c)));
            prop_assert_eq!(
                a.intersect(&b.union(&c)),
                a.intersect(&b).union(&a.intersect(&c))
            );
            prop_assert_eq!(a.subtract(&b), a.subtract(&a.intersect(&b)));
            prop_assert!(a.subtract(&b).intersect(&b).is_empty());
            prop_assert_eq!(a.subtract(&b).union(&a.intersect(&b)), a.clone());
            prop_assert_eq!(
                a.union(&b).nanos() + a.intersect(&b).nanos(),
                a.nanos() + b.nanos()
            );
        }

        #[test]
        fn sets_hold_what_their_instants_say(a in set(), b in set()) {
            let (x, y) = (seconds(&a), seconds(&b));
            let both = |f: fn(bool, bool) -> bool| -> Vec<bool> {
                x.iter().zip(&y).map(|(&x, &y)| f(x, y)).collect()
            };
            prop_assert_eq!(seconds(&a.union(&b)), both(|x, y| x || y));
            prop_assert_eq!(seconds(&a.intersect(&b)), both(|x, y| x && y));
            prop_assert_eq!(seconds(&a.subtract(&b)), both(|x, y| x && !y));
            let counted = seconds(&a).into_iter().filter(|&s| s).count() as u128;
            prop_assert_eq!(a.nanos(), counted * 1_000_000_000);
            for pair in a.parts().windows(2) {
                prop_assert!(pair[0].end < pair[1].start);
            }
        }

        #[test]
        fn clipping_is_intersection(a in set(), start in 0..60_i64, end in 0..60_i64) {
            let window = span(start, end);
            prop_assert_eq!(a.clip(window), a.intersect(&window.into()));
        }
    }

    #[test]
    fn the_wrong_way_round_is_refused() {
        assert!(Interval::new(at(2), at(1)).is_err());
        assert_eq!(span(2, 1).nanos(), 0);
        let text = r#"{"start":"2026-01-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}"#;
        let error = serde_json::from_str::<Interval>(text).expect_err("refused");
        assert!(error.to_string().contains("before it starts"), "{error}");
    }
}
