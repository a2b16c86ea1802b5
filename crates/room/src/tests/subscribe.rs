//! Who receives what.

use surecast_media::control::{Demand, MediaCommand, MediaEvent, Quality, SubscriptionFault};
use surecast_media::id::{PeerId, TrackId};

use super::world::{World, camera, join, join_v0, join_with, microphone};
use crate::Join;
use crate::proto;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;

fn subscribed(commands: &[MediaCommand]) -> Vec<(PeerId, TrackId, String)> {
    commands
        .iter()
        .filter_map(|command| match command {
            MediaCommand::Subscribe {
                peer,
                track,
                stream_id,
                ..
            } => Some((*peer, *track, stream_id.clone())),
            _ => None,
        })
        .collect()
}

fn unsubscribed(commands: &[MediaCommand]) -> usize {
    commands
        .iter()
        .filter(|command| matches!(command, MediaCommand::Unsubscribe { .. }))
        .count()
}

fn ask_for(sids: &[&str], subscribe: bool) -> Ask {
    Ask::Subscription(proto::UpdateSubscription {
        track_sids: sids.iter().map(|sid| (*sid).to_owned()).collect(),
        subscribe,
        ..Default::default()
    })
}

#[test]
fn everybody_receives_what_is_bound_on_the_right_connection() {
    let mut world = World::new();
    let alice = world.active("alice");
    let v1 = world.active("v1");
    let v0 = world.active_with(join_v0("v0"));
    let track = world.announce(&alice, microphone("mic"));
    assert!(subscribed(&world.commands()).is_empty());
    world.bind(&track, "audio/opus");
    let stream = format!("{}|{}", alice.sid, track.sid);
    let want = [
        (v1.up, track.track, stream.clone()),
        (v0.down, track.track, stream.clone()),
    ];
    assert_eq!(subscribed(&world.commands()), want);
    assert_eq!(world.rooms.census().subscriptions, 2);
    // Who comes later receives it with the join, before it has media.
    let late = world.join(join("late"));
    assert_eq!(
        subscribed(&world.commands()),
        [(late.up, track.track, stream)]
    );
}

#[test]
fn synchronised_streams_are_named_by_their_group() {
    let mut world = World::new();
    let mut first = join("alice");
    first.grants.room_config = Some(proto::RoomConfiguration {
        sync_streams: true,
        ..Default::default()
    });
    let alice = world.active_with(first);
    world.active("bob");
    let track = world.announce(&alice, microphone("mic"));
    world.forget();
    world.bind(&track, "audio/opus");
    assert_eq!(
        subscribed(&world.commands())[0].2,
        format!("{}|camera", alice.sid)
    );
}

#[test]
fn without_auto_subscribe_and_by_request() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active_with(Join {
        auto_subscribe: false,
        ..join("bob")
    });
    let track = world.publish(&alice, camera("cam"));
    assert_eq!(world.rooms.census().subscriptions, 0);
    world.ask(&bob, ask_for(&[&track.sid], true));
    assert_eq!(subscribed(&world.commands()).len(), 1);
    world.ask(&bob, ask_for(&[&track.sid], true));
    assert!(world.commands().is_empty());
    world.ask(&bob, ask_for(&[&track.sid], false));
    assert_eq!(unsubscribed(&world.commands()), 1);
    let by_participant = proto::UpdateSubscription {
        subscribe: true,
        participant_tracks: vec![proto::ParticipantTracks {
            participant_sid: alice.sid,
            track_sids: vec![track.sid],
        }],
        ..Default::default()
    };
    world.ask(&bob, Ask::Subscription(by_participant));
    assert_eq!(subscribed(&world.commands()).len(), 1);
}

#[test]
fn a_wish_may_come_before_the_track() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active_with(Join {
        auto_subscribe: false,
        ..join("bob")
    });
    let track = world.announce(&alice, camera("cam"));
    world.ask(&bob, ask_for(&[&track.sid], true));
    world.forget();
    world.bind(&track, "video/VP8");
    assert_eq!(subscribed(&world.commands()).len(), 1);
    // Nobody subscribes to itself.
    world.ask(&alice, ask_for(&[&track.sid], true));
    assert!(world.commands().is_empty());
}

#[test]
fn who_may_not_subscribe_does_not() {
    let mut world = World::new();
    let alice = world.active("alice");
    let deaf = world.active_with(join_with("deaf", |grant| grant.can_subscribe = Some(false)));
    let ghost = world.active_with(join_with("ghost", |grant| grant.hidden = true));
    let track = world.announce(&alice, camera("cam"));
    world.forget();
    world.bind(&track, "video/VP8");
    assert_eq!(
        subscribed(&world.commands()).len(),
        1,
        "the hidden one only"
    );
    world.ask(&deaf, ask_for(&[&track.sid], true));
    assert!(world.commands().is_empty());
    world.publish(&ghost, microphone("mic"));
    assert_eq!(
        world.rooms.census().subscriptions,
        1,
        "nobody receives from a hidden one"
    );
}

