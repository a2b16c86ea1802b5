//! One signalling connection, from the upgrade until it is closed.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use surecast_room::{SessionId, signal};
use tracing::Instrument as _;

use super::Doors;
use crate::control::{Admission, Ending};
use crate::http::Place;

/// Pings keep the connection open in proxies and find dead peers.
const PING_INTERVAL: Duration = Duration::from_secs(10);

/// One message that takes longer than this to leave has no reader.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a client may take to answer our close. Hanging up at once could
/// make its system throw away the last messages, the leave among them.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(800);

/// A client that was let in. Dropping it tells the room engine.
pub(super) struct Session {
    admission: Admission,
    /// Drops after the rest; tells the engine and counts.
    presence: Presence,
}

impl Session {
    pub(super) fn new(doors: Arc<Doors>, admission: Admission, place: Place) -> Self {
        let presence = Presence::new(doors, admission.session, place);
        Self {
            admission,
            presence,
        }
    }

    /// Carries messages both ways until either side ends.
    pub(super) async fn run(self, socket: WebSocket) {
        let span = tracing::info_span!(
            "signal",
            room = self.admission.room,
            participant = self.admission.identity,
            session = self.admission.session.0
        );
        carry(self, socket).instrument(span).await;
    }
}

/// Why the two directions stopped.
enum End {
    /// The client closed, or its connection broke.
    Client,
    /// The engine closed the session: everything is sent.
    Engine,
    /// We hang up with a code.
    HangUp(u16, Cow<'static, str>),
}

async fn carry(session: Session, socket: WebSocket) {
    let Session {
        mut admission,
        presence,
    } = session;
    let (mut sink, mut stream) = socket.split();
    // Text frames are answered by text frames: LiveKit's rule for plain clients.
    let json = AtomicBool::new(false);
    let id = admission.session;
    let end = tokio::select! {
        end = write(&mut sink, &mut admission, &json) => end,
        end = read(&mut stream, id, &presence.doors, &json) => end,
    };
    match &end {
        End::Client => tracing::debug!("signalling connection closed by the client"),
        End::Engine => tracing::debug!("signalling connection closed"),
        End::HangUp(code, reason) => {
            tracing::info!(code, %reason, "hanging up the signalling connection")
        }
    }
    if matches!(end, End::Client) {
        return;
    }
    close(&mut sink, &mut stream, end).await;
}

async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    admission: &mut Admission,
    json: &AtomicBool,
) -> End {
    let mut pings =
        tokio::time::interval_at(tokio::time::Instant::now() + PING_INTERVAL, PING_INTERVAL);
    let mut ending = admission.ending.clone();
    let slow = async move {
        let gone = ending
            .wait_for(|ending| *ending == Ending::SlowReader)
            .await
            .is_err();
        if gone {
            std::future::pending::<()>().await; // the outbox says the same
        }
    };
    let messages = async {
        loop {
            let message = tokio::select! {
                message = admission.outbox.recv() => match message {
                    Some(message) if json.load(Ordering::Relaxed) => Message::Text(signal::encode_json(&message).into()),
                    Some(message) => Message::Binary(signal::encode(&message).into()),
                    None => return End::Engine,
                },
                _ = pings.tick() => Message::Ping(Bytes::new()),
            };
            match tokio::time::timeout(WRITE_TIMEOUT, sink.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return End::Client,
                Err(_) => {
                    return End::HangUp(close_code::POLICY, "the client does not read".into());
                }
            }
        }
    };
    tokio::select! {
        end = messages => end,
        () = slow => End::HangUp(close_code::POLICY, "the client does not read".into()),
    }
}

async fn read(
    stream: &mut SplitStream<WebSocket>,
    session: SessionId,
    doors: &Doors,
    json: &AtomicBool,
) -> End {
    while let Some(frame) = stream.next().await {
        let request = match frame {
            Ok(Message::Binary(bytes)) => {
                json.store(false, Ordering::Relaxed);
                signal::decode(&bytes)
            }
            Ok(Message::Text(text)) => {
                json.store(true, Ordering::Relaxed);
                signal::decode_json(text.as_bytes())
            }
            Ok(Message::Ping(_) | Message::Pong(_)) => continue, // answered by the library
            Ok(Message::Close(_)) => return End::Client,
            Err(error) => return broken(&error),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                tracing::warn!(%error, "malformed signalling message");
                return End::HangUp(close_code::INVALID, shorten(&error.to_string()));
            }
        };
        if doors.control.signal(session, request).await.is_err() {
            return End::HangUp(close_code::AWAY, "the server is shutting down".into());
        }
    }
    End::Client
}

/// A frame that breaks the rules gets its code; a broken connection nothing.
fn broken(error: &axum::Error) -> End {
    // The library's error type is not re-exported; its words are pinned by a test.
    let text = error_chain(error);
    if text.contains("Space limit exceeded") {
        tracing::warn!(error = text, "oversized signalling message");
        return End::HangUp(close_code::SIZE, "message too large".into());
    }
    let vanished = text.contains("Connection reset without closing handshake");
    if !vanished && (text.contains("protocol error") || text.contains("UTF-8")) {
        tracing::warn!(error = text, "malformed WebSocket frame");
        return End::HangUp(close_code::PROTOCOL, "malformed frame".into());
    }
    tracing::debug!(error = text, "signalling connection broke");
    End::Client
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Sends the close frame and waits a moment for the client's.
async fn close(
    sink: &mut SplitSink<WebSocket, Message>,
    stream: &mut SplitStream<WebSocket>,
    end: End,
) {
    let (code, reason) = match end {
        End::HangUp(code, reason) => (code, reason),
        End::Engine | End::Client => (close_code::NORMAL, "".into()),
    };
    let goodbye = async {
        let frame = CloseFrame {
            code,
            reason: reason.as_ref().into(),
        };
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
        }
    };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, goodbye).await;
}

/// A close reason has at most 123 bytes (RFC 6455 section 5.5).
fn shorten(text: &str) -> Cow<'static, str> {
    let mut end = text.len().min(120);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(text[..end].to_owned())
}

/// Counts the connection while it lives, and reports its end, also when the
/// upgrade never completes.
struct Presence {
    doors: Arc<Doors>,
    session: SessionId,
    _place: Place,
}

impl Presence {
    fn new(doors: Arc<Doors>, session: SessionId, place: Place) -> Self {
        doors.metrics.connections_changed(1);
        doors.connections.send_modify(|count| *count += 1);
        Self {
            doors,
            session,
            _place: place,
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.doors.metrics.connections_changed(-1);
        self.doors
            .connections
            .send_modify(|count| *count = count.saturating_sub(1));
        let (control, session) = (self.doors.control.clone(), self.session);
        // Outside of a runtime the process is ending anyway.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { control.closed(session).await });
        }
    }
}
