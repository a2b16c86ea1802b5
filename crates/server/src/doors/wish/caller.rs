//! Who asks, with which token, and for which room.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use surecast_room::Grants;
use surecast_room::proto::ClientInfo;
use surecast_room::token::VideoGrant;

use super::Problem;
use crate::auth::AuthError;
use crate::config::DEV_KEY;
use crate::doors::Doors;
use crate::doors::signal::request::{Query, client_address};

/// Characters of a client's `User-Agent` that are kept for the log.
const AGENT_CHARS: usize = 120;

/// A request to one of the endpoints.
pub(in crate::doors) struct Caller {
    from: SocketAddr,
    pub(in crate::doors) headers: HeaderMap,
    query: Query,
}

/// What the token says, brought together with the address.
pub(in crate::doors) struct Who {
    pub(in crate::doors) grants: Grants,
    pub(in crate::doors) room: String,
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // The accept loop puts it into every request.
        const MISSING: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
        let ConnectInfo(from) = *parts.extensions.get().ok_or(MISSING)?;
        Ok(Self {
            from,
            headers: parts.headers.clone(),
            query: Query::parse(parts.uri.query()),
        })
    }
}

impl Caller {
    /// Checks the token; `room` is the one of the address, where it names one.
    /// Where it is `open`, who brings no token is let in as `identity`.
    pub(in crate::doors) fn who(
        &self,
        doors: &Doors,
        room: Option<&str>,
        (identity, open): (&str, bool),
    ) -> Result<Who, Problem> {
        let grants = match doors.keys.authenticate(&self.headers, self.parameter()) {
            Ok(grants) => grants,
            Err(AuthError::Missing) if open && room.is_some() => anybody(identity),
            Err(error) => {
                doors.metrics.join_unauthorized(1);
                return Err(error.into());
            }
        };
        let named = grants.video.as_ref().map_or("", |video| &video.room);
        match (named, room) {
            (_, Some("")) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "the address names no room",
            )),
            ("", None) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "neither the token nor the address names a room",
            )),
            ("", Some(room)) => Ok(Who {
                room: room.to_owned(),
                grants,
            }),
            (named, Some(room)) if named != room => Err(Problem::new(
                StatusCode::FORBIDDEN,
                format!("the token is for the room {named:?}, not for {room:?}"),
            )),
            (named, _) => Ok(Who {
                room: named.to_owned(),
                grants,
            }),
        }
    }

    /// The token, wherever it stands; for who checks it again.
    pub(in crate::doors) fn token(&self) -> Option<&str> {
        let header = self.headers.get(header::AUTHORIZATION);
        let header = header.and_then(|v| v.to_str().ok()?.split_once(' '));
        header
            .map(|(_, token)| token.trim())
            .or_else(|| self.parameter())
    }

    fn parameter(&self) -> Option<&str> {
        let token = self.query.get("token");
        token.or_else(|| self.query.get("access_token"))
    }

    /// What participants' info and the log tell of the client.
    pub(in crate::doors) fn client(&self) -> ClientInfo {
        ClientInfo {
            address: client_address(self.from, &self.headers),
            ..ClientInfo::default()
        }
    }

    /// The program that asks, as it calls itself.
    pub(in crate::doors) fn agent(&self) -> String {
        let agent = self.headers.get(header::USER_AGENT);
        let agent = agent.and_then(|v| v.to_str().ok()).unwrap_or_default();
        agent.chars().take(AGENT_CHARS).collect()
    }

    pub(in crate::doors) fn from(&self) -> SocketAddr {
        self.from
    }
}

/// Who comes without a token to a server that only its developer uses.
fn anybody(identity: &str) -> Grants {
    Grants {
        issuer: DEV_KEY.0.to_owned(),
        identity: identity.to_owned(),
        video: Some(VideoGrant {
            room_join: true,
            ..VideoGrant::default()
        }),
        ..Grants::default()
    }
}
