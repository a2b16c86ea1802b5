use bytes::Bytes;
use proptest::prelude::*;
use shiguredo_mp4::boxes::{FtypBox, MoofBox, MoovBox, SampleEntry};
use shiguredo_mp4::{Decode, Either};
use surecast_media::frame::{Format, FrameCodec, Shape};
use surecast_media::{aac, opus};

use super::*;

fn video(codec: FrameCodec, config: &'static [u8]) -> Format {
    Format {
        codec,
        shape: Shape::Video {
            width: 640,
            height: 360,
        },
        config: Bytes::from_static(config),
    }
}

const AVCC: &[u8] = &[1, 66, 0xc0, 30, 0xff, 0xe1, 0, 1, 0x67, 1, 0, 1, 0x68];

fn entries(formats: &[Format]) -> Vec<SampleEntry> {
    let tracks: Vec<_> = formats
        .iter()
        .zip(1..)
        .map(|(format, id)| Track { id, format })
        .collect();
    let bytes = init(&tracks).unwrap();
    let (_, used) = FtypBox::decode(&bytes).unwrap();
    let (moov, more) = MoovBox::decode(&bytes[used..]).unwrap();
    assert_eq!(used + more, bytes.len());
    assert_eq!(moov.mvex_box.unwrap().trex_boxes.len(), formats.len());
    let traks = moov.trak_boxes.into_iter();
    traks
        .map(|trak| {
            let minf = trak.mdia_box.minf_box;
            let is_sound = matches!(minf.smhd_or_vmhd_box, Some(Either::A(_)));
            assert_eq!(is_sound, &trak.mdia_box.hdlr_box.handler_type == b"soun");
            minf.stbl_box.stsd_box.entries.into_iter().next().unwrap()
        })
        .collect()
}

#[test]
fn another_reader_reads_the_same() {
    let aac = aac::AudioSpecificConfig::low_complexity(44_100, 2).format();
    let formats = [
        video(FrameCodec::H264, AVCC),
        aac,
        opus::format(48_000, 2, 312),
    ];
    let all = entries(&formats);
    let SampleEntry::Avc1(avc1) = &all[0] else {
        panic!("{all:?}")
    };
    assert_eq!((avc1.visual.width, avc1.visual.height), (640, 360));
    assert_eq!(avc1.avcc_box.sps_list, [[0x67]]);
    let SampleEntry::Mp4a(mp4a) = &all[1] else {
        panic!("{all:?}")
    };
    let specific = mp4a.esds_box.es.dec_config_descr.dec_specific_info.clone();
    assert_eq!(specific.unwrap().payload, formats[1].config);
    assert_eq!(mp4a.audio.samplerate.integer, 44_100);
    let SampleEntry::Opus(opus) = &all[2] else {
        panic!("{all:?}")
    };
    assert_eq!(opus.dops_box.pre_skip, 312);
    assert_eq!(opus.dops_box.input_sample_rate, 48_000);
}

#[test]
fn other_pictures_have_entries_too() {
    let av1 = video(FrameCodec::Av1, &[0x81, 0x04, 0x0c, 0x00]);
    let vp9 = video(FrameCodec::Vp9, &[0, 30, 0x82, 1, 1, 1, 0, 0]);
    let all = entries(&[av1, vp9]);
    assert!(matches!(all[0], SampleEntry::Av01(_)) && matches!(all[1], SampleEntry::Vp09(_)));
    let damaged = Format {
        config: Bytes::new(),
        ..opus::format(48_000, 2, 0)
    };
    let track = Track {
        id: 1,
        format: &damaged,
    };
    assert!(init(&[track]).is_none());
}

fn sample() -> impl Strategy<Value = Sample> {
    let data = prop::collection::vec(any::<u8>(), 0..40);
    (any::<u32>(), any::<i32>(), any::<bool>(), data).prop_map(
        |(duration, offset, keyframe, data)| Sample {
            duration,
            offset,
            keyframe,
            data: data.into(),
        },
    )
}

proptest! {
    #[test]
    fn chunks_read_back(
        one in prop::collection::vec(sample(), 1..20),
        two in prop::collection::vec(sample(), 1..20),
        time in any::<u64>(),
    ) {
        let runs = [
            Run { track: 1, time, samples: &one },
            Run { track: 2, time: 7, samples: &two },
        ];
        let bytes = chunk(9, &runs);
        let back = read::runs(&bytes);
        prop_assert_eq!(back.len(), 2);
        for (run, back) in runs.iter().zip(&back) {
            prop_assert_eq!((run.track, run.time), (back.track, back.time));
            let heads: Vec<_> = run.samples.iter().map(|it| read::SampleHead {
                duration: it.duration,
                size: it.data.len() as u32,
                offset: it.offset,
                keyframe: it.keyframe,
            }).collect();
            prop_assert_eq!(&heads, &back.samples);
        }
        // Another reader finds the data where we say it is.
        let (moof, _) = MoofBox::decode(&bytes).unwrap();
        for (run, traf) in runs.iter().zip(&moof.traf_boxes) {
            let at = traf.trun_boxes[0].data_offset.unwrap() as usize;
            let data: Vec<u8> = run.samples.iter().flat_map(|it| it.data.to_vec()).collect();
            prop_assert_eq!(&bytes[at..at + data.len()], &data[..]);
        }
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read::fuzz_cmaf(&bytes);
        crate::hls::check::fuzz_playlist(&bytes);
    }
}
