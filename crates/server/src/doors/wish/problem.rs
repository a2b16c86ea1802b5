//! Refusals in words: `application/problem+json` (RFC 9457).

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use surecast_room::JoinError;

use crate::auth::AuthError;
use crate::broadcast::Refusal;
use crate::control::Stopped;

/// Why a request was not carried out.
#[derive(Clone, Debug)]
pub(in crate::doors) struct Problem {
    status: StatusCode,
    /// For a person: what, where, what to do.
    detail: String,
    headers: Vec<(HeaderName, String)>,
}

impl Problem {
    pub(in crate::doors) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            headers: Vec::new(),
        }
    }

    /// The same with a header.
    pub(in crate::doors) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Worth trying again after so many seconds.
    pub(in crate::doors) fn retry_after(self, seconds: u32) -> Self {
        self.with(header::RETRY_AFTER, &seconds.to_string())
    }

    pub(in crate::doors) fn status(&self) -> StatusCode {
        self.status
    }

    pub(in crate::doors) fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "title": self.status.canonical_reason().unwrap_or("Refused"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, body.to_string()).into_response();
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        let detail = match error {
            AuthError::Missing => {
                "no token: send `Authorization: Bearer TOKEN`, or add ?token=TOKEN to the address"
                    .to_owned()
            }
            error => error.to_string(),
        };
        Self::new(StatusCode::UNAUTHORIZED, detail).with(header::WWW_AUTHENTICATE, "Bearer")
    }
}

impl From<JoinError> for Problem {
    fn from(error: JoinError) -> Self {
        let status = match &error {
            // The token is known, it only does not reach so far.
            JoinError::NotAllowed(_) => StatusCode::FORBIDDEN,
            error => StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::BAD_REQUEST),
        };
        let detail = match &error {
            JoinError::IdentityTaken => {
                "another encoder with this token's identity is live in the room, and the server \
                 does not let a second one take over (`broadcast.takeover`): stop that one first"
                    .to_owned()
            }
            error => error.to_string(),
        };
        Self::new(status, detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let problem = Self::new(refusal.status(), refusal.to_string());
        match refusal.status() {
            StatusCode::UNAUTHORIZED => problem.with(header::WWW_AUTHENTICATE, "Bearer"),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                problem.retry_after(super::RETRY_AFTER)
            }
            _ => problem,
        }
    }
}

impl From<Stopped> for Problem {
    fn from(error: Stopped) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            .retry_after(super::RETRY_AFTER)
    }
}
