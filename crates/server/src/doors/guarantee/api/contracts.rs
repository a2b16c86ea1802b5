//! What was agreed.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde_json::{Value, json};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::{Record, life};

use super::Api;
use super::access::Caller;
use super::error::ApiError;
use crate::guarantee::timestamp;
use crate::guarantee::{DeskView, Role};

pub async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    let now = timestamp();
    let all = api.desk.contracts();
    let seen = all.iter().filter(|contract| caller.sees(&contract.id));
    let views = seen.filter_map(|contract| api.desk.view(&contract.id));
    let record = api.shared.book().record();
    let rows = views.map(|view| summary(&view, &record, now));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({ "contracts": rows })))
}

pub async fn one(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    let view = api.view(&id)?;
    let now = timestamp();
    let contract = &view.contract;
    let (record, periods) = {
        let book = api.shared.book();
        (book.record(), book.periods(contract, now))
    };
    let mut answer = summary(&view, &record, now)?;
    let period = periods.iter().map(|period| {
        json!({
            "index": period.index,
            "first": period.start,
            "end": period.end,
            "interval": period.interval,
        })
    });
    answer["periods"] = period.collect();
    answer["contract"] = shown(contract, caller.role)?;
    Ok(Json(answer))
}

fn summary(view: &DeskView, record: &Record, now: Timestamp) -> Result<Value, ApiError> {
    let contract = &view.contract;
    let open_incidents = view.incidents.iter().filter(|i| i.state.is_open());
    let open_tickets = view.tickets.iter().filter(|t| t.state.is_open());
    Ok(json!({
        "id": contract.id,
        "version": contract.version,
        "hash": contract.hash().map_err(broken)?,
        "state": life(contract, record, now).map_err(broken)?.state.name(),
        "provider": contract.parties.provider.name,
        "customer": contract.parties.customer.name,
        "term": contract.term.interval().map_err(broken)?,
        "open_incidents": open_incidents.count(),
        "open_tickets": open_tickets.count(),
    }))
}

/// A customer sees the names of the provider's people, and the desk that is
/// there for them, but not how the provider reaches its own.
fn shown(contract: &Contract, role: Role) -> Result<Value, ApiError> {
    let mut shown = contract.clone();
    if role == Role::Customer {
        let support = &mut shown.support;
        let experts = support.experts.iter_mut().map(|expert| &mut expert.contact);
        let people = experts.chain([&mut support.lead]);
        for contact in people.chain(&mut support.account_manager) {
            contact.mail = None;
            contact.phone = None;
            contact.webhook = None;
        }
        shown.parties.provider.contact.webhook = None;
    }
    serde_json::to_value(&shown).map_err(broken)
}

/// A contract that is served was checked; this is for what cannot happen.
fn broken(error: impl std::fmt::Display) -> ApiError {
    ApiError::Unavailable(format!("the contract cannot be read: {error}"))
}
