//! Values of the Action Message Format, whichever version wrote them.

use serde_json::{Map, Number};

/// Values in one message: a hundred times what the largest honest one (a
/// recorder's `onMetaData` with key frames left out) has. A value takes at least
/// a byte on the wire and some fifty here, so this bounds what a message of a few
/// kilobytes can become.
pub const MAX_VALUES: usize = 4096;

/// Objects within objects. Honest messages have three levels.
pub const MAX_DEPTH: usize = 16;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Also what is undefined, unsupported, or a reference: references are not
    /// followed, a chain of them would grow without bound.
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string, a symbol or an XML document.
    String(String),
    /// Names and values, in order: an object or an associative array.
    Object(Vec<(String, Value)>),
    /// Values in order.
    Array(Vec<Value>),
    /// Milliseconds since the Unix epoch.
    Date(f64),
    /// A byte array of AMF3.
    Bytes(Vec<u8>),
}

impl Value {
    /// As text; `None` where it is none.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// As a number; `None` where it is none.
    #[must_use]
    pub const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// As JSON. What JSON has no word for (not-a-number) is null; bytes are an
    /// array of numbers; of two members of one name the last one stays.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Bool(it) => Json::Bool(*it),
            Self::Number(it) | Self::Date(it) => number(*it),
            Self::String(it) => Json::String(it.clone()),
            Self::Object(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| (name.clone(), value.to_json()));
                Json::Object(members.collect::<Map<_, _>>())
            }
            Self::Array(values) => Json::Array(values.iter().map(Self::to_json).collect()),
            Self::Bytes(bytes) => Json::Array(bytes.iter().map(|&byte| byte.into()).collect()),
        }
    }

    /// From JSON.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(it) => Self::Bool(*it),
            Json::Number(it) => it.as_f64().map_or(Self::Null, Self::Number),
            Json::String(it) => Self::String(it.clone()),
            Json::Array(values) => Self::Array(values.iter().map(Self::from_json).collect()),
            Json::Object(members) => {
                let member = |(name, value): (&String, _)| (name.clone(), Self::from_json(value));
                Self::Object(members.iter().map(member).collect())
            }
        }
    }
}

/// Whole numbers as JSON's whole numbers: people write 25, not 25.0.
fn number(value: f64) -> serde_json::Value {
    /// Below this a float holds every whole number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        return serde_json::Value::from(value as i64);
    }
    Number::from_f64(value).map_or(serde_json::Value::Null, serde_json::Value::Number)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(f64::from(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

/// An object of these members.
#[must_use]
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// Counts what a message may still bring.
pub(super) struct Budget {
    values: usize,
    depth: usize,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self {
            values: MAX_VALUES,
            depth: MAX_DEPTH,
        }
    }

    pub(super) fn value(&mut self) -> Result<(), super::FlvError> {
        self.values = self
            .values
            .checked_sub(1)
            .ok_or(super::FlvError::Bomb("values than 4096"))?;
        Ok(())
    }

    pub(super) fn enter(&mut self) -> Result<(), super::FlvError> {
        self.depth = self
            .depth
            .checked_sub(1)
            .ok_or(super::FlvError::Bomb("levels than 16"))?;
        Ok(())
    }

    pub(super) const fn leave(&mut self) {
        self.depth += 1;
    }
}
