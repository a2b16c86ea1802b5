//! A webhook receiver that does as it is told, and checks every signature with
//! LiveKit's own code.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use livekit_api::access_token::TokenVerifier;
use livekit_api::webhooks::WebhookReceiver;
use livekit_protocol::WebhookEvent;
use tokio::net::TcpListener;

type Behaviour = dyn Fn(&WebhookEvent) -> (StatusCode, Duration) + Send + Sync;

#[derive(Clone)]
pub struct Sink {
    pub address: SocketAddr,
    /// Every request, taken or not.
    seen: Arc<Mutex<Vec<(WebhookEvent, StatusCode)>>>,
}

impl Sink {
    /// Takes everything.
    pub async fn good() -> Self {
        Self::start("127.0.0.1:0".parse().unwrap(), |_| {
            (StatusCode::OK, Duration::ZERO)
        })
        .await
    }

    pub async fn start(
        address: SocketAddr,
        behaviour: impl Fn(&WebhookEvent) -> (StatusCode, Duration) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let sink = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
        };
        let (this, behaviour): (_, Arc<Behaviour>) = (sink.clone(), Arc::new(behaviour));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (this, behaviour) = (this.clone(), behaviour.clone());
                let service =
                    service_fn(move |request| this.clone().answer(request, behaviour.clone()));
                tokio::spawn(async move {
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        sink
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// `room event` of everything that was taken.
    pub fn taken(&self) -> Vec<String> {
        self.with(|status| status.is_success())
    }

    pub fn refused(&self) -> Vec<String> {
        self.with(|status| !status.is_success())
    }

    fn with(&self, which: impl Fn(StatusCode) -> bool) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        let named =
            |event: &WebhookEvent| format!("{} {}", event.room.as_ref().unwrap().name, event.event);
        seen.iter()
            .filter(|(_, status)| which(*status))
            .map(|(event, _)| named(event))
            .collect()
    }

    async fn answer(
        self,
        request: Request<Incoming>,
        behaviour: Arc<Behaviour>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        assert_eq!(head.headers["content-type"], "application/webhook+json");
        let body = body.collect().await.unwrap().to_bytes();
        let body = std::str::from_utf8(&body).unwrap();
        let token = head.headers["authorization"].to_str().unwrap();
        let receiver = WebhookReceiver::new(TokenVerifier::with_api_key("devkey", "secret"));
        let event = receiver.receive(body, token).expect("a good signature");
        assert!(event.id.starts_with("EV_") && event.created_at > 0);
        let (status, pause) = behaviour(&event);
        tokio::time::sleep(pause).await;
        self.seen.lock().unwrap().push((event, status));
        Ok(Response::builder()
            .status(status)
            .body(Full::default())
            .unwrap())
    }
}
