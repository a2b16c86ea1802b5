//! What WHIP and WHEP have in common: a client offers by HTTP and is from then
//! on a participant of a room, without a signalling connection.
//!
//! A *session* is that participant. One task owns it: it reads what the room
//! engine says, and carries out what the client asks at the session's own URL.
//! The session ends with the peer connection, by `DELETE`, or when the room
//! engine ends it; then its URL is gone.

mod caller;
mod problem;
mod registry;
mod resource;
mod session;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use surecast_room::proto;

use super::Doors;

pub(super) use caller::{Caller, Who};
pub(super) use problem::Problem;
pub use registry::Sessions;
pub(super) use registry::{Door, Entry};
pub(super) use resource::{ask, find, resource};
pub(super) use session::{Command, Opening, Session};

/// Bytes of an offer or a fragment. Chromium's offer of one sending and one
/// receiving section with all its codecs has 7 KiB, those of encoders have 2;
/// what is ten times as large is a mistake.
pub(super) const BODY_BYTES: usize = 64 << 10;

/// Seconds until a viewer should ask again for something that is not there yet.
pub(super) const RETRY_AFTER: u32 = 2;

/// `application/sdp`
pub(super) const SDP: &str = "application/sdp";

/// `application/trickle-ice-sdpfrag`
pub(super) const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// The text of a request's body.
pub(super) async fn read(body: Body) -> Result<String, Problem> {
    let bytes = to_bytes(body, BODY_BYTES).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if too_large {
            let detail = format!("the body is larger than {BODY_BYTES} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
        } else {
            Problem::new(StatusCode::BAD_REQUEST, "the request's body ended early")
        }
    })?;
    String::from_utf8(bytes.to_vec())
        .map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body is not text in UTF-8"))
}

/// Is the body of this media type?
pub(super) fn is_kind(headers: &HeaderMap, kind: &str) -> bool {
    let said = headers.get(header::CONTENT_TYPE);
    let said = said.and_then(|v| v.to_str().ok()).unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(kind)
}

/// The offer in a request to one of the two endpoints.
pub(super) async fn read_offer(headers: &HeaderMap, body: Body) -> Result<String, Problem> {
    if !is_kind(headers, SDP) {
        let detail = format!("the body must be an SDP offer with `Content-Type: {SDP}`");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
            .with(header::HeaderName::from_static("accept-post"), SDP));
    }
    read(body).await
}

/// `201 Created` (RFC 9725 section 4.2).
pub(super) fn created(
    doors: &Arc<Doors>,
    session: Session,
    answer: String,
    links: Vec<String>,
) -> Response {
    let (location, etag) = (session.location(), session.etag().to_owned());
    let ice = session.ice_servers().iter().flat_map(ice_links);
    let links: Vec<String> = links.into_iter().chain(ice).collect();
    session.start(doors);
    let mut response = (StatusCode::CREATED, answer).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    headers.insert(
        header::HeaderName::from_static("accept-patch"),
        HeaderValue::from_static(FRAGMENT),
    );
    let values = [(header::LOCATION, location), (header::ETAG, etag)];
    let links = links.into_iter().map(|link| (header::LINK, link));
    for (name, value) in values.into_iter().chain(links) {
        // An ICE server's credentials may hold what a header cannot; it is left out.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
    response
}

/// `OPTIONS` of an endpoint: what to send there.
pub(super) async fn options() -> Response {
    let headers = [
        (header::ALLOW, "POST, OPTIONS"),
        (header::HeaderName::from_static("accept-post"), SDP),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// Other methods on an endpoint: kept for later versions of the protocol.
pub(super) async fn only_post() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "POST an SDP offer to this address",
    )
    .with(header::ALLOW, "POST, OPTIONS")
}

/// RFC 9725 section 4.6: one link for each address of a server.
fn ice_links(server: &proto::IceServer) -> impl Iterator<Item = String> + '_ {
    server.urls.iter().map(move |url| {
        let mut link = format!("<{url}>; rel=\"ice-server\"");
        if !server.username.is_empty() {
            let (name, secret) = (quoted(&server.username), quoted(&server.credential));
            link.push_str(&format!(
                "; username={name}; credential={secret}; credential-type=\"password\""
            ));
        }
        link
    })
}

/// RFC 9110 section 5.6.4.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ice_servers_as_links() {
        let server = proto::IceServer {
            urls: vec![
                "turn:t.example?transport=udp".into(),
                "stun:t.example".into(),
            ],
            username: "a\"b".into(),
            credential: "c".into(),
        };
        let links: Vec<_> = ice_links(&server).collect();
        assert_eq!(
            links[0],
            "<turn:t.example?transport=udp>; rel=\"ice-server\"; username=\"a\\\"b\"; \
             credential=\"c\"; credential-type=\"password\""
        );
        assert_eq!(links.len(), 2);
    }

    #[test]
    fn media_types_have_parameters() {
        let mut headers = HeaderMap::new();
        assert!(!is_kind(&headers, SDP));
        let value = HeaderValue::from_static("Application/SDP; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, value);
        assert!(is_kind(&headers, SDP));
    }
}
