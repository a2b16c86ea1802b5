//! One connection: bytes to events and events to the hub, until either side ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use surecast_wire::flv::{FlvError, FourCc, Tag};
use surecast_wire::rtmp::{ServerEvent, ServerSession, StreamId, StreamPath};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio::time::timeout;

use super::output::Output;
use super::places::Place;
use super::{LEAVE, PATIENCE};
use crate::broadcast::fanout::{Read, Reader};
use crate::broadcast::tags::TagFeed;
use crate::broadcast::viewers::Viewer;
use crate::broadcast::{Audio, Ended, Protocol, PublishRequest, Publisher, Refusal};
use crate::doors::Doors;
use crate::doors::flv::{SLOW, STUCK};

/// Bytes of one read: a tenth of a second at 5 Mbps.
const READ: usize = 64 * 1024;

/// An encoder that sends nothing for so long has lost its network; its next
/// connection takes over.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Tags written with one system call, while a player catches up.
const BATCH: usize = 64;

/// Damaged tags that are told of one by one; then only how many they were.
const MAX_SAID: u64 = 3;

pub(super) struct Connection {
    doors: Arc<Doors>,
    from: SocketAddr,
    place: Place,
    stopped: watch::Receiver<bool>,
    session: ServerSession,
    agent: String,
    /// It understands Opus as Enhanced RTMP has it.
    opus: bool,
    role: Role,
    bad_tags: u64,
}

/// What the peer does.
enum Role {
    Nothing {
        since: Instant,
    },
    Publishes {
        stream: StreamId,
        room: String,
        publisher: Box<Publisher>,
    },
    Plays(Box<Playing>),
}

struct Playing {
    stream: StreamId,
    reader: Reader<Tag>,
    _feed: Arc<TagFeed>,
    _viewer: Viewer,
}

/// Why the connection ends.
enum End {
    /// The peer has left, or its connection is broken.
    Gone,
    /// It was told why.
    Told,
    /// What it sends is no RTMP, or it does not take what we send.
    Cut(String),
}

/// What a turn of the loop waited for.
enum Turn {
    Bytes(usize),
    Tag(Option<Read<Tag>>),
    Ended(Ended),
    Late,
    Stopping,
}

