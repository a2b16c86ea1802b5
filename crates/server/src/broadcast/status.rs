//! How an incoming stream is doing: what the "go live" page shows.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use surecast_media::control::Kind;
use surecast_media::frame::{Format, Frame, Shape, TrackNumber};

use super::Protocol;

/// Rates are those of the last so many microseconds.
const WINDOW: i64 = 5_000_000;

/// Frames remembered per track: the window at 240 frames a second, and any
/// codec's packets of sound.
const MAX_FRAMES: usize = 1500;

/// A stream's state, from its encoder's connection.
pub struct Gauge {
    protocol: Protocol,
    from: SocketAddr,
    identity: String,
    /// µs since the Unix epoch.
    since: i64,
    tracks: Mutex<BTreeMap<TrackNumber, Track>>,
}

struct Track {
    codec: &'static str,
    kind: Kind,
    shape: Shape,
    /// When each frame came (µs), its decoding time, and its bytes.
    frames: VecDeque<(i64, i64, usize)>,
    /// Of the first frame: when it came, and its decoding time.
    first: Option<(i64, i64)>,
    last_key: Option<i64>,
    /// Between the last two keyframes, µs.
    group: Option<i64>,
    total: u64,
    not_in_room: Option<String>,
}

/// As the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Incoming {
    /// `rtmp`, `srt` …
    pub protocol: Protocol,
    /// The encoder's address.
    pub from: String,
    /// Identity in the room.
    pub identity: String,
    /// Seconds since it came.
    pub seconds: i64,
    /// Its tracks.
    pub tracks: Vec<IncomingTrack>,
}

/// One track of it.
#[derive(Clone, Debug, Serialize)]
pub struct IncomingTrack {
    /// Its number.
    pub number: u8,
    /// `video` or `audio`.
    pub kind: &'static str,
    /// H.264, AAC …
    pub codec: &'static str,
    /// Pixels; 0 for sound.
    pub width: u32,
    /// Pixels; 0 for sound.
    pub height: u32,
    /// Samples a second; 0 for video.
    pub rate: u32,
    /// Channels; 0 for video.
    pub channels: u8,
    /// Frames a second over the last seconds.
    pub fps: f64,
    /// Bits a second over the last seconds.
    pub bitrate: u64,
    /// Seconds between the last two keyframes; video only.
    pub group_seconds: Option<f64>,
    /// How much the encoder's clock is ahead of ours since it began, in
    /// milliseconds; negative where it delivers too little.
    pub drift_ms: Option<i64>,
    /// Frames so far.
    pub frames: u64,
    /// Why it cannot be seen or heard by WebRTC; absent where it can.
    pub not_in_room: Option<String>,
}

impl Gauge {
    /// Of an encoder that has come at `since` (µs since the Unix epoch).
    pub fn new(protocol: Protocol, from: SocketAddr, identity: &str, since: i64) -> Self {
        Self {
            protocol,
            from,
            identity: identity.to_owned(),
            since,
            tracks: Mutex::default(),
        }
    }

    pub(super) fn format(&self, number: TrackNumber, format: &Format) {
        let track = Track {
            codec: format.codec.name(),
            kind: format.codec.kind(),
            shape: format.shape,
            frames: VecDeque::new(),
            first: None,
            last_key: None,
            group: None,
            total: 0,
            not_in_room: None,
        };
        self.lock().insert(number, track);
    }

    pub(super) fn frame(&self, number: TrackNumber, frame: &Frame, now: i64) {
        let mut tracks = self.lock();
        let Some(track) = tracks.get_mut(&number) else {
            return;
        };
        track.total += 1;
        track.first.get_or_insert((now, frame.dts.0));
        track.frames.push_back((now, frame.dts.0, frame.data.len()));
        if track.frames.len() > MAX_FRAMES {
            track.frames.pop_front();
        }
        if frame.keyframe && track.kind == Kind::Video {
            let last = track.last_key.replace(frame.dts.0);
            track.group = last.map(|last| frame.dts.0 - last).or(track.group);
        }
    }

    pub(super) fn in_room(&self, number: TrackNumber, barrier: Option<String>) {
        if let Some(track) = self.lock().get_mut(&number) {
            track.not_in_room = barrier;
        }
    }

    /// As of `now` (µs since the Unix epoch).
    pub fn read(&self, now: i64) -> Incoming {
        let tracks = self.lock();
        let tracks = tracks
            .iter()
            .map(|(number, track)| track.read(*number, now));
        Incoming {
            protocol: self.protocol,
            from: self.from.to_string(),
            identity: self.identity.clone(),
            seconds: (now - self.since) / 1_000_000,
            tracks: tracks.collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TrackNumber, Track>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Track {
    #[expect(clippy::cast_precision_loss, reason = "shown to people")]
    fn read(&self, number: TrackNumber, now: i64) -> IncomingTrack {
        let recent = || self.frames.iter().filter(|(at, ..)| now - at <= WINDOW);
        let span = recent()
            .next()
            .map_or(0, |(at, ..)| now - at)
            .max(1_000_000);
        let count = recent().count() as f64;
        let bytes: usize = recent().map(|(_, _, bytes)| bytes).sum();
        let bits = (bytes as u64).saturating_mul(8_000_000) / span.unsigned_abs();
        let (width, height, rate, channels) = match self.shape {
            Shape::Video { width, height } => (width, height, 0, 0),
            Shape::Audio { rate, channels } => (0, 0, rate, channels),
        };
        let drift = self.first.zip(self.frames.back());
        let drift =
            drift.map(|((at, dts), (last_at, last, _))| ((last - dts) - (last_at - at)) / 1000);
        IncomingTrack {
            number: number.0,
            kind: match self.kind {
                Kind::Video => "video",
                Kind::Audio => "audio",
            },
            codec: self.codec,
            width,
            height,
            rate,
            channels,
            fps: (count * 1e7 / span as f64).round() / 10.0,
            bitrate: bits,
            group_seconds: self.group.map(|group| (group as f64 / 1e5).round() / 10.0),
            drift_ms: drift,
            frames: self.total,
            not_in_room: self.not_in_room.clone(),
        }
    }
}
