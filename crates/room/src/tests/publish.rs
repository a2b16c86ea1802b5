//! Tracks from their announcement to their end.

use surecast_media::control::{MediaCommand, MediaEvent, Quality};

use super::world::{World, camera, join_with, microphone, responses, updates};
use crate::limits;
use crate::proto::request_response::Reason;
use crate::proto::signal_request::Message as Ask;
use crate::proto::signal_response::Message as Say;
use crate::proto::{self, TrackSource, TrackType};

#[test]
fn announced_then_bound_then_live() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let mut request = camera("cam");
    request.layers = vec![
        proto::VideoLayer {
            quality: 2,
            width: 1280,
            height: 720,
            ..Default::default()
        },
        proto::VideoLayer {
            quality: 0,
            width: 320,
            height: 180,
            ..Default::default()
        },
    ];
    let track = world.announce(&alice, request);
    assert!(track.sid.starts_with("TR_VC"));
    let Some(MediaCommand::Announce { announcement, peer }) = world.media.first() else {
        panic!()
    };
    assert_eq!(*peer, alice.up);
    assert_eq!(
        announcement
            .layers
            .iter()
            .map(|l| l.quality)
            .collect::<Vec<_>>(),
        [Quality::Low, Quality::High]
    );
    assert_eq!(announcement.codecs[0].mime, "video/VP8");
    assert!(
        updates(&world.hear(&bob)).is_empty(),
        "nobody sees it before an offer carried it"
    );

    world.bind(&track, "video/VP8");
    let seen = updates(&world.hear(&bob)).pop().unwrap();
    assert!(seen.is_publisher);
    assert_eq!(seen.tracks[0].sid, track.sid);
    assert_eq!(
        (
            seen.tracks[0].mid.as_str(),
            seen.tracks[0].mime_type.as_str()
        ),
        ("0", "video/VP8")
    );
    #[allow(deprecated)]
    let simulcast = seen.tracks[0].simulcast;
    assert!(simulcast);
    assert!(world.event_names().is_empty());
    world.media(MediaEvent::TrackLive {
        track: track.track,
        mime: "video/VP8".into(),
    });
    assert_eq!(world.event_names(), ["track_published"]);
    world.media(MediaEvent::TrackLive {
        track: track.track,
        mime: "video/VP8".into(),
    });
    assert!(world.event_names().is_empty());

    world.forget();
    world.media(MediaEvent::TrackGone { track: track.track });
    assert!(updates(&world.hear(&bob))[0].tracks.is_empty());
    assert_eq!(world.event_names(), ["track_unpublished"]);
    assert_eq!(world.rooms.census().tracks, 0);
}

#[test]
fn a_muted_track_counts_as_published_without_packets() {
    let mut world = World::new();
    let alice = world.active("alice");
    let track = world.announce(
        &alice,
        proto::AddTrackRequest {
            muted: true,
            ..microphone("mic")
        },
    );
    let muted = |c: &MediaCommand| matches!(c, MediaCommand::Mute { muted: true, .. });
    assert!(world.media.iter().any(muted));
    world.bind(&track, "audio/opus");
    assert_eq!(world.event_names(), ["track_published"]);
}

#[test]
fn mute_and_unmute() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let track = world.publish(&alice, microphone("mic"));
    world.ask(
        &alice,
        Ask::Mute(proto::MuteTrackRequest {
            sid: track.sid.clone(),
            muted: true,
        }),
    );
    assert!(matches!(
        world.commands()[..],
        [MediaCommand::Mute { muted: true, .. }]
    ));
    for client in [&alice, &bob] {
        assert!(updates(&world.hear(client))[0].tracks[0].muted);
    }
    world.ask(
        &alice,
        Ask::Mute(proto::MuteTrackRequest {
            sid: track.sid.clone(),
            muted: true,
        }),
    );
    assert!(
        world.media.is_empty() && world.said.is_empty(),
        "no change, no word"
    );
    world.ask(
        &bob,
        Ask::Mute(proto::MuteTrackRequest {
            sid: track.sid,
            muted: false,
        }),
    );
    assert_eq!(
        responses(&world.hear(&bob)),
        [Reason::NotFound],
        "not bob's track"
    );
    assert!(world.media.is_empty());
}

#[test]
fn refusals() {
    let mut world = World::new();
    let viewer = world.active_with(join_with("viewer", |grant| grant.can_publish = Some(false)));
    let presenter = world.active_with(join_with("presenter", |grant| {
        grant.can_publish_sources = vec!["screen_share".into()];
    }));
    let alice = world.active("alice");
    let screen = proto::AddTrackRequest {
        source: TrackSource::ScreenShare as i32,
        ..camera("screen")
    };
    let data = proto::AddTrackRequest {
        r#type: TrackType::Data as i32,
        ..microphone("x")
    };
    let long = proto::AddTrackRequest {
        name: "n".repeat(1000),
        ..microphone("y")
    };
    let unknown = proto::AddTrackRequest {
        sid: "TR_nope".into(),
        ..microphone("z")
    };
    for (client, request, want) in [
        (&viewer, microphone("mic"), Some(Reason::NotAllowed)),
        (&presenter, microphone("mic"), Some(Reason::NotAllowed)),
        (&presenter, screen, None),
        (&alice, data, Some(Reason::UnsupportedType)),
        (&alice, long, Some(Reason::LimitExceeded)),
        (&alice, microphone(""), Some(Reason::InvalidRequest)),
        (&alice, unknown, Some(Reason::NotFound)),
    ] {
        world.forget();
        world.ask(client, Ask::AddTrack(request.clone()));
        let said = world.hear(client);
        assert_eq!(responses(&said).first().copied(), want, "{request:?}");
        assert_eq!(world.media.is_empty(), want.is_some());
        if let [Say::RequestResponse(response)] = &said[..] {
            assert!(matches!(
                response.request,
                Some(proto::request_response::Request::AddTrack(_))
            ));
        }
    }
    world.forget();
    for n in 0..limits::TRACKS_PER_PARTICIPANT + 1 {
        world.ask(&alice, Ask::AddTrack(microphone(&format!("m{n}"))));
    }
    assert_eq!(responses(&world.hear(&alice)), [Reason::LimitExceeded]);
}

