//! The HTTP port: one accept loop for plain and TLS connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

use crate::tls::Certificates;

/// A client that has not finished its TLS handshake or its request head by
/// then is not going to: it only holds a place.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// After a failing `accept` (out of file descriptors, mostly) others need a
/// moment to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long requests that are under way may take once the server stops.
const DRAIN: Duration = Duration::from_millis(500);

/// One of the connections that may be open at once. A door that takes the
/// connection over (WebSocket) keeps this for as long.
#[derive(Clone)]
pub struct Place(#[allow(dead_code, reason = "held, not read")] Arc<OwnedSemaphorePermit>);

/// Serves until `stop` says so, then lets requests under way finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<Certificates>>,
    connections: usize,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(connections));
    let graceful = GracefulShutdown::new();
    loop {
        let (place, stream, from) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let connection = Connection {
            router: router.clone(),
            from,
            place,
            watcher: graceful.watcher(),
        };
        tokio::spawn(connection.serve(stream, tls.clone()));
    }
    drop(listener);
    // What is still busy then is cut off when the process ends.
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

/// Takes a place first: when all are taken, newcomers wait in the system's
/// backlog instead of using memory here.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> (Place, TcpStream, SocketAddr) {
    loop {
        let Ok(permit) = places.clone().acquire_owned().await else {
            return std::future::pending().await; // never closed
        };
        match listener.accept().await {
            Ok((stream, from)) => return (Place(Arc::new(permit)), stream, from),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

struct Connection {
    router: Router,
    from: SocketAddr,
    place: Place,
    watcher: Watcher,
}

impl Connection {
    async fn serve(self, stream: TcpStream, tls: Option<Arc<Certificates>>) {
        // Signalling is small messages that must not wait for one another.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else {
            return self.http(stream).await;
        };
        match tokio::time::timeout(HEAD_TIMEOUT, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream).await,
            Ok(Err(error)) => tracing::debug!(from = %self.from, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(from = %self.from, "TLS handshake timed out"),
        }
    }

    async fn http(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self {
            router,
            from,
            place,
            watcher,
        } = self;
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(from));
            request.extensions_mut().insert(place.clone());
            fold_slashes(request.uri_mut());
            router.clone().oneshot(request)
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(HEAD_TIMEOUT);
        let connection = builder
            .serve_connection_with_upgrades(TokioIo::new(stream), service)
            .into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%from, %error, "connection ended");
        }
    }
}

/// Clients that were given `http://host/` as the URL ask for `//rtc`.
fn fold_slashes(uri: &mut Uri) {
    if !uri.path().contains("//") {
        return;
    }
    let mut path = String::with_capacity(uri.path().len());
    for c in uri.path().chars() {
        if c != '/' || !path.ends_with('/') {
            path.push(c);
        }
    }
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = format!("{path}{query}").parse().ok();
    if let Ok(folded) = Uri::from_parts(parts) {
        *uri = folded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn double_slashes_are_folded() {
        for (given, folded) in [
            ("//rtc?access_token=a//b", "/rtc?access_token=a//b"),
            (
                "/twirp//livekit.RoomService///ListRooms",
                "/twirp/livekit.RoomService/ListRooms",
            ),
            ("http://host//rtc", "http://host/rtc"),
            ("/rtc", "/rtc"),
            ("//", "/"),
        ] {
            let mut uri: Uri = given.parse().unwrap();
            fold_slashes(&mut uri);
            assert_eq!(uri.to_string(), folded);
        }
    }
}
