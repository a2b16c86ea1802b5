//! What people wrote, and what became of it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::support::Channel;
use surecast_guarantee::incident::Refused;
use surecast_guarantee::ticket::search::search;
use surecast_guarantee::ticket::{About, Action, Incoming, Message, Ticket};

use super::access::Caller;
use super::body::{Body, Listed, Params, number};
use super::error::ApiError;
use super::{Api, clocks};
use crate::guarantee::timestamp;

/// A new ticket.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    subject: String,
    body: String,
    #[serde(default)]
    about: About,
    #[serde(default)]
    channel: Through,
}

/// One more message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    body: String,
    /// No human wrote it, so that it answers nothing.
    #[serde(default)]
    automatic: bool,
    #[serde(default)]
    channel: Through,
}

/// What can come by this door; mails and calls come by their own.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Through {
    #[default]
    Api,
    Web,
    Chat,
}

impl From<Through> for Channel {
    fn from(through: Through) -> Self {
        match through {
            Through::Api => Self::Api,
            Through::Web => Self::Web,
            Through::Chat => Self::Chat,
        }
    }
}

pub async fn list(
    State(api): State<Arc<Api>>,
    Path(contract): Path<String>,
    Params(listed): Params<Listed>,
) -> Result<Json<Value>, ApiError> {
    let view = api.view(&contract)?;
    let fits = |t: &&Ticket| listed.open.is_none_or(|open| open == t.state.is_open());
    let after = |t: &&Ticket| listed.after.is_none_or(|after| t.id < after);
    let newest = view.tickets.iter().rev().filter(fits).filter(after);
    let all = match listed.q.as_deref() {
        Some(query) => search(newest, query)?,
        None => newest.collect(),
    };
    let (page, next) = listed.page(all, |ticket| ticket.id);
    let now = timestamp();
    let rows: Vec<Value> = page.iter().map(|t| shown(t, &view.contract, now)).collect();
    Ok(Json(json!({ "tickets": rows, "next": next })))
}

pub async fn one(
    State(api): State<Arc<Api>>,
    Path((contract, ticket)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    found(&api, &contract, number("ticket", &ticket)?).map(Json)
}

pub async fn open(
    State(api): State<Arc<Api>>,
    Path(contract): Path<String>,
    Extension(caller): Extension<Caller>,
    Body(opened): Body<Opened>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if opened.subject.trim().is_empty() {
        let why = "`subject` is empty: say in a line what it is about";
        return Err(ApiError::Bad(why.to_owned()));
    }
    let incoming = Incoming {
        ticket: None,
        channel: opened.channel.into(),
        author: caller.actor(),
        automatic: false,
        subject: opened.subject,
        body: opened.body,
        about: opened.about,
    };
    let id = api.desk.write(&contract, incoming).await?;
    Ok((StatusCode::CREATED, Json(json!({ "ticket": id }))))
}

pub async fn write(
    State(api): State<Arc<Api>>,
    Path((contract, ticket)): Path<(String, String)>,
    Extension(caller): Extension<Caller>,
    Body(written): Body<Written>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let incoming = Incoming {
        ticket: Some(number("ticket", &ticket)?),
        channel: written.channel.into(),
        author: caller.actor(),
        automatic: written.automatic,
        subject: String::new(),
        body: written.body,
        about: About::default(),
    };
    let id = api.desk.write(&contract, incoming).await?;
    Ok((StatusCode::CREATED, Json(json!({ "ticket": id }))))
}

pub async fn act(
    State(api): State<Arc<Api>>,
    Path((contract, ticket)): Path<(String, String)>,
    Extension(caller): Extension<Caller>,
    Body(action): Body<Action>,
) -> Result<Json<Value>, ApiError> {
    let id = number("ticket", &ticket)?;
    let actor = caller.actor();
    api.desk.ticket(&contract, actor, id, action).await?;
    found(&api, &contract, id).map(Json)
}

fn found(api: &Api, contract: &str, id: u64) -> Result<Value, ApiError> {
    let view = api.view(contract)?;
    let found = view.tickets.iter().find(|ticket| ticket.id == id);
    let what = "ticket".to_owned();
    let found = found.ok_or(Refused::Unknown { what, id })?;
    let mut answer = shown(found, &view.contract, timestamp());
    let message = |message: &Message| {
        json!({
            "at": message.at,
            "channel": message.channel,
            "author": message.author,
            "automatic": message.automatic,
            "body": message.body,
        })
    };
    answer["messages"] = found.messages.iter().map(message).collect();
    Ok(answer)
}

fn shown(ticket: &Ticket, contract: &Contract, now: Timestamp) -> Value {
    json!({
        "id": ticket.id,
        "contract": contract.id,
        "channel": ticket.channel,
        "subject": ticket.subject,
        "about": ticket.about,
        "opened": ticket.opened,
        "state": ticket.state,
        "open": ticket.state.is_open(),
        "severity": ticket.severity,
        "incident": ticket.incident,
        "asked": ticket.asked,
        "resolved": ticket.resolved,
        "clocks": clocks::views(&ticket.timers, &contract.support, now),
        "written": ticket.messages.len(),
        "refused": ticket.refused,
    })
}
