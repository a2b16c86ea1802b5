//! Script data tags (§E.4.4): a name and a value.

use surecast_media::frame::TimedData;

use super::amf::Value;
use super::{FlvError, amf0};

/// The longest message that is passed on, as JSON: what a data packet of a room
/// can carry.
const MAX_JSON: usize = 60 * 1024;

/// What a script tag says to players; `None` for metadata, which every door
/// writes anew, and for what is too long.
pub(super) fn read(body: &[u8]) -> Result<Option<TimedData>, FlvError> {
    // RTMP's AMF3 form of it has a zero in front.
    let body = body.strip_prefix(&[0]).unwrap_or(body);
    let (values, error) = amf0::read_some(body);
    let mut values = values.into_iter();
    let Some(Value::String(mut name)) = values.next() else {
        return error.map_or(Ok(None), Err);
    };
    if name == "@setDataFrame" {
        let Some(Value::String(inner)) = values.next() else {
            return error.map_or(Ok(None), Err);
        };
        name = inner;
    }
    // Servers tell players of theirs in this way, too.
    let of_protocol = ["onMetaData", "@clearDataFrame", "onStatus", "onPlayStatus"];
    if of_protocol.contains(&name.as_str()) || name.starts_with('|') {
        return Ok(None);
    }
    if let Some(error) = error {
        return Err(error);
    }
    let json = values.next().unwrap_or(Value::Null).to_json().to_string();
    let fits = name.len() + json.len() <= MAX_JSON;
    Ok(fits.then_some(TimedData::Script { name, json }))
}

/// The body of a script tag that says this; `None` for what FLV has no form of.
pub(super) fn write(data: &TimedData) -> Option<Vec<u8>> {
    let (name, value) = match data {
        TimedData::Script { name, json } => {
            let json = serde_json::from_str(json).ok()?;
            (name.clone(), Value::from_json(&json))
        }
        TimedData::Message { topic, payload } => {
            let text = std::str::from_utf8(payload).ok()?;
            let members = [("topic", topic.as_str().into()), ("text", text.into())];
            ("onMessage".to_owned(), super::amf::object(members))
        }
        TimedData::Id3(_) => return None,
    };
    let mut body = Vec::new();
    amf0::write_all(&[Value::String(name), value], &mut body);
    Some(body)
}
