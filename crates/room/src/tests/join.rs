//! Who comes in, and what is said first.

use std::collections::HashMap;

use surecast_media::control::{MediaCommand, PeerRole};

use super::world::{
    Client, World, grants, join, join_v0, join_with, leave_of, microphone, updates,
};
use crate::proto::leave_request::Action;
use crate::proto::participant_info::State;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::{self, DisconnectReason};
use crate::{Grants, Join, JoinError, JoinOutcome, Settings, Tap};

fn join_response(world: &mut World, client: &Client) -> proto::JoinResponse {
    match world.hear(client).into_iter().next() {
        Some(Say::Join(response)) => response,
        other => panic!("no join first but {other:?}"),
    }
}

#[test]
fn v1_has_one_connection() {
    let mut world = World::new();
    let alice = world.join(join("alice"));
    let response = join_response(&mut world, &alice);
    assert!(!response.subscriber_primary && response.fast_publish);
    assert_eq!((response.ping_interval, response.ping_timeout), (5, 15));
    let server = response.server_info.unwrap();
    assert_eq!((server.version.as_str(), server.protocol), ("1.13.6", 17));
    assert!(response.room.unwrap().sid.starts_with("RM_"));
    assert!(alice.sid.starts_with("PA_") && alice.sid.len() == 15);
    assert!(matches!(
        world.commands()[..],
        [MediaCommand::AddPeer {
            role: PeerRole::Single,
            ..
        }]
    ));
    assert_eq!(world.refreshed.len(), 1, "a fresh token follows the join");
}

#[test]
fn v0_has_two_connections_where_it_may_subscribe() {
    let mut world = World::new();
    let alice = world.join(join_v0("alice"));
    assert!(join_response(&mut world, &alice).subscriber_primary);
    let roles = |world: &mut World| -> Vec<_> {
        let role = |command| match command {
            MediaCommand::AddPeer { role, .. } => Some(role),
            _ => None,
        };
        world.commands().into_iter().filter_map(role).collect()
    };
    assert_eq!(
        roles(&mut world),
        [PeerRole::Publisher, PeerRole::Subscriber]
    );

    let mut speaker = join_v0("bob");
    speaker.grants.video.as_mut().unwrap().can_subscribe = Some(false);
    let bob = world.join(speaker);
    assert!(!join_response(&mut world, &bob).subscriber_primary);
    assert_eq!(roles(&mut world), [PeerRole::Publisher]);
}

#[test]
fn a_viewer_of_the_web_has_a_connection_of_its_own_kind() {
    let mut world = World::new();
    world.join(Join {
        viewer: true,
        ..join("eve")
    });
    let role = |command| match command {
        MediaCommand::AddPeer { role, .. } => Some(role),
        _ => None,
    };
    let roles: Vec<_> = world.commands().into_iter().filter_map(role).collect();
    assert_eq!(roles, [PeerRole::Viewer]);
}

#[test]
fn who_yields_is_refused_where_others_would_replace() {
    let mut world = World::new();
    let yields = |identity: &str| Join {
        yields: true,
        ..join(identity)
    };
    let first = world.join(yields("encoder"));
    let refused = world.try_join(yields("encoder"));
    assert_eq!(refused, Err(JoinError::IdentityTaken));
    assert!(world.closed.is_empty());
    world.join(join("encoder"));
    assert_eq!(world.closed, [first.session], "a takeover");
}

#[test]
fn tracks_and_offer_of_the_join_follow_it_in_order() {
    let mut world = World::new();
    let offer = proto::SessionDescription {
        r#type: "offer".into(),
        sdp: "v=0".into(),
        id: 1,
        ..Default::default()
    };
    let alice = world.join(Join {
        add_tracks: vec![microphone("mic")],
        offer: Some(offer),
        ..join("alice")
    });
    let said = world.hear(&alice);
    assert!(
        matches!(said[..], [Say::Join(_), Say::TrackPublished(_)]),
        "{said:?}"
    );
    let commands = world.commands();
    assert!(
        matches!(
            commands[..],
            [
                MediaCommand::AddPeer { .. },
                MediaCommand::Announce { .. },
                MediaCommand::Mute { muted: false, .. },
                MediaCommand::Offer { id: 1, .. }
            ]
        ),
        "{commands:?}"
    );
}

#[test]
fn others_hear_of_a_join_and_of_its_progress() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.join(join("bob"));
    let others = join_response(&mut world, &bob).other_participants;
    assert_eq!(
        others
            .iter()
            .map(|p| p.identity.as_str())
            .collect::<Vec<_>>(),
        ["alice"]
    );
    let seen = updates(&world.hear(&alice));
    assert_eq!(
        (seen[0].state(), seen[0].identity.as_str()),
        (State::Joined, "bob")
    );
    world.connect(&bob);
    let seen_later = updates(&world.hear(&alice));
    assert_eq!(seen_later[0].state(), State::Active);
    assert!(seen_later[0].version > seen[0].version);
    assert_eq!(world.event_names(), ["participant_joined"]);
    let joined = |tap: &Tap| {
        matches!(
            tap,
            Tap::Join {
                outcome: JoinOutcome::Joined,
                ice: Some(_),
                ..
            }
        )
    };
    assert!(world.taps.iter().any(joined));
}

#[test]
fn hidden_participants_are_seen_by_nobody() {
    let mut world = World::new();
    let alice = world.active("alice");
    let ghost = world.join(join_with("ghost", |grant| grant.hidden = true));
    world.connect(&ghost);
    assert!(updates(&world.hear(&alice)).is_empty());
    let bob = world.join(join("bob"));
    let response = join_response(&mut world, &bob);
    assert_eq!(response.other_participants.len(), 1);
    assert_eq!(response.room.unwrap().num_participants, 2);
    world.forget();
    world.ask(&ghost, Ask::Leave(proto::LeaveRequest::default()));
    assert!(updates(&world.hear(&alice)).is_empty());
}

