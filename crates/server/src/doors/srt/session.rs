//! What a caller wants: to publish, or to watch.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use surecast_wire::mpegts::Demuxer;
use surecast_wire::srt::{ConnectionId, Mode, Reject, StreamId};
use tokio::sync::mpsc;

use super::Command;
use crate::broadcast::fanout::Read;
use crate::broadcast::ts::TsFeeds;
use crate::broadcast::{Broadcast, Ended, Protocol, PublishRequest, Publisher, Refusal};

/// Bytes after which it is said that they are no transport stream.
const NO_STREAM_AFTER: usize = 256 << 10;
/// A caller gives up after 3 seconds; the answer has to be there before.
const ANSWER_WITHIN: Duration = Duration::from_millis(2500);

/// What sessions need.
#[derive(Clone)]
pub(super) struct Sessions {
    pub broadcast: Broadcast,
    pub feeds: TsFeeds,
    pub to_socket: mpsc::Sender<Command>,
}

impl Sessions {
    /// Answers a caller and serves him until one side ends it. `payloads` end
    /// when the connection does.
    pub(super) fn begin(
        &self,
        id: ConnectionId,
        from: SocketAddr,
        wanted: StreamId,
        payloads: mpsc::Receiver<Bytes>,
    ) {
        let session = Session {
            id,
            from,
            wanted,
            sessions: self.clone(),
        };
        tokio::spawn(session.run(payloads));
    }
}

struct Session {
    id: ConnectionId,
    from: SocketAddr,
    wanted: StreamId,
    sessions: Sessions,
}

impl Session {
    async fn run(self, payloads: mpsc::Receiver<Bytes>) {
        let served = match self.wanted.mode {
            Mode::Publish => self.publish(payloads).await,
            Mode::Request => self.play(payloads).await,
        };
        let command = match served {
            Ok(()) => Command::Close(self.id),
            Err(reason) => Command::Reject(self.id, reason),
        };
        let _ = self.sessions.to_socket.send(command).await;
    }

    async fn publish(&self, payloads: mpsc::Receiver<Bytes>) -> Result<(), Reject> {
        let request = PublishRequest {
            room: self.wanted.room.clone(),
            token: self.wanted.token.clone(),
            protocol: Protocol::Srt,
            from: self.from,
        };
        let publisher = self
            .in_time(self.sessions.broadcast.publish(request))
            .await?;
        self.accept().await;
        let ended = self.carry(publisher, payloads).await;
        match ended {
            Some(ended) => {
                tracing::info!(room = self.wanted.room, from = %self.from, "SRT encoder: {ended}")
            }
            None => {
                tracing::info!(room = self.wanted.room, from = %self.from, "SRT encoder has left")
            }
        }
        Ok(())
    }

    /// Carries what comes to the hub. Why it ended, where that was our side.
    async fn carry(
        &self,
        mut publisher: Publisher,
        mut payloads: mpsc::Receiver<Bytes>,
    ) -> Option<Ended> {
        let mut stream = Stream::default();
        loop {
            let payload = tokio::select! {
                payload = payloads.recv() => payload,
                ended = publisher.ended() => return Some(ended),
            };
            match &payload {
                Some(payload) => stream.push(payload),
                None => stream.demuxer.finish(),
            }
            while let Some(item) = stream.demuxer.poll_item() {
                if let Err(ended) = publisher.item(item) {
                    return Some(ended);
                }
            }
            self.say_notices(&mut stream);
            payload?;
        }
    }

    fn say_notices(&self, stream: &mut Stream) {
        let room = &self.wanted.room;
        while let Some(notice) = stream.demuxer.poll_notice() {
            tracing::warn!(room, from = %self.from, "SRT encoder: {notice}");
        }
        if !stream.said
            && stream.bytes >= NO_STREAM_AFTER
            && stream.demuxer.statistics().packets == 0
        {
            stream.said = true;
            tracing::warn!(room, from = %self.from,
                "SRT encoder: what it sends is no MPEG-TS; with ffmpeg use -f mpegts");
        }
    }

    async fn play(&self, payloads: mpsc::Receiver<Bytes>) -> Result<(), Reject> {
        let (broadcast, room) = (&self.sessions.broadcast, self.wanted.room.as_str());
        let place = (Protocol::Srt, self.from);
        let admitted = async {
            let viewer = broadcast
                .viewer(room, self.wanted.token.as_deref(), place)
                .await?;
            let (feed, reader) = self.sessions.feeds.reader(broadcast, room).await?;
            Ok((viewer, feed, reader))
        };
        let (_viewer, _feed, mut reader) = self.in_time(admitted).await?;
        self.accept().await;
        let mut gone = payloads;
        loop {
            let read = tokio::select! {
                read = reader.next() => read,
                // Whatever a viewer sends is passed over.
                payload = gone.recv() => match payload {
                    Some(_) => continue,
                    None => break,
                },
            };
            match read {
                Some(Read::Item(packets)) => {
                    let command = Command::Send(self.id, packets);
                    if self.sessions.to_socket.send(command).await.is_err() {
                        break;
                    }
                }
                Some(Read::Lagged) => {
                    tracing::debug!(room, from = %self.from, "SRT viewer fell behind")
                }
                None => break,
            }
        }
        Ok(())
    }

    /// Waits for an answer of the hub, and says it to the caller's log where it
    /// is no.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Reject> {
        let room = &self.wanted.room;
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(admitted)) => Ok(admitted),
            Ok(Err(refusal)) => {
                tracing::info!(room, from = %self.from, "SRT caller refused: {refusal}");
                Err(Reject::from_http(refusal.status().as_u16()))
            }
            Err(_) => {
                tracing::warn!(room, from = %self.from, "SRT caller refused: no answer in time");
                Err(Reject::from_http(503))
            }
        }
    }

    async fn accept(&self) {
        let _ = self.sessions.to_socket.send(Command::Accept(self.id)).await;
    }
}

/// What an encoder sends.
#[derive(Default)]
struct Stream {
    demuxer: Demuxer,
    bytes: usize,
    /// That it is no transport stream.
    said: bool,
}

impl Stream {
    fn push(&mut self, payload: &[u8]) {
        self.bytes = self.bytes.saturating_add(payload.len());
        self.demuxer.push(payload);
    }
}
