//! Why something is not answered: `{"error": "what, where, what to do"}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use surecast_guarantee::incident::Refused;

use crate::auth::AuthError;
use crate::guarantee::{DeskError, SettlerError};

/// An answer that is none.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The request makes no sense.
    #[error("{0}")]
    Bad(String),
    /// Nobody knows who asks.
    #[error("{0}")]
    Unknown(#[from] AuthError),
    /// Who asks may not.
    #[error("{0}")]
    Forbidden(String),
    /// It is not there, or not for who asks.
    #[error("{0}")]
    NotFound(String),
    /// It does not fit with where things stand.
    #[error("{0}")]
    Conflict(String),
    /// It has too many bytes.
    #[error("{0}")]
    TooLarge(String),
    /// Not now.
    #[error("{0}")]
    Unavailable(String),
}

impl ApiError {
    /// The same sentence for a contract that is not there and for another's.
    pub fn no_contract(id: &str) -> Self {
        let id: String = id.chars().take(64).collect();
        Self::NotFound(format!(
            "there is no contract `{id}`: GET /guarantee/v1/contracts lists yours"
        ))
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::Unknown(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let why = refused.to_string();
        match refused {
            Refused::Unknown { .. } => Self::NotFound(why),
            Refused::TooLong { .. } => Self::TooLarge(why),
            _ => Self::Conflict(why),
        }
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::UnknownContract(id) => Self::no_contract(&id),
            DeskError::Refused(refused) => refused.into(),
            DeskError::Invalid(why) => Self::Bad(why),
            DeskError::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<SettlerError> for ApiError {
    fn from(error: SettlerError) -> Self {
        match error {
            SettlerError::UnknownContract(id) => Self::no_contract(&id),
            SettlerError::UnknownPeriod { .. } => Self::NotFound(error.to_string()),
            SettlerError::NotOver { .. } | SettlerError::Refused(_) => {
                Self::Conflict(error.to_string())
            }
            SettlerError::Unavailable(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = answer(self.status(), &self.to_string());
        if matches!(self, Self::Unknown(_)) {
            // RFC 9110 section 15.5.2: a 401 says how to come in.
            let bearer = HeaderValue::from_static("Bearer");
            let headers = response.headers_mut();
            headers.insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// The shape of all of them.
pub fn answer(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}
