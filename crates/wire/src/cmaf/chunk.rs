//! Chunks (CMAF §7.3.2.3): `moof` and `mdat`.

use bytes::Bytes;

use super::boxes::Boxes;

/// One frame of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Ticks until the next frame.
    pub duration: u32,
    /// Ticks from decoding to showing.
    pub offset: i32,
    /// A decoder can start here.
    pub keyframe: bool,
    /// As in [`surecast_media::frame::Frame::data`].
    pub data: Bytes,
}

/// Frames of one track that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The track's number in the file.
    pub track: u32,
    /// Decoding time of the first frame in ticks.
    pub time: u64,
    /// The frames.
    pub samples: &'a [Sample],
}

/// Depends on no other frame (ISO/IEC 14496-12 §8.8.3.1).
const SYNC: u32 = 0x0200_0000;
/// Depends on others; no decoder can start here.
const NOT_SYNC: u32 = 0x0101_0000;

const DATA_OFFSET: u32 = 0x1;
const DURATION: u32 = 0x100;
const SIZE: u32 = 0x200;
const FLAGS: u32 = 0x400;
const OFFSETS: u32 = 0x800;

/// The chunk with these frames. `sequence` counts the chunks of a file.
#[must_use]
pub fn chunk(sequence: u32, runs: &[Run<'_>]) -> Bytes {
    let payload = |run: &Run<'_>| run.samples.iter().map(|it| it.data.len()).sum::<usize>();
    let samples: usize = runs.iter().map(|run| run.samples.len()).sum();
    let total: usize = runs.iter().map(payload).sum();
    let mut out = Boxes(Vec::with_capacity(
        total + 16 * samples + 96 * runs.len() + 48,
    ));
    let mut places = Vec::with_capacity(runs.len());
    out.within(b"moof", |out| {
        out.full(b"mfhd", 0, 0, |out| out.u32(sequence));
        for run in runs {
            places.push(fragment(out, run));
        }
    });
    let mut offset = out.0.len() + 8;
    for (run, place) in runs.iter().zip(places) {
        out.set_u32(place, offset as u32);
        offset += payload(run);
    }
    out.within(b"mdat", |out| {
        for sample in runs.iter().flat_map(|run| run.samples) {
            out.put(&sample.data);
        }
    });
    out.0.into()
}

/// Writes `traf`; tells where the offset of its data is to be written.
fn fragment(out: &mut Boxes, run: &Run<'_>) -> usize {
    let mut place = 0;
    let has_flags = run.samples.iter().any(|sample| !sample.keyframe);
    let has_offsets = run.samples.iter().any(|sample| sample.offset != 0);
    let mut fields = DATA_OFFSET | DURATION | SIZE;
    fields |= if has_flags { FLAGS } else { 0 };
    fields |= if has_offsets { OFFSETS } else { 0 };
    out.within(b"traf", |out| {
        // Offsets count from the `moof`; flags of the samples unless told.
        out.full(b"tfhd", 0, 0x02_0020, |out| {
            out.u32(run.track);
            out.u32(SYNC);
        });
        out.full(b"tfdt", 1, 0, |out| out.u64(run.time));
        out.full(b"trun", 1, fields, |out| {
            out.u32(run.samples.len() as u32);
            place = out.0.len();
            out.u32(0);
            for sample in run.samples {
                out.u32(sample.duration);
                out.u32(sample.data.len() as u32);
                if has_flags {
                    out.u32(if sample.keyframe { SYNC } else { NOT_SYNC });
                }
                if has_offsets {
                    out.u32(sample.offset as u32);
                }
            }
        });
    });
    place
}
