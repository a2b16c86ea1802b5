//! Media and data from one client to others.

use std::sync::Arc;
use std::time::Duration;

use str0m::media::MediaKind;
use surecast_media::control::{
    DataChannel, Demand, Kind, MediaCommand, MediaEvent, PeerRole, Quality,
};
use surecast_media::id::TrackId;

use crate::net::{Net, is_event, picture_of, vp8};

const FRAME: Duration = Duration::from_millis(33);

/// A publisher with a camera, connected, and its track bound as number 1.
fn with_camera(simulcast: bool) -> Net {
    let mut net = Net::new();
    let publisher = net.join(PeerRole::Single);
    net.publish(publisher, 1, "cam", Kind::Video);
    net.offer(publisher, &[("cam", MediaKind::Video, simulcast)], (1, 1));
    net.until("publisher connects", |n| n.clients[0].connected);
    assert!(is_event(&net, |e| matches!(
        e,
        MediaEvent::TrackBound { .. }
    )));
    net
}

/// The same with a viewer of it, connected.
fn with_viewer(simulcast: bool) -> (Net, usize) {
    let mut net = with_camera(simulcast);
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (1, 1));
    net.until("viewer connects", |n| n.clients[1].connected);
    (net, viewer)
}

/// Frames of one packet each, a keyframe whenever one was asked for.
fn stream(net: &mut Net, rids: &[Option<&str>], from: u64, count: u64) {
    for i in from..from + count {
        let asked = std::mem::take(&mut net.clients[0].keyframe_requests);
        for (n, rid) in rids.iter().enumerate() {
            let wanted = asked.iter().any(|(_, r)| r.as_deref() == *rid);
            let seq = 1000 * (n as u64 + 1) + i;
            let time = u32::try_from(i).unwrap() * 3000 + 77 * u32::try_from(n).unwrap();
            let picture = u16::try_from(i + 100 * n as u64).unwrap() & 0x7fff;
            net.clients[0].send("cam", *rid, seq, time, &vp8(picture, wanted));
        }
        net.run(FRAME);
    }
}

fn assert_continuous(net: &Net, client: usize) {
    let packets = &net.clients[client].packets;
    for pair in packets.windows(2) {
        assert_eq!(*pair[1].seq_no, *pair[0].seq_no + 1, "no gap in numbers");
        assert_eq!(
            picture_of(&pair[1]),
            picture_of(&pair[0]) + 1,
            "no gap in pictures"
        );
        assert!(pair[1].header.timestamp > pair[0].header.timestamp);
    }
}

#[test]
fn a_subscriber_gets_video_from_a_keyframe_on() {
    let (mut net, viewer) = with_viewer(false);
    stream(&mut net, &[None], 0, 60);
    let received = net.clients[viewer].packets.len();
    assert!(received > 50, "{received} of 60 frames");
    assert_eq!(
        net.clients[viewer].packets[0].payload[4] & 1,
        0,
        "keyframe first"
    );
    assert_continuous(&net, viewer);
    assert!(is_event(&net, |e| matches!(
        e,
        MediaEvent::SubscriptionLive { .. }
    )));
}

#[test]
fn a_late_subscription_makes_the_client_offer_again() {
    let mut net = with_camera(false);
    let viewer = net.join(PeerRole::Single);
    net.offer(viewer, &[], (1, 0));
    net.until("viewer connects", |n| n.clients[1].connected);
    net.subscribe(viewer, 1);
    assert!(is_event(&net, |e| matches!(
        e,
        MediaEvent::SectionsNeeded {
            audio: 0,
            video: 1,
            ..
        }
    )));
    stream(&mut net, &[None], 0, 30);
    assert!(net.clients[viewer].packets.len() > 20);
}

#[test]
fn a_two_connection_client_is_offered_the_track() {
    let mut net = with_camera(false);
    let viewer = net.join(PeerRole::Subscriber);
    net.subscribe(viewer, 1);
    net.until("viewer connects", |n| n.clients[1].connected);
    stream(&mut net, &[None], 0, 30);
    assert!(net.clients[viewer].packets.len() > 20);
    assert_continuous(&net, viewer);
}

#[test]
fn a_section_is_used_again_by_another_track() {
    let mut net = with_camera(false);
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (0, 1));
    net.until("viewer connects", |n| n.clients[1].connected);
    stream(&mut net, &[None], 0, 10);
    let peer = net.clients[viewer].id;
    let track = TrackId(1);
    net.command(MediaCommand::Unsubscribe { peer, track });
    net.run(FRAME);
    let before = net.clients[viewer].packets.len();
    stream(&mut net, &[None], 10, 10);
    assert_eq!(
        net.clients[viewer].packets.len(),
        before,
        "nothing in between"
    );
    let old = net.clients[viewer].packets[0].header.ssrc;
    net.clients[viewer].packets.clear();
    net.subscribe(viewer, 1);
    stream(&mut net, &[None], 20, 40);
    let packets = &net.clients[viewer].packets;
    assert!(packets.len() > 10, "{} of 40", packets.len());
    assert_ne!(packets[0].header.ssrc, old, "a stream of its own");
    assert!(
        packets[0].header.ext_vals.mid.is_some(),
        "and it names its section"
    );
    assert_continuous(&net, viewer);
}

