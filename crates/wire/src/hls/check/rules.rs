//! What a playlist has to be: by itself, as an answer, and after the one before.

use super::{Checker, Listed, Listing};
use crate::hls::PlaylistRequest;

/// Parts of a segment add up to it, and segments to dates: to the rounding of
/// the numbers that are written, in seconds.
const ROUNDING: f64 = 0.003;

/// A part is at least so much of the part target (§4.4.4.9).
const LEAST_PART: f64 = 0.85;

impl Checker {
    /// What can be seen in the playlist itself.
    pub(super) fn alone(&mut self, listing: &Listing) {
        let target = listing.target as f64;
        if listing.version < 9 && listing.can_skip_until.is_some() {
            self.fault("CAN-SKIP-UNTIL needs version 9");
        }
        if listing.hold_back.is_some_and(|it| it < 3.0 * target) {
            self.fault("HOLD-BACK is less than three target durations");
        }
        if listing.can_skip_until.is_some_and(|it| it < 6.0 * target) {
            self.fault("CAN-SKIP-UNTIL is less than six target durations");
        }
        if let Some(part) = listing.part_target {
            match listing.part_hold_back {
                None => self.fault("PART-HOLD-BACK is missing"),
                Some(back) if back < 3.0 * part - 1e-9 => {
                    self.fault("PART-HOLD-BACK is less than three part targets");
                }
                Some(_) => {}
            }
        }
        for segment in &listing.segments {
            self.segment_alone(segment, listing);
        }
        for pair in listing.segments.windows(2) {
            self.dates(&pair[0], &pair[1]);
        }
    }

    fn segment_alone(&mut self, segment: &Listed, listing: &Listing) {
        let msn = segment.msn;
        if segment.map.is_none() {
            self.fault(format!("segment {msn} has no EXT-X-MAP"));
        }
        if segment.finished() && segment.duration.round() > listing.target as f64 {
            self.fault(format!(
                "segment {msn} lasts {} s, longer than the target duration",
                segment.duration
            ));
        }
        let target = listing.part_target.unwrap_or(0.0);
        for part in &segment.parts {
            // The numbers are rounded.
            if part.duration > target + 2e-5 {
                self.fault(format!(
                    "{} lasts {} s, longer than the part target of {target}",
                    part.uri, part.duration
                ));
            }
        }
        let sum = segment.part_seconds();
        if segment.finished()
            && !segment.parts.is_empty()
            && (sum - segment.duration).abs() > ROUNDING
        {
            self.fault(format!(
                "segment {msn} lasts {} s, its parts {sum:.5}",
                segment.duration
            ));
        }
    }

    fn dates(&mut self, one: &Listed, next: &Listed) {
        let (Some(date), Some(after)) = (one.date, next.date) else {
            return self.fault(format!("segment {} has no date", one.msn));
        };
        if next.breaks || !one.finished() {
            return;
        }
        let expected = date as f64 / 1000.0 + one.duration;
        if (after as f64 / 1000.0 - expected).abs() > ROUNDING {
            self.fault(format!(
                "segment {} begins {:.3} s after the end of the one before it",
                next.msn,
                after as f64 / 1000.0 - expected
            ));
        }
    }

    /// What was asked for is in it.
    pub(super) fn answers(&mut self, request: PlaylistRequest, listing: &Listing) {
        let (Some(msn), false) = (request.msn, listing.ended) else {
            return;
        };
        let begun = |msn: u64| {
            let mut segments = listing.segments.iter();
            segments.any(|it| it.msn >= msn && (it.finished() || !it.parts.is_empty()))
        };
        let segment = listing.segments.iter().find(|it| it.msn == msn);
        let there = match (segment, request.part) {
            (None, _) => listing.segments.last().is_some_and(|it| it.msn > msn),
            (Some(segment), None) => segment.finished(),
            (Some(segment), Some(part)) => {
                (part as usize) < segment.parts.len() || segment.finished() && begun(msn + 1)
            }
        };
        let far = listing.segments.first().is_some_and(|it| msn < it.msn);
        if !there && !far {
            self.fault(format!(
                "answered before {msn} part {:?} was there",
                request.part
            ));
        }
    }

    /// What the one before said still holds.
    pub(super) fn follows(&mut self, listing: &Listing) {
        let Some(last) = self.last.take() else { return };
        if listing.target != last.target {
            self.fault("EXT-X-TARGETDURATION changed");
        }
        if listing.msn < last.msn {
            self.fault("EXT-X-MEDIA-SEQUENCE went back");
        }
        if last.ended && *listing != last {
            self.fault("it changed after EXT-X-ENDLIST");
        }
        let removed = listing.msn > last.msn;
        let finished = listing.segments.iter().filter(|it| it.finished());
        let listed: f64 = finished.map(|segment| segment.duration).sum();
        if removed && listed < 3.0 * listing.target as f64 {
            self.fault("segments were removed, and fewer than three target durations are left");
        }
        for segment in &listing.segments {
            self.unchanged(segment);
        }
        self.hint_kept(&last, listing);
        self.last = Some(last);
    }

    fn unchanged(&mut self, segment: &Listed) {
        let Some(known) = self.segments.get(&segment.msn) else {
            return;
        };
        let msn = segment.msn;
        if known.finished() && !known.same(segment) {
            self.fault(format!("segment {msn} changed"));
            return;
        }
        if known.breaks_before != segment.breaks_before || known.breaks != segment.breaks {
            self.fault(format!(
                "the discontinuity sequence of segment {msn} changed"
            ));
            return;
        }
        let both = known.parts.iter().zip(&segment.parts);
        if both.into_iter().any(|(a, b)| a != b) {
            self.fault(format!("parts of segment {msn} changed"));
        }
    }

    /// A hint becomes a part, or stays.
    fn hint_kept(&mut self, last: &Listing, listing: &Listing) {
        let Some(hint) = &last.hint else { return };
        if listing.ended || listing.hint.as_ref() == Some(hint) {
            return;
        }
        let mut parts = listing.segments.iter().flat_map(|it| &it.parts);
        // Parts are not listed any more once they are old; a gap has none.
        let newest = last.segments.last().map_or(0, |it| it.msn);
        let passed = listing
            .segments
            .iter()
            .any(|it| it.finished() && (it.msn > newest + 2 || it.gap && it.msn >= newest));
        if !passed && !parts.any(|part| part.uri == *hint) {
            self.fault(format!("{hint} was hinted and never came"));
        }
    }

    /// Takes down what later ones have to agree with.
    pub(super) fn remember(&mut self, listing: Listing) {
        let announced = listing.part_target.unwrap_or(0.0);
        let least = self.part_target.map_or(announced, |it| it.min(announced));
        self.part_target = Some(least);
        for segment in &listing.segments {
            for pair in segment.parts.windows(2) {
                if pair[0].duration < LEAST_PART * least {
                    let room = least - pair[0].duration;
                    self.short
                        .insert(pair[0].uri.clone(), (pair[1].uri.clone(), room));
                }
            }
            let known = self.segments.entry(segment.msn).or_default();
            let parts = std::mem::take(&mut known.parts);
            *known = segment.clone();
            if known.parts.len() < parts.len() {
                known.parts = parts;
            }
        }
        // What no playlist lists any more is of no use.
        while self.segments.len() > 4096 {
            self.segments.pop_first();
        }
        self.last = Some(listing);
    }
}
