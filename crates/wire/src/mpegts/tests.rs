//! Streams as ffmpeg writes them, and as we do.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use surecast_media::aac::AudioSpecificConfig;
use surecast_media::frame::{
    Format, Frame, FrameCodec, Item, MediaTime, Shape, TimedData, TrackNumber,
};
use surecast_media::{av1, opus};

use super::*;

const H264_AAC: &[u8] = include_bytes!("../../testdata/mpegts/h264-aac.ts");
const H265_OPUS: &[u8] = include_bytes!("../../testdata/mpegts/h265-opus.ts");
const H264_MP3: &[u8] = include_bytes!("../../testdata/mpegts/h264-mp3.ts");
const LATM: &[u8] = include_bytes!("../../testdata/mpegts/latm.ts");

fn demux(bytes: &[u8], chunk: usize) -> (Vec<Item>, Demuxer) {
    let mut demuxer = Demuxer::new();
    let mut items = Vec::new();
    for chunk in bytes.chunks(chunk.max(1)) {
        demuxer.push(chunk);
        items.extend(std::iter::from_fn(|| demuxer.poll_item()));
    }
    demuxer.finish();
    items.extend(std::iter::from_fn(|| demuxer.poll_item()));
    (items, demuxer)
}

fn items(bytes: &[u8]) -> Vec<Item> {
    demux(bytes, 1316).0
}

fn mux(items: &[Item]) -> Vec<u8> {
    let mut muxer = Muxer::new();
    let mut bytes = Vec::new();
    for item in items {
        muxer.push(item).unwrap();
        bytes.extend(muxer.take());
    }
    bytes
}

fn formats(items: &[Item]) -> Vec<Arc<Format>> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Format { format, .. } => Some(Arc::clone(format)),
            _ => None,
        })
        .collect()
}

fn frames(items: &[Item], number: u8) -> Vec<&Frame> {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Frame {
                track: TrackNumber(track),
                frame,
            } if *track == number => Some(frame),
            _ => None,
        })
        .collect()
}

/// Items of one track, since muxing may change how tracks are interleaved; their
/// times in ticks, since that is what a transport stream has.
fn of_track(items: &[Item], number: u8) -> Vec<Item> {
    let belongs = |item: &&Item| match item {
        Item::Format { track, .. } | Item::Frame { track, .. } | Item::End { track } => {
            track.0 == number
        }
        Item::Data { .. } => false,
    };
    let in_ticks = |item: &Item| match item {
        Item::Frame { track, frame } => {
            let ticks = |time: MediaTime| MediaTime(time.to_ticks(90_000));
            let frame = Frame {
                dts: ticks(frame.dts),
                pts: ticks(frame.pts),
                ..frame.clone()
            };
            Item::Frame {
                track: *track,
                frame,
            }
        }
        other => other.clone(),
    };
    items.iter().filter(belongs).map(in_ticks).collect()
}

#[test]
fn h264_with_b_frames_and_aac() {
    let items = items(H264_AAC);
    let all = formats(&items);
    let codecs: Vec<_> = all
        .iter()
        .map(|format| (format.codec_string(), format.shape))
        .collect();
    assert_eq!(
        codecs,
        [
            (
                "avc1.640009".to_owned(),
                Shape::Video {
                    width: 64,
                    height: 48
                }
            ),
            (
                "mp4a.40.2".to_owned(),
                Shape::Audio {
                    rate: 48_000,
                    channels: 1
                }
            ),
        ]
    );
    let video = frames(&items, 0);
    assert_eq!(video.len(), 30);
    assert_eq!(video.iter().filter(|frame| frame.keyframe).count(), 2);
    assert!(video.iter().any(|frame| frame.pts != frame.dts));
    assert!(
        video
            .windows(2)
            .all(|pair| pair[1].dts.since(pair[0].dts) == 40_000)
    );
    let audio = frames(&items, 1);
    assert_eq!(audio.len(), 58);
    let steps: Vec<i64> = audio
        .windows(2)
        .map(|pair| pair[1].dts.since(pair[0].dts))
        .collect();
    assert!(
        steps.iter().all(|step| (21_320..=21_350).contains(step)),
        "{steps:?}"
    );
}

#[test]
fn h265_and_opus() {
    let items = items(H265_OPUS);
    let codecs: Vec<_> = formats(&items).iter().map(|format| format.codec).collect();
    assert_eq!(codecs, [FrameCodec::H265, FrameCodec::Opus]);
    assert_eq!(frames(&items, 0).len(), 20);
    let audio = frames(&items, 1);
    assert!((40..=42).contains(&audio.len()), "{}", audio.len());
    assert!(
        audio
            .iter()
            .all(|frame| opus::packet_samples(&frame.data) == Some(960))
    );
}

