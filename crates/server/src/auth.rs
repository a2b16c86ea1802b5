//! Who is calling: the token of a request, checked against our keys.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use surecast_room::Grants;
use surecast_room::token::{self, TokenError};

use crate::clock;

/// API keys with their secrets. Cheap to clone; never printed.
#[derive(Clone)]
pub struct Keys(Arc<BTreeMap<String, String>>);

/// Why a request is not let in. Nothing in it is secret.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Neither header nor parameter.
    #[error("no token: pass `Authorization: Bearer TOKEN` or the `access_token` parameter")]
    Missing,
    /// The header has another scheme.
    #[error("invalid authorization header. Must start with Bearer")]
    Scheme,
    /// The token itself.
    #[error("invalid authorization token: {0}")]
    Token(#[from] TokenError),
}

impl Keys {
    /// Takes the keys of the configuration.
    pub fn new(keys: BTreeMap<String, String>) -> Self {
        Self(Arc::new(keys))
    }

    /// The grants of the request: the Bearer header first, then the
    /// `access_token` parameter, as LiveKit looks for them.
    ///
    /// # Errors
    /// There is no token, or it does not hold.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        parameter: Option<&str>,
    ) -> Result<Grants, AuthError> {
        let header = headers
            .get(header::AUTHORIZATION)
            .map(|value| value.to_str().unwrap_or_default());
        let jwt = match (header, parameter) {
            (Some(value), _) => bearer(value).ok_or(AuthError::Scheme)?,
            (None, Some(parameter)) if !parameter.is_empty() => parameter,
            (None, _) => return Err(AuthError::Missing),
        };
        self.verify(jwt)
    }

    /// The grants of a token that came another way.
    ///
    /// # Errors
    /// It does not hold.
    pub fn verify(&self, jwt: &str) -> Result<Grants, AuthError> {
        let secret = |key: &str| self.0.get(key).cloned();
        Ok(token::verify(jwt, secret, clock::now())?)
    }

    /// Signs with one of the keys; `None` when there is no such key.
    pub fn sign(&self, key: &str, grants: &Grants, ttl: Duration) -> Option<String> {
        let secret = self.0.get(key)?;
        Some(token::sign(key, secret, grants, ttl, clock::now()))
    }
}

/// RFC 9110 section 11.1: the scheme's case does not matter.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}
