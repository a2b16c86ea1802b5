//! Which stream a client means.

/// What application and stream name say together.
///
/// People put the room and the token where their program has a field for it, so
/// all of these mean the same:
///
/// | server | stream key |
/// |---|---|
/// | `rtmp://HOST/live` | `ROOM?token=T` |
/// | `rtmp://HOST/live/ROOM?token=T` | empty |
/// | `rtmp://HOST/live?token=T` | `ROOM` |
/// | `rtmp://HOST/live/ROOM` | `?token=T` |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamPath {
    /// The application's first part, `live`.
    pub app: String,
    /// What is left of both, without empty parts, percent-decoded; empty where
    /// nothing is.
    pub name: String,
    /// Names and values of both query strings, decoded, the stream name's first.
    pub query: Vec<(String, String)>,
}

/// Parts of a query that are kept: nobody has more.
const MAX_QUERY: usize = 32;

impl StreamPath {
    /// Of a `connect`'s application and a stream name.
    #[must_use]
    pub fn parse(app: &str, stream: &str) -> Self {
        let (app, app_query) = split(app);
        let (stream, stream_query) = split(stream);
        let mut parts = app.split('/').filter(|part| !part.is_empty());
        let app = percent_decode(parts.next().unwrap_or(""));
        let rest = parts.chain(stream.split('/').filter(|part| !part.is_empty()));
        let name: Vec<String> = rest.map(percent_decode).collect();
        let queries = stream_query.split('&').chain(app_query.split('&'));
        let query = queries.filter(|part| !part.is_empty()).take(MAX_QUERY);
        Self {
            app,
            name: name.join("/"),
            query: query.map(pair).collect(),
        }
    }

    /// The first value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

fn pair(part: &str) -> (String, String) {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    (percent_decode(name), percent_decode(value))
}

/// `%41` to `A`; what is no such thing stays as it is.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = (byte == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        let code = code.filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