#[test]
fn renditions_switch_without_a_gap() {
    let mut net = with_camera(true);
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (0, 1));
    net.until("viewer connects", |n| n.clients[1].connected);
    let rids = [Some("q"), Some("h"), Some("f")];
    stream(&mut net, &rids, 0, 40);
    let peer = net.clients[viewer].id;
    for (round, quality) in [(1, Quality::Low), (2, Quality::Medium), (3, Quality::High)] {
        let demand = Demand {
            quality,
            ..Demand::default()
        };
        let track = TrackId(1);
        net.command(MediaCommand::SetDemand {
            peer,
            track,
            demand,
        });
        stream(&mut net, &rids, round * 40, 40);
    }
    assert!(net.clients[viewer].packets.len() > 140);
    assert_continuous(&net, viewer);
}

#[test]
fn a_frame_of_many_packets_leaves_in_one_turn() {
    let mut net = with_camera(false);
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (0, 1));
    net.until("viewer connects", |n| n.clients[1].connected);
    stream(&mut net, &[None], 0, 40);
    let before = net.clients[viewer].packets.len();
    for i in 0..8 {
        net.clients[0].send("cam", None, 1040 + i, 40 * 3000, &vp8(40, false));
    }
    // One step from the publisher, one through the engine, one to the viewer.
    net.run(Duration::from_millis(3));
    assert_eq!(net.clients[viewer].packets.len(), before + 8);
}

#[test]
fn lost_packets_are_sent_again() {
    let mut net = with_camera(false);
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (0, 1));
    net.until("viewer connects", |n| n.clients[1].connected);
    stream(&mut net, &[None], 0, 10);
    net.drop = Box::new(|n| n % 10 == 0);
    stream(&mut net, &[None], 10, 100);
    net.drop = Box::new(|_| false);
    stream(&mut net, &[None], 110, 20);
    let mut seqs: Vec<u64> = net.clients[viewer]
        .packets
        .iter()
        .map(|p| *p.seq_no)
        .collect();
    seqs.sort_unstable();
    seqs.dedup();
    let span = seqs.last().unwrap() - seqs[0] + 1;
    assert_eq!(seqs.len() as u64, span, "every hole was filled");
}

#[test]
fn a_muted_track_is_silent_and_levels_are_told() {
    let mut net = Net::new();
    let publisher = net.join(PeerRole::Single);
    net.publish(publisher, 1, "mic", Kind::Audio);
    net.offer(publisher, &[("mic", MediaKind::Audio, false)], (0, 0));
    let viewer = net.join(PeerRole::Single);
    net.offer(viewer, &[], (1, 0));
    net.subscribe(viewer, 1);
    net.until("both connect", |n| n.clients.iter().all(|c| c.connected));
    let speak = |net: &mut Net, from: u64| {
        for i in from..from + 50 {
            let time = u32::try_from(i).unwrap() * 960;
            net.clients[0].send("mic", None, i, time, &[0xfc, 1, 2]);
            net.run(Duration::from_millis(20));
        }
    };
    speak(&mut net, 0);
    let heard = net.clients[viewer].packets.len();
    assert!(heard > 40);
    let loud = |e: &MediaEvent| match e {
        MediaEvent::Levels { levels, .. } => levels.iter().any(|(_, l)| (l - 0.1).abs() < 0.01),
        _ => false,
    };
    assert!(is_event(&net, loud), "{:?}", net.events);
    let track = TrackId(1);
    net.command(MediaCommand::Mute { track, muted: true });
    speak(&mut net, 50);
    assert_eq!(net.clients[viewer].packets.len(), heard);
    assert!(is_event(
        &net,
        |e| matches!(e, MediaEvent::Levels { levels, .. } if levels.is_empty())
    ));
}

#[test]
fn data_travels_both_ways() {
    let mut net = with_camera(false);
    net.until("the channel opens", |n| n.clients[0].open.is_some());
    assert!(is_event(&net, |e| matches!(
        e,
        MediaEvent::DataReady { .. }
    )));
    let channel = net.clients[0].open.unwrap();
    let mut up = net.clients[0].rtc.channel(channel).unwrap();
    up.write(true, b"up").unwrap();
    net.run(FRAME);
    assert!(is_event(&net, |e| matches!(
        e,
        MediaEvent::Data { payload, channel: DataChannel::Reliable, .. } if &payload[..] == b"up"
    )));
    let peers = Arc::from([net.clients[0].id]);
    net.command(MediaCommand::SendData {
        peers,
        channel: DataChannel::Reliable,
        payload: Arc::from(&b"down"[..]),
    });
    net.run(FRAME);
    assert_eq!(net.clients[0].data, [b"down"]);
}

