//! `POST /guarantee/v1/receipts`: what a client saw, signed by it.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::probes::answer;
use super::{Doors, OFF};
use crate::guarantee::ReceiptRefusal;

/// Longest body: the statement as a text in JSON, every quote escaped, and a
/// signature.
pub(crate) const MAX_BODY: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    /// Canonical JSON.
    statement: String,
    /// Base64.
    signature: String,
}

pub(crate) async fn take(
    State(doors): State<Arc<Doors>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(shared) = &doors.guarantee else {
        return answer(StatusCode::NOT_FOUND, OFF.trim_end());
    };
    let grants = match doors.keys.authenticate(&headers, None) {
        Ok(grants) => grants,
        Err(error) => return answer(StatusCode::UNAUTHORIZED, &error.to_string()),
    };
    let room = grants.video.as_ref().filter(|video| video.room_join);
    let Some(room) = room
        .map(|video| video.room.as_str())
        .filter(|r| !r.is_empty())
    else {
        let why = "the token is for no room: use the one that the room was joined with";
        return answer(StatusCode::FORBIDDEN, why);
    };
    let signed: Signed = match serde_json::from_slice(&body) {
        Ok(signed) => signed,
        Err(error) => {
            let why = format!("the body must be {{\"statement\": …, \"signature\": …}}: {error}");
            return answer(StatusCode::BAD_REQUEST, &why);
        }
    };
    let who = (room, grants.identity.as_str());
    let said = (signed.statement.as_str(), signed.signature.as_str());
    match shared
        .receipts
        .take(who, said, crate::guarantee::timestamp())
    {
        Ok(countersignature) => Json(json!({
            "countersignature": countersignature,
            "key": shared.receipts.key().to_string(),
        }))
        .into_response(),
        Err(refusal) => answer(status(&refusal), &refusal.to_string()),
    }
}

const fn status(refusal: &ReceiptRefusal) -> StatusCode {
    match refusal {
        ReceiptRefusal::Report(_) | ReceiptRefusal::Time(_) => StatusCode::BAD_REQUEST,
        ReceiptRefusal::Sequence(_) => StatusCode::CONFLICT,
        ReceiptRefusal::Rate => StatusCode::TOO_MANY_REQUESTS,
        ReceiptRefusal::Full | ReceiptRefusal::Journal(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
