//! Packetizing, a network, depacketizing.

mod network;
mod streams;

use std::time::Duration;

use proptest::prelude::*;
use surecast_media::codec::is_keyframe;
use surecast_media::frame::{Format, Frame, FrameCodec, MediaTime};

use self::network::{Network, Sent, epoch, send};
use self::streams::{CODECS, stream};
use super::{Depacketizer, Output, Packetizer, RtpIn};

/// What came out: formats, and numbers of frames as they were sent.
#[derive(Debug, Default)]
struct Came {
    formats: Vec<Format>,
    frames: Vec<Frame>,
}

fn receive(codec: FrameCodec, packets: Vec<RtpIn>) -> Came {
    let mut depacketizer = Depacketizer::new(codec);
    let mut came = Came::default();
    let mut last = epoch();
    for packet in packets {
        let now = packet.arrived;
        // The timer goes off before the packet comes.
        if let Some(deadline) = depacketizer.poll_timeout()
            && deadline < now
        {
            depacketizer.handle_timeout(deadline);
            assert!(
                depacketizer
                    .poll_timeout()
                    .is_none_or(|next| next > deadline)
            );
        }
        depacketizer.push(packet, now);
        came.take(&mut depacketizer);
        last = now;
    }
    while let Some(deadline) = depacketizer.poll_timeout() {
        assert!(deadline >= last);
        depacketizer.handle_timeout(deadline);
        came.take(&mut depacketizer);
        last = deadline;
    }
    came
}

impl Came {
    fn take(&mut self, depacketizer: &mut Depacketizer) {
        while let Some(output) = depacketizer.poll() {
            match output {
                Output::Format(format) => self.formats.push((*format).clone()),
                Output::Frame(frame) => {
                    assert!(!self.formats.is_empty(), "a format comes first");
                    self.frames.push(frame);
                }
            }
        }
    }
}

#[test]
fn everything_survives_a_good_network() {
    for codec in CODECS {
        for mtu in [64, 1160, 16_000] {
            let (format, frames) = stream(codec, 20, &mut fastrand::Rng::with_seed(7));
            let sent = send(&format, &frames, mtu);
            assert!(
                sent.iter()
                    .all(|it| it.payload.len() <= mtu || codec == FrameCodec::Opus)
            );
            let came = receive(codec, Network::default().carry(&sent));
            assert_eq!(came.formats, [format], "{codec}");
            assert_eq!(came.frames, frames, "{codec}, {mtu}");
        }
    }
}

#[test]
fn keyframes_are_seen_on_their_first_packet() {
    for codec in CODECS {
        let (format, frames) = stream(codec, 4, &mut fastrand::Rng::with_seed(7));
        let mut packetizer = Packetizer::new(&format, 1000);
        for frame in &frames {
            let first = packetizer.packetize(frame).remove(0);
            let codec = codec.rtp().unwrap();
            assert_eq!(is_keyframe(codec, &first.bytes), frame.keyframe, "{codec}");
        }
    }
}

#[test]
fn a_lost_marker_bit_ends_the_picture_all_the_same() {
    let (format, frames) = stream(FrameCodec::H264, 8, &mut fastrand::Rng::with_seed(7));
    let mut sent = send(&format, &frames, 1000);
    sent.iter_mut().for_each(|packet| packet.marker = false);
    let came = receive(FrameCodec::H264, Network::default().carry(&sent));
    assert_eq!(came.frames, frames[..7], "the last one waits for the next");
}

#[test]
fn a_hole_is_waited_for_and_then_given_up() {
    let (format, frames) = stream(FrameCodec::Vp8, 16, &mut fastrand::Rng::with_seed(7));
    let sent = send(&format, &frames, 60_000);
    let mut packets = Network::default().carry(&sent);
    // Of the second frame a packet is missing for 300 ms: nothing is lost.
    let second = packets
        .iter()
        .position(|it| it.timestamp == sent_time(&frames[1]))
        .unwrap();
    packets[second].arrived += Duration::from_millis(300);
    packets.sort_by_key(|packet| packet.arrived);
    assert_eq!(receive(FrameCodec::Vp8, packets.clone()).frames, frames);
    // For 600 ms: all up to the next keyframe is lost.
    let late = packets
        .iter()
        .position(|it| it.timestamp == sent_time(&frames[1]))
        .unwrap();
    packets[late].arrived += Duration::from_millis(300);
    packets.sort_by_key(|packet| packet.arrived);
    let came = receive(FrameCodec::Vp8, packets);
    assert_eq!(came.frames[0], frames[0]);
    assert_eq!(came.frames[1..], frames[8..], "keyframes are every eight");
}

#[test]
fn a_loss_calls_for_a_keyframe() {
    let (format, frames) = stream(FrameCodec::H264, 4, &mut fastrand::Rng::with_seed(7));
    let mut packets = Network::default().carry(&send(&format, &frames, 1000));
    packets.retain(|it| it.timestamp != sent_time(&frames[1]));
    let mut depacketizer = Depacketizer::new(FrameCodec::H264);
    assert!(depacketizer.needs_keyframe(), "to begin with");
    for packet in packets {
        let now = packet.arrived;
        depacketizer.push(packet, now);
    }
    assert!(!depacketizer.needs_keyframe(), "it may still come");
    let deadline = depacketizer.poll_timeout().unwrap();
    assert_eq!(deadline, epoch() + Duration::from_millis(480));
    depacketizer.handle_timeout(deadline);
    assert!(depacketizer.needs_keyframe());
    assert_eq!(depacketizer.poll_timeout(), None);
}

