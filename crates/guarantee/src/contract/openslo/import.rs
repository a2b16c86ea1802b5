//! OpenSLO documents as lines of coverage.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use super::{
    API_VERSION, Budgeting, Metadata, Objective, ServiceSpec, SliSpec, SloSpec, TimeWindow, note,
    shorthand,
};
use crate::calendar;
use crate::contract::problem::{Level, Places, Problem, nearest};
use crate::contract::yaml;
use crate::coverage::{Coverage, Method, Window};
use crate::ratio::Percent;

const KINDS: [&str; 7] = [
    "Service",
    "SLO",
    "SLI",
    "DataSource",
    "AlertPolicy",
    "AlertCondition",
    "AlertNotificationTarget",
];

/// What became of the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// One line for each SLO, in their order.
    pub coverage: Vec<Coverage>,
    /// What was left out, and what had to be assumed.
    pub warnings: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Value,
}

/// Reads OpenSLO documents.
///
/// # Errors
/// All that has no counterpart in a contract, with its place: thresholds, raw
/// ratios, several objectives, windows that are neither a calendar month nor
/// rolling days, slices that do not divide an hour.
pub fn import(text: &str) -> Result<Imported, Vec<Problem>> {
    let (values, places) = yaml::load_all(text).map_err(|p| vec![*p])?;
    let mut import = Import {
        places: &places,
        problems: Vec::new(),
        indicators: BTreeMap::new(),
    };
    let mut slos = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        if let Some(slo) = import.document(&format!("[{index}]"), value) {
            slos.push(slo);
        }
    }
    let lines: Vec<_> = slos.into_iter().map(|slo| import.line(slo)).collect();
    let mut problems = import.problems;
    problems.sort_by_key(|p| (p.place, p.level));
    if problems.iter().any(|p| p.level == Level::Error) {
        return Err(problems);
    }
    Ok(Imported {
        coverage: lines.into_iter().flatten().collect(),
        warnings: problems,
    })
}

struct Slo {
    path: String,
    metadata: Metadata,
    spec: SloSpec,
}

struct Import<'a> {
    places: &'a Places,
    problems: Vec<Problem>,
    indicators: BTreeMap<String, SliSpec>,
}

