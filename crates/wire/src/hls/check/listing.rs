//! Reading of media playlists, as far as they are checked.

/// A media playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// `EXT-X-VERSION`.
    pub version: u64,
    /// `EXT-X-TARGETDURATION`, seconds.
    pub target: u64,
    /// `EXT-X-MEDIA-SEQUENCE`.
    pub msn: u64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`.
    pub breaks: u64,
    /// `PART-TARGET`, seconds.
    pub part_target: Option<f64>,
    /// `CAN-BLOCK-RELOAD`.
    pub can_block: bool,
    /// `HOLD-BACK`, seconds.
    pub hold_back: Option<f64>,
    /// `PART-HOLD-BACK`, seconds.
    pub part_hold_back: Option<f64>,
    /// `CAN-SKIP-UNTIL`, seconds.
    pub can_skip_until: Option<f64>,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent: bool,
    /// `SKIPPED-SEGMENTS`.
    pub skipped: u64,
    /// Segments; the last one may be growing.
    pub segments: Vec<Listed>,
    /// The part that is hinted.
    pub hint: Option<String>,
    /// Other renditions: address, last segment, last part.
    pub reports: Vec<(String, u64, Option<u64>)>,
    /// `EXT-X-ENDLIST`.
    pub ended: bool,
}

/// A segment in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// Media sequence number.
    pub msn: u64,
    /// Discontinuities before it and at it.
    pub breaks_before: u64,
    /// It begins with a discontinuity.
    pub breaks: bool,
    /// The segment before it is a gap.
    pub follows_gap: bool,
    /// Seconds; 0 while it grows.
    pub duration: f64,
    /// Address; empty while it grows.
    pub uri: String,
    /// Address of its initialization segment.
    pub map: Option<String>,
    /// `EXT-X-PROGRAM-DATE-TIME` in milliseconds since 1970.
    pub date: Option<i64>,
    /// `EXT-X-GAP`.
    pub gap: bool,
    /// Parts.
    pub parts: Vec<ListedPart>,
}

/// A part in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedPart {
    /// Seconds.
    pub duration: f64,
    /// Address.
    pub uri: String,
    /// `INDEPENDENT`.
    pub independent: bool,
}

impl Listed {
    /// Finished, not growing.
    #[must_use]
    pub fn finished(&self) -> bool {
        !self.uri.is_empty()
    }

    /// Seconds that it has so far.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        if self.finished() {
            self.duration
        } else {
            self.part_seconds()
        }
    }

    /// Seconds of its parts.
    pub(super) fn part_seconds(&self) -> f64 {
        self.parts.iter().map(|part| part.duration).sum()
    }

    /// The same segment, whatever is told of its parts and of the one before.
    pub(super) fn same(&self, other: &Self) -> bool {
        let told = |it: &Self| (it.msn, it.breaks, it.duration.to_bits(), it.date, it.gap);
        told(self) == told(other) && self.uri == other.uri
    }
}

impl Listing {
    /// Reads it.
    ///
    /// # Errors
    /// In words, what cannot be read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        if lines.next() != Some("#EXTM3U") {
            return Err("it does not begin with #EXTM3U".into());
        }
        let mut listing = Self::default();
        let mut next = Listed::default();
        let mut map = None;
        for line in lines {
            listing.line(line, &mut next, &mut map)?;
        }
        if !next.parts.is_empty() {
            listing.push(next, &map);
        }
        Ok(listing)
    }

    fn line(
        &mut self,
        line: &str,
        next: &mut Listed,
        map: &mut Option<String>,
    ) -> Result<(), String> {
        let Some(tag) = line.strip_prefix('#') else {
            if !line.is_empty() {
                next.uri = line.to_owned();
                let segment = std::mem::take(next);
                self.push(segment, map);
            }
            return Ok(());
        };
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        let bad = || format!("{line} cannot be read");
        let number = || value.parse::<u64>().map_err(|_| bad());
        let seconds = |name| attribute(value, name).and_then(|it| it.parse::<f64>().ok());
        match name {
            "EXT-X-VERSION" => self.version = number()?,
            "EXT-X-TARGETDURATION" => self.target = number()?,
            "EXT-X-MEDIA-SEQUENCE" => self.msn = number()?,
            "EXT-X-DISCONTINUITY-SEQUENCE" => self.breaks = number()?,
            "EXT-X-INDEPENDENT-SEGMENTS" => self.independent = true,
            "EXT-X-ENDLIST" => self.ended = true,
            "EXT-X-PART-INF" => self.part_target = seconds("PART-TARGET"),
            "EXT-X-SERVER-CONTROL" => {
                self.can_block = attribute(value, "CAN-BLOCK-RELOAD") == Some("YES");
                self.hold_back = seconds("HOLD-BACK");
                self.part_hold_back = seconds("PART-HOLD-BACK");
                self.can_skip_until = seconds("CAN-SKIP-UNTIL");
            }
            "EXT-X-SKIP" => {
                let skipped = attribute(value, "SKIPPED-SEGMENTS").and_then(|it| it.parse().ok());
                self.skipped = skipped.ok_or_else(bad)?;
            }
            "EXT-X-DISCONTINUITY" => next.breaks = true,
            "EXT-X-GAP" => next.gap = true,
            "EXT-X-MAP" => *map = attribute(value, "URI").map(str::to_owned),
            "EXT-X-PROGRAM-DATE-TIME" => next.date = Some(millis(value).ok_or_else(bad)?),
            "EXTINF" => {
                let duration = value.split(',').next().and_then(|it| it.parse().ok());
                next.duration = duration.ok_or_else(bad)?;
            }
            "EXT-X-PART" => next.parts.push(ListedPart {
                duration: seconds("DURATION").ok_or_else(bad)?,
                uri: attribute(value, "URI").ok_or_else(bad)?.to_owned(),
                independent: attribute(value, "INDEPENDENT") == Some("YES"),
            }),
            "EXT-X-PRELOAD-HINT" => self.hint = attribute(value, "URI").map(str::to_owned),
            "EXT-X-RENDITION-REPORT" => {
                let last = |name| attribute(value, name).and_then(|it| it.parse().ok());
                let uri = attribute(value, "URI").ok_or_else(bad)?.to_owned();
                let msn = last("LAST-MSN").ok_or_else(bad)?;
                self.reports.push((uri, msn, last("LAST-PART")));
            }
            _ => {}
        }
        Ok(())
    }

    fn push(&mut self, mut segment: Listed, map: &Option<String>) {
        let before = self.segments.last();
        segment.msn = before.map_or(self.msn.saturating_add(self.skipped), |it| {
            it.msn.saturating_add(1)
        });
        segment.follows_gap = before.is_some_and(|it| it.gap);
        let breaks = before.map_or(self.breaks, |it| it.breaks_before);
        segment.breaks_before = breaks.saturating_add(u64::from(segment.breaks));
        segment.map.clone_from(map);
        self.segments.push(segment);
    }
}

/// The value of an attribute, without its quotes.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        if key == name {
            return Some(value);
        }
        rest = after.strip_prefix(',')?;
    }
}

/// `2026-11-25T09:00:00.000Z` in milliseconds since 1970.
fn millis(date: &str) -> Option<i64> {
    let (day, time) = date.strip_suffix('Z')?.split_once('T')?;
    let mut day = day.splitn(3, '-').map(|it| it.parse::<i64>().ok());
    let (year, month, day) = (day.next()??, day.next()??, day.next()??);
    let mut time = time.splitn(3, ':');
    let hours: i64 = time.next()?.parse().ok()?;
    let minutes: i64 = time.next()?.parse().ok()?;
    let seconds: f64 = time.next()?.parse().ok()?;
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || !(0..=24).contains(&hours) {
        return None;
    }
    if !(1..=31).contains(&day) || !(0..60).contains(&minutes) || !(0.0..61.0).contains(&seconds) {
        return None;
    }
    // Years begin in March, so that the day of leap years comes last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 1
        - 719_468;
    Some(((days * 24 + hours) * 60 + minutes) * 60_000 + (seconds * 1000.0).round() as i64)
}

/// Whatever the text is, reading it ends.
pub fn fuzz_playlist(bytes: &[u8]) {
    let _ = Listing::parse(&String::from_utf8_lossy(bytes));
}
