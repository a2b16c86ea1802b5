//! `POST /guarantee/v1/faults`: something goes wrong on purpose, with `--dev`
//! only.
//!
//! ```text
//! {"kind": "drop_udp" | "refuse_joins" | "stall_media", "seconds": 1 to 3600, 0 ends it}
//! ```

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::Doors;
use crate::faults::{Fault, Faults, MAX_SECONDS};
use crate::{clock, guarantee};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    kind: Fault,
    seconds: u64,
}

type Refusal = (StatusCode, String);

pub(super) async fn make(
    State(doors): State<Arc<Doors>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match allowed(&doors, &headers, &body) {
        Ok((faults, request)) => set(&doors, &faults, &request),
        Err((status, error)) => (status, Json(json!({ "error": error }))).into_response(),
    }
}

fn allowed(
    doors: &Doors,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Arc<Faults>, Request), Refusal> {
    let Some(faults) = doors.faults.clone() else {
        let why = "faults on purpose exist with `--dev` only; this server was started without it";
        return Err((StatusCode::NOT_FOUND, why.into()));
    };
    let grants = doors.keys.authenticate(headers, None);
    let grants = grants.map_err(|error| (StatusCode::UNAUTHORIZED, error.to_string()))?;
    if !grants.video.is_some_and(|video| video.room_admin) {
        let why = "the token needs `roomAdmin`: `surecast token create --dev --room-admin`";
        return Err((StatusCode::FORBIDDEN, why.into()));
    }
    let request: Request = serde_json::from_slice(body).map_err(|error| {
        let why = format!(
            "the body: {error}; write {{\"kind\": \"drop_udp\", \"seconds\": 60}} \
             (or refuse_joins, stall_media)"
        );
        (StatusCode::BAD_REQUEST, why)
    })?;
    if request.seconds > MAX_SECONDS {
        let why = format!(
            "`seconds`: {} is more than the {MAX_SECONDS} of the longest fault",
            request.seconds
        );
        return Err((StatusCode::BAD_REQUEST, why));
    }
    Ok((faults, request))
}

fn set(doors: &Doors, faults: &Faults, request: &Request) -> Response {
    let Request { kind, seconds } = *request;
    faults.set(kind, Duration::from_secs(seconds), clock::now().at);
    tracing::warn!(kind = kind.name(), seconds, "a fault on purpose");
    if let Some(shared) = doors.guarantee.clone() {
        let text = format!("a fault on purpose: {} for {seconds} s", kind.name());
        // Whoever makes a fault does not wait for the disk.
        tokio::spawn(async move { guarantee::note(&shared.log, &text).await });
    }
    let until = guarantee::timestamp() + Duration::from_secs(seconds);
    Json(json!({ "kind": kind, "seconds": seconds, "until": until })).into_response()
}
