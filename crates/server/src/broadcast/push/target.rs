//! Where a push goes.

/// An address that nothing can be pushed to.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address to push to: rtmp://HOST[:PORT]/APP/KEY and rtmps://… are")]
pub struct Unusable(String);

/// An RTMP server, and the stream's name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Application: all parts of the path but the last.
    pub(super) app: String,
    /// The last part, with the query.
    pub(super) key: String,
}

impl Target {
    pub(super) fn parse(url: &str) -> Result<Self, Unusable> {
        let target = Self::read(url);
        // What stands there may be a key: only what comes before it is repeated.
        target.ok_or_else(|| Unusable(url.chars().take(32).collect::<String>() + "…"))
    }

    fn read(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let tls = match scheme {
            "rtmp" => false,
            "rtmps" => true,
            _ => return None,
        };
        let (authority, path) = rest.split_once('/')?;
        // Names and passwords are of schemes that we do not speak.
        if authority.contains('@') {
            return None;
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (authority, if tls { 443 } else { 1935 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let (path, query) = path
            .split_once('?')
            .map_or((path, None), |(p, q)| (p, Some(q)));
        let (app, key) = path.rsplit_once('/')?;
        if host.is_empty() || app.is_empty() || key.is_empty() {
            return None;
        }
        Some(Self {
            tls,
            host: host.to_owned(),
            port,
            app: app.to_owned(),
            key: query.map_or_else(|| key.to_owned(), |query| format!("{key}?{query}")),
        })
    }

    /// As the server is told it (`tcUrl`).
    pub(super) fn tc_url(&self) -> String {
        let scheme = if self.tls { "rtmps" } else { "rtmp" };
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        format!("{scheme}://{host}:{}/{}", self.port, self.app)
    }

    /// Without the key.
    pub(super) fn shown(&self) -> String {
        format!("{}/…", self.tc_url())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_and_the_query_are_the_key() {
        let target = Target::parse("rtmp://a.example/live2/x/abc-def?auth=1").expect("a target");
        assert_eq!(
            (target.app.as_str(), target.key.as_str()),
            ("live2/x", "abc-def?auth=1")
        );
        assert_eq!(target.tc_url(), "rtmp://a.example:1935/live2/x");
        assert_eq!(target.shown(), "rtmp://a.example:1935/live2/x/…");
        let secure = Target::parse("rtmps://[2001:db8::1]/rtmp/k").expect("a target");
        assert_eq!((secure.host.as_str(), secure.port), ("2001:db8::1", 443));
        let with_port = Target::parse("rtmps://[2001:db8::1]:444/rtmp/k").expect("a target");
        assert_eq!(with_port.tc_url(), "rtmps://[2001:db8::1]:444/rtmp");
    }

    #[test]
    fn other_addresses_are_none() {
        for url in [
            "http://a/b/c",
            "rtmp://a",
            "rtmp://a/b",
            "rtmp:///a/b",
            "rtmp://u:p@a/b/c",
            "rtmp://a:x/b/c",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
