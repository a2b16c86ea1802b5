//! What is down, who is on it, and until when.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde_json::{Value, json};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::evidence::Leaf;
use surecast_guarantee::incident::{Action, Entry, Incident, LineState, Refused, review};

use super::access::Caller;
use super::body::{Body, Listed, Params, number};
use super::error::ApiError;
use super::{Api, clocks};
use crate::guarantee::timestamp;

pub async fn list(
    State(api): State<Arc<Api>>,
    Path(contract): Path<String>,
    Params(listed): Params<Listed>,
) -> Result<Json<Value>, ApiError> {
    if listed.q.is_some() {
        let why = "`q` is for tickets: incidents are listed by `open`, `limit` and `after`";
        return Err(ApiError::Bad(why.to_owned()));
    }
    let view = api.view(&contract)?;
    let all = view.incidents.iter();
    let all = all.filter(|i| listed.open.is_none_or(|open| open == i.state.is_open()));
    let (page, next) = listed.page(all.collect(), |incident| incident.id);
    let now = timestamp();
    let rows: Vec<Value> = page.iter().map(|i| shown(i, &view.contract, now)).collect();
    Ok(Json(json!({ "incidents": rows, "next": next })))
}

pub async fn one(
    State(api): State<Arc<Api>>,
    Path((contract, incident)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    found(&api, &contract, number("incident", &incident)?).map(Json)
}

pub async fn act(
    State(api): State<Arc<Api>>,
    Path((contract, incident)): Path<(String, String)>,
    Extension(caller): Extension<Caller>,
    Body(action): Body<Action>,
) -> Result<Json<Value>, ApiError> {
    let id = number("incident", &incident)?;
    let actor = caller.actor();
    api.desk.incident(&contract, actor, id, action).await?;
    found(&api, &contract, id).map(Json)
}

pub async fn timeline(
    State(api): State<Arc<Api>>,
    Path((contract, incident)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let id = number("incident", &incident)?;
    let indexes = api.shared.book().trail().of(&contract, id);
    if indexes.is_empty() {
        // Nothing of it is in the log; perhaps there is no such incident.
        find(&api, &contract, id)?;
    }
    let shared = api.shared.clone();
    let read = move || {
        let leaves = shared.leaves(&indexes)?;
        told(leaves, &contract, id).map_err(|error| error.to_string())
    };
    let read = tokio::task::spawn_blocking(read).await;
    let stops = |_| ApiError::Unavailable("the server stops".to_owned());
    let timeline = read.map_err(stops)?.map_err(|why| {
        tracing::error!(why, "the evidence log cannot be read");
        ApiError::Unavailable("the evidence log cannot be read: its operator knows why".to_owned())
    })?;
    Ok(Json(timeline))
}

/// The timeline, each entry with its leaf.
fn told(mut leaves: Vec<(u64, Leaf)>, contract: &str, id: u64) -> Result<Value, serde_json::Error> {
    // The same that the timeline passes over.
    leaves.retain(|(_, leaf)| leaf.decode::<Entry>().is_ok());
    let timeline = review::timeline(leaves.iter().map(|(_, leaf)| leaf), contract, id);
    let mut told = serde_json::to_value(timeline)?;
    let entries = told["entries"].as_array_mut().into_iter().flatten();
    for (entry, (index, _)) in entries.zip(leaves) {
        entry["leaf"] = json!(index);
    }
    Ok(told)
}

fn find(api: &Api, contract: &str, id: u64) -> Result<(Incident, Arc<Contract>), ApiError> {
    let view = api.view(contract)?;
    let found = view.incidents.iter().find(|incident| incident.id == id);
    let what = "incident".to_owned();
    let found = found.ok_or(Refused::Unknown { what, id })?;
    Ok((found.clone(), view.contract.clone()))
}

fn found(api: &Api, contract: &str, id: u64) -> Result<Value, ApiError> {
    let (incident, contract) = find(api, contract, id)?;
    Ok(shown(&incident, &contract, timestamp()))
}

fn shown(incident: &Incident, contract: &Contract, now: Timestamp) -> Value {
    let line = |(region, line): (&_, &LineState)| {
        json!({
            "region": region,
            "minute": line.minute.start(),
            "clear_since": line.clear_since,
        })
    };
    json!({
        "id": incident.id,
        "contract": contract.id,
        "module": incident.module,
        "lines": incident.lines.iter().map(line).collect::<Vec<_>>(),
        "state": incident.state,
        "open": incident.state.is_open(),
        "severity": incident.severity,
        "first_bad": incident.first_bad,
        "detected": incident.detected,
        "clear_since": incident.clear_since(),
        "clear_minutes": incident.clear_minutes(),
        "clear_minutes_needed": contract.severity.clear_minutes,
        "restored": incident.restored(),
        "resolved": incident.resolved,
        "clocks": clocks::views(&incident.timers, &contract.support, now),
        "refs": incident.refs,
        "words": incident.words,
        "refused": incident.refused,
    })
}
