//! `/broadcast/v1/pulls`: streams that the server fetches.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use surecast_room::Grants;

use super::super::Doors;
use super::{answer, refusal};
use crate::broadcast::pull::{PullError, PullInfo, PullRequest};

const NEEDED: &str = "ingressAdmin, or roomAdmin of the room";

/// Body of `POST`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::doors) struct NewPull {
    room: String,
    url: String,
    #[serde(default)]
    identity: String,
    #[serde(default)]
    name: String,
}

/// `POST`: begins to fetch. 201 with the pull.
pub(in crate::doors) async fn create(
    State(doors): State<Arc<Doors>>,
    headers: HeaderMap,
    Json(new): Json<NewPull>,
) -> Response {
    if let Some(refusal) = refusal(&doors, &headers, |grants| may(grants, &new.room), NEEDED) {
        return refusal;
    }
    if new.room.is_empty() {
        return (StatusCode::BAD_REQUEST, "`room` is empty\n").into_response();
    }
    let request = PullRequest::new(&new.room, &new.url, &new.identity, &new.name);
    let checked = doors.pulls.check(&new.url).await;
    match checked.and_then(|()| doors.pulls.start(request)) {
        Ok(info) => {
            tracing::info!(
                pull = info.id,
                room = info.room,
                url = info.url,
                "pull created"
            );
            (StatusCode::CREATED, answer(info)).into_response()
        }
        Err(error) => (status(&error), format!("{error}\n")).into_response(),
    }
}

fn status(error: &PullError) -> StatusCode {
    match error {
        PullError::Unusable(_) => StatusCode::BAD_REQUEST,
        PullError::Refused(_) => StatusCode::FORBIDDEN,
        PullError::TooMany => StatusCode::TOO_MANY_REQUESTS,
    }
}

/// `GET`: those that the token may see.
pub(in crate::doors) async fn list(
    State(doors): State<Arc<Doors>>,
    headers: HeaderMap,
) -> Response {
    let grants = match doors.keys.authenticate(&headers, None) {
        Ok(grants) => grants,
        Err(error) => return (StatusCode::UNAUTHORIZED, format!("{error}\n")).into_response(),
    };
    let seen = |pull: &PullInfo| may(&grants, &pull.room);
    let pulls: Vec<PullInfo> = doors.pulls.list().into_iter().filter(seen).collect();
    answer(pulls)
}

/// `DELETE`: ends one. 204.
pub(in crate::doors) async fn delete(
    State(doors): State<Arc<Doors>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let room = doors
        .pulls
        .list()
        .into_iter()
        .find(|pull| pull.id == id)
        .map(|pull| pull.room);
    let room = room.unwrap_or_default();
    if let Some(refusal) = refusal(&doors, &headers, |grants| may(grants, &room), NEEDED) {
        return refusal;
    }
    match doors.pulls.stop(&id) {
        Some(info) => {
            tracing::info!(pull = info.id, room = info.room, "pull deleted");
            StatusCode::NO_CONTENT.into_response()
        }
        None => (StatusCode::NOT_FOUND, format!("there is no pull {id}\n")).into_response(),
    }
}

fn may(grants: &Grants, room: &str) -> bool {
    let video = grants.video.as_ref();
    video.is_some_and(|video| {
        video.ingress_admin || (video.room_admin && !room.is_empty() && video.room == room)
    })
}
