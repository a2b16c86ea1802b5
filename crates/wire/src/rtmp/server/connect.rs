//! `connect` and its answer.

use crate::flv::FourCc;
use crate::flv::amf::Value;
use crate::rtmp::command;

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

/// The answer to `connect`; with what we can do where the peer asks in the way of
/// Enhanced RTMP.
pub(super) fn connected(enhanced: bool) -> Value {
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

pub(super) fn capabilities(about: &Value) -> Capabilities {
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
