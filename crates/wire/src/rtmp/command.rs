//! Commands (§7.2): a name, a number that the answer repeats, and arguments.

use bytes::Bytes;

use super::message::kind;
use super::{Message, RtmpError};
use crate::flv::FlvError;
use crate::flv::amf::{Value, object};
use crate::flv::amf0;

/// The longest command that is read. Those of players and encoders are a few
/// hundred bytes; tokens and lists of codecs make them a few thousand.
const MAX_LEN: usize = 64 * 1024;

/// A command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Command {
    pub(super) name: String,
    /// 0 where no answer is wanted.
    pub(super) transaction: f64,
    /// The command object, then the arguments.
    pub(super) values: Vec<Value>,
}

impl Command {
    /// Of a message that is one.
    pub(super) fn read(message: &Message) -> Result<Self, RtmpError> {
        if message.body.len() > MAX_LEN {
            return Err(RtmpError::TooMuch("a command of more than 64 KiB"));
        }
        let mut body = &message.body[..];
        if message.kind == kind::COMMAND_AMF3 {
            // A zero, then AMF0 which may change over to AMF3.
            body = body.strip_prefix(&[0]).unwrap_or(body);
        }
        let (values, error) = amf0::read_some(body);
        let mut values = values.into_iter();
        let Some(Value::String(name)) = values.next() else {
            let error = error.unwrap_or(FlvError::Damaged("a command without a name"));
            return Err(RtmpError::Command(error));
        };
        // What comes after arguments that we know may be anything.
        let transaction = values.next().and_then(|it| it.as_number()).unwrap_or(0.0);
        Ok(Self {
            name,
            transaction,
            values: values.collect(),
        })
    }

    /// An argument as text; 0 is the first after the command object.
    pub(super) fn text(&self, at: usize) -> Option<&str> {
        self.values.get(at + 1).and_then(Value::as_str)
    }

    /// An argument as a number.
    pub(super) fn number(&self, at: usize) -> Option<f64> {
        self.values.get(at + 1).and_then(Value::as_number)
    }

    /// Writes one on a message stream.
    pub(super) fn message(stream: u32, name: &str, transaction: f64, values: &[Value]) -> Message {
        let mut body = Vec::new();
        amf0::write(&name.into(), &mut body);
        amf0::write(&transaction.into(), &mut body);
        amf0::write_all(values, &mut body);
        Message {
            kind: kind::COMMAND_AMF0,
            timestamp: 0,
            stream,
            body: body.into(),
        }
    }

    /// `onStatus` (§7.2.2): what became of a request.
    pub(super) fn status(stream: u32, level: &str, code: &str, description: &str) -> Message {
        let info = status_info(level, code, description);
        Self::message(stream, "onStatus", 0.0, &[Value::Null, info])
    }
}

pub(super) fn status_info(level: &str, code: &str, description: &str) -> Value {
    object([
        ("level", level.into()),
        ("code", code.into()),
        ("description", description.into()),
    ])
}

/// A message of script data.
pub(super) fn data(stream: u32, values: &[Value]) -> Message {
    let mut body = Vec::new();
    amf0::write_all(values, &mut body);
    Message {
        kind: kind::DATA_AMF0,
        timestamp: 0,
        stream,
        body: Bytes::from(body),
    }
}
