//! What a line's measurement says after a minute, as the engine takes it.

use serde::{Deserialize, Serialize};

use crate::burn::{Alert, BurnDetector};
use crate::contract::policy::SeverityPolicy;
use crate::ratio::{Percent, Ratio};
use crate::rollup::Minute;

/// How far beyond a rule's minutes a bad minute is looked for at which they can
/// begin: as far as the shortest long window of the detector reaches.
const REACH: u32 = 60;

/// Minutes up to now that begin with a bad one.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// How many.
    pub minutes: u32,
    /// What was bad of all in them.
    pub bad: Ratio,
}

/// A line after a minute.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// The last minute that is known.
    pub minute: Minute,
    /// What the burn detector asks for.
    pub alert: Option<Alert>,
    /// The first bad minute of the window that fires.
    pub first_bad: Option<Minute>,
    /// What was bad of all in the last minute. Nothing of nothing = it was
    /// quiet, which is neither bad nor clear.
    pub last: Ratio,
    /// Candidates for the severity: the worst counts.
    pub spans: Vec<Span>,
    /// Leaves that show it. The engine keeps the first
    /// [`MAX_REFS`](super::output::MAX_REFS).
    pub refs: Vec<u64>,
}

impl Seen {
    /// What `detector` says now, with a span for every rule of the policy. `None`
    /// before the first minute.
    #[must_use]
    pub fn of(detector: &BurnDetector, policy: &SeverityPolicy, refs: Vec<u64>) -> Option<Self> {
        let state = detector.poll_state()?;
        let mut wanted: Vec<u32> = policy.rules.iter().map(|r| r.min_minutes.max(1)).collect();
        wanted.push(1);
        wanted.sort_unstable();
        wanted.dedup();
        let mut spans: Vec<Span> = Vec::new();
        for least in wanted {
            let reach = least..=least.saturating_add(REACH);
            let mut found = reach.filter_map(|minutes| {
                let bad = detector.share_since_bad(minutes)?;
                Some(Span { minutes, bad })
            });
            if let Some(span) = found.next()
                && spans.last().is_none_or(|last| last.minutes < span.minutes)
            {
                spans.push(span);
            }
        }
        Some(Self {
            minute: state.minute,
            alert: state.alert,
            first_bad: state.first_bad,
            last: detector.share(1)?,
            spans,
            refs,
        })
    }

    /// Whether the minute was seen to be good: within what the target leaves.
    /// `None` if it was quiet.
    #[must_use]
    pub fn is_clear(&self, target: Percent) -> Option<bool> {
        let last = self.last.known()?;
        Some(last.compare(target.complement().ratio()).is_le())
    }
}
