//! Participants without a peer connection.

use std::sync::Arc;
use std::time::Duration;

use str0m::media::MediaKind;
use surecast_media::codec::Codec;
use surecast_media::control::{DataChannel, Kind, MediaCommand, MediaEvent, PeerRole};
use surecast_media::id::{PeerId, TrackId};
use surecast_media::local::{LocalInput, LocalOutput, LocalPacket, ReceivedPacket};

use crate::net::{Net, ROOM, announcement, is_event, picture_of, vp8};

const ENCODER: PeerId = PeerId(100);
const FRAME: Duration = Duration::from_millis(40);

fn add(net: &mut Net, peer: PeerId) {
    let role = PeerRole::Local;
    net.command(MediaCommand::AddPeer {
        peer,
        room: ROOM,
        role,
    });
}

/// An encoder with one track, number 1.
fn with_encoder() -> Net {
    let mut net = Net::new();
    add(&mut net, ENCODER);
    net.command(MediaCommand::Announce {
        peer: ENCODER,
        announcement: announcement(1, "v", Kind::Video),
    });
    net
}

/// Frame `i` of a stream with a keyframe every 50 frames.
fn send(net: &mut Net, i: u64) {
    let keyframe = i.is_multiple_of(50);
    let payload = vp8(u16::try_from(i).unwrap(), keyframe);
    let packet = LocalPacket {
        codec: Codec::Vp8,
        seq: 1000 + i,
        timestamp: u32::try_from(i).unwrap() * 3600,
        marker: true,
        keyframe,
        captured: net.now,
        payload: Arc::from(payload),
    };
    let input = LocalInput::Packets {
        peer: ENCODER,
        cid: Arc::from("v"),
        packets: vec![packet],
    };
    net.sfu.handle_local(input, net.now);
    net.run(FRAME);
}

fn received(net: &mut Net) -> Vec<ReceivedPacket> {
    let mut all = Vec::new();
    while let Some(output) = net.sfu.poll_local() {
        if let LocalOutput::Packet { packet, .. } = output {
            all.push(packet);
        }
    }
    all
}

#[test]
fn an_encoder_is_connected_and_its_track_bound_at_once() {
    let net = with_encoder();
    let connected =
        |e: &MediaEvent| matches!(e, MediaEvent::Connected { peer, .. } if *peer == ENCODER);
    assert!(is_event(&net, connected));
    let bound =
        |e: &MediaEvent| matches!(e, MediaEvent::TrackBound { track, .. } if *track == TrackId(1));
    assert!(is_event(&net, bound));
}

#[test]
fn who_comes_between_keyframes_gets_the_group_as_one_jump_to_the_present() {
    let mut net = with_encoder();
    for i in 0..20 {
        send(&mut net, i);
    }
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (1, 1));
    net.until("the viewer connects", |n| n.clients[0].connected);
    for i in 20..60 {
        send(&mut net, i);
    }
    let packets = &net.clients[viewer].packets;
    assert_eq!(packets.len(), 60, "all frames since the keyframe");
    for pair in packets.windows(2) {
        assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1);
        assert_eq!(picture_of(&pair[1]), picture_of(&pair[0]) + 1);
        assert!(pair[1].header.timestamp > pair[0].header.timestamp);
    }
    let step = |at: usize| packets[at + 1].header.timestamp - packets[at].header.timestamp;
    assert_eq!(step(5), 90, "the past is passed in milliseconds");
    assert_eq!(step(40), 3600, "then time goes on as it does");
}

