//! Who may publish and who may watch.

use axum::http::StatusCode;
use surecast_room::token::TokenError;
use surecast_room::{Grants, JoinError, VideoGrant};

use crate::auth::{AuthError, Keys};
use crate::control::Stopped;

/// Identity of an encoder that needs no token, with `--dev`. A second one is
/// the same again: it takes over.
const DEV_ENCODER: &str = "encoder";

/// Why somebody may not publish or watch, in words for whoever set up the
/// encoder or the player.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No token where one is needed.
    #[error(
        "no token: make one with `surecast token create --room {room}` and add it as ?token=TOKEN"
    )]
    NoToken {
        /// The room that was asked for.
        room: String,
    },
    /// A token that does not hold.
    #[error("invalid token: {0}")]
    Token(#[from] TokenError),
    /// A token for something else.
    #[error("the token does not allow this: {0}")]
    NotAllowed(String),
    /// Nothing to watch.
    #[error("nothing is live in room {room}")]
    NotLive {
        /// The room that was asked for.
        room: String,
    },
    /// It cannot be played in this way.
    #[error("cannot be played like this: {0}")]
    Unplayable(String),
    /// Somebody else was asked and says no.
    #[error("refused: {0}")]
    Hook(String),
    /// As many as there may be.
    #[error("{0}")]
    Full(&'static str),
    /// The room engine says no.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// The server stops.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Refusal {
    /// As HTTP says it.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoToken { .. } | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::NotAllowed(_) | Self::Hook(_) => StatusCode::FORBIDDEN,
            Self::Full(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotLive { .. } => StatusCode::NOT_FOUND,
            Self::Unplayable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::Join(error) => {
                StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Stopped(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What decides.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) keys: Keys,
    /// `--dev`: no token is needed.
    pub(super) open: bool,
    /// Rooms may be watched without a token.
    pub(super) open_play: bool,
}

impl Access {
    /// What an encoder may do in the room.
    pub(super) fn publish(&self, room: &str, token: Option<&str>) -> Result<Grants, Refusal> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            if !self.open {
                return Err(no_token(room));
            }
            let video = VideoGrant {
                room_join: true,
                room: room.to_owned(),
                ..VideoGrant::default()
            };
            return Ok(Grants {
                identity: DEV_ENCODER.into(),
                name: DEV_ENCODER.into(),
                kind: "ingress".into(),
                video: Some(video),
                ..Grants::default()
            });
        };
        let grants = self.grants(room, token)?;
        match grants.video.as_ref() {
            Some(video) if video.can_publish() => Ok(grants),
            _ => Err(Refusal::NotAllowed("it lacks the canPublish grant".into())),
        }
    }

    /// Whether somebody may watch the room.
    pub(super) fn play(&self, room: &str, token: Option<&str>) -> Result<(), Refusal> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            let open = self.open || self.open_play;
            return open.then_some(()).ok_or_else(|| no_token(room));
        };
        match self.grants(room, token)?.video {
            Some(video) if video.can_subscribe() => Ok(()),
            _ => Err(Refusal::NotAllowed(
                "it lacks the canSubscribe grant".into(),
            )),
        }
    }

    fn grants(&self, room: &str, token: &str) -> Result<Grants, Refusal> {
        let grants = self.keys.verify(token).map_err(|error| match error {
            AuthError::Token(error) => Refusal::Token(error),
            other => Refusal::NotAllowed(other.to_string()),
        })?;
        let video = grants.video.as_ref();
        if !video.is_some_and(|video| video.room_join) {
            return Err(Refusal::NotAllowed("it lacks the roomJoin grant".into()));
        }
        let named = video.map_or("", |video| &video.room);
        if !named.is_empty() && named != room {
            return Err(Refusal::NotAllowed(format!("it is for room {named}")));
        }
        Ok(grants)
    }
}

fn no_token(room: &str) -> Refusal {
    Refusal::NoToken { room: room.into() }
}
