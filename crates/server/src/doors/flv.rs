//! `GET /flv/{room}.flv`: a room as an endless FLV file, by HTTP or by WebSocket.
//!
//! All viewers of a room share its tags ([`TagFeeds`](crate::broadcast::tags)): what
//! a viewer costs is the writing to its socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use surecast_wire::flv::{Tag, file_header};

use super::Doors;
use crate::broadcast::fanout::{Read, Reader};
use crate::broadcast::tags::TagFeed;
use crate::broadcast::viewers::Viewer;
use crate::broadcast::{Audio, Protocol, Refusal};
use crate::http::Place;

/// A viewer whose connection takes nothing for so long goes on at the next
/// keyframe: what was in between is of no use to somebody who watches live.
pub(super) const SLOW: Duration = Duration::from_secs(3);

/// One that takes nothing for so long is gone.
pub(super) const STUCK: Duration = Duration::from_secs(20);

/// What a viewer may say in the address.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    token: Option<String>,
    /// `aac` (the default: every player has it), `opus`, or `asis`.
    audio: Option<String>,
}

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// `GET /flv/{room}.flv`.
pub(super) async fn watch(
    State(doors): State<Arc<Doors>>,
    Path(file): Path<String>,
    Query(wish): Query<Wish>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    axum::Extension(place): axum::Extension<Place>,
    (method, headers): (Method, HeaderMap),
    upgrade: Upgrade,
) -> Response {
    let Some(room) = file.strip_suffix(".flv").filter(|room| !room.is_empty()) else {
        let words = "an address here is /flv/ROOM.flv\n";
        return (StatusCode::NOT_FOUND, words).into_response();
    };
    let audio = match wish.audio.as_deref() {
        None | Some("aac") => Audio::Aac,
        Some("opus") => Audio::Opus,
        Some("asis") => Audio::AsIs,
        Some(_) => {
            let words = "audio= is aac, opus or asis\n";
            return (StatusCode::BAD_REQUEST, words).into_response();
        }
    };
    let token = wish.token.or_else(|| bearer(&headers));
    let opened = Box::pin(open(&doors, room, token.as_deref(), (audio, from))).await;
    let show = match opened {
        Ok(show) => show,
        Err(refusal) => return (refusal.status(), format!("{refusal}\n")).into_response(),
    };
    if let Ok(upgrade) = upgrade {
        return upgrade.on_upgrade(move |socket| carry(socket, show, place));
    }
    let body = if method == Method::HEAD {
        Body::empty()
    } else {
        Body::from_stream(futures_util::stream::unfold(show, |mut show| async move {
            let piece = show.next().await?;
            Some((Ok::<_, std::convert::Infallible>(piece), show))
        }))
    };
    let headers = [
        ("content-type", "video/x-flv"),
        ("cache-control", "no-store"),
        // nginx in front: pass it on as it comes.
        ("x-accel-buffering", "no"),
    ];
    (headers, body).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::to_owned)
}

async fn open(
    doors: &Doors,
    room: &str,
    token: Option<&str>,
    (audio, from): (Audio, SocketAddr),
) -> Result<Show, Refusal> {
    let broadcast = &doors.broadcast;
    let viewer = broadcast.viewer(room, token, (Protocol::Flv, from)).await?;
    let (feed, reader) = doors.tags.reader(broadcast, room, audio).await?;
    Ok(Show {
        feed,
        reader,
        first: None,
        begun: false,
        left_at: None,
        _viewer: viewer,
    })
}

/// What one viewer gets.
struct Show {
    feed: Arc<TagFeed>,
    reader: Reader<Tag>,
    /// The first tag, while the header before it is written.
    first: Option<Tag>,
    begun: bool,
    /// When the last piece went to the connection.
    left_at: Option<Instant>,
    _viewer: Viewer,
}

impl Show {
    /// The next piece; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Bytes> {
        if self.left_at.is_some_and(|at| at.elapsed() > SLOW) {
            self.reader.skip();
        }
        let tag = match self.first.take() {
            Some(tag) => tag,
            None => self.tag().await?,
        };
        let piece = if self.begun {
            tag.bytes().clone()
        } else {
            // Players rely on the header to know what they wait for, and what is in
            // the stream is known with its first tag.
            self.begun = true;
            let (audio, video) = self.feed.kinds();
            self.first = Some(tag);
            Bytes::copy_from_slice(&file_header(audio, video))
        };
        self.left_at = Some(crate::clock::now().at);
        Some(piece)
    }

    async fn tag(&mut self) -> Option<Tag> {
        loop {
            match self.reader.next().await? {
                Read::Item(tag) => return Some(tag),
                // What follows is headers, and then a keyframe.
                Read::Lagged => {}
            }
        }
    }
}

async fn carry(mut socket: WebSocket, mut show: Show, _place: Place) {
    loop {
        let piece = tokio::select! {
            piece = show.next() => piece,
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                // Viewers have nothing to say.
                Some(Ok(_)) => continue,
            },
        };
        let Some(piece) = piece else {
            let _ = tokio::time::timeout(SLOW, socket.send(Message::Close(None))).await;
            return;
        };
        let sent = tokio::time::timeout(STUCK, socket.send(Message::Binary(piece))).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}
