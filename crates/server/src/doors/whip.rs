//! `POST /whip/{room}` and `POST /whip/v1`: encoders come in by WHIP (RFC 9725).
//!
//! An encoder is a participant like any other; its offer's sending sections are
//! its publications. A second encoder with the same identity takes over, or is
//! refused (`broadcast.takeover`).

mod tracks;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use surecast_room::Join;
use surecast_room::token::VideoGrant;

use super::Doors;
use super::signal::PROTOCOL;
use super::wish::{self, Caller, Door, Opening, Problem, Session, Who};
use crate::broadcast::Protocol;

/// The identity of an encoder without a token (`--dev`). The same for all: who
/// starts again takes its own place, as with a token.
const ANYBODY: &str = "encoder";

/// What LiveKit calls participants that come by another protocol.
const KIND: &str = "ingress";

pub(super) fn routes() -> Router<Arc<Doors>> {
    Router::new()
        .route("/whip/v1", methods(post(by_token)))
        .route("/whip/{room}", methods(post(by_room)))
        .route("/whip/session/{id}", wish::resource(Door::Whip))
}

fn methods(post: MethodRouter<Arc<Doors>>) -> MethodRouter<Arc<Doors>> {
    post.options(wish::options).fallback(wish::only_post)
}

/// The token names the room.
async fn by_token(
    State(doors): State<Arc<Doors>>,
    caller: Caller,
    body: Body,
) -> Result<Response, Problem> {
    publish(doors, None, caller, body).await
}

async fn by_room(
    State(doors): State<Arc<Doors>>,
    Path(room): Path<String>,
    caller: Caller,
    body: Body,
) -> Result<Response, Problem> {
    publish(doors, Some(room), caller, body).await
}

async fn publish(
    doors: Arc<Doors>,
    room: Option<String>,
    caller: Caller,
    body: Body,
) -> Result<Response, Problem> {
    let named = room.clone().unwrap_or_default();
    // Rare and large: not in every connection's task.
    let result = Box::pin(open(&doors, room.as_deref(), &caller, body)).await;
    match &result {
        Ok((session, _)) => {
            let (location, agent) = (session.path(""), caller.agent());
            tracing::info!(room = named, from = %caller.from(), agent, location, "WHIP session");
        }
        Err(problem) => {
            let (status, agent) = (problem.status().as_u16(), caller.agent());
            let reason = problem.detail();
            tracing::info!(room = named, from = %caller.from(), agent, status, reason, "WHIP refused");
        }
    }
    let (session, answer) = result?;
    Ok(wish::created(&doors, session, answer, Vec::new()))
}

/// The stream key of an ingress, in the address or as the token, stands for a
/// room and an identity.
fn by_key(doors: &Doors, room: Option<&str>, caller: &Caller) -> Result<Option<Who>, Problem> {
    let ingresses = doors.broadcast.ingresses();
    let mut keys = [room, caller.token()].into_iter().flatten();
    let Some(key) = keys.find(|key| ingresses.of_key(key).is_some()) else {
        return Ok(None);
    };
    let (room, grants) = doors.broadcast.may_publish(key, None)?;
    Ok(Some(Who { grants, room }))
}

async fn open(
    doors: &Arc<Doors>,
    room: Option<&str>,
    caller: &Caller,
    body: Body,
) -> Result<(Session, String), Problem> {
    let Who { mut grants, room } = match by_key(doors, room, caller)? {
        Some(who) => who,
        None => caller.who(doors, room, (ANYBODY, doors.config.dev))?,
    };
    // The engine checks this for every track; here it has words of its own.
    if !grants.video.as_ref().is_some_and(VideoGrant::can_publish) {
        let detail = "the token does not allow to publish (`canPublish`)";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let offer = wish::read_offer(&caller.headers, body).await?;
    let add_tracks = tracks::announced(&offer)?;
    if grants.kind.is_empty() {
        KIND.clone_into(&mut grants.kind);
    }
    if grants.name.is_empty() {
        grants.name.clone_from(&grants.identity);
    }
    let attributes = &mut grants.attributes;
    attributes.insert("surecast.protocol".into(), Protocol::Whip.name().into());
    let place = (Protocol::Whip, caller.from());
    let broadcast = &doors.broadcast;
    broadcast
        .ask_publish(&room, &grants.identity, place)
        .await?;
    let join = Join {
        grants,
        room,
        protocol: PROTOCOL,
        single_connection: true,
        encoder: true,
        yields: !doors.config.broadcast.takeover,
        client: caller.client(),
        add_tracks,
        ..Join::default()
    };
    let opening = Opening {
        door: Door::Whip,
        join,
        offer,
        viewer: None,
    };
    let (mut session, answer) = Session::open(doors, opening).await?;
    match session.take_reason() {
        Some(problem) => Err(problem),
        None => Ok((session, answer)),
    }
}
