//! What comes with a request: bodies, parameters, numbers in paths.

use axum::body::{Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use surecast_guarantee::inbound::{MAX_MAIL, MAX_NOTE};
use surecast_guarantee::ticket::bounds::MAX_BODY;

use super::error::ApiError;

/// Largest JSON body: the longest text of a ticket with every byte escaped as
/// `\u00xx`, and as much again as fits a subject and names.
pub const JSON_BYTES: usize = 6 * MAX_BODY + 16 * 1024;

/// Most things of one page of a list.
const MAX_PAGE: usize = 200;

/// Things of a page for whoever does not say.
const PAGE: usize = 50;

/// A JSON body.
pub struct Body<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = read(request, JSON_BYTES).await?;
        let read = serde_json::from_slice(&bytes);
        let read = read.map_err(|why| ApiError::Bad(format!("the body does not fit: {why}")));
        read.map(Self)
    }
}

/// A mail as it is.
pub struct Mail(pub Bytes);

impl<S: Sync> FromRequest<S> for Mail {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read(request, MAX_MAIL).await.map(Self)
    }
}

/// A note of a call as it is.
pub struct Note(pub Bytes);

impl<S: Sync> FromRequest<S> for Note {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        read(request, MAX_NOTE).await.map(Self)
    }
}

async fn read(request: Request, most: usize) -> Result<Bytes, ApiError> {
    to_bytes(request.into_body(), most).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if too_large {
            ApiError::TooLarge(format!("the body has more than {most} bytes: send less"))
        } else {
            ApiError::Bad("the body ended early: send it again".to_owned())
        }
    })
}

/// Parameters of the query.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        let query = query.map_err(|why| ApiError::Bad(why.body_text()))?;
        Ok(Self(query.0))
    }
}

/// Which part of a list of open and closed things.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listed {
    /// Only those that are open, or only those that are not.
    pub open: Option<bool>,
    /// Words that must be in it; for tickets.
    pub q: Option<String>,
    /// So many at most.
    pub limit: Option<usize>,
    /// Those that come after this one.
    pub after: Option<u64>,
}

impl Listed {
    /// One page, and the `after` of the next one. The newest come first.
    pub fn page<T>(&self, all: Vec<T>, id: impl Fn(&T) -> u64) -> (Vec<T>, Option<u64>) {
        let limit = self.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
        let mut all: Vec<T> = all
            .into_iter()
            .filter(|one| self.after.is_none_or(|after| id(one) < after))
            .collect();
        all.sort_by_key(|one| std::cmp::Reverse(id(one)));
        let more = all.len() > limit;
        all.truncate(limit);
        let next = all.last().filter(|_| more).map(id);
        (all, next)
    }
}

/// A number in a path; what is none names nothing.
pub fn number<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| {
        let text: String = text.chars().take(32).collect();
        ApiError::NotFound(format!("there is no {what} `{text}`: numbers name them"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_page_by_page() {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let listed = Listed {
                limit: Some(3),
                after,
                ..Listed::default()
            };
            let (page, next) = listed.page((1..=8).collect(), |id| *id);
            assert!(page.len() <= 3);
            seen.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, (1..=8).rev().collect::<Vec<u64>>());
        let all = Listed {
            limit: Some(0),
            ..Listed::default()
        };
        assert_eq!(all.page(vec![1, 2], |id| *id), (vec![2], Some(2)));
    }
}
