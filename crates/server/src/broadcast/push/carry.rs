//! One connection of a push.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper_rustls::ConfigBuilderExt as _;
use rustls::pki_types::ServerName;
use surecast_wire::flv::Tag;
use surecast_wire::rtmp::{ClientEvent, ClientRole, ClientSession};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::Allow;
use super::target::Target;
use crate::broadcast::fanout::{Read, Reader};

/// To the server's yes: names, TCP, TLS, handshake and commands.
const PATIENCE: Duration = Duration::from_secs(15);

/// A server that takes nothing for so long is gone.
const STUCK: Duration = Duration::from_secs(20);

/// One that was this slow gets the next keyframe next.
const SLOW: Duration = Duration::from_secs(3);

/// Why a push ended.
pub(super) enum Failure {
    /// Nothing is live any more.
    NotLive,
    /// In words for who set it up.
    Failed(String),
}

type Outcome<T> = Result<T, Failure>;

pub(super) struct Carrier<'a> {
    pub(super) target: &'a Target,
    pub(super) allow: Allow,
    /// Called when the server takes the stream.
    pub(super) live: &'a (dyn Fn() + Send + Sync),
    /// Called with bytes that were sent.
    pub(super) sent: &'a (dyn Fn(u64) + Send + Sync),
}

impl Carrier<'_> {
    /// Until something ends it.
    pub(super) async fn run(&self, reader: Reader<Tag>) -> Failure {
        let carried = async {
            let stream = self.connect().await?;
            if self.target.tls {
                let stream = self.encrypt(stream).await?;
                self.carry(stream, reader).await
            } else {
                self.carry(stream, reader).await
            }
        };
        match carried.await {
            Ok(()) => Failure::NotLive,
            Err(failure) => failure,
        }
    }

    async fn connect(&self) -> Outcome<TcpStream> {
        let address = self.resolve().await?;
        let stream = in_time(TcpStream::connect(address)).await?;
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// What is allowed is the address that is connected to, not the name: it may
    /// mean another one at the next look.
    async fn resolve(&self) -> Outcome<SocketAddr> {
        let host = self.target.host.as_str();
        let found = in_time(tokio::net::lookup_host((host, self.target.port))).await?;
        let address = found.into_iter().next();
        let address = address.ok_or_else(|| failed(format!("{host} has no address")))?;
        if !(self.allow)(address.ip()) {
            let ip = address.ip();
            return Err(failed(format!(
                "{host} is {ip}, which is not a public address"
            )));
        }
        Ok(address)
    }

    async fn encrypt(&self, stream: TcpStream) -> Outcome<impl AsyncRead + AsyncWrite + Unpin> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .with_native_roots()
            .map_err(|error| failed(format!("this system's certificates: {error}")))?
            .with_no_client_auth();
        let name = ServerName::try_from(self.target.host.clone());
        let name = name.map_err(|error| failed(error.to_string()))?;
        in_time(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
    }

    async fn carry<S>(&self, stream: S, mut reader: Reader<Tag>) -> Outcome<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Target { app, key, .. } = self.target;
        let session = ClientSession::new(app, &self.target.tc_url(), key, ClientRole::Publish);
        let mut line = Line {
            stream,
            session,
            buffer: vec![0; 16 * 1024],
            ready: false,
        };
        timeout(PATIENCE, line.begin())
            .await
            .map_err(|_| failed("no answer within 15 s".into()))??;
        (self.live)();
        loop {
            let read = tokio::select! {
                read = reader.next() => read,
                taken = line.read() => { taken?; line.flush().await?; continue }
            };
            match read {
                Some(Read::Item(tag)) => line.session.send(&tag),
                Some(Read::Lagged) => continue,
                None => {
                    line.session.finish();
                    return line.flush().await.map(|_| ());
                }
            }
            let began = crate::clock::now().at;
            (self.sent)(line.flush().await?);
            if began.elapsed() > SLOW {
                reader.skip();
            }
        }
    }
}

/// The connection and the protocol on it.
struct Line<S> {
    stream: S,
    session: ClientSession,
    buffer: Vec<u8>,
    ready: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    async fn begin(&mut self) -> Outcome<()> {
        while !self.ready {
            self.flush().await?;
            self.read().await?;
        }
        self.flush().await.map(|_| ())
    }

    /// Takes what the server says. May be dropped while it waits.
    async fn read(&mut self) -> Outcome<()> {
        let count = self.stream.read(&mut self.buffer).await.map_err(broken)?;
        if count == 0 {
            return Err(failed("the server closed the connection".into()));
        }
        let bytes = self.buffer.get(..count).unwrap_or(&[]);
        let taken = self.session.handle_bytes(bytes);
        while let Some(event) = self.session.poll_event() {
            match event {
                ClientEvent::Ready { .. } => self.ready = true,
                ClientEvent::Refused { code, words } => {
                    return Err(failed(format!("the server says no: {code} {words}")));
                }
                ClientEvent::Ended => return Err(failed("the server ended the stream".into())),
                // To the same address only: a server must not send us elsewhere.
                ClientEvent::Reconnect { .. } => {
                    return Err(failed("the server asks to connect again".into()));
                }
                ClientEvent::Item(_) | ClientEvent::BadTag(_) => {}
            }
        }
        taken.map_err(|error| failed(error.to_string()))
    }

    async fn flush(&mut self) -> Outcome<u64> {
        let mut sent = 0;
        let written = timeout(STUCK, async {
            while let Some(bytes) = self.session.poll_output() {
                sent += len(&bytes);
                self.stream.write_all(&bytes).await?;
            }
            self.stream.flush().await
        });
        match written.await {
            Ok(written) => written.map_err(broken).map(|()| sent),
            Err(_) => Err(failed("the server took nothing for 20 s".into())),
        }
    }
}

fn len(bytes: &Bytes) -> u64 {
    bytes.len() as u64
}

async fn in_time<T>(connecting: impl Future<Output = std::io::Result<T>>) -> Outcome<T> {
    match timeout(PATIENCE, connecting).await {
        Ok(connected) => connected.map_err(broken),
        Err(_) => Err(failed("no connection within 15 s".into())),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
fn broken(error: std::io::Error) -> Failure {
    failed(error.to_string())
}

fn failed(why: String) -> Failure {
    Failure::Failed(why)
}
