//! Our connection to another server: to push a stream there, or to pull one.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use surecast_media::frame::Item;

use super::command::Command;
use super::handshake::Handshake;
use super::message::{control, disaggregate, kind};
use super::writer;
use super::{ChunkReader, ChunkWriter, Message, RtmpError};
use crate::flv::amf::{Value, object};
use crate::flv::{Demuxer, FlvError, FourCc, Tag, TagKind};

/// As in [`super::server`]: after so many bytes either side says that it got them.
const WINDOW: u32 = 2_500_000;

/// Transactions: one of each per connection.
mod ask {
    pub(super) const CONNECT: f64 = 1.0;
    pub(super) const CREATE_STREAM: f64 = 4.0;
}

/// What we want of the other server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientRole {
    /// To send a stream.
    Publish,
    /// To get one.
    Play,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientEvent {
    /// The server takes or sends the stream from here on.
    Ready {
        /// Codecs that it understands as Enhanced RTMP has them; empty where it
        /// does not say.
        four_cc: Vec<String>,
    },
    /// A part of the stream that we play.
    Item(Item),
    /// A tag that was not taken; the next ones may be.
    BadTag(FlvError),
    /// The server says no, or ends it.
    Refused {
        /// `NetStream.Publish.BadName` …
        code: String,
        /// In its words.
        words: String,
    },
    /// The stream that we play has ended.
    Ended,
    /// The server asks us to connect again (*Enhanced RTMP* v2).
    Reconnect {
        /// Where; empty: to the same address.
        url: String,
    },
}

/// One connection, without its socket.
#[derive(Debug)]
pub struct ClientSession {
    handshake: Handshake,
    greeting: BytesMut,
    reader: ChunkReader,
    writer: ChunkWriter,
    events: VecDeque<ClientEvent>,
    app: String,
    tc_url: String,
    name: String,
    role: ClientRole,
    stream: u32,
    ready: bool,
    four_cc: Vec<String>,
    demuxer: Demuxer,
    received: u64,
    acknowledged: u64,
    window: u64,
}

impl ClientSession {
    /// Begins the handshake. `name` is the stream's name with its query; `tc_url`
    /// the address up to and with the application, without user and password.
    #[must_use]
    pub fn new(app: &str, tc_url: &str, name: &str, role: ClientRole) -> Self {
        let handshake = Handshake::client();
        let mut writer = ChunkWriter::default();
        writer.raw(handshake.hello());
        Self {
            handshake,
            greeting: BytesMut::new(),
            reader: ChunkReader::default(),
            writer,
            events: VecDeque::new(),
            app: app.to_owned(),
            tc_url: tc_url.to_owned(),
            name: name.to_owned(),
            role,
            stream: 0,
            ready: false,
            four_cc: Vec::new(),
            demuxer: Demuxer::default(),
            received: 0,
            acknowledged: 0,
            window: u64::from(WINDOW),
        }
    }

