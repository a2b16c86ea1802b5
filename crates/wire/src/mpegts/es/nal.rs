//! H.264 and H.265 as Annex B byte streams.

use std::collections::VecDeque;

use bytes::Bytes;
use surecast_media::frame::{Format, Frame};
use surecast_media::{h264, h265, nal};

use super::{Cadence, Track};

/// More units than an access unit has: 68 slices of 4K in HEVC with one row
/// each, parameter sets, captions. A PES packet full of empty units ends here.
const MAX_UNITS: usize = 1024;
/// What `avcC` can hold of SPS (five bits); PPS and VPS are rarely more than
/// two. More between two keyframes push out the oldest.
const MAX_SETS: usize = 31;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mpegts) enum Codec {
    /// H.264.
    H264,
    /// H.265.
    H265,
}

/// What a unit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Delimiter,
    Vps,
    Sps,
    Pps,
    /// A slice; of a picture at which a decoder can start.
    Slice {
        key: bool,
    },
    /// Supplemental information before the picture.
    Sei,
    /// End of sequence, filler.
    Dropped,
    Other,
}

impl Codec {
    /// By nal_unit_type (H.264 table 7-1, H.265 table 7-1).
    fn role(self, unit: &[u8]) -> Role {
        let first = unit.first().copied().unwrap_or(0);
        match self {
            Self::H264 => match first & 0x1f {
                1..=4 => Role::Slice { key: false },
                5 => Role::Slice { key: true },
                6 => Role::Sei,
                7 => Role::Sps,
                8 => Role::Pps,
                9 => Role::Delimiter,
                10..=12 => Role::Dropped,
                _ => Role::Other,
            },
            Self::H265 => match first >> 1 & 0x3f {
                kind @ 0..=31 => Role::Slice {
                    key: (16..=23).contains(&kind),
                },
                32 => Role::Vps,
                33 => Role::Sps,
                34 => Role::Pps,
                35 => Role::Delimiter,
                36..=38 => Role::Dropped,
                39 => Role::Sei,
                _ => Role::Other,
            },
        }
    }

    /// An access unit delimiter that allows any slice, with its start code.
    pub(in crate::mpegts) fn delimiter(self) -> &'static [u8] {
        match self {
            Self::H264 => &[0, 0, 0, 1, 0x09, 0xf0],
            Self::H265 => &[0, 0, 0, 1, 0x46, 0x01, 0x50],
        }
    }
}

/// Parameter sets of one kind, as they came since the last keyframe.
#[derive(Debug, Default)]
struct Sets {
    fresh: VecDeque<Bytes>,
    in_force: Vec<Bytes>,
}

impl Sets {
    fn add(&mut self, unit: &[u8]) {
        if self.fresh.iter().any(|known| known == unit) {
            return;
        }
        if self.fresh.len() == MAX_SETS {
            self.fresh.pop_front();
        }
        self.fresh.push_back(Bytes::copy_from_slice(unit));
    }

    /// A keyframe: what came since the last one replaces what was in force.
    fn enforce(&mut self) -> Vec<&[u8]> {
        if !self.fresh.is_empty() {
            self.in_force = self.fresh.drain(..).collect();
        }
        self.in_force.iter().map(Bytes::as_ref).collect()
    }
}

/// Reads access units.
#[derive(Debug)]
pub(in crate::mpegts) struct Reader {
    codec: Codec,
    vps: Sets,
    sps: Sets,
    pps: Sets,
    /// A keyframe with its format came.
    running: bool,
    cadence: Cadence,
}

impl Reader {
    pub(super) fn new(codec: Codec) -> Self {
        Self {
            codec,
            vps: Sets::default(),
            sps: Sets::default(),
            pps: Sets::default(),
            running: false,
            cadence: Cadence::default(),
        }
    }

    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        mut times: Option<(i64, i64)>,
        out: &mut Track<'_>,
    ) {
        let units: Vec<&[u8]> = nal::annex_b(payload).take(MAX_UNITS).collect();
        for unit in self.access_units(&units) {
            // What the PES packet says is for its first access unit.
            self.access_unit(unit, &mut times, out);
        }
    }

    /// Cuts before each delimiter.
    fn access_units<'a, 'u>(&self, units: &'a [&'u [u8]]) -> Vec<&'a [&'u [u8]]> {
        let codec = self.codec;
        units
            .chunk_by(|_, next| codec.role(next) != Role::Delimiter)
            .collect()
    }

    fn access_unit(
        &mut self,
        units: &[&[u8]],
        times: &mut Option<(i64, i64)>,
        out: &mut Track<'_>,
    ) {
        let mut kept: Vec<&[u8]> = Vec::with_capacity(units.len());
        let (mut picture, mut keyframe, mut recovery, mut fresh_sps) = (false, false, false, false);
        for unit in units {
            match self.codec.role(unit) {
                Role::Delimiter | Role::Dropped => continue,
                Role::Vps => self.vps.add(unit),
                Role::Sps => {
                    self.sps.add(unit);
                    fresh_sps = true;
                }
                Role::Pps => self.pps.add(unit),
                Role::Slice { key } => {
                    picture = true;
                    keyframe |= key;
                    kept.push(unit);
                }
                Role::Sei => {
                    recovery |= self.codec == Codec::H264 && is_recovery_point(unit);
                    kept.push(unit);
                }
                Role::Other => kept.push(unit),
            }
        }
        if !picture {
            return;
        }
        // Contribution encoders send no IDR after the first, but a recovery
        // point with the parameter sets at each place to start from.
        keyframe |= recovery && fresh_sps;
        let Some((pts, dts)) = self.cadence.next(times.take()) else {
            return;
        };
        if keyframe {
            self.running = self.begin(out);
        }
        if self.running {
            let data = nal::join_length_prefixed(kept.into_iter());
            out.frame(Frame {
                dts,
                pts,
                keyframe,
                data,
            });
        }
    }

    /// Tells the format; false where the parameter sets are not there.
    fn begin(&mut self, out: &mut Track<'_>) -> bool {
        match self.current_format() {
            Some(format) => {
                out.format(format);
                true
            }
            None => false,
        }
    }

    fn current_format(&mut self) -> Option<Format> {
        let (sps, pps) = (self.sps.enforce(), self.pps.enforce());
        match self.codec {
            Codec::H264 => h264::format(&sps, &pps),
            Codec::H265 => h265::format(&self.vps.enforce(), &sps, &pps),
        }
    }
}

/// Whether the first message of the unit is a recovery point that needs no
/// further picture (H.264 §D.1.8: payload type 6, recovery_frame_cnt 0, which is
/// coded as a single 1).
fn is_recovery_point(unit: &[u8]) -> bool {
    let mut rest = unit.get(1..).unwrap_or_default();
    // Encoders put buffering period and picture timing before it.
    while let [kind, size, after @ ..] = rest {
        if *kind == 6 {
            return after.first().is_some_and(|first| first & 0x80 != 0);
        }
        if *kind == 0xff || *size == 0xff {
            return false;
        }
        rest = after.get(usize::from(*size)..).unwrap_or_default();
    }
    false
}
