//! The web console: files built into the program, `/console/config.json`.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;

use super::Doors;
use crate::config::DEV_KEY;

include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// One file of the console.
struct File {
    path: &'static str,
    gzip: bool,
    bytes: &'static [u8],
}

/// Shown at `/` by a program that was built without the console.
const NOT_BUILT: &str = include_str!("console_missing.html");

/// What the console may know before anybody has signed in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConsoleConfig {
    version: &'static str,
    dev: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_secret: Option<String>,
    /// Where encoders call; 0: closed. Left out where the system chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtmp_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtmps_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    srt_port: Option<u16>,
    /// Callers by SRT need the passphrase too.
    srt_encrypted: bool,
}

/// `/console/config.json`. Key and secret are in it with `--dev` only, where
/// they are public anyhow.
pub(super) async fn config(State(doors): State<Arc<Doors>>) -> impl IntoResponse {
    let secret = doors
        .config
        .keys
        .get(DEV_KEY.0)
        .filter(|_| doors.config.dev)
        .cloned();
    let (rtmp, srt) = (&doors.config.rtmp, &doors.config.srt);
    let over_tls = rtmp.tls_listen.filter(|_| rtmp.enabled);
    let config = ConsoleConfig {
        version: env!("CARGO_PKG_VERSION"),
        dev: doors.config.dev,
        api_key: secret.is_some().then_some(DEV_KEY.0),
        api_secret: secret,
        rtmp_port: told_port(rtmp.enabled, rtmp.listen),
        rtmps_port: over_tls.and_then(|listen| told_port(true, listen)),
        srt_port: told_port(srt.enabled, srt.listen),
        srt_encrypted: !srt.passphrase.is_empty(),
    };
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(config))
}

/// What an encoder is told of a port: 0 where it is closed, nothing where the
/// settings leave the choice to the system.
fn told_port(open: bool, listen: SocketAddr) -> Option<u16> {
    match (open, listen.port()) {
        (false, _) => Some(0),
        (true, 0) => None,
        (true, port) => Some(port),
    }
}

/// Everything that no other door answers.
pub(super) async fn asset(request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    let path = request.uri().path().trim_start_matches('/');
    let file = find(path).filter(|_| !path.is_empty());
    // The console does its own routing: a page of it is the index.
    let page = path.is_empty() || wants_page(request.headers());
    let mut response = match (file, find("index.html")) {
        (Some(file), _) => serve(file, request.headers()),
        (None, Some(index)) if page => serve(index, request.headers()),
        (None, None) if page => {
            ([(header::CACHE_CONTROL, "no-cache")], Html(NOT_BUILT)).into_response()
        }
        (None, _) => (StatusCode::NOT_FOUND, "not found\n").into_response(),
    };
    secure(response.headers_mut());
    response
}

fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn serve(file: &'static File, asked: &HeaderMap) -> Response {
    let takes_gzip = asked
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(file.path)),
    );
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(caching(file.path)),
    );
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !file.gzip {
        return (headers, file.bytes).into_response();
    }
    if takes_gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        return (headers, file.bytes).into_response();
    }
    (headers, unpack(file.bytes)).into_response()
}

/// For the rare client without gzip.
fn unpack(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    // Our own build packed it; and a console that is cut short is still no
    // reason to fail.
    let _ = std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut plain);
    plain
}

/// Vite puts a hash of the content into the name of everything in `assets/`.
fn caching(path: &str) -> &'static str {
    if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp4" => "video/mp4",
        "mp3" => "audio/mpeg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// The console runs scripts of its own only, may be framed by nobody, and may
/// use camera and microphone.
fn secure(headers: &mut HeaderMap) {
    const POLICY: &str = "default-src 'self'; connect-src * ws: wss: data: blob:; img-src 'self' data: blob:; \
        media-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; \
        script-src 'self' 'wasm-unsafe-eval' blob:; font-src 'self' data:; object-src 'none'; base-uri 'self'; \
        frame-ancestors 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(self), microphone=(self), display-capture=(self)",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_told_as_far_as_they_are_known() {
        let at = |port| SocketAddr::from(([0, 0, 0, 0], port));
        assert_eq!(told_port(true, at(8890)), Some(8890));
        assert_eq!(told_port(true, at(0)), None);
        assert_eq!(told_port(false, at(8890)), Some(0));
    }
}
