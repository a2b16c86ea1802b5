//! The server: its name, its address, how to reach it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::http::Uri;
use hyper_rustls::ConfigBuilderExt as _;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, crypto::aws_lc_rs};

/// Opening a connection may take so long.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A server that answered.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// `host:port` as given, for the `Host` header.
    pub(super) authority: String,
    /// Path before `/rtc/v1`; empty for most servers.
    pub(super) path: String,
    /// Where the WebSocket connects to.
    pub(super) address: SocketAddr,
    /// Local address that routes there.
    pub(super) local: IpAddr,
    /// For `wss://`.
    pub(super) tls: Option<Tls>,
}

/// How to speak TLS with the server.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) name: ServerName<'static>,
    pub(super) config: Arc<ClientConfig>,
}

impl Target {
    /// Finds the server and sees that somebody listens there.
    pub(super) async fn resolve(url: &str) -> anyhow::Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url:?} is no URL"))?;
        let tls = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => bail!("{url:?}: the URL must begin with ws://, wss://, http:// or https://"),
        };
        let authority = uri
            .authority()
            .with_context(|| format!("{url:?} names no host"))?;
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let address = reach(host, port)
            .await
            .with_context(|| format!("cannot reach {url}"))?;
        Ok(Self {
            authority: authority.to_string(),
            path: uri.path().trim_end_matches('/').to_owned(),
            address,
            local: local_address(address)
                .with_context(|| format!("no local address routes to {address}"))?,
            tls: tls.then(|| Tls::new(host)).transpose()?,
        })
    }
}

impl Tls {
    fn new(host: &str) -> anyhow::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_native_roots()
            .context("the system's certificate authorities cannot be read")?
            .with_no_client_auth();
        Ok(Self {
            name: ServerName::try_from(host.to_owned())
                .with_context(|| format!("{host:?} cannot be a certificate's name"))?,
            config: Arc::new(config),
        })
    }
}

/// The first of the name's addresses where somebody listens.
async fn reach(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    let mut last = None;
    for address in lookup_host((host, port)).await? {
        match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(address),
            Ok(Err(error)) => last = Some(format!("{address}: {error}")),
            Err(_) => last = Some(format!("{address}: no answer within {CONNECT_TIMEOUT:?}")),
        }
    }
    bail!(last.unwrap_or_else(|| "the name has no address".to_owned()))
}

/// Connecting a UDP socket sends nothing, but chooses the address.
fn local_address(server: SocketAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0u16; 8], 0).into(),
    };
    let socket = std::net::UdpSocket::bind(any)?;
    socket.connect(server)?;
    Ok(socket.local_addr()?.ip())
}
