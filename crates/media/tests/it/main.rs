//! What is read from real bitstreams, which FFmpeg 5.1 made with x264, x265,
//! SVT-AV1, libvpx and its own AAC encoder.

use surecast_media::aac::{self, AudioSpecificConfig};
use surecast_media::frame::{Format, Shape};
use surecast_media::{av1, h264, h265, nal, vp8, vp9};

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../vectors/", $name))
    };
}

fn slices(sets: &[bytes::Bytes]) -> Vec<&[u8]> {
    sets.iter().map(AsRef::as_ref).collect()
}

fn size(format: &Format) -> (u32, u32) {
    match format.shape {
        Shape::Video { width, height } => (width, height),
        Shape::Audio { .. } => (0, 0),
    }
}

/// One stream of H.264 as one picture: its format and whether it has B-frames.
fn h264(stream: &[u8]) -> (Format, h264::Sps, bool) {
    let unit = h264::access_unit(nal::annex_b(stream));
    assert!(unit.keyframe);
    let format = h264::format(&slices(&unit.sps), &slices(&unit.pps)).unwrap();
    let again = nal::to_annex_b(&unit.data, Some(&format));
    assert_eq!(h264::access_unit(nal::annex_b(&again)), unit);
    let sps = h264::Sps::parse(&unit.sps[0]).unwrap();
    assert_eq!(h264::Sps::id(&unit.sps[0]), Some(0));
    (format, sps, unit.has_b_slice)
}

#[test]
fn h264_high() {
    let (format, sps, _) = h264(vector!("high_1080p.h264"));
    assert_eq!(size(&format), (1920, 1080), "cropped from 1088");
    assert_eq!(format.codec_string(), "avc1.640028");
    assert_eq!(sps.reorder_frames, Some(2), "x264's default");
    assert_eq!(sps.frame_rate.map(|(n, d)| n / d), Some(30));
    // As FFmpeg writes the record for the same stream.
    let head = [1, 0x64, 0, 0x28, 0xff, 0xe1];
    assert_eq!(&format.config[..6], head);
    assert_eq!(
        &format.config[format.config.len() - 4..],
        [0xfd, 0xf8, 0xf8, 0]
    );
}

#[test]
fn h264_with_b_frames() {
    let (format, sps, has_b) = h264(vector!("b_frames_322x182.h264"));
    assert_eq!(size(&format), (322, 182));
    assert_eq!(sps.reorder_frames, Some(2));
    assert!(has_b);
}

#[test]
fn h264_without_b_frames() {
    let (format, sps, has_b) = h264(vector!("baseline_322x182.h264"));
    assert_eq!(size(&format), (322, 182));
    assert_eq!(format.codec_string(), "avc1.42c00d");
    assert_eq!(sps.reorder_frames, Some(0));
    assert!(!has_b);
}

#[test]
fn h264_records_are_normalised() {
    let (format, ..) = h264(vector!("high_1080p.h264"));
    let mut record = format.config.to_vec();
    record[4] = 0xfd;
    assert_eq!(h264::parameter_sets(&record).unwrap().length_size, 2);
    assert_eq!(h264::format_from_config(record.into()), Some(format));
}

fn h265(stream: &[u8]) -> (Format, h265::Sps) {
    let unit = h265::access_unit(nal::annex_b(stream));
    assert!(unit.keyframe);
    let format = h265::format(&slices(&unit.vps), &slices(&unit.sps), &slices(&unit.pps)).unwrap();
    assert_eq!(
        h265::format_from_config(format.config.clone()).as_ref(),
        Some(&format)
    );
    let again = nal::to_annex_b(&unit.data, Some(&format));
    assert_eq!(h265::access_unit(nal::annex_b(&again)), unit);
    let sps = h265::Sps::parse(&unit.sps[0]).unwrap();
    (format, sps)
}

#[test]
fn h265_main() {
    let (format, sps) = h265(vector!("main_1080p.h265"));
    assert_eq!(size(&format), (1920, 1080));
    assert_eq!(format.codec_string(), "hvc1.1.6.L120.90");
    assert!(sps.reorder_frames > 0, "x265's default has B-frames");
}

#[test]
fn h265_main_10() {
    let (format, sps) = h265(vector!("main10_322x182.h265"));
    assert_eq!(size(&format), (322, 182));
    assert_eq!(format.codec_string(), "hvc1.2.4.L60.90");
    assert_eq!((sps.luma_depth, sps.chroma_depth), (10, 10));
    // The record of FFmpeg for the same stream, up to the arrays.
    let record = [
        1, 2, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x3c, 0xf0, 0, 0xfc, 0xfd, 0xfa, 0xfa, 0, 0, 0x0f,
    ];
    assert_eq!(&format.config[..22], record);
}

#[test]
fn av1_main() {
    let stream = vector!("main_322x182.obu");
    assert!(av1::is_key_temporal_unit(stream));
    let header = av1::sequence_header(stream).unwrap();
    let format = av1::format_from_sequence_header(header.whole).unwrap();
    assert_eq!(size(&format), (322, 182));
    assert_eq!(format.codec_string(), "av01.0.00M.08");
    assert_eq!(
        format.config[..4],
        [0x81, 0, 0x0c, 0],
        "as FFmpeg writes it"
    );
    assert_eq!(
        av1::format_from_config(format.config.clone()).as_ref(),
        Some(&format)
    );
    // Three temporal delimiters, two bytes each, are left out.
    let frame = av1::temporal_unit(av1::obus(stream));
    assert_eq!(frame.len(), stream.len() - 6);
}

/// The frames of an IVF file.
fn ivf(file: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut rest = &file[32..];
    while let Some((head, tail)) = rest.split_first_chunk::<12>() {
        let len = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let (frame, tail) = tail.split_at(usize::try_from(len).unwrap());
        frames.push(frame);
        rest = tail;
    }
    frames
}

#[test]
fn vp8_frames() {
    let frames = ivf(vector!("322x182.vp8.ivf"));
    let format = vp8::format_from_keyframe(frames[0]).unwrap();
    assert_eq!(size(&format), (322, 182));
    assert_eq!(format.codec_string(), "vp08.00.00.08");
    assert!(!vp8::is_key_frame(frames[1]));
    assert_eq!(vp8::format_from_keyframe(frames[1]), None);
}

#[test]
fn vp9_frames() {
    let frames = ivf(vector!("322x182.vp9.ivf"));
    let format = vp9::format_from_keyframe(frames[0]).unwrap();
    assert_eq!(size(&format), (322, 182));
    assert_eq!(format.codec_string(), "vp09.00.11.08");
    assert!(frames[1..].iter().all(|frame| !vp9::is_key_frame(frame)));
}

#[test]
fn aac_in_adts() {
    let stream = vector!("lc_44100_stereo.aac");
    let frames: Vec<_> = aac::adts::frames(stream).collect();
    let bytes: usize = frames.iter().map(|(header, _)| header.frame_len).sum();
    assert_eq!(bytes, stream.len());
    let config = frames[0].0.config();
    assert_eq!(config, AudioSpecificConfig::low_complexity(44_100, 2));
}
