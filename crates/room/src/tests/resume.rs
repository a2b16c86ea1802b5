//! Away and back.

use std::time::Duration;

use surecast_media::control::{MediaCommand, MediaEvent};

use super::world::{Client, World, camera, join, join_v0, leave_of, microphone, updates};
use crate::proto::leave_request::Action;
use crate::proto::participant_info::State;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::simulate_scenario::Scenario;
use crate::proto::{self, DisconnectReason};
use crate::{Join, JoinOutcome, Tap};

fn again(join: Join, client: &Client) -> Join {
    Join {
        reconnect: Some(client.sid.clone()),
        ..join
    }
}

fn resume(world: &mut World, join: Join, client: &Client) -> Client {
    let session = world.try_join(again(join, client)).unwrap();
    Client {
        session,
        ..client.clone()
    }
}

#[test]
fn the_participant_stays_and_hears_what_it_missed() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let carl = world.active("carl");
    world.publish(&alice, camera("cam"));
    world.drop_session(&alice);
    assert!(updates(&world.hear(&bob)).is_empty(), "nobody notices");
    world.wait(Duration::from_secs(10));
    world.ask(&carl, Ask::Leave(proto::LeaveRequest::default()));
    world.active("dora");
    world.forget();

    let alice = resume(&mut world, join("alice"), &alice);
    let said = world.hear(&alice);
    assert!(matches!(said[0], Say::Reconnect(_)), "{said:?}");
    let seen = updates(&said);
    let of = |identity: &str| {
        seen.iter()
            .find(|info| info.identity == identity)
            .unwrap()
            .state()
    };
    assert_eq!(
        (of("alice"), of("bob"), of("dora"), of("carl")),
        (
            State::Active,
            State::Active,
            State::Active,
            State::Disconnected
        )
    );
    assert!(said.iter().any(|said| matches!(said, Say::RoomUpdate(_))));
    assert!(
        world.media.is_empty(),
        "v1: the client restarts ICE by its own offer"
    );
    assert!(world.taps.iter().any(|tap| matches!(
        tap,
        Tap::Join {
            outcome: JoinOutcome::Resumed,
            ..
        }
    )));
    assert_eq!(world.rooms.census().tracks, 1);
    world.wait(Duration::from_secs(60));
    assert_eq!(world.rooms.census().participants, 3);
}

#[test]
fn on_v0_the_server_restarts_its_connection() {
    let mut world = World::new();
    let alice = world.active_with(join_v0("alice"));
    world.drop_session(&alice);
    resume(&mut world, join_v0("alice"), &alice);
    assert!(
        matches!(world.commands()[..], [MediaCommand::RestartIce { peer }] if peer == alice.down)
    );
}

#[test]
fn a_second_signalling_connection_takes_over() {
    let mut world = World::new();
    let old = world.active("alice");
    let new = resume(&mut world, join("alice"), &old);
    assert_eq!(world.closed, [old.session]);
    world.drop_session(&old);
    world.ask(&new, Ask::Ping(1));
    assert!(
        world
            .hear(&new)
            .iter()
            .any(|said| matches!(said, Say::Pong(_))),
        "the old session's end changes nothing"
    );
    world.wait(Duration::from_secs(19));
    assert_eq!(world.rooms.census().participants, 1);
}

#[test]
fn who_stays_away_is_out() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    world.drop_session(&alice);
    world.wait(Duration::from_secs(29));
    assert_eq!(world.rooms.census().participants, 2);
    world.wait(Duration::from_secs(2));
    let seen = updates(&world.hear(&bob));
    assert_eq!(
        (seen[0].state(), seen[0].disconnect_reason()),
        (State::Disconnected, DisconnectReason::SignalClose)
    );
    assert_eq!(world.event_names(), ["participant_left"]);
}

