use super::world::*;
use crate::hls::{Answer, PlaylistRequest, Resource, Segmenter, Settings};

/// A stream of so many seconds: 25 pictures a second, a keyframe each second.
fn stream(seconds: i64) -> Segmenter {
    let mut segmenter = Segmenter::new(Settings::default());
    segmenter.handle_item(&format(VIDEO, &h264(320)));
    segmenter.handle_item(&format(AUDIO, &opus_sound()));
    for number in 0..seconds * 25 + 1 {
        segmenter.handle_item(&frame(VIDEO, number * 40_000, 0, number % 25 == 0));
        for half in 0..2 {
            segmenter.handle_item(&frame(AUDIO, number * 40_000 + half * 20_000, 0, true));
        }
    }
    segmenter
}

fn text(answer: Answer<String>) -> String {
    match answer {
        Answer::Ready(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn playlists_read_like_this() {
    let segmenter = stream(15);
    let whole = PlaylistRequest::default();
    let update = PlaylistRequest {
        skip: true,
        ..whole
    };
    insta::assert_snapshot!("multivariant", text(segmenter.multivariant("token=x")));
    insta::assert_snapshot!("media", text(segmenter.playlist("video", whole, "token=x")));
    insta::assert_snapshot!("update", text(segmenter.playlist("audio", update, "")));
}

#[test]
fn requests_wait_for_what_comes_and_for_nothing_else() {
    let segmenter = stream(5);
    let first = EPOCH as u64 / 2_000_000;
    let ask = |msn, part| {
        let request = PlaylistRequest {
            msn,
            part,
            skip: false,
        };
        segmenter.playlist("video", request, "")
    };
    // Two segments are finished, the third has one second.
    let open = first + 2;
    assert!(matches!(ask(Some(open - 1), None), Answer::Ready(_)));
    assert!(matches!(ask(Some(open), None), Answer::Wait));
    assert!(matches!(ask(Some(open), Some(4)), Answer::Ready(_)));
    assert!(matches!(ask(Some(open), Some(5)), Answer::Wait));
    assert!(matches!(ask(Some(open - 1), Some(999)), Answer::Ready(_)));
    assert!(matches!(ask(Some(open + 1), Some(0)), Answer::Wait));
    assert!(matches!(ask(Some(open + 3), None), Answer::BadRequest(_)));
    assert!(matches!(ask(Some(u64::MAX), None), Answer::BadRequest(_)));
    assert!(matches!(ask(None, Some(1)), Answer::BadRequest(_)));
    let run = format!("{:x}", EPOCH / 1_000_000);
    let part = |msn, part| segmenter.media("video", &run, Resource::Part(msn, part));
    assert!(matches!(part(open, 4), Answer::Ready(_)));
    assert!(matches!(part(open, 5), Answer::Wait), "it is hinted");
    assert!(matches!(part(open, 6), Answer::Gone));
    assert!(matches!(part(open - 1, 10), Answer::Gone));
    assert_eq!(
        segmenter.media("video", "0", Resource::Segment(first)),
        Answer::Gone
    );
}

#[test]
fn nobody_waits_after_the_end() {
    let mut segmenter = stream(5);
    segmenter.end();
    let request = PlaylistRequest {
        msn: Some(EPOCH as u64 / 2_000_000 + 3),
        part: Some(0),
        skip: false,
    };
    let text = text(segmenter.playlist("video", request, ""));
    assert!(text.ends_with("#EXT-X-ENDLIST\n"), "{text}");
    let mut nothing = Segmenter::new(Settings::default());
    assert_eq!(nothing.multivariant(""), Answer::Wait);
    nothing.end();
    assert_eq!(nothing.multivariant(""), Answer::Gone);
    assert_eq!(nothing.playlist("video", request, ""), Answer::Gone);
}

#[test]
fn memory_is_bounded() {
    let settings = Settings {
        bytes: 1 << 20,
        ..Settings::default()
    };
    let mut segmenter = Segmenter::new(settings);
    segmenter.handle_item(&format(VIDEO, &h264(320)));
    for number in 0..600 {
        let mut item = frame(VIDEO, number * 40_000, 0, number % 50 == 0);
        if let surecast_media::frame::Item::Frame { frame, .. } = &mut item {
            frame.data = vec![0; 20_000].into();
        }
        segmenter.handle_item(&item);
        assert!(segmenter.bytes() < 3 << 20, "{}", segmenter.bytes());
    }
}

#[test]
fn old_players_get_a_transport_stream() {
    let segmenter = stream(9);
    let whole = PlaylistRequest::default();
    insta::assert_snapshot!(
        "transport",
        text(segmenter.playlist("ts", whole, "token=x"))
    );
    let run = format!("{:x}", EPOCH / 1_000_000);
    let first = Resource::Transport(EPOCH as u64 / 2_000_000);
    let Answer::Ready(bytes) = segmenter.media("ts", &run, first) else {
        panic!("a segment that is listed is not there")
    };
    // The pictures of this test are none; the sound is.
    let bytes = bytes.concat();
    assert!(
        bytes
            .chunks(188)
            .all(|packet| packet.len() == 188 && packet[0] == 0x47)
    );
    assert!(bytes.len() > 100 * 188, "{} bytes", bytes.len());
}
