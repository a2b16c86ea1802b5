//! HLS with low latency (RFC 8216bis): `GET /hls/{room}/index.m3u8`, and what
//! its playlists name.
//!
//! A room is cut into segments once for all viewers, from the first request on
//! and until nobody has asked for a while. What is asked for and not there yet is
//! waited for, playlists and parts alike.

mod reply;
mod sessions;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use surecast_wire::hls::{PlaylistRequest, Resource};

use super::Doors;
use crate::broadcast::Refusal;
use reply::{Kind, Problem};
use sessions::Sessions;
use stream::Streams;

/// What all requests share.
struct Hls {
    doors: Arc<Doors>,
    streams: Streams,
    sessions: Sessions,
}

/// The routes, with the streams and viewers behind them.
pub(super) fn router(doors: &Arc<Doors>) -> Router {
    let hls = Arc::new(Hls {
        doors: doors.clone(),
        streams: Streams::new(doors.broadcast.clone(), &doors.config.hls),
        sessions: Sessions::default(),
    });
    Router::new()
        .route("/hls/{room}/{file}", get(playlist))
        .route("/hls/{room}/{rendition}/{run}/{file}", get(media))
        .with_state(hls)
}

type Peer = ConnectInfo<SocketAddr>;

async fn playlist(
    State(hls): State<Arc<Hls>>,
    Path((room, file)): Path<(String, String)>,
    ConnectInfo(from): Peer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = Query::parse(query.as_deref());
    let answer = Box::pin(hls.playlist(&room, &file, &query, from)).await;
    match answer {
        Ok((kind, text)) => reply::playlist(kind, text, &headers),
        Err(problem) => reply::problem(&room, problem),
    }
}

async fn media(
    State(hls): State<Arc<Hls>>,
    Path((room, rendition, run, file)): Path<(String, String, String, String)>,
    ConnectInfo(from): Peer,
    RawQuery(query): RawQuery,
) -> Response {
    let query = Query::parse(query.as_deref());
    let what = Resource::parse(&file);
    let answer = async {
        let what = what.ok_or(Problem::NotFound("HLS has no such file"))?;
        let broadcast = &hls.doors.broadcast;
        let place = (&*room, false);
        hls.sessions.admit(broadcast, place, &query, from).await?;
        let stream = hls.streams.running(&room)?;
        stream.media(&rendition, &run, what).await
    };
    match answer.await {
        Ok(pieces) => reply::media(&rendition, pieces),
        Err(problem) => reply::problem(&room, problem),
    }
}

impl Hls {
    async fn playlist(
        &self,
        room: &str,
        file: &str,
        query: &Query,
        from: SocketAddr,
    ) -> Result<(Kind, String), Problem> {
        let name = file.strip_suffix(".m3u8");
        let name = name.ok_or(Problem::NotFound("HLS has no such file"))?;
        let request = query.request()?;
        let broadcast = &self.doors.broadcast;
        let place = (room, name == "index");
        let viewer = self.sessions.admit(broadcast, place, query, from).await?;
        let tail = query.tail(&viewer.number);
        let answer = self.answer(room, name, request, &tail).await;
        if answer.is_err() && viewer.new {
            self.sessions.leave(room, &viewer.number);
        }
        answer
    }

    async fn answer(
        &self,
        room: &str,
        name: &str,
        request: PlaylistRequest,
        tail: &str,
    ) -> Result<(Kind, String), Problem> {
        let stream = self.streams.get(room).await?;
        if name == "index" {
            let text = stream.multivariant(tail).await?;
            return Ok((Kind::Multivariant, text));
        }
        let text = stream.playlist(name, request, tail).await?;
        let seconds = stream.target();
        Ok(match request.msn {
            Some(_) => (Kind::Awaited(seconds), text),
            None => (Kind::Current(seconds), text),
        })
    }
}

/// What stands after the question mark.
#[derive(Debug, Default)]
struct Query {
    token: Option<String>,
    session: Option<String>,
    msn: Option<String>,
    part: Option<String>,
    skip: Option<String>,
}

impl Query {
    fn parse(query: Option<&str>) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let field = match &*name {
                "token" | "access_token" => &mut parsed.token,
                "session" => &mut parsed.session,
                "_HLS_msn" => &mut parsed.msn,
                "_HLS_part" => &mut parsed.part,
                "_HLS_skip" => &mut parsed.skip,
                _ => continue,
            };
            *field = Some(value.into_owned());
        }
        parsed
    }

    fn request(&self) -> Result<PlaylistRequest, Problem> {
        let number = |field: &Option<String>, words| match field {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Problem::Bad(words)),
        };
        Ok(PlaylistRequest {
            msn: number(&self.msn, "_HLS_msn is not a number")?,
            part: number(&self.part, "_HLS_part is not a number")?,
            skip: matches!(self.skip.as_deref(), Some("YES" | "v2")),
        })
    }

    /// What goes with every address of a playlist.
    fn tail(&self, session: &str) -> String {
        let mut tail = form_urlencoded::Serializer::new(String::new());
        if let Some(token) = &self.token {
            tail.append_pair("token", token);
        }
        tail.append_pair("session", session).finish()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
