//! A connection of an encoder or a player to us.

mod commands;
mod connect;
mod stream;

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use surecast_media::frame::Item;

use super::command::Command;
use super::handshake::Handshake;
use super::message::{control, disaggregate, kind};
use super::path::StreamPath;
use super::writer;
use super::{ChunkReader, ChunkWriter, Message, RtmpError};
use crate::flv::{FlvError, Role, Tag, TagKind};
pub use connect::Capabilities;
use stream::{NetStream, State};

/// After so many bytes either side says that it has got them (§5.4.4). What
/// everybody uses.
const WINDOW: u32 = 2_500_000;

/// A message stream of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// What the peer wants or brings.
#[derive(Clone, Debug, PartialEq)]
pub enum ServerEvent {
    /// It has connected; this was accepted already.
    Connect {
        /// Application, with its query.
        app: String,
        /// The address that it was given.
        tc_url: String,
        /// Its program, as it says.
        agent: String,
        /// What it can do.
        capabilities: Capabilities,
    },
    /// It wants to publish: [`ServerSession::accept`] or [`ServerSession::refuse`].
    Publish {
        /// On which stream.
        stream: StreamId,
        /// What.
        path: StreamPath,
    },
    /// It wants to play: [`ServerSession::accept`] or [`ServerSession::refuse`].
    Play {
        /// On which stream.
        stream: StreamId,
        /// What.
        path: StreamPath,
    },
    /// A part of what it publishes.
    Item {
        /// On which stream.
        stream: StreamId,
        /// The item, with times of the encoder's clock.
        item: Item,
    },
    /// A tag that was not taken; the next ones may be.
    BadTag {
        /// On which stream.
        stream: StreamId,
        /// What is wrong with it.
        error: FlvError,
    },
    /// It has ended a stream that it published or played.
    Closed {
        /// Which.
        stream: StreamId,
    },
}

/// One connection, without its socket.
#[derive(Debug)]
pub struct ServerSession {
    handshake: Handshake,
    greeting: BytesMut,
    reader: ChunkReader,
    writer: ChunkWriter,
    events: VecDeque<ServerEvent>,
    app: Option<String>,
    capabilities: Capabilities,
    streams: BTreeMap<u32, NetStream>,
    next_stream: u32,
    received: u64,
    acknowledged: u64,
    window: u64,
}

impl Default for ServerSession {
    fn default() -> Self {
        Self {
            handshake: Handshake::server(),
            greeting: BytesMut::new(),
            reader: ChunkReader::default(),
            writer: ChunkWriter::default(),
            events: VecDeque::new(),
            app: None,
            capabilities: Capabilities::default(),
            streams: BTreeMap::new(),
            next_stream: 1,
            received: 0,
            acknowledged: 0,
            window: u64::from(WINDOW),
        }
    }
}

