//! Commands of encoders and players (§7.2).

use super::connect::{capabilities, connected};
use super::stream::{NetStream, State};
use super::{ServerEvent, ServerSession, StreamId, WINDOW};
use crate::flv::amf::{Value, object};
use crate::rtmp::command::{self, Command};
use crate::rtmp::message::{control, kind};
use crate::rtmp::path::StreamPath;
use crate::rtmp::writer;

/// Message streams of one connection. Programs use one; one more for each camera.
const MAX_STREAMS: usize = 8;

/// Names and addresses longer than this are cut: they end in logs and hooks.
const MAX_TEXT: usize = 8 * 1024;

impl ServerSession {
    pub(super) fn command(&mut self, stream: u32, command: &Command) {
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

    pub(super) fn begin_play(&mut self, id: u32) {
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

    pub(super) fn user_control(&mut self, event: u16, value: u32) {
        let mut body = event.to_be_bytes().to_vec();
        body.extend(value.to_be_bytes());
        self.writer
            .write(&writer::control(kind::USER_CONTROL, &body));
    }

    pub(super) fn status(&mut self, stream: u32, level: &str, code: &str, words: &str) {
        self.writer
            .write(&Command::status(stream, level, code, words));
    }

    fn reply(&mut self, stream: u32, name: &str, transaction: f64, value: Value) {
        let values = [Value::Null, value];
        self.writer
            .write(&Command::message(stream, name, transaction, &values));
    }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
