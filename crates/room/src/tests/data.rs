//! Data packets and data tracks.

use std::time::Duration;

use surecast_media::control::{DataChannel, MediaCommand, MediaEvent};

use super::world::{Client, World, join, join_v0, join_with, responses, updates};
use crate::Join;
use crate::limits;
use crate::proto::data_packet::Value;
use crate::proto::request_response::Reason;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::{self, DataPacket};

fn user(payload: &str) -> DataPacket {
    let user = proto::UserPacket {
        payload: payload.into(),
        ..Default::default()
    };
    DataPacket {
        value: Some(Value::User(user)),
        ..Default::default()
    }
}

fn numbered(payload: &str, sequence: u32) -> DataPacket {
    DataPacket {
        sequence,
        ..user(payload)
    }
}

fn rpc(to: &Client) -> DataPacket {
    let request = proto::RpcRequest {
        id: "1".into(),
        method: "m".into(),
        ..Default::default()
    };
    DataPacket {
        destination_identities: vec![to.identity.clone()],
        value: Some(Value::RpcRequest(request)),
        ..Default::default()
    }
}

#[test]
#[allow(deprecated)]
fn packets_are_stamped_and_reach_everybody_else() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let carl = world.active_with(join_v0("carl"));
    let forged = DataPacket {
        participant_identity: "bob".into(),
        participant_sid: "PA_bob".into(),
        ..user("hi")
    };
    world.send_data(&alice, &forged);
    let delivered = world.delivered();
    assert_eq!(delivered.len(), 1, "one payload for all");
    let (peers, packet) = &delivered[0];
    assert_eq!(peers, &[bob.up, carl.down]);
    assert_eq!(
        (
            packet.participant_sid.as_str(),
            packet.participant_identity.as_str()
        ),
        (alice.sid.as_str(), "alice")
    );
    let Some(Value::User(user)) = &packet.value else {
        panic!()
    };
    assert_eq!(
        (
            user.participant_sid.as_str(),
            user.participant_identity.as_str()
        ),
        (alice.sid.as_str(), "alice")
    );
}

#[test]
#[allow(deprecated)]
fn packets_to_some() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let carl = world.active("carl");
    world.send_data(&alice, &rpc(&bob));
    assert_eq!(world.delivered()[0].0, [bob.down]);
    let mut legacy = user("x");
    let Some(Value::User(inner)) = &mut legacy.value else {
        panic!()
    };
    inner.destination_identities = vec!["carl".into(), "nobody".into()];
    world.send_data(&alice, &legacy);
    let (peers, packet) = world.delivered().remove(0);
    assert_eq!(
        (peers, packet.destination_identities),
        (
            vec![carl.down],
            vec!["carl".to_owned(), "nobody".to_owned()]
        )
    );
    let mut by_sid = user("x");
    let Some(Value::User(inner)) = &mut by_sid.value else {
        panic!()
    };
    inner.destination_sids = vec![bob.sid.clone()];
    world.send_data(&alice, &by_sid);
    assert_eq!(world.delivered()[0].0, [bob.down]);
    world.send_data(
        &alice,
        &DataPacket {
            destination_identities: vec!["alice".into()],
            ..user("x")
        },
    );
    assert!(world.delivered().is_empty(), "never back");
}

#[test]
#[allow(deprecated)]
fn a_hidden_sender_stays_nameless() {
    let mut world = World::new();
    let ghost = world.active_with(join_with("ghost", |grant| grant.hidden = true));
    world.active("bob");
    world.send_data(&ghost, &user("boo"));
    let (_, packet) = world.delivered().remove(0);
    assert_eq!(packet.participant_identity, "");
}

