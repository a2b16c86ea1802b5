//! What a client publishes: announced, agreed to, offered, sent.

use std::time::{Duration, Instant};

use livekit_protocol::{
    AddTrackRequest, SimulcastCodec, TrackSource, TrackType, VideoLayer, VideoQuality,
};
use str0m::Rtc;
use str0m::change::SdpApi;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid, Pt, Rid, Simulcast, SimulcastLayer};
use str0m::rtp::{ExtensionValues, RtpWrite, Ssrc};

use super::Config;
use crate::source::{Audio, Clock, Encoding, Packet, Video};

/// LiveKit's clients wait so long for `track_published`.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(10);

/// One track to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publish {
    /// Opus-shaped.
    Audio,
    /// Opus-shaped; silence is not sent (DTX).
    Speech,
    /// VP8-shaped, in one or more encodings, lowest first.
    Video(Vec<Encoding>),
}

#[derive(Debug)]
pub(super) struct Publication {
    what: Publish,
    cid: String,
    first_source: u32,
    state: State,
    streams: Vec<Stream>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Announced(Instant),
    Agreed,
    Offered(Mid),
    Live(Mid),
    Failed,
}

/// One encoding that is being sent.
#[derive(Debug)]
struct Stream {
    ssrc: Ssrc,
    pt: Pt,
    rid: Option<Rid>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Audio(Audio),
    Video(Video),
}

/// The publications of a configuration, each with source numbers of its own.
pub(super) fn all(config: &Config) -> Vec<Publication> {
    let mut next = config.first_source;
    let make = |(index, what): (usize, &Publish)| {
        let first_source = next;
        next = next.wrapping_add(u32::try_from(what.encodings()).unwrap_or(1));
        Publication {
            cid: format!("{}-{index}-{first_source}", what.name()),
            what: what.clone(),
            first_source,
            state: State::New,
            streams: Vec::new(),
        }
    };
    config.publish.iter().enumerate().map(make).collect()
}

impl Publish {
    /// Encodings, and so source numbers, that the track needs.
    #[must_use]
    pub const fn encodings(&self) -> usize {
        match self {
            Self::Audio | Self::Speech => 1,
            Self::Video(encodings) => encodings.len(),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Audio | Self::Speech => "audio",
            Self::Video(_) => "video",
        }
    }
}

impl Publication {
    pub(super) fn cid(&self) -> &str {
        &self.cid
    }

    /// The announcement, once.
    pub(super) fn announce(&mut self, now: Instant) -> Option<AddTrackRequest> {
        if self.state != State::New {
            return None;
        }
        self.state = State::Announced(now);
        let mut request = AddTrackRequest {
            cid: self.cid.clone(),
            name: self.what.name().to_owned(),
            disable_red: true,
            stream: "load".to_owned(),
            ..AddTrackRequest::default()
        };
        match &self.what {
            Publish::Audio | Publish::Speech => {
                request.r#type = TrackType::Audio.into();
                request.source = TrackSource::Microphone.into();
            }
            Publish::Video(encodings) => describe_video(&mut request, encodings),
        }
        Some(request)
    }

    pub(super) fn agree(&mut self) {
        if matches!(self.state, State::Announced(_)) {
            self.state = State::Agreed;
        }
    }

    pub(super) fn refuse(&mut self) {
        self.state = State::Failed;
        self.streams.clear();
    }

    pub(super) const fn is_announced(&self) -> bool {
        matches!(self.state, State::Announced(_))
    }

    /// Nothing more is to be negotiated.
    pub(super) const fn is_settled(&self) -> bool {
        matches!(self.state, State::Live(_) | State::Failed)
    }

    pub(super) fn overdue_at(&self) -> Option<Instant> {
        match self.state {
            State::Announced(at) => Some(at + PUBLISH_TIMEOUT),
            _ => None,
        }
    }

    /// Puts the section into the offer, if it is agreed to.
    pub(super) fn offer(&mut self, api: &mut SdpApi<'_>) {
        if self.state != State::Agreed {
            return;
        }
        let (kind, simulcast) = match &self.what {
            Publish::Audio | Publish::Speech => (MediaKind::Audio, None),
            Publish::Video(encodings) => (MediaKind::Video, simulcast(encodings)),
        };
        let (stream, track) = ("load".to_owned(), self.cid.clone());
        let mid = api.add_media(
            kind,
            Direction::SendOnly,
            Some(stream),
            Some(track),
            simulcast,
        );
        self.state = State::Offered(mid);
    }

    /// After an answer: begins to send if the server takes the section.
    pub(super) fn begin(
        &mut self,
        rtc: &mut Rtc,
        clock: Clock,
        rng: &mut fastrand::Rng,
    ) -> Result<(), String> {
        let State::Offered(mid) = self.state else {
            return Ok(());
        };
        let pt = self.payload_type(rtc, mid)?;
        for (index, source) in self.sources(clock, rng).into_iter().enumerate() {
            let rid = self.rid(index);
            let mut direct = rtc.direct_api();
            let stream = direct
                .stream_tx_by_mid(mid, rid)
                .ok_or_else(|| format!("no stream for section {mid}, encoding {rid:?}"))?;
            self.streams.push(Stream {
                ssrc: stream.ssrc(),
                pt,
                rid,
                source,
            });
        }
        self.state = State::Live(mid);
        Ok(())
    }

