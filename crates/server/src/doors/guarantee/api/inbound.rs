//! What comes by mail and phone, passed on by a gateway.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::inbound::{self, InboundError};
use surecast_guarantee::ticket::Incoming;

use super::Api;
use super::access::Caller;
use super::body::{Mail, Note, Params};
use super::error::ApiError;

/// To which contract a mail belongs, where the mail itself does not say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct To {
    contract: Option<String>,
}

/// As much of a note as says whose it is.
#[derive(Deserialize)]
struct Addressed {
    contract: String,
}

type Written = Result<(StatusCode, Json<Value>), ApiError>;

pub async fn mail(
    State(api): State<Arc<Api>>,
    Params(to): Params<To>,
    Extension(hook): Extension<Caller>,
    Mail(mail): Mail,
) -> Written {
    let Some(id) = inbound::contract_of(&mail).or(to.contract) else {
        let why = "the mail names no contract: pass the one of its mailbox as `?contract=ID`";
        return Err(ApiError::Bad(why.to_owned()));
    };
    let contract = contract(&api, &hook, &id)?;
    write(&api, &id, inbound::mail(&mail, &contract)?).await
}

pub async fn phone(
    State(api): State<Arc<Api>>,
    Extension(hook): Extension<Caller>,
    Note(note): Note,
) -> Written {
    let addressed: Addressed = serde_json::from_slice(&note)
        .map_err(|why| ApiError::Bad(format!("the body does not fit: {why}")))?;
    let contract = contract(&api, &hook, &addressed.contract)?;
    let incoming = inbound::phone(&note, &contract)?;
    write(&api, &addressed.contract, incoming).await
}

fn contract(api: &Api, hook: &Caller, id: &str) -> Result<Arc<Contract>, ApiError> {
    let view = api.desk.view(id).filter(|_| hook.sees(id));
    let view = view.ok_or_else(|| ApiError::no_contract(id))?;
    Ok(view.contract.clone())
}

async fn write(api: &Api, contract: &str, incoming: Incoming) -> Written {
    let id = api.desk.write(contract, incoming).await?;
    Ok((StatusCode::CREATED, Json(json!({ "ticket": id }))))
}

/// A gateway that is refused tells the sender, and does not try again.
impl From<InboundError> for ApiError {
    fn from(error: InboundError) -> Self {
        let why = error.to_string();
        match error {
            InboundError::TooLarge { .. } => Self::TooLarge(why),
            InboundError::Malformed(_) => Self::Bad(why),
            InboundError::Stranger(_) | InboundError::Forged => Self::Forbidden(why),
            InboundError::Automatic | InboundError::NoTicket(_) => Self::Conflict(why),
        }
    }
}
