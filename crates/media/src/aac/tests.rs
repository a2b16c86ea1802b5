use proptest::prelude::*;

use super::*;

#[test]
fn low_complexity() {
    // As ffmpeg writes it for 44.1 kHz stereo.
    let config = AudioSpecificConfig::parse(&[0x12, 0x10, 0x56, 0xe5, 0x00]).unwrap();
    assert_eq!(config, AudioSpecificConfig::low_complexity(44_100, 2));
    assert_eq!(config.write(), [0x12, 0x10]);
    assert_eq!(config.format().codec_string(), "mp4a.40.2");
}

#[test]
fn he_aac_is_told_both_ways() {
    // Explicit: AOT 5, 24 kHz (6), stereo, 48 kHz (3), AOT 2.
    let config = AudioSpecificConfig::parse(&[0x2b, 0x11, 0x88, 0x00]).unwrap();
    assert_eq!((config.rate, config.output_rate()), (24_000, 48_000));
    assert_eq!(config.object_type, LOW_COMPLEXITY);
    assert_eq!(config.format().codec_string(), "mp4a.40.5");
    // Behind: AOT 2, 24 kHz, stereo; 0x2b7, AOT 5, present, 48 kHz.
    let config = AudioSpecificConfig::parse(&[0x13, 0x10, 0x56, 0xe5, 0x98]).unwrap();
    assert_eq!((config.rate, config.output_rate()), (24_000, 48_000));
    assert!(!config.ps);
}

#[test]
fn rates_beside_the_table() {
    let config = AudioSpecificConfig::low_complexity(44_000, 1);
    assert_eq!(AudioSpecificConfig::parse(&config.write()), Some(config));
}

#[test]
fn a_program_tells_its_channels() {
    // AOT 2, 48 kHz, configuration 0; then a program of one front pair.
    let mut writer = BitWriter::default();
    for (value, bits) in [
        (2, 5),
        (3, 4),
        (0, 4),
        (0, 3),
        (0, 4),
        (1, 2),
        (3, 4),
        (1, 4),
    ] {
        writer.bits(value, bits);
    }
    for (value, bits) in [(0, 4), (0, 4), (0, 2), (0, 7), (0, 3), (1, 1), (0, 4)] {
        writer.bits(value, bits);
    }
    let config = AudioSpecificConfig::parse(&writer.finish()).unwrap();
    assert_eq!(config.channels, 2);
}

#[test]
fn nothing_is_refused() {
    assert_eq!(AudioSpecificConfig::parse(&[]), None);
    assert_eq!(AudioSpecificConfig::parse(&[0x12]), None);
    assert_eq!(AudioSpecificConfig::parse(&[0x16, 0x90]), None, "no rate");
}

#[test]
fn adts_as_ffmpeg_writes_it() {
    let bytes = [0xff, 0xf1, 0x50, 0x80, 0x2b, 0x3f, 0xfc];
    let header = adts::Header::parse(&bytes).unwrap();
    assert_eq!(header.frame_len, 0x159);
    assert_eq!(
        header.config(),
        AudioSpecificConfig::low_complexity(44_100, 2)
    );
    assert_eq!(adts::header(&header.config(), 0x159 - 7), Some(bytes));
    assert_eq!(adts::header(&header.config(), 8185), None);
}

proptest! {
    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        if let Some(config) = AudioSpecificConfig::parse(&bytes) {
            prop_assert!(AudioSpecificConfig::parse(&config.write()).is_some());
            let _ = format_from_config(bytes.clone().into()).unwrap().codec_string();
        }
        let _ = adts::frames(&bytes).count();
    }

    #[test]
    fn configs_round_trip(
        rate in 1u32..(1 << 24), channels in 1u8..=8, sbr: Option<bool>, short: bool,
    ) {
        let config = AudioSpecificConfig {
            object_type: LOW_COMPLEXITY,
            rate,
            channels,
            frame_len: if short { 960 } else { 1024 },
            sbr_rate: sbr.map(|_| 48_000),
            ps: sbr.unwrap_or(false),
        };
        prop_assert_eq!(AudioSpecificConfig::parse(&config.write()), Some(config));
    }

    #[test]
    fn adts_round_trips(len in 0usize..=8184, channels in 1u8..=6, rate in 0usize..13) {
        let config = AudioSpecificConfig::low_complexity(RATES[rate], channels);
        let mut bytes = adts::header(&config, len).unwrap().to_vec();
        bytes.resize(7 + len, 0xaa);
        bytes.extend(bytes.clone());
        let frames: Vec<_> = adts::frames(&bytes).collect();
        prop_assert_eq!(frames.len(), 2);
        prop_assert_eq!(frames[0].0.config(), config);
        prop_assert_eq!(frames[1].1.len(), len);
    }
}