#[test]
fn a_group_that_is_too_long_is_not_sent_again() {
    let mut net = with_encoder();
    // One keyframe, and then more packets than are kept.
    send(&mut net, 0);
    for i in 1..1200u64 {
        let packet = LocalPacket {
            codec: Codec::Vp8,
            seq: 1000 + i,
            timestamp: u32::try_from(i).unwrap() * 300,
            marker: true,
            keyframe: false,
            captured: net.now,
            payload: Arc::from(vp8(u16::try_from(i).unwrap(), false)),
        };
        let cid = Arc::from("v");
        let input = LocalInput::Packets {
            peer: ENCODER,
            cid,
            packets: vec![packet],
        };
        net.sfu.handle_local(input, net.now);
        net.sfu.flush(net.now);
    }
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (1, 1));
    net.until("the viewer connects", |n| n.clients[0].connected);
    net.run(Duration::from_millis(500));
    assert!(net.clients[viewer].packets.is_empty());
}

#[test]
fn a_tap_gets_what_a_browser_publishes_and_asks_for_keyframes() {
    let mut net = Net::new();
    let publisher = net.join(PeerRole::Single);
    net.publish(publisher, 1, "cam", Kind::Video);
    net.offer(publisher, &[("cam", MediaKind::Video, false)], (1, 1));
    net.until("the publisher connects", |n| n.clients[0].connected);
    let tap = PeerId(101);
    add(&mut net, tap);
    net.command(MediaCommand::Subscribe {
        peer: tap,
        track: TrackId(1),
        stream_id: "PA_x|camera".into(),
        demand: surecast_media::control::Demand::default(),
    });
    let mut got = Vec::new();
    for i in 0..60u64 {
        let asked = !std::mem::take(&mut net.clients[0].keyframe_requests).is_empty();
        let picture = u16::try_from(i).unwrap();
        let time = u32::try_from(i).unwrap() * 3000;
        net.clients[0].send("cam", None, 500 + i, time, &vp8(picture, asked));
        if i == 30 {
            let sid = Arc::from(announcement(1, "cam", Kind::Video).sid.as_str());
            let input = LocalInput::KeyframeWanted { peer: tap, sid };
            net.sfu.handle_local(input, net.now);
        }
        net.run(FRAME);
        got.extend(received(&mut net));
    }
    assert!(got.len() > 50, "{} of 60 packets", got.len());
    assert!(got[0].keyframe, "it begins with a keyframe");
    let keyframes = got.iter().filter(|packet| packet.keyframe).count();
    assert_eq!(keyframes, 2, "one to begin with, one that was asked for");
    for pair in got.windows(2) {
        assert_eq!(pair[1].seq, pair[0].seq + 1);
        assert_eq!(pair[1].stream, pair[0].stream);
    }
    let frozen =
        |e: &MediaEvent| matches!(e, MediaEvent::StreamFrozen { peer, .. } if *peer == tap);
    net.run(Duration::from_secs(5));
    assert!(!is_event(&net, frozen), "a tap is nobody's experience");
}

#[test]
fn data_goes_both_ways_and_all_ends_with_the_peer() {
    let mut net = with_encoder();
    let payload: Arc<[u8]> = Arc::from([1, 2, 3].as_slice());
    let channel = DataChannel::Reliable;
    net.command(MediaCommand::SendData {
        peers: Arc::from([ENCODER].as_slice()),
        channel,
        payload: payload.clone(),
    });
    assert!(matches!(
        net.sfu.poll_local(),
        Some(LocalOutput::Data { peer: ENCODER, .. })
    ));
    let input = LocalInput::Data {
        peer: ENCODER,
        channel,
        payload,
    };
    net.sfu.handle_local(input, net.now);
    net.run(FRAME);
    assert!(is_event(&net, |e| matches!(
        e,
        MediaEvent::Data { peer: ENCODER, .. }
    )));
    let cid: Arc<str> = Arc::from("v");
    let input = LocalInput::Unpublish { peer: ENCODER, cid };
    net.sfu.handle_local(input, net.now);
    net.run(FRAME);
    assert!(is_event(&net, |e| matches!(
        e,
        MediaEvent::TrackGone { .. }
    )));
    net.command(MediaCommand::RemovePeer { peer: ENCODER });
    assert_eq!(net.sfu.counters().peers, 0);
    assert_eq!(net.sfu.counters().tracks, 0);
    send(&mut net, 0);
}