impl ServerSession {
    /// Takes what came. Then poll events and output until there are none.
    ///
    /// # Errors
    /// The peer does not speak RTMP, or lies about it. What was polled so far
    /// holds; the connection is of no more use.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), RtmpError> {
        if self.handshake.is_done() {
            self.reader.push(bytes);
        } else if !self.greet(bytes)? {
            return Ok(());
        }
        self.received += bytes.len() as u64;
        while let Some(message) = self.reader.next_message()? {
            self.message(&message)?;
        }
        self.acknowledge();
        Ok(())
    }

    /// The next bytes to send.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.writer.poll()
    }

    /// Bytes that [`ServerSession::poll_output`] has yet to hand out.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.writer.queued()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<ServerEvent> {
        self.events.pop_front()
    }

    /// Lets it publish or play what it asked for.
    pub fn accept(&mut self, stream: StreamId) {
        let id = stream.0;
        let Some(it) = self.streams.get_mut(&id) else {
            return;
        };
        match it.accept() {
            Some(State::Publishing(_)) => {
                self.user_control(control::STREAM_BEGIN, id);
                self.status(id, "status", "NetStream.Publish.Start", "publishing");
            }
            Some(State::Playing { .. }) => self.begin_play(id),
            _ => {}
        }
    }

    /// Says no to what it asked for, in words that its user sees.
    pub fn refuse(&mut self, stream: StreamId, words: &str) {
        let Some(it) = self.streams.get_mut(&stream.0) else {
            return;
        };
        let code = match it.state {
            State::Publish | State::Publishing(_) => "NetStream.Publish.Rejected",
            State::Play | State::Playing { .. } => "NetStream.Play.StreamNotFound",
            State::Idle => return,
        };
        it.state = State::Idle;
        self.status(stream.0, "error", code, words);
    }

    /// Ends a stream from our side: an error to an encoder, the end to a player.
    pub fn end(&mut self, stream: StreamId, words: &str) {
        let Some(it) = self.streams.get_mut(&stream.0) else {
            return;
        };
        match std::mem::replace(&mut it.state, State::Idle) {
            State::Playing { .. } => {
                self.status(stream.0, "status", "NetStream.Play.UnpublishNotify", words);
                self.user_control(control::STREAM_EOF, stream.0);
                self.status(stream.0, "status", "NetStream.Play.Stop", words);
            }
            State::Publishing(_) => {
                self.status(stream.0, "error", "NetStream.Publish.Rejected", words);
            }
            other => it.state = other,
        }
    }

    /// Asks it to connect again, to where it came from: for a server that stops.
    /// Whether the peer can.
    pub fn request_reconnect(&mut self, words: &str) -> bool {
        let can = self.capabilities.reconnect;
        if can {
            self.status(0, "status", "NetConnection.Connect.ReconnectRequest", words);
        }
        can
    }

    /// Sends a tag to a player. Its times begin at 0 with the first tag sent.
    pub fn send(&mut self, stream: StreamId, tag: &Tag) {
        let Some(it) = self.streams.get_mut(&stream.0) else {
            return;
        };
        let State::Playing { base } = &mut it.state else {
            return;
        };
        // Headers carry the time of whatever came before.
        let timestamp = match tag.role {
            Role::Header => base.map_or(0, |base| tag.timestamp.wrapping_sub(base)),
            _ => tag
                .timestamp
                .wrapping_sub(*base.get_or_insert(tag.timestamp)),
        };
        self.writer.write(&Message {
            kind: tag.kind as u8,
            timestamp,
            stream: stream.0,
            body: tag.body(),
        });
    }

    /// Whether the handshake is over.
    fn greet(&mut self, bytes: &[u8]) -> Result<bool, RtmpError> {
        self.greeting.extend_from_slice(bytes);
        for _ in 0..2 {
            if let Some(answer) = self.handshake.handle(&mut self.greeting)? {
                self.writer.raw(answer);
            }
        }
        if self.handshake.is_done() {
            self.reader.push(&std::mem::take(&mut self.greeting));
        }
        Ok(self.handshake.is_done())
    }

    /// Once per call at most: a window of one byte costs no more than a large one.
    fn acknowledge(&mut self) {
        if self.received - self.acknowledged < self.window / 2 {
            return;
        }
        self.acknowledged = self.received;
        // Modulo 2³², as every other one does it.
        let sequence = u32::try_from(self.received & 0xffff_ffff).unwrap_or(0);
        let body = sequence.to_be_bytes();
        self.writer
            .write(&writer::control(kind::ACKNOWLEDGEMENT, &body));
    }

    fn message(&mut self, message: &Message) -> Result<(), RtmpError> {
        match message.kind {
            kind::WINDOW_SIZE => {
                if let Some(size) = message.body.first_chunk::<4>() {
                    self.window = u64::from(u32::from_be_bytes(*size)).max(2);
                }
            }
            kind::USER_CONTROL => self.on_user_control(&message.body),
            kind::AUDIO => self.tag(TagKind::Audio, message),
            kind::VIDEO => self.tag(TagKind::Video, message),
            kind::DATA_AMF0 | kind::DATA_AMF3 => self.tag(TagKind::Script, message),
            kind::AGGREGATE => {
                for part in disaggregate(message) {
                    if let Some(tag) = TagKind::from_byte(part.kind) {
                        self.tag(tag, &part);
                    }
                }
            }
            kind::COMMAND_AMF0 | kind::COMMAND_AMF3 => {
                let command = Command::read(message)?;
                self.command(message.stream, &command);
            }
            // Acknowledgements and bandwidths: TCP has its own. Shared objects and
            // what is new: not for us.
            _ => {}
        }
        Ok(())
    }

    fn on_user_control(&mut self, body: &[u8]) {
        if let Some(&[k0, k1, t0, t1, t2, t3]) = body.first_chunk::<6>()
            && u16::from_be_bytes([k0, k1]) == control::PING
        {
            self.user_control(control::PONG, u32::from_be_bytes([t0, t1, t2, t3]));
        }
    }

    fn tag(&mut self, kind: TagKind, message: &Message) {
        let stream = StreamId(message.stream);
        let Some(State::Publishing(demuxer)) = self
            .streams
            .get_mut(&message.stream)
            .map(|it| &mut it.state)
        else {
            return;
        };
        let taken = demuxer.handle_tag(kind, message.timestamp, message.body.clone());
        while let Some(item) = demuxer.poll_item() {
            self.events.push_back(ServerEvent::Item { stream, item });
        }
        if let Err(error) = taken {
            self.events.push_back(ServerEvent::BadTag { stream, error });
        }
    }
}
