//! Timestamps that no clean encoder sends.

use proptest::prelude::*;
use surecast_audio::{AacToOpus, OpusSettings, OpusToPcm};
use surecast_media::frame::{Frame, MediaTime};

use crate::clicks::{START, check_clicks, to_opus, to_pcm, track};

/// As FLV carries it: milliseconds.
#[test]
fn milliseconds_are_enough() {
    let (format, mut frames) = track();
    for frame in &mut frames {
        let at = MediaTime::from_millis(frame.pts.to_millis());
        (frame.dts, frame.pts) = (at, at);
    }
    let (opus, packets) = to_opus(&format, &frames);
    assert!(
        packets
            .windows(2)
            .all(|pair| pair[1].pts.since(pair[0].pts) == 20_000)
    );
    let pieces = to_pcm(&opus, &packets);
    let samples: Vec<f32> = pieces.iter().flat_map(|p| p.samples.clone()).collect();
    check_clicks(pieces[0].at.since(START) as f64, &samples, 0..5);
}

/// Lost and garbled frames leave the others where they were.
#[test]
fn what_is_lost_becomes_silence() {
    let (format, mut frames) = track();
    frames.remove(30);
    frames[10].data = vec![0xff; 20].into();
    frames.drain(52..55);
    let (opus, packets) = to_opus(&format, &frames);
    assert!(
        packets
            .windows(2)
            .all(|pair| pair[1].pts.since(pair[0].pts) == 20_000)
    );
    let pieces = to_pcm(&opus, &packets);
    let samples: Vec<f32> = pieces.iter().flat_map(|p| p.samples.clone()).collect();
    check_clicks(pieces[0].at.since(START) as f64, &samples, 0..5);
}

/// A jump is kept, and sound after it is where its timestamps say.
#[test]
fn a_jump_is_kept() {
    let (format, mut frames) = track();
    for frame in &mut frames[33..] {
        frame.pts = frame.pts.plus(10_000_000);
    }
    let (opus, packets) = to_opus(&format, &frames);
    let jumps: Vec<usize> = (1..packets.len())
        .filter(|n| packets[*n].pts.since(packets[n - 1].pts) != 20_000)
        .collect();
    assert_eq!(jumps.len(), 1);
    let pieces = to_pcm(&opus, &packets);
    let late: Vec<_> = pieces
        .iter()
        .filter(|p| p.at.since(START) > 5_000_000)
        .collect();
    let samples: Vec<f32> = late.iter().flat_map(|p| p.samples.clone()).collect();
    check_clicks(
        (late[0].at.since(START) - 10_000_000) as f64,
        &samples,
        2..5,
    );
}

/// A muted microphone sends nothing; whoever needs sound gets silence, and
/// sound that comes back is where its timestamps say.
#[test]
fn silence_goes_on() {
    let (format, frames) = track();
    let (opus, packets) = to_opus(&format, &frames);
    let mut stage = OpusToPcm::new(&opus).unwrap();
    stage.silence(START);
    assert!(stage.poll().is_none());
    for (n, packet) in packets.iter().enumerate() {
        if (30..70).contains(&n) {
            stage.silence(packet.pts.plus(-100_000));
        } else {
            stage.push(packet).unwrap();
        }
    }
    let pieces: Vec<_> = std::iter::from_fn(|| stage.poll()).collect();
    assert!(
        pieces
            .windows(2)
            .all(|pair| pair[0].end().since(pair[1].at).abs() <= 1)
    );
    let samples: Vec<f32> = pieces.iter().flat_map(|p| p.samples.clone()).collect();
    check_clicks(pieces[0].at.since(START) as f64, &samples, [0, 1, 3, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Timestamps that grow give timestamps that grow, by 20 ms each but where
    /// the input jumped; those that do not grow panic nothing.
    #[test]
    fn timestamps_grow(steps in proptest::collection::vec((0usize..90, 0u8..10, any::<i32>()), 60)) {
        let (format, frames) = track();
        let mut stage = AacToOpus::new(&format, OpusSettings { bitrate: 64_000, complexity: 0 }).unwrap();
        let mut at = START;
        let mut last: Option<MediaTime> = None;
        let mut jumped = false;
        for (which, kind, any) in steps {
            let step = match kind {
                0 => i64::from(any).rem_euclid(200_000),
                1 => i64::from(any).rem_euclid(5_000_000),
                2 => 0,
                _ => 23_220,
            };
            jumped |= step > 200_000;
            at = at.plus(step);
            let frame = Frame { dts: at, pts: at, keyframe: true, data: frames[which].data.clone() };
            stage.push(&frame).unwrap();
            while let Some(packet) = stage.poll() {
                if let Some(last) = last {
                    let step = packet.pts.since(last);
                    prop_assert!(step > 0);
                    prop_assert!(jumped || step == 20_000, "{step} µs");
                }
                last = Some(packet.pts);
            }
        }
    }
}
