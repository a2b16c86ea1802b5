//! One publication, from its announcement on.

use std::collections::BTreeSet;

use surecast_media::control::{AnnouncedCodec, AnnouncedLayer, Announcement, Kind, Quality};
use surecast_media::id::TrackId;
use surecast_media::time::Now;

use crate::ids::ParticipantKey;
use crate::limits;
use crate::proto;
use crate::proto::video_layer::Mode;

pub(crate) struct Track {
    pub(crate) id: TrackId,
    pub(crate) publisher: ParticipantKey,
    /// The client's name for it.
    pub(crate) cid: String,
    pub(crate) info: proto::TrackInfo,
    /// An offer carried it: others may see and subscribe to it.
    pub(crate) bound: bool,
    /// A packet of it arrived.
    pub(crate) live: bool,
    /// The `track_published` event is out.
    pub(crate) reported: bool,
    /// The publisher knows that somebody received it.
    pub(crate) ever_subscribed: bool,
    pub(crate) subscribers: BTreeSet<ParticipantKey>,
    /// Somebody cannot receive the primary codec, and the publisher was asked
    /// to send a fallback.
    pub(crate) backup_asked: bool,
    pub(crate) demand: PublisherDemand,
}

/// What the publisher was told to send, and what it will be told.
#[derive(Clone, Copy, Default)]
pub(crate) struct PublisherDemand {
    /// `None`: nothing yet. `Some(None)`: nothing is wanted.
    pub(crate) told: Option<Option<Quality>>,
    pub(crate) wanted: Option<Quality>,
}

impl Track {
    pub(crate) fn kind(&self) -> Kind {
        match self.info.r#type() {
            proto::TrackType::Video => Kind::Video,
            _ => Kind::Audio,
        }
    }

    pub(crate) fn sid(&self) -> &str {
        &self.info.sid
    }

    /// For the forwarding engine.
    // `layers` of the track itself is deprecated in favour of those of its
    // codecs; old clients send nothing else.
    #[allow(deprecated)]
    pub(crate) fn announcement(&self) -> Announcement {
        let announced = |(index, codec): (usize, &proto::SimulcastCodecInfo)| {
            let cid = match (index, codec.cid.as_str()) {
                (0, "") => self.cid.clone(),
                // A fallback that is not sent yet has no name.
                (_, "") => return None,
                (_, cid) => cid.to_owned(),
            };
            let mime = codec.mime_type.clone();
            Some(AnnouncedCodec { cid, mime })
        };
        let codecs = self.info.codecs.iter().enumerate().filter_map(announced);
        let primary = self.info.codecs.first().map(|codec| &codec.layers);
        let layers = primary.filter(|layers| !layers.is_empty());
        Announcement {
            track: self.id,
            sid: self.info.sid.clone(),
            kind: self.kind(),
            codecs: codecs.collect(),
            layers: match self.kind() {
                Kind::Audio => Vec::new(),
                Kind::Video => announced_layers(layers.unwrap_or(&self.info.layers)),
            },
            disable_red: self.info.disable_red,
            stereo: self.has_feature(proto::AudioTrackFeature::TfStereo),
            dtx: !self.has_feature(proto::AudioTrackFeature::TfNoDtx),
            screen_share: self.info.source() == proto::TrackSource::ScreenShare,
        }
    }

    fn has_feature(&self, feature: proto::AudioTrackFeature) -> bool {
        self.info.audio_features.contains(&(feature as i32))
    }

    /// Updates the info after an offer carried the track.
    pub(crate) fn bind(&mut self, mid: String, mime: &str, now: Now) {
        if !mime.is_empty() {
            mime.clone_into(&mut self.info.mime_type);
        }
        if let Some(codec) = self.info.codecs.first_mut() {
            if codec.mime_type.is_empty() {
                mime.clone_into(&mut codec.mime_type);
            }
            codec.mid.clone_from(&mid);
        }
        self.info.mid = mid;
        self.bound = true;
        self.touch(now);
    }

    pub(crate) fn touch(&mut self, now: Now) {
        let ticks = self
            .info
            .version
            .as_ref()
            .map_or(0, |version| version.ticks);
        self.info.version = Some(proto::TimedVersion {
            unix_micro: i64::try_from(now.unix_ms * 1000).unwrap_or(i64::MAX),
            ticks: ticks.saturating_add(1),
        });
    }

    /// Takes over codecs that the client adds to a track it publishes already.
    pub(crate) fn add_codecs(
        &mut self,
        codecs: &[proto::SimulcastCodec],
        enabled: &[proto::Codec],
    ) {
        for codec in codecs {
            let codec = codec_info(codec, self.info.r#type(), &[], enabled);
            let codecs = &mut self.info.codecs;
            let is_same = |known: &proto::SimulcastCodecInfo| {
                known.mime_type.eq_ignore_ascii_case(&codec.mime_type)
            };
            match codecs.iter().position(is_same) {
                Some(at) => {
                    let mid = std::mem::take(&mut codecs[at].mid);
                    codecs[at] = proto::SimulcastCodecInfo { mid, ..codec };
                }
                None if codecs.len() < limits::CODECS_PER_TRACK => codecs.push(codec),
                None => {}
            }
        }
    }
}

