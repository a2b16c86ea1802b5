//! Where a stream is fetched from.

use std::path::{Path, PathBuf};

use surecast_wire::srt::Passphrase;

use super::super::address_guard::AddressGuard;
use super::{Input, ffmpeg, srt};

/// Why a URL cannot be fetched from, in words for who wrote it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Another scheme.
    #[error("`{0}` is no URL that can be pulled: http, https, rtmp, srt and file are")]
    Scheme(String),
    /// Something between scheme and path.
    #[error("the URL has no host, or a port that is no number")]
    Host,
    /// SRT's own rule.
    #[error("an SRT passphrase has 10 to 79 bytes")]
    Passphrase,
    /// SRT's parameters.
    #[error("`{0}` is not a number of milliseconds up to 30000")]
    Latency(String),
    /// Files are not offered.
    #[error(
        "files are not pulled here: the operator can name a directory with `broadcast.pull_files`"
    )]
    NoFiles,
    /// A path that leads elsewhere, or nowhere.
    #[error("there is no file `{0}` in the directory `broadcast.pull_files`")]
    NoFile(String),
}

/// A URL, understood.
#[derive(Clone, Debug)]
pub(super) struct Source {
    scheme: Scheme,
    url: String,
    host: String,
    port: u16,
    /// From the slash on.
    path: String,
}

#[derive(Clone, Debug)]
enum Scheme {
    Http,
    Rtmp,
    Srt(srt::Options),
    File(PathBuf),
}

impl Source {
    pub(super) fn parse(url: &str, files: &Path) -> Result<Self, Unusable> {
        let scheme_error =
            || Unusable::Scheme(url.split(':').next().unwrap_or_default().to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(scheme_error)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme == "file" {
            return Self::file(url, rest, files);
        }
        let (kind, default_port) = match scheme.as_str() {
            "http" => (Scheme::Http, Some(80)),
            "https" => (Scheme::Http, Some(443)),
            "rtmp" => (Scheme::Rtmp, Some(1935)),
            "srt" => (Scheme::Srt(srt::Options::default()), None),
            _ => return Err(scheme_error()),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = host_and_port(authority, default_port)?;
        let scheme = match kind {
            Scheme::Srt(_) => Scheme::Srt(srt_options(path)?),
            other => other,
        };
        Ok(Self {
            scheme,
            url: url.to_owned(),
            host,
            port,
            path: path.to_owned(),
        })
    }

    fn file(url: &str, path: &str, files: &Path) -> Result<Self, Unusable> {
        if files.as_os_str().is_empty() {
            return Err(Unusable::NoFiles);
        }
        let name = path.trim_start_matches('/');
        let missing = || Unusable::NoFile(name.to_owned());
        let directory = files.canonicalize().map_err(|_| missing())?;
        // What links and dots lead to counts.
        let file = directory.join(name).canonicalize().map_err(|_| missing())?;
        if !file.starts_with(&directory) || !file.is_file() {
            return Err(missing());
        }
        Ok(Self {
            scheme: Scheme::File(file),
            url: url.to_owned(),
            host: String::new(),
            port: 0,
            path: path.to_owned(),
        })
    }

    /// What will be connected to.
    pub(super) fn host(&self) -> Option<(&str, u16)> {
        (!self.host.is_empty()).then_some((self.host.as_str(), self.port))
    }

    /// Without what may be a secret.
    pub(super) fn shown(&self) -> String {
        let scheme = self.url.split("://").next().unwrap_or_default();
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        match self.scheme {
            Scheme::File(_) => format!("{scheme}://{path}"),
            // The last part of an RTMP path is the stream key.
            Scheme::Rtmp => format!("{scheme}://{}:{}/…", self.host, self.port),
            _ => format!("{scheme}://{}:{}{path}", self.host, self.port),
        }
    }

    pub(super) async fn open(&self, guard: AddressGuard, program: &Path) -> Result<Input, String> {
        match &self.scheme {
            Scheme::File(path) => ffmpeg::file(program, path),
            Scheme::Http => {
                let address = guard.resolve(&self.host, self.port).await;
                let address = address.map_err(|refused| refused.to_string())?;
                ffmpeg::http(program, &self.url, address, guard).await
            }
            Scheme::Rtmp => {
                let address = guard.resolve(&self.host, self.port).await;
                let address = address.map_err(|refused| refused.to_string())?;
                ffmpeg::rtmp(program, address, &self.host, &self.path)
            }
            Scheme::Srt(options) => {
                let address = guard.resolve(&self.host, self.port).await;
                let address = address.map_err(|refused| refused.to_string())?;
                srt::open(address, options).await
            }
        }
    }
}

/// `user:password@` is passed over; IPv6 stands in brackets.
fn host_and_port(authority: &str, default_port: Option<u16>) -> Result<(String, u16), Unusable> {
    let place = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or(Unusable::Host)?;
            (host, after.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().map_err(|_| Unusable::Host)?,
        None => default_port.ok_or(Unusable::Host)?,
    };
    if host.is_empty() {
        return Err(Unusable::Host);
    }
    Ok((host.to_owned(), port))
}

/// `streamid`, `passphrase` and `latency` (milliseconds), as libsrt's programs
/// name them; others are passed over.
fn srt_options(path: &str) -> Result<srt::Options, Unusable> {
    let mut options = srt::Options::default();
    let query = path.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('&') {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "streamid" => options.stream_id = decoded(value),
            "passphrase" => {
                options.passphrase =
                    Some(Passphrase::new(decoded(value)).ok_or(Unusable::Passphrase)?);
            }
            "latency" => {
                let ms = value.parse().ok().filter(|ms| *ms <= 30_000);
                options.latency_ms = ms.ok_or_else(|| Unusable::Latency(value.to_owned()))?;
            }
            _ => {}
        }
    }
    Ok(options)
}

/// Percent-decoded, where it is encoded as it should be.
fn decoded(text: &str) -> String {
    let decode = || {
        let mut pieces = text.split('%');
        let mut bytes = pieces.next()?.as_bytes().to_vec();
        for piece in pieces {
            let (code, rest) = piece.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(code, 16).ok()?);
            bytes.extend(rest.as_bytes());
        }
        String::from_utf8(bytes).ok()
    };
    decode().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Source, Unusable> {
        Source::parse(url, Path::new(""))
    }

