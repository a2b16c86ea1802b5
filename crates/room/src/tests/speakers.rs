//! Loudness and connection quality.

use std::time::Duration;

use surecast_media::control::{MediaEvent, PeerHealth};
use surecast_media::id::RoomId;

use super::world::{Client, Published, World, camera, microphone};
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::{self, ConnectionQuality};

fn room_of(world: &World) -> RoomId {
    world.rooms.only_room()
}

fn levels(world: &mut World, levels: &[(&Published, f32)]) {
    let room = room_of(world);
    let levels = levels
        .iter()
        .map(|(published, level)| (published.track, *level))
        .collect();
    world.media(MediaEvent::Levels { room, levels });
}

fn speakers(world: &mut World, client: &Client) -> Vec<(String, f32, bool)> {
    let one = |said| match said {
        Say::SpeakersChanged(changed) => Some(changed.speakers),
        _ => None,
    };
    let changed = world.hear(client).into_iter().filter_map(one).flatten();
    changed
        .map(|speaker| (speaker.sid, speaker.level, speaker.active))
        .collect()
}

#[test]
fn speech_is_told_in_steps_loudest_first_and_so_is_silence() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let mic_a = world.publish(&alice, microphone("a"));
    let mic_b = world.publish(&bob, microphone("b"));
    levels(&mut world, &[(&mic_a, 0.001), (&mic_b, 0.0)]);
    assert!(speakers(&mut world, &bob).is_empty(), "too quiet");
    levels(&mut world, &[(&mic_a, 0.3), (&mic_b, 0.9)]);
    let told = speakers(&mut world, &alice);
    assert_eq!(
        told,
        [
            (bob.sid.clone(), 0.625, true),
            (alice.sid.clone(), 0.25, true)
        ]
    );
    assert_eq!(speakers(&mut world, &bob), told);
    levels(&mut world, &[(&mic_a, 0.2), (&mic_b, 0.9)]);
    assert_eq!(
        speakers(&mut world, &alice),
        [(bob.sid.clone(), 0.875, true)],
        "only what changed"
    );
    let carl = world.join(super::world::join("carl"));
    world.connect(&carl);
    assert_eq!(
        speakers(&mut world, &carl).len(),
        2,
        "who comes in hears of those who speak"
    );
    levels(&mut world, &[(&mic_a, 0.2)]);
    assert_eq!(
        speakers(&mut world, &alice),
        [(bob.sid.clone(), 0.0, false)]
    );
    levels(&mut world, &[]);
    assert_eq!(
        speakers(&mut world, &alice),
        [(alice.sid.clone(), 0.0, false)]
    );
    levels(&mut world, &[]);
    assert!(speakers(&mut world, &alice).is_empty());
}

#[test]
fn a_speaker_falls_silent_without_a_word_from_the_engine() {
    let mut world = World::new();
    let alice = world.active("alice");
    let mic = world.publish(&alice, microphone("a"));
    levels(&mut world, &[(&mic, 0.9)]);
    world.forget();
    world.wait(Duration::from_secs(3));
    assert_eq!(
        speakers(&mut world, &alice),
        [(alice.sid.clone(), 0.0, false)]
    );
}

#[test]
fn muted_tracks_and_screens_do_not_speak() {
    let mut world = World::new();
    let alice = world.active("alice");
    let screen = proto::AddTrackRequest {
        source: proto::TrackSource::ScreenShareAudio as i32,
        ..microphone("s")
    };
    let screen = world.publish(&alice, screen);
    let mic = world.publish(&alice, microphone("a"));
    world.ask(
        &alice,
        Ask::Mute(proto::MuteTrackRequest {
            sid: mic.sid.clone(),
            muted: true,
        }),
    );
    levels(&mut world, &[(&screen, 0.9), (&mic, 0.9)]);
    assert!(speakers(&mut world, &alice).is_empty());
}

#[test]
fn a_departed_speaker_is_silent() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let mic = world.publish(&alice, microphone("a"));
    levels(&mut world, &[(&mic, 0.9)]);
    world.forget();
    world.ask(&alice, Ask::Leave(proto::LeaveRequest::default()));
    assert_eq!(speakers(&mut world, &bob), [(alice.sid, 0.0, false)]);
}

#[test]
fn quality_is_told_to_oneself_and_to_subscribers_where_it_changed() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    world.publish(&alice, camera("cam"));
    let report = |world: &mut World, client: &Client, loss: f32| -> (Vec<_>, Vec<_>) {
        let health = PeerHealth {
            rtt: Some(Duration::from_millis(30)),
            downlink_loss: loss,
            ..PeerHealth::default()
        };
        world.media(MediaEvent::Health {
            peer: client.down,
            health,
        });
        world.wait(Duration::from_secs(6));
        (quality(world.hear(&alice)), quality(world.hear(&bob)))
    };
    fn quality(said: Vec<Say>) -> Vec<(String, ConnectionQuality)> {
        let one = |said| match said {
            Say::ConnectionQuality(update) => Some(update.updates),
            _ => None,
        };
        let updates = said.into_iter().filter_map(one).flatten();
        updates
            .map(|info| (info.participant_sid.clone(), info.quality()))
            .collect()
    }
    let a = |quality| vec![(alice.sid.clone(), quality)];
    let (excellent, good) = (ConnectionQuality::Excellent, ConnectionQuality::Good);
    assert_eq!(
        report(&mut world, &alice, 0.0),
        (a(excellent), a(excellent))
    );
    assert_eq!(report(&mut world, &alice, 0.01), (vec![], vec![]));
    assert_eq!(report(&mut world, &alice, 0.3), (a(good), a(good)));
    // Bob publishes nothing, so nobody but himself is told of him.
    assert_eq!(
        report(&mut world, &bob, 0.0),
        (vec![], vec![(bob.sid.clone(), excellent)])
    );
    world.media(MediaEvent::Disconnected { peer: alice.down });
    world.wait(Duration::from_secs(6));
    assert_eq!(quality(world.hear(&bob)), a(ConnectionQuality::Lost));
}

#[test]
fn simulated_speech() {
    let mut world = World::new();
    let alice = world.active("alice");
    let scenario = proto::simulate_scenario::Scenario::SpeakerUpdate(3);
    world.ask(
        &alice,
        Ask::Simulate(proto::SimulateScenario {
            scenario: Some(scenario),
        }),
    );
    assert_eq!(
        speakers(&mut world, &alice),
        [(alice.sid.clone(), 0.9, true)]
    );
    world.wait(Duration::from_secs(4));
    assert_eq!(
        speakers(&mut world, &alice),
        [(alice.sid.clone(), 0.0, false)]
    );
}
