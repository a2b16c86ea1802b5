//! What a stream costs: `cargo run --release -p surecast-audio --example cost`.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::time::Instant;

use surecast_audio::{AacToOpus, OpusSettings, OpusToPcm};
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime, Shape};

/// Minutes of sound.
const MINUTES: i64 = 2;

fn main() {
    for rate in [48_000u32, 44_100] {
        for complexity in [9, 5, 0] {
            cost(rate, complexity);
        }
    }
}

/// Encodes noise, which no codec can make short work of, and a tone.
fn cost(rate: u32, complexity: u8) {
    let path =
        std::env::temp_dir().join(format!("surecast-cost-{}-{rate}.adts", std::process::id()));
    let source = format!(
        "anoisesrc=r={rate}:a=0.1:c=pink:d=10[n];sine=440:r={rate}:d=10,volume=2[s];[n][s]amix,aformat=channel_layouts=stereo"
    );
    let made = std::process::Command::new("ffmpeg")
        .args([
            "-v", "error", "-y", "-f", "lavfi", "-i", &source, "-c:a", "aac", "-b:a", "128k",
        ])
        .arg(&path)
        .status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ffmpeg has to make the input"
    );
    let adts = std::fs::read(&path).expect("the input that ffmpeg made");
    let _ = std::fs::remove_file(&path);

    let index: u16 = if rate == 48_000 { 3 } else { 4 };
    let config = (2u16 << 11 | index << 7 | 2 << 3)
        .to_be_bytes()
        .to_vec()
        .into();
    let format = Format {
        codec: FrameCodec::Aac,
        shape: Shape::Audio { rate, channels: 2 },
        config,
    };
    let settings = OpusSettings {
        complexity,
        ..OpusSettings::default()
    };
    let mut stage = AacToOpus::new(&format, settings).expect("AAC-LC is decoded");
    let raw = raw_frames(&adts);
    let count = MINUTES * 60 * i64::from(rate) / 1024;
    let started = Instant::now();
    let mut packets = Vec::new();
    for n in 0..count {
        let at = MediaTime::from_ticks(n * 1024, rate);
        let data = raw[n as usize % raw.len()].to_vec().into();
        stage
            .push(&Frame {
                dts: at,
                pts: at,
                keyframe: true,
                data,
            })
            .expect("it is decoded");
        packets.extend(std::iter::from_fn(|| stage.poll()));
    }
    report(
        &format!("AAC {rate} Hz to Opus, complexity {complexity}"),
        started,
    );

    let mut stage = OpusToPcm::new(&stage.format().clone()).expect("Opus is decoded");
    let started = Instant::now();
    for packet in &packets {
        stage.push(packet).expect("it is decoded");
        while stage.poll().is_some() {}
    }
    report("  and from Opus to samples", started);
}

fn report(what: &str, started: Instant) {
    let took = started.elapsed().as_secs_f64();
    let times = (MINUTES * 60) as f64 / took;
    println!(
        "{what}: {times:.0} times real time, {:.2} % of a core a stream",
        100.0 / times
    );
}

fn raw_frames(mut adts: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let [0xff, 0xf1, _, b3, b4, b5, ..] = *adts {
        let length = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5 >> 5);
        frames.push(&adts[7..length]);
        adts = &adts[length..];
    }
    frames
}
