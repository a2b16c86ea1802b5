//! Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA256, carrying
//! LiveKit's grants.

mod grants;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use surecast_media::time::Now;
use thiserror::Error;

use crate::limits::TOKEN_BYTES;

pub use grants::{
    AgentGrant, Grants, GuaranteeGrant, SipGrant, VideoGrant, source_from_name, source_name,
};

/// Clocks of token makers may be off by this much.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// Why a token is not accepted. Never quotes the token.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Not three base64 parts of JSON, or a claim of the wrong type.
    #[error("malformed token: {0}")]
    Malformed(String),
    /// Signed in a way that is not accepted.
    #[error("token is signed with {0:?}: only HS256 is accepted")]
    Algorithm(String),
    /// The `iss` claim names no key of this server.
    #[error("unknown API key {0:?} in the token's `iss` claim")]
    UnknownKey(String),
    /// The signature was made with another secret, or the token was altered.
    #[error("token signature is wrong: check the API secret")]
    Signature,
    /// No `exp`.
    #[error("token has no `exp` claim")]
    NoExpiry,
    /// Past its `exp`.
    #[error("token expired {0} s ago")]
    Expired(u64),
    /// Before its `nbf`.
    #[error("token is not valid for another {0} s: check the clock of its maker")]
    NotYet(u64),
}

/// Checks signature, algorithm and times, and returns what the token grants.
/// `secrets` gives the secret of an API key.
///
/// # Errors
/// See [`TokenError`].
pub fn verify(
    jwt: &str,
    secrets: impl Fn(&str) -> Option<String>,
    now: Now,
) -> Result<Grants, TokenError> {
    let (signed, claims, signature) = split(jwt)?;
    let grants: Grants =
        serde_json::from_slice(&claims).map_err(|e| TokenError::Malformed(e.to_string()))?;
    let secret = secrets(&grants.issuer)
        .filter(|secret| !secret.is_empty())
        .ok_or_else(|| TokenError::UnknownKey(shorten(&grants.issuer)))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &signature).map_err(|_| TokenError::Signature)?;
    check_times(&grants, now)?;
    Ok(grants.with_identity_from_id())
}

/// Makes a token that [`verify`] and every LiveKit server accepts. `nbf` and
/// `exp` are set from `now` and `ttl`, `iss` from `key`.
#[must_use]
pub fn sign(key: &str, secret: &str, grants: &Grants, ttl: Duration, now: Now) -> String {
    let claims = Grants {
        issuer: key.to_owned(),
        expires_at: Some(now.unix_secs().saturating_add_unsigned(ttl.as_secs())),
        not_before: Some(now.unix_secs()),
        ..grants.clone()
    };
    let header = Header {
        alg: "HS256".to_owned(),
        typ: Some("JWT".to_owned()),
        crit: None,
    };
    let mut jwt = encode_part(&header);
    jwt.push('.');
    jwt.push_str(&encode_part(&claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, jwt.as_bytes());
    jwt.push('.');
    jwt.push_str(&URL_SAFE_NO_PAD.encode(tag));
    jwt
}

/// Entry point for a fuzzer: any bytes as a token.
pub fn fuzz_token(bytes: &[u8], now: Now) {
    let jwt = String::from_utf8_lossy(bytes);
    let _ = verify(&jwt, |_| Some("secret".to_owned()), now);
}

/// JOSE header (RFC 7515 section 4).
#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    typ: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<Vec<String>>,
}

/// Signed text, decoded claims, signature.
fn split(jwt: &str) -> Result<(&str, Vec<u8>, Vec<u8>), TokenError> {
    let malformed = |what: &str| TokenError::Malformed(what.to_owned());
    if jwt.len() > TOKEN_BYTES {
        return Err(malformed("too long"));
    }
    let mut parts = jwt.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("not three parts separated by dots"));
    };
    let decode = |part: &str| {
        URL_SAFE_NO_PAD
            .decode(part)
            .map_err(|_| malformed("a part is not base64url"))
    };
    let head: Header = serde_json::from_slice(&decode(header)?)
        .map_err(|e| TokenError::Malformed(format!("header: {e}")))?;
    if head.alg != "HS256" {
        return Err(TokenError::Algorithm(shorten(&head.alg)));
    }
    if head.crit.is_some() {
        return Err(malformed("header: `crit` extensions are not known here"));
    }
    let signed = &jwt[..header.len() + 1 + claims.len()];
    Ok((signed, decode(claims)?, decode(signature)?))
}

fn check_times(grants: &Grants, now: Now) -> Result<(), TokenError> {
    let leeway = i64::try_from(LEEWAY.as_secs()).unwrap_or(0);
    let now = now.unix_secs();
    let expires_at = grants.expires_at.ok_or(TokenError::NoExpiry)?;
    let late = now.saturating_sub(expires_at);
    if late > leeway {
        return Err(TokenError::Expired(late.unsigned_abs()));
    }
    let early = grants.not_before.unwrap_or(now).saturating_sub(now);
    if early > leeway {
        return Err(TokenError::NotYet(early.unsigned_abs()));
    }
    Ok(())
}

fn encode_part(part: &impl Serialize) -> String {
    // Strings, numbers and maps with string keys only: this cannot fail.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(part).unwrap_or_default())
}

/// What a stranger wrote goes into errors and logs in small portions only.
fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}