#[test]
fn unknown_participants_start_over() {
    let mut world = World::new();
    let alice = world.active("alice");
    let other = Client {
        sid: "PA_other".into(),
        ..alice.clone()
    };
    for join in [
        again(join("bob"), &alice),
        again(join("alice"), &other),
        again(join_v0("alice"), &alice),
    ] {
        world.forget();
        let session = world.try_join(join).unwrap();
        let leave = leave_of(&world.said[&session]).unwrap();
        assert_eq!(leave, (DisconnectReason::StateMismatch, Action::Reconnect));
        assert_eq!(world.closed, [session]);
    }
    assert_eq!(world.rooms.census().participants, 1);
    // No room is opened for them.
    let mut elsewhere = again(join("alice"), &alice);
    elsewhere.grants.video.as_mut().unwrap().room = "elsewhere".into();
    world.try_join(elsewhere).unwrap();
    assert_eq!(world.rooms.census().rooms, 1);
    // Clients from before the word "action".
    let mut old = again(join("bob"), &alice);
    old.protocol = 9;
    let session = world.try_join(old).unwrap();
    #[allow(deprecated)]
    let reconnect = matches!(&world.said[&session][0], Say::Leave(leave) if leave.can_reconnect);
    assert!(reconnect);
}

#[test]
fn the_clients_state_is_taken_over() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let cam = world.publish(&alice, camera("cam"));
    let mic = world.publish(&alice, microphone("mic"));
    let own = world.publish(&bob, microphone("own"));
    world.drop_session(&bob);
    let published = |sid: &str| proto::TrackPublishedResponse {
        cid: "own".into(),
        track: Some(proto::TrackInfo {
            sid: sid.into(),
            ..Default::default()
        }),
    };
    let state = proto::SyncState {
        subscription: Some(proto::UpdateSubscription {
            track_sids: vec![mic.sid.clone()],
            subscribe: false,
            ..Default::default()
        }),
        track_sids_disabled: vec![cam.sid.clone()],
        publish_tracks: vec![published(&own.sid)],
        ..Default::default()
    };
    let bob = resume(
        &mut world,
        Join {
            sync_state: Some(state),
            ..join("bob")
        },
        &bob,
    );
    let commands = world.commands();
    assert!(commands.iter().any(|c| matches!(c, MediaCommand::SetDemand { track, demand, .. } if *track == cam.track && !demand.enabled)));
    assert!(
        commands
            .iter()
            .any(|c| matches!(c, MediaCommand::Unsubscribe { track, .. } if *track == mic.track))
    );
    world.forget();
    let state = proto::SyncState {
        publish_tracks: vec![published("TR_unknown")],
        ..Default::default()
    };
    world.ask(&bob, Ask::SyncState(state));
    let leave = leave_of(&world.hear(&bob)).unwrap();
    assert_eq!(leave, (DisconnectReason::StateMismatch, Action::Reconnect));
}

#[test]
fn reliable_data_is_replayed_and_acknowledged() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    for sequence in 1..=3 {
        let user = proto::UserPacket {
            payload: vec![1],
            ..Default::default()
        };
        let value = Some(proto::data_packet::Value::User(user));
        world.send_data(
            &alice,
            &proto::DataPacket {
                sequence,
                value,
                ..Default::default()
            },
        );
    }
    world.forget();
    let state = proto::DataChannelReceiveState {
        publisher_sid: alice.sid.clone(),
        last_seq: 1,
    };
    let state = proto::SyncState {
        datachannel_receive_states: vec![state],
        ..Default::default()
    };
    resume(
        &mut world,
        Join {
            sync_state: Some(state),
            ..join("bob")
        },
        &bob,
    );
    let numbers: Vec<_> = world
        .delivered()
        .iter()
        .map(|(_, packet)| packet.sequence)
        .collect();
    assert_eq!(numbers, [2, 3]);
    let alice = resume(&mut world, join("alice"), &alice);
    assert!(matches!(&world.hear(&alice)[0], Say::Reconnect(r) if r.last_message_seq == 3));
}

#[test]
fn lost_media_may_come_back_or_ends_it() {
    let mut world = World::new();
    let alice = world.active("alice");
    world.media(MediaEvent::Disconnected { peer: alice.down });
    world.wait(Duration::from_secs(20));
    world.connect(&alice);
    assert!(world.event_names().is_empty(), "it joined before");
    world.wait(Duration::from_secs(60));
    assert_eq!(world.rooms.census().participants, 1);
    world.media(MediaEvent::Disconnected { peer: alice.down });
    world.wait(Duration::from_secs(31));
    let leave = leave_of(&world.hear(&alice)).unwrap();
    assert_eq!(
        leave,
        (DisconnectReason::ConnectionTimeout, Action::Reconnect)
    );
}

