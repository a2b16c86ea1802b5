//! Answers, and what caches may do with them.

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::broadcast::Refusal;

/// Why there is none.
#[derive(Debug)]
pub(super) enum Problem {
    /// The viewer is not let in, or nothing is live.
    Refused(Refusal),
    /// The request makes no sense.
    Bad(&'static str),
    /// There is no such thing.
    NotFound(&'static str),
    /// It was there, or never will be.
    Gone(&'static str),
    /// It did not come in time.
    Late,
    /// The format has no place in HLS.
    Format(&'static str),
}

/// Which playlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each viewer has one of his own: it counts him.
    Multivariant,
    /// As it is now; the target duration in seconds.
    Current(i64),
    /// Asked for by number: it stays an answer to that question.
    Awaited(i64),
}

/// Playlists of so many bytes and less are sent as they are: the packet is not
/// smaller for it.
const WORTH_PACKING: usize = 1000;

pub(super) fn playlist(kind: Kind, text: String, headers: &HeaderMap) -> Response {
    let cache = match kind {
        Kind::Multivariant => "no-store".to_owned(),
        // It changes with each part; who asks without a number takes what there is.
        Kind::Current(_) => "public, max-age=1".to_owned(),
        Kind::Awaited(target) => format!("public, max-age={}", 6 * target.max(1)),
    };
    let mut response = match packed(&text, headers) {
        Some(bytes) => {
            let encoding = [(header::CONTENT_ENCODING, "gzip")];
            (encoding, bytes).into_response()
        }
        None => text.into_response(),
    };
    let fields = response.headers_mut();
    let mime = HeaderValue::from_static("application/vnd.apple.mpegurl");
    fields.insert(header::CONTENT_TYPE, mime);
    fields.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Ok(cache) = HeaderValue::from_str(&cache) {
        fields.insert(header::CACHE_CONTROL, cache);
    }
    response
}

fn packed(text: &str, headers: &HeaderMap) -> Option<Vec<u8>> {
    let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    let wanted = accepted.split(',').any(|it| it.trim().starts_with("gzip"));
    if !wanted || text.len() <= WORTH_PACKING {
        return None;
    }
    let level = flate2::Compression::fast();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), level);
    packer.write_all(text.as_bytes()).ok()?;
    packer.finish().ok()
}

/// Media never changes: its name is used once.
pub(super) fn media(rendition: &str, mut pieces: Vec<Bytes>) -> Response {
    let mime = match rendition {
        "ts" => "video/mp2t",
        audio if audio.starts_with("audio") => "audio/mp4",
        _ => "video/mp4",
    };
    let len: usize = pieces.iter().map(Bytes::len).sum();
    let body = match pieces.len() {
        1 => Body::from(pieces.remove(0)),
        _ => {
            let pieces = pieces.into_iter().map(Ok::<_, std::convert::Infallible>);
            Body::from_stream(futures_util::stream::iter(pieces))
        }
    };
    let head = [
        (header::CONTENT_TYPE, HeaderValue::from_static(mime)),
        (header::CONTENT_LENGTH, HeaderValue::from(len)),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        ),
    ];
    (head, body).into_response()
}

pub(super) fn problem(room: &str, problem: Problem) -> Response {
    let (status, words) = match problem {
        Problem::Refused(refusal) => (refusal.status(), refusal.to_string()),
        Problem::Bad(words) => (StatusCode::BAD_REQUEST, words.to_owned()),
        Problem::NotFound(words) => (StatusCode::NOT_FOUND, words.to_owned()),
        Problem::Gone(words) => (StatusCode::GONE, words.to_owned()),
        Problem::Late => (
            StatusCode::SERVICE_UNAVAILABLE,
            "it did not come in time: the encoder has stopped, or sends no keyframes".to_owned(),
        ),
        Problem::Format(words) => (StatusCode::NOT_ACCEPTABLE, words.to_owned()),
    };
    tracing::debug!(room, status = status.as_u16(), words, "HLS request refused");
    // A stream may begin at any time, and a cache must not stand in its way.
    let head = [(header::CACHE_CONTROL, "no-store")];
    (status, head, format!("{words}\n")).into_response()
}
