//! A segmenter with a player that fetches everything and checks it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use surecast_media::frame::{Format, Frame, FrameCodec, Item, MediaTime, Shape, TrackNumber};
use surecast_media::{aac, opus};

use crate::hls::check::{Checker, Listing};
use crate::hls::{Answer, PlaylistRequest, Resource, Segmenter, Settings};

/// 2026-11-25T09:00:00Z.
pub(super) const EPOCH: i64 = 1_795_597_200_000_000;
pub(super) const VIDEO: TrackNumber = TrackNumber(0);
pub(super) const AUDIO: TrackNumber = TrackNumber(1);

pub(super) fn h264(width: u32) -> Arc<Format> {
    Arc::new(Format {
        codec: FrameCodec::H264,
        shape: Shape::Video { width, height: 180 },
        // Baseline 3.0; the parameter sets are of no interest here.
        config: Bytes::from_static(&[1, 66, 0xc0, 30, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68]),
    })
}

pub(super) fn sound(rate: u32) -> Arc<Format> {
    Arc::new(aac::AudioSpecificConfig::low_complexity(rate, 2).format())
}

pub(super) fn opus_sound() -> Arc<Format> {
    Arc::new(opus::format(48_000, 2, 0))
}

pub(super) fn format(track: TrackNumber, format: &Arc<Format>) -> Item {
    let format = format.clone();
    Item::Format { track, format }
}

/// A frame at so many microseconds after [`EPOCH`].
pub(super) fn frame(track: TrackNumber, at: i64, shown_after: i64, keyframe: bool) -> Item {
    let dts = MediaTime(EPOCH + at);
    // Opus reads the first byte: 20 ms.
    let data = Bytes::from_static(&[0xf8, 0xff, 0xfe, 0, 1, 2, 3]);
    let frame = Frame {
        dts,
        pts: dts.plus(shown_after),
        keyframe,
        data,
    };
    Item::Frame { track, frame }
}

/// Fetches whatever is new after each item.
pub(super) struct World {
    pub segmenter: Segmenter,
    checkers: HashMap<&'static str, Checker>,
    version: u64,
    fetched: HashSet<String>,
    asked: HashMap<&'static str, PlaylistRequest>,
}

impl World {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            segmenter: Segmenter::new(settings),
            checkers: HashMap::new(),
            version: 0,
            fetched: HashSet::new(),
            asked: HashMap::new(),
        }
    }

    pub(super) fn take(&mut self, item: &Item) {
        self.segmenter.handle_item(item);
        self.look();
    }

    pub(super) fn look(&mut self) {
        if self.segmenter.version() == self.version {
            return;
        }
        self.version = self.segmenter.version();
        for name in ["video", "audio"] {
            self.fetch(name);
        }
    }

    fn fetch(&mut self, name: &'static str) {
        let request = self.asked.get(name).copied().unwrap_or_default();
        let text = match self.segmenter.playlist(name, request, "") {
            Answer::Ready(text) => text,
            Answer::BadRequest(words) => panic!("{name} {request:?}: {words}"),
            Answer::Wait | Answer::Gone => return,
        };
        let checker = self.checkers.entry(name).or_default();
        checker.playlist(request, &text);
        let update = PlaylistRequest {
            skip: true,
            ..PlaylistRequest::default()
        };
        if let Answer::Ready(update) = self.segmenter.playlist(name, update, "") {
            checker.update(&text, &update);
        }
        let listing = Listing::parse(&text).unwrap();
        if let Some(last) = listing.segments.last() {
            let growing = !last.finished();
            let msn = if growing { last.msn } else { last.msn + 1 };
            let part = if growing { last.parts.len() as u64 } else { 0 };
            let request = PlaylistRequest {
                msn: Some(msn),
                part: Some(part),
                skip: false,
            };
            self.asked.insert(name, request);
        }
        self.fetch_media(name, &listing);
    }

    fn fetch_media(&mut self, name: &'static str, listing: &Listing) {
        for segment in &listing.segments {
            let map = segment.map.clone().unwrap();
            self.fetch_one(name, &map, Checker::init);
            for part in &segment.parts {
                self.fetch_one(name, &part.uri, Checker::part);
            }
            if segment.finished() && !segment.gap {
                self.fetch_one(name, &segment.uri, Checker::segment);
            }
        }
    }

    fn fetch_one(&mut self, name: &'static str, uri: &str, give: fn(&mut Checker, &str, &[u8])) {
        if !self.fetched.insert(uri.to_owned()) {
            return;
        }
        let mut path = uri.split('/');
        let (rendition, run) = (path.next().unwrap(), path.next().unwrap());
        let what = Resource::parse(path.next().unwrap()).unwrap();
        let Answer::Ready(bytes) = self.segmenter.media(rendition, run, what) else {
            panic!("{uri} is listed and is not there");
        };
        let checker = self.checkers.get_mut(name).unwrap();
        give(checker, uri, &bytes.concat());
    }

    /// The stream ends; what was found wrong with it.
    pub(super) fn finish(mut self) -> Vec<String> {
        self.segmenter.end();
        self.look();
        let mut faults = Vec::new();
        for (name, checker) in self.checkers {
            faults.extend(
                checker
                    .finish()
                    .into_iter()
                    .map(|it| format!("{name} {it}")),
            );
        }
        faults
    }
}
