//! `POST /twirp/livekit.{Service}/{Method}`: protobuf or JSON.
//! <https://twitchtv.github.io/twirp/docs/spec_v7.html>

mod body;
mod ingress;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use surecast_room::{ServiceCall, ServiceCode, ServiceError};

use super::Doors;

const ROOM_SERVICE: &str = "livekit.RoomService";
const INGRESS: &str = "livekit.Ingress";

/// Services of LiveKit that this server does not have.
const OTHER_SERVICES: &[&str] = &[
    "livekit.AgentDispatchService",
    "livekit.Egress",
    "livekit.SIP",
    "livekit.Connector",
];

/// Any method of any service.
pub(super) async fn call(
    State(doors): State<Arc<Doors>>,
    Path((service, method)): Path<(String, String)>,
    request: Request,
) -> Response {
    match serve(&doors, &service, &method, request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::debug!(
                service,
                method,
                code = error.code.as_str(),
                message = error.message,
                "call refused"
            );
            error_response(&error)
        }
    }
}

async fn serve(
    doors: &Doors,
    service: &str,
    method: &str,
    request: Request,
) -> Result<Response, ServiceError> {
    check_service(service, method)?;
    let (head, body) = request.into_parts();
    if head.method != Method::POST {
        let message = format!(
            "unsupported method {:?} (only POST is allowed)",
            head.method.as_str()
        );
        return Err(ServiceError::new(ServiceCode::BadRoute, message));
    }
    let json = is_json(head.headers.get(header::CONTENT_TYPE))?;
    let grants = doors
        .keys
        .authenticate(&head.headers, None)
        .map_err(|error| ServiceError::new(ServiceCode::Unauthenticated, error.to_string()))?;
    let body = read(body, doors.config.limits.api_bytes as usize).await?;
    let answer = if service == INGRESS {
        ingress::call(doors, (method, &head.headers), &grants, (&body, json)).await?
    } else {
        let call = ServiceCall::decode(method, &body, json)?;
        let reply = doors.control.service(grants, call).await;
        // Twirp has `unavailable` for this; the engine's own codes do not.
        let Ok(reply) = reply else {
            return Ok(unavailable());
        };
        reply?.encode(json)
    };
    let kind = if json {
        "application/json"
    } else {
        "application/protobuf"
    };
    Ok(([(header::CONTENT_TYPE, kind)], answer).into_response())
}

fn check_service(service: &str, method: &str) -> Result<(), ServiceError> {
    if service == ROOM_SERVICE || service == INGRESS {
        return Ok(());
    }
    if OTHER_SERVICES.contains(&service) {
        let message = format!("{service}/{method} is not offered by this server");
        return Err(ServiceError::new(ServiceCode::Unimplemented, message));
    }
    let message = format!("no service {service:?}: there are {ROOM_SERVICE} and {INGRESS}");
    Err(ServiceError::new(ServiceCode::BadRoute, message))
}

fn is_json(kind: Option<&HeaderValue>) -> Result<bool, ServiceError> {
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        "application/json" => Ok(true),
        "application/protobuf" => Ok(false),
        other => Err(ServiceError::new(
            ServiceCode::BadRoute,
            format!(
                "unexpected Content-Type {other:?}: use application/json or application/protobuf"
            ),
        )),
    }
}

async fn read(body: Body, limit: usize) -> Result<axum::body::Bytes, ServiceError> {
    to_bytes(body, limit).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if too_large {
            let message = format!("the request is larger than {limit} bytes (`limits.api_bytes`)");
            ServiceError::new(ServiceCode::ResourceExhausted, message)
        } else {
            ServiceError::new(ServiceCode::Malformed, "the request's body ended early")
        }
    })
}

fn error_response(error: &ServiceError) -> Response {
    let status =
        StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    error_body(status, error.code.as_str(), &error.message)
}

fn unavailable() -> Response {
    error_body(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "the server is shutting down",
    )
}

fn error_body(status: StatusCode, code: &str, message: &str) -> Response {
    (
        status,
        axum::Json(serde_json::json!({ "code": code, "msg": message })),
    )
        .into_response()
}
