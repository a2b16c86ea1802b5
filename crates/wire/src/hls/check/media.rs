//! Media against what the playlist says of it.

use std::collections::HashMap;

use super::ListedPart;
use crate::cmaf::read;

/// What is known of the media of one rendition.
#[derive(Default)]
pub(super) struct MediaTrack {
    scales: HashMap<String, u32>,
    /// Where the last part ended: in seconds, and its address.
    end: Option<(f64, String)>,
    /// Bytes of each part.
    sizes: HashMap<String, usize>,
    first_frames: HashMap<String, f64>,
}

/// What a part should be.
pub(super) struct Expected {
    pub part: ListedPart,
    pub map: Option<String>,
    pub breaks: bool,
}

impl MediaTrack {
    pub fn init(&mut self, uri: &str, bytes: &[u8]) -> Result<(), String> {
        match read::tracks(bytes)[..] {
            [track] if track.timescale > 0 => {
                self.scales.insert(uri.to_owned(), track.timescale);
                Ok(())
            }
            _ => Err(format!("{uri} does not have exactly one track")),
        }
    }

    pub fn part(&mut self, expected: &Expected, bytes: &[u8]) -> Vec<String> {
        let uri = &expected.part.uri;
        let mut faults = Vec::new();
        let scale = expected.map.as_ref().and_then(|map| self.scales.get(map));
        let Some(scale) = scale.map(|scale| f64::from(*scale)) else {
            return vec![format!("{uri}: its initialization segment was not fetched")];
        };
        let runs = read::runs(bytes);
        let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
            return vec![format!("{uri} has no frames")];
        };
        let duration: u64 = runs.iter().map(read::RunHead::duration).sum();
        let duration = duration as f64 / scale;
        if (duration - expected.part.duration).abs() > 0.001 {
            faults.push(format!(
                "{uri} lasts {duration:.5} s, not {}",
                expected.part.duration
            ));
        }
        let mut samples = runs.iter().flat_map(|run| &run.samples);
        if expected.part.independent != samples.any(|sample| sample.keyframe) {
            faults.push(format!("{uri}: INDEPENDENT is wrong"));
        }
        let start = first.time as f64 / scale;
        if let Some((end, before)) = &self.end {
            let step = start - end;
            let fine = if expected.breaks {
                step > -0.001
            } else {
                step.abs() < 0.001
            };
            if !fine && before != uri {
                faults.push(format!(
                    "{uri} begins {step:.5} s after the end of {before}"
                ));
            }
        }
        let end = (last.time + last.duration()) as f64 / scale;
        self.end = Some((end, uri.clone()));
        self.sizes.insert(uri.clone(), bytes.len());
        let frame = first.samples.first().map_or(0, |it| it.duration);
        self.first_frames
            .insert(uri.clone(), f64::from(frame) / scale);
        faults
    }

    pub fn segment(&mut self, uri: &str, parts: &[ListedPart], bytes: &[u8]) -> Result<(), String> {
        let sizes: Option<Vec<usize>> = parts
            .iter()
            .map(|part| self.sizes.get(&part.uri).copied())
            .collect();
        match sizes {
            Some(sizes) if !parts.is_empty() && sizes.iter().sum::<usize>() != bytes.len() => {
                Err(format!("{uri} is not what its parts are"))
            }
            _ if read::runs(bytes).is_empty() => Err(format!("{uri} has no frames")),
            _ => Ok(()),
        }
    }

    /// Seconds that the first frame of a part lasts.
    pub fn first_frame(&self, uri: &str) -> Option<f64> {
        self.first_frames.get(uri).copied()
    }
}
