use bytes::Bytes;
use proptest::prelude::*;
use surecast_media::frame::{
    Format, Frame, FrameCodec, Item, MediaTime, Shape, TimedData, TrackNumber,
};
use surecast_media::{aac, h264, opus};

use super::amf::Value;
use super::*;

const VIDEO: TrackNumber = TrackNumber(0);
const AUDIO: TrackNumber = TrackNumber(1);

/// 322x182, baseline.
fn parameter_sets() -> (Vec<u8>, Vec<u8>) {
    let file = include_bytes!("../../../media/tests/vectors/baseline_322x182.h264");
    let of = |kind: u8| {
        let mut units = surecast_media::nal::annex_b(file);
        units
            .find(|unit| unit[0] & 0x1f == kind)
            .expect("a set")
            .to_vec()
    };
    (of(7), of(8))
}

fn h264_format() -> Format {
    let (sps, pps) = parameter_sets();
    h264::format(&[&sps], &[&pps]).expect("a format")
}

fn format(track: TrackNumber, format: Format) -> Item {
    let format = std::sync::Arc::new(format);
    Item::Format { track, format }
}

fn frame(track: TrackNumber, ms: i64, keyframe: bool, data: &'static [u8]) -> Item {
    let dts = MediaTime::from_millis(ms);
    let data = Bytes::from_static(data);
    let frame = Frame {
        dts,
        pts: dts,
        keyframe,
        data,
    };
    Item::Frame { track, frame }
}

/// What is muxed, as a file, demuxed again.
fn again(items: &[Item]) -> Vec<Item> {
    let mut muxer = Muxer::default();
    let mut file = file_header(true, true).to_vec();
    for item in items {
        muxer.handle_item(item);
        while let Some(tag) = muxer.poll_tag() {
            file.extend_from_slice(tag.bytes());
        }
    }
    let mut reader = Reader::default();
    let mut demuxer = Demuxer::default();
    let mut out = Vec::new();
    // In small pieces: where a stream is cut must not matter.
    for piece in file.chunks(7) {
        reader.push(piece);
        while let Some((kind, timestamp, body)) = reader.next_tag().expect("a file") {
            demuxer.handle_tag(kind, timestamp, body).expect("a tag");
            out.extend(std::iter::from_fn(|| demuxer.poll_item()));
        }
    }
    out
}

const IDR: &[u8] = &[0, 0, 0, 3, 0x65, 0x88, 0x84];
const SLICE: &[u8] = &[0, 0, 0, 3, 0x41, 0x9a, 0x24];

#[test]
fn old_codecs_come_back_the_same() {
    let audio = aac::AudioSpecificConfig::low_complexity(48_000, 2).format();
    let items = [
        format(VIDEO, h264_format()),
        format(AUDIO, audio),
        frame(VIDEO, 0, true, IDR),
        frame(AUDIO, 5, true, b"sound"),
        frame(VIDEO, 40, false, SLICE),
    ];
    assert_eq!(again(&items), items);
}

#[test]
fn composition_times_come_back_also_negative_ones() {
    for ahead in [80_000, 0, -40_000] {
        let mut items = [format(VIDEO, h264_format()), frame(VIDEO, 0, true, IDR)];
        if let Item::Frame { frame, .. } = &mut items[1] {
            frame.pts = frame.dts.plus(ahead);
        }
        assert_eq!(again(&items), items);
    }
}

#[test]
fn second_tracks_come_back_as_tracks_of_their_own() {
    let sound = |channels| opus::format(48_000, channels, 0);
    let (second, picture) = (TrackNumber(3), TrackNumber(2));
    let items = [
        format(VIDEO, h264_format()),
        format(AUDIO, sound(2)),
        format(picture, h264_format()),
        format(second, sound(1)),
        frame(VIDEO, 0, true, IDR),
        frame(AUDIO, 0, true, &[0xfc, 1]),
        frame(picture, 20, true, IDR),
        frame(second, 20, true, &[0xfc, 2]),
    ];
    let mut came = again(&items);
    let formats = |items: &[Item]| {
        let mut formats: Vec<_> = items
            .iter()
            .filter_map(|item| match item {
                Item::Format { track, format } => Some((*track, format.clone())),
                _ => None,
            })
            .collect();
        formats.sort_by_key(|(track, _)| *track);
        formats
    };
    assert_eq!(formats(&came), formats(&items));
    came.retain(|item| matches!(item, Item::Frame { .. }));
    assert_eq!(came, items[4..]);
}

#[test]
fn the_end_of_a_track_is_told_and_its_number_comes_back() {
    let items = [
        format(VIDEO, h264_format()),
        frame(VIDEO, 0, true, IDR),
        Item::End { track: VIDEO },
        format(VIDEO, h264_format()),
        frame(VIDEO, 40, true, IDR),
    ];
    assert_eq!(again(&items), items);
}

#[test]
fn messages_come_back_and_metadata_does_not() {
    let data = TimedData::Script {
        name: "onCuePoint".into(),
        json: r#"{"at":[1,2.5,null,true]}"#.into(),
    };
    let items = [Item::Data {
        pts: MediaTime(0),
        data,
    }];
    assert_eq!(again(&items), items);
}

