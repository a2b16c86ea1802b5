//! RTMP and RTMPS: encoders come in, and players watch.
//!
//! One task per connection ([`connection`]) around the protocol, which is in
//! `surecast_wire::rtmp`.

mod connection;
mod output;
mod places;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Doors;
use crate::tls::Certificates;
use connection::Connection;
use places::Places;

/// A connection that neither publishes nor plays by then only holds a place:
/// encoders are there in a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// After a failing `accept` (out of file descriptors, mostly) others need a moment
/// to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long connections may take to say goodbye.
const LEAVE: Duration = Duration::from_millis(800);

/// The open ports.
pub struct RtmpDoor {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl RtmpDoor {
    /// Opens the ports.
    ///
    /// # Errors
    /// One is taken, or RTMPS is asked for without a certificate.
    pub async fn open(doors: &Arc<Doors>, tls: Option<Arc<Certificates>>) -> anyhow::Result<Self> {
        let section = &doors.config.rtmp;
        let (stop, stopped) = watch::channel(false);
        let places = Places::new(section.max_connections as usize);
        let mut tasks = Vec::new();
        let plain = (section.listen, "rtmp.listen", None);
        let secure = match section.tls_listen {
            Some(listen) => {
                let tls = tls.context(
                    "`rtmp.tls_listen` needs a certificate: set `tls.cert` and `tls.key`",
                )?;
                Some((listen, "rtmp.tls_listen", Some(tls)))
            }
            None => None,
        };
        for (listen, key, tls) in [Some(plain), secure].into_iter().flatten() {
            let listener = bind(listen, key).await?;
            let address = listener.local_addr()?;
            tracing::info!(%address, "{}", if tls.is_some() { "RTMPS" } else { "RTMP" });
            let port = Port {
                doors: doors.clone(),
                listener,
                tls,
                places: places.clone(),
            };
            tasks.push(tokio::spawn(port.run(stopped.clone())));
        }
        Ok(Self { stop, tasks })
    }

    /// Closes the ports and takes leave of everybody.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "an RTMP port ended badly");
            }
        }
        // Connections hold a receiver each until they have said goodbye.
        let _ = tokio::time::timeout(LEAVE, self.stop.closed()).await;
    }
}

async fn bind(listen: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen).await.with_context(|| {
        format!(
            "cannot listen on {listen} (`{key}`): choose another port, move all ports with \
             --port-offset, or set `rtmp.enabled` to false"
        )
    })
}

struct Port {
    doors: Arc<Doors>,
    listener: TcpListener,
    tls: Option<Arc<Certificates>>,
    places: Places,
}

impl Port {
    async fn run(self, mut stopped: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stopped.wait_for(|stopped| *stopped) => return,
            };
            match accepted {
                Ok((stream, from)) => self.begin(stream, from, stopped.clone()),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an RTMP connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn begin(&self, stream: TcpStream, from: SocketAddr, stopped: watch::Receiver<bool>) {
        let Some(place) = self.places.take(from.ip()) else {
            // Nothing can be said in words before the handshake.
            tracing::debug!(%from, "RTMP connection closed: too many at once");
            return;
        };
        // Small answers must not wait for one another.
        let _ = stream.set_nodelay(true);
        let connection = Connection::new(self.doors.clone(), from, place, stopped);
        let tls = self.tls.clone();
        tokio::spawn(async move {
            let Some(tls) = tls else {
                return connection.run(stream).await;
            };
            match tokio::time::timeout(PATIENCE, tls.acceptor().accept(stream)).await {
                Ok(Ok(stream)) => connection.run(stream).await,
                Ok(Err(error)) => tracing::debug!(%from, %error, "TLS handshake of RTMPS failed"),
                Err(_) => tracing::debug!(%from, "TLS handshake of RTMPS timed out"),
            }
        });
    }
}