#[test]
fn what_arrives_on_a_lost_connection_shows_that_it_is_back() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bytes = surecast_media::control::PeerHealth {
        uplink_bps: 1,
        ..Default::default()
    };
    let silence = surecast_media::control::PeerHealth::default();
    for (health, participants) in [(bytes, 1), (silence, 0)] {
        world.media(MediaEvent::Disconnected { peer: alice.down });
        world.wait(Duration::from_secs(20));
        world.media(MediaEvent::Health {
            peer: alice.down,
            health,
        });
        world.wait(Duration::from_secs(11));
        assert_eq!(world.rooms.census().participants, participants);
    }
}

#[test]
fn who_crashed_is_gone_sooner() {
    let mut world = World::new();
    let alice = world.active("alice");
    world.drop_session(&alice);
    world.wait(Duration::from_secs(5));
    world.media(MediaEvent::Disconnected { peer: alice.down });
    world.wait(Duration::from_secs(9));
    assert_eq!(world.rooms.census().participants, 1);
    world.wait(Duration::from_secs(2));
    assert_eq!(world.rooms.census().participants, 0);
}

#[test]
fn a_closed_connection_waits_a_moment_for_the_leave() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    for client in [&alice, &bob] {
        world.media(MediaEvent::Closed {
            peer: client.down,
            reason: "close notify".into(),
        });
    }
    world.ask(&alice, Ask::Leave(proto::LeaveRequest::default()));
    assert_eq!(
        world.events[0]
            .participant
            .as_ref()
            .unwrap()
            .disconnect_reason(),
        DisconnectReason::ClientInitiated
    );
    world.wait(Duration::from_secs(2));
    assert_eq!(leave_of(&world.hear(&bob)).unwrap().1, Action::Reconnect);
}

#[test]
fn failed_negotiation_starts_over() {
    let mut world = World::new();
    let alice = world.active("alice");
    world.media(MediaEvent::NegotiationFailed {
        peer: alice.up,
        id: 1,
        reason: "no".into(),
    });
    let said = world.hear(&alice);
    let why = said.iter().find_map(|say| match say {
        Say::RequestResponse(response) => Some(response.message.as_str()),
        _ => None,
    });
    assert_eq!(why, Some("no"));
    let leave = leave_of(&said).unwrap();
    assert_eq!(leave, (DisconnectReason::StateMismatch, Action::Reconnect));
    assert_eq!(world.closed, [alice.session]);
}

#[test]
fn simulated_faults() {
    let mut world = World::new();
    let mut fault = |scenario| {
        let alice = world.active("alice");
        world.ask(
            &alice,
            Ask::Simulate(proto::SimulateScenario {
                scenario: Some(scenario),
            }),
        );
        let leave = leave_of(&world.hear(&alice));
        (
            leave,
            world.closed == [alice.session],
            world.rooms.census().participants,
        )
    };
    use DisconnectReason as Why;
    assert_eq!(fault(Scenario::NodeFailure(true)), (None, true, 0));
    assert_eq!(
        fault(Scenario::Migration(true)),
        (Some((Why::Migration, Action::Resume)), true, 1)
    );
    assert_eq!(
        fault(Scenario::ServerLeave(true)),
        (Some((Why::ServerShutdown, Action::Disconnect)), true, 0)
    );
    let full = fault(Scenario::LeaveRequestFullReconnect(true));
    assert_eq!(
        full,
        (Some((Why::ClientInitiated, Action::Reconnect)), true, 0)
    );
}

#[test]
fn simulated_faults_of_a_resume() {
    let mut world = World::new();
    let alice = world.active("alice");
    let simulate = |scenario| {
        Ask::Simulate(proto::SimulateScenario {
            scenario: Some(scenario),
        })
    };
    world.ask(
        &alice,
        simulate(Scenario::DisconnectSignalOnResumeNoMessages(true)),
    );
    let alice = resume(&mut world, join("alice"), &alice);
    assert!(world.hear(&alice).is_empty() && world.closed.contains(&alice.session));
    let alice = resume(&mut world, join("alice"), &alice);
    world.ask(&alice, simulate(Scenario::DisconnectSignalOnResume(true)));
    let alice = resume(&mut world, join("alice"), &alice);
    assert!(!world.hear(&alice).is_empty() && world.closed.contains(&alice.session));
    resume(&mut world, join("alice"), &alice);
    assert_eq!(world.rooms.census().participants, 1);
}
