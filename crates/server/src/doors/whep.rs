//! `POST /whep/{room}`: viewers come in by WHEP (draft-ietf-wish-whep-03), with
//! its extensions for events and for the choice of a layer.
//!
//! A viewer is a hidden participant that negotiates once. What its sections
//! carry is the room's *program*: the encoder's tracks, or those of whoever
//! published a picture first. When the program changes, or its encoder comes
//! back, the viewer's sections go on with the new tracks.

mod events;
mod layers;
mod program;
mod viewer;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use surecast_room::proto::{ListParticipantsRequest, ListRoomsRequest, ParticipantInfo};
use surecast_room::token::VideoGrant;
use surecast_room::{Grants, Join, ServiceCall, ServiceReply};

use super::Doors;
use super::signal::PROTOCOL;
use super::wish::{self, Caller, Door, Opening, Problem, RETRY_AFTER, Session, Who};
use crate::broadcast::Protocol;
use program::Program;

pub(super) use layers::LayerChoice;
pub(super) use viewer::{Show, Viewer};

/// The identity of a viewer without a token (`--dev`); each gets its own ending.
const ANYBODY: &str = "viewer";

/// Bytes of the token's identity that a viewer's own one begins with; the
/// ending makes it one of its own, and both fit into an identity.
const IDENTITY_BYTES: usize = 200;

pub(super) fn routes() -> Router<Arc<Doors>> {
    Router::new()
        .route(
            "/whep/{room}",
            post(watch).options(wish::options).fallback(wish::only_post),
        )
        .route("/whep/session/{id}", wish::resource(Door::Whep))
        .route("/whep/session/{id}/sse", events::endpoint())
        .route("/whep/session/{id}/sse/{kinds}", events::stream())
        .route("/whep/session/{id}/layer", post(layers::choose))
}

async fn watch(
    State(doors): State<Arc<Doors>>,
    Path(room): Path<String>,
    caller: Caller,
    body: Body,
) -> Result<Response, Problem> {
    // Rare and large: not in every connection's task.
    let result = Box::pin(open(&doors, &room, &caller, body)).await;
    match &result {
        Ok((session, _)) => {
            let (location, agent) = (session.path(""), caller.agent());
            tracing::info!(room, from = %caller.from(), agent, location, "WHEP session");
        }
        Err(problem) => {
            let (status, reason) = (problem.status().as_u16(), problem.detail());
            tracing::info!(room, from = %caller.from(), status, reason, "WHEP refused");
        }
    }
    let (session, answer) = result?;
    let links = links(&session);
    Ok(wish::created(&doors, session, answer, links))
}

fn links(session: &Session) -> Vec<String> {
    vec![
        format!(
            "<{}>; rel=\"urn:ietf:params:whep:ext:core:server-sent-events\"; events=\"{}\"",
            session.path("/sse"),
            events::NAMES.join(",")
        ),
        format!(
            "<{}>; rel=\"urn:ietf:params:whep:ext:core:layer\"",
            session.path("/layer")
        ),
    ]
}

async fn open(
    doors: &Arc<Doors>,
    room: &str,
    caller: &Caller,
    body: Body,
) -> Result<(Session, String), Problem> {
    let open = doors.config.dev || doors.config.broadcast.open_play;
    let Who { grants, room } = caller.who(doors, Some(room), (ANYBODY, open))?;
    if !grants.video.as_ref().is_some_and(VideoGrant::can_subscribe) {
        let detail = "the token does not allow to watch (`canSubscribe`)";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let offer = wish::read_offer(&caller.headers, body).await?;
    let viewer = Viewer::new(&offer)?;
    let join = Join {
        grants: hidden(grants),
        room: room.clone(),
        protocol: PROTOCOL,
        single_connection: true,
        viewer: true,
        client: caller.client(),
        ..Join::default()
    };
    // Before it joins: who waits for a show to begin, and asks every few
    // seconds, is no participant that left.
    doors.control.validate(join.clone()).await??;
    let program = Program::choose(&people(doors, &room).await?, None);
    viewer.check(program.as_ref().ok_or_else(nothing_yet)?)?;
    let place = (Protocol::Whep, caller.from());
    let counted = doors.broadcast.viewer(&room, caller.token(), place).await?;
    let opening = Opening {
        door: Door::Whep,
        join,
        offer,
        viewer: Some((viewer, counted)),
    };
    Session::open(doors, opening).await
}

/// The grants of a viewer: it receives and does nothing else, nobody sees it,
/// and it does not take the place of another one with the same token.
fn hidden(mut grants: Grants) -> Grants {
    let mut end = grants.identity.len().min(IDENTITY_BYTES);
    while !grants.identity.is_char_boundary(end) {
        end -= 1;
    }
    let ending = fastrand::u64(..);
    grants.identity = format!("{}#{ending:016x}", &grants.identity[..end]);
    if let Some(video) = &mut grants.video {
        video.hidden = true;
        video.can_publish = Some(false);
        video.can_publish_data = Some(false);
        video.can_update_own_metadata = Some(false);
        video.room_admin = false;
    }
    grants
}

/// Who is in the room.
async fn people(doors: &Doors, room: &str) -> Result<Vec<ParticipantInfo>, Problem> {
    let call = ServiceCall::ListParticipants(ListParticipantsRequest {
        room: room.to_owned(),
    });
    match doors.control.service(server(room), call).await? {
        Ok(ServiceReply::ListParticipants(list)) if list.participants.is_empty() => {
            Err(nobody(doors, room).await?)
        }
        Ok(ServiceReply::ListParticipants(list)) => Ok(list.participants),
        Ok(_) => Ok(Vec::new()),
        Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, error.message)),
    }
}

/// Whether there is a room at all in which nobody is.
async fn nobody(doors: &Doors, room: &str) -> Result<Problem, Problem> {
    let call = ServiceCall::ListRooms(ListRoomsRequest {
        names: vec![room.to_owned()],
    });
    let reply = doors.control.service(server(room), call).await?;
    Ok(match reply {
        Ok(ServiceReply::ListRooms(list)) if list.rooms.is_empty() => no_room(room),
        _ => nothing_yet(),
    })
}

/// What the server itself may ask of the room engine.
fn server(room: &str) -> Grants {
    Grants {
        video: Some(VideoGrant {
            room_admin: true,
            room_list: true,
            room: room.to_owned(),
            ..VideoGrant::default()
        }),
        ..Grants::default()
    }
}

fn no_room(room: &str) -> Problem {
    let detail = format!("nothing is live in {room:?}: there is no such room yet");
    Problem::new(StatusCode::NOT_FOUND, detail).retry_after(RETRY_AFTER)
}

fn nothing_yet() -> Problem {
    let detail = "nothing is live yet: nobody in the room publishes";
    Problem::new(StatusCode::CONFLICT, detail).retry_after(RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_with_one_token_are_several() {
        let grants = Grants {
            identity: "ü".repeat(IDENTITY_BYTES),
            video: Some(VideoGrant::default()),
            ..Grants::default()
        };
        let (one, two) = (hidden(grants.clone()), hidden(grants));
        assert_ne!(one.identity, two.identity);
        assert!(one.identity.len() <= IDENTITY_BYTES + 17);
        let video = one.video.unwrap();
        assert!(video.hidden && !video.can_publish() && !video.can_publish_data());
    }
}