/// What a client announced, as everybody is told of it.
// The deprecated fields are what older clients read.
#[allow(deprecated)]
pub(crate) fn track_info(
    request: &proto::AddTrackRequest,
    sid: String,
    enabled: &[proto::Codec],
) -> proto::TrackInfo {
    let layers = sorted_layers(&request.layers);
    let codecs = codec_infos(request, &layers, enabled);
    let mut info = proto::TrackInfo {
        sid,
        r#type: request.r#type,
        name: request.name.clone(),
        muted: request.muted,
        width: request.width,
        height: request.height,
        simulcast: !request.simulcast_codecs.is_empty() && is_simulcast(&codecs),
        disable_dtx: request.disable_dtx,
        source: request.source,
        layers,
        codecs,
        stereo: request.stereo,
        disable_red: request.disable_red,
        encryption: request.encryption,
        stream: stream_name(request),
        backup_codec_policy: backup_policy(request) as i32,
        audio_features: without_duplicates(&request.audio_features),
        packet_trailer_features: without_duplicates(&request.packet_trailer_features),
        ..Default::default()
    };
    add_feature(
        &mut info,
        request.stereo,
        proto::AudioTrackFeature::TfStereo,
    );
    add_feature(
        &mut info,
        request.disable_dtx,
        proto::AudioTrackFeature::TfNoDtx,
    );
    info
}

/// Several renditions, each a stream of its own.
fn is_simulcast(codecs: &[proto::SimulcastCodecInfo]) -> bool {
    codecs.first().is_some_and(|codec| {
        codec.video_layer_mode() != Mode::MultipleSpatialLayersPerStream && codec.layers.len() > 1
    })
}

/// Audio costs little: where it has two codecs, both may be sent.
fn backup_policy(request: &proto::AddTrackRequest) -> proto::BackupCodecPolicy {
    match request.backup_codec_policy() {
        proto::BackupCodecPolicy::Regression => proto::BackupCodecPolicy::Regression,
        _ if request.r#type() == proto::TrackType::Audio => proto::BackupCodecPolicy::Simulcast,
        policy => policy,
    }
}

/// LiveKit encodes kind and source in the id: `TR_VC…`.
pub(crate) fn sid_prefix(request: &proto::AddTrackRequest) -> &'static str {
    use proto::TrackSource as Source;
    match (request.r#type(), request.source()) {
        (proto::TrackType::Video, Source::Camera) => "TR_VC",
        (proto::TrackType::Video, Source::ScreenShare) => "TR_VS",
        (proto::TrackType::Video, _) => "TR_V",
        (_, Source::Microphone) => "TR_AM",
        (_, Source::ScreenShareAudio) => "TR_As",
        (..) => "TR_A",
    }
}

pub(crate) fn without_duplicates(values: &[i32]) -> Vec<i32> {
    let mut out = Vec::new();
    for value in values {
        // Bounds the list as well: only known values are kept.
        if *value >= 0 && *value < 64 && !out.contains(value) {
            out.push(*value);
        }
    }
    out
}

fn add_feature(info: &mut proto::TrackInfo, wanted: bool, feature: proto::AudioTrackFeature) {
    if wanted && !info.audio_features.contains(&(feature as i32)) {
        info.audio_features.push(feature as i32);
    }
}