impl Import<'_> {
    fn note(&mut self, level: Level, path: &str, what: impl Into<String>, hint: &str) {
        self.problems.push(Problem {
            level,
            place: self.places.of(path),
            path: path.to_owned(),
            what: what.into(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        });
    }

    fn error(&mut self, path: &str, what: impl Into<String>, hint: &str) {
        self.note(Level::Error, path, what, hint);
    }

    fn warn(&mut self, path: &str, what: impl Into<String>, hint: &str) {
        self.note(Level::Warning, path, what, hint);
    }

    fn typed<T: serde::de::DeserializeOwned>(&mut self, path: &str, value: Value) -> Option<T> {
        match yaml::typed(path, value, self.places) {
            Ok(typed) => Some(typed),
            Err(problem) => {
                self.problems.push(*problem);
                None
            }
        }
    }

    fn document(&mut self, path: &str, value: Value) -> Option<Slo> {
        let document: Document = self.typed(path, value)?;
        if document.api_version != API_VERSION {
            let what = format!("only {API_VERSION} is understood");
            self.error(&format!("{path}.apiVersion"), what, "convert it first");
            return None;
        }
        let spec = format!("{path}.spec");
        match document.kind.as_str() {
            "Service" => {
                self.typed::<ServiceSpec>(&spec, document.spec)?;
                None
            }
            "SLI" => {
                let sli: SliSpec = self.typed(&spec, document.spec)?;
                self.indicators.insert(document.metadata.name, sli);
                None
            }
            "SLO" => Some(Slo {
                path: path.to_owned(),
                metadata: document.metadata,
                spec: self.typed(&spec, document.spec)?,
            }),
            kind if KINDS.contains(&kind) => {
                let what = format!("a {kind} has no counterpart in a contract, and is left out");
                self.warn(
                    path,
                    what,
                    "samples and alerts come from the contract itself",
                );
                None
            }
            kind => {
                let hint = nearest(kind, KINDS).map(|k| format!("did you mean `{k}`?"));
                let what = format!("`{kind}` is not a kind of OpenSLO");
                self.error(&format!("{path}.kind"), what, &hint.unwrap_or_default());
                None
            }
        }
    }

    fn line(&mut self, slo: Slo) -> Option<Coverage> {
        let Slo {
            path,
            metadata,
            spec,
        } = slo;
        let notes = format!("{path}.metadata.annotations");
        let module = self.needed(&notes, &metadata, note::MODULE);
        let region = self.needed(&notes, &metadata, note::REGION);
        self.unknown_notes(&notes, &metadata);
        let floor = self.assumed(&notes, &metadata, note::FLOOR, 0);
        let fee_share = self.assumed(&notes, &metadata, note::FEE_SHARE, Percent::ZERO);
        let critical = self.assumed(&notes, &metadata, note::CRITICAL, false);
        let path = format!("{path}.spec");
        self.indicator(&path, &spec);
        if !spec.alert_policies.is_empty() {
            let what = "alert policies are left out";
            let at = format!("{path}.alertPolicies");
            self.warn(&at, what, "burn rates follow from the target");
        }
        let window = self.window(&path, &spec.time_window);
        let objective = self.objective(&path, &spec.objectives)?;
        let at = format!("{path}.objectives[0]");
        let target = self.target(&at, objective);
        let named = metadata.annotations.get(note::METHOD).map(String::as_str);
        let method = self.method(&at, spec.budgeting_method, named, objective);
        Some(Coverage {
            module: module?,
            region: region?,
            method: method?,
            guard_good_from: None,
            floor: floor?,
            target: target?,
            window: window?,
            fee_share: fee_share?,
            critical: critical?,
        })
    }

    fn needed<T: FromStr<Err = String>>(
        &mut self,
        path: &str,
        metadata: &Metadata,
        key: &str,
    ) -> Option<T> {
        let Some(text) = metadata.annotations.get(key) else {
            let what = format!("`{}` does not say what it covers", metadata.name);
            self.error(path, what, &format!("add the annotation `{key}`"));
            return None;
        };
        text.parse()
            .map_err(|e: String| self.error(&format!("{path}.{key}"), e, ""))
            .ok()
    }

    fn assumed<T: FromStr + std::fmt::Display>(
        &mut self,
        path: &str,
        metadata: &Metadata,
        key: &str,
        default: T,
    ) -> Option<T> {
        let Some(text) = metadata.annotations.get(key) else {
            let what = format!("there is no annotation `{key}`; {default} is assumed");
            self.warn(path, what, "");
            return Some(default);
        };
        let parsed = text.parse().ok();
        if parsed.is_none() {
            let what = format!("`{}` does not fit", text.escape_debug());
            let hint = format!("write it as `{default}`");
            self.error(&format!("{path}.{key}"), what, &hint);
        }
        parsed
    }

    fn unknown_notes(&mut self, path: &str, metadata: &Metadata) {
        for key in metadata.annotations.keys() {
            if key.starts_with("surecast/") && !note::ALL.contains(&key.as_str()) {
                let hint = nearest(key, note::ALL).map(|k| format!("did you mean `{k}`?"));
                let what = "there is no such annotation";
                self.error(&format!("{path}.{key}"), what, &hint.unwrap_or_default());
            }
        }
    }

    /// Ratios of good to all have a counterpart; where they are counted is ours.
    fn indicator(&mut self, path: &str, spec: &SloSpec) {
        let (at, sli) = match (&spec.indicator, &spec.indicator_ref) {
            (Some(indicator), None) => (
                format!("{path}.indicator.spec"),
                Some(indicator.spec.clone()),
            ),
            (None, Some(name)) => {
                let at = format!("{path}.indicatorRef");
                (at, self.indicators.get(name).cloned())
            }
            _ => {
                let what = "one of `indicator` and `indicatorRef` is needed";
                self.error(path, what, "");
                return;
            }
        };
        let Some(sli) = sli else {
            self.error(&at, "there is no SLI of this name in the file", "add it");
            return;
        };
        if sli.threshold_metric.is_some() {
            let what = "a thresholdMetric has no counterpart: a contract counts good of all";
            let hint = "use a ratioMetric; levels such as delay belong under `experience`";
            self.error(&at, what, hint);
        }
        match sli.ratio_metric {
            Some(ratio) if ratio.raw.is_some() || ratio.raw_type.is_some() => {
                let what = "a raw ratio has no counterpart: settlements need the counts";
                self.error(&at, what, "use good and total");
            }
            Some(ratio) if ratio.total.is_none() || ratio.good.is_some() == ratio.bad.is_some() => {
                let what = "a ratioMetric has `total` and either `good` or `bad`";
                self.error(&at, what, "");
            }
            None if sli.threshold_metric.is_none() => {
                self.error(&at, "there is no ratioMetric", "");
            }
            _ => {}
        }
    }

    fn window(&mut self, path: &str, windows: &[TimeWindow]) -> Option<Window> {
        let path = format!("{path}.timeWindow");
        let window = match windows {
            [] => return Some(Window::Period),
            [window] => window,
            _ => {
                self.error(&path, "there is exactly one time window", "");
                return None;
            }
        };
        let path = format!("{path}[0]");
        let duration = shorthand(&window.duration);
        if window.is_rolling || window.calendar.is_none() {
            let days = match duration {
                Some((n, 'd')) => Some(n),
                Some((n, 'w')) => n.checked_mul(7),
                _ => None,
            };
            let days = days.and_then(|d| u16::try_from(d).ok());
            if days.is_none() {
                let what = format!(
                    "a rolling window of `{}` has no counterpart",
                    window.duration
                );
                self.error(&format!("{path}.duration"), what, "use days, as `30d`");
            }
            return days.map(Window::RollingDays);
        }
        if let Some(calendar) = &window.calendar
            && let Err(error) = calendar::zone(&calendar.time_zone)
        {
            let at = format!("{path}.calendar.timeZone");
            self.error(&at, error.to_string(), "");
        }
        if duration != Some((1, 'M')) {
            let what = format!(
                "a calendar window of `{}` has no counterpart",
                window.duration
            );
            let hint = "contracts are settled by the month: use `1M`";
            self.error(&format!("{path}.duration"), what, hint);
            return None;
        }
        Some(Window::Period)
    }

    fn objective<'o>(&mut self, path: &str, objectives: &'o [Objective]) -> Option<&'o Objective> {
        let path = format!("{path}.objectives");
        match objectives {
            [objective] => Some(objective),
            [] => {
                self.error(&path, "there is no objective", "add one with a target");
                None
            }
            _ => {
                let what = "a line of a contract has one target";
                self.error(&path, what, "make an SLO of each objective");
                None
            }
        }
    }

    fn target(&mut self, path: &str, objective: &Objective) -> Option<Percent> {
        if objective.value.is_some() {
            let what = "`value` is for thresholds, which have no counterpart";
            self.error(path, what, "take it out");
        }
        let target = match (objective.target, objective.target_percent) {
            (Some(target), None) => target.0,
            (None, Some(target)) => target.0,
            _ => {
                self.error(path, "one of `target` and `targetPercent` is needed", "");
                return None;
            }
        };
        if target == Percent::ONE {
            self.error(
                path,
                "a target is below the whole",
                "write 0.9999, for example",
            );
        }
        Some(target)
    }

    fn method(
        &mut self,
        path: &str,
        budgeting: Budgeting,
        named: Option<&str>,
        objective: &Objective,
    ) -> Option<Method> {
        let slices = budgeting != Budgeting::Occurrences;
        let slice_minutes = if slices {
            Some(self.slice_minutes(path, objective)?)
        } else {
            None
        };
        let good_from = objective.time_slice_target.map(|t| t.0);
        let method = match (budgeting, slice_minutes, good_from) {
            (Budgeting::Timeslices, Some(slice_minutes), Some(good_from)) => Method::Timeslices {
                slice_minutes,
                good_from,
            },
            (Budgeting::RatioTimeslices, Some(slice_minutes), None) => {
                Method::RatioTimeslices { slice_minutes }
            }
            (Budgeting::Occurrences, ..) if named == Some("session-seconds") => {
                Method::SessionSeconds
            }
            (Budgeting::Occurrences, ..) => Method::Occurrences,
            (Budgeting::RatioTimeslices, ..) => {
                let what = "ratio-timeslices take the mean and have no timeSliceTarget";
                self.error(path, what, "take it out, or use Timeslices");
                return None;
            }
            (Budgeting::Timeslices, ..) => {
                self.error(path, "`timeSliceTarget` is missing", "add it, as 0.95");
                return None;
            }
        };
        if let Some(named) = named
            && named != method.name()
        {
            let what = format!(
                "the annotation says `{named}`, the SLO says {}",
                method.name()
            );
            self.error(path, what, "correct one of them");
        }
        Some(method)
    }

    fn slice_minutes(&mut self, path: &str, objective: &Objective) -> Option<u16> {
        let window = objective.time_slice_window.as_ref().map(|w| &w.0);
        let minutes = match window {
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => match shorthand(text) {
                Some((n, 'm')) => Some(u64::from(n)),
                Some((1, 'h')) => Some(60),
                _ => None,
            },
            _ => None,
        };
        let minutes = minutes.and_then(|m| u16::try_from(m).ok());
        let fits = minutes.filter(|m| *m > 0 && 60 % m == 0);
        if fits.is_none() {
            let what = match window {
                Some(_) => "slices of this length do not divide an hour",
                None => "`timeSliceWindow` is missing",
            };
            self.error(
                &format!("{path}.timeSliceWindow"),
                what,
                "use 1m, 5m, 10m, 1h",
            );
        }
        fits
    }
}