#[test]
fn keyframe_requests_of_a_crowd_are_one() {
    let mut net = with_camera(false);
    let viewers: Vec<usize> = (0..10)
        .map(|_| {
            let viewer = net.join(PeerRole::Single);
            net.subscribe(viewer, 1);
            net.offer(viewer, &[], (0, 1));
            viewer
        })
        .collect();
    net.until("all connect", |n| n.clients.iter().all(|c| c.connected));
    stream(&mut net, &[None], 0, 60);
    let before = net.sfu.counters().keyframe_requests;
    for viewer in viewers {
        net.clients[viewer].request_keyframe();
    }
    stream(&mut net, &[None], 60, 5);
    assert_eq!(net.sfu.counters().keyframe_requests, before + 1);
}

#[test]
fn a_publisher_that_leaves_takes_its_tracks() {
    let mut net = with_camera(false);
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (0, 1));
    net.until("viewer connects", |n| n.clients[1].connected);
    let peer = net.clients[0].id;
    net.command(MediaCommand::RemovePeer { peer });
    net.run(FRAME);
    let counters = net.sfu.counters();
    assert_eq!((counters.peers, counters.tracks), (1, 0));
}

/// When the packet was captured, by the sender reports that its receiver got.
fn captured(packet: &str0m::rtp::RtpPacket, clock_rate: f64) -> Option<f64> {
    let report = packet.last_sender_info.as_ref()?;
    let ntp = report.ntp_time.duration_since(std::time::UNIX_EPOCH).ok()?;
    let ticks = packet.time.numer() as f64 - report.rtp_time.numer() as f64;
    Some(ntp.as_secs_f64() + ticks / clock_rate)
}

#[test]
fn sound_and_picture_keep_their_relation() {
    let mut net = Net::new();
    let publisher = net.join(PeerRole::Single);
    net.publish(publisher, 1, "cam", Kind::Video);
    net.publish(publisher, 2, "mic", Kind::Audio);
    let tracks = [
        ("cam", MediaKind::Video, false),
        ("mic", MediaKind::Audio, false),
    ];
    net.offer(publisher, &tracks, (0, 0));
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.subscribe(viewer, 2);
    net.offer(viewer, &[], (1, 1));
    net.until("both connect", |n| n.clients.iter().all(|c| c.connected));
    for i in 0..400u32 {
        // A picture reaches the network 80 ms after the sound of its moment:
        // that is how long its encoder takes.
        let now = net.now;
        let publisher = &mut net.clients[0];
        publisher.captured_at = Some(now);
        publisher.send("mic", None, u64::from(i), i * 960, &[0xfc, 1, 2]);
        let asked = !std::mem::take(&mut publisher.keyframe_requests).is_empty();
        publisher.captured_at = Some(now - Duration::from_millis(80));
        let picture = u16::try_from(i).unwrap();
        publisher.send("cam", None, u64::from(i), i * 1800, &vp8(picture, asked));
        net.run(Duration::from_millis(20));
    }
    let last = |rate: u32| {
        let all = net.clients[viewer].packets.iter().rev();
        let of_kind = all.filter(|p| p.time.denom() == rate);
        of_kind.filter_map(|p| captured(p, f64::from(rate))).next()
    };
    let (sound, picture) = (last(48_000).unwrap(), last(90_000).unwrap());
    let skew = sound - picture;
    assert!((skew - 0.080).abs() < 0.005, "skew {skew}");
}

#[test]
fn a_new_connection_is_not_buried_with_the_one_before() {
    let mut net = with_camera(false);
    let peer = net.clients[0].id;
    // Both in one batch: the second gets the slot of the first.
    let now = net.now;
    net.sfu
        .handle_command(MediaCommand::RemovePeer { peer }, now);
    let next = net.join(PeerRole::Single);
    net.publish(next, 2, "mic", Kind::Audio);
    net.offer(next, &[("mic", MediaKind::Audio, false)], (0, 0));
    net.until("the second connects", |n| n.clients[next].connected);
    assert_eq!(net.sfu.counters().peers, 1);
}

#[test]
fn a_client_that_comes_back_is_connected_again() {
    let mut net = with_camera(false);
    let viewer = net.join(PeerRole::Single);
    net.subscribe(viewer, 1);
    net.offer(viewer, &[], (0, 1));
    net.until("viewer connects", |n| n.clients[1].connected);
    let connected = |n: &Net| {
        let all = n.events.iter();
        all.filter(|e| matches!(e, MediaEvent::Connected { .. }))
            .count()
    };
    let before = connected(&net);
    net.deaf = true;
    net.until("the loss is told", |n| {
        is_event(n, |e| matches!(e, MediaEvent::Disconnected { .. }))
    });
    net.deaf = false;
    net.until("the return is told", |n| connected(n) > before);
}
