//! Plays low-latency HLS as a player does, and lets the checker see all of it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use surecast_wire::hls::PlaylistRequest;
use surecast_wire::hls::check::{Checker, Listing};
use tokio::time::Instant;

use crate::webhook::post::connector;

/// A segment of ten seconds at 50 Mbps.
const MAX_BYTES: usize = 64 << 20;

/// Longer than any request may be held: three target durations of 10 s.
const PATIENCE: Duration = Duration::from_secs(40);

/// What was found.
pub struct Report {
    /// For people.
    pub text: String,
    /// How much is wrong.
    pub faults: usize,
}

/// Plays all renditions of a stream for so long.
///
/// # Errors
/// The multivariant playlist cannot be fetched.
pub async fn run(url: &str, seconds: u64) -> anyhow::Result<Report> {
    let http = Http::new()?;
    let text = http.text(url).await?;
    let mut playlists: Vec<String> = Vec::new();
    for line in text.lines() {
        let uri = match line.strip_prefix("#EXT-X-MEDIA:") {
            Some(media) => media
                .split("URI=\"")
                .nth(1)
                .and_then(|it| it.split('"').next()),
            None => Some(line).filter(|line| !line.is_empty() && !line.starts_with('#')),
        };
        if let Some(uri) = uri {
            playlists.push(join(url, uri));
        }
    }
    if playlists.is_empty() {
        bail!("{url} names no playlists");
    }
    let until = Instant::now() + Duration::from_secs(seconds);
    let players: Vec<_> = playlists
        .into_iter()
        .map(|url| {
            let player = Player {
                http: http.clone(),
                url,
                checker: Checker::default(),
                fetched: HashSet::new(),
                count: Count::default(),
            };
            tokio::spawn(player.play(until))
        })
        .collect();
    let mut report = Report {
        text: String::new(),
        faults: 0,
    };
    for player in players {
        let (url, count, faults) = player.await.context("a player ended badly")?;
        let name = url.split('?').next().unwrap_or(&url);
        let _ = writeln!(
            report.text,
            "{name}: {} playlists, {} parts, {} segments, {} faults",
            count.playlists,
            count.parts,
            count.segments,
            faults.len()
        );
        for fault in &faults {
            let _ = writeln!(report.text, "  {fault}");
        }
        report.faults += faults.len();
    }
    Ok(report)
}

#[derive(Default)]
struct Count {
    playlists: usize,
    parts: usize,
    segments: usize,
}

struct Player {
    http: Http,
    url: String,
    checker: Checker,
    fetched: HashSet<String>,
    count: Count,
}

impl Player {
    async fn play(mut self, until: Instant) -> (String, Count, Vec<String>) {
        let mut faults = Vec::new();
        if let Err(error) = self.follow(until).await {
            faults.push(format!("{error:#}"));
        }
        faults.extend(self.checker.finish());
        (self.url, self.count, faults)
    }

    async fn follow(&mut self, until: Instant) -> anyhow::Result<()> {
        let mut request = PlaylistRequest::default();
        while Instant::now() < until {
            let text = self.http.text(&self.address(request)).await?;
            self.count.playlists += 1;
            self.checker.playlist(request, &text);
            let listing = Listing::parse(&text).map_err(anyhow::Error::msg)?;
            if self.count.playlists == 1 {
                self.far_future(&listing).await?;
            }
            if self.count.playlists.is_multiple_of(5) {
                self.update(request, &text, &listing).await?;
            }
            self.media(&listing).await?;
            if listing.ended {
                return Ok(());
            }
            request = next(&listing);
        }
        Ok(())
    }

    fn address(&self, request: PlaylistRequest) -> String {
        let mut address = self.url.clone();
        let mut add = |name: &str, value: &str| {
            let mark = if address.contains('?') { '&' } else { '?' };
            let _ = write!(address, "{mark}{name}={value}");
        };
        if let Some(msn) = request.msn {
            add("_HLS_msn", &msn.to_string());
        }
        if let Some(part) = request.part {
            add("_HLS_part", &part.to_string());
        }
        if request.skip {
            add("_HLS_skip", "YES");
        }
        address
    }

    /// A segment that is far away is refused, not waited for.
    async fn far_future(&self, listing: &Listing) -> anyhow::Result<()> {
        let request = PlaylistRequest {
            msn: listing.segments.last().map(|last| last.msn + 1000),
            ..PlaylistRequest::default()
        };
        let (status, _) = self.http.get(&self.address(request)).await?;
        if status != 400 {
            bail!("a request for a segment in the far future is answered with {status}, not 400");
        }
        Ok(())
    }

