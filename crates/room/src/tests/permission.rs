//! Metadata and permissions that change in flight.

use std::collections::HashMap;

use surecast_media::control::MediaCommand;

use super::world::{Client, World, camera, join_v0, join_with, microphone, responses, updates};
use crate::proto;
use crate::proto::request_response::Reason;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::token::VideoGrant;
use crate::{Grants, ServiceCall, Settings};

fn set_permission(world: &mut World, client: &Client, permission: proto::ParticipantPermission) {
    let admin = Grants {
        video: Some(VideoGrant {
            room_admin: true,
            room: "r".into(),
            ..VideoGrant::default()
        }),
        ..Grants::default()
    };
    let request = proto::UpdateParticipantRequest {
        room: "r".into(),
        identity: client.identity.clone(),
        permission: Some(permission),
        ..Default::default()
    };
    world
        .rooms
        .handle_service(&admin, ServiceCall::UpdateParticipant(request), world.now)
        .unwrap();
    world.wait(std::time::Duration::ZERO);
    // Anything drains what the call left.
    world.ask(client, Ask::Ping(0));
}

fn everything() -> proto::ParticipantPermission {
    VideoGrant::default().to_permission()
}

#[test]
fn participants_change_themselves_where_they_may() {
    let mut world = World::new();
    let alice = world.active_with(join_with("alice", |grant| {
        grant.can_update_own_metadata = Some(true)
    }));
    let bob = world.active("bob");
    let update = |metadata: &str, attributes: &[(&str, &str)]| proto::UpdateParticipantMetadata {
        metadata: metadata.into(),
        name: "Al".into(),
        attributes: attributes
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
        request_id: 7,
    };
    world.ask(
        &alice,
        Ask::UpdateMetadata(update("m", &[("a", "1"), ("b", "2")])),
    );
    let said = world.hear(&alice);
    assert_eq!(responses(&said), [Reason::Ok]);
    assert!(matches!(said.last(), Some(Say::RequestResponse(r)) if r.request_id == 7));
    let seen = updates(&world.hear(&bob)).pop().unwrap();
    assert_eq!(
        (
            seen.name.as_str(),
            seen.metadata.as_str(),
            seen.attributes.len()
        ),
        ("Al", "m", 2)
    );
    assert_eq!(
        world.refreshed.last().unwrap().1.metadata,
        "m",
        "the next token knows it"
    );
    world.ask(&alice, Ask::UpdateMetadata(update("", &[("a", "")])));
    let seen = updates(&world.hear(&bob)).pop().unwrap();
    assert_eq!(
        (seen.metadata.as_str(), seen.attributes),
        ("m", HashMap::from([("b".into(), "2".into())]))
    );

    world.forget();
    world.ask(&bob, Ask::UpdateMetadata(update("x", &[])));
    assert_eq!(responses(&world.hear(&bob)), [Reason::NotAllowed]);
    world.ask(
        &alice,
        Ask::UpdateMetadata(update(&"x".repeat(65_000), &[])),
    );
    assert_eq!(responses(&world.hear(&alice)), [Reason::LimitExceeded]);
    assert!(world.refreshed.is_empty());
}

#[test]
fn attributes_are_limited_as_a_whole() {
    let mut world = World::with(Settings {
        max_attributes_bytes: 10,
        ..Settings::default()
    });
    let alice = world.active_with(join_with("alice", |grant| {
        grant.can_update_own_metadata = Some(true)
    }));
    for (key, want) in [
        ("aa", Reason::Ok),
        ("bb", Reason::Ok),
        ("cc", Reason::LimitExceeded),
    ] {
        let attributes = HashMap::from([(key.to_owned(), "123".to_owned())]);
        world.ask(
            &alice,
            Ask::UpdateMetadata(proto::UpdateParticipantMetadata {
                attributes,
                ..Default::default()
            }),
        );
        assert_eq!(responses(&world.hear(&alice)), [want], "{key}");
    }
}

#[test]
fn revoking_the_right_to_publish_ends_tracks() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let cam = world.publish(&alice, camera("cam"));
    let mic = world.publish(&alice, microphone("mic"));
    let only_mic = proto::ParticipantPermission {
        can_publish_sources: vec![2],
        ..everything()
    };
    set_permission(&mut world, &alice, only_mic);
    let said = world.hear(&alice);
    assert!(
        said.iter()
            .any(|s| matches!(s, Say::TrackUnpublished(t) if t.track_sid == cam.sid))
    );
    let last = updates(&world.hear(&bob)).pop().unwrap();
    assert_eq!(
        last.tracks.iter().map(|t| &t.sid).collect::<Vec<_>>(),
        [&mic.sid]
    );
    assert!(last.is_publisher);
    assert!(
        world
            .media
            .iter()
            .any(|c| matches!(c, MediaCommand::Unpublish { track } if *track == cam.track))
    );
    assert_eq!(world.event_names(), ["track_unpublished"]);

    set_permission(
        &mut world,
        &alice,
        proto::ParticipantPermission {
            can_publish: false,
            ..everything()
        },
    );
    let last = updates(&world.hear(&bob)).pop().unwrap();
    assert!(last.tracks.is_empty() && !last.is_publisher && !last.permission.unwrap().can_publish);
    assert_eq!(
        world
            .refreshed
            .last()
            .unwrap()
            .1
            .video
            .as_ref()
            .unwrap()
            .can_publish,
        Some(false)
    );
    world.forget();
    world.ask(&alice, Ask::AddTrack(microphone("mic2")));
    assert_eq!(responses(&world.hear(&alice)), [Reason::NotAllowed]);
}

#[test]
fn granting_and_revoking_the_right_to_subscribe() {
    let mut world = World::new();
    let alice = world.active("alice");
    let mut muted = join_v0("bob");
    muted.grants.video.as_mut().unwrap().can_subscribe = Some(false);
    let bob = world.active_with(muted);
    world.publish(&alice, camera("cam"));
    assert_eq!(world.rooms.census().subscriptions, 0);
    set_permission(&mut world, &bob, everything());
    let commands = world.commands();
    assert!(
        matches!(
            commands[..],
            [MediaCommand::AddPeer { .. }, MediaCommand::Subscribe { .. }]
        ),
        "{commands:?}"
    );
    set_permission(
        &mut world,
        &bob,
        proto::ParticipantPermission {
            can_subscribe: false,
            ..everything()
        },
    );
    assert!(matches!(
        world.commands()[..],
        [MediaCommand::Unsubscribe { .. }]
    ));
}

#[test]
fn becoming_hidden_and_visible_again() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    world.publish(&alice, camera("cam"));
    set_permission(
        &mut world,
        &alice,
        proto::ParticipantPermission {
            hidden: true,
            ..everything()
        },
    );
    let seen = updates(&world.hear(&bob)).pop().unwrap();
    assert_eq!(seen.state(), proto::participant_info::State::Disconnected);
    assert_eq!(world.rooms.census().subscriptions, 0);
    world.forget();
    set_permission(&mut world, &alice, everything());
    let seen = updates(&world.hear(&bob)).pop().unwrap();
    assert_eq!(seen.state(), proto::participant_info::State::Active);
    assert_eq!(world.rooms.census().subscriptions, 1);
}
