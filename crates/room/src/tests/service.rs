//! The room service.

use surecast_media::control::{DataChannel, MediaCommand};

use super::world::{World, camera, leave_of, updates};
use crate::error::ServiceCode;
use crate::proto::leave_request::Action;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::{self, DisconnectReason};
use crate::token::VideoGrant;
use crate::{Grants, ServiceCall, ServiceError, ServiceReply, Settings};

fn token(change: impl FnOnce(&mut VideoGrant)) -> Grants {
    let mut video = VideoGrant {
        room: "r".into(),
        ..VideoGrant::default()
    };
    change(&mut video);
    Grants {
        video: Some(video),
        ..Grants::default()
    }
}

fn admin() -> Grants {
    token(|grant| {
        grant.room_admin = true;
        grant.room_list = true;
        grant.room_create = true;
    })
}

fn call(world: &mut World, call: ServiceCall) -> Result<ServiceReply, ServiceError> {
    let result = world.rooms.handle_service(&admin(), call, world.now);
    world.drain();
    result
}

fn about(identity: &str) -> proto::RoomParticipantIdentity {
    proto::RoomParticipantIdentity {
        room: "r".into(),
        identity: identity.into(),
        ..Default::default()
    }
}

#[test]
fn nobody_calls_without_the_grant() {
    let mut world = World::new();
    world.active("alice");
    let calls = [
        ServiceCall::CreateRoom(proto::CreateRoomRequest {
            name: "r".into(),
            ..Default::default()
        }),
        ServiceCall::ListRooms(proto::ListRoomsRequest::default()),
        ServiceCall::DeleteRoom(proto::DeleteRoomRequest { room: "r".into() }),
        ServiceCall::ListParticipants(proto::ListParticipantsRequest { room: "r".into() }),
        ServiceCall::GetParticipant(about("alice")),
        ServiceCall::RemoveParticipant(about("alice")),
        ServiceCall::MutePublishedTrack(proto::MuteRoomTrackRequest {
            room: "r".into(),
            ..Default::default()
        }),
        ServiceCall::UpdateParticipant(proto::UpdateParticipantRequest {
            room: "r".into(),
            ..Default::default()
        }),
        ServiceCall::UpdateSubscriptions(proto::UpdateSubscriptionsRequest {
            room: "r".into(),
            ..Default::default()
        }),
        ServiceCall::SendData(proto::SendDataRequest {
            room: "r".into(),
            ..Default::default()
        }),
        ServiceCall::UpdateRoomMetadata(proto::UpdateRoomMetadataRequest {
            room: "r".into(),
            ..Default::default()
        }),
    ];
    let participant = token(|grant| grant.room_join = true);
    let elsewhere = token(|grant| {
        grant.room_admin = true;
        grant.room = "other".into();
    });
    for call in calls {
        for grants in [&Grants::default(), &participant, &elsewhere] {
            let error = world
                .rooms
                .handle_service(grants, call.clone(), world.now)
                .unwrap_err();
            assert_eq!(error.code, ServiceCode::Unauthenticated, "{call:?}");
        }
    }
    assert_eq!(world.rooms.census().participants, 1);
}

