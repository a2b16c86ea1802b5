//! The multivariant playlist.

use std::fmt::Write;

use surecast_media::control::Kind;
use surecast_media::frame::Shape;

use super::answer::Answer;
use super::playlist::tail;
use super::rendition::Rendition;
use super::segmenter::Segmenter;

/// Announced where nothing was measured: a segment may be a gap.
const LEAST_BANDWIDTH: u64 = 1000;

impl Segmenter {
    /// The multivariant playlist: a variant per track with pictures, the sounds
    /// beside it. `query` goes with every address in it, as in
    /// [`Segmenter::playlist`].
    #[must_use]
    pub fn multivariant(&self, query: &str) -> Answer<String> {
        let ready = |it: &&Rendition| it.is_ready() && (it.track.is_some() || self.ended);
        let of = |kind| {
            let all = self.renditions.iter().filter(move |it| it.kind == kind);
            all.filter(ready).collect::<Vec<_>>()
        };
        let (pictures, sounds) = (of(Kind::Video), of(Kind::Audio));
        let lead = self.lead.map(|lead| &self.renditions[lead]);
        let lead_ready = lead.is_some_and(|lead| lead.is_ready());
        // Sound is there a frame later than pictures, a segment later where it is
        // encoded anew, or does not come at all.
        let finished = |it: &Rendition| it.segments.iter().filter(|it| it.finished).count();
        let patient = !self.ended && lead.is_none_or(|lead| finished(lead) < 3);
        let missing = |it: &Rendition| it.track.is_some() && !it.is_ready();
        if patient && self.renditions.iter().any(missing) {
            return Answer::Wait;
        }
        if self.target.is_none() || !lead_ready || (pictures.is_empty() && sounds.is_empty()) {
            return if self.ended {
                Answer::Gone
            } else {
                Answer::Wait
            };
        }
        let mut out = String::from("#EXTM3U\n#EXT-X-VERSION:9\n");
        if pictures.is_empty() {
            for sound in &sounds {
                variant(&mut out, sound, &[], query);
            }
            return Answer::Ready(out);
        }
        for (number, sound) in sounds.iter().enumerate() {
            group_member(&mut out, sound, number, query);
        }
        for picture in &pictures {
            variant(&mut out, picture, &sounds, query);
        }
        Answer::Ready(out)
    }
}

fn group_member(out: &mut String, sound: &Rendition, number: usize, query: &str) {
    let Shape::Audio { channels, .. } = sound.format.shape else {
        return;
    };
    let default = if number == 0 { "YES" } else { "NO" };
    let _ = writeln!(
        out,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio {}\",DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{channels}\",URI=\"{}.m3u8{}\"",
        number + 1,
        sound.name,
        tail(query)
    );
}

fn variant(out: &mut String, main: &Rendition, sounds: &[&Rendition], query: &str) {
    let rate = |of: fn(&Rendition) -> u64| {
        let sound = sounds.iter().map(|it| of(it)).max().unwrap_or(0);
        (of(main) + sound).max(LEAST_BANDWIDTH)
    };
    let mut codecs = vec![main.format.codec_string()];
    for sound in sounds {
        let codec = sound.format.codec_string();
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    let _ = write!(
        out,
        "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"",
        rate(peak),
        rate(average),
        codecs.join(",")
    );
    if let Shape::Video { width, height } = main.format.shape {
        if width > 0 && height > 0 {
            let _ = write!(out, ",RESOLUTION={width}x{height}");
        }
        if let Some(frames) = frame_rate(main) {
            let _ = write!(out, ",FRAME-RATE={frames:.3}");
        }
    }
    if !sounds.is_empty() {
        out.push_str(",AUDIO=\"audio\"");
    }
    let _ = writeln!(out, "\n{}.m3u8{}", main.name, tail(query));
}

/// Bits a second of the segment that has most.
fn peak(rendition: &Rendition) -> u64 {
    let finished = rendition.segments.iter().filter(|it| it.finished);
    let rates = finished.map(|it| rate(it.bytes, it.micros()));
    rates.max().unwrap_or(0)
}

/// Bits a second of all segments.
fn average(rendition: &Rendition) -> u64 {
    let finished = rendition.segments.iter().filter(|it| it.finished);
    let (bytes, micros) = finished.fold((0, 0), |(bytes, micros), it| {
        (bytes + it.bytes, micros + it.micros())
    });
    rate(bytes, micros)
}

fn rate(bytes: usize, micros: i64) -> u64 {
    (bytes as u64).saturating_mul(8_000_000) / micros.max(1) as u64
}

/// Frames a second of the last segment that has some.
fn frame_rate(rendition: &Rendition) -> Option<f64> {
    let mut latest = rendition.segments.iter().rev();
    let segment = latest.find(|it| it.finished && it.frames > 1)?;
    let seconds = segment.micros() as f64 / 1e6;
    (seconds > 0.0).then(|| f64::from(segment.frames) / seconds)
}
