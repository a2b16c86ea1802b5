//! Plain HLS for players that take MPEG transport streams only: pictures and
//! sound in one, made of the same segments when they are asked for.

use std::fmt::Write;

use bytes::Bytes;
use surecast_media::control::Kind;
use surecast_media::frame::{Frame, Item, MediaTime, TrackNumber};

use super::answer::Answer;
use super::playlist::{date, tail};
use super::rendition::Rendition;
use super::segment::Segment;
use super::segmenter::Segmenter;
use crate::cmaf::read;
use crate::mpegts::Muxer;

/// Where the timeline begins, in microseconds: decoders want the clock reference
/// to run ahead of the first frame.
const BEGIN: i64 = 10_000_000;

impl Segmenter {
    /// The media playlist of the transport stream, without anything that players
    /// of 2009 do not know. `query` as in [`Segmenter::playlist`].
    #[must_use]
    pub fn transport_playlist(&self, query: &str) -> Answer<String> {
        let Some((main, target)) = self.main().zip(self.target) else {
            return if self.ended {
                Answer::Gone
            } else {
                Answer::Wait
            };
        };
        let listed = main.segments.iter().skip(main.unlisted);
        let listed: Vec<&Segment> = listed.filter(|it| self.is_whole(it)).collect();
        let Some(first) = listed.first() else {
            return if self.ended {
                Answer::Gone
            } else {
                Answer::Wait
            };
        };
        let mut out = format!(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n",
            // A frame more where sound reaches further than pictures.
            target + 1,
            first.msn
        );
        let breaks = first.breaks_before - u64::from(first.breaks);
        if breaks > 0 {
            let _ = writeln!(out, "#EXT-X-DISCONTINUITY-SEQUENCE:{breaks}");
        }
        for segment in listed {
            if segment.breaks {
                out.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let seconds = segment.duration as f64 / f64::from(segment.scale);
            let _ = writeln!(
                out,
                "#EXT-X-PROGRAM-DATE-TIME:{}\n#EXTINF:{seconds:.5},\nts/{}/{}.ts{}",
                date(segment.date),
                self.run,
                segment.msn,
                tail(query)
            );
        }
        if self.ended {
            out.push_str("#EXT-X-ENDLIST\n");
        }
        Answer::Ready(out)
    }

    /// A segment of the transport stream.
    pub(super) fn transport_segment(&self, msn: u64) -> Answer<Vec<Bytes>> {
        let mut frames = Vec::new();
        let mut muxer = Muxer::new();
        for (rendition, track) in self.chosen().into_iter().zip(0..) {
            let found = rendition.segments.iter().find(|it| it.msn == msn);
            let Some(segment) = found.filter(|segment| segment.finished) else {
                continue;
            };
            let track = TrackNumber(track);
            let format = segment.format.clone();
            if muxer.push(&Item::Format { track, format }).is_err() {
                return Answer::BadRequest("transport streams cannot carry this codec");
            }
            frames.extend(frames_of(segment).map(|frame| Item::Frame { track, frame }));
        }
        if frames.is_empty() {
            return Answer::Gone;
        }
        frames.sort_by_key(|item| match item {
            Item::Frame { frame, .. } => frame.dts,
            _ => MediaTime(0),
        });
        muxer.segment_start();
        for frame in &frames {
            // Its format was taken.
            let _ = muxer.push(frame);
        }
        Answer::Ready(vec![muxer.take()])
    }

    /// The first pictures and the first sound.
    fn chosen(&self) -> Vec<&Rendition> {
        let first = |kind| {
            let mut all = self.renditions.iter();
            all.find(move |it| it.kind == kind && !it.segments.is_empty())
        };
        let both = [first(Kind::Video), first(Kind::Audio)];
        both.into_iter().flatten().collect()
    }

    fn main(&self) -> Option<&Rendition> {
        self.chosen().into_iter().next()
    }

    /// All that belongs to it is there.
    fn is_whole(&self, segment: &Segment) -> bool {
        let complete = |it: &&Rendition| {
            let same = it.segments.iter().find(|other| other.msn == segment.msn);
            same.is_none_or(|other| other.finished)
        };
        segment.finished && !segment.parts.is_empty() && self.chosen().iter().all(complete)
    }
}

/// The frames of our own chunks: one run each, its data in order.
fn frames_of(segment: &Segment) -> impl Iterator<Item = Frame> + '_ {
    let time = |ticks: i64| MediaTime::from_ticks(ticks, segment.scale).plus(BEGIN);
    segment.parts.iter().flat_map(move |part| {
        let runs = read::runs(&part.data);
        let data = read::boxes(&part.data).find(|(kind, _)| kind == b"mdat");
        let data = data.map_or(Bytes::new(), |(_, body)| part.data.slice_ref(body));
        let mut at = 0;
        let mut frames = Vec::new();
        for run in runs {
            let mut ticks = run.time as i64;
            for sample in run.samples {
                let end = at + sample.size as usize;
                let whole = end <= data.len();
                frames.push(Frame {
                    dts: time(ticks),
                    pts: time(ticks + i64::from(sample.offset)),
                    keyframe: sample.keyframe,
                    data: if whole {
                        data.slice(at..end)
                    } else {
                        Bytes::new()
                    },
                });
                at = end;
                ticks += i64::from(sample.duration);
            }
        }
        frames
    })
}
