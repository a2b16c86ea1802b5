//! Why something is not answered: `{"error": "what, where, what to do"}`.

use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use surecast_guarantee::incident::Refused;
use surecast_guarantee::offer::Lang;
use surecast_guarantee::words;

use super::super::words::Language;
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
    /// Something that a page shows, in both languages.
    #[error("{en}")]
    Said {
        /// The status.
        status: StatusCode,
        /// In English.
        en: String,
        /// 中文.
        zh: String,
    },
}

/// The same answer for whoever reads 中文; [`translate`] takes it.
#[derive(Clone)]
struct Chinese(String);

impl ApiError {
    /// The same sentence for a contract that is not there and for another's.
    pub fn no_contract(id: &str) -> Self {
        let id: String = id.chars().take(64).collect();
        Self::Said {
            status: StatusCode::NOT_FOUND,
            en: format!("there is no contract `{id}`: GET /guarantee/v1/contracts lists yours"),
            zh: format!("没有合同“{id}”：GET /guarantee/v1/contracts 可列出你的合同"),
        }
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
            Self::Said { status, .. } => *status,
        }
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::Unknown { .. } => StatusCode::NOT_FOUND,
            Refused::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::CONFLICT,
        };
        Self::Said {
            status,
            en: refused.to_string(),
            zh: words::refused(&refused, Lang::Zh),
        }
    }
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::UnknownContract(id) => Self::no_contract(&id),
            DeskError::Refused(refused) => refused.into(),
            DeskError::Maintenance(why) => Self::Said {
                status: StatusCode::BAD_REQUEST,
                en: why.to_string(),
                zh: words::not_taken(&why, Lang::Zh),
            },
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
            SettlerError::NotOver { period, end } => Self::Said {
                status: StatusCode::CONFLICT,
                en: error.to_string(),
                zh: format!(
                    "第 {} 期到 {end} 才结束：此前不能结算",
                    u64::from(period) + 1
                ),
            },
            SettlerError::Refused(_) => Self::Conflict(error.to_string()),
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
        if let Self::Said { zh, .. } = self {
            response.extensions_mut().insert(Chinese(zh));
        }
        response
    }
}

/// Answers in 中文 where the page asks for it (`Accept-Language`, RFC 9110 section
/// 12.5.4) and there are words.
pub async fn translate(request: Request, next: Next) -> Response {
    let asked = request.headers().get(header::ACCEPT_LANGUAGE);
    let asked = asked.and_then(|asked| asked.to_str().ok());
    let language = Language::choose(None, asked);
    let mut response = next.run(request).await;
    if language == Language::Chinese
        && let Some(Chinese(why)) = response.extensions_mut().remove::<Chinese>()
    {
        let (parts, _) = response.into_parts();
        response = answer(parts.status, &why);
        let headers = response.headers_mut();
        let chinese = HeaderValue::from_static("zh-CN");
        headers.insert(header::CONTENT_LANGUAGE, chinese);
    }
    response
}

/// The shape of all of them.
pub fn answer(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({ "error": why }))).into_response()
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use surecast_guarantee::severity::Severity;
    use tower::ServiceExt as _;

    use super::*;

    async fn marked() -> ApiError {
        Refused::ByEvidence { is: Severity::S1 }.into()
    }

    #[tokio::test]
    async fn refusals_come_in_the_language_of_the_page() {
        let router: Router = Router::new()
            .route("/", get(marked))
            .layer(axum::middleware::from_fn(translate));
        for (accepted, language, said) in [
            (None, None, "by evidence; a mark"),
            (Some("en-GB,zh;q=0.5"), None, "by evidence; a mark"),
            (Some("zh-CN"), Some("zh-CN"), "级别 S1 由证据决定"),
        ] {
            let mut request = Request::builder().uri("/");
            if let Some(accepted) = accepted {
                request = request.header(header::ACCEPT_LANGUAGE, accepted);
            }
            let request = request.body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::CONFLICT);
            let found = response.headers().get(header::CONTENT_LANGUAGE);
            assert_eq!(found.and_then(|l| l.to_str().ok()), language);
            let body = to_bytes(response.into_body(), 4096).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert!(body["error"].as_str().unwrap().contains(said), "{body}");
        }
    }
}
