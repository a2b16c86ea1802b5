//! Streams whose headers encoders made, and whose pictures are noise.

use bytes::Bytes;
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};
use surecast_media::{av1, h264, h265, nal, opus, vp8, vp9};

pub(super) const CODECS: [FrameCodec; 6] = [
    FrameCodec::H264,
    FrameCodec::H265,
    FrameCodec::Av1,
    FrameCodec::Vp8,
    FrameCodec::Vp9,
    FrameCodec::Opus,
];

/// Every so many frames there is a keyframe.
const GROUP: usize = 8;

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../../media/tests/vectors/", $name))
    };
}

/// `count` frames, 25 a second.
pub(super) fn stream(
    codec: FrameCodec,
    count: usize,
    rng: &mut fastrand::Rng,
) -> (Format, Vec<Frame>) {
    let (format, make) = maker(codec);
    let mut frames = Vec::new();
    for at in 0..count {
        let keyframe = at % GROUP == 0 || codec == FrameCodec::Opus;
        let most = if codec == FrameCodec::Opus { 200 } else { 5000 };
        // No byte that ends a superframe.
        let noise: Vec<u8> = (0..rng.usize(8..most)).map(|_| rng.u8(1..0xc0)).collect();
        let pts = MediaTime(40_000 * i64::try_from(at).unwrap());
        frames.push(Frame {
            dts: pts,
            pts,
            keyframe,
            data: make(keyframe, &noise),
        });
    }
    (format, frames)
}

type Make = Box<dyn Fn(bool, &[u8]) -> Bytes>;

fn maker(codec: FrameCodec) -> (Format, Make) {
    match codec {
        FrameCodec::H264 => {
            let (format, _) = h264(vector!("high_1080p.h264"));
            (
                format,
                Box::new(|key, noise| units(&[if key { 0x65 } else { 0x41 }], noise)),
            )
        }
        FrameCodec::H265 => {
            let unit = h265::access_unit(nal::annex_b(vector!("main_1080p.h265")));
            let format = h265::format(&[&unit.vps[0]], &[&unit.sps[0]], &[&unit.pps[0]]);
            let head = |key| if key { [0x26, 1] } else { [0x02, 1] };
            (
                format.unwrap(),
                Box::new(move |key, noise| units(&head(key), noise)),
            )
        }
        FrameCodec::Av1 => {
            let header = av1::sequence_header(vector!("main_322x182.obu")).unwrap();
            let format = av1::format_from_sequence_header(header.whole);
            let header = header.whole.to_vec();
            (
                format.unwrap(),
                Box::new(move |key, noise| temporal_unit(&header, key, noise)),
            )
        }
        FrameCodec::Vp8 => {
            let file = vector!("322x182.vp8.ivf");
            let format = vp8::format_from_keyframe(&file[44..]);
            let head = |key| if key { &file[44..54] } else { &[0x31, 2, 0] };
            (
                format.unwrap(),
                Box::new(move |key, noise| [head(key), noise].concat().into()),
            )
        }
        FrameCodec::Vp9 => {
            let file = vector!("322x182.vp9.ivf");
            let format = vp9::format_from_keyframe(&file[44..60]);
            let head = |key| if key { &file[44..60] } else { &[0x86, 0] };
            (
                format.unwrap(),
                Box::new(move |key, noise| [head(key), noise].concat().into()),
            )
        }
        _ => (
            opus::format(48_000, 2, 0),
            Box::new(|_, noise| [&[0xfc], noise].concat().into()),
        ),
    }
}

/// A message of few bytes and a slice.
fn units(head: &[u8], noise: &[u8]) -> Bytes {
    let slice = [head, noise].concat();
    nal::join_length_prefixed([&slice[..slice.len() / 3 + 2], &slice].into_iter())
}

fn temporal_unit(header: &[u8], key: bool, noise: &[u8]) -> Bytes {
    let frame = [&[0x30, if key { 0x10 } else { 0x30 }], noise].concat();
    // Metadata, which keeps the packets from being all of one OBU.
    let metadata = [0x28, 4, 1, 2, 3];
    let obus = [&metadata[..], &frame].map(|obu| av1::Obu::parse(obu).unwrap());
    let header = av1::Obu::parse(header).filter(|_| key);
    av1::temporal_unit(header.into_iter().chain(obus))
}

fn h264(stream: &[u8]) -> (Format, Bytes) {
    let unit = h264::access_unit(nal::annex_b(stream));
    let format = h264::format(&[&unit.sps[0]], &[&unit.pps[0]]);
    (format.unwrap(), unit.data)
}

/// Another size than that of [`stream`].
pub(super) fn h264_small() -> (Format, Bytes) {
    h264(vector!("baseline_322x182.h264"))
}
