//! What is known beforehand: time that is not to count, and shows.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::policy::RegisteredEvent;
use surecast_guarantee::exclusion::{Exclusion, ExclusionClass, judge};
use surecast_guarantee::interval::Interval;
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::settlement;

use super::Api;
use super::access::Caller;
use super::body::Body;
use super::error::ApiError;
use crate::guarantee::{Book, timestamp};

/// Maintenance as it is declared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    start: Timestamp,
    end: Timestamp,
    #[serde(default)]
    module: Option<Module>,
    #[serde(default)]
    region: Option<Region>,
    /// Which contracts it is about; none = all whose policy allows it.
    #[serde(default)]
    contracts: Vec<String>,
}

pub async fn maintenance(
    State(api): State<Arc<Api>>,
    Path(contract): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let view = api.view(&contract)?;
    let judged = judged(&view.contract, &api.shared.book());
    Ok(Json(json!({ "maintenance": judged })))
}

/// What the contract does not allow, or allows no more, is refused before it is in
/// the log; what it is worth in the end, the settlement says.
pub async fn declare(
    State(api): State<Arc<Api>>,
    Path(contract): Path<String>,
    Extension(caller): Extension<Caller>,
    Body(declared): Body<Declared>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let interval = Interval::new(declared.start, declared.end).map_err(ApiError::Bad)?;
    if interval.is_empty() {
        let why = "it ends when it starts: say in `end` when it is over";
        return Err(ApiError::Bad(why.to_owned()));
    }
    let actor = caller.actor();
    let exclusion = Exclusion {
        class: ExclusionClass::Maintenance,
        declared_at: timestamp(),
        interval,
        module: declared.module,
        region: declared.region,
        approved_by: actor.name.clone(),
        log_index: None,
        contracts: declared.contracts,
    };
    let leaf = api.desk.declare(&contract, actor, exclusion).await?;
    let view = api.view(&contract)?;
    let judged = judged(&view.contract, &api.shared.book());
    let own = judged.into_iter().find(|one| one["leaf"] == json!(leaf));
    let full = || ApiError::Unavailable(format!("it is leaf {leaf}, and is not shown here"));
    Ok((StatusCode::CREATED, Json(own.ok_or_else(full)?)))
}

/// Each with what it takes out of the periods that it touches, as things stand.
fn judged(contract: &Contract, book: &Book) -> Vec<Value> {
    let exclusions = book.exclusions().iter();
    let exclusions = exclusions.filter(|e| e.concerns(&contract.id)).cloned();
    let exclusions: &[Exclusion] = &exclusions.collect::<Vec<_>>();
    let periods = book.periods(contract, timestamp());
    let mut policy = settlement::policy(contract);
    policy.0.retain(|class, _| class.is_declared());
    let mut counted = vec![0_u64; exclusions.len()];
    let mut refused = vec![None; exclusions.len()];
    for period in periods {
        let touches = |e: &Exclusion| e.interval.intersect(period.interval).is_some();
        if !exclusions.iter().any(touches) {
            continue;
        }
        let verdicts = judge(exclusions, &policy, period.interval);
        for ((at, verdict), exclusion) in verdicts.into_iter().enumerate().zip(exclusions) {
            match verdict {
                Ok(valid) => {
                    let seconds = valid.counted.nanos() / 1_000_000_000;
                    counted[at] += u64::try_from(seconds).unwrap_or(u64::MAX);
                }
                Err(why) if touches(exclusion) => refused[at] = Some(why.to_string()),
                Err(_) => {}
            }
        }
    }
    let rows = exclusions.iter().zip(counted).zip(refused);
    rows.map(|((exclusion, counted_s), refused)| {
        let outside = || (counted_s == 0).then(|| "it is outside the term".to_owned());
        json!({
            "leaf": exclusion.log_index,
            "class": exclusion.class,
            "declared_at": exclusion.declared_at,
            "interval": exclusion.interval,
            "module": exclusion.module,
            "region": exclusion.region,
            "contracts": exclusion.contracts,
            "approved_by": exclusion.approved_by,
            "counted_s": counted_s,
            "refused": refused.or_else(outside),
        })
    })
    .collect()
}

pub async fn events(
    State(api): State<Arc<Api>>,
    Path(contract): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let view = api.view(&contract)?;
    let agreed = &view.contract.severity.events;
    let later = view.events.iter().filter(|event| !agreed.contains(event));
    let all: Vec<&RegisteredEvent> = agreed.iter().chain(later).collect();
    Ok(Json(json!({ "events": all })))
}

pub async fn register(
    State(api): State<Arc<Api>>,
    Path(contract): Path<String>,
    Extension(caller): Extension<Caller>,
    Body(event): Body<RegisteredEvent>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let interval = Interval::new(event.start, event.end).map_err(ApiError::Bad)?;
    if interval.is_empty() || event.name.trim().is_empty() {
        let why = "an event needs a `name`, and an `end` after its `start`";
        return Err(ApiError::Bad(why.to_owned()));
    }
    let actor = caller.actor();
    let leaf = api.desk.register_event(&contract, actor, event).await?;
    Ok((StatusCode::CREATED, Json(json!({ "leaf": leaf }))))
}
