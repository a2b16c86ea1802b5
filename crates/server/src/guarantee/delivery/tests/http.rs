//! A receiver of documents that takes them or does not.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;
use tokio::net::TcpListener;

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    answer: StatusCode,
    taken: Vec<Request>,
    attempts: usize,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub token: String,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Receiver {
    pub async fn start(answer: StatusCode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            inner: Arc::new(Mutex::new(Inner {
                answer,
                taken: Vec::new(),
                attempts: 0,
            })),
        };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn answers(&self, answer: StatusCode) {
        self.inner.lock().unwrap().answer = answer;
    }

    pub fn attempts(&self) -> usize {
        self.inner.lock().unwrap().attempts
    }

    /// What was answered with success.
    pub fn taken(&self) -> Vec<Request> {
        self.inner.lock().unwrap().taken.clone()
    }
}

async fn take(
    State(receiver): State<Receiver>,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let token = headers.get("authorization");
    let request = Request {
        path: uri.path().to_owned(),
        token: token.map_or("", |t| t.to_str().unwrap()).to_owned(),
        body,
    };
    let mut inner = receiver.inner.lock().unwrap();
    inner.attempts += 1;
    if inner.answer.is_success() {
        inner.taken.push(request);
    }
    inner.answer
}
