//! What a track costs between frames and RTP:
//! `cargo run --release -p surecast-wire --example rtp_rate`.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::time::{Duration, Instant};

use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};
use surecast_media::{av1, h264, nal, vp8, vp9};
use surecast_wire::rtp::{Depacketizer, Output, Packetizer, RtpIn};

/// Seconds of video.
const SECONDS: i64 = 120;
const FRAMES_PER_SECOND: i64 = 60;
const BITS_PER_SECOND: i64 = 6_000_000;
/// As rooms use it.
const MTU: usize = 1160;

fn main() {
    println!("1080p60 at 6 Mbit/s, per second of video:");
    for codec in [
        FrameCodec::H264,
        FrameCodec::Av1,
        FrameCodec::Vp8,
        FrameCodec::Vp9,
    ] {
        measure(codec);
    }
}

fn measure(codec: FrameCodec) {
    let (format, key, delta) = stream(codec);
    let mut packetizer = Packetizer::new(&format, MTU);
    let mut depacketizer = Depacketizer::new(codec);
    let began = Instant::now();
    let (mut seq, mut frames) = (1000, 0);
    let (mut cutting, mut joining) = (Duration::ZERO, Duration::ZERO);
    for n in 0..SECONDS * FRAMES_PER_SECOND {
        let pts = MediaTime::from_ticks(n, 60);
        let keyframe = n % 120 == 0;
        let data = if keyframe { &key } else { &delta };
        let frame = Frame {
            dts: pts,
            pts,
            keyframe,
            data: data.clone(),
        };
        let start = Instant::now();
        let payloads = packetizer.packetize(&frame);
        let cut = Instant::now();
        for payload in payloads {
            seq += 1;
            let packet = RtpIn {
                seq,
                timestamp: u32::try_from(n * 1500).unwrap_or(0),
                marker: payload.marker,
                payload: payload.bytes,
                pts,
                arrived: began,
            };
            depacketizer.push(packet, began);
        }
        while let Some(output) = depacketizer.poll() {
            frames += i64::from(matches!(output, Output::Frame(_)));
        }
        cutting += cut - start;
        joining += cut.elapsed();
    }
    assert_eq!(frames, SECONDS * FRAMES_PER_SECOND, "nothing is lost");
    let per_second = |spent: Duration| spent.as_secs_f64() * 1e6 / (SECONDS as f64);
    println!(
        "{codec:>5}: {:.0} µs to packets, {:.0} µs to frames; {} packets",
        per_second(cutting),
        per_second(joining),
        (seq - 1000) / SECONDS.unsigned_abs(),
    );
}

/// A format, a keyframe ten times as large as the others, and one of these.
fn stream(codec: FrameCodec) -> (Format, bytes::Bytes, bytes::Bytes) {
    let mut rng = fastrand::Rng::with_seed(1);
    let bytes = usize::try_from(BITS_PER_SECOND / 8 / FRAMES_PER_SECOND).unwrap_or(0);
    let mut noise = |len: usize| -> Vec<u8> { (0..len).map(|_| rng.u8(1..0xc0)).collect() };
    let (key, delta) = (noise(bytes * 10), noise(bytes));
    let join = |head: &[u8], body: &[u8]| [head, body].concat();
    let unit = |head: u8, body: &[u8]| {
        let unit = join(&[head], body);
        nal::join_length_prefixed([&unit[..]].into_iter())
    };
    let obus = |obus: &[&[u8]]| {
        let obus = obus.iter().filter_map(|obu| av1::Obu::parse(obu));
        av1::temporal_unit(obus)
    };
    // Headers as encoders write them.
    const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x0d, 0xda, 0x05, 0x46, 0x78, 0x89];
    const SPS_END: &[u8] = &[
        0xb0, 0x11, 0, 0, 3, 0, 1, 0, 0, 3, 0, 0x3c, 0x8f, 0x14, 0x2a, 0xa0,
    ];
    const SEQUENCE: &[u8] = &[0x0a, 0x0b, 0, 0, 0, 4, 0x3d, 6, 0xd4, 2, 0xf8, 0, 0x40];
    const VP8: &[u8] = &[0xf0, 0x67, 0, 0x9d, 1, 0x2a, 0x42, 1, 0xb6, 0];
    const VP9: &[u8] = &[0x82, 0x49, 0x83, 0x42, 0, 0x14, 0x10, 0x0b, 0x56, 0x12];
    let (format, key, delta) = match codec {
        FrameCodec::H264 => (
            h264::format(&[&join(SPS, SPS_END)], &[&[0x68, 0xce, 1, 0x97, 0x20]]),
            unit(0x65, &key),
            unit(0x41, &delta),
        ),
        FrameCodec::Av1 => (
            av1::format_from_sequence_header(SEQUENCE),
            obus(&[SEQUENCE, &join(&[0x30, 0x10], &key)]),
            obus(&[&join(&[0x30, 0x30], &delta)]),
        ),
        FrameCodec::Vp8 => (
            vp8::format_from_keyframe(VP8),
            join(VP8, &key).into(),
            join(&[0x31], &delta).into(),
        ),
        _ => (
            vp9::format_from_keyframe(VP9),
            join(VP9, &key).into(),
            join(&[0x86], &delta).into(),
        ),
    };
    (format.expect("headers are whole"), key, delta)
}
