//! Descriptions, candidates, and what is wanted of publishers.

use std::time::Duration;

use surecast_media::control::{MediaCommand, MediaEvent, Quality};

use super::world::{World, camera, join_v0};
use crate::Settings;
use crate::proto;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;

#[test]
fn descriptions_and_candidates_find_their_connection() {
    let mut world = World::with(Settings::default());
    let v1 = world.active("v1");
    let v0 = world.active_with(join_v0("v0"));
    let sd = |kind: &str| proto::SessionDescription {
        r#type: kind.into(),
        sdp: "v=0".into(),
        id: 3,
        ..Default::default()
    };
    let trickle = |target| {
        let init = r#"{"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host","sdpMid":"0"}"#;
        Ask::Trickle(proto::TrickleRequest {
            candidate_init: init.into(),
            target,
            ..Default::default()
        })
    };
    let mut peer_of = |client, ask| {
        world.ask(client, ask);
        match world.commands().pop() {
            Some(
                MediaCommand::Offer { peer, id: 3, .. } | MediaCommand::Answer { peer, id: 3, .. },
            ) => Some(peer),
            Some(MediaCommand::Candidate { peer, .. }) => Some(peer),
            _ => None,
        }
    };
    assert_eq!(peer_of(&v1, Ask::Offer(sd("offer"))), Some(v1.up));
    assert_eq!(peer_of(&v0, Ask::Offer(sd("offer"))), Some(v0.up));
    assert_eq!(peer_of(&v0, Ask::Answer(sd("answer"))), Some(v0.down));
    assert_eq!(
        peer_of(&v1, Ask::Answer(sd("answer"))),
        None,
        "nothing is offered on v1"
    );
    assert_eq!(peer_of(&v0, Ask::Offer(sd("answer"))), None);
    assert_eq!(peer_of(&v1, trickle(1)), Some(v1.up));
    assert_eq!(peer_of(&v0, trickle(0)), Some(v0.up));
    assert_eq!(peer_of(&v0, trickle(1)), Some(v0.down));
    world.ask(
        &v0,
        Ask::Trickle(proto::TrickleRequest {
            candidate_init: "{".into(),
            ..Default::default()
        }),
    );
    assert!(matches!(world.hear(&v0)[..], [Say::RequestResponse(_)]));

    let mid_to_track = vec![("1".to_owned(), "TR_x".to_owned())];
    world.media(MediaEvent::Answer {
        peer: v1.up,
        sdp: "a".into(),
        id: 9,
        mid_to_track: mid_to_track.clone(),
    });
    let said = world.hear(&v1);
    let [Say::Answer(answer)] = &said[..] else {
        panic!("{said:?}")
    };
    assert_eq!(
        (
            answer.r#type.as_str(),
            answer.id,
            answer.mid_to_track_id["1"].as_str()
        ),
        ("answer", 9, "TR_x")
    );
    world.media(MediaEvent::Offer {
        peer: v0.down,
        sdp: "o".into(),
        id: 2,
        mid_to_track,
    });
    assert!(
        matches!(&world.hear(&v0)[..], [Say::Offer(offer)] if offer.id == 2 && offer.r#type == "offer")
    );
    world.media(MediaEvent::SectionsNeeded {
        peer: v1.up,
        audio: 1,
        video: 2,
    });
    assert!(
        matches!(world.hear(&v1)[..], [Say::MediaSectionsRequirement(r)] if (r.num_audios, r.num_videos) == (1, 2))
    );
}

#[test]
fn publishers_learn_what_is_wanted_of_them() {
    let mut world = World::new();
    let alice = world.active("alice");
    let track = world.publish(&alice, camera("cam"));
    let demand = |world: &mut World, quality: Option<Quality>| -> Option<Vec<bool>> {
        world.media(MediaEvent::TrackDemand {
            track: track.track,
            quality,
        });
        enabled(world.hear(&alice))
    };
    fn enabled(said: Vec<Say>) -> Option<Vec<bool>> {
        said.into_iter().find_map(|said| match said {
            Say::SubscribedQualityUpdate(update) => Some(
                update.subscribed_codecs[0]
                    .qualities
                    .iter()
                    .map(|q| q.enabled)
                    .collect(),
            ),
            _ => None,
        })
    }
    assert_eq!(demand(&mut world, None), None, "nobody came yet");
    assert_eq!(
        demand(&mut world, Some(Quality::Medium)),
        Some(vec![true, true, false])
    );
    assert_eq!(demand(&mut world, Some(Quality::Medium)), None);
    assert_eq!(
        demand(&mut world, Some(Quality::High)),
        Some(vec![true, true, true])
    );
    // Less is asked for after a while only, and not if the wish comes back.
    assert_eq!(demand(&mut world, Some(Quality::Low)), None);
    assert_eq!(demand(&mut world, Some(Quality::High)), None);
    world.wait(Duration::from_secs(6));
    assert_eq!(enabled(world.hear(&alice)), None);
    assert_eq!(demand(&mut world, None), None);
    world.wait(Duration::from_secs(6));
    assert_eq!(enabled(world.hear(&alice)), Some(vec![false, false, false]));
}
