//! Coverage as OpenSLO documents (openslo/v1), and back.
//!
//! A service for the contract; an SLO with an inline SLI for each line. What
//! OpenSLO has no word for (module and region, floor, fee share, critical,
//! session-seconds) travels in annotations under `surecast/`; other programs
//! ignore those and still compute something close: session-seconds are
//! occurrences of seconds to them, without the guard of timeslices.

mod export;
mod import;

pub use export::{ExportError, export};
pub use import::{Imported, import};

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::ratio::Percent;

/// The version that is read and written.
const API_VERSION: &str = "openslo/v1";

/// Names of our annotations.
mod note {
    pub const MODULE: &str = "surecast/module";
    pub const REGION: &str = "surecast/region";
    pub const METHOD: &str = "surecast/method";
    pub const FLOOR: &str = "surecast/floor";
    pub const FEE_SHARE: &str = "surecast/fee-share";
    pub const CRITICAL: &str = "surecast/critical";
    pub const ALL: [&str; 6] = [MODULE, REGION, METHOD, FLOOR, FEE_SHARE, CRITICAL];
}

/// `metadata` of every document.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// `spec` of a service.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// `spec` of an SLO.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SloSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    service: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    indicator: Option<Indicator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    indicator_ref: Option<String>,
    #[serde(default)]
    time_window: Vec<TimeWindow>,
    budgeting_method: Budgeting,
    objectives: Vec<Objective>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alert_policies: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Indicator {
    metadata: Metadata,
    spec: SliSpec,
}

/// `spec` of an SLI.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SliSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    threshold_metric: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ratio_metric: Option<RatioMetric>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RatioMetric {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counter: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    good: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bad: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    raw: Option<Value>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TimeWindow {
    duration: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    calendar: Option<CalendarWindow>,
    #[serde(default)]
    is_rolling: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CalendarWindow {
    start_time: String,
    time_zone: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Budgeting {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Objective {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    op: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Fraction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_percent: Option<OfHundred>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_slice_target: Option<Fraction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_slice_window: Option<SliceWindow>,
}

/// A share that is written as a number from 0 to 1.
#[derive(Clone, Copy)]
struct Fraction(Percent);

/// A share that is written as a number from 0 to 100.
#[derive(Clone, Copy)]
struct OfHundred(Percent);

/// A number of minutes, or a duration.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct SliceWindow(Value);

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // OpenSLO wants a number. Units of 10⁻⁸ are below 2⁵³, so the quotient is
        // the double nearest to the share, and its shortest text is the share.
        let units = u32::try_from(self.0.units()).unwrap_or(u32::MAX);
        let whole = u32::try_from(Percent::WHOLE).unwrap_or(u32::MAX);
        serializer.serialize_f64(f64::from(units) / f64::from(whole))
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number(1)).map(Self)
    }
}

impl Serialize for OfHundred {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As above; only `target` is written, this is for completeness of the type.
        let units = u32::try_from(self.0.units()).unwrap_or(u32::MAX);
        serializer.serialize_f64(f64::from(units) / 1e6)
    }
}

impl<'de> Deserialize<'de> for OfHundred {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number(100)).map(Self)
    }
}

/// Reads a number between 0 and a whole, exactly.
struct Number(u32);

impl de::Visitor<'_> for Number {
    type Value = Percent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.0 == 1 { 8 } else { 6 };
        let whole = self.0;
        write!(
            f,
            "a number from 0 to {whole} with at most {decimals} decimals"
        )
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Percent, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
        let units = Decimal::from_str_exact(text).ok().and_then(|number| {
            let scale = Decimal::from(Percent::WHOLE / u64::from(self.0));
            let units = number.checked_mul(scale)?.normalize();
            (units.scale() == 0).then(|| u64::try_from(units).ok())?
        });
        let percent = units.and_then(Percent::from_units);
        percent.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// A duration in OpenSLO's shorthand: a positive number and a letter.
fn shorthand(text: &str) -> Option<(u32, char)> {
    let unit = text.chars().next_back().filter(char::is_ascii_alphabetic)?;
    let digits = &text[..text.len() - 1];
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u32 = digits.parse().ok().filter(|n| plain && *n > 0)?;
    "mhdwMQY".contains(unit).then_some((number, unit))
}

#[cfg(test)]
mod tests;
