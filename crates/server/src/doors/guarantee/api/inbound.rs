//! What comes by mail and phone, passed on by a gateway.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use surecast_guarantee::contract::support::Channel;
use surecast_guarantee::incident::{Actor, Author};
use surecast_guarantee::ticket::{About, Incoming};

use super::Api;
use super::access::Caller;
use super::body::{Body, Mail, Params};
use super::error::ApiError;

/// Longest subject that is made of a note.
const SUBJECT: usize = 80;

/// To which contract a mail belongs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct To {
    contract: Option<String>,
}

/// A call, as whoever took it down says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    contract: String,
    caller: String,
    note: String,
    #[serde(default)]
    ticket: Option<u64>,
}

/// Nothing reads mails yet; a gateway that is told so keeps them.
pub async fn mail(
    State(api): State<Arc<Api>>,
    Params(to): Params<To>,
    Extension(hook): Extension<Caller>,
    Mail(mail): Mail,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let contract = to.contract.unwrap_or_default();
    if !hook.sees(&contract) || api.desk.view(&contract).is_none() {
        return Err(ApiError::no_contract(&contract));
    }
    let bytes = mail.len();
    Err(ApiError::Unavailable(format!(
        "this server does not read mails yet ({bytes} bytes): keep it, or open a ticket"
    )))
}

pub async fn phone(
    State(api): State<Arc<Api>>,
    Extension(hook): Extension<Caller>,
    Body(call): Body<Call>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    if !hook.sees(&call.contract) {
        return Err(ApiError::no_contract(&call.contract));
    }
    if call.note.trim().is_empty() {
        let why = "`note` is empty: say what the caller said";
        return Err(ApiError::Bad(why.to_owned()));
    }
    let first = call.note.trim().lines().next().unwrap_or_default();
    let incoming = Incoming {
        ticket: call.ticket,
        channel: Channel::Phone,
        author: Actor::new(Author::Customer, &call.caller),
        automatic: false,
        subject: first.chars().take(SUBJECT).collect(),
        body: call.note,
        about: About::default(),
    };
    let id = api.desk.write(&call.contract, incoming).await?;
    Ok((StatusCode::CREATED, Json(json!({ "ticket": id }))))
}