#[test]
fn duplicates_are_dropped() {
    let mut world = World::new();
    let alice = world.active("alice");
    world.active("bob");
    let mut with_nonce = user("x");
    let Some(Value::User(inner)) = &mut with_nonce.value else {
        panic!()
    };
    inner.nonce = vec![3; 16];
    world.send_data(&alice, &with_nonce);
    world.send_data(&alice, &with_nonce);
    assert_eq!(world.delivered().len(), 1);
    for sequence in [1, 2, 2, 1, 3] {
        world.send_data(&alice, &numbered("y", sequence));
    }
    let numbers: Vec<_> = world
        .delivered()
        .iter()
        .map(|(_, packet)| packet.sequence)
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn refused_packets() {
    let mut world = World::new();
    let alice = world.active("alice");
    let mute = world.active_with(join_with("mute", |grant| {
        grant.can_publish_data = Some(false)
    }));
    world.active("bob");
    world.send_data(&mute, &user("x"));
    world.send_bytes(&alice, DataChannel::Reliable, &[0xff; 20]);
    world.send_bytes(&alice, DataChannel::Lossy, &vec![0; limits::DATA_BYTES + 1]);
    world.send_data(&alice, &DataPacket::default());
    let transcription = Value::Transcription(proto::Transcription::default());
    world.send_data(
        &alice,
        &DataPacket {
            value: Some(transcription),
            ..Default::default()
        },
    );
    assert!(world.delivered().is_empty());
}

#[test]
fn agents_speak_for_others() {
    let mut world = World::new();
    let agent = world.active_with(join_with("agent", |grant| grant.agent = true));
    world.active("bob");
    let transcription = Value::Transcription(proto::Transcription::default());
    world.send_data(
        &agent,
        &DataPacket {
            value: Some(transcription),
            ..Default::default()
        },
    );
    assert_eq!(world.delivered().len(), 1);
    let chat = Value::ChatMessage(proto::ChatMessage::default());
    world.send_data(
        &agent,
        &DataPacket {
            participant_identity: "bob".into(),
            value: Some(chat),
            ..Default::default()
        },
    );
    let (_, packet) = world.delivered().remove(0);
    assert_eq!(packet.participant_identity, "bob");
    assert!(matches!(packet.value, Some(Value::ChatMessage(chat)) if chat.generated));
}

#[test]
fn metrics_go_to_those_who_may_see_them() {
    let mut world = World::new();
    let alice = world.active("alice");
    let boss = world.active_with(join_with("boss", |grant| {
        grant.can_subscribe_metrics = Some(true)
    }));
    world.active("bob");
    let metrics = Value::Metrics(proto::MetricsBatch::default());
    world.send_data(
        &alice,
        &DataPacket {
            value: Some(metrics),
            ..Default::default()
        },
    );
    assert_eq!(world.delivered()[0].0, [boss.down]);
}

#[test]
fn a_receiver_that_is_not_ready_gets_reliable_data_later() {
    let mut world = World::new();
    let alice = world.active("alice");
    let late = world.join(join("late"));
    world.forget();
    world.send_data(&alice, &user("early"));
    world.send_bytes(
        &alice,
        DataChannel::Lossy,
        &prost::Message::encode_to_vec(&user("lost")),
    );
    assert!(world.delivered().is_empty());
    world.wait(Duration::from_secs(1));
    world.media(MediaEvent::DataReady { peer: late.down });
    let delivered = world.delivered();
    assert_eq!(delivered.len(), 1);
    assert_eq!(delivered[0].0, [late.down]);
}

#[test]
fn data_tracks_have_handles_of_their_own() {
    let mut world = World::new();
    let auto = |identity: &str| Join {
        auto_subscribe_data_track: true,
        ..join(identity)
    };
    let alice = world.active("alice");
    let bob = world.active_with(auto("bob"));
    let carl = world.active_with(auto("carl"));
    let dora = world.active("dora");
    let publish = |handle, name: &str| {
        Ask::PublishDataTrackRequest(proto::PublishDataTrackRequest {
            pub_handle: handle,
            name: name.into(),
            ..Default::default()
        })
    };
    world.ask(&carl, publish(9, "other"));
    world.forget();
    world.ask(&alice, publish(500, "pose"));
    let said = world.hear(&alice);
    let Some(Say::PublishDataTrackResponse(response)) = said.first() else {
        panic!("{said:?}")
    };
    let sid = response.info.clone().unwrap().sid;
    assert!(sid.starts_with("DTR_"));
    let said = world.hear(&bob);
    assert_eq!(updates(&said)[0].data_tracks[0].name, "pose");
    let handles = |said: &[Say]| {
        said.iter().rev().find_map(|said| match said {
            Say::DataTrackSubscriberHandles(handles) => Some(handles.sub_handles.clone()),
            _ => None,
        })
    };
    let bobs = handles(&said).unwrap();
    assert_eq!(bobs.len(), 2);
    assert!(handles(&world.hear(&dora)).is_none());
    let update = proto::update_data_subscription::Update {
        track_sid: sid.clone(),
        subscribe: true,
        options: None,
    };
    world.ask(
        &dora,
        Ask::UpdateDataSubscription(proto::UpdateDataSubscription {
            updates: vec![update],
        }),
    );
    assert_eq!(handles(&world.hear(&dora)).unwrap().len(), 1);

    world.forget();
    let mut packet = vec![0u8; 20];
    packet[2..4].copy_from_slice(&500u16.to_be_bytes());
    world.send_bytes(&alice, DataChannel::DataTrack, &packet);
    let mut got = Vec::new();
    for command in world.commands() {
        let MediaCommand::SendData {
            peers,
            channel: DataChannel::DataTrack,
            payload,
        } = command
        else {
            panic!()
        };
        got.push((
            peers.to_vec(),
            u32::from(u16::from_be_bytes([payload[2], payload[3]])),
        ));
    }
    let handle_of = |map: &std::collections::HashMap<
        u32,
        proto::data_track_subscriber_handles::PublishedDataTrack,
    >| {
        *map.iter()
            .find(|(_, track)| track.track_sid == sid)
            .unwrap()
            .0
    };
    assert!(got.contains(&(vec![bob.down], handle_of(&bobs))), "{got:?}");
    assert_eq!(got.iter().map(|(peers, _)| peers.len()).sum::<usize>(), 3);
    // Too short, or a handle of nothing.
    world.send_bytes(&alice, DataChannel::DataTrack, &packet[..11]);
    world.send_bytes(&bob, DataChannel::DataTrack, &packet);
    assert!(world.commands().is_empty());

    world.ask(
        &alice,
        Ask::UnpublishDataTrackRequest(proto::UnpublishDataTrackRequest { pub_handle: 500 }),
    );
    assert!(matches!(
        world.hear(&alice)[0],
        Say::UnpublishDataTrackResponse(_)
    ));
    let said = world.hear(&bob);
    assert_eq!(handles(&said).unwrap().len(), 1);
    assert!(updates(&said)[0].data_tracks.is_empty());
}

#[test]
fn refused_data_tracks() {
    let mut world = World::new();
    let alice = world.active("alice");
    let mute = world.active_with(join_with("mute", |grant| {
        grant.can_publish_data = Some(false)
    }));
    let mut answer = |client: &Client, handle, name: &str| {
        let request = proto::PublishDataTrackRequest {
            pub_handle: handle,
            name: name.into(),
            ..Default::default()
        };
        world.ask(client, Ask::PublishDataTrackRequest(request));
        responses(&world.hear(client)).pop()
    };
    assert_eq!(answer(&mute, 1, "a"), Some(Reason::NotAllowed));
    assert_eq!(answer(&alice, 0, "a"), Some(Reason::InvalidHandle));
    assert_eq!(answer(&alice, 65_536, "a"), Some(Reason::InvalidHandle));
    assert_eq!(answer(&alice, 1, ""), Some(Reason::InvalidName));
    assert_eq!(
        answer(&alice, 1, &"n".repeat(257)),
        Some(Reason::InvalidName)
    );
    assert_eq!(answer(&alice, 1, "a"), None);
    assert_eq!(answer(&alice, 1, "b"), Some(Reason::DuplicateHandle));
    assert_eq!(answer(&alice, 2, "a"), Some(Reason::DuplicateName));
    world.ask(
        &alice,
        Ask::UnpublishDataTrackRequest(proto::UnpublishDataTrackRequest { pub_handle: 7 }),
    );
    assert_eq!(responses(&world.hear(&alice)), [Reason::NotFound]);
    world.ask(
        &alice,
        Ask::StoreDataBlobRequest(proto::StoreDataBlobRequest {
            request_id: 4,
            blob: None,
        }),
    );
    assert_eq!(responses(&world.hear(&alice)), [Reason::UnsupportedType]);
}
