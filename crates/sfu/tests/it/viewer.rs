//! Viewers that describe their connection once (WHEP), while what they watch
//! comes and goes.

use std::time::Duration;

use str0m::media::MediaKind;
use surecast_media::control::{Kind, MediaCommand, MediaEvent, PeerRole};

use crate::net::{Net, is_event, picture_of, vp8};

const FRAME: Duration = Duration::from_millis(33);

/// A publisher of one camera track, connected.
fn publisher(net: &mut Net, track: u64) -> usize {
    let publisher = net.join(PeerRole::Single);
    net.publish(publisher, track, "cam", Kind::Video);
    net.offer(publisher, &[("cam", MediaKind::Video, false)], (0, 0));
    net.until("publisher connects", |n| n.clients[publisher].connected);
    publisher
}

fn viewer(net: &mut Net) -> usize {
    let viewer = net.join(PeerRole::Viewer);
    net.offer(viewer, &[], (1, 1));
    net.until("viewer connects", |n| n.clients[viewer].connected);
    viewer
}

/// Frames of one packet each, a keyframe whenever one was asked for.
fn stream(net: &mut Net, client: usize, from: u64, count: u64) {
    for i in from..from + count {
        let asked = std::mem::take(&mut net.clients[client].keyframe_requests);
        let time = u32::try_from(i).unwrap() * 3000;
        let picture = u16::try_from(i).unwrap() & 0x7fff;
        net.clients[client].send(
            "cam",
            None,
            5000 + i,
            time,
            &vp8(picture, !asked.is_empty()),
        );
        net.run(FRAME);
    }
}

fn leave(net: &mut Net, client: usize) {
    let peer = net.clients[client].id;
    net.command(MediaCommand::RemovePeer { peer });
    net.run(FRAME);
}

#[test]
fn another_publisher_goes_on_in_the_same_stream() {
    let mut net = Net::new();
    let first = publisher(&mut net, 1);
    let viewer = viewer(&mut net);
    net.subscribe(viewer, 1);
    stream(&mut net, first, 0, 30);
    assert!(net.clients[viewer].packets.len() > 20);

    leave(&mut net, first);
    let second = publisher(&mut net, 2);
    net.subscribe(viewer, 2);
    stream(&mut net, second, 700, 30);

    let packets = &net.clients[viewer].packets;
    assert!(packets.len() > 45, "{} of 60 frames", packets.len());
    for pair in packets.windows(2) {
        assert_eq!(pair[1].header.ssrc, pair[0].header.ssrc, "one stream");
        assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1, "no gap in numbers");
        assert_eq!(picture_of(&pair[1]), picture_of(&pair[0]) + 1);
        assert!(pair[1].header.timestamp > pair[0].header.timestamp);
    }
    let again = |e: &MediaEvent| matches!(e, MediaEvent::SectionsNeeded { .. });
    assert!(!is_event(&net, again), "nothing to negotiate");
}

#[test]
fn what_comes_before_its_predecessor_has_left_waits_for_the_section() {
    let mut net = Net::new();
    let first = publisher(&mut net, 1);
    let viewer = viewer(&mut net);
    net.subscribe(viewer, 1);
    stream(&mut net, first, 0, 20);
    let second = publisher(&mut net, 2);
    net.subscribe(viewer, 2);
    let before = net.clients[viewer].packets.len();
    stream(&mut net, second, 0, 20);
    assert_eq!(net.clients[viewer].packets.len(), before, "one at a time");
    leave(&mut net, first);
    stream(&mut net, second, 20, 20);
    assert!(net.clients[viewer].packets.len() > before + 10);
}

#[test]
fn sections_without_a_track_are_described_as_sending() {
    let mut net = Net::new();
    viewer(&mut net);
    let mut answers = net.events.iter().filter_map(|e| match e {
        MediaEvent::Answer { sdp, .. } => Some(sdp),
        _ => None,
    });
    let answer = answers.next_back().unwrap();
    assert_eq!(answer.matches("a=sendonly").count(), 2, "{answer}");
    assert_eq!(answer.matches("a=msid:program ").count(), 2, "{answer}");
}

#[test]
fn towards_an_encoder_the_server_is_passive() {
    let mut net = Net::new();
    let encoder = net.join(PeerRole::Encoder);
    net.publish(encoder, 1, "cam", Kind::Video);
    net.offer(encoder, &[("cam", MediaKind::Video, false)], (0, 0));
    let lite =
        |e: &MediaEvent| matches!(e, MediaEvent::Answer { sdp, .. } if sdp.contains("a=ice-lite"));
    assert!(is_event(&net, lite));
    net.until("encoder connects", |n| n.clients[encoder].connected);
    let viewer = viewer(&mut net);
    net.subscribe(viewer, 1);
    stream(&mut net, encoder, 0, 30);
    assert!(net.clients[viewer].packets.len() > 20);

    // A crashed encoder is missed, though the server itself asks nothing.
    net.deaf = true;
    net.until("the loss is told", |n| {
        is_event(
            n,
            |e| matches!(e, MediaEvent::Disconnected { peer } if peer.0 == 1),
        )
    });
}
