//! `/broadcast/v1`: what comes in and what is watched.

pub(super) mod pulls;

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use surecast_room::Grants;

use super::Doors;
use crate::broadcast::status::Incoming;
use crate::broadcast::thumbnail::{MAX_AGE, NoPicture};

/// A room that is broadcast, or that an encoder publishes to.
#[derive(Serialize)]
struct Stream {
    room: String,
    /// It has a program that somebody feeds.
    live: bool,
    /// Readers of the program: players, and doors that serve many players.
    readers: usize,
    /// Viewers by doors that are not WebRTC.
    viewers: usize,
    /// Encoders, by doors that are not WebRTC.
    encoders: Vec<Incoming>,
}

/// `GET /broadcast/v1/streams`: all of them; the token needs `roomList` or
/// `ingressAdmin`.
pub(super) async fn streams(State(doors): State<Arc<Doors>>, headers: HeaderMap) -> Response {
    let may = |grants: &Grants| {
        let video = grants.video.as_ref();
        video.is_some_and(|video| video.room_list || video.ingress_admin)
    };
    if let Some(refusal) = refusal(&doors, &headers, may, "roomList or ingressAdmin") {
        return refusal;
    }
    answer(collect(&doors))
}

/// `GET /broadcast/v1/streams/{room}`: one of them; `roomAdmin` of the room
/// suffices.
pub(super) async fn stream(
    State(doors): State<Arc<Doors>>,
    Path(room): Path<String>,
    headers: HeaderMap,
) -> Response {
    let may = |grants: &Grants| {
        let video = grants.video.as_ref();
        video.is_some_and(|video| {
            video.room_list || video.ingress_admin || (video.room_admin && video.room == room)
        })
    };
    if let Some(refusal) = refusal(&doors, &headers, may, "roomAdmin of the room, or roomList") {
        return refusal;
    }
    match collect(&doors)
        .into_iter()
        .find(|stream| stream.room == room)
    {
        Some(stream) => answer(stream),
        None => (
            StatusCode::NOT_FOUND,
            format!("nothing is live in room {room}\n"),
        )
            .into_response(),
    }
}

/// `GET /broadcast/v1/streams/{room}/thumbnail.jpg`: a picture of it, for who may
/// watch it; the token in a header or as `?token=`.
pub(super) async fn thumbnail(
    State(doors): State<Arc<Doors>>,
    Path(room): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION);
    let bearer = authorization.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let query = query.unwrap_or_default();
    let parameter = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
    let token = bearer.or(parameter.as_ref().map(|(_, token)| &**token));
    match doors.broadcast.thumbnail(&room, token).await {
        Ok(picture) => {
            let age = format!("max-age={}", MAX_AGE.as_secs());
            let headers = [
                (header::CONTENT_TYPE, "image/jpeg"),
                (header::CACHE_CONTROL, &age),
            ];
            (headers, picture).into_response()
        }
        Err(error) => {
            let status = match &error {
                NoPicture::Refused(refusal) => refusal.status(),
                NoPicture::None => StatusCode::NOT_FOUND,
                NoPicture::Transcode(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, format!("{error}\n")).into_response()
        }
    }
}

fn answer(body: impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// `None` for a token that has the grant.
fn refusal(
    doors: &Doors,
    headers: &HeaderMap,
    may: impl Fn(&Grants) -> bool,
    needed: &str,
) -> Option<Response> {
    match doors.keys.authenticate(headers, None) {
        Err(error) => Some((StatusCode::UNAUTHORIZED, format!("{error}\n")).into_response()),
        Ok(grants) if may(&grants) => None,
        Ok(_) => {
            let words = format!("the token does not allow this: it needs the grant {needed}\n");
            Some((StatusCode::FORBIDDEN, words).into_response())
        }
    }
}

fn collect(doors: &Doors) -> Vec<Stream> {
    let mut streams: Vec<Stream> = Vec::new();
    for (room, readers) in doors.broadcast.programs() {
        streams.push(Stream {
            viewers: doors.broadcast.viewers().of(&room),
            room,
            live: true,
            readers,
            encoders: Vec::new(),
        });
    }
    for (room, incoming) in doors.broadcast.incoming() {
        let at = streams.iter().position(|stream| stream.room == room);
        let at = at.unwrap_or_else(|| {
            streams.push(Stream {
                room,
                live: false,
                viewers: 0,
                readers: 0,
                encoders: Vec::new(),
            });
            streams.len() - 1
        });
        streams[at].encoders.push(incoming);
    }
    streams
}
