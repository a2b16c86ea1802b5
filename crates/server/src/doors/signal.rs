//! `/rtc` and `/rtc/v1`: LiveKit's signalling over WebSocket, and the
//! `/validate` of both that tells a client why it was refused.
//!
//! The join is carried out before the upgrade is answered, so a refusal is an
//! HTTP status, and the first frame is ready when the connection opens.

mod request;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use surecast_room::{Join, JoinError};

use super::Doors;
use crate::auth::AuthError;
use crate::control::{Admission, Stopped};
use request::{BadRequest, Query, Version};

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// `/rtc`.
pub(super) async fn v0(
    doors: State<Arc<Doors>>,
    from: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    query: RawQuery,
    upgrade: Upgrade,
) -> Response {
    connect(doors.0, Version::V0, from.0, &headers, query.0, upgrade).await
}

/// `/rtc/v1`.
pub(super) async fn v1(
    doors: State<Arc<Doors>>,
    from: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    query: RawQuery,
    upgrade: Upgrade,
) -> Response {
    connect(doors.0, Version::V1, from.0, &headers, query.0, upgrade).await
}

/// `/rtc/validate`.
pub(super) async fn validate_v0(
    doors: State<Arc<Doors>>,
    from: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    query: RawQuery,
) -> Response {
    validate(&doors, Version::V0, from.0, &headers, query.0).await
}

/// `/rtc/v1/validate`.
pub(super) async fn validate_v1(
    doors: State<Arc<Doors>>,
    from: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    query: RawQuery,
) -> Response {
    validate(&doors, Version::V1, from.0, &headers, query.0).await
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
    from: SocketAddr,
    headers: &HeaderMap,
    query: Option<String>,
    upgrade: Upgrade,
) -> Response {
    // LiveKit answers plain requests here with an empty 404, and clients probe for it.
    let Ok(upgrade) = upgrade else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let query = Query::parse(query.as_deref());
    let admission = match admit(&doors, version, from, headers, &query).await {
        Ok(admission) => admission,
        Err(refusal) => return refuse(&doors, version, from, &query, &refusal),
    };
    let session = session::Session::new(doors.clone(), admission);
    upgrade
        .max_message_size(doors.config.limits.signal_bytes as usize)
        .max_frame_size(doors.config.limits.signal_bytes as usize)
        .on_upgrade(move |socket| session.run(socket))
}

async fn admit(
    doors: &Doors,
    version: Version,
    from: SocketAddr,
    headers: &HeaderMap,
    query: &Query,
) -> Result<Admission, Refusal> {
    if !doors.is_ready() {
        return Err(Refusal::Stopped(Stopped));
    }
    let join = join_of(doors, version, from, headers, query, false)?;
    Ok(doors.control.join(join).await??)
}

async fn validate(
    doors: &Doors,
    version: Version,
    from: SocketAddr,
    headers: &HeaderMap,
    query: Option<String>,
) -> Response {
    let query = Query::parse(query.as_deref());
    let checked = async {
        let join = join_of(doors, version, from, headers, &query, true)?;
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
    from: SocketAddr,
    headers: &HeaderMap,
    query: &Query,
    strict: bool,
) -> Result<Join, Refusal> {
    let grants = doors
        .keys
        .authenticate(headers, query.get("access_token"))?;
    let mut join = request::join(version, query, grants, strict)?;
    join.client.address = request::client_address(from, headers);
    Ok(join)
}

fn refuse(
    doors: &Doors,
    version: Version,
    from: SocketAddr,
    query: &Query,
    refusal: &Refusal,
) -> Response {
    if !matches!(refusal, Refusal::Join(_)) {
        doors.metrics.join_unauthorized(version as u8);
    }
    let room = query.get("room").unwrap_or_default();
    tracing::info!(room, %from, status = refusal.status().as_u16(), reason = %refusal, "join refused");
    (refusal.status(), refusal.to_string()).into_response()
}
