//! One client's WebSocket.

use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use surecast_media::time::Now;
use surecast_sim::client::Fault;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::target::{CONNECT_TIMEOUT, Target};
use crate::clock;

/// LiveKit's own limit for a message is 2 MiB.
const MAX_MESSAGE: usize = 4 << 20;

/// Of a refusal so much is shown.
const EXCERPT: usize = 120;

/// What happens on the WebSocket.
#[derive(Debug)]
pub(crate) enum Event {
    /// It is open since then.
    Open(Now),
    /// A binary message.
    Message(Vec<u8>),
    /// It could not be opened, or is gone.
    Closed(Fault, String),
}

/// To whoever owns the client.
pub(crate) trait Inbox: Send + Sync {
    /// Hands it over, when there is room; meanwhile TCP holds the server back.
    fn put(&self, event: Event) -> impl Future<Output = ()> + Send;
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}
type Socket = WebSocketStream<Box<dyn Stream>>;

/// Opens the WebSocket and carries messages until the client ends (the sender
/// of `outgoing` is dropped) or the server does.
pub(crate) async fn run(
    target: Target,
    token: String,
    join_request: String,
    mut outgoing: Receiver<Vec<u8>>,
    inbox: impl Inbox,
) {
    let opening = open(&target, &token, &join_request);
    let mut socket = match timeout(CONNECT_TIMEOUT, opening).await {
        Ok(Ok(socket)) => socket,
        Ok(Err((fault, detail))) => return inbox.put(Event::Closed(fault, detail)).await,
        Err(_) => {
            let detail = format!("no answer within {CONNECT_TIMEOUT:?}");
            return inbox.put(Event::Closed(Fault::SignalConnect, detail)).await;
        }
    };
    inbox.put(Event::Open(clock::now())).await;
    let end = carry(&mut socket, &mut outgoing, &inbox).await;
    if let Some(detail) = end {
        inbox.put(Event::Closed(Fault::SignalClosed, detail)).await;
    }
    // Politeness; the connection ends either way.
    let _ = timeout(CONNECT_TIMEOUT, socket.close(None)).await;
}

/// `None` when the client itself ended.
async fn carry(
    socket: &mut Socket,
    outgoing: &mut Receiver<Vec<u8>>,
    inbox: &impl Inbox,
) -> Option<String> {
    loop {
        tokio::select! {
            message = outgoing.recv() => {
                let message = message?;
                if let Err(error) = socket.send(Message::Binary(message.into())).await {
                    return Some(error.to_string());
                }
            }
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => inbox.put(Event::Message(bytes.into())).await,
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.map(|f| format!("{} {}", u16::from(f.code), f.reason));
                    return Some(reason.unwrap_or_default());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Some(error.to_string()),
                None => return Some(String::new()),
            },
        }
    }
}

async fn open(target: &Target, token: &str, join_request: &str) -> Result<Socket, (Fault, String)> {
    let connect = |error: std::io::Error| (Fault::SignalConnect, error.to_string());
    let tcp = TcpStream::connect(target.address).await.map_err(connect)?;
    tcp.set_nodelay(true).map_err(connect)?;
    let stream: Box<dyn Stream> = match &target.tls {
        None => Box::new(tcp),
        Some(tls) => {
            let connector = tokio_rustls::TlsConnector::from(Arc::clone(&tls.config));
            let stream = connector.connect(tls.name.clone(), tcp).await;
            Box::new(stream.map_err(connect)?)
        }
    };
    let request = url(target, token, join_request)
        .into_client_request()
        .map_err(|e| (Fault::SignalConnect, e.to_string()))?;
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(MAX_MESSAGE);
    let socket = client_async_with_config(request, stream, Some(config)).await;
    socket.map(|(socket, _)| socket).map_err(refusal)
}

fn url(target: &Target, token: &str, join_request: &str) -> String {
    let scheme = if target.tls.is_some() { "wss" } else { "ws" };
    format!(
        "{scheme}://{}{}/rtc/v1?access_token={token}&join_request={}",
        target.authority,
        target.path,
        // The only character of either that means something in a query.
        join_request.replace('=', "%3D"),
    )
}

fn refusal(error: Error) -> (Fault, String) {
    let Error::Http(response) = error else {
        return (Fault::SignalConnect, error.to_string());
    };
    let body = response.body().as_deref().unwrap_or_default();
    let body: String = String::from_utf8_lossy(body)
        .chars()
        .take(EXCERPT)
        .collect();
    let status = response.status();
    (Fault::JoinRefused, format!("{status}: {}", body.trim()))
}