    #[track_caller]
    fn check(url: &str, host: &str, port: u16, shown: &str) {
        let source = parse(url).unwrap();
        assert_eq!(source.host(), Some((host, port)));
        assert_eq!(source.shown(), shown);
    }

    #[test]
    fn urls() {
        check(
            "https://cdn.example/a/b.m3u8?key=1",
            "cdn.example",
            443,
            "https://cdn.example:443/a/b.m3u8",
        );
        check(
            "http://user:pw@h.example:81",
            "h.example",
            81,
            "http://h.example:81",
        );
        check(
            "http://[2001:db8::1]/x",
            "2001:db8::1",
            80,
            "http://2001:db8::1:80/x",
        );
        check(
            "rtmp://h.example/live/key",
            "h.example",
            1935,
            "rtmp://h.example:1935/…",
        );
        check(
            "srt://h.example:9000?streamid=#!::r=a,m=request&latency=200",
            "h.example",
            9000,
            "srt://h.example:9000",
        );
    }

    #[test]
    fn parameters_of_srt() {
        let source =
            parse("srt://h:1?streamid=%23!::r%3Da&latency=300&passphrase=0123456789").unwrap();
        let Scheme::Srt(options) = source.scheme else {
            panic!("another scheme");
        };
        assert_eq!(
            (options.stream_id.as_str(), options.latency_ms),
            ("#!::r=a", 300)
        );
        assert!(options.passphrase.is_some());
    }

    #[test]
    fn unusable() {
        let words = |url: &str| parse(url).unwrap_err().to_string();
        assert!(words("ftp://a/b").contains("`ftp` is no URL"));
        assert!(words("/etc/passwd").contains("no URL"));
        assert!(words("concat:a|b").contains("`concat`"));
        assert_eq!(parse("http://").unwrap_err(), Unusable::Host);
        assert_eq!(parse("srt://host").unwrap_err(), Unusable::Host);
        assert_eq!(parse("http://h:99999/").unwrap_err(), Unusable::Host);
        assert_eq!(
            parse("srt://h:1?passphrase=short").unwrap_err(),
            Unusable::Passphrase
        );
        assert_eq!(parse("file:///etc/passwd").unwrap_err(), Unusable::NoFiles);
    }

    #[test]
    fn files_stay_in_their_directory() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("loop.mp4"), "x").unwrap();
        assert!(Source::parse("file:///loop.mp4", directory.path()).is_ok());
        for url in [
            "file:///../etc/passwd",
            "file:////etc/passwd",
            "file:///none.mp4",
            "file:///",
        ] {
            assert!(Source::parse(url, directory.path()).is_err(), "{url}");
        }
    }
}
