//! Initialization segments (CMAF §7.3.1): `ftyp` and a `moov` without samples.

use bytes::Bytes;
use surecast_media::control::Kind;
use surecast_media::frame::{Format, Shape};

use super::boxes::Boxes;
use super::entry;

/// One track of a file.
#[derive(Clone, Copy, Debug)]
pub struct Track<'a> {
    /// Its number in the file, from 1 on.
    pub id: u32,
    /// What it carries.
    pub format: &'a Format,
}

/// Ticks a second of a track: samples for sound, 90,000 for pictures.
#[must_use]
pub fn timescale(format: &Format) -> u32 {
    match format.shape {
        Shape::Audio { rate, .. } if rate > 0 => rate,
        Shape::Audio { .. } => 48_000,
        Shape::Video { .. } => 90_000,
    }
}

/// The initialization segment of these tracks. `None` where a configuration is
/// damaged.
#[must_use]
pub fn init(tracks: &[Track<'_>]) -> Option<Bytes> {
    let mut out = Boxes::default();
    out.within(b"ftyp", |out| {
        out.put(b"iso6");
        out.u32(0);
        out.put(b"iso6cmfcmp41");
    });
    let mut fine = Some(());
    out.within(b"moov", |out| {
        movie_header(out, tracks.len());
        for each in tracks {
            fine = fine.and_then(|()| track(out, each));
        }
        out.within(b"mvex", |out| {
            for track in tracks {
                out.full(b"trex", 0, 0, |out| {
                    out.u32(track.id);
                    out.u32(1);
                    out.zeros(12);
                });
            }
        });
    });
    fine.map(|()| out.0.into())
}

fn matrix(out: &mut Boxes) {
    for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
        out.u32(value);
    }
}

fn movie_header(out: &mut Boxes, tracks: usize) {
    out.full(b"mvhd", 0, 0, |out| {
        out.zeros(8);
        out.u32(1000);
        out.u32(0);
        out.u32(0x0001_0000);
        out.u16(0x0100);
        out.zeros(10);
        matrix(out);
        out.zeros(24);
        out.u32(tracks as u32 + 1);
    });
}

fn track(out: &mut Boxes, track: &Track<'_>) -> Option<()> {
    let mut fine = None;
    out.within(b"trak", |out| {
        track_header(out, track);
        out.within(b"mdia", |out| {
            out.full(b"mdhd", 0, 0, |out| {
                out.zeros(8);
                out.u32(timescale(track.format));
                out.u32(0);
                // Undetermined language.
                out.u16(0x55c4);
                out.u16(0);
            });
            let (handler, name): (&[u8; 4], &[u8]) = match track.format.codec.kind() {
                Kind::Video => (b"vide", b"video\0"),
                Kind::Audio => (b"soun", b"audio\0"),
            };
            out.full(b"hdlr", 0, 0, |out| {
                out.u32(0);
                out.put(handler);
                out.zeros(12);
                out.put(name);
            });
            out.within(b"minf", |out| fine = information(out, track));
        });
    });
    fine
}

fn track_header(out: &mut Boxes, track: &Track<'_>) {
    // Enabled, and part of the movie.
    out.full(b"tkhd", 0, 3, |out| {
        out.zeros(8);
        out.u32(track.id);
        out.zeros(16);
        out.u16(0);
        out.u16(0);
        let (volume, width, height) = match track.format.shape {
            Shape::Audio { .. } => (0x0100, 0, 0),
            Shape::Video { width, height } => (0, width, height),
        };
        out.u16(volume);
        out.u16(0);
        matrix(out);
        out.u32(width.min(0xffff) << 16);
        out.u32(height.min(0xffff) << 16);
    });
}

fn information(out: &mut Boxes, track: &Track<'_>) -> Option<()> {
    match track.format.codec.kind() {
        Kind::Video => out.full(b"vmhd", 0, 1, |out| out.zeros(8)),
        Kind::Audio => out.full(b"smhd", 0, 0, |out| out.zeros(4)),
    }
    out.within(b"dinf", |out| {
        out.full(b"dref", 0, 0, |out| {
            out.u32(1);
            // In this file.
            out.full(b"url ", 0, 1, |_| {});
        });
    });
    let mut fine = None;
    out.within(b"stbl", |out| {
        out.full(b"stsd", 0, 0, |out| {
            out.u32(1);
            fine = entry::entry(out, track.format);
        });
        for kind in [b"stts", b"stsc", b"stco"] {
            out.full(kind, 0, 0, |out| out.u32(0));
        }
        out.full(b"stsz", 0, 0, |out| out.zeros(8));
    });
    fine
}
