//! Requests to a session's own URL: `PATCH` (RFC 9725 section 4.3) and
//! `DELETE`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, patch};
use surecast_sfu::sdp::fragment::Fragment;
use tokio::sync::oneshot;

use super::{Command, Door, Entry, FRAGMENT, Problem, is_kind, read};
use crate::doors::Doors;

const ALLOWED: &str = "PATCH, DELETE, OPTIONS";

/// A fragment for the ICE session that `If-Match` names.
pub(in crate::doors) struct Patch {
    /// `*`, or an entity tag with its quotes.
    pub(super) if_match: String,
    pub(super) fragment: Fragment,
}

/// What became of it.
pub(in crate::doors) enum Patched {
    /// Candidates were added.
    Added,
    /// ICE begins anew with the server's credentials in the fragment.
    Restarted { fragment: String, etag: String },
}

/// The methods of a session's URL.
pub(in crate::doors) fn resource(door: Door) -> MethodRouter<Arc<Doors>> {
    patch(move |State(doors), Path(id), headers, body| {
        patch_session(doors, door, id, headers, body)
    })
    .delete(move |State(doors), Path(id)| delete_session(doors, door, id))
    .options(async || (StatusCode::NO_CONTENT, headers_of_options()))
    .fallback(async || {
        let detail = "a session takes PATCH with candidates, and DELETE";
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).with(header::ALLOW, ALLOWED)
    })
}

fn headers_of_options() -> [(HeaderName, &'static str); 2] {
    [
        (header::ALLOW, ALLOWED),
        (HeaderName::from_static("accept-patch"), FRAGMENT),
    ]
}

async fn patch_session(
    doors: Arc<Doors>,
    door: Door,
    id: String,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let entry = find(&doors, door, &id)?;
    if !is_kind(&headers, FRAGMENT) {
        let detail = format!("the body must be an SDP fragment with `Content-Type: {FRAGMENT}`");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
            .with(HeaderName::from_static("accept-patch"), FRAGMENT));
    }
    let if_match = headers.get(header::IF_MATCH).and_then(|v| v.to_str().ok());
    let if_match = if_match.map(str::trim).filter(|v| !v.is_empty());
    let Some(if_match) = if_match.map(str::to_owned) else {
        let detail = "`If-Match` is missing: send the session's newest ETag, \
                      or \"*\" to restart ICE";
        return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, detail));
    };
    let fragment = Fragment::parse(&read(body).await?)
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let patch = Patch { if_match, fragment };
    match ask(&entry, |reply| Command::Patch { patch, reply }).await?? {
        Patched::Added => Ok(StatusCode::NO_CONTENT.into_response()),
        Patched::Restarted { fragment, etag } => {
            let headers = [
                (header::CONTENT_TYPE, FRAGMENT.to_owned()),
                (header::ETAG, etag),
            ];
            Ok((StatusCode::OK, headers, fragment).into_response())
        }
    }
}

async fn delete_session(doors: Arc<Doors>, door: Door, id: String) -> Result<Response, Problem> {
    let entry = find(&doors, door, &id)?;
    ask(&entry, |reply| Command::Leave { reply }).await?;
    Ok(StatusCode::OK.into_response())
}

/// The session of that URL.
pub(in crate::doors) fn find(doors: &Doors, door: Door, id: &str) -> Result<Entry, Problem> {
    doors.wish.get(door, id).ok_or_else(gone)
}

/// Asks the session's task for something.
pub(in crate::doors) async fn ask<T>(
    entry: &Entry,
    command: impl FnOnce(oneshot::Sender<T>) -> Command,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    let sent = entry.commands.send(command(reply)).await;
    sent.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())
}

fn gone() -> Problem {
    let detail = "no such session: it has ended, or the address is wrong";
    Problem::new(StatusCode::NOT_FOUND, detail)
}