    /// An update, compared if nothing came in between.
    async fn update(
        &mut self,
        request: PlaylistRequest,
        whole: &str,
        listing: &Listing,
    ) -> anyhow::Result<()> {
        let request = PlaylistRequest {
            skip: true,
            ..request
        };
        let update = self.http.text(&self.address(request)).await?;
        if Listing::parse(&update).is_ok_and(|it| it.hint == listing.hint) {
            self.checker.update(whole, &update);
        }
        Ok(())
    }

    async fn media(&mut self, listing: &Listing) -> anyhow::Result<()> {
        for segment in &listing.segments {
            // As players do: not all that is listed, but from near the end on.
            if segment.parts.is_empty() {
                continue;
            }
            if let Some(map) = &segment.map
                && self.fetched.insert(map.clone())
            {
                let bytes = self.http.bytes(&join(&self.url, map)).await?;
                self.checker.init(map, &bytes);
            }
            for part in &segment.parts {
                if self.fetched.insert(part.uri.clone()) {
                    let bytes = self.http.bytes(&join(&self.url, &part.uri)).await?;
                    self.checker.part(&part.uri, &bytes);
                    self.count.parts += 1;
                }
            }
            if segment.finished() && self.fetched.insert(segment.uri.clone()) {
                let bytes = self.http.bytes(&join(&self.url, &segment.uri)).await?;
                self.checker.segment(&segment.uri, &bytes);
                self.count.segments += 1;
            }
        }
        Ok(())
    }
}

/// The playlist after this one.
fn next(listing: &Listing) -> PlaylistRequest {
    let last = listing.segments.last();
    let growing = last.filter(|last| !last.finished());
    PlaylistRequest {
        msn: Some(match growing {
            Some(last) => last.msn,
            None => last.map_or(listing.msn, |last| last.msn + 1),
        }),
        part: Some(growing.map_or(0, |last| last.parts.len() as u64)),
        skip: false,
    }
}

/// An address in a playlist, made absolute (RFC 3986 §5.2, without dot segments).
fn join(base: &str, uri: &str) -> String {
    if uri.contains("://") {
        return uri.to_owned();
    }
    let base = base.split('?').next().unwrap_or(base);
    let authority = base.find("://").map_or(0, |at| at + 3);
    let path = base[authority..]
        .find('/')
        .map_or(base.len(), |at| authority + at);
    if uri.starts_with('/') {
        return format!("{}{uri}", &base[..path]);
    }
    let folder = base
        .rfind('/')
        .filter(|at| *at >= path)
        .unwrap_or(base.len());
    format!("{}/{uri}", &base[..folder])
}

/// A client. Cheap to clone.
#[derive(Clone)]
struct Http(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl Http {
    fn new() -> anyhow::Result<Self> {
        let connector = connector()?;
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    async fn get(&self, url: &str) -> anyhow::Result<(u16, Bytes)> {
        let uri = url
            .parse()
            .with_context(|| format!("{url} is no address"))?;
        let fetch = async {
            let response = self.0.get(uri).await?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), MAX_BYTES)
                .collect()
                .await;
            let body = body.map_err(|error| anyhow::anyhow!("{error}"))?;
            anyhow::Ok((status, body.to_bytes()))
        };
        tokio::time::timeout(PATIENCE, fetch)
            .await
            .with_context(|| format!("{url} did not answer within {PATIENCE:?}"))?
            .with_context(|| format!("cannot fetch {url}"))
    }

    async fn bytes(&self, url: &str) -> anyhow::Result<Bytes> {
        match self.get(url).await? {
            (200, bytes) => Ok(bytes),
            (status, bytes) => {
                let words = String::from_utf8_lossy(&bytes);
                bail!("{url} is answered with {status}: {}", words.trim())
            }
        }
    }

    async fn text(&self, url: &str) -> anyhow::Result<String> {
        let bytes = self.bytes(url).await?;
        String::from_utf8(bytes.to_vec()).with_context(|| format!("{url} is no text"))
    }
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn addresses_are_joined() {
        let base = "http://host:1/hls/room/index.m3u8?token=a/b";
        assert_eq!(
            join(base, "video.m3u8?x=1"),
            "http://host:1/hls/room/video.m3u8?x=1"
        );
        assert_eq!(join(base, "/other"), "http://host:1/other");
        assert_eq!(join(base, "https://cdn/x"), "https://cdn/x");
        assert_eq!(join("http://host", "x"), "http://host/x");
    }
}
