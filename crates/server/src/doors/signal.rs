//! `/rtc` and `/rtc/v1`: LiveKit's signalling over WebSocket, and the
//! `/validate` of both that tells a client why it was refused.
//!
//! The join is carried out before the upgrade is answered, so a refusal is an
//! HTTP status, and the first frame is ready when the connection opens.

pub(super) mod request;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use surecast_room::{Join, JoinError};

use super::Doors;
use crate::auth::AuthError;
use crate::control::{Admission, Stopped};
use crate::http::Place;
use request::{BadRequest, Query, Version};

/// LiveKit's protocol number that doors without a client of LiveKit speak with
/// the room engine.
pub(super) const PROTOCOL: u32 = 17;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;
type Shared = State<Arc<Doors>>;

/// `/rtc`.
pub(super) async fn v0(State(doors): Shared, caller: Caller, upgrade: Upgrade) -> Response {
    connect(doors, Version::V0, caller, upgrade).await
}

/// `/rtc/v1`.
pub(super) async fn v1(State(doors): Shared, caller: Caller, upgrade: Upgrade) -> Response {
    connect(doors, Version::V1, caller, upgrade).await
}

/// `/rtc/validate`.
pub(super) async fn validate_v0(State(doors): Shared, caller: Caller) -> Response {
    validate(&doors, Version::V0, &caller).await
}

/// `/rtc/v1/validate`.
pub(super) async fn validate_v1(State(doors): Shared, caller: Caller) -> Response {
    validate(&doors, Version::V1, &caller).await
}

/// Who asks, and with what.
pub(super) struct Caller {
    from: SocketAddr,
    place: Place,
    headers: HeaderMap,
    query: Query,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // The accept loop puts both into every request.
        const MISSING: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
        let ConnectInfo(from) = *parts.extensions.get().ok_or(MISSING)?;
        Ok(Self {
            from,
            place: parts.extensions.get().cloned().ok_or(MISSING)?,
            headers: parts.headers.clone(),
            query: Query::parse(parts.uri.query()),
        })
    }
}

/// Why nobody was let in.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Request(#[from] BadRequest),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Auth(_) => StatusCode::UNAUTHORIZED,
            Self::Request(_) => StatusCode::BAD_REQUEST,
            Self::Join(error) => {
                StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Stopped(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

async fn connect(
    doors: Arc<Doors>,
    version: Version,
    caller: Caller,
    upgrade: Upgrade,
) -> Response {
    // LiveKit answers plain requests here with an empty 404, and clients probe for it.
    let Ok(upgrade) = upgrade else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let admission = match admit(&doors, version, &caller).await {
        Ok(admission) => admission,
        Err(refusal) => return refuse(&doors, version, &caller, &refusal),
    };
    let limit = doors.config.limits.signal_bytes as usize;
    let session = session::Session::new(doors, admission, caller.place);
    upgrade
        .max_message_size(limit)
        .max_frame_size(limit)
        .on_upgrade(move |socket| session.run(socket))
}

async fn admit(doors: &Doors, version: Version, caller: &Caller) -> Result<Admission, Refusal> {
    if !doors.is_ready() {
        return Err(Refusal::Stopped(Stopped));
    }
    let join = join_of(doors, version, caller, false)?;
    Ok(doors.control.join(join).await??)
}

async fn validate(doors: &Doors, version: Version, caller: &Caller) -> Response {
    let checked = async {
        let join = join_of(doors, version, caller, true)?;
        doors.control.validate(join).await??;
        Ok::<_, Refusal>(())
    };
    match checked.await {
        Ok(()) => "success".into_response(),
        Err(refusal) => (refusal.status(), refusal.to_string()).into_response(),
    }
}

fn join_of(
    doors: &Doors,
    version: Version,
    caller: &Caller,
    strict: bool,
) -> Result<Join, Refusal> {
    let token = caller.query.get("access_token");
    let grants = doors.keys.authenticate(&caller.headers, token)?;
    let mut join = request::join(version, &caller.query, grants, strict)?;
    join.client.address = request::client_address(caller.from, &caller.headers);
    Ok(join)
}

fn refuse(doors: &Doors, version: Version, caller: &Caller, refusal: &Refusal) -> Response {
    if !matches!(refusal, Refusal::Join(_)) {
        doors.metrics.join_unauthorized(version as u8);
    }
    let room = caller.query.get("room").unwrap_or_default();
    let status = refusal.status();
    tracing::info!(room, from = %caller.from, status = status.as_u16(), reason = %refusal, "join refused");
    (status, refusal.to_string()).into_response()
}
