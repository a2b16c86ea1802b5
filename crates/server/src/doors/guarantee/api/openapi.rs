//! The description of this door, for whoever writes a client.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// OpenAPI 3.1; tests hold it against the routes and against real answers.
pub const DOCUMENT: &str = include_str!("../../../../../../docs/openapi-guarantee.json");

pub async fn document() -> Response {
    let kind = HeaderValue::from_static("application/json");
    let cache = HeaderValue::from_static("no-cache");
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
    (headers, DOCUMENT).into_response()
}
