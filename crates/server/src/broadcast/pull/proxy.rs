//! A proxy for one `ffmpeg` child: it connects to what the guard allows, and to
//! nothing else.
//!
//! It listens on loopback, at any port, and asks for a password that only its
//! child knows.

use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::super::address_guard::AddressGuard;

/// A request's head with its cookies.
const MAX_HEAD: usize = 16 << 10;
/// A player has a few segments and playlists open at a time.
const MAX_CONNECTIONS: usize = 16;

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const UNREACHABLE: &str =
    "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const WHO: &str = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"pull\"\r\n\
                   Content-Length: 0\r\nConnection: close\r\n\r\n";

/// Open as long as it is kept.
pub(super) struct Proxy {
    address: SocketAddr,
    password: String,
    task: AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub(super) async fn open(guard: AddressGuard) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mut secret = [0; 16];
        aws_lc_rs::rand::fill(&mut secret).map_err(std::io::Error::other)?;
        let password: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = format!("Basic {}", STANDARD.encode(format!("pull:{password}")));
        let task = tokio::spawn(serve(listener, guard, expected)).abort_handle();
        Ok(Self {
            address,
            password,
            task,
        })
    }

    /// For `http_proxy`.
    pub(super) fn url(&self) -> String {
        format!("http://pull:{}@{}", self.password, self.address)
    }
}

async fn serve(listener: TcpListener, guard: AddressGuard, expected: String) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if connections.len() < MAX_CONNECTIONS {
            connections.spawn(connection(client, guard, expected.clone()));
        }
    }
}

async fn connection(mut client: TcpStream, guard: AddressGuard, expected: String) {
    let Some(head) = read_head(&mut client).await else {
        return;
    };
    let Some(request) = Request::parse(&head) else {
        return;
    };
    let answer = if request.authorization != Some(expected.as_str()) {
        WHO
    } else {
        match connect(&request, guard).await {
            Ok(server) => return relay(client, server, &request).await,
            Err(answer) => answer,
        }
    };
    let _ = client.write_all(answer.as_bytes()).await;
}

async fn connect(request: &Request<'_>, guard: AddressGuard) -> Result<TcpStream, &'static str> {
    let address = guard
        .resolve(request.host, request.port)
        .await
        .map_err(|refused| {
            tracing::warn!("a pull was kept from connecting: {refused}");
            FORBIDDEN
        })?;
    TcpStream::connect(address).await.map_err(|_| UNREACHABLE)
}

/// The connection goes to this server until one side closes it: whatever the
/// child asks on it later is asked of the same server.
async fn relay(mut client: TcpStream, mut server: TcpStream, request: &Request<'_>) {
    let begun = match &request.forward {
        None => {
            client
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await
        }
        Some(head) => server.write_all(head.as_bytes()).await,
    };
    if begun.is_ok() {
        let _ = copy_bidirectional(&mut client, &mut server).await;
    }
}

/// A head and nothing after it: these requests have no body.
async fn read_head(client: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0; 1024];
    while !head.ends_with(b"\r\n\r\n") {
        let length = client.read(&mut byte).await.ok()?;
        if length == 0 || head.len() + length > MAX_HEAD {
            return None;
        }
        head.extend_from_slice(&byte[..length]);
    }
    String::from_utf8(head).ok()
}

/// What is asked of the proxy.
struct Request<'a> {
    host: &'a str,
    port: u16,
    authorization: Option<&'a str>,
    /// The head for the server; `None` for a tunnel.
    forward: Option<String>,
}

impl<'a> Request<'a> {
    fn parse(head: &'a str) -> Option<Self> {
        let (line, headers) = head.split_once("\r\n")?;
        let mut words = line.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let authorization = headers.split("\r\n").find_map(|header| {
            let (name, value) = header.split_once(':')?;
            name.eq_ignore_ascii_case("proxy-authorization")
                .then(|| value.trim())
        });
        if method == "CONNECT" {
            let (host, port) = place(target, None)?;
            return Some(Self {
                host,
                port,
                authorization,
                forward: None,
            });
        }
        let rest = target.strip_prefix("http://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (host, port) = place(authority, Some(80))?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut forward = format!("{method} {slash}{path} HTTP/1.1\r\n");
        for header in headers.split("\r\n").filter(|header| !header.is_empty()) {
            let name = header
                .split(':')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if !name.starts_with("proxy-") && name != "connection" {
                forward.push_str(header);
                forward.push_str("\r\n");
            }
        }
        forward.push_str("Connection: close\r\n\r\n");
        Some(Self {
            host,
            port,
            authorization,
            forward: Some(forward),
        })
    }
}

fn place(authority: &str, default_port: Option<u16>) -> Option<(&str, u16)> {
    let authority = authority.rsplit('@').next()?;
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        let port = after
            .strip_prefix(':')
            .map_or(default_port, |port| port.parse().ok())?;
        return Some((host, port));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((authority, default_port?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let head = "GET http://a.example:81/x?y=1 HTTP/1.1\r\nHost: a.example\r\nProxy-Authorization: Basic eA==\r\n\
                    Connection: keep-alive\r\nRange: bytes=0-\r\n\r\n";
        let request = Request::parse(head).unwrap();
        assert_eq!(
            (request.host, request.port, request.authorization),
            ("a.example", 81, Some("Basic eA=="))
        );
        let forward = "GET /x?y=1 HTTP/1.1\r\nHost: a.example\r\nRange: bytes=0-\r\nConnection: close\r\n\r\n";
        assert_eq!(request.forward.as_deref(), Some(forward));
        let request = Request::parse("CONNECT [::1]:443 HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!(
            (request.host, request.port, request.authorization),
            ("::1", 443, None)
        );
        for head in [
            "GET /x HTTP/1.1\r\n\r\n",
            "CONNECT a HTTP/1.1\r\n\r\n",
            "GET ftp://a/ HTTP/1.1\r\n\r\n",
            "\r\n\r\n",
        ] {
            assert!(Request::parse(head).is_none(), "{head}");
        }
    }

    /// What a child gets that asks for `url` by way of a proxy with this guard.
    async fn ask(private: bool, url: &str, password: Option<&str>) -> String {
        let proxy = Proxy::open(AddressGuard { private }).await.unwrap();
        let mut child = TcpStream::connect(proxy.address).await.unwrap();
        let password = password.unwrap_or(&proxy.password);
        let credentials = STANDARD.encode(format!("pull:{password}"));
        let head =
            format!("GET {url} HTTP/1.1\r\nProxy-Authorization: Basic {credentials}\r\n\r\n");
        child.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        child.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn only_what_the_guard_allows() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        assert!(ask(false, &url, None).await.starts_with("HTTP/1.1 403"));
        assert!(
            ask(true, &url, Some("guessed"))
                .await
                .starts_with("HTTP/1.1 407")
        );
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = read_head(&mut stream).await.unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\n\r\nhello")
                .await
                .unwrap();
            head
        });
        assert!(ask(true, &url, None).await.ends_with("hello"));
        let head = server.await.unwrap();
        assert_eq!(head, "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n");
    }
}