#[test]
fn parameter_sets_in_a_frame_become_a_format() {
    let (sps, pps) = parameter_sets();
    let mut body = vec![0x17, 1, 0, 0, 0];
    for unit in [&sps[..], &pps[..], &IDR[4..]] {
        body.extend(u32::try_from(unit.len()).unwrap().to_be_bytes());
        body.extend(unit);
    }
    let mut demuxer = Demuxer::default();
    for _ in 0..2 {
        demuxer
            .handle_tag(TagKind::Video, 0, body.clone().into())
            .unwrap();
    }
    assert_eq!(demuxer.poll_item(), Some(format(VIDEO, h264_format())));
    assert_eq!(demuxer.poll_item(), Some(frame(VIDEO, 0, true, IDR)));
    assert_eq!(demuxer.poll_item(), Some(frame(VIDEO, 0, true, IDR)));
}

#[test]
fn frames_without_a_configuration_and_empty_ones_are_nothing() {
    let mut demuxer = Demuxer::default();
    for body in [
        &[0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65][..],
        &[0x17, 1, 0, 0, 0, 0, 0, 0, 0],
        &[],
        &[0xaf, 1, 9],
    ] {
        let kind = if body.first() == Some(&0xaf) {
            TagKind::Audio
        } else {
            TagKind::Video
        };
        demuxer
            .handle_tag(kind, 0, Bytes::from_static(body))
            .unwrap();
        assert_eq!(demuxer.poll_item(), None);
    }
}

#[test]
fn codecs_that_are_not_taken_are_named() {
    let mut demuxer = Demuxer::default();
    let words = |kind, body: &'static [u8], demuxer: &mut Demuxer| {
        demuxer
            .handle_tag(kind, 0, Bytes::from_static(body))
            .unwrap_err()
            .to_string()
    };
    assert!(
        words(TagKind::Audio, b"\x91fLaC..", &mut demuxer)
            .starts_with("FLAC is not supported: send")
    );
    assert!(words(TagKind::Audio, b"\xb0", &mut demuxer).starts_with("Speex is not supported"));
    assert!(words(TagKind::Video, b"\x14\0", &mut demuxer).starts_with("VP6 is not supported"));
    assert!(
        words(TagKind::Video, b"\x91abcd", &mut demuxer)
            .starts_with("codec 'abcd' is not supported")
    );
}

#[test]
fn modifiers_bring_nanoseconds() {
    let body = Bytes::from_static(b"\x97\x02\x01\x86\xa0\x01Opusdata");
    let packets = parse_audio(body).unwrap();
    assert_eq!(packets[0].nanos, 100_000);
    assert_eq!(
        (packets[0].codec, &packets[0].data[..]),
        (FrameCodec::Opus, &b"data"[..])
    );
}

#[test]
fn many_tracks_in_a_tag_are_taken_apart() {
    let of_one_codec = Bytes::from_static(b"\x95\x11Opus\x00\x00\x00\x01a\x01\x00\x00\x02bc");
    let of_many = Bytes::from_static(b"\x95\x21Opus\x00\x00\x00\x01a.mp3\x01\x00\x00\x02bc");
    for (body, second) in [(of_one_codec, FrameCodec::Opus), (of_many, FrameCodec::Mp3)] {
        let packets = parse_audio(body).unwrap();
        let parts: Vec<_> = packets
            .iter()
            .map(|it| (it.track, it.codec, &it.data[..]))
            .collect();
        assert_eq!(
            parts,
            [(0, FrameCodec::Opus, &b"a"[..]), (1, second, &b"bc"[..])]
        );
    }
}

#[test]
fn script_data_that_grows_is_stopped() {
    // Objects in objects; a long array; one class name of many bytes, over and over.
    let nested: Vec<u8> = [3, 0, 1, b'a'].repeat(100);
    let long: Vec<u8> = [&[10, 0xff, 0xff, 0xff, 0xff][..], &[5; 10_000]].concat();
    let mut copies = vec![17, 9, 0x8f, 0xff, 0x7f, 1, 10, 0x13, 1];
    copies.extend([0xbf, 0xff, 0x7f]);
    copies.extend(vec![b'n'; (1 << 20) - 1]);
    copies.push(1);
    copies.extend([10, 1, 1].repeat(2000));
    for bomb in [nested, long, copies] {
        assert!(amf0::read_all(&bomb).is_err());
    }
}

#[test]
fn audio_alone_begins_anywhere() {
    let mut muxer = Muxer::default();
    muxer.handle_item(&format(AUDIO, opus::format(48_000, 2, 0)));
    muxer.handle_item(&frame(AUDIO, 9, true, &[0xfc, 1]));
    let roles: Vec<Role> = std::iter::from_fn(|| muxer.poll_tag())
        .map(|tag| tag.role)
        .collect();
    assert_eq!(roles, [Role::Header, Role::Header, Role::KeyFrame]);
    assert_eq!(muxer.kinds(), (true, false));
    assert_eq!(muxer.headers().len(), 2);
    let rate = Shape::Audio {
        rate: 48_000,
        channels: 2,
    };
    assert_eq!(opus::format(48_000, 2, 0).shape, rate);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-1e9..1e9).prop_map(Value::Number),
        ".{0,20}".prop_map(Value::String),
        (0.0..1e12).prop_map(Value::Date),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec(("[a-z]{1,8}", inner), 0..5).prop_map(Value::Object),
        ]
    })
}

proptest! {
    #[test]
    fn amf0_values_survive(values in prop::collection::vec(value(), 0..4)) {
        let mut bytes = Vec::new();
        amf0::write_all(&values, &mut bytes);
        prop_assert_eq!(amf0::read_all(&bytes), Ok(values));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_flv(&bytes);
        let file = [&file_header(true, true)[..], &bytes].concat();
        fuzz_flv(&file);
    }

    #[test]
    fn any_enhanced_body_is_survived(first in 0x80u8..0xff, rest in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut body = vec![first];
        body.extend(rest);
        fuzz_flv(&body);
    }
}