#[test]
fn a_second_session_of_an_identity_replaces_the_first() {
    let mut world = World::new();
    let old = world.active("alice");
    let watcher = world.active("bob");
    let mut legacy = join("carl");
    legacy.protocol = 11;
    let legacy = world.active_with(legacy);
    let new = world.join(join("alice"));
    assert_ne!(old.sid, new.sid);
    let leave = leave_of(&world.hear(&old)).unwrap();
    assert_eq!(
        leave,
        (DisconnectReason::DuplicateIdentity, Action::Disconnect)
    );
    assert_eq!(world.closed, [old.session]);
    assert!(
        world
            .media
            .iter()
            .any(|c| matches!(c, MediaCommand::RemovePeer { peer } if *peer == old.up))
    );
    // New clients tell the two apart by themselves, old ones hear of both.
    let sids = |said: Vec<Say>| {
        updates(&said)
            .into_iter()
            .map(|p| p.sid)
            .collect::<Vec<_>>()
    };
    assert_eq!(sids(world.hear(&watcher)), [new.sid.as_str()]);
    assert_eq!(
        sids(world.hear(&legacy)),
        [old.sid.as_str(), new.sid.as_str()]
    );
    world.ask(&old, Ask::Leave(proto::LeaveRequest::default()));
    assert_eq!(world.rooms.census().participants, 3);
}

#[test]
fn refusals() {
    let mut world = World::with(Settings {
        max_participants: 1,
        ..Settings::default()
    });
    let check = |world: &mut World, join: Join, want: &str, status: u16| {
        let validated = world.rooms.validate(&join, world.now);
        let error = world.try_join(join).unwrap_err();
        assert_eq!(validated, Err(error.clone()));
        assert!(error.to_string().contains(want), "{error}");
        assert_eq!(error.http_status(), status);
        assert!(world.said.is_empty() && world.media.is_empty());
    };
    check(&mut world, Join::default(), "roomJoin", 401);
    check(
        &mut world,
        join_with("a", |grant| grant.room_join = false),
        "roomJoin",
        401,
    );
    check(&mut world, join(""), "identity", 400);
    check(
        &mut world,
        join_with("a", |grant| grant.room.clear()),
        "room name",
        400,
    );
    check(&mut world, join(&"a".repeat(300)), "identity", 400);
    check(
        &mut world,
        join_with("a", |grant| grant.room = "r".repeat(300)),
        "room name",
        400,
    );
    check(
        &mut world,
        Join {
            metadata: Some("m".into()),
            ..join("a")
        },
        "canUpdateOwnMetadata",
        401,
    );
    let attributes = HashMap::from([("k".to_owned(), "v".to_owned())]);
    check(
        &mut world,
        Join {
            attributes,
            ..join("a")
        },
        "canUpdateOwnMetadata",
        401,
    );
    let mut large = join("a");
    large.grants.metadata = "m".repeat(70_000);
    check(&mut world, large, "metadata", 400);
    world.active("alice");
    check(&mut world, join("bob"), "max participants", 403);
    // Who is in already may come again; agents and recorders do not count.
    world.active("alice");
    world.active_with(join_with("egress", |grant| grant.recorder = true));
}

#[test]
fn rooms_are_created_by_who_may() {
    let mut world = World::with(Settings {
        auto_create: false,
        ..Settings::default()
    });
    let error = world.try_join(join("alice")).unwrap_err();
    assert_eq!(error, JoinError::NotFound);
    assert!(error.to_string().contains("requested room does not exist"));
    assert_eq!(error.http_status(), 404);
    world.active_with(join_with("admin", |grant| grant.room_create = true));
    world.active("alice");
}

#[test]
fn the_token_may_say_how_the_room_shall_be() {
    let mut world = World::new();
    let config = proto::RoomConfiguration {
        empty_timeout: 7,
        departure_timeout: 3,
        max_participants: 1,
        metadata: "m".into(),
        ..Default::default()
    };
    let first = Join {
        grants: Grants {
            room_config: Some(config),
            ..grants("alice")
        },
        ..join("alice")
    };
    let alice = world.join(first);
    let room = join_response(&mut world, &alice).room.unwrap();
    assert_eq!(
        (
            room.empty_timeout,
            room.departure_timeout,
            room.max_participants
        ),
        (7, 3, 1)
    );
    assert_eq!(room.metadata, "m");
    assert!(world.try_join(join("bob")).is_err());
}

#[test]
fn own_metadata_and_attributes_come_with_the_join() {
    let mut world = World::new();
    let mut with = join_with("alice", |grant| grant.can_update_own_metadata = Some(true));
    with.grants.attributes = HashMap::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
    with.metadata = Some("meta".into());
    with.attributes = HashMap::from([("a".into(), "x".into()), ("b".into(), String::new())]);
    let alice = world.join(with);
    let info = join_response(&mut world, &alice).participant.unwrap();
    assert_eq!(info.metadata, "meta");
    assert_eq!(
        info.attributes,
        HashMap::from([("a".into(), "x".into()), ("b".into(), "2".into())])
    );
}

#[test]
fn a_second_connection_only_to_publish() {
    let mut world = World::new();
    let screen = world.join(Join {
        publish: Some("screen".into()),
        ..join_v0("alice")
    });
    let info = join_response(&mut world, &screen).participant.unwrap();
    assert_eq!(info.identity, "alice#screen");
    assert!(!info.permission.unwrap().can_subscribe);
}
