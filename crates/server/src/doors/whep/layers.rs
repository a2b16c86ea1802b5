//! The layers of a video: told by the `layers` event, chosen by `POST
//! …/layer` (WHEP core extensions, "Video Layer Selection").

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use surecast_room::proto::{TrackInfo, VideoLayer, VideoQuality};

use crate::doors::Doors;
use crate::doors::wish::{Command, Door, Problem, ask, find, read};

/// The `layers` event's data: layers by the place of their `m=` line.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Layers(BTreeMap<usize, OfSection>);

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct OfSection {
    active: Vec<Active>,
    inactive: Vec<Active>,
    layers: Vec<Layer>,
}

/// An encoding that is sent.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Active {
    /// Its rid.
    id: String,
    /// The lowest is 0.
    simulcast_idx: usize,
    #[serde(flatten)]
    size: Size,
}

/// A layer that can be chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    encoding_id: String,
    simulcast_idx: usize,
    #[serde(flatten)]
    size: Size,
}

/// As far as the publisher said; 0 is left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Size {
    /// Bits per second.
    #[serde(skip_serializing_if = "is_zero")]
    bitrate: u32,
    /// Pixels.
    #[serde(skip_serializing_if = "is_zero")]
    width: u32,
    /// Pixels.
    #[serde(skip_serializing_if = "is_zero")]
    height: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Layers {
    /// Of a track in the section at that place.
    pub(super) fn of(line: usize, track: &TrackInfo) -> Self {
        let mut section = OfSection::default();
        for (index, layer) in layers_of(track).iter().enumerate() {
            let size = Size {
                bitrate: layer.bitrate,
                width: layer.width,
                height: layer.height,
            };
            section.active.push(Active {
                id: id_of(layer),
                simulcast_idx: index,
                size,
            });
            section.layers.push(Layer {
                encoding_id: id_of(layer),
                simulcast_idx: index,
                size,
            });
        }
        Self(BTreeMap::from([(line, section)]))
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        let all = self.0.values().flat_map(|section| &section.layers);
        all.map(|layer| layer.encoding_id.as_str())
    }
}

/// What a viewer wants of a video. Empty: what its network carries.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::doors) struct LayerChoice {
    /// The place of the section, or its mid.
    media_id: Option<String>,
    /// The encoding's rid.
    encoding_id: Option<String>,
}

impl LayerChoice {
    /// The chosen encoding, if there is such a one.
    pub(super) fn check(
        self,
        line: usize,
        mid: Option<&str>,
        layers: &Layers,
    ) -> Result<Option<String>, Problem> {
        let here = |id: &str| id == line.to_string() || Some(id) == mid;
        if let Some(id) = self.media_id.as_deref().filter(|id| !here(id)) {
            let detail = format!("{id:?} is not the video section: that is \"{line}\"");
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
        }
        let Some(chosen) = self.encoding_id.filter(|id| !id.is_empty()) else {
            return Ok(None);
        };
        if layers.ids().any(|id| id == chosen) {
            return Ok(Some(chosen));
        }
        let ids: Vec<&str> = layers.ids().collect();
        let detail = match ids.is_empty() {
            true => "the video has one layer only".to_owned(),
            false => format!("no layer {chosen:?}: there are {}", ids.join(", ")),
        };
        Err(Problem::new(StatusCode::NOT_FOUND, detail))
    }
}

/// `POST …/layer`
pub(super) async fn choose(
    State(doors): State<Arc<Doors>>,
    Path(id): Path<String>,
    body: Body,
) -> Result<StatusCode, Problem> {
    let entry = find(&doors, Door::Whep, &id)?;
    let choice: LayerChoice = serde_json::from_str(&read(body).await?).map_err(|error| {
        let detail =
            format!("the body is not a choice in JSON like {{\"encodingId\": \"f\"}}: {error}");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    })?;
    ask(&entry, |reply| Command::Layer { choice, reply }).await??;
    Ok(StatusCode::OK)
}

/// The quality by which the room engine knows the layer.
pub(super) fn quality(track: &TrackInfo, id: &str) -> Option<VideoQuality> {
    let layers = layers_of(track);
    let layer = layers.iter().find(|layer| id_of(layer) == id)?;
    Some(layer.quality())
}

/// The renditions that are streams of their own, the lowest first; a single one
/// is nothing to choose from.
// `layers` of the track itself is deprecated in favour of those of its codecs;
// old clients send nothing else.
#[allow(deprecated)]
fn layers_of(track: &TrackInfo) -> &[VideoLayer] {
    let of_codec = track.codecs.first().map(|codec| codec.layers.as_slice());
    let layers = of_codec.filter(|layers| !layers.is_empty());
    let layers = layers.unwrap_or(&track.layers);
    if layers.len() > 1 { layers } else { &[] }
}

/// Clients of LiveKit need not say the rid: it follows from the quality.
fn id_of(layer: &VideoLayer) -> String {
    if !layer.rid.is_empty() {
        return layer.rid.clone();
    }
    match layer.quality() {
        VideoQuality::Low => "q",
        VideoQuality::Medium => "h",
        VideoQuality::High | VideoQuality::Off => "f",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(layers: &[(&str, VideoQuality, u32)]) -> TrackInfo {
        let layer = |(rid, quality, width): &(&str, VideoQuality, u32)| VideoLayer {
            rid: (*rid).into(),
            quality: *quality as i32,
            width: *width,
            ..Default::default()
        };
        #[allow(deprecated)]
        TrackInfo {
            layers: layers.iter().map(layer).collect(),
            ..Default::default()
        }
    }

    #[test]
    fn the_event_has_the_drafts_form() {
        let track = track(&[("2", VideoQuality::Low, 0), ("0", VideoQuality::High, 1280)]);
        let told = serde_json::to_value(Layers::of(1, &track)).unwrap();
        let expected = serde_json::json!({ "1": {
            "active": [{ "id": "2", "simulcastIdx": 0 }, { "id": "0", "simulcastIdx": 1, "width": 1280 }],
            "inactive": [],
            "layers": [
                { "encodingId": "2", "simulcastIdx": 0 },
                { "encodingId": "0", "simulcastIdx": 1, "width": 1280 },
            ],
        }});
        assert_eq!(told, expected);
    }

    #[test]
    fn a_choice_is_one_of_the_layers_or_none() {
        let unnamed = track(&[("", VideoQuality::Low, 0), ("", VideoQuality::High, 0)]);
        let layers = Layers::of(1, &unnamed);
        let choice = |json: &str| {
            let choice: LayerChoice = serde_json::from_str(json).unwrap();
            choice.check(1, Some("v"), &layers)
        };
        assert_eq!(choice("{}").unwrap(), None);
        assert_eq!(
            choice(r#"{"encodingId":"q"}"#).unwrap().as_deref(),
            Some("q")
        );
        assert!(choice(r#"{"mediaId":"v","encodingId":"f","later":1}"#).is_ok());
        assert!(choice(r#"{"mediaId":"1","encodingId":"f"}"#).is_ok());
        assert!(choice(r#"{"mediaId":"0"}"#).is_err());
        let missing = choice(r#"{"encodingId":"x"}"#).unwrap_err();
        assert!(missing.detail().contains("q, f"), "{}", missing.detail());
        assert_eq!(quality(&unnamed, "f"), Some(VideoQuality::High));
    }
}