    /// Takes what came. Then poll events and output until there are none.
    ///
    /// # Errors
    /// The server does not speak RTMP, or lies about it.
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
        if self.received - self.acknowledged >= self.window / 2 {
            self.acknowledged = self.received;
            let sequence = u32::try_from(self.received & 0xffff_ffff).unwrap_or(0);
            let body = sequence.to_be_bytes();
            self.writer
                .write(&writer::control(kind::ACKNOWLEDGEMENT, &body));
        }
        Ok(())
    }

    /// The next bytes to send.
    pub fn poll_output(&mut self) -> Option<Bytes> {
        self.writer.poll()
    }

    /// Bytes that [`ClientSession::poll_output`] has yet to hand out.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.writer.queued()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Sends a tag, once the server is ready.
    pub fn send(&mut self, tag: &Tag) {
        if !self.ready || self.role != ClientRole::Publish {
            return;
        }
        let mut body = tag.body();
        if tag.kind == TagKind::Script && body.starts_with(b"\x02\x00\x0aonMetaData") {
            // To a server metadata goes as a request to keep it.
            let mut wrapped = BytesMut::from(&b"\x02\x00\x0d@setDataFrame"[..]);
            wrapped.extend_from_slice(&body);
            body = wrapped.freeze();
        }
        self.writer.write(&Message {
            kind: tag.kind as u8,
            timestamp: tag.timestamp,
            stream: self.stream,
            body,
        });
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self) {
        if self.stream == 0 {
            return;
        }
        if self.role == ClientRole::Publish {
            self.call("FCUnpublish", 0.0, self.name.as_str().into());
        }
        self.call("deleteStream", 0.0, self.stream.into());
        self.ready = false;
    }

    fn greet(&mut self, bytes: &[u8]) -> Result<bool, RtmpError> {
        self.greeting.extend_from_slice(bytes);
        for _ in 0..2 {
            if let Some(answer) = self.handshake.handle(&mut self.greeting)? {
                self.writer.raw(answer);
            }
        }
        if self.handshake.is_done() {
            self.reader.push(&std::mem::take(&mut self.greeting));
            self.connect();
        }
        Ok(self.handshake.is_done())
    }

    fn connect(&mut self) {
        self.writer.enlarge();
        let names = FourCc::ALL.map(FourCc::name);
        let list = names.iter().map(|name| name.as_str().into()).collect();
        let about = object([
            ("app", self.app.as_str().into()),
            ("type", "nonprivate".into()),
            ("flashVer", "FMLE/3.0 (compatible; Surecast)".into()),
            ("tcUrl", self.tc_url.as_str().into()),
            ("fpad", false.into()),
            ("capabilities", 15u32.into()),
            ("audioCodecs", 0x0fffu32.into()),
            ("videoCodecs", 0xffu32.into()),
            ("fourCcList", Value::Array(list)),
            // Reconnect requests, multitrack, modifiers, nanoseconds.
            ("capsEx", 0x0fu32.into()),
        ]);
        self.writer
            .write(&Command::message(0, "connect", ask::CONNECT, &[about]));
    }

    fn call(&mut self, name: &str, transaction: f64, value: Value) {
        self.writer.write(&Command::message(
            0,
            name,
            transaction,
            &[Value::Null, value],
        ));
    }

    fn message(&mut self, message: &Message) -> Result<(), RtmpError> {
        match message.kind {
            kind::WINDOW_SIZE => {
                if let Some(size) = message.body.first_chunk::<4>() {
                    self.window = u64::from(u32::from_be_bytes(*size)).max(2);
                }
            }
            kind::USER_CONTROL => self.on_user_control(&message.body),
            kind::AGGREGATE => disaggregate(message).for_each(|part| self.media(&part)),
            kind::COMMAND_AMF0 | kind::COMMAND_AMF3 => {
                let command = Command::read(message)?;
                self.command(&command);
            }
            _ => self.media(message),
        }
        Ok(())
    }

    fn on_user_control(&mut self, body: &[u8]) {
        let Some(&[k0, k1, t0, t1, t2, t3]) = body.first_chunk::<6>() else {
            return;
        };
        match u16::from_be_bytes([k0, k1]) {
            control::PING => {
                let [p0, p1] = control::PONG.to_be_bytes();
                let pong = [p0, p1, t0, t1, t2, t3];
                self.writer
                    .write(&writer::control(kind::USER_CONTROL, &pong));
            }
            control::STREAM_EOF if self.ready => self.events.push_back(ClientEvent::Ended),
            _ => {}
        }
    }

    fn media(&mut self, message: &Message) {
        let tag = match message.kind {
            kind::AUDIO => TagKind::Audio,
            kind::VIDEO => TagKind::Video,
            kind::DATA_AMF0 | kind::DATA_AMF3 => TagKind::Script,
            _ => return,
        };
        if !self.ready || self.role != ClientRole::Play || message.stream != self.stream {
            return;
        }
        let taken = self
            .demuxer
            .handle_tag(tag, message.timestamp, message.body.clone());
        while let Some(item) = self.demuxer.poll_item() {
            self.events.push_back(ClientEvent::Item(item));
        }
        if let Err(error) = taken {
            self.events.push_back(ClientEvent::BadTag(error));
        }
    }

    fn command(&mut self, command: &Command) {
        let of_connect = command.transaction == ask::CONNECT;
        let of_stream = command.transaction == ask::CREATE_STREAM;
        match command.name.as_str() {
            "_result" if of_connect && self.stream == 0 => self.connected(command),
            "_result" if of_stream && self.stream == 0 => self.stream_created(command),
            "_error" if of_connect || of_stream => {
                self.refused(command.values.get(1).unwrap_or(&Value::Null));
            }
            "onStatus" => self.status(command.values.get(1).unwrap_or(&Value::Null)),
            "close" => self.refused(&Value::Null),
            _ => {}
        }
    }

    fn connected(&mut self, command: &Command) {
        if let Some(Value::Array(list)) = command.values.get(1).and_then(|it| it.get("fourCcList"))
        {
            let names = list.iter().filter_map(Value::as_str).take(32);
            self.four_cc = names.map(str::to_owned).collect();
        }
        if self.role == ClientRole::Publish {
            // Old servers want both before the stream.
            self.call("releaseStream", 2.0, self.name.as_str().into());
            self.call("FCPublish", 3.0, self.name.as_str().into());
        } else {
            let window = WINDOW.to_be_bytes();
            self.writer
                .write(&writer::control(kind::WINDOW_SIZE, &window));
        }
        let create = Command::message(0, "createStream", ask::CREATE_STREAM, &[Value::Null]);
        self.writer.write(&create);
    }

    fn stream_created(&mut self, command: &Command) {
        let id = command.number(0).filter(|id| (1.0..1e9).contains(id));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked"
        )]
        let Some(id) = id.map(|id| id as u32) else {
            return self.refused(&Value::Null);
        };
        self.stream = id;
        let name = Value::String(self.name.clone());
        let (command, values, transaction) = match self.role {
            ClientRole::Publish => ("publish", vec![Value::Null, name, "live".into()], 5.0),
            // -2000: live, or recorded where nothing is live.
            ClientRole::Play => ("play", vec![Value::Null, name, (-2000.0).into()], 0.0),
        };
        self.writer
            .write(&Command::message(id, command, transaction, &values));
        if self.role == ClientRole::Play {
            let [b0, b1] = control::SET_BUFFER_LENGTH.to_be_bytes();
            let [s0, s1, s2, s3] = id.to_be_bytes();
            // One second.
            let body = [b0, b1, s0, s1, s2, s3, 0, 0, 3, 0xe8];
            self.writer
                .write(&writer::control(kind::USER_CONTROL, &body));
        }
    }

    fn status(&mut self, info: &Value) {
        let text = |name| info.get(name).and_then(Value::as_str).unwrap_or("");
        match text("code") {
            "NetStream.Publish.Start" | "NetStream.Play.Start" => self.begin(),
            "NetStream.Play.Stop"
            | "NetStream.Play.Complete"
            | "NetStream.Play.UnpublishNotify" => {
                self.events.push_back(ClientEvent::Ended);
            }
            "NetConnection.Connect.ReconnectRequest" => {
                let url = text("tcUrl").to_owned();
                self.events.push_back(ClientEvent::Reconnect { url });
            }
            _ if text("level") == "error" => self.refused(info),
            _ => {}
        }
    }

    fn begin(&mut self) {
        if self.ready || self.stream == 0 {
            return;
        }
        self.ready = true;
        let four_cc = self.four_cc.clone();
        self.events.push_back(ClientEvent::Ready { four_cc });
    }

    fn refused(&mut self, info: &Value) {
        /// Longer words are no message to anybody.
        const MAX_WORDS: usize = 500;
        self.ready = false;
        let text = |name: &str| {
            let text = info.get(name).and_then(Value::as_str).unwrap_or("");
            text.chars().take(MAX_WORDS).collect::<String>()
        };
        self.events.push_back(ClientEvent::Refused {
            code: text("code"),
            words: text("description"),
        });
    }
}
