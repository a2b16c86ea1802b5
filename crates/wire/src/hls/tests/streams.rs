use proptest::prelude::*;
use surecast_media::frame::Item;

use super::world::*;
use crate::hls::Settings;

fn settings() -> Settings {
    Settings {
        window: 12_000_000,
        ..Settings::default()
    }
}

/// Pictures at `fps` with a keyframe each `gop`, and sound at `rate`, in the
/// order in which encoders send them; timestamps in whole milliseconds.
fn show(world: &mut World, from: i64, seconds: i64, fps: i64, gop: i64, rate: i64) {
    let (mut picture, mut sound) = (0, 0);
    loop {
        let video_at = from + picture * 1_000_000 / fps / 1000 * 1000;
        let audio_at = from + sound * 1024 * 1_000_000 / rate / 1000 * 1000;
        if video_at >= from + seconds * 1_000_000 {
            return;
        }
        if video_at <= audio_at {
            let shown_after = if picture % 3 == 1 { 80_000 } else { 40_000 };
            world.take(&frame(VIDEO, video_at, shown_after, picture % gop == 0));
            picture += 1;
        } else {
            world.take(&frame(AUDIO, audio_at, 0, true));
            sound += 1;
        }
    }
}

fn begin(rate: u32) -> World {
    let mut world = World::new(settings());
    world.take(&format(VIDEO, &h264(320)));
    world.take(&format(AUDIO, &sound(rate)));
    world
}

fn is_fine(world: World) {
    let faults = world.finish();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn streams_of_encoders_are_fine() {
    for (fps, gop, rate) in [
        (30, 60, 48_000),
        (25, 50, 44_100),
        (60, 30, 48_000),
        (10, 25, 44_100),
    ] {
        let mut world = begin(rate as u32);
        show(&mut world, 0, 30, fps, gop, rate);
        is_fine(world);
    }
}

#[test]
fn rare_keyframes_make_long_segments() {
    let mut world = begin(48_000);
    show(&mut world, 0, 45, 30, 240, 48_000);
    is_fine(world);
}

#[test]
fn sound_alone_is_fine() {
    let mut world = World::new(settings());
    world.take(&format(AUDIO, &opus_sound()));
    for number in 0..1500 {
        world.take(&frame(AUDIO, number * 20_000, 0, true));
    }
    is_fine(world);
}

#[test]
fn a_reconnect_with_other_formats_is_a_discontinuity() {
    let mut world = begin(48_000);
    show(&mut world, 0, 9, 30, 60, 48_000);
    world.take(&format(VIDEO, &h264(640)));
    world.take(&format(AUDIO, &sound(44_100)));
    show(&mut world, 12_000_000, 9, 25, 50, 44_100);
    let text = match world.segmenter.playlist("video", Default::default(), "") {
        crate::hls::Answer::Ready(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
    assert!(text.contains("init-1.mp4"));
    is_fine(world);
}

#[test]
fn a_hole_is_a_discontinuity_and_a_step_back_too() {
    let mut world = begin(48_000);
    show(&mut world, 0, 7, 30, 60, 48_000);
    show(&mut world, 30_000_000, 7, 30, 60, 48_000);
    show(&mut world, 5_000_000, 7, 30, 60, 48_000);
    is_fine(world);
}

#[test]
fn missing_sound_is_silence() {
    let mut world = begin(48_000);
    show(&mut world, 0, 5, 30, 60, 48_000);
    for number in 0..300 {
        world.take(&frame(
            VIDEO,
            5_000_000 + number * 33_333,
            0,
            number % 60 == 0,
        ));
    }
    show(&mut world, 15_000_000, 5, 30, 60, 48_000);
    is_fine(world);
}

#[test]
fn a_track_may_end_and_come_back() {
    let mut world = begin(48_000);
    show(&mut world, 0, 6, 30, 60, 48_000);
    world.take(&Item::End { track: VIDEO });
    for number in 0..400 {
        world.take(&frame(AUDIO, 6_000_000 + number * 21_333, 0, true));
    }
    world.take(&format(VIDEO, &h264(320)));
    show(&mut world, 15_000_000, 6, 30, 60, 48_000);
    is_fine(world);
}

/// What may happen to a stream.
#[derive(Clone, Debug)]
enum Event {
    Picture {
        step: i64,
        keyframe: bool,
        shown_after: i64,
    },
    Sound {
        step: i64,
    },
    Jump {
        by: i64,
    },
    VideoFormat(u32),
    AudioFormat(u32),
    Opus,
    EndVideo,
    EndAudio,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        60 => (10_000i64..60_000, prop::bool::weighted(0.05), 0i64..120_000)
            .prop_map(|(step, keyframe, shown_after)| Event::Picture { step, keyframe, shown_after }),
        60 => (15_000i64..28_000).prop_map(|step| Event::Sound { step }),
        1 => (-20_000_000i64..20_000_000).prop_map(|by| Event::Jump { by }),
        1 => (1u32..4).prop_map(Event::VideoFormat),
        1 => prop::sample::select(vec![48_000, 44_100, 32_000]).prop_map(Event::AudioFormat),
        1 => Just(Event::Opus),
        1 => Just(Event::EndVideo),
        1 => Just(Event::EndAudio),
    ]
}

fn run(events: Vec<Event>) -> Vec<String> {
    let mut world = World::new(settings());
    let (mut video, mut audio, mut wants_key) = (0, 0, true);
    for event in events {
        match event {
            Event::Picture {
                step,
                keyframe,
                shown_after,
            } => {
                video += step;
                world.take(&frame(VIDEO, video, shown_after, keyframe || wants_key));
                wants_key = false;
            }
            Event::Sound { step } => {
                audio += step;
                world.take(&frame(AUDIO, audio, 0, true));
            }
            Event::Jump { by } => {
                video += by;
                audio = video;
            }
            Event::VideoFormat(width) => {
                world.take(&format(VIDEO, &h264(width * 160)));
                wants_key = true;
            }
            Event::AudioFormat(rate) => world.take(&format(AUDIO, &sound(rate))),
            Event::Opus => world.take(&format(AUDIO, &opus_sound())),
            Event::EndVideo => world.take(&Item::End { track: VIDEO }),
            Event::EndAudio => world.take(&Item::End { track: AUDIO }),
        }
    }
    world.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_comes_is_served_as_it_should_be(
        events in prop::collection::vec(event(), 50..1500)
    ) {
        let mut all = vec![Event::VideoFormat(2), Event::AudioFormat(48_000)];
        all.extend(events);
        let faults = run(all);
        // Frames here last for anything from 10 ms to seconds: how long parts are
        // announced to be goes with the longest, and how long they are does not.
        // A frame that takes so long that it needs a segment of its own leaves the
        // part behind that would have come before it.
        let of_rhythm = ["shorter than 85 %", "was hinted and never came"];
        let about_parts = |it: &&String| of_rhythm.iter().any(|words| it.contains(words));
        let nothing = |it: &&String| it.contains("no playlist was seen");
        let serious = faults.iter().filter(|it| !about_parts(it) && !nothing(it));
        let serious: Vec<_> = serious.collect();
        prop_assert!(serious.is_empty(), "{serious:#?}");
    }
}
