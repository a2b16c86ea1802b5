//! A connection of an encoder or a player to us.

mod stream;

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use surecast_media::frame::Item;

use super::command::{self, Command};
use super::handshake::Handshake;
use super::message::{control, disaggregate, kind};
use super::path::StreamPath;
use super::writer;
use super::{ChunkReader, ChunkWriter, Message, RtmpError};
use crate::flv::amf::{Value, object};
use crate::flv::{FlvError, FourCc, Role, Tag, TagKind};
use stream::{NetStream, State};

/// Message streams of one connection. Programs use one; one more for each camera.
const MAX_STREAMS: usize = 8;

/// After so many bytes either side says that it has got them (§5.4.4). What
/// everybody uses.
const WINDOW: u32 = 2_500_000;

/// Names and addresses longer than this are cut: they end in logs and hooks.
const MAX_TEXT: usize = 8 * 1024;

/// A message stream of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u32);

/// What the peer says it can do, from its `connect` (*Enhanced RTMP* v2,
/// *Enhancing NetConnection connect Command*).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Codecs by their four characters; `*` stands for all of them. Empty for
    /// programs that know nothing of it.
    pub four_cc: Vec<String>,
    /// It goes to another address when it is asked to.
    pub reconnect: bool,
}

impl Capabilities {
    /// Whether it understands this codec as Enhanced RTMP has it.
    #[must_use]
    pub fn has(&self, codec: FourCc) -> bool {
        let name = codec.name();
        self.four_cc.iter().any(|it| *it == name || it == "*")
    }
}

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

    fn command(&mut self, stream: u32, command: &Command) {
        let answer = command.transaction;
        if command.name == "connect" {
            return self.connect(command);
        }
        if self.app.is_none() {
            let info = command::status_info("error", "NetConnection.Call.Failed", "connect first");
            return self.reply(0, "_error", answer, info);
        }
        match command.name.as_str() {
            "createStream" => self.create_stream(answer),
            "publish" => self.ask(stream, command, true),
            "play" | "play2" => self.ask(stream, command, false),
            "closeStream" => self.close(stream, false),
            "deleteStream" => {
                let id = command.number(0).unwrap_or(f64::from(stream));
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a lie saturates"
                )]
                self.close(id as u32, true);
            }
            "FCPublish" | "FCSubscribe" => {
                let name = command.text(0).unwrap_or("").to_owned();
                self.reply(0, "_result", answer, Value::Null);
                let info = command::status_info("status", "NetStream.Publish.Start", &name);
                let on = format!("on{}", command.name);
                self.writer
                    .write(&Command::message(0, &on, 0.0, &[Value::Null, info]));
            }
            "getStreamLength" => self.reply(0, "_result", answer, 0u32.into()),
            "pause" => self.status(stream, "status", "NetStream.Pause.Notify", "this is live"),
            "seek" => self.status(stream, "error", "NetStream.Seek.Failed", "this is live"),
            _ if answer > 0.0 => self.reply(0, "_result", answer, Value::Null),
            _ => {}
        }
    }

    fn connect(&mut self, command: &Command) {
        let empty = Value::Null;
        let about = command.values.first().unwrap_or(&empty);
        let text = |name| {
            about
                .get(name)
                .and_then(Value::as_str)
                .map_or_else(String::new, cut)
        };
        let app = text("app");
        let enhanced = about.get("fourCcList").is_some()
            || about.get("videoFourCcInfoMap").is_some()
            || about.get("capsEx").is_some();
        self.capabilities = capabilities(about);
        self.app = Some(app.clone());
        let window = WINDOW.to_be_bytes();
        self.writer
            .write(&writer::control(kind::WINDOW_SIZE, &window));
        let [w0, w1, w2, w3] = window;
        let dynamic = [w0, w1, w2, w3, 2];
        self.writer
            .write(&writer::control(kind::PEER_BANDWIDTH, &dynamic));
        self.writer.enlarge();
        let properties = object([
            // Clients look for the first letters and the number.
            ("fmsVer", "FMS/3,5,7,7009".into()),
            ("capabilities", 31u32.into()),
            ("mode", 1u32.into()),
        ]);
        let info = connected(enhanced);
        let message = Command::message(0, "_result", command.transaction, &[properties, info]);
        self.writer.write(&message);
        self.events.push_back(ServerEvent::Connect {
            app,
            tc_url: text("tcUrl"),
            agent: text("flashVer"),
            capabilities: self.capabilities.clone(),
        });
    }

    fn create_stream(&mut self, answer: f64) {
        if self.streams.len() >= MAX_STREAMS {
            let words = "too many streams on one connection";
            let info = command::status_info("error", "NetConnection.Call.Failed", words);
            return self.reply(0, "_error", answer, info);
        }
        let id = self.next_stream;
        self.next_stream = self.next_stream.wrapping_add(1);
        self.streams.insert(id, NetStream::default());
        self.reply(0, "_result", answer, id.into());
    }

    fn ask(&mut self, id: u32, command: &Command, publish: bool) {
        let Some(it) = self.streams.get_mut(&id) else {
            let code = "NetStream.Failed";
            return self.status(
                id,
                "error",
                code,
                "no such stream: createStream comes first",
            );
        };
        let stream = StreamId(id);
        if !matches!(it.state, State::Idle) {
            self.events.push_back(ServerEvent::Closed { stream });
        }
        it.state = if publish { State::Publish } else { State::Play };
        let app = self.app.as_deref().unwrap_or("");
        let path = StreamPath::parse(app, &cut(command.text(0).unwrap_or("")));
        self.events.push_back(if publish {
            ServerEvent::Publish { stream, path }
        } else {
            ServerEvent::Play { stream, path }
        });
    }

    fn close(&mut self, id: u32, delete: bool) {
        let Some(it) = self.streams.get_mut(&id) else {
            return;
        };
        let stream = StreamId(id);
        let was = std::mem::replace(&mut it.state, State::Idle);
        if delete {
            self.streams.remove(&id);
        }
        if matches!(was, State::Publishing(_)) {
            self.status(id, "status", "NetStream.Unpublish.Success", "unpublished");
        }
        if !matches!(was, State::Idle) {
            self.events.push_back(ServerEvent::Closed { stream });
        }
    }

    fn begin_play(&mut self, id: u32) {
        self.user_control(control::STREAM_BEGIN, id);
        self.status(
            id,
            "status",
            "NetStream.Play.Reset",
            "playing from the beginning",
        );
        self.status(id, "status", "NetStream.Play.Start", "playing");
        let access = ["|RtmpSampleAccess".into(), true.into(), true.into()];
        self.writer.write(&command::data(id, &access));
        let start = object([("code", "NetStream.Data.Start".into())]);
        self.writer
            .write(&command::data(id, &["onStatus".into(), start]));
    }

    fn user_control(&mut self, event: u16, value: u32) {
        let mut body = event.to_be_bytes().to_vec();
        body.extend(value.to_be_bytes());
        self.writer
            .write(&writer::control(kind::USER_CONTROL, &body));
    }

    fn status(&mut self, stream: u32, level: &str, code: &str, words: &str) {
        self.writer
            .write(&Command::status(stream, level, code, words));
    }

    fn reply(&mut self, stream: u32, name: &str, transaction: f64, value: Value) {
        let values = [Value::Null, value];
        self.writer
            .write(&Command::message(stream, name, transaction, &values));
    }
}

