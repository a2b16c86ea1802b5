//! Requests for playlists and media, and what they are answered.

use bytes::Bytes;

use super::rendition::Rendition;
use super::segmenter::Segmenter;

/// What is asked for, and whether there is an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// Here it is.
    Ready(T),
    /// Ask again when [`Segmenter::version`] has grown.
    Wait,
    /// The request makes no sense, in words.
    BadRequest(&'static str),
    /// There is no such thing, or not any more.
    Gone,
}

/// A media playlist is asked for (RFC 8216bis §6.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaylistRequest {
    /// `_HLS_msn`: with at least this segment.
    pub msn: Option<u64>,
    /// `_HLS_part`: or with this part of it.
    pub part: Option<u64>,
    /// `_HLS_skip`: the older segments may be left out.
    pub skip: bool,
}

/// Media by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `init-{number}.mp4`.
    Init(u32),
    /// `{msn}.m4s`.
    Segment(u64),
    /// `{msn}.{part}.m4s`.
    Part(u64, usize),
    /// `{msn}.ts`, of the rendition `ts`.
    Transport(u64),
}

impl Resource {
    /// Reads the last part of a path.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(number) = name.strip_prefix("init-") {
            return number.strip_suffix(".mp4")?.parse().ok().map(Self::Init);
        }
        if let Some(msn) = name.strip_suffix(".ts") {
            return msn.parse().ok().map(Self::Transport);
        }
        let name = name.strip_suffix(".m4s")?;
        match name.split_once('.') {
            Some((msn, part)) => Some(Self::Part(msn.parse().ok()?, part.parse().ok()?)),
            None => name.parse().ok().map(Self::Segment),
        }
    }
}

impl Segmenter {
    /// The media playlist of a rendition. `query` goes with every address in it:
    /// empty, or `token=…&session=…`, to be escaped by the caller.
    #[must_use]
    pub fn playlist(&self, name: &str, request: PlaylistRequest, query: &str) -> Answer<String> {
        if name == "ts" {
            return self.transport_playlist(query);
        }
        match (self.is_there(name, request), self.index(name)) {
            (Answer::Ready(()), Some(index)) => {
                Answer::Ready(self.write_playlist(index, request.skip, query))
            }
            (Answer::Wait, _) => Answer::Wait,
            (Answer::BadRequest(words), _) => Answer::BadRequest(words),
            _ => Answer::Gone,
        }
    }

    /// Whether [`Segmenter::playlist`] has an answer, for who keeps a copy of it
    /// for each version.
    #[must_use]
    pub fn is_there(&self, name: &str, request: PlaylistRequest) -> Answer<()> {
        let wait_or_gone = |over: bool| if over { Answer::Gone } else { Answer::Wait };
        let Some(index) = self.index(name) else {
            return wait_or_gone(self.begun || self.ended);
        };
        if request.part.is_some() && request.msn.is_none() {
            return Answer::BadRequest("_HLS_part needs _HLS_msn");
        }
        let rendition = &self.renditions[index];
        if !rendition.is_ready() || self.target.is_none() {
            return wait_or_gone(self.ended);
        }
        self.reached(rendition, request)
    }

    fn reached(&self, rendition: &Rendition, request: PlaylistRequest) -> Answer<()> {
        let (Some(msn), Some(last)) = (request.msn, rendition.segments.back()) else {
            return Answer::Ready(());
        };
        // Two after the last one that is listed, be it with parts only.
        if msn > last.msn.saturating_add(2) {
            return Answer::BadRequest("_HLS_msn is too far in the future");
        }
        if self.ended {
            return Answer::Ready(());
        }
        let segment = rendition.segments.iter().rev().find(|it| it.msn == msn);
        let there = match (segment, request.part) {
            (None, _) => msn < last.msn,
            (Some(segment), None) => segment.finished,
            (Some(segment), Some(part)) => {
                let has = part < segment.parts.len() as u64;
                // A part after the last one is the first of the next segment.
                has || segment.finished && self.has_begun(rendition, msn.saturating_add(1))
            }
        };
        if there {
            Answer::Ready(())
        } else {
            Answer::Wait
        }
    }

    fn has_begun(&self, rendition: &Rendition, msn: u64) -> bool {
        let has = |segment: &super::segment::Segment| {
            segment.msn >= msn && (segment.finished || !segment.parts.is_empty())
        };
        rendition.segments.iter().rev().any(has)
    }

    /// Media of a rendition: one piece, or the parts of a segment. `run` is the
    /// folder of its name.
    #[must_use]
    pub fn media(&self, name: &str, run: &str, what: Resource) -> Answer<Vec<Bytes>> {
        if let (Resource::Transport(msn), true, "ts") = (what, run == self.run, name) {
            return self.transport_segment(msn);
        }
        let Some(index) = self.index(name).filter(|_| run == self.run) else {
            return Answer::Gone;
        };
        let rendition = &self.renditions[index];
        match what {
            Resource::Init(number) => {
                let map = rendition.maps.iter().find(|(it, _)| *it == number);
                map.map_or(Answer::Gone, |(_, init)| Answer::Ready(vec![init.clone()]))
            }
            Resource::Segment(msn) => {
                let segment = rendition.segments.iter().find(|it| it.msn == msn);
                match segment.filter(|segment| segment.finished) {
                    Some(segment) if !segment.parts.is_empty() => {
                        let parts = segment.parts.iter();
                        Answer::Ready(parts.map(|part| part.data.clone()).collect())
                    }
                    _ => Answer::Gone,
                }
            }
            Resource::Part(msn, part) => self.part(rendition, msn, part),
            Resource::Transport(_) => Answer::Gone,
        }
    }

    fn part(&self, rendition: &Rendition, msn: u64, part: usize) -> Answer<Vec<Bytes>> {
        let segment = rendition.segments.iter().find(|it| it.msn == msn);
        if let Some(part) = segment.and_then(|segment| segment.parts.get(part)) {
            return Answer::Ready(vec![part.data.clone()]);
        }
        // What is hinted, and no more: others would wait for nothing.
        let hinted = rendition.hint();
        if !self.ended && hinted == Some((msn, part)) {
            return Answer::Wait;
        }
        Answer::Gone
    }

    pub(super) fn index(&self, name: &str) -> Option<usize> {
        self.renditions.iter().position(|it| it.name == name)
    }
}

impl Rendition {
    /// The part that comes next: its segment and its number.
    pub(super) fn hint(&self) -> Option<(u64, usize)> {
        let last = self.segments.back()?;
        Some(match last.finished {
            true => (last.msn.saturating_add(1), 0),
            false => (last.msn, last.parts.len()),
        })
    }
}
