//! Where a click is, and how loud, after every stage.

use surecast_audio::{AacToOpus, OpusDecoder, OpusSettings, OpusToPcm, Pcm};
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime, Shape};

use crate::ogg;

/// Where the encoded tracks start: an instant as the hub gives it.
pub(crate) const START: MediaTime = MediaTime(1_764_000_000_000_123);

/// Tracks with clicks: rate, channels, file.
const TRACKS: [(u32, u8, &[u8]); 3] = [
    (48_000, 2, include_bytes!("../data/clicks-48000-2.adts")),
    (44_100, 1, include_bytes!("../data/clicks-44100-1.adts")),
    (24_000, 2, include_bytes!("../data/clicks-24000-2.adts")),
];

/// Microseconds that a click may be beside its place.
const SKEW: f64 = 1_000.0;

/// The 44.1 kHz track's format and frames.
pub(crate) fn track() -> (Format, Vec<Frame>) {
    let (rate, channels, file) = TRACKS[1];
    (format(rate, channels), frames(file, rate))
}

fn format(rate: u32, channels: u8) -> Format {
    let index: u16 = match rate {
        48_000 => 3,
        44_100 => 4,
        _ => 6,
    };
    let config = 2u16 << 11 | index << 7 | u16::from(channels) << 3;
    let config = config.to_be_bytes().to_vec().into();
    Format {
        codec: FrameCodec::Aac,
        shape: Shape::Audio { rate, channels },
        config,
    }
}

/// The raw frames of an ADTS file; the first is heard 1024 samples before
/// [`START`].
fn frames(file: &'static [u8], rate: u32) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut rest = file;
    while let [0xff, 0xf1, _, b3, b4, b5, ..] = *rest {
        let length = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5 >> 5);
        let samples = (frames.len() as i64 - 1) * 1024;
        let at = START.plus(MediaTime::from_ticks(samples, rate).0);
        frames.push(Frame {
            dts: at,
            pts: at,
            keyframe: true,
            data: rest[7..length].to_vec().into(),
        });
        rest = &rest[length..];
    }
    assert!(rest.is_empty());
    frames
}

pub(crate) fn to_opus(format: &Format, frames: &[Frame]) -> (Format, Vec<Frame>) {
    let mut stage = AacToOpus::new(format, OpusSettings::default()).unwrap();
    let mut packets = Vec::new();
    for frame in frames {
        stage.push(frame).unwrap();
        packets.extend(std::iter::from_fn(|| stage.poll()));
    }
    stage.finish().unwrap();
    packets.extend(std::iter::from_fn(|| stage.poll()));
    (stage.format().as_ref().clone(), packets)
}

pub(crate) fn to_pcm(format: &Format, packets: &[Frame]) -> Vec<Pcm> {
    let mut stage = OpusToPcm::new(format).unwrap();
    let mut pieces = Vec::new();
    for packet in packets {
        stage.push(packet).unwrap();
        pieces.extend(std::iter::from_fn(|| stage.poll()));
    }
    pieces
}

/// Checks every click of `samples` (one channel of 48 kHz) of which the first
/// is heard at `at`, in microseconds after [`START`].
pub(crate) fn check_clicks(at: f64, samples: &[f32], which: impl IntoIterator<Item = u32>) {
    for click in which {
        let due = f64::from(click) * 500_000.0 + 5_000.0;
        let time = |n: usize| at + n as f64 / 0.048;
        let near: Vec<(f64, f64)> = (0..samples.len())
            .filter(|n| (time(*n) - due).abs() < 60_000.0)
            .map(|n| (time(n), f64::from(samples[n]).powi(2)))
            .collect();
        let energy: f64 = near.iter().map(|(_, e)| e).sum();
        let centre = near.iter().map(|(t, e)| t * e).sum::<f64>() / energy;
        assert!(
            (centre - due).abs() < SKEW,
            "click {click} at {centre} instead of {due} µs"
        );
        // 480 samples of a sine of amplitude 0.5.
        assert!(
            (40.0..75.0).contains(&energy),
            "click {click} has an energy of {energy}"
        );
    }
}

fn channel(pieces: &[Pcm], channel: usize) -> Vec<f32> {
    let one = |p: &Pcm| {
        p.samples
            .iter()
            .skip(channel)
            .step_by(p.channels.into())
            .copied()
            .collect()
    };
    pieces.iter().flat_map(|p| -> Vec<f32> { one(p) }).collect()
}

#[test]
fn clicks_stay_where_they_are() {
    for (rate, channels, file) in TRACKS {
        let (opus, packets) = to_opus(&format(rate, channels), &frames(file, rate));
        let pieces = to_pcm(&opus, &packets);
        let at = pieces[0].at.since(START) as f64;
        for n in 0..channels {
            check_clicks(at, &channel(&pieces, n.into()), 0..5);
        }
    }
}

/// What decoders that we did not write hear: ffmpeg's own Opus decoder.
#[test]
fn ffmpeg_hears_the_clicks() {
    for (rate, channels, file) in TRACKS {
        let (opus, packets) = to_opus(&format(rate, channels), &frames(file, rate));
        let Some(samples) = ogg::decode(&ogg::write(&opus, &packets)) else {
            return;
        };
        // Ogg's time begins behind the pre-skip.
        let delay = 312.0 / 0.048;
        check_clicks(packets[0].pts.since(START) as f64 + delay, &samples, 0..5);
    }
}

#[test]
fn of_he_aac_the_core_is_heard() {
    let mut he = format(24_000, 2);
    he.config = vec![0x2b, 0x11, 0x88, 0x00].into();
    he.shape = Shape::Audio {
        rate: 48_000,
        channels: 2,
    };
    let stage = AacToOpus::new(&he, OpusSettings::default()).unwrap();
    assert!(stage.is_core_only());
    let (opus, packets) = to_opus(&he, &frames(TRACKS[2].2, 24_000));
    let pieces = to_pcm(&opus, &packets);
    check_clicks(pieces[0].at.since(START) as f64, &channel(&pieces, 0), 0..5);
}

#[test]
fn a_lost_packet_is_made_up() {
    let (aac, frames) = track();
    let (opus, mut packets) = to_opus(&aac, &frames);
    // Between two clicks, and in the middle of one.
    let dropped: Vec<usize> = vec![10, 25, 26, 40];
    let mut index = 0;
    packets.retain(|_| {
        index += 1;
        !dropped.contains(&(index - 1))
    });
    let pieces = to_pcm(&opus, &packets);
    for pair in pieces.windows(2) {
        assert_eq!(pair[0].end().since(pair[1].at).abs() / 2, 0, "a gap");
    }
    check_clicks(
        pieces[0].at.since(START) as f64,
        &channel(&pieces, 0),
        [0, 2, 3, 4],
    );
}

#[test]
fn any_packets_of_another_number_of_channels_are_brought_to_ours() {
    let (aac, frames) = track();
    let (_, packets) = to_opus(&aac, &frames);
    let mut decoder = OpusDecoder::new(2).unwrap();
    let mut out = Vec::new();
    assert!(decoder.decode(&packets[0].data, &mut out).unwrap());
    assert_eq!(out.len(), 2 * 960);
}
