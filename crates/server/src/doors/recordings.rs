//! `/broadcast/v1/recordings`: begin, see and end recordings. The token needs
//! `roomRecord`; where it names a room, it is for that room alone.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use surecast_room::Grants;

use super::Doors;
use crate::broadcast::record::{Handle, RecordError, Recorder, What};

/// Body of a `POST`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begin {
    room: String,
    #[serde(default)]
    what: What,
}

/// `GET`: all of them, the oldest first.
pub(super) async fn list(State(doors): State<Arc<Doors>>, headers: HeaderMap) -> Response {
    let result = allowed(&doors, &headers).map(|(recorder, grants)| {
        let mut all = recorder.all();
        all.retain(|info| may(&grants, &info.room));
        answer(StatusCode::OK, &all)
    });
    result.unwrap_or_else(|refusal| *refusal)
}

/// `POST {"room": …, "what": "program" | "audio" | "video"}`.
pub(super) async fn begin(
    State(doors): State<Arc<Doors>>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Response {
    let (recorder, grants) = match allowed(&doors, &headers) {
        Ok(allowed) => allowed,
        Err(refusal) => return *refusal,
    };
    let begin: Begin = match serde_json::from_slice(&body) {
        Ok(begin) => begin,
        Err(error) => return words(StatusCode::BAD_REQUEST, &format!("the body: {error}")),
    };
    if !may(&grants, &begin.room) {
        return words(StatusCode::FORBIDDEN, "the token is for another room");
    }
    match recorder.start(&begin.room, begin.what).await {
        Ok(handle) => answer(StatusCode::CREATED, &handle.info()),
        Err(error) => {
            let status = match &error {
                RecordError::Refused(refusal) => refusal.status(),
                RecordError::TooMany => StatusCode::TOO_MANY_REQUESTS,
                RecordError::File { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            };
            words(status, &error.to_string())
        }
    }
}

/// `GET …/{id}`: one of them.
pub(super) async fn see(
    State(doors): State<Arc<Doors>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find(&doors, &headers, &id) {
        Ok(handle) => answer(StatusCode::OK, &handle.info()),
        Err(refusal) => *refusal,
    }
}

/// `DELETE …/{id}`: ends it; the answer comes when its files are complete. They
/// stay where they are.
pub(super) async fn end(
    State(doors): State<Arc<Doors>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    match find(&doors, &headers, &id) {
        Ok(handle) => {
            handle.stop();
            handle.over().await;
            answer(StatusCode::OK, &handle.info())
        }
        Err(refusal) => *refusal,
    }
}

fn find(doors: &Doors, headers: &HeaderMap, id: &str) -> Result<Arc<Handle>, Box<Response>> {
    let (recorder, grants) = allowed(doors, headers)?;
    let handle = recorder.get(id);
    let handle = handle.filter(|it| may(&grants, &it.info().room));
    handle.ok_or_else(|| Box::new(words(StatusCode::NOT_FOUND, "there is no such recording")))
}

fn allowed(doors: &Doors, headers: &HeaderMap) -> Result<(Recorder, Grants), Box<Response>> {
    let refuse = |status, text: &str| Box::new(words(status, text));
    let grants = doors
        .keys
        .authenticate(headers, None)
        .map_err(|error| refuse(StatusCode::UNAUTHORIZED, &error.to_string()))?;
    if !grants.video.as_ref().is_some_and(|video| video.room_record) {
        let text = "the token does not allow this: it needs the grant roomRecord";
        return Err(refuse(StatusCode::FORBIDDEN, text));
    }
    let recorder = doors.recorder.clone();
    let text = "this server does not record";
    let recorder = recorder.ok_or_else(|| refuse(StatusCode::NOT_IMPLEMENTED, text))?;
    Ok((recorder, grants))
}

fn may(grants: &Grants, room: &str) -> bool {
    let named = grants.video.as_ref().map_or("", |video| &video.room);
    named.is_empty() || named == room
}

fn answer<T: serde::Serialize + ?Sized>(status: StatusCode, body: &T) -> Response {
    let head = [(header::CACHE_CONTROL, "no-store")];
    (status, head, Json(body)).into_response()
}

fn words(status: StatusCode, text: &str) -> Response {
    (status, format!("{text}\n")).into_response()
}
