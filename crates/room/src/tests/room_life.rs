//! Rooms come and go, and tell about themselves.

use std::time::Duration;

use super::world::{World, join, join_with, leave_of, updates};
use crate::proto::leave_request::Action;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::{self, DisconnectReason};
use crate::token::VideoGrant;
use crate::{Grants, JoinError, ServiceCall, Settings};

fn admin() -> Grants {
    Grants {
        video: Some(VideoGrant {
            room_create: true,
            room_admin: true,
            room_list: true,
            room: "r".into(),
            ..VideoGrant::default()
        }),
        ..Grants::default()
    }
}

#[test]
fn an_unused_room_closes_after_the_empty_timeout() {
    let mut world = World::new();
    let call = ServiceCall::CreateRoom(proto::CreateRoomRequest {
        name: "r".into(),
        empty_timeout: 10,
        ..Default::default()
    });
    world
        .rooms
        .handle_service(&admin(), call, world.now)
        .unwrap();
    world.wait(Duration::from_secs(9));
    assert_eq!(world.rooms.census().rooms, 1);
    world.wait(Duration::from_secs(2));
    assert_eq!(world.rooms.census().rooms, 0);
    assert_eq!(world.event_names(), ["room_started", "room_finished"]);
    assert_eq!(world.rooms.poll_timeout(), None);
}

#[test]
fn a_left_room_closes_after_the_departure_timeout() {
    let mut world = World::new();
    let alice = world.active("alice");
    world.wait(Duration::from_secs(1000));
    world.ask(&alice, Ask::Leave(proto::LeaveRequest::default()));
    assert_eq!(world.closed, [alice.session]);
    world.wait(Duration::from_secs(15));
    let bob = world.active("bob");
    world.wait(Duration::from_secs(60));
    assert_eq!(world.rooms.census().rooms, 1, "somebody came back in time");
    world.ask(&bob, Ask::Leave(proto::LeaveRequest::default()));
    let recorder = world.active_with(join_with("recorder", |grant| grant.recorder = true));
    world.wait(Duration::from_secs(21));
    let leave = leave_of(&world.hear(&recorder)).unwrap();
    assert_eq!(
        leave,
        (DisconnectReason::RoomClosed, Action::Disconnect),
        "a recorder keeps no room open"
    );
    assert_eq!(world.rooms.census(), crate::Census::default());
    assert_eq!(world.rooms.poll_timeout(), None);
}

#[test]
fn counts_are_told_within_seconds_and_together() {
    let mut world = World::new();
    let alice = world.active("alice");
    for n in 0..10 {
        world.active(&format!("p{n}"));
    }
    world.forget();
    world.wait(Duration::from_secs(4));
    let rooms: Vec<_> = world
        .hear(&alice)
        .into_iter()
        .filter_map(|said| match said {
            Say::RoomUpdate(update) => update.room,
            _ => None,
        })
        .collect();
    assert_eq!(rooms.len(), 1);
    assert_eq!(rooms[0].num_participants, 11);
}

#[test]
fn viewers_of_a_large_room_are_announced_together() {
    let settings = Settings {
        immediate_updates_up_to: 3,
        ..Settings::default()
    };
    let mut world = World::with(settings);
    let alice = world.active("alice");
    for n in 0..10 {
        world.active(&format!("p{n}"));
    }
    world.wait(Duration::from_secs(4));
    world.forget();
    let late: Vec<_> = (0..5)
        .map(|n| world.join(join(&format!("late{n}"))))
        .collect();
    world.connect(&late[0]);
    world.ask(&late[1], Ask::Leave(proto::LeaveRequest::default()));
    assert!(updates(&world.hear(&alice)).is_empty());
    world.wait(Duration::from_secs(4));
    let said = world.hear(&alice);
    let seen = updates(&said);
    assert_eq!(
        said.iter()
            .filter(|said| matches!(said, Say::Update(_)))
            .count(),
        1
    );
    assert_eq!(seen.len(), 5);
    assert_eq!(seen[0].state(), proto::participant_info::State::Active);
    assert_eq!(
        seen[1].state(),
        proto::participant_info::State::Disconnected
    );
}

#[test]
fn a_stopping_server_tells_everybody_and_lets_nobody_in() {
    let mut world = World::new();
    let alice = world.active("alice");
    let mut old = join("bob");
    old.protocol = 8;
    let bob = world.active_with(old);
    world
        .rooms
        .close_all(DisconnectReason::ServerShutdown, world.now);
    world.wait(Duration::ZERO);
    // Anything drains what close_all left.
    assert_eq!(world.try_join(join("carl")), Err(JoinError::ShuttingDown));
    for client in [&alice, &bob] {
        let leave = leave_of(&world.hear(client)).unwrap();
        assert_eq!(
            leave,
            (DisconnectReason::ServerShutdown, Action::Disconnect)
        );
        assert!(world.closed.contains(&client.session));
    }
    assert_eq!(
        world.event_names(),
        ["participant_left", "participant_left", "room_finished"]
    );
    assert_eq!(world.rooms.census().rooms, 0);
    assert_eq!(world.rooms.poll_timeout(), None);
}

#[test]
fn there_is_a_limit_on_rooms() {
    let mut world = World::with(Settings {
        max_rooms: 1,
        ..Settings::default()
    });
    world.active("alice");
    let other = join_with("bob", |grant| grant.room = "other".into());
    assert_eq!(
        world.try_join(other),
        Err(JoinError::TooManyRooms { limit: 1 })
    );
}
