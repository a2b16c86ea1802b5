//! What periods came to, as data and as documents.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use surecast_guarantee::offer::Lang;
use surecast_guarantee::settlement::{Settlement, Step, page, text};
use tokio::sync::Semaphore;

use super::Api;
use super::access::Caller;
use super::body::{Body, Params, number};
use super::error::ApiError;
use crate::guarantee::Role;
use crate::statement;
use crate::store::SettlementRow;

/// Which document.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    format: Format,
    lang: Language,
    /// An earlier statement of the period; none = the last one.
    entry: Option<i64>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Format {
    #[default]
    Json,
    Html,
    Text,
    Pdf,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Language {
    #[default]
    En,
    Zh,
}

impl From<Language> for Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::Zh => Self::Zh,
        }
    }
}

/// A step, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stepped {
    step: Step,
    #[serde(default)]
    reason: Option<String>,
}

pub async fn list(
    State(api): State<Arc<Api>>,
    Path(contract): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let mut rows = api.settler.list(&contract).await?;
    rows.sort_by_key(|row| std::cmp::Reverse((row.at_ms, row.period, row.entry)));
    let rows = rows.iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({ "settlements": rows })))
}

pub async fn one(
    State(api): State<Arc<Api>>,
    Path((contract, period)): Path<(String, String)>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, ApiError> {
    let period: u32 = number("period", &period)?;
    let hash = hash(&api, &contract)?;
    let rows = api.settler.list(&contract).await?;
    let fits = |row: &&SettlementRow| {
        row.period == i64::from(period) && wanted.entry.is_none_or(|entry| entry == row.entry)
    };
    // Of another version of the contract only where this one has none.
    let last = rows.iter().filter(fits);
    let last = last.max_by_key(|row| (row.hash == hash, row.entry, row.at_ms));
    let row = last.cloned().ok_or_else(|| {
        ApiError::NotFound(format!(
            "period {period} of `{contract}` has no such statement: \
             GET …/settlements lists those that there are"
        ))
    })?;
    document(&api, &row, rows, &wanted).await
}

pub async fn step(
    State(api): State<Arc<Api>>,
    Path((contract, period)): Path<(String, String)>,
    Extension(caller): Extension<Caller>,
    Body(stepped): Body<Stepped>,
) -> Result<Json<Value>, ApiError> {
    let period = number("period", &period)?;
    if caller.role == Role::Customer && stepped.step != Step::Dispute {
        return Err(ApiError::Forbidden(format!(
            "a customer disputes a settlement and cannot {}: the provider does",
            stepped.step
        )));
    }
    if stepped.step == Step::Dispute && stepped.reason.as_deref().is_none_or(str::is_empty) {
        let why = "a dispute needs a `reason`: say what is wrong";
        return Err(ApiError::Bad(why.to_owned()));
    }
    let Stepped { step, reason } = stepped;
    let row = api.settler.step(&contract, period, step, reason).await?;
    shown(&row).map(Json)
}

fn hash(api: &Api, contract: &str) -> Result<String, ApiError> {
    let hash = api.view(contract)?.contract.hash();
    hash.map_err(|error| ApiError::Unavailable(error.to_string()))
}

fn read(row: &SettlementRow) -> Result<Settlement, ApiError> {
    serde_json::from_str(&row.canonical).map_err(|error| {
        let leaf = row.leaf;
        tracing::error!(leaf, %error, "a settlement in the store cannot be read");
        ApiError::Unavailable(format!(
            "the statement of leaf {leaf} cannot be read from the store; the log has it"
        ))
    })
}

fn shown(row: &SettlementRow) -> Result<Value, ApiError> {
    let said = read(row)?;
    let at = Timestamp::from_millisecond(row.at_ms).unwrap_or_default();
    Ok(json!({
        "contract": row.contract,
        "version": said.contract.version,
        "hash": row.hash,
        "period": row.period,
        "first": said.period.first,
        "end": said.period.end,
        "entry": row.entry,
        "step": said.step,
        "status": said.status,
        "reason": said.reason,
        "leaf": row.leaf,
        "at": at,
        "currency": said.currency,
        "credit": said.credit.to_string(),
        "claim_until": said.claim_until,
        "missed": said.lines.iter().filter(|line| !line.met).count(),
    }))
}

async fn document(
    api: &Api,
    row: &SettlementRow,
    rows: Vec<SettlementRow>,
    wanted: &Wanted,
) -> Result<Response, ApiError> {
    let lang = Lang::from(wanted.lang);
    let (kind, body) = match wanted.format {
        // As it stands in the log, so that its hash is the leaf's.
        Format::Json => ("application/json", row.canonical.clone().into_bytes()),
        Format::Html => {
            let said = read(row)?;
            let page = page(&said, &[], lang);
            ("text/html; charset=utf-8", page.into_bytes())
        }
        Format::Text => {
            let said = read(row)?;
            ("text/plain; charset=utf-8", text(&said, lang).into_bytes())
        }
        Format::Pdf => ("application/pdf", printed(api, row, rows, lang).await?),
    };
    let kind = HeaderValue::from_static(kind);
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// One is printed at a time: it takes a core and some tens of megabytes.
static PRESS: Semaphore = Semaphore::const_new(1);

async fn printed(
    api: &Api,
    row: &SettlementRow,
    rows: Vec<SettlementRow>,
    lang: Lang,
) -> Result<Vec<u8>, ApiError> {
    let leaf = row.leaf;
    let unavailable = |why: String| {
        tracing::error!(leaf, why, "a settlement cannot be printed");
        ApiError::Unavailable(format!(
            "the statement of leaf {leaf} cannot be printed: ask for `format=html`, or try again"
        ))
    };
    let contract = api.settler.contract(&row.contract, &row.hash).await?;
    let origin = api.shared.log.key().name().to_owned();
    let row = row.clone();
    let turn = PRESS.acquire().await;
    let turn = turn.map_err(|error| unavailable(error.to_string()))?;
    let print = move || {
        // Until it is printed, also when nobody waits for it any more.
        let _turn = turn;
        statement::pdf(&contract, &row, &rows, &origin, lang)
    };
    let printed = tokio::task::spawn_blocking(print).await;
    let printed = printed.map_err(|error| unavailable(error.to_string()))?;
    printed.map_err(|error| unavailable(format!("{error:#}")))
}