/// The answer to `connect`; with what we can do where the peer asks in the way of
/// Enhanced RTMP.
fn connected(enhanced: bool) -> Value {
    /// Decode, encode, forward: we pass all of them on.
    const ALL: u32 = 4;
    /// Reconnect requests, multitrack, modifiers, nanoseconds.
    const CAPS: u32 = 0x0f;
    let Value::Object(mut info) =
        command::status_info("status", "NetConnection.Connect.Success", "connected")
    else {
        return Value::Null;
    };
    info.push(("objectEncoding".into(), 0u32.into()));
    if enhanced {
        let names = FourCc::ALL.map(FourCc::name);
        let list = names.iter().map(|name| name.as_str().into()).collect();
        info.push(("fourCcList".into(), Value::Array(list)));
        let map = |names: &[String]| {
            Value::Object(
                names
                    .iter()
                    .map(|name| (name.clone(), ALL.into()))
                    .collect(),
            )
        };
        let (video, audio) = names.split_at(5);
        info.push(("videoFourCcInfoMap".into(), map(video)));
        info.push(("audioFourCcInfoMap".into(), map(audio)));
        info.push(("capsEx".into(), CAPS.into()));
    }
    Value::Object(info)
}

fn capabilities(about: &Value) -> Capabilities {
    /// Codecs that are remembered: all that are defined, and as many again.
    const MAX_CODECS: usize = 32;
    let mut four_cc = Vec::new();
    if let Some(Value::Array(list)) = about.get("fourCcList") {
        four_cc.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    for map in ["videoFourCcInfoMap", "audioFourCcInfoMap"] {
        if let Some(Value::Object(members)) = about.get(map) {
            four_cc.extend(members.iter().map(|(name, _)| name.clone()));
        }
    }
    four_cc.truncate(MAX_CODECS);
    let caps = about
        .get("capsEx")
        .and_then(Value::as_number)
        .unwrap_or(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a lie saturates"
    )]
    let reconnect = caps as u32 & 1 == 1;
    Capabilities { four_cc, reconnect }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
