//! `POST /guarantee/v1/probes`: a vantage's signed statement of a minute.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use surecast_guarantee::evidence::note::NoteError;
use surecast_guarantee::report::ReportError;

use super::{Doors, OFF};
use crate::guarantee::Refusal;

/// The signature says who speaks; no token is asked for.
pub(crate) async fn take(State(doors): State<Arc<Doors>>, body: Bytes) -> Response {
    let Some(shared) = &doors.guarantee else {
        return answer(StatusCode::NOT_FOUND, OFF.trim_end());
    };
    match shared
        .take_probe(&body, crate::guarantee::timestamp())
        .await
    {
        Ok(receipt) => {
            let log = shared.log.key().name();
            Json(json!({ "leaf": receipt.leaf, "sha256": receipt.sha256, "log": log }))
                .into_response()
        }
        Err(refusal) => answer(status(&refusal), &refusal.to_string()),
    }
}

const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Report(ReportError::Unknown | ReportError::Note(NoteError::Forged(_))) => {
            StatusCode::FORBIDDEN
        }
        Refusal::Report(ReportError::TooLong { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::Report(_) | Refusal::Time(_) | Refusal::Region(_) => StatusCode::BAD_REQUEST,
        Refusal::Contradiction(_) => StatusCode::CONFLICT,
        Refusal::Writing | Refusal::Log(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

pub(super) fn answer(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}
