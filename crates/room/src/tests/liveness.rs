//! Time-outs of participants, and what is done regularly.

use std::time::Duration;

use surecast_media::control::MediaEvent;

use super::world::{World, join, leave_of};
use crate::proto::leave_request::Action;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::{self, DisconnectReason};

#[test]
fn who_gets_no_media_within_a_minute_is_out() {
    let mut world = World::new();
    let alice = world.join(join("alice"));
    world.forget();
    world.wait(Duration::from_secs(61));
    let leave = leave_of(&world.hear(&alice)).unwrap();
    assert_eq!(leave, (DisconnectReason::JoinFailure, Action::Disconnect));
    assert!(
        world
            .event_names()
            .contains(&"participant_connection_aborted")
    );
}

#[test]
fn who_vanishes_before_it_has_media_is_out_at_once() {
    let mut world = World::new();
    let alice = world.join(join("alice"));
    world.forget();
    world.drop_session(&alice);
    assert_eq!(world.event_names(), ["participant_connection_aborted"]);
    assert_eq!(world.rooms.census().participants, 0);
    let peer = alice.up;
    let event = MediaEvent::Closed {
        peer,
        reason: String::new(),
    };
    world.media(event);
    assert!(world.said.is_empty());
}

#[test]
fn pings_are_answered_and_their_end_is_noticed() {
    let mut world = World::new();
    let alice = world.active("alice");
    let quiet = world.active("quiet");
    world.ask(&alice, Ask::Ping(5));
    world.ask(
        &alice,
        Ask::PingReq(proto::Ping {
            timestamp: 42,
            rtt: 3,
        }),
    );
    let said = world.hear(&alice);
    let [Say::Pong(_), Say::PongResp(pong)] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(pong.last_ping_timestamp, 42);
    world.wait(Duration::from_secs(19));
    world.ask(&alice, Ask::Ping(6));
    world.wait(Duration::from_secs(19));
    assert!(world.closed.is_empty());
    world.wait(Duration::from_secs(2));
    assert_eq!(
        world.closed,
        [alice.session],
        "{quiet:?} never pinged and stays"
    );
    world.wait(Duration::from_secs(31));
    assert_eq!(world.rooms.census().participants, 1);
}

#[test]
fn tokens_are_refreshed_every_five_minutes() {
    let mut world = World::new();
    let alice = world.active("alice");
    world.wait(Duration::from_secs(601));
    let sessions: Vec<_> = world
        .refreshed
        .iter()
        .map(|(session, _)| *session)
        .collect();
    assert_eq!(sessions, [alice.session; 2]);
}
