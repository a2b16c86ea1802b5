//! Sends what was seen to the server that keeps the log.

use std::collections::VecDeque;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Request, StatusCode, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use surecast_guarantee::evidence::SigningKey;
use surecast_guarantee::module::Region;
use surecast_guarantee::report::probe::{FORMAT, Round, Statement};
use surecast_guarantee::rollup::Minute;

use crate::webhook::post::{chain, connector};

/// Minutes that wait while the server cannot be reached: a day. Later than that
/// it takes none.
const WAITING: usize = 1440;

/// How long one report may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is read of an answer.
const ANSWER_BYTES: usize = 4096;

/// The statements of one vantage.
pub(super) struct Sender {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: String,
    key: SigningKey,
    region: Region,
    target: String,
    open: Option<Statement>,
    /// Signed, oldest first.
    waiting: VecDeque<String>,
}

enum Answer {
    Taken,
    /// It will never be taken.
    Refused(String),
    Later(String),
}

impl Sender {
    pub(super) fn new(
        url: &str,
        key: SigningKey,
        region: Region,
        target: &str,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector()?),
            url: format!("{}/guarantee/v1/probes", url.trim_end_matches('/')),
            key,
            region,
            target: target.to_owned(),
            open: None,
            waiting: VecDeque::new(),
        })
    }

    /// Takes a round; what is known of the minute before is ready then.
    pub(super) fn add(&mut self, round: Round) -> anyhow::Result<()> {
        let minute = Minute::of(round.at).unwrap_or(Minute(0));
        if self.open.as_ref().is_some_and(|open| open.minute != minute) {
            self.close()?;
        }
        let open = self.open.get_or_insert_with(|| Statement {
            format: FORMAT.to_owned(),
            minute,
            probe: self.key.public().name().to_owned(),
            region: self.region.clone(),
            target: self.target.clone(),
            rounds: Vec::new(),
        });
        open.rounds.push(round);
        Ok(())
    }

    /// No more rounds begin in the open minute.
    pub(super) fn close(&mut self) -> anyhow::Result<()> {
        if let Some(statement) = self.open.take() {
            let note = statement.sign(&self.key)?;
            if self.waiting.len() >= WAITING {
                self.waiting.pop_front();
            }
            self.waiting.push_back(note.to_string());
        }
        Ok(())
    }

    /// Sends all that is ready, until the first that does not get through.
    ///
    /// # Errors
    /// Says why one did not. One that waits is sent with the next.
    pub(super) async fn send(&mut self) -> anyhow::Result<()> {
        while let Some(note) = self.waiting.front() {
            let answer = tokio::time::timeout(PATIENCE, self.post(note.clone())).await;
            match answer.unwrap_or_else(|_| Answer::Later(format!("no answer within {PATIENCE:?}")))
            {
                Answer::Taken => drop(self.waiting.pop_front()),
                Answer::Refused(why) => {
                    self.waiting.pop_front();
                    anyhow::bail!("{} does not take the report: {why}", self.url);
                }
                Answer::Later(why) => {
                    let count = self.waiting.len();
                    anyhow::bail!(
                        "{} cannot be reached, {count} reports wait: {why}",
                        self.url
                    );
                }
            }
        }
        Ok(())
    }

    async fn post(&self, note: String) -> Answer {
        let request = Request::post(&self.url)
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(Bytes::from(note)));
        let request = match request {
            Ok(request) => request,
            Err(error) => return Answer::Refused(error.to_string()),
        };
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => return Answer::Later(chain(&error)),
        };
        let status = response.status();
        if status.is_success() {
            return Answer::Taken;
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map(|b| b.to_bytes()).unwrap_or_default();
        let said = format!("{status}: {}", String::from_utf8_lossy(&body).trim());
        // 404 is a server without a guarantee, or of another version: it may come.
        let never = [
            StatusCode::BAD_REQUEST,
            StatusCode::FORBIDDEN,
            StatusCode::CONFLICT,
            StatusCode::PAYLOAD_TOO_LARGE,
        ];
        if never.contains(&status) {
            Answer::Refused(said)
        } else {
            Answer::Later(said)
        }
    }
}
