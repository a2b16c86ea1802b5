//! `/log/`: the evidence log for everybody.
//! [C2SP tlog-tiles](https://c2sp.org/tlog-tiles)
//!
//! Only what the published checkpoint covers is given out. Files beyond it may
//! still be written over, and caches keep tiles for good.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use surecast_guarantee::evidence::appender::WitnessError;
use surecast_guarantee::evidence::files::Files as _;
use surecast_guarantee::evidence::note::MAX_NOTE;
use surecast_guarantee::evidence::{Note, Tile};

use super::cors;
use crate::evidence::{EvidenceLog, Reader, WitnessFailure};

const TEXT: &str = "text/plain; charset=utf-8";

/// Tiles never change.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// A checkpoint is another one a second later.
const NOT_AT_ALL: &str = "no-cache";

/// The routes of a log. Everybody may read; witnesses that the log knows may add
/// their signatures, which say who they are.
pub fn routes(log: EvidenceLog) -> Router {
    Router::new()
        .route("/log/checkpoint", get(checkpoint))
        .route("/log/checkpoint.witnessed", get(witnessed))
        .route("/log/vkey", get(vkey))
        .route("/log/tile/{*path}", get(tile))
        .route("/log/add-cosignature", post(add_cosignature))
        .layer(DefaultBodyLimit::max(MAX_NOTE))
        .layer(axum::middleware::from_fn(cors::allow_all))
        .with_state(log)
}

async fn checkpoint(State(log): State<EvidenceLog>) -> Response {
    let text = log.published().borrow().checkpoint.to_string();
    answer(TEXT, NOT_AT_ALL, text)
}

async fn witnessed(State(log): State<EvidenceLog>) -> Response {
    let text = log.published().borrow().witnessed.clone();
    match text {
        Some(text) => answer(TEXT, NOT_AT_ALL, text.to_string()),
        None => refuse(
            StatusCode::NOT_FOUND,
            "no witness has signed a checkpoint yet",
        ),
    }
}

async fn vkey(State(log): State<EvidenceLog>) -> Response {
    answer(TEXT, NOT_AT_ALL, format!("{}\n", log.key()))
}

async fn tile(State(log): State<EvidenceLog>, Path(path): Path<String>) -> Response {
    let tile: Tile = match format!("tile/{path}").parse() {
        Ok(tile) => tile,
        Err(error) => return refuse(StatusCode::NOT_FOUND, &error),
    };
    if !tile.is_in(log.published().borrow().size) {
        return refuse(StatusCode::NOT_FOUND, "the log has no such tile yet");
    }
    let mut files = Reader::new(log.root());
    let read = tokio::task::spawn_blocking(move || files.read(&tile.to_string())).await;
    match read {
        Ok(Ok(Some(bytes))) => answer("application/octet-stream", FOR_GOOD, bytes),
        Ok(Ok(None)) => refuse(
            StatusCode::NOT_FOUND,
            "this partial tile was removed: ask for the full one",
        ),
        Ok(Err(error)) => {
            tracing::error!(%tile, %error, "a file of the evidence log cannot be read");
            refuse(StatusCode::INTERNAL_SERVER_ERROR, "the tile cannot be read")
        }
        // The server stops.
        Err(_) => refuse(StatusCode::SERVICE_UNAVAILABLE, "try again later"),
    }
}

/// The body is a checkpoint of this log with signatures of witnesses: the whole
/// note, so that it need not be the newest one, which it hardly is after the way
/// to the witness and back.
async fn add_cosignature(State(log): State<EvidenceLog>, body: Bytes) -> Response {
    let note = match Note::parse(&body) {
        Ok(note) => note,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    match log.witness(note).await {
        Ok(size) => answer(TEXT, "no-store", format!("{size}\n")),
        Err(error) => {
            let status = match &error {
                WitnessFailure::Refused(WitnessError::Checkpoint(_)) => StatusCode::BAD_REQUEST,
                WitnessFailure::Refused(WitnessError::NoWitness) => StatusCode::FORBIDDEN,
                WitnessFailure::Refused(WitnessError::Older(_)) => StatusCode::CONFLICT,
                WitnessFailure::Refused(WitnessError::Busy) | WitnessFailure::Busy => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
            };
            refuse(status, &error.to_string())
        }
    }
}

fn answer(kind: &'static str, cache: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

fn refuse(status: StatusCode, why: &str) -> Response {
    let mut response = answer(TEXT, "no-store", format!("{why}\n"));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests;
