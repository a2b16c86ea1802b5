//! A contract's coverage as OpenSLO documents.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    API_VERSION, Budgeting, CalendarWindow, Fraction, Indicator, Metadata, Objective, RatioMetric,
    ServiceSpec, SliSpec, SliceWindow, SloSpec, TimeWindow, note,
};
use crate::contract::Contract;
use crate::coverage::{Coverage, Method, Window};
use crate::ratio::Percent;
use crate::term::{Alignment, Term};

/// Longest name of an object that every implementation accepts.
const MAX_NAME: usize = 63;

/// Why a contract has no form in OpenSLO.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Targets in OpenSLO are below the whole.
    #[error("coverage[{0}].target: OpenSLO has no target of 100%; promise less, as 99.99%")]
    Whole(usize),
    /// YAML could not be written.
    #[error("the documents could not be written: {0}")]
    Write(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<T> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: T,
}

/// The documents: one service, one SLO for each line.
///
/// # Errors
/// If a target is 100 %.
pub fn export(contract: &Contract) -> Result<String, ExportError> {
    let service = name(&[&contract.id]);
    let head = Document {
        api_version: API_VERSION,
        kind: "Service",
        metadata: metadata(service.clone(), Some(contract.id.clone())),
        spec: ServiceSpec {
            description: Some(format!(
                "Version {} between {} and {}",
                contract.version, contract.parties.provider.name, contract.parties.customer.name
            )),
        },
    };
    let mut out = write(&head)?;
    for (index, line) in contract.coverage.iter().enumerate() {
        if line.target == Percent::ONE {
            return Err(ExportError::Whole(index));
        }
        out.push_str("---\n");
        out.push_str(&write(&slo(&service, &contract.term, line))?);
    }
    Ok(out)
}

fn write<T: Serialize>(document: &T) -> Result<String, ExportError> {
    let text = serde_saphyr::to_string(document);
    let mut text = text.map_err(|e| ExportError::Write(e.to_string()))?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

fn slo(service: &str, term: &Term, line: &Coverage) -> Document<SloSpec> {
    let (module, region) = (line.module.name(), line.region.name());
    let title = format!("{module} in {region}");
    let mut head = metadata(name(&[service, module, region]), Some(title));
    head.annotations = annotations(line);
    let mut objective = Objective {
        display_name: None,
        op: None,
        value: None,
        target: Some(Fraction(line.target)),
        target_percent: None,
        time_slice_target: None,
        time_slice_window: None,
    };
    let minutes = |m: u16| Some(SliceWindow(Value::String(format!("{m}m"))));
    let budgeting_method = match line.method {
        Method::SessionSeconds | Method::Occurrences => Budgeting::Occurrences,
        Method::Timeslices {
            slice_minutes,
            good_from,
        } => {
            objective.time_slice_target = Some(Fraction(good_from));
            objective.time_slice_window = minutes(slice_minutes);
            Budgeting::Timeslices
        }
        Method::RatioTimeslices { slice_minutes } => {
            objective.time_slice_window = minutes(slice_minutes);
            Budgeting::RatioTimeslices
        }
    };
    Document {
        api_version: API_VERSION,
        kind: "SLO",
        metadata: head,
        spec: SloSpec {
            description: None,
            service: service.to_owned(),
            indicator: Some(Indicator {
                metadata: metadata(name(&[module, region]), None),
                spec: indicator(line),
            }),
            indicator_ref: None,
            time_window: vec![window(term, line.window)],
            budgeting_method,
            objectives: vec![objective],
            alert_policies: Vec::new(),
        },
    }
}

fn annotations(line: &Coverage) -> BTreeMap<String, String> {
    let texts = [
        (note::MODULE, line.module.to_string()),
        (note::REGION, line.region.to_string()),
        (note::METHOD, line.method.name().to_owned()),
        (note::FLOOR, line.floor.to_string()),
        (note::FEE_SHARE, line.fee_share.to_string()),
        (note::CRITICAL, line.critical.to_string()),
    ];
    texts.map(|(key, text)| (key.to_owned(), text)).into()
}

/// Counts of rollups: milliseconds for session-seconds, samples otherwise.
fn indicator(line: &Coverage) -> SliSpec {
    let (good, total) = match line.method {
        Method::SessionSeconds => ("up_ms", "up_ms + down_ms"),
        _ => ("good", "good + bad"),
    };
    let metric = |count: &str| {
        let spec = json!({
            "module": line.module.name(),
            "region": line.region.name(),
            "count": count,
        });
        Some(json!({"metricSource": {"type": "surecast", "spec": spec}}))
    };
    SliSpec {
        description: None,
        threshold_metric: None,
        ratio_metric: Some(RatioMetric {
            counter: Some(false),
            good: metric(good),
            bad: None,
            total: metric(total),
            raw_type: None,
            raw: None,
        }),
    }
}

fn window(term: &Term, window: Window) -> TimeWindow {
    match window {
        Window::RollingDays(days) => TimeWindow {
            duration: format!("{days}d"),
            calendar: None,
            is_rolling: true,
        },
        Window::Period => {
            let start = match term.alignment {
                Alignment::Anniversary => term.start,
                Alignment::Calendar | Alignment::NextMonth => term.start.first_of_month(),
            };
            TimeWindow {
                duration: "1M".to_owned(),
                calendar: Some(CalendarWindow {
                    start_time: format!("{start} 00:00:00"),
                    time_zone: term.zone.clone(),
                }),
                is_rolling: false,
            }
        }
    }
}

const fn metadata(name: String, display_name: Option<String>) -> Metadata {
    Metadata {
        name,
        display_name,
        labels: None,
        annotations: BTreeMap::new(),
    }
}

/// A name by RFC 1123 of some parts.
fn name(parts: &[&str]) -> String {
    let plain = |c: char| {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            c
        } else {
            '-'
        }
    };
    let text: String = parts.join("-").chars().map(plain).collect();
    let short: String = text.trim_matches('-').chars().take(MAX_NAME).collect();
    short.trim_end_matches('-').to_owned()
}