impl Connection {
    pub(super) fn new(
        doors: Arc<Doors>,
        from: SocketAddr,
        place: Place,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            doors,
            from,
            place,
            stopped,
            session: ServerSession::default(),
            agent: String::new(),
            opus: false,
            role: Role::nothing(),
            bad_tags: 0,
        }
    }

    /// Serves it until it ends.
    pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(mut self, mut socket: S) {
        let mut buffer = vec![0; READ];
        let end = loop {
            if let Err(end) = self.turn(&mut socket, &mut buffer).await {
                break end;
            }
        };
        let from = self.from;
        match end {
            End::Gone => tracing::debug!(%from, "RTMP connection closed by the peer"),
            End::Told => {
                let _ = timeout(LEAVE, goodbye(&mut socket, &mut buffer)).await;
            }
            End::Cut(why) => {
                tracing::info!(%from, agent = self.agent, "RTMP connection closed: {why}")
            }
        }
        if self.bad_tags > MAX_SAID {
            tracing::warn!(%from, count = self.bad_tags, "damaged tags were passed over");
        }
    }

    async fn turn<S>(&mut self, socket: &mut S, buffer: &mut [u8]) -> Result<(), End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let turn = self.wait(socket, buffer).await.map_err(|_| End::Gone)?;
        match turn {
            Turn::Bytes(0) => return Err(End::Gone),
            Turn::Bytes(count) => {
                let taken = self
                    .session
                    .handle_bytes(buffer.get(..count).unwrap_or(&[]));
                let done = Box::pin(self.events()).await;
                self.flush(socket).await?;
                done?;
                taken.map_err(|error| End::Cut(error.to_string()))?;
            }
            Turn::Tag(read) => {
                let done = self.tags(read);
                self.flush(socket).await?;
                done?;
            }
            Turn::Ended(ended) => return self.leave(socket, &ended.to_string()).await,
            Turn::Late => {
                let why = match self.role {
                    Role::Nothing { .. } => "it neither published nor played within 10 s",
                    _ => "nothing came for 30 s",
                };
                return Err(End::Cut(why.into()));
            }
            Turn::Stopping => {
                let words = "the server is shutting down";
                self.session.request_reconnect(words);
                return self.leave(socket, words).await;
            }
        }
        Ok(())
    }

    async fn wait<S>(&mut self, socket: &mut S, buffer: &mut [u8]) -> std::io::Result<Turn>
    where
        S: AsyncRead + Unpin,
    {
        let stopped = &mut self.stopped;
        let stop = async {
            // The door is gone: as good as stopping.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        let read = socket.read(buffer);
        match &mut self.role {
            Role::Nothing { since } => {
                let left = PATIENCE.saturating_sub(since.elapsed());
                tokio::select! {
                    read = read => read.map(Turn::Bytes),
                    () = stop => Ok(Turn::Stopping),
                    () = tokio::time::sleep(left) => Ok(Turn::Late),
                }
            }
            Role::Publishes { publisher, .. } => tokio::select! {
                read = read => read.map(Turn::Bytes),
                ended = publisher.ended() => Ok(Turn::Ended(ended)),
                () = stop => Ok(Turn::Stopping),
                () = tokio::time::sleep(SILENCE) => Ok(Turn::Late),
            },
            Role::Plays(playing) => tokio::select! {
                read = read => read.map(Turn::Bytes),
                tag = playing.reader.next() => Ok(Turn::Tag(tag)),
                () = stop => Ok(Turn::Stopping),
            },
        }
    }

    async fn events(&mut self) -> Result<(), End> {
        while let Some(event) = self.session.poll_event() {
            match event {
                ServerEvent::Connect {
                    agent,
                    capabilities,
                    ..
                } => {
                    self.agent = agent.chars().take(100).collect();
                    self.opus = capabilities.has(FourCc(*b"Opus"));
                }
                ServerEvent::Publish { stream, path } => self.publish(stream, &path).await?,
                ServerEvent::Play { stream, path } => self.play(stream, &path).await?,
                ServerEvent::Item { stream, item } => self.item(stream, item)?,
                ServerEvent::BadTag { stream, error } => self.bad_tag(stream, &error)?,
                ServerEvent::Closed { stream } => {
                    if self.role.stream() == Some(stream) {
                        self.role = Role::nothing();
                    }
                }
            }
        }
        Ok(())
    }

    async fn publish(&mut self, stream: StreamId, path: &StreamPath) -> Result<(), End> {
        let room = self.room(stream, path)?;
        let request = PublishRequest {
            room: room.clone(),
            token: path.get("token").map(str::to_owned),
            protocol: Protocol::Rtmp,
            from: self.from,
        };
        let admitted = self.doors.broadcast.publish(request).await;
        let publisher = admitted.map_err(|refusal| self.refuse(stream, &room, &refusal))?;
        tracing::info!(room, from = %self.from, agent = self.agent, "RTMP encoder");
        self.session.accept(stream);
        self.place.opened();
        let publisher = Box::new(publisher);
        self.role = Role::Publishes {
            stream,
            room,
            publisher,
        };
        Ok(())
    }

    async fn play(&mut self, stream: StreamId, path: &StreamPath) -> Result<(), End> {
        let room = self.room(stream, path)?;
        // Old players know AAC and nothing else.
        let audio = if self.opus { Audio::AsIs } else { Audio::Aac };
        let broadcast = &self.doors.broadcast;
        let admitted = async {
            let place = (Protocol::Rtmp, self.from);
            let viewer = broadcast.viewer(&room, path.get("token"), place).await?;
            let (feed, reader) = self.doors.tags.reader(broadcast, &room, audio).await?;
            Ok((viewer, feed, reader))
        };
        let admitted: Result<_, Refusal> = admitted.await;
        let (viewer, feed, reader) =
            admitted.map_err(|refusal| self.refuse(stream, &room, &refusal))?;
        self.session.accept(stream);
        self.place.opened();
        self.role = Role::Plays(Box::new(Playing {
            stream,
            reader,
            _feed: feed,
            _viewer: viewer,
        }));
        Ok(())
    }

    /// The room that is meant. One connection does one thing: cameras of several
    /// streams make several connections.
    fn room(&mut self, stream: StreamId, path: &StreamPath) -> Result<String, End> {
        let words = if !matches!(self.role, Role::Nothing { .. }) {
            "one stream per connection, please: connect once more for another one"
        } else if path.name.is_empty() {
            "no room is named: the address is rtmp://HOST/live/ROOM, or the stream key is ROOM"
        } else {
            return Ok(path.name.clone());
        };
        self.session.refuse(stream, words);
        Err(End::Told)
    }

    fn refuse(&mut self, stream: StreamId, room: &str, refusal: &Refusal) -> End {
        tracing::info!(room, from = %self.from, agent = self.agent, "RTMP refused: {refusal}");
        self.session.refuse(stream, &refusal.to_string());
        End::Told
    }

    fn item(&mut self, of: StreamId, item: surecast_media::frame::Item) -> Result<(), End> {
        if let Role::Publishes {
            stream, publisher, ..
        } = &mut self.role
            && *stream == of
            && let Err(ended) = publisher.item(item)
        {
            self.session.end(of, &ended.to_string());
            return Err(End::Told);
        }
        Ok(())
    }

    /// What cannot be taken ends the stream: to go on without its sound would be
    /// found out by its viewers first.
    fn bad_tag(&mut self, stream: StreamId, error: &FlvError) -> Result<(), End> {
        let room = match &self.role {
            Role::Publishes { room, .. } => room.as_str(),
            _ => "",
        };
        if matches!(error, FlvError::Unsupported(_) | FlvError::Tracks(_)) {
            tracing::warn!(room, from = %self.from, agent = self.agent, "RTMP encoder refused: {error}");
            self.session.end(stream, &error.to_string());
            return Err(End::Told);
        }
        self.bad_tags += 1;
        if self.bad_tags <= MAX_SAID {
            tracing::warn!(room, from = %self.from, agent = self.agent, "RTMP encoder: {error}");
        }
        Ok(())
    }

    /// Hands a tag, and those that are there behind it, to the player.
    fn tags(&mut self, read: Option<Read<Tag>>) -> Result<(), End> {
        let Role::Plays(playing) = &mut self.role else {
            return Ok(());
        };
        let mut next = Some(read);
        for _ in 0..BATCH {
            match next {
                Some(Some(Read::Item(tag))) => self.session.send(playing.stream, &tag),
                Some(Some(Read::Lagged)) => {
                    tracing::debug!(from = %self.from, "RTMP player fell behind");
                }
                Some(None) => {
                    self.session.end(playing.stream, "the stream has ended");
                    return Err(End::Told);
                }
                None => return Ok(()),
            }
            next = playing.reader.try_next();
        }
        if let Some(Some(Read::Item(tag))) = next {
            self.session.send(playing.stream, &tag);
        }
        Ok(())
    }

    async fn leave<S: AsyncWrite + Unpin>(
        &mut self,
        socket: &mut S,
        words: &str,
    ) -> Result<(), End> {
        if let Some(stream) = self.role.stream() {
            self.session.end(stream, words);
        }
        self.flush(socket).await?;
        Err(End::Told)
    }

    /// Writes what there is. A player that is slow to take it goes on at the next
    /// keyframe.
    async fn flush<S: AsyncWrite + Unpin>(&mut self, socket: &mut S) -> Result<(), End> {
        let mut output = Output::default();
        while let Some(bytes) = self.session.poll_output() {
            output.push(bytes);
        }
        let began = now();
        let written = timeout(STUCK, async {
            socket.write_all_buf(&mut output).await?;
            socket.flush().await
        });
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(End::Gone),
            Err(_) => return Err(End::Cut("it took nothing for 20 s".into())),
        }
        if began.elapsed() > SLOW
            && let Role::Plays(playing) = &mut self.role
        {
            playing.reader.skip();
        }
        Ok(())
    }
}

impl Role {
    fn nothing() -> Self {
        Self::Nothing { since: now() }
    }

    fn stream(&self) -> Option<StreamId> {
        match self {
            Self::Nothing { .. } => None,
            Self::Publishes { stream, .. } => Some(*stream),
            Self::Plays(playing) => Some(playing.stream),
        }
    }
}

fn now() -> Instant {
    crate::clock::now().at
}

/// Closes our side and reads until the peer closes its own: hanging up at once
/// could make its system throw away the words that it was sent.
async fn goodbye<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut S, buffer: &mut [u8]) {
    let _ = socket.shutdown().await;
    while matches!(socket.read(buffer).await, Ok(1..)) {}
}
