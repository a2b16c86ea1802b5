//! A log that is read over HTTP.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{Request, StatusCode, header};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use surecast_guarantee::evidence::Files;
use surecast_guarantee::evidence::files::MAX_FILE;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::webhook::post::{chain, connector};

/// Files that are fetched at the same time: they hide the way to a far server
/// without being a burden to it. As many of the largest files would be 256 MiB;
/// usual ones are 100 kB.
const AHEAD: usize = 16;

/// A server that has not sent a file by then is not going to.
const TIMEOUT: Duration = Duration::from_secs(30);

type Fetched = Result<Option<Vec<u8>>, String>;

/// Reads a log's files below a URL. Blocks, so it must not be used in a task.
pub struct Remote {
    client: HttpClient,
    runtime: Handle,
    under_way: HashMap<String, JoinHandle<Fetched>>,
    /// Files that will be asked for.
    ahead: Box<dyn Iterator<Item = String> + Send>,
}

#[derive(Clone)]
struct HttpClient {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    base: String,
}

impl Remote {
    /// Of the log whose checkpoint is `base/checkpoint`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(base: &str, runtime: Handle) -> anyhow::Result<Self> {
        let client = {
            let _within = runtime.enter();
            Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector()?)
        };
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self {
            client: HttpClient { client, base },
            runtime,
            under_way: HashMap::new(),
            ahead: Box::new(std::iter::empty()),
        })
    }

    /// Files that will be read next, in this order; they are fetched a few at a
    /// time before they are asked for.
    pub fn expect(&mut self, paths: impl Iterator<Item = String> + Send + 'static) {
        self.ahead = Box::new(paths);
    }

    fn fetch_ahead(&mut self) {
        while self.under_way.len() < AHEAD
            && let Some(path) = self.ahead.next()
        {
            let client = self.client.clone();
            let wanted = path.clone();
            let task = self.runtime.spawn(async move { client.get(&wanted).await });
            self.under_way.insert(path, task);
        }
    }
}

impl Files for Remote {
    fn read(&mut self, path: &str) -> Fetched {
        self.fetch_ahead();
        match self.under_way.remove(path) {
            Some(task) => {
                let fetched = self.runtime.block_on(task);
                self.fetch_ahead();
                fetched.unwrap_or_else(|error| Err(error.to_string()))
            }
            None => self.runtime.block_on(self.client.get(path)),
        }
    }
}

impl HttpClient {
    async fn get(&self, path: &str) -> Fetched {
        let fetched = tokio::time::timeout(TIMEOUT, self.exchange(path)).await;
        fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs())))
    }

    async fn exchange(&self, path: &str) -> Fetched {
        let request = Request::get(format!("{}/{path}", self.base))
            .header(
                header::USER_AGENT,
                concat!("surecast/", env!("CARGO_PKG_VERSION")),
            )
            .body(Empty::new())
            .map_err(|error| error.to_string())?;
        let response = self.client.request(request).await;
        let response = response.map_err(|error| chain(&error))?;
        match response.status() {
            StatusCode::OK => {
                let body = Limited::new(response.into_body(), MAX_FILE).collect().await;
                let body =
                    body.map_err(|error| format!("the answer is cut off or too long: {error}"))?;
                Ok(Some(body.to_bytes().to_vec()))
            }
            // What storage services say of a file that is not there.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN | StatusCode::GONE => Ok(None),
            status => Err(format!("the server answered {status}")),
        }
    }
}
