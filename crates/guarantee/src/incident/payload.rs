//! An incident as other products take it: documents for webhooks, no sending.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::model::Incident;
use super::state::State;
use crate::severity::Severity;

/// Longest summary that PagerDuty takes, in characters. A contract can name more
/// regions than fit.
const MAX_SUMMARY: usize = 1_024;

/// Where a reader finds more.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Name of the contract.
    pub contract: &'a str,
    /// The server's own address, without a slash at the end.
    pub base_url: &'a str,
}

impl Context<'_> {
    fn page(&self, incident: &Incident) -> String {
        format!(
            "{}/guarantee/v1/contracts/{}/incidents/{}",
            self.base_url, self.contract, incident.id
        )
    }

    /// One key for the whole life of an incident.
    fn key(&self, incident: &Incident) -> String {
        format!("surecast/{}/{}", self.contract, incident.id)
    }

    fn summary(&self, incident: &Incident) -> String {
        let text = format!(
            "{:?} {} is {} in {}",
            incident.severity,
            incident.module,
            incident.state.name(),
            regions(incident)
        );
        text.chars().take(MAX_SUMMARY).collect()
    }
}

/// The body of `POST /api/v2/alerts` of Alertmanager: a list of one alert.
///
/// Its labels never change while it lives, because they are what makes two
/// alerts the same there; severity and state are annotations. `endsAt` is there
/// once the incident is resolved. It has to be sent again every few minutes
/// while it is open, or Alertmanager takes it for resolved.
#[must_use]
pub fn alertmanager(incident: &Incident, context: Context<'_>) -> Value {
    let mut alert = json!({
        "labels": {
            "alertname": "SurecastIncident",
            "contract": context.contract,
            "incident": incident.id.to_string(),
            "module": incident.module.name(),
        },
        "annotations": {
            "summary": context.summary(incident),
            "severity": format!("{:?}", incident.severity),
            "state": incident.state.name(),
            "regions": regions(incident),
        },
        "startsAt": incident.first_bad.to_string(),
        "generatorURL": context.page(incident),
    });
    if let Some(resolved) = incident.resolved {
        alert["endsAt"] = json!(resolved.to_string());
    }
    json!([alert])
}

/// An event of PagerDuty's Events API v2 (`POST /v2/enqueue`).
///
/// The action follows from the state: `trigger`, `acknowledge`, `resolve`; the
/// `dedup_key` stays the same.
#[must_use]
pub fn pagerduty(incident: &Incident, context: Context<'_>, routing_key: &str) -> Value {
    let action = match incident.state {
        State::Detected => "trigger",
        State::Acknowledged | State::Mitigated => "acknowledge",
        State::Resolved | State::Reviewed => "resolve",
    };
    json!({
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": context.key(incident),
        "client": "Surecast",
        "client_url": context.page(incident),
        "payload": {
            "summary": context.summary(incident),
            "source": format!("surecast/{}", context.contract),
            "severity": pagerduty_severity(incident.severity),
            "timestamp": incident.first_bad.to_string(),
            "component": incident.module.name(),
            "group": regions(incident),
            "class": "incident",
            "custom_details": {
                "severity": format!("{:?}", incident.severity),
                "state": incident.state.name(),
                "evidence": incident.refs.iter().collect::<Vec<_>>(),
            },
        },
    })
}

/// The body of our own webhook; whoever sends it signs these bytes in canonical
/// JSON. `id` is that of the change, the same when it is sent again, so that a
/// receiver can tell copies.
#[must_use]
pub fn webhook(incident: &Incident, context: Context<'_>, id: &str, at: Timestamp) -> Value {
    json!({
        "event": "incident",
        "id": format!("{}/{id}", context.key(incident)),
        "at": at.to_string(),
        "contract": context.contract,
        "url": context.page(incident),
        "incident": {
            "id": incident.id,
            "module": incident.module,
            "regions": incident.regions(),
            "state": incident.state,
            "severity": incident.severity,
            "first_bad": incident.first_bad,
            "detected": incident.detected,
            "restored": incident.restored(),
            "resolved": incident.resolved,
            "evidence": incident.refs,
        },
    })
}

/// The four words that PagerDuty knows.
const fn pagerduty_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::S1 => "critical",
        Severity::S2 => "error",
        Severity::S3 => "warning",
        Severity::S4 => "info",
    }
}

fn regions(incident: &Incident) -> String {
    let names: Vec<_> = incident.lines.keys().map(|r| r.name()).collect();
    names.join(", ")
}