/// Camera and microphone belong together, and so do a screen and its sound.
fn stream_name(request: &proto::AddTrackRequest) -> String {
    use proto::TrackSource as Source;
    if !request.stream.is_empty() {
        return request.stream.clone();
    }
    match request.source() {
        Source::Camera | Source::Microphone => "camera",
        Source::ScreenShare | Source::ScreenShareAudio => "screen",
        Source::Unknown => "unknown",
    }
    .to_owned()
}

fn codec_infos(
    request: &proto::AddTrackRequest,
    layers: &[proto::VideoLayer],
    enabled: &[proto::Codec],
) -> Vec<proto::SimulcastCodecInfo> {
    if request.simulcast_codecs.is_empty() {
        return vec![proto::SimulcastCodecInfo {
            cid: request.cid.clone(),
            layers: layers.to_vec(),
            video_layer_mode: Mode::OneSpatialLayerPerStream as i32,
            ..Default::default()
        }];
    }
    let mut infos: Vec<proto::SimulcastCodecInfo> = Vec::new();
    for codec in request
        .simulcast_codecs
        .iter()
        .take(limits::CODECS_PER_TRACK)
    {
        let info = codec_info(codec, request.r#type(), layers, enabled);
        if infos.iter().all(|known| known.mime_type != info.mime_type) {
            infos.push(info);
        }
    }
    infos
}

fn codec_info(
    codec: &proto::SimulcastCodec,
    kind: proto::TrackType,
    track_layers: &[proto::VideoLayer],
    enabled: &[proto::Codec],
) -> proto::SimulcastCodecInfo {
    let mime_type = usable_mime(&codec.codec, kind, enabled);
    let mode = match codec.video_layer_mode() {
        Mode::Unused if kind != proto::TrackType::Video => Mode::Unused,
        Mode::Unused if is_svc(&mime_type) => Mode::MultipleSpatialLayersPerStream,
        Mode::Unused => Mode::OneSpatialLayerPerStream,
        mode => mode,
    };
    let layers = sorted_layers(&codec.layers);
    proto::SimulcastCodecInfo {
        mime_type,
        cid: codec.cid.clone(),
        layers: if layers.is_empty() {
            track_layers.to_vec()
        } else {
            layers
        },
        video_layer_mode: mode as i32,
        ..Default::default()
    }
}

/// The MIME type of `codec`, or of one that everybody has where `codec` may not
/// be published here.
fn usable_mime(codec: &str, kind: proto::TrackType, enabled: &[proto::Codec]) -> String {
    let (prefix, fallback) = match kind {
        proto::TrackType::Video => ("video/", "video/VP8"),
        _ => ("audio/", "audio/opus"),
    };
    if codec.is_empty() {
        return String::new();
    }
    let starts = codec
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let mime = if starts {
        codec.to_owned()
    } else {
        format!("{prefix}{codec}")
    };
    let known = enabled
        .iter()
        .find(|known| known.mime.eq_ignore_ascii_case(&mime));
    match known {
        Some(known) => known.mime.clone(),
        None => fallback.to_owned(),
    }
}

fn is_svc(mime: &str) -> bool {
    mime.eq_ignore_ascii_case("video/VP9") || mime.eq_ignore_ascii_case("video/AV1")
}

fn sorted_layers(layers: &[proto::VideoLayer]) -> Vec<proto::VideoLayer> {
    let mut layers: Vec<_> = layers
        .iter()
        .take(limits::LAYERS_PER_CODEC)
        .cloned()
        .collect();
    layers.sort_by_key(|layer| layer.quality);
    layers
}

fn announced_layers(layers: &[proto::VideoLayer]) -> Vec<AnnouncedLayer> {
    let quality = |layer: &proto::VideoLayer| match layer.quality() {
        proto::VideoQuality::Low => Some(Quality::Low),
        proto::VideoQuality::Medium => Some(Quality::Medium),
        proto::VideoQuality::High => Some(Quality::High),
        proto::VideoQuality::Off => None,
    };
    layers
        .iter()
        .filter_map(|layer| {
            Some(AnnouncedLayer {
                quality: quality(layer)?,
                width: layer.width,
                height: layer.height,
                bitrate: layer.bitrate,
                rid: Some(layer.rid.clone()).filter(|rid| !rid.is_empty()),
            })
        })
        .collect()
}
