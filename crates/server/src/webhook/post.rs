//! One request: signed as LiveKit signs it, so its SDKs verify it.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, StatusCode, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use surecast_room::Grants;

use crate::auth::Keys;

/// Life of the token in the request: long enough for a queue at the receiver.
const TOKEN_TTL: Duration = Duration::from_secs(5 * 60);

/// What is read of an answer, so that the connection can be used again.
const ANSWER_BYTES: usize = 64 << 10;

/// Posts to one receiver. Cheap to clone; connections are shared.
#[derive(Clone)]
pub(crate) struct Poster {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    api_key: String,
    keys: Keys,
    timeout: Duration,
}

/// What is posted.
pub(crate) enum Body {
    /// One of our own documents, with a token that signs it.
    Signed(String),
    /// JSON as another product takes it.
    Plain(String),
}

/// Why it was not taken; in words for the log.
#[derive(Debug)]
pub(crate) enum Unposted {
    /// The receiver will never take this document.
    Unacceptable(String),
    /// It may at another time.
    Failed(String),
}

impl Poster {
    pub(crate) fn new(
        url: &str,
        api_key: String,
        keys: Keys,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector()?);
        Ok(Self {
            client,
            url: url.to_owned(),
            api_key,
            keys,
            timeout,
        })
    }

    /// The same for another receiver.
    pub(crate) fn to(&self, url: &str) -> Self {
        Self {
            url: url.to_owned(),
            ..self.clone()
        }
    }

    /// `Err` says what happened, for the log.
    pub(super) async fn post(&self, body: String) -> Result<(), String> {
        let sent = self.send(Body::Signed(body)).await;
        sent.map_err(|(Unposted::Unacceptable(why) | Unposted::Failed(why))| why)
    }

    pub(crate) async fn send(&self, body: Body) -> Result<(), Unposted> {
        let request = self.request(body).map_err(Unposted::Failed)?;
        let exchange = async {
            let response = self
                .client
                .request(request)
                .await
                .map_err(|error| Unposted::Failed(chain(&error)))?;
            let status = response.status();
            let _ = Limited::new(response.into_body(), ANSWER_BYTES)
                .collect()
                .await;
            answer(status)
        };
        let answer = tokio::time::timeout(self.timeout, exchange).await;
        answer.unwrap_or_else(|_| {
            let within = self.timeout.as_secs();
            Err(Unposted::Failed(format!("no answer within {within} s")))
        })
    }

    /// Posts a signed question and gives the answer: its status and the
    /// beginning of its text. `Err` says why there is none.
    pub(crate) async fn ask(&self, body: String) -> Result<(StatusCode, String), String> {
        let request = self.request(Body::Signed(body))?;
        let exchange = async {
            let response = self.client.request(request).await;
            let response = response.map_err(|error| chain(&error))?;
            let status = response.status();
            let text = Limited::new(response.into_body(), ANSWER_BYTES)
                .collect()
                .await;
            let text = text
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            Ok((status, String::from_utf8_lossy(&text).into_owned()))
        };
        let answer = tokio::time::timeout(self.timeout, exchange).await;
        answer.unwrap_or_else(|_| Err(format!("no answer within {} s", self.timeout.as_secs())))
    }

    fn request(&self, body: Body) -> Result<Request<Full<Bytes>>, String> {
        let request = Request::post(&self.url).header(
            header::USER_AGENT,
            concat!("surecast/", env!("CARGO_PKG_VERSION")),
        );
        let (request, body) = match body {
            Body::Signed(body) => {
                let request = request
                    .header(header::CONTENT_TYPE, "application/webhook+json")
                    .header(header::AUTHORIZATION, self.token(&body)?);
                (request, body)
            }
            Body::Plain(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json");
                (request, body)
            }
        };
        request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())
    }

    /// Signs the body's digest.
    fn token(&self, body: &str) -> Result<String, String> {
        let sha256 = STANDARD.encode(digest::digest(&digest::SHA256, body.as_bytes()));
        let grants = Grants {
            sha256,
            ..Grants::default()
        };
        let signed = self.keys.sign(&self.api_key, &grants, TOKEN_TTL);
        signed.ok_or_else(|| format!("there is no secret for the key {:?}", self.api_key))
    }
}

/// What an answer means. A document that is malformed or too large for a
/// receiver stays so; everything else may be repaired there.
fn answer(status: StatusCode) -> Result<(), Unposted> {
    let why = || format!("the receiver answered {status}");
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => Err(Unposted::Unacceptable(why())),
        _ => Err(Unposted::Failed(why())),
    }
}

/// Trusts what the system trusts.
pub(crate) fn connector() -> anyhow::Result<HttpsConnector<HttpConnector>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = hyper_rustls::HttpsConnectorBuilder::new();
    let builder = match builder.with_provider_and_native_roots(provider.clone()) {
        Ok(builder) => builder,
        Err(error) => {
            // Addresses by plain http do not need any.
            tracing::warn!(%error, "no root certificates found: https addresses cannot be verified");
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config)
        }
    };
    Ok(builder.https_or_http().enable_http1().build())
}

/// The client's own words are only "client error (Connect)".
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
