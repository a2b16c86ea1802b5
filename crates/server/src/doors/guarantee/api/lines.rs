//! How the lines of a contract stand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use surecast_guarantee::rollup::Minute;
use tokio::time::Instant;

use super::Api;
use super::error::ApiError;
use crate::guarantee::timestamp;

/// Nothing is computed twice within this, however often it is asked for.
const AT_LEAST: Duration = Duration::from_secs(3);

/// Without a new minute in the log nothing changes but which day it is.
const AT_MOST: Duration = Duration::from_secs(60);

/// Answers of a moment ago; one for each contract of the desk.
#[derive(Default)]
pub struct Cache(Mutex<BTreeMap<String, Arc<Slot>>>);

/// Held while an answer is computed: whoever asks meanwhile waits for it.
type Slot = tokio::sync::Mutex<Option<Kept>>;

/// What an answer stands on: the last minute, the version of the contract, and
/// how much is declared not to count.
type Basis = (Option<Minute>, u32, usize);

struct Kept {
    made: Instant,
    basis: Basis,
    answer: Bytes,
}

impl Kept {
    fn holds(&self, basis: Basis, now: Instant) -> bool {
        let age = now.duration_since(self.made);
        age < AT_LEAST || (age < AT_MOST && self.basis == basis)
    }
}

impl Cache {
    fn slot(&self, contract: &str) -> Arc<Slot> {
        // A panic in between leaves a map that is as good as before.
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(contract.to_owned()).or_default().clone()
    }
}

pub async fn of_contract(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let view = api.view(&id)?;
    let slot = api.lines.slot(&id);
    let mut kept = slot.lock().await;
    let basis = {
        let book = api.shared.book();
        (book.last(), view.contract.version, book.exclusions().len())
    };
    let now = Instant::now();
    if let Some(kept) = kept.as_ref().filter(|kept| kept.holds(basis, now)) {
        return Ok(answer(kept.answer.clone()));
    }
    let shared = api.shared.clone();
    let compute = move || {
        let lines = shared.lines(&view.contract, timestamp());
        serde_json::to_vec(&lines)
    };
    let made = tokio::task::spawn_blocking(compute).await;
    let made = made.map_err(|_| ApiError::Unavailable("the server stops".to_owned()))?;
    let made = made.map_err(|error| ApiError::Unavailable(error.to_string()))?;
    let bytes = Bytes::from(made);
    *kept = Some(Kept {
        made: now,
        basis,
        answer: bytes.clone(),
    });
    Ok(answer(bytes))
}

fn answer(body: Bytes) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_holds_until_something_is_new_and_never_for_long() {
        let made = Instant::now();
        let kept = Kept {
            made,
            basis: (Some(Minute(1)), 1, 0),
            answer: Bytes::new(),
        };
        for (basis, seconds, holds) in [
            ((Some(Minute(2)), 1, 0), 2, true),
            ((Some(Minute(2)), 1, 0), 3, false),
            ((Some(Minute(1)), 1, 0), 59, true),
            ((Some(Minute(1)), 1, 1), 59, false),
            ((Some(Minute(1)), 1, 0), 60, false),
        ] {
            let now = made + Duration::from_secs(seconds);
            assert_eq!(kept.holds(basis, now), holds, "{basis:?} {seconds}");
        }
    }
}