    pub(super) fn request_keyframe(&mut self, mid: Mid, rid: Option<Rid>) {
        if self.state != State::Live(mid) {
            return;
        }
        for stream in &mut self.streams {
            let asked = rid.is_none() || stream.rid == rid;
            if let (true, Source::Video(video)) = (asked, &mut stream.source) {
                video.request_keyframe();
            }
        }
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.streams.iter().map(|s| s.source.next_due()).min()
    }

    pub(super) fn sent(&self) -> u64 {
        self.streams.iter().map(|s| s.source.sent()).sum()
    }

    /// The next packet that is due, and where it goes.
    pub(super) fn poll(&mut self, now: Instant) -> Option<(Ssrc, RtpWrite)> {
        for stream in &mut self.streams {
            let Some(packet) = stream.source.poll(now) else {
                continue;
            };
            let nackable = matches!(stream.source, Source::Video(_));
            let write = write(stream.pt, packet, now).nackable(nackable);
            return Some((stream.ssrc, write));
        }
        None
    }

    fn payload_type(&self, rtc: &Rtc, mid: Mid) -> Result<Pt, String> {
        let media = rtc.media(mid).ok_or("the answer lacks the section")?;
        if !media.direction().is_sending() {
            return Err(format!("the server answered {:?}", media.direction()));
        }
        let codec = match self.what {
            Publish::Audio | Publish::Speech => Codec::Opus,
            Publish::Video(_) => Codec::Vp8,
        };
        let mut params = rtc.codec_config().iter();
        params
            .find(|p| p.spec().codec == codec && media.remote_pts().contains(&p.pt()))
            .map(|p| p.pt())
            .ok_or_else(|| format!("the server took no {codec:?}"))
    }

    fn sources(&self, clock: Clock, rng: &mut fastrand::Rng) -> Vec<Source> {
        match &self.what {
            Publish::Audio => vec![Source::Audio(Audio::new(self.first_source, clock, rng))],
            Publish::Speech => {
                let audio = Audio::new(self.first_source, clock, rng).with_dtx();
                vec![Source::Audio(audio)]
            }
            Publish::Video(encodings) => (self.first_source..)
                .zip(encodings)
                .map(|(source, encoding)| Source::Video(Video::new(source, *encoding, clock, rng)))
                .collect(),
        }
    }

    fn rid(&self, index: usize) -> Option<Rid> {
        let Publish::Video(encodings) = &self.what else {
            return None;
        };
        encodings.get(index)?.rid.map(Rid::from)
    }
}

impl Source {
    fn next_due(&self) -> Instant {
        match self {
            Self::Audio(audio) => audio.next_due(),
            Self::Video(video) => video.next_due(),
        }
    }

    const fn sent(&self) -> u64 {
        match self {
            Self::Audio(audio) => audio.sent(),
            Self::Video(video) => video.sent(),
        }
    }

    fn poll(&mut self, now: Instant) -> Option<Packet> {
        match self {
            Self::Audio(audio) => audio.poll(now),
            Self::Video(video) => video.poll(now),
        }
    }
}

fn write(pt: Pt, packet: Packet, now: Instant) -> RtpWrite {
    let (level, voice) = packet.level.unzip();
    RtpWrite::new(pt, packet.seq.into(), packet.timestamp, now, packet.payload)
        .marker(packet.marker)
        .ext_vals(ExtensionValues {
            audio_level: level,
            voice_activity: voice,
            ..ExtensionValues::default()
        })
}

fn simulcast(encodings: &[Encoding]) -> Option<Simulcast> {
    let rids: Vec<_> = encodings.iter().filter_map(|e| e.rid).collect();
    if rids.is_empty() {
        return None;
    }
    let mut simulcast = Simulcast::new();
    for rid in rids {
        simulcast.add_send_layer(SimulcastLayer::new(rid));
    }
    Some(simulcast)
}

fn describe_video(request: &mut AddTrackRequest, encodings: &[Encoding]) {
    request.r#type = TrackType::Video.into();
    request.source = TrackSource::Camera.into();
    if let Some(largest) = encodings.last() {
        request.width = largest.width.into();
        request.height = largest.height.into();
    }
    request.layers = layers(encodings);
    request.simulcast_codecs = vec![SimulcastCodec {
        codec: "vp8".to_owned(),
        cid: request.cid.clone(),
        layers: request.layers.clone(),
        ..SimulcastCodec::default()
    }];
}

/// The highest encoding is HIGH, the others count down from there.
fn layers(encodings: &[Encoding]) -> Vec<VideoLayer> {
    let qualities = [VideoQuality::High, VideoQuality::Medium, VideoQuality::Low];
    let mut layers: Vec<_> = encodings
        .iter()
        .rev()
        .zip(qualities)
        .map(|(encoding, quality)| VideoLayer {
            quality: quality.into(),
            width: encoding.width.into(),
            height: encoding.height.into(),
            bitrate: encoding.bitrate,
            rid: encoding.rid.unwrap_or_default().to_owned(),
            ..VideoLayer::default()
        })
        .collect();
    layers.reverse();
    for (index, layer) in (0..).zip(&mut layers) {
        layer.spatial_layer = index;
    }
    layers
}