#[test]
fn settings_become_demand() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let track = world.publish(&alice, camera("cam"));
    let settings = proto::UpdateTrackSettings {
        track_sids: vec![track.sid.clone()],
        quality: proto::VideoQuality::Medium as i32,
        width: 640,
        height: 360,
        fps: 15,
        priority: 2,
        ..Default::default()
    };
    world.ask(&bob, Ask::TrackSetting(settings));
    let want = Demand {
        enabled: true,
        quality: Quality::Medium,
        width: 640,
        height: 360,
        fps: 15,
        priority: 2,
    };
    assert!(
        matches!(world.commands()[..], [MediaCommand::SetDemand { demand, .. }] if demand == want)
    );
    let off = proto::UpdateTrackSettings {
        track_sids: vec![track.sid.clone()],
        disabled: true,
        ..Default::default()
    };
    world.ask(&bob, Ask::TrackSetting(off));
    assert!(
        matches!(world.commands()[..], [MediaCommand::SetDemand { demand, .. }] if !demand.enabled)
    );
    // What was asked for before the subscription comes with it.
    world.ask(&bob, ask_for(&[&track.sid], false));
    world.ask(&bob, ask_for(&[&track.sid], true));
    assert!(
        matches!(world.commands()[1], MediaCommand::Subscribe { demand, .. } if !demand.enabled)
    );
}

#[test]
fn the_publisher_hears_once_that_somebody_receives() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let track = world.publish(&alice, camera("cam"));
    for _ in 0..2 {
        world.media(MediaEvent::SubscriptionLive {
            peer: bob.down,
            track: track.track,
        });
    }
    assert!(matches!(world.hear(&alice)[..], [Say::TrackSubscribed(_)]));
    world.media(MediaEvent::StreamState {
        peer: bob.down,
        track: track.track,
        paused: true,
    });
    let said = world.hear(&bob);
    let [Say::StreamStateUpdate(update)] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(update.stream_states[0].state(), proto::StreamState::Paused);
    assert_eq!(update.stream_states[0].participant_sid, alice.sid);
}

#[test]
fn a_codec_nobody_can_replace_is_reported() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let track = world.publish(&alice, camera("cam"));
    let fault = SubscriptionFault::CodecUnsupported;
    world.media(MediaEvent::SubscriptionFailed {
        peer: bob.down,
        track: track.track,
        fault,
    });
    let said = world.hear(&bob);
    let [Say::SubscriptionResponse(response)] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(response.err(), proto::SubscriptionError::SeCodecUnsupported);
}

#[test]
fn a_fallback_codec_is_asked_for_and_tried() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let mut request = camera("cam");
    request.simulcast_codecs.insert(
        0,
        proto::SimulcastCodec {
            codec: "av1".into(),
            cid: "cam".into(),
            ..Default::default()
        },
    );
    let track = world.publish(&alice, request);
    let fault = SubscriptionFault::CodecUnsupported;
    world.media(MediaEvent::SubscriptionFailed {
        peer: bob.down,
        track: track.track,
        fault,
    });
    assert!(world.hear(&bob).is_empty());
    let said = world.hear(&alice);
    let [Say::SubscribedQualityUpdate(update)] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(
        update
            .subscribed_codecs
            .iter()
            .map(|c| c.codec.as_str())
            .collect::<Vec<_>>(),
        ["av1", "vp8"]
    );
    world.forget();
    world.bind(&track, "video/AV1");
    let commands = world.commands();
    assert!(
        matches!(
            commands[..],
            [
                MediaCommand::Unsubscribe { .. },
                MediaCommand::Subscribe { .. }
            ]
        ),
        "{commands:?}"
    );
}

#[test]
fn publishers_choose_their_audience() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let eve = world.active("eve");
    let recorder = world.active_with(join_with("recorder", |grant| grant.recorder = true));
    let mic = world.publish(&alice, microphone("mic"));
    let cam = world.publish(&alice, camera("cam"));
    let only = |identity: &str, sid: &str, tracks: Vec<String>| proto::TrackPermission {
        participant_identity: identity.into(),
        participant_sid: sid.into(),
        all_tracks: tracks.is_empty(),
        track_sids: tracks,
    };
    let permission = proto::SubscriptionPermission {
        all_participants: false,
        track_permissions: vec![
            only("bob", "", vec![mic.sid.clone()]),
            only("", "PA_unknown", vec![]),
        ],
    };
    world.ask(&alice, Ask::SubscriptionPermission(permission));
    let commands = world.commands();
    assert_eq!(unsubscribed(&commands), 3, "{commands:?}");
    assert!(
        commands.iter().all(
            |c| !matches!(c, MediaCommand::Unsubscribe { peer, .. } if *peer == recorder.down)
        )
    );
    let told = |said: Vec<Say>| -> Vec<(String, bool)> {
        let one = |said| match said {
            Say::SubscriptionPermissionUpdate(update) => Some((update.track_sid, update.allowed)),
            _ => None,
        };
        said.into_iter().filter_map(one).collect()
    };
    assert_eq!(told(world.hear(&bob)), [(cam.sid.clone(), false)]);
    assert_eq!(
        told(world.hear(&eve)),
        [(mic.sid.clone(), false), (cam.sid.clone(), false)]
    );
    // It still wants them: they come when they are allowed.
    let everybody = proto::SubscriptionPermission {
        all_participants: true,
        ..Default::default()
    };
    world.ask(&alice, Ask::SubscriptionPermission(everybody));
    assert_eq!(subscribed(&world.commands()).len(), 3);
    assert_eq!(told(world.hear(&bob)), [(cam.sid, true)]);
}
