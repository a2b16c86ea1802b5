//! A checker for low-latency HLS: takes what a player gets to see of one media
//! playlist and tells what is wrong with it (RFC 8216bis, CMAF).
//!
//! It does not ask anything itself: whoever plays hands over each answer in the
//! order in which it came.

mod listing;
mod media;
mod rules;
#[cfg(test)]
mod tests;

pub use listing::{Listed, ListedPart, Listing, fuzz_playlist};

use std::collections::{BTreeMap, HashMap};

use super::PlaylistRequest;
use media::MediaTrack;

/// Faults that are kept; after so many nobody reads on.
const MAX_FAULTS: usize = 100;

/// What was seen of one media playlist.
#[derive(Default)]
pub struct Checker {
    faults: Vec<String>,
    last: Option<Listing>,
    /// What was said of each segment, by number.
    segments: BTreeMap<u64, Listed>,
    /// The least part target that was announced.
    part_target: Option<f64>,
    media: MediaTrack,
    /// Parts that are short, with the address of the one that follows: fine if
    /// its first frame would have been too much.
    short: HashMap<String, (String, f64)>,
    /// Playlists seen.
    playlists: usize,
}

impl Checker {
    /// A playlist came as the answer to this request, whole: without `_HLS_skip`.
    pub fn playlist(&mut self, request: PlaylistRequest, text: &str) {
        self.playlists += 1;
        let listing = match Listing::parse(text) {
            Ok(listing) => listing,
            Err(words) => return self.fault(words),
        };
        if listing.skipped > 0 {
            return self.fault("segments are skipped in a playlist that was asked for whole");
        }
        self.alone(&listing);
        self.answers(request, &listing);
        self.follows(&listing);
        self.remember(listing);
    }

    /// An update that was asked for with `_HLS_skip`, and the whole playlist of
    /// the same moment.
    pub fn update(&mut self, whole: &str, update: &str) {
        let (Ok(whole), Ok(update)) = (Listing::parse(whole), Listing::parse(update)) else {
            return self.fault("an update or its playlist cannot be read");
        };
        let skipped = update.skipped as usize;
        if skipped == 0 {
            return;
        }
        let Some(rest) = whole.segments.get(skipped..) else {
            return self.fault("an update skips more segments than there are");
        };
        let same = rest.iter().zip(&update.segments).all(|(a, b)| a.same(b));
        if !same || rest.len() != update.segments.len() {
            self.fault("an update does not end as the whole playlist does");
        }
        let left: f64 = rest.iter().map(Listed::seconds).sum();
        if left + 0.001 < whole.can_skip_until.unwrap_or(f64::MAX) {
            self.fault("an update skips segments that are nearer than CAN-SKIP-UNTIL");
        }
    }

    /// An initialization segment came.
    pub fn init(&mut self, uri: &str, bytes: &[u8]) {
        if let Err(words) = self.media.init(uri, bytes) {
            self.fault(words);
        }
    }

    /// A part came; its playlist was handed over before.
    pub fn part(&mut self, uri: &str, bytes: &[u8]) {
        let Some(part) = self.find_part(uri) else {
            return self.fault(format!("{uri} was fetched and is in no playlist"));
        };
        let faults = self.media.part(&part, bytes);
        for words in faults {
            self.fault(words);
        }
    }

    /// A whole segment came.
    pub fn segment(&mut self, uri: &str, bytes: &[u8]) {
        let known = self.segments.values().find(|it| it.uri == uri);
        // Not all of its parts may have been listed.
        let known = known.filter(|it| (it.part_seconds() - it.duration).abs() < 0.003);
        let parts = known.map(|it| it.parts.clone()).unwrap_or_default();
        if let Err(words) = self.media.segment(uri, &parts, bytes) {
            self.fault(words);
        }
    }

    /// What is wrong, in words; nothing if all is well.
    #[must_use]
    pub fn finish(mut self) -> Vec<String> {
        for (uri, (next, room)) in std::mem::take(&mut self.short) {
            match self.media.first_frame(&next) {
                Some(first) if first <= room => self.fault(format!(
                    "{uri} is shorter than 85 % of the part target, and a frame of {first:.3} s more would have fit"
                )),
                Some(_) => {}
                None => self.fault(format!("{uri} is shorter than 85 % of the part target")),
            }
        }
        if self.playlists == 0 {
            self.fault("no playlist was seen");
        }
        self.faults
    }

    fn fault(&mut self, words: impl Into<String>) {
        if self.faults.len() < MAX_FAULTS {
            self.faults
                .push(format!("playlist {}: {}", self.playlists, words.into()));
        }
    }

    fn find_part(&self, uri: &str) -> Option<media::Expected> {
        let mut breaks = false;
        for segment in self.segments.values().rev() {
            for (number, part) in segment.parts.iter().enumerate() {
                if part.uri == uri {
                    breaks |= number == 0 && (segment.breaks || segment.follows_gap);
                    let map = segment.map.clone();
                    return Some(media::Expected {
                        part: part.clone(),
                        map,
                        breaks,
                    });
                }
            }
        }
        None
    }
}