#[test]
fn rooms() {
    let mut world = World::new();
    let request = proto::CreateRoomRequest {
        name: "r".into(),
        max_participants: 5,
        metadata: "m".into(),
        ..Default::default()
    };
    let Ok(ServiceReply::CreateRoom(room)) =
        call(&mut world, ServiceCall::CreateRoom(request.clone()))
    else {
        panic!()
    };
    assert_eq!(
        (
            room.max_participants,
            room.empty_timeout,
            room.metadata.as_str()
        ),
        (5, 300, "m")
    );
    let alice = world.active("alice");
    let Ok(ServiceReply::CreateRoom(same)) = call(&mut world, ServiceCall::CreateRoom(request))
    else {
        panic!()
    };
    assert_eq!((same.sid, same.num_participants), (room.sid.clone(), 1));
    let mut names = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        match call(
            &mut world,
            ServiceCall::ListRooms(proto::ListRoomsRequest { names }),
        ) {
            Ok(ServiceReply::ListRooms(list)) => list.rooms.len(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((names(&[]), names(&["x"]), names(&["r", "x"])), (1, 0, 1));
    let metadata = proto::UpdateRoomMetadataRequest {
        room: "r".into(),
        metadata: "n".into(),
    };
    call(&mut world, ServiceCall::UpdateRoomMetadata(metadata)).unwrap();
    assert!(world.hear(&alice).iter().any(|said| {
        matches!(said, Say::RoomUpdate(update) if update.room.as_ref().is_some_and(|room| room.metadata == "n"))
    }));
    call(
        &mut world,
        ServiceCall::DeleteRoom(proto::DeleteRoomRequest { room: "r".into() }),
    )
    .unwrap();
    assert_eq!(
        leave_of(&world.hear(&alice)).unwrap(),
        (DisconnectReason::RoomDeleted, Action::Disconnect)
    );
    let error = call(
        &mut world,
        ServiceCall::DeleteRoom(proto::DeleteRoomRequest { room: "r".into() }),
    )
    .unwrap_err();
    assert_eq!(error.code, ServiceCode::NotFound);
    // A new room of the same name is another room.
    world.active("alice");
    assert_ne!(world.rooms.room_info("r").unwrap().sid, room.sid);
}

#[test]
fn participants() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let list = ServiceCall::ListParticipants(proto::ListParticipantsRequest { room: "r".into() });
    assert!(
        matches!(call(&mut world, list), Ok(ServiceReply::ListParticipants(list)) if list.participants.len() == 2)
    );
    let reply = call(&mut world, ServiceCall::GetParticipant(about("bob")));
    assert!(matches!(reply, Ok(ServiceReply::GetParticipant(info)) if info.sid == bob.sid));
    for unknown in [
        ServiceCall::GetParticipant(about("x")),
        ServiceCall::RemoveParticipant(about("x")),
    ] {
        assert_eq!(
            call(&mut world, unknown).unwrap_err().code,
            ServiceCode::NotFound
        );
    }
    let update = proto::UpdateParticipantRequest {
        room: "r".into(),
        identity: "bob".into(),
        name: "Bob".into(),
        ..Default::default()
    };
    call(&mut world, ServiceCall::UpdateParticipant(update)).unwrap();
    assert_eq!(updates(&world.hear(&alice))[0].name, "Bob");
    call(&mut world, ServiceCall::RemoveParticipant(about("bob"))).unwrap();
    assert_eq!(
        leave_of(&world.hear(&bob)).unwrap(),
        (DisconnectReason::ParticipantRemoved, Action::Disconnect)
    );
}

#[test]
fn muting_from_outside() {
    let mut world = World::new();
    let alice = world.active("alice");
    let track = world.publish(&alice, camera("cam"));
    let mut mute = |sid: &str, muted| {
        let request = proto::MuteRoomTrackRequest {
            room: "r".into(),
            identity: "alice".into(),
            track_sid: sid.into(),
            muted,
        };
        call(&mut world, ServiceCall::MutePublishedTrack(request))
    };
    assert!(
        matches!(mute(&track.sid, true), Ok(ServiceReply::MutePublishedTrack(r)) if r.track.as_ref().unwrap().muted)
    );
    assert_eq!(mute("TR_x", true).unwrap_err().code, ServiceCode::NotFound);
    assert_eq!(
        mute(&track.sid, false).unwrap_err().code,
        ServiceCode::FailedPrecondition
    );
    assert!(matches!(
        world.commands()[..],
        [MediaCommand::Mute { muted: true, .. }]
    ));
    assert!(
        world
            .hear(&alice)
            .iter()
            .any(|said| matches!(said, Say::Mute(mute) if mute.muted))
    );

    let mut world = World::with(Settings {
        remote_unmute: true,
        ..Settings::default()
    });
    let alice = world.active("alice");
    let track = world.publish(&alice, camera("cam"));
    world.ask(
        &alice,
        Ask::Mute(proto::MuteTrackRequest {
            sid: track.sid.clone(),
            muted: true,
        }),
    );
    let request = proto::MuteRoomTrackRequest {
        room: "r".into(),
        identity: "alice".into(),
        track_sid: track.sid,
        muted: false,
    };
    call(&mut world, ServiceCall::MutePublishedTrack(request)).unwrap();
}

#[test]
fn data_and_subscriptions_from_outside() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let track = world.publish(&alice, camera("cam"));
    let data = |nonce: usize| proto::SendDataRequest {
        room: "r".into(),
        data: b"hi".to_vec(),
        kind: 1,
        destination_identities: vec!["bob".into()],
        topic: Some("t".into()),
        nonce: vec![1; nonce],
        ..Default::default()
    };
    call(&mut world, ServiceCall::SendData(data(16))).unwrap();
    assert!(
        matches!(&world.media[..], [MediaCommand::SendData { peers, channel: DataChannel::Lossy, .. }] if peers[..] == [bob.down])
    );
    assert_eq!(
        call(&mut world, ServiceCall::SendData(data(3)))
            .unwrap_err()
            .code,
        ServiceCode::InvalidArgument
    );
    world.forget();
    let request = proto::UpdateSubscriptionsRequest {
        room: "r".into(),
        identity: "bob".into(),
        track_sids: vec![track.sid],
        subscribe: false,
        ..Default::default()
    };
    call(&mut world, ServiceCall::UpdateSubscriptions(request)).unwrap();
    assert!(matches!(
        world.commands()[..],
        [MediaCommand::Unsubscribe { .. }]
    ));
}

#[test]
fn bodies_in_both_encodings() {
    let json = br#"{"name":"r","emptyTimeout":5,"later":true}"#;
    let Ok(ServiceCall::CreateRoom(request)) = ServiceCall::decode("CreateRoom", json, true) else {
        panic!()
    };
    assert_eq!((request.name.as_str(), request.empty_timeout), ("r", 5));
    let bytes = prost::Message::encode_to_vec(&request);
    let Ok(ServiceCall::CreateRoom(same)) = ServiceCall::decode("CreateRoom", &bytes, false) else {
        panic!()
    };
    assert_eq!(same, request);
    assert_eq!(
        ServiceCall::decode("Nope", b"", false).unwrap_err().code,
        ServiceCode::BadRoute
    );
    assert_eq!(
        ServiceCall::decode("ListRooms", b"[", true)
            .unwrap_err()
            .code,
        ServiceCode::Malformed
    );
    let reply = ServiceReply::CreateRoom(proto::Room {
        name: "r".into(),
        num_participants: 2,
        ..Default::default()
    });
    let json = String::from_utf8(reply.encode(true)).unwrap();
    assert!(json.contains(r#""numParticipants":2"#), "{json}");
}
