//! The server: its name, its address, how to reach it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::http::Uri;
use hyper_rustls::ConfigBuilderExt as _;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, crypto::aws_lc_rs};

/// Opening a connection may take so long.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is nobody to talk to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The call is wrong.
    #[error("{0}")]
    Call(String),
    /// This machine cannot even try: no name server, no route, no certificate
    /// authorities.
    #[error("{0:#}")]
    Own(anyhow::Error),
    /// The name is known, and nobody listens there.
    #[error("{0}")]
    Server(String),
}

/// A server that answered.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `host:port` as given, for the `Host` header.
    pub(crate) authority: String,
    /// Path before `/rtc/v1`; empty for most servers.
    pub(crate) path: String,
    /// Where the WebSocket connects to.
    pub(crate) address: SocketAddr,
    /// Local address that routes there.
    pub(crate) local: IpAddr,
    /// For `wss://`.
    pub(crate) tls: Option<Tls>,
}

/// How to speak TLS with the server.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) name: ServerName<'static>,
    pub(crate) config: Arc<ClientConfig>,
}

impl Target {
    /// Finds the server and sees that somebody listens there.
    pub(crate) async fn resolve(url: &str) -> Result<Self, TargetError> {
        let address = Address::parse(url).map_err(TargetError::Call)?;
        let found = reach(&address.host, address.port).await;
        let found = found.map_err(|error| error.concerning(url))?;
        let own = TargetError::Own;
        Ok(Self {
            authority: address.authority,
            path: address.path,
            address: found,
            local: local_address(found)
                .with_context(|| format!("no local address routes to {found}"))
                .map_err(own)?,
            tls: address
                .tls
                .then(|| Tls::new(&address.host))
                .transpose()
                .map_err(own)?,
        })
    }
}

impl TargetError {
    fn concerning(self, url: &str) -> Self {
        match self {
            Self::Call(why) => Self::Call(why),
            Self::Own(why) => Self::Own(why.context(format!("cannot reach {url}"))),
            Self::Server(why) => Self::Server(format!("cannot reach {url}: {why}")),
        }
    }
}

/// A URL taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    authority: String,
    host: String,
    port: u16,
    path: String,
    tls: bool,
}

impl Address {
    /// `Err` says what is wrong with the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url
            .parse()
            .map_err(|error| format!("{url:?} is no URL: {error}"))?;
        let tls = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => {
                let must = "the URL must begin with ws://, wss://, http:// or https://";
                return Err(format!("{url:?}: {must}"));
            }
        };
        let named = uri.authority();
        let authority = named.ok_or_else(|| format!("{url:?} names no host"))?;
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri.path().trim_end_matches('/').to_owned(),
            tls,
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
async fn reach(host: &str, port: u16) -> Result<SocketAddr, TargetError> {
    let found = lookup_host((host, port)).await;
    let found = found.map_err(|error| {
        let error = anyhow::Error::new(error);
        TargetError::Own(error.context(format!("the name {host} cannot be looked up")))
    })?;
    let mut last = None;
    for address in found {
        last = Some(
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(_)) => return Ok(address),
                Ok(Err(error)) if is_own(&error) => {
                    TargetError::Own(anyhow::Error::new(error).context(address.to_string()))
                }
                Ok(Err(error)) => TargetError::Server(format!("{address}: {error}")),
                Err(_) => {
                    let why = format!("{address}: no answer within {CONNECT_TIMEOUT:?}");
                    TargetError::Server(why)
                }
            },
        );
    }
    let nothing = || TargetError::Own(anyhow::anyhow!("the name {host} has no address"));
    Err(last.unwrap_or_else(nothing))
}

/// Nothing has left this machine.
fn is_own(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
            | ErrorKind::PermissionDenied
    )
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