#[test]
fn the_same_client_id_again() {
    let mut world = World::new();
    let alice = world.active("alice");
    let first = world.announce(&alice, microphone("mic"));
    let again = world.announce(
        &alice,
        proto::AddTrackRequest {
            muted: true,
            ..microphone("mic")
        },
    );
    assert_eq!(
        first.sid, again.sid,
        "nothing was offered yet: the same track"
    );
    world.bind(&first, "audio/opus");
    world.forget();
    world.ask(&alice, Ask::AddTrack(microphone("mic")));
    assert_eq!(responses(&world.hear(&alice)), [Reason::Queued]);
    world.media(MediaEvent::TrackGone { track: first.track });
    let next = world.published(&alice, "mic");
    assert_ne!(next.sid, first.sid);
}

#[test]
fn a_track_in_two_codecs() {
    let mut world = World::new();
    let alice = world.active("alice");
    let mut request = camera("cam");
    request.simulcast_codecs = vec![
        proto::SimulcastCodec {
            codec: "av1".into(),
            cid: "cam".into(),
            ..Default::default()
        },
        proto::SimulcastCodec {
            codec: "vp8".into(),
            ..Default::default()
        },
    ];
    let track = world.announce(&alice, request);
    world.bind(&track, "video/AV1");
    world.forget();
    let backup = proto::AddTrackRequest {
        cid: "cam-vp8".into(),
        sid: track.sid.clone(),
        simulcast_codecs: vec![proto::SimulcastCodec {
            codec: "vp8".into(),
            cid: "cam-vp8".into(),
            ..Default::default()
        }],
        ..camera("cam-vp8")
    };
    world.ask(&alice, Ask::AddTrack(backup));
    assert!(matches!(world.hear(&alice)[..], [Say::TrackPublished(ref p)] if p.cid == "cam-vp8"));
    let Some(MediaCommand::Announce { announcement, .. }) = world.media.first() else {
        panic!()
    };
    let codecs: Vec<_> = announcement
        .codecs
        .iter()
        .map(|c| (c.cid.as_str(), c.mime.as_str()))
        .collect();
    assert_eq!(codecs, [("cam", "video/AV1"), ("cam-vp8", "video/VP8")]);
}

#[test]
fn a_codec_that_may_not_be_published_is_replaced() {
    let mut world = World::new();
    let alice = world.active("alice");
    let mut request = camera("cam");
    request.simulcast_codecs[0].codec = "h265".into();
    world.announce(&alice, request);
    let Some(MediaCommand::Announce { announcement, .. }) = world.media.first() else {
        panic!()
    };
    assert_eq!(announcement.codecs[0].mime, "video/VP8");
}

#[test]
fn features_and_sizes_change() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let mic = world.publish(&alice, microphone("mic"));
    let cam = world.publish(&alice, camera("cam"));
    world.ask(
        &alice,
        Ask::UpdateAudioTrack(proto::UpdateLocalAudioTrack {
            track_sid: mic.sid,
            features: vec![0, 5, 5, -1, 999],
        }),
    );
    assert_eq!(
        updates(&world.hear(&bob))[0].tracks[0].audio_features,
        [0, 5]
    );
    world.ask(
        &alice,
        Ask::UpdateVideoTrack(proto::UpdateLocalVideoTrack {
            track_sid: cam.sid,
            width: 10,
            height: 20,
        }),
    );
    assert_eq!(updates(&world.hear(&bob))[0].tracks[1].width, 10);
    world.forget();
    world.ask(
        &bob,
        Ask::UpdateVideoTrack(proto::UpdateLocalVideoTrack {
            track_sid: "TR_x".into(),
            ..Default::default()
        }),
    );
    assert_eq!(responses(&world.hear(&bob)), [Reason::NotFound]);
}

#[test]
fn a_departed_publisher_takes_its_tracks_along() {
    let mut world = World::new();
    let alice = world.active("alice");
    let bob = world.active("bob");
    let track = world.publish(&alice, microphone("mic"));
    world.ask(&alice, Ask::Leave(proto::LeaveRequest::default()));
    assert_eq!(
        world.event_names(),
        ["track_unpublished", "participant_left"]
    );
    assert_eq!(
        world.rooms.census(),
        crate::Census {
            rooms: 1,
            participants: 1,
            ..Default::default()
        }
    );
    world.forget();
    // The engine may still talk of it.
    world.media(MediaEvent::TrackGone { track: track.track });
    world.media(MediaEvent::SubscriptionLive {
        peer: bob.down,
        track: track.track,
    });
    assert!(world.said.is_empty() && world.media.is_empty());
}
