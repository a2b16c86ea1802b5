//! Media playlists.

use std::fmt::Write;

use surecast_media::frame::MediaTime;

use super::rendition::Rendition;
use super::segment::Segment;
use super::segmenter::Segmenter;

/// Parts are listed this many target durations from the end (RFC 8216bis
/// §6.2.2), and so far from the end players without low latency begin.
const NEAR: f64 = 3.0;

/// Segments further from the end than this many target durations may be left
/// out of an update; fewer than six may not be announced (§4.4.3.8).
const SKIP: f64 = 6.0;

impl Segmenter {
    /// The playlist of the rendition, which has a finished segment.
    pub(super) fn write_playlist(&self, index: usize, skip: bool, query: &str) -> String {
        let rendition = &self.renditions[index];
        let target = self.target.unwrap_or(1);
        let listed: Vec<&Segment> = rendition.segments.iter().skip(rendition.unlisted).collect();
        let mut writer = Writer {
            out: String::with_capacity(8192),
            name: &rendition.name,
            run: &self.run,
            query,
        };
        writer.head(rendition, target, &listed);
        let ages = ages(&listed);
        let older = |seconds: f64| ages.iter().take_while(|age| **age > seconds).count();
        let skipped = if skip { older(SKIP * target as f64) } else { 0 };
        if skipped > 0 {
            let _ = writeln!(writer.out, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
        }
        let near = older(NEAR * target as f64);
        let mut map = None;
        for (number, segment) in listed.iter().enumerate().skip(skipped) {
            let with_parts = number >= near && !self.ended;
            writer.segment(segment, with_parts, &mut map);
        }
        if self.ended {
            writer.out.push_str("#EXT-X-ENDLIST\n");
            return writer.out;
        }
        if let Some((msn, part)) = rendition.hint().filter(|_| rendition.track.is_some()) {
            let uri = writer.part_uri(msn, part);
            let hint = format_args!("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{uri}\"");
            let _ = writeln!(writer.out, "{hint}");
        }
        for other in self
            .renditions
            .iter()
            .filter(|it| it.name != rendition.name)
        {
            writer.report(other);
        }
        writer.out
    }
}

/// Seconds from the end of each segment to the end of the list.
fn ages(listed: &[&Segment]) -> Vec<f64> {
    let mut age = 0.0;
    let mut ages: Vec<f64> = Vec::with_capacity(listed.len());
    for segment in listed.iter().rev() {
        ages.push(age);
        age += segment.duration as f64 / f64::from(segment.scale);
    }
    ages.reverse();
    ages
}

struct Writer<'a> {
    out: String,
    name: &'a str,
    run: &'a str,
    query: &'a str,
}

impl Writer<'_> {
    fn head(&mut self, rendition: &Rendition, target: i64, listed: &[&Segment]) {
        let part = rendition.announced_part();
        let first = listed.first();
        let msn = first.map_or(0, |segment| segment.msn);
        let breaks = first.map_or(0, |it| it.breaks_before - u64::from(it.breaks));
        let independent = listed
            .iter()
            .all(|it| it.independent || it.parts.is_empty());
        let out = &mut self.out;
        out.push_str("#EXTM3U\n#EXT-X-VERSION:9\n");
        let _ = writeln!(out, "#EXT-X-TARGETDURATION:{target}");
        let _ = writeln!(
            out,
            "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={:.3},HOLD-BACK={:.1},CAN-SKIP-UNTIL={:.1}",
            part * NEAR,
            target as f64 * NEAR,
            target as f64 * SKIP,
        );
        let _ = writeln!(out, "#EXT-X-PART-INF:PART-TARGET={part:.3}");
        let _ = writeln!(out, "#EXT-X-MEDIA-SEQUENCE:{msn}");
        if breaks > 0 {
            let _ = writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{breaks}");
        }
        if independent {
            out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
    }

    fn segment(&mut self, segment: &Segment, with_parts: bool, map: &mut Option<u32>) {
        let listed = segment.finished || (with_parts && !segment.parts.is_empty());
        if !listed {
            return;
        }
        if segment.breaks {
            self.out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if *map != Some(segment.map) || segment.breaks {
            *map = Some(segment.map);
            let (name, run, map) = (self.name, self.run, segment.map);
            let tail = self.tail();
            let _ = writeln!(
                self.out,
                "#EXT-X-MAP:URI=\"{name}/{run}/init-{map}.mp4{tail}\""
            );
        }
        let _ = writeln!(self.out, "#EXT-X-PROGRAM-DATE-TIME:{}", date(segment.date));
        if with_parts {
            self.parts(segment);
        }
        if !segment.finished {
            return;
        }
        if segment.parts.is_empty() {
            self.out.push_str("#EXT-X-GAP\n");
        }
        let seconds = segment.duration as f64 / f64::from(segment.scale);
        let (name, run, msn) = (self.name, self.run, segment.msn);
        let tail = self.tail();
        let _ = writeln!(
            self.out,
            "#EXTINF:{seconds:.5},\n{name}/{run}/{msn}.m4s{tail}"
        );
    }

    fn parts(&mut self, segment: &Segment) {
        for (number, part) in segment.parts.iter().enumerate() {
            let seconds = part.duration as f64 / f64::from(segment.scale);
            let uri = self.part_uri(segment.msn, number);
            let independent = if part.independent {
                ",INDEPENDENT=YES"
            } else {
                ""
            };
            let _ = writeln!(
                self.out,
                "#EXT-X-PART:DURATION={seconds:.5},URI=\"{uri}\"{independent}"
            );
        }
    }

    fn report(&mut self, other: &Rendition) {
        let Some(last) = other.segments.back().filter(|_| other.is_ready()) else {
            return;
        };
        let mut known = other.segments.iter().rev();
        let Some(with_parts) = known.find(|it| it.finished || !it.parts.is_empty()) else {
            return;
        };
        let tail = self.tail();
        let _ = write!(
            self.out,
            "#EXT-X-RENDITION-REPORT:URI=\"{}.m3u8{tail}\",LAST-MSN={}",
            other.name, with_parts.msn
        );
        if let Some(part) = with_parts.parts.len().checked_sub(1) {
            let _ = write!(self.out, ",LAST-PART={part}");
        }
        debug_assert!(last.msn >= with_parts.msn);
        self.out.push('\n');
    }

    fn part_uri(&self, msn: u64, part: usize) -> String {
        let (name, run) = (self.name, self.run);
        format!("{name}/{run}/{msn}.{part}.m4s{}", self.tail())
    }

    fn tail(&self) -> String {
        tail(self.query)
    }
}

/// The query with its mark; nothing where there is none.
pub(super) fn tail(query: &str) -> String {
    match query {
        "" => String::new(),
        query => format!("?{query}"),
    }
}

/// ISO 8601 in UTC with milliseconds.
pub(super) fn date(time: MediaTime) -> String {
    let millis = time.to_millis();
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        rest / 3_600_000,
        rest / 60_000 % 60,
        rest / 1000 % 60,
        rest % 1000
    )
}

/// Year, month and day of a number of days since 1970-01-01, in the proleptic
/// Gregorian calendar: eras of 400 years that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
