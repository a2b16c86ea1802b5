//! What is promised of one module in one region, and how it is measured.

use serde::{Deserialize, Serialize};

use crate::module::{Module, Region};
use crate::ratio::Percent;

/// How samples become an availability.
///
/// In contracts it lies flat in the line of coverage: `method: timeslices`,
/// `slice_minutes: 5`, `good_from: 95%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "method", deny_unknown_fields)]
pub enum Method {
    /// up seconds / (up + down seconds) of all sessions; guarded by one-minute
    /// timeslices: the worse of the two counts.
    SessionSeconds,
    /// Share of slices that reach `good_from`.
    Timeslices {
        /// Minutes of a slice, 1 to 60, dividing 60.
        slice_minutes: u16,
        /// A slice is good if at least this share of its samples was.
        good_from: Percent,
    },
    /// Mean of the slices' shares.
    RatioTimeslices {
        /// Minutes of a slice, 1 to 60, dividing 60.
        slice_minutes: u16,
    },
    /// good / all of the samples of the whole window.
    Occurrences,
}

impl Method {
    /// The name in contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionSeconds => "session-seconds",
            Self::Timeslices { .. } => "timeslices",
            Self::RatioTimeslices { .. } => "ratio-timeslices",
            Self::Occurrences => "occurrences",
        }
    }

    /// Minutes of a slice; session-seconds are guarded by slices of one minute.
    #[must_use]
    pub const fn slice_minutes(self) -> Option<u16> {
        match self {
            Self::SessionSeconds => Some(1),
            Self::Timeslices { slice_minutes, .. } | Self::RatioTimeslices { slice_minutes } => {
                Some(slice_minutes)
            }
            Self::Occurrences => None,
        }
    }
}

/// Over which time an availability is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// The settlement period, as the term cuts it.
    #[default]
    Period,
    /// The last so many days, at the end of each settlement period.
    RollingDays(u16),
}

/// One line of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Line", into = "Line")]
pub struct Coverage {
    /// What is covered.
    pub module: Module,
    /// Where.
    pub region: Region,
    /// How it is measured.
    pub method: Method,
    /// For session-seconds: from which share of its session time a minute is
    /// good in the guard; none = 95 %. In contracts it is `good_from`.
    pub guard_good_from: Option<Percent>,
    /// Fewer samples than this in a slice, and probes decide; 0 = none needed.
    pub floor: u64,
    /// What is promised.
    pub target: Percent,
    /// Over which time.
    pub window: Window,
    /// Its part of the period's fee, for credits. All lines together: 100 %.
    pub fee_share: Percent,
    /// Severity S1 and S2 are for critical lines alone.
    pub critical: bool,
}

/// A line as it is written: flat, so that an unknown key is an error that can
/// name it (serde cannot refuse unknown keys beside a flattened enum).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    module: Module,
    region: Region,
    method: MethodName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slice_minutes: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    good_from: Option<Percent>,
    floor: u64,
    target: Percent,
    #[serde(default)]
    window: Window,
    fee_share: Percent,
    critical: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum MethodName {
    SessionSeconds,
    Timeslices,
    RatioTimeslices,
    Occurrences,
}

impl TryFrom<Line> for Coverage {
    type Error = String;

    fn try_from(line: Line) -> Result<Self, String> {
        let Line {
            slice_minutes,
            good_from,
            ..
        } = line;
        let method = match (line.method, slice_minutes, good_from) {
            (MethodName::SessionSeconds, None, _) => Method::SessionSeconds,
            (MethodName::Occurrences, None, None) => Method::Occurrences,
            (MethodName::Timeslices, Some(slice_minutes), Some(good_from)) => Method::Timeslices {
                slice_minutes,
                good_from,
            },
            (MethodName::RatioTimeslices, Some(slice_minutes), None) => {
                Method::RatioTimeslices { slice_minutes }
            }
            (MethodName::Timeslices | MethodName::RatioTimeslices, None, _) => {
                return Err("`slice_minutes` is missing: this method counts slices, \
                            say how many minutes one has"
                    .to_owned());
            }
            (MethodName::Timeslices, _, None) => {
                return Err(
                    "`good_from` is missing: say from which share of good samples \
                            a slice is good"
                        .to_owned(),
                );
            }
            (MethodName::SessionSeconds | MethodName::Occurrences, Some(_), _) => {
                return Err("`slice_minutes` does not belong to this method: \
                            it is for timeslices and ratio-timeslices"
                    .to_owned());
            }
            (_, _, Some(_)) => {
                return Err("`good_from` does not belong to this method: \
                            it is for timeslices and session-seconds"
                    .to_owned());
            }
        };
        Ok(Self {
            module: line.module,
            region: line.region,
            method,
            guard_good_from: good_from.filter(|_| method == Method::SessionSeconds),
            floor: line.floor,
            target: line.target,
            window: line.window,
            fee_share: line.fee_share,
            critical: line.critical,
        })
    }
}

impl From<Coverage> for Line {
    fn from(coverage: Coverage) -> Self {
        let (method, slice_minutes, good_from) = match coverage.method {
            Method::SessionSeconds => (MethodName::SessionSeconds, None, coverage.guard_good_from),
            Method::Occurrences => (MethodName::Occurrences, None, None),
            Method::Timeslices {
                slice_minutes,
                good_from,
            } => (MethodName::Timeslices, Some(slice_minutes), Some(good_from)),
            Method::RatioTimeslices { slice_minutes } => {
                (MethodName::RatioTimeslices, Some(slice_minutes), None)
            }
        };
        Self {
            module: coverage.module,
            region: coverage.region,
            method,
            slice_minutes,
            good_from,
            floor: coverage.floor,
            target: coverage.target,
            window: coverage.window,
            fee_share: coverage.fee_share,
            critical: coverage.critical,
        }
    }
}