#[test]
fn a_new_resolution_is_a_new_format() {
    let (first, frames) = stream(FrameCodec::H264, 8, &mut fastrand::Rng::with_seed(7));
    let (second, _) = streams::h264_small();
    let mut sent = send(&first, &frames[..4], 1000);
    let mut more = send(&second, &frames, 1000);
    let seq = sent.last().unwrap().seq + 1;
    for packet in &mut more {
        packet.seq += seq - 1000;
        packet.timestamp = packet.timestamp.wrapping_add(900_000);
        packet.captured = packet.captured.plus(10_000_000);
    }
    sent.extend(more);
    let came = receive(FrameCodec::H264, Network::default().carry(&sent));
    assert_eq!(came.formats, [first, second]);
    assert_eq!(came.frames.len(), 12);
}

#[test]
fn another_stream_of_the_track_goes_on_in_time() {
    let (format, frames) = stream(FrameCodec::Vp9, 8, &mut fastrand::Rng::with_seed(7));
    let mut depacketizer = Depacketizer::new(FrameCodec::Vp9);
    let mut came = Came::default();
    for round in 0..3 {
        let mut packets = Network::default().carry(&send(&format, &frames, 1000));
        for packet in &mut packets {
            packet.timestamp = packet.timestamp.wrapping_mul(round + 5);
            packet.pts = packet.pts.plus(i64::from(round) * 1_000_000);
            packet.seq += u64::from(round) * 7;
        }
        depacketizer.restart();
        assert!(depacketizer.needs_keyframe());
        for packet in packets {
            let now = packet.arrived;
            depacketizer.push(packet, now);
        }
        assert!(!depacketizer.needs_keyframe());
        came.take(&mut depacketizer);
    }
    assert_eq!(came.formats.len(), 1, "and the format is told once");
    assert_eq!(came.frames.len(), 24);
    assert!(came.frames.is_sorted_by(|a, b| a.dts < b.dts));
}

#[test]
fn spatial_layers_become_one_superframe() {
    let (format, frames) = stream(FrameCodec::Vp9, 1, &mut fastrand::Rng::with_seed(7));
    let key = frames[0].data.clone();
    // Flags I, L, B, E; picture id 1; tid 0, sid; TL0PICIDX.
    let layer = |sid: u8, data: &[u8]| [&[0xac, 1, sid << 1, 0][..], data].concat();
    let inter = [0x86, 1, 2, 3];
    let sent = [layer(0, &key), layer(1, &inter)];
    let sent: Vec<Sent> = (0u8..)
        .zip(sent)
        .map(|(at, payload)| Sent {
            seq: u64::from(at),
            timestamp: 0,
            marker: at == 1,
            payload: payload.into(),
            captured: MediaTime(0),
        })
        .collect();
    let came = receive(FrameCodec::Vp9, Network::default().carry(&sent));
    let layers: Vec<_> = surecast_media::vp9::superframe(&came.frames[0].data).collect();
    assert_eq!(layers, [&key[..], &inter]);
    assert!(came.frames[0].keyframe);
    assert_eq!(came.formats, [format]);
}

fn sent_time(frame: &Frame) -> u32 {
    u32::try_from(frame.pts.to_ticks(90_000)).unwrap()
}

proptest! {
    /// Whatever is lost, doubled and delayed: only whole frames, in order; and
    /// after a loss a keyframe first.
    #[test]
    fn bad_networks(seed: u64, codec in 0usize..6, loss in 0u32..80, delay_ms in 0u64..900) {
        let codec = CODECS[codec];
        let mut rng = fastrand::Rng::with_seed(seed);
        let (format, frames) = stream(codec, 60, &mut rng);
        let mtu = rng.usize(64..1500);
        let sent = send(&format, &frames, mtu);
        let network = Network {
            loss_per_mille: loss,
            doubled_per_mille: 30,
            delayed_per_mille: 100,
            delay: Duration::from_millis(delay_ms),
            seed,
        };
        let came = receive(codec, network.carry(&sent));
        let mut next = 0;
        for frame in &came.frames {
            let at = next + frames[next..].iter().position(|it| it.data == frame.data)
                .expect("frames come whole and in order");
            let continues = at == next && next > 0;
            prop_assert!(continues || frame.keyframe, "{codec}: frame {at} after {next}");
            prop_assert_eq!(frame.keyframe, frames[at].keyframe);
            prop_assert_eq!(frame.pts, frames[at].pts);
            next = at + 1;
        }
        let patience = if codec == FrameCodec::Opus { 190 } else { 390 };
        if loss == 0 && delay_ms < patience {
            prop_assert_eq!(came.frames.len(), frames.len());
        }
    }

    #[test]
    fn any_packets(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        super::fuzz_depacketize(&bytes, epoch());
    }

    /// Packets whose first bytes are likely.
    #[test]
    fn likely_packets(
        codec in 0u8..6,
        packets in prop::collection::vec((0u8..6, prop::collection::vec(0u8..40, 0..10), any::<u8>(), any::<bool>()), 0..60),
    ) {
        const HEADS: [&[u8]; 6] = [
            &[0x7c, 0x85], &[0x78, 0, 3], &[0x62, 0x01, 0x93], &[0x38], &[0x90, 0x80], &[0x8c, 1],
        ];
        let mut bytes = vec![codec];
        for (head, body, moves, marker) in packets {
            let payload = [HEADS[usize::from(head)], &body].concat();
            bytes.extend([u8::try_from(payload.len()).unwrap(), moves % 3, u8::from(marker)]);
            bytes.extend(payload);
        }
        super::fuzz_depacketize(&bytes, epoch());
    }
}
