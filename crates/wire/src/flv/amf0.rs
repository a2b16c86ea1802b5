//! AMF 0 (*Action Message Format -- AMF 0*, Adobe).

use bytes::{BufMut, Bytes};

use super::amf::{Budget, Value};
use super::{Cursor, FlvError, amf3};

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const REFERENCE: u8 = 7;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_STRING: u8 = 12;
const UNSUPPORTED: u8 = 13;
const XML_DOCUMENT: u8 = 15;
const TYPED_OBJECT: u8 = 16;
const AVM_PLUS: u8 = 17;

/// All values of a message.
///
/// # Errors
/// One is cut, of an unknown type, or beyond the bounds of [`super::amf`].
pub fn read_all(bytes: &[u8]) -> Result<Vec<Value>, FlvError> {
    let (values, error) = read_some(bytes);
    error.map_or(Ok(values), Err)
}

/// The values up to the first that cannot be read, and what is wrong with that
/// one.
#[must_use]
pub fn read_some(bytes: &[u8]) -> (Vec<Value>, Option<FlvError>) {
    let mut reader = Reader {
        input: Cursor::new(Bytes::copy_from_slice(bytes)),
        budget: Budget::new(),
    };
    let mut values = Vec::new();
    while !reader.input.is_empty() {
        match reader.value() {
            Ok(value) => values.push(value),
            Err(error) => return (values, Some(error)),
        }
    }
    (values, None)
}

struct Reader {
    input: Cursor,
    budget: Budget,
}

impl Reader {
    fn value(&mut self) -> Result<Value, FlvError> {
        let marker = self.input.u8("AMF0 marker")?;
        self.value_of(marker)
    }

    fn value_of(&mut self, marker: u8) -> Result<Value, FlvError> {
        self.budget.value()?;
        Ok(match marker {
            NUMBER => Value::Number(self.input.f64("AMF0 number")?),
            BOOLEAN => Value::Bool(self.input.u8("AMF0 boolean")? != 0),
            STRING => Value::String(self.short_string()?),
            OBJECT => self.members()?,
            NULL | UNDEFINED | UNSUPPORTED => Value::Null,
            REFERENCE => {
                self.input.u16("AMF0 reference")?;
                Value::Null
            }
            ECMA_ARRAY => {
                // The count is often wrong; the end marker is not.
                self.input.u32("AMF0 array")?;
                self.members()?
            }
            STRICT_ARRAY => self.strict_array()?,
            DATE => {
                let at = self.input.f64("AMF0 date")?;
                self.input.u16("AMF0 date")?;
                Value::Date(at)
            }
            LONG_STRING | XML_DOCUMENT => {
                let len = self.input.u32("AMF0 string")?;
                Value::String(self.string(usize::try_from(len).unwrap_or(usize::MAX))?)
            }
            TYPED_OBJECT => {
                self.short_string()?;
                self.members()?
            }
            AVM_PLUS => amf3::read_value(&mut self.input, &mut self.budget)?,
            _ => return Err(FlvError::Damaged("unknown AMF0 type")),
        })
    }

    /// Names and values up to the end marker; also up to the end of the message,
    /// where encoders forget the marker.
    fn members(&mut self) -> Result<Value, FlvError> {
        self.budget.enter()?;
        let mut members = Vec::new();
        while !self.input.is_empty() {
            let name = self.short_string()?;
            let marker = self.input.u8("AMF0 member")?;
            if marker == OBJECT_END {
                break;
            }
            members.push((name, self.value_of(marker)?));
        }
        self.budget.leave();
        Ok(Value::Object(members))
    }

    fn strict_array(&mut self) -> Result<Value, FlvError> {
        let count = self.input.u32("AMF0 array")?;
        self.budget.enter()?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value()?);
        }
        self.budget.leave();
        Ok(Value::Array(values))
    }

    fn short_string(&mut self) -> Result<String, FlvError> {
        let len = self.input.u16("AMF0 string")?;
        self.string(usize::from(len))
    }

    fn string(&mut self, len: usize) -> Result<String, FlvError> {
        let bytes = self.input.take(len, "AMF0 string")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Appends the values one after the other.
pub fn write_all(values: &[Value], out: &mut impl BufMut) {
    values.iter().for_each(|value| write(value, out));
}

/// Appends a value. Bytes become null: this version has no word for them.
pub fn write(value: &Value, out: &mut impl BufMut) {
    match value {
        Value::Null | Value::Bytes(_) => out.put_u8(NULL),
        Value::Bool(it) => {
            out.put_u8(BOOLEAN);
            out.put_u8(u8::from(*it));
        }
        Value::Number(it) => {
            out.put_u8(NUMBER);
            out.put_f64(*it);
        }
        Value::String(it) => write_string(it, out),
        Value::Object(members) => {
            out.put_u8(OBJECT);
            write_members(members, out);
        }
        Value::Array(values) => {
            out.put_u8(STRICT_ARRAY);
            out.put_u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
            write_all(values, out);
        }
        Value::Date(at) => {
            out.put_u8(DATE);
            out.put_f64(*at);
            out.put_u16(0);
        }
    }
}

/// Appends an associative array, which is what players expect of `onMetaData`.
pub fn write_ecma_array(members: &[(String, Value)], out: &mut impl BufMut) {
    out.put_u8(ECMA_ARRAY);
    out.put_u32(u32::try_from(members.len()).unwrap_or(u32::MAX));
    write_members(members, out);
}

fn write_members(members: &[(String, Value)], out: &mut impl BufMut) {
    for (name, value) in members {
        write_name(name, out);
        write(value, out);
    }
    out.put_u16(0);
    out.put_u8(OBJECT_END);
}

/// A name has at most 65535 bytes; what is longer is cut at a character.
fn write_name(name: &str, out: &mut impl BufMut) {
    let mut end = name.len().min(usize::from(u16::MAX));
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    out.put_u16(u16::try_from(end).unwrap_or(u16::MAX));
    out.put_slice(&name.as_bytes()[..end]);
}

fn write_string(text: &str, out: &mut impl BufMut) {
    if text.len() <= usize::from(u16::MAX) {
        out.put_u8(STRING);
        write_name(text, out);
    } else {
        out.put_u8(LONG_STRING);
        out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
        out.put_slice(text.as_bytes());
    }
}
