//! What a caller wants (SRT Access Control Guidelines).

use std::fmt;

/// Send or receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The caller sends a stream.
    Publish,
    /// The caller wants one; what is meant where nothing is said.
    Request,
}

/// A stream id, read.
///
/// Understood are the standard form `#!::r=live/{room},m=publish,token=…` (in
/// any order; `s`, the session, is taken as the token where there is no
/// `token`; also percent-encoded as a whole, since some tools do not decode their
/// URLs), and what other servers' users have: `publish:{room}`,
/// `read:{room}`, each also with `:{token}` or `:{user}:{token}` behind it or
/// with `?token=…`, and `{room}` alone. A leading `live/` does not belong to the
/// room's name.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamId {
    /// Send or receive.
    pub mode: Mode,
    /// Name of the room; never empty.
    pub room: String,
    /// As given; it is not checked here.
    pub token: Option<String>,
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.token.as_ref().map(|_| "…");
        f.debug_struct("StreamId")
            .field("mode", &self.mode)
            .field("room", &self.room)
            .field("token", &token)
            .finish()
    }
}

/// Why a stream id says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclear {
    /// There is none, or it names no room.
    NoRoom,
    /// `m` is neither `publish` nor `request`.
    Mode,
}

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRoom => {
                "the stream id names no room: use streamid=#!::r=live/ROOM,m=publish,token=TOKEN"
            }
            Self::Mode => "the stream id's mode is neither m=publish nor m=request",
        })
    }
}

impl StreamId {
    /// Reads it.
    ///
    /// # Errors
    /// It names no room, or a mode that does not exist.
    pub fn parse(text: &str) -> Result<Self, Unclear> {
        let decoded = match text.starts_with("#!::") {
            true => None,
            false => percent_decoded(text),
        };
        let text = decoded.as_deref().unwrap_or(text);
        match text.strip_prefix("#!::") {
            Some(pairs) => standard(pairs),
            None => plain(text),
        }
    }
}

/// `None` where nothing is encoded, or not as it should be.
fn percent_decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}

fn standard(pairs: &str) -> Result<StreamId, Unclear> {
    let (mut mode, mut resource, mut token, mut session) = (Mode::Request, "", None, None);
    for pair in pairs.split(',') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key.trim() {
            "r" => resource = value,
            "m" => mode = mode_of(value.trim()).ok_or(Unclear::Mode)?,
            "token" => token = Some(value),
            "s" => session = Some(value),
            _ => {}
        }
    }
    finish(mode, resource, token.or(session))
}

fn plain(text: &str) -> Result<StreamId, Unclear> {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let from_query = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="));
    let mut parts = path.split(':');
    let first = parts.next().unwrap_or_default();
    let (mode, resource) = match mode_of(first) {
        Some(mode) if path.contains(':') => (mode, parts.next().unwrap_or_default()),
        _ => (Mode::Request, first),
    };
    finish(mode, resource, parts.next_back().or(from_query))
}

fn mode_of(word: &str) -> Option<Mode> {
    match word {
        "publish" => Some(Mode::Publish),
        "request" | "read" | "play" => Some(Mode::Request),
        _ => None,
    }
}

fn finish(mode: Mode, resource: &str, token: Option<&str>) -> Result<StreamId, Unclear> {
    let (path, query) = resource.split_once('?').unwrap_or((resource, ""));
    let from_query = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="));
    let path = path.trim().trim_start_matches('/');
    let room = path.strip_prefix("live/").unwrap_or(path);
    if room.is_empty() {
        return Err(Unclear::NoRoom);
    }
    let token = token.or(from_query).filter(|token| !token.is_empty());
    Ok(StreamId {
        mode,
        room: room.to_owned(),
        token: token.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, mode: Mode, room: &str, token: Option<&str>) {
        let wanted = StreamId {
            mode,
            room: room.to_owned(),
            token: token.map(str::to_owned),
        };
        assert_eq!(StreamId::parse(text), Ok(wanted), "{text}");
    }

    #[test]
    fn forms() {
        use Mode::{Publish, Request};
        check(
            "#!::r=live/show,m=publish,token=a.b.c",
            Publish,
            "show",
            Some("a.b.c"),
        );
        check("#!::m=publish,r=show", Publish, "show", None);
        check("#!::r=/live/show", Request, "show", None);
        check(
            "#!::h=host,r=show,s=abc,m=request",
            Request,
            "show",
            Some("abc"),
        );
        check(
            "#!::r=live/show?token=t,m=publish",
            Publish,
            "show",
            Some("t"),
        );
        check("publish:show", Publish, "show", None);
        check("publish:live/show:abc", Publish, "show", Some("abc"));
        check("publish:show:user:pass", Publish, "show", Some("pass"));
        check("read:show?token=t", Request, "show", Some("t"));
        check("live/show", Request, "show", None);
        check("publish", Request, "publish", None);
        check(
            "%23%21%3A%3Ar%3Dlive%2Fshow%2Cm%3Dpublish",
            Publish,
            "show",
            None,
        );
        check("100%", Request, "100%", None);
    }

    #[test]
    fn unclear() {
        for text in ["", "#!::", "#!::m=publish", "publish:", "live/", "?token=a"] {
            assert_eq!(StreamId::parse(text), Err(Unclear::NoRoom), "{text}");
        }
        assert_eq!(StreamId::parse("#!::r=a,m=both"), Err(Unclear::Mode));
    }
}