#[test]
fn mp3() {
    let items = items(H264_MP3);
    let all = formats(&items);
    assert_eq!(
        all[1].shape,
        Shape::Audio {
            rate: 44_100,
            channels: 1
        }
    );
    let audio = frames(&items, 1);
    assert!(audio.len() > 28, "{}", audio.len());
    assert!(audio.iter().all(|frame| frame.data[0] == 0xff));
}

#[test]
fn latm_is_refused_in_words() {
    let (items, mut demuxer) = demux(LATM, 188);
    assert_eq!(items, []);
    let words = demuxer.poll_notice().map(|notice| notice.to_string());
    assert_eq!(
        words.as_deref(),
        Some(
            "the stream on PID 256 is left out: AAC in LATM; send AAC with ADTS headers (stream type 0x0f)"
        )
    );
    assert_eq!(demuxer.poll_notice(), None);
}

#[test]
fn what_is_muxed_is_demuxed() {
    for stream in [H264_AAC, H265_OPUS, H264_MP3] {
        let first = items(stream);
        let again = items(&mux(&first));
        for track in 0..2 {
            assert!(
                of_track(&again, track) == of_track(&first, track),
                "track {track}"
            );
        }
    }
}

#[test]
fn other_tracks_and_data_survive() {
    let aac = Arc::new(AudioSpecificConfig::low_complexity(44_100, 2).format());
    let surround = Arc::new(opus::format(48_000, 6, 0));
    let (first, second) = (TrackNumber(3), TrackNumber(1));
    let sound = |track, micros, data: &'static [u8]| Item::Frame {
        track,
        frame: Frame {
            dts: MediaTime(micros),
            pts: MediaTime(micros),
            keyframe: true,
            data: Bytes::from_static(data),
        },
    };
    let tag = TimedData::Id3(Bytes::from_static(b"ID3\x04\0\0\0\0\0\x05hello"));
    let long: &'static [u8] = &[0xfc; 700];
    let sent = [
        Item::Format {
            track: first,
            format: aac,
        },
        Item::Format {
            track: second,
            format: surround,
        },
        sound(first, 1_000_000_000_000_000, b"raw aac"),
        sound(second, 1_000_000_000_000_000, long),
        Item::Data {
            pts: MediaTime(1_000_000_000_000_000),
            data: tag.clone(),
        },
        sound(first, 1_000_000_000_023_222, b"more"),
        Item::End { track: second },
        sound(first, 1_000_000_000_046_444, b"most"),
    ];
    let back = items(&mux(&sent));
    assert_eq!(formats(&back).len(), 2);
    assert!(
        back.iter()
            .any(|item| matches!(item, Item::Data { data, .. } if *data == tag))
    );
    assert_eq!(
        back.iter()
            .filter(|item| matches!(item, Item::End { .. }))
            .count(),
        1
    );
    let all: Vec<_> = back
        .iter()
        .filter_map(|item| match item {
            Item::Frame { frame, .. } => Some(frame.data.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(all, [b"raw aac".as_slice(), long, b"more", b"most"]);
}

#[test]
fn clock_reference_comes_often_and_before_decoding() {
    let bytes = mux(&items(H264_AAC));
    let mut last = None;
    let mut count = 0;
    for packet in bytes.chunks_exact(PACKET_BYTES) {
        let has_pcr = packet[3] & 0x20 != 0 && packet[4] > 0 && packet[5] & 0x10 != 0;
        if !has_pcr {
            continue;
        }
        assert_eq!(
            u16::from_be_bytes([packet[1] & 0x1f, packet[2]]),
            0x100,
            "on the video's PID"
        );
        let pcr = packet[6..10]
            .iter()
            .fold(0u64, |all, byte| all << 8 | u64::from(*byte))
            << 1
            | u64::from(packet[10] >> 7);
        if let Some(last) = last.replace(pcr) {
            assert!(pcr > last && pcr - last <= 9000, "{}", pcr - last);
        }
        count += 1;
    }
    assert!(count >= 12, "{count}");
}

#[test]
fn a_lost_packet_costs_one_frame() {
    let before = items(H264_AAC);
    // The last packet of a picture in the middle.
    let lost = (40..97).find(|index| {
        let at = |index: usize| &H264_AAC[index * PACKET_BYTES..][..4];
        let video = |index: usize| u16::from_be_bytes([at(index)[1] & 0x1f, at(index)[2]]) == 0x100;
        video(*index) && at(*index)[1] & 0x40 == 0
    });
    let at = lost.unwrap() * PACKET_BYTES;
    let bytes = [&H264_AAC[..at], &H264_AAC[at + PACKET_BYTES..]].concat();
    let (after, demuxer) = demux(&bytes, 1316);
    assert_eq!(demuxer.statistics().discontinuities, 1);
    assert_eq!(frames(&after, 0).len() + 1, frames(&before, 0).len());
    assert_eq!(frames(&after, 1), frames(&before, 1));
}

#[test]
fn garbage_in_between_costs_what_it_hit() {
    let at = 50 * PACKET_BYTES;
    let bytes = [&[1, 2, 3], &H264_AAC[..at], &[0x47; 400], &H264_AAC[at..]].concat();
    let (after, demuxer) = demux(&bytes, 1000);
    assert_eq!(demuxer.statistics().resynchronised, 1);
    assert!(frames(&after, 0).len() >= 28);
}

#[test]
fn a_stream_joined_in_the_middle_begins_with_a_keyframe() {
    let bytes = [
        &H264_AAC[..3 * PACKET_BYTES],
        &H264_AAC[20 * PACKET_BYTES..],
    ]
    .concat();
    let joined = items(&bytes);
    let video = frames(&joined, 0);
    assert_eq!(video.len(), 15);
    assert!(video[0].keyframe);
}

#[test]
fn a_new_program_ends_the_old_streams() {
    let bytes = [H264_AAC, H265_OPUS].concat();
    let all = items(&bytes);
    let codecs: Vec<_> = formats(&all).iter().map(|format| format.codec).collect();
    assert_eq!(
        codecs,
        [
            FrameCodec::H264,
            FrameCodec::Aac,
            FrameCodec::H265,
            FrameCodec::Opus
        ]
    );
    assert_eq!(
        all.iter()
            .filter(|item| matches!(item, Item::End { .. }))
            .count(),
        2
    );
}

#[test]
fn vp8_is_refused() {
    let format = Format {
        codec: FrameCodec::Vp8,
        shape: Shape::Video {
            width: 0,
            height: 0,
        },
        config: Bytes::new(),
    };
    let refused = Muxer::new().push(&Item::Format {
        track: TrackNumber(0),
        format: Arc::new(format),
    });
    assert_eq!(
        refused.unwrap_err().to_string(),
        "MPEG-TS does not carry VP8; send H.264, H.265 or AV1 with AAC, Opus or MP3"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        fuzz_mpegts(&bytes);
    }

    /// Damaged packets, dropped packets, any chunking: no panic, and the same
    /// items for each chunking.
    #[test]
    fn damage(
        flips in prop::collection::vec((0usize..17_000, any::<u8>()), 0..60),
        cut in 0usize..17_000,
        length in 0usize..1000,
        chunk in 1usize..2000,
    ) {
        for stream in [H264_AAC, H265_OPUS, H264_MP3] {
            let mut bytes = stream.to_vec();
            for (at, value) in &flips {
                let at = at % bytes.len();
                bytes[at] = *value;
            }
            let cut = cut % bytes.len();
            bytes.drain(cut..(cut + length).min(stream.len()));
            fuzz_mpegts(&bytes);
            prop_assert_eq!(demux(&bytes, chunk).0, demux(&bytes, 1 << 20).0);
        }
    }
}

#[test]
#[ignore = "writes what other tools can look at"]
fn write_for_others() {
    for (name, stream) in [
        ("h264-aac", H264_AAC),
        ("h265-opus", H265_OPUS),
        ("h264-mp3", H264_MP3),
    ] {
        std::fs::write(format!("/tmp/{name}.remuxed.ts"), mux(&items(stream))).unwrap();
    }
}

#[test]
fn av1_survives() {
    const STREAM: &[u8] = include_bytes!("../../testdata/mpegts/av1.obu");
    const DELIMITER: u8 = 2;
    let obus: Vec<av1::Obu<'_>> = av1::obus(STREAM).collect();
    let track = TrackNumber(0);
    let mut sent = Vec::new();
    for (index, unit) in obus.chunk_by(|_, next| next.kind != DELIMITER).enumerate() {
        let data = av1::temporal_unit(unit.iter().copied());
        if index == 0 {
            let header = av1::sequence_header(&data).unwrap();
            let format = av1::format_from_sequence_header(header.whole).unwrap();
            let format = Arc::new(format);
            sent.push(Item::Format { track, format });
        }
        let time = MediaTime(index as i64 * 40_000);
        let keyframe = av1::is_key_temporal_unit(&data);
        let frame = Frame {
            dts: time,
            pts: time,
            keyframe,
            data,
        };
        sent.push(Item::Frame { track, frame });
    }
    assert!(sent.len() > 5, "{}", sent.len());
    assert_eq!(of_track(&items(&mux(&sent)), 0), of_track(&sent, 0));
}
