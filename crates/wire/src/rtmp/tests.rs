use bytes::Bytes;
use proptest::prelude::*;
use surecast_media::frame::{Frame, Item, MediaTime, TrackNumber};
use surecast_media::opus;

use super::message::kind;
use super::*;
use crate::flv::Muxer;

fn message(kind: u8, timestamp: u32, body: &[u8]) -> Message {
    Message {
        kind,
        timestamp,
        stream: 1,
        body: Bytes::copy_from_slice(body),
    }
}

fn bytes_of(writer: &mut ChunkWriter) -> Vec<u8> {
    std::iter::from_fn(|| writer.poll()).flatten().collect()
}

fn read_all(
    reader: &mut ChunkReader,
    bytes: &[u8],
    step: usize,
) -> Result<Vec<Message>, RtmpError> {
    let mut messages = Vec::new();
    for piece in bytes.chunks(step.max(1)) {
        reader.push(piece);
        while let Some(message) = reader.next_message()? {
            messages.push(message);
        }
    }
    Ok(messages)
}

#[test]
fn extended_timestamps_stand_in_later_chunks_or_are_left_out() {
    let body = [7; 300];
    let sent = message(kind::VIDEO, 0x0100_0000, &body);
    let mut writer = ChunkWriter::default();
    writer.write(&sent);
    let with = bytes_of(&mut writer);
    let mut without = with.clone();
    // Header 12, extended 4, chunk 128, basic header 1, and here they stand again.
    without.drain(12 + 4 + 128 + 1..12 + 4 + 128 + 1 + 4);
    without.drain(12 + 4 + 128 + 1 + 128 + 1..12 + 4 + 128 + 1 + 128 + 1 + 4);
    for bytes in [with, without] {
        let mut reader = ChunkReader::default();
        assert_eq!(
            read_all(&mut reader, &bytes, 5).unwrap(),
            std::slice::from_ref(&sent)
        );
    }
}

#[test]
fn short_headers_go_on_from_the_one_before() {
    let mut reader = ChunkReader::default();
    let bytes = [
        &[0x04, 0, 0, 10, 0, 0, 1, 8, 1, 0, 0, 0, b'a'][..],
        &[0x44, 0, 0, 20, 0, 0, 1, 8, b'b'],
        &[0x84, 0, 0, 30, b'c'],
        &[0xc4, b'd'],
    ]
    .concat();
    let messages = read_all(&mut reader, &bytes, 1).unwrap();
    let times: Vec<u32> = messages.iter().map(|it| it.timestamp).collect();
    assert_eq!(times, [10, 30, 60, 90]);
    assert!(messages.iter().all(|it| it.stream == 1 && it.kind == 8));
}

#[test]
fn messages_of_several_chunk_streams_are_interleaved_and_aborted() {
    let mut reader = ChunkReader::default();
    let mut bytes = vec![0x04, 0, 0, 0, 0, 0, 200, 8, 1, 0, 0, 0];
    bytes.extend([1; 128]);
    bytes.extend([0x06, 0, 0, 0, 0, 0, 2, 9, 1, 0, 0, 0, 5, 5]);
    bytes.push(0xc4);
    bytes.extend([2; 72]);
    // Begun, then given up.
    bytes.extend([0x04, 0, 0, 0, 0, 0, 200, 8, 1, 0, 0, 0]);
    bytes.extend([3; 128]);
    bytes.extend([0x02, 0, 0, 0, 0, 0, 4, kind::ABORT, 0, 0, 0, 0, 0, 0, 0, 4]);
    bytes.extend([0x04, 0, 0, 0, 0, 0, 1, 8, 1, 0, 0, 0, 9]);
    let messages = read_all(&mut reader, &bytes, 3).unwrap();
    let lens: Vec<(u8, usize)> = messages.iter().map(|it| (it.kind, it.body.len())).collect();
    assert_eq!(lens, [(9, 2), (8, 200), (8, 1)]);
}

#[test]
fn lies_end_the_connection_and_take_no_memory() {
    let no_size = [
        0x02,
        0,
        0,
        0,
        0,
        0,
        4,
        kind::SET_CHUNK_SIZE,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
    ];
    assert!(read_all(&mut ChunkReader::default(), &no_size, 16).is_err());
    assert!(read_all(&mut ChunkReader::default(), &[0xc5], 1).is_err());
    // Messages of 16 MiB begun on many chunk streams.
    let begun: Vec<u8> = (3..63)
        .flat_map(|id| {
            let mut chunk = vec![id, 0, 0, 0, 0xff, 0xff, 0xff, 8, 1, 0, 0, 0];
            chunk.extend([0; 128]);
            chunk
        })
        .collect();
    let error = read_all(&mut ChunkReader::default(), &begun, 64);
    assert_eq!(error, Ok(Vec::new()), "claims cost nothing");
    // One byte each on more chunk streams than there may be.
    let many: Vec<u8> = (64..200u8)
        .flat_map(|id| vec![0, id - 64, 0, 0, 0, 0, 0, 2, 8, 1, 0, 0, 0, 1, 1])
        .collect();
    let error = read_all(&mut ChunkReader::default(), &many, 64);
    assert_eq!(error, Err(RtmpError::TooMuch("chunk streams")));
}

#[test]
fn aggregates_are_taken_apart() {
    let mut body = Vec::new();
    for (kind, time, data) in [(8, 100, b'a'), (9, 120, b'b')] {
        body.extend([kind, 0, 0, 1, 0, 0, time, 0, 0, 0, 0, data, 0, 0, 0, 12]);
    }
    body.extend([8, 0, 0, 99]);
    let aggregate = message(kind::AGGREGATE, 500, &body);
    let parts: Vec<_> = message::disaggregate(&aggregate).collect();
    let told: Vec<_> = parts
        .iter()
        .map(|it| (it.kind, it.timestamp, &it.body[..]))
        .collect();
    assert_eq!(told, [(8, 500, &b"a"[..]), (9, 520, b"b")]);
}

#[test]
fn places_for_room_and_token_all_mean_the_same() {
    for (app, stream) in [
        ("live", "my%20room?token=T"),
        ("live/my%20room?token=T", ""),
        ("live?token=T", "my%20room"),
        ("live/my%20room", "?token=T"),
        ("/live/", "/my room?a=b&token=T"),
    ] {
        let path = StreamPath::parse(app, stream);
        assert_eq!(
            (path.app.as_str(), path.name.as_str()),
            ("live", "my room"),
            "{app} {stream}"
        );
        assert_eq!(path.get("token"), Some("T"));
    }
}

/// Carries bytes between our two ends until neither has any.
fn exchange(client: &mut ClientSession, server: &mut ServerSession) {
    loop {
        let mut moved = false;
        while let Some(bytes) = client.poll_output() {
            server.handle_bytes(&bytes).expect("our own client");
            moved = true;
        }
        while let Some(bytes) = server.poll_output() {
            client.handle_bytes(&bytes).expect("our own server");
            moved = true;
        }
        if !moved {
            return;
        }
    }
}

fn show() -> Vec<Item> {
    let format = std::sync::Arc::new(opus::format(48_000, 2, 0));
    let track = TrackNumber(1);
    let mut items = vec![Item::Format { track, format }];
    for at in 0..3 {
        let dts = MediaTime::from_millis(at * 20);
        let data = Bytes::from(vec![0xfc; 70_000]);
        let frame = Frame {
            dts,
            pts: dts,
            keyframe: true,
            data,
        };
        items.push(Item::Frame { track, frame });
    }
    items
}

#[test]
fn a_stream_is_pushed_and_comes_out_as_it_was() {
    let mut client = ClientSession::new(
        "live",
        "rtmp://host/live",
        "room?token=T",
        ClientRole::Publish,
    );
    let mut server = ServerSession::default();
    exchange(&mut client, &mut server);
    let connect = server.poll_event();
    let Some(ServerEvent::Connect {
        app, capabilities, ..
    }) = connect
    else {
        panic!("{connect:?}");
    };
    assert_eq!(app, "live");
    assert!(capabilities.has(crate::flv::FourCc(*b"Opus")) && capabilities.reconnect);
    let Some(ServerEvent::Publish { stream, path }) = server.poll_event() else {
        panic!("no publish");
    };
    assert_eq!((path.name.as_str(), path.get("token")), ("room", Some("T")));
    server.accept(stream);
    exchange(&mut client, &mut server);
    let ready = client.poll_event();
    assert!(
        matches!(&ready, Some(ClientEvent::Ready { four_cc }) if four_cc.len() == 8),
        "{ready:?}"
    );
    let mut muxer = Muxer::default();
    for item in show() {
        muxer.handle_item(&item);
        while let Some(tag) = muxer.poll_tag() {
            client.send(&tag);
        }
    }
    client.finish();
    exchange(&mut client, &mut server);
    let mut items: Vec<_> = std::iter::from_fn(|| server.poll_event()).collect();
    assert_eq!(items.pop(), Some(ServerEvent::Closed { stream }));
    let sent: Vec<_> = show()
        .into_iter()
        .map(|item| ServerEvent::Item { stream, item })
        .collect();
    assert_eq!(items, sent);
}

#[test]
fn a_stream_is_pulled_until_it_ends() {
    let mut client = ClientSession::new("live", "rtmp://host/live", "room", ClientRole::Play);
    let mut server = ServerSession::default();
    exchange(&mut client, &mut server);
    let stream = std::iter::from_fn(|| server.poll_event()).find_map(|event| match event {
        ServerEvent::Play { stream, .. } => Some(stream),
        _ => None,
    });
    let stream = stream.expect("play");
    server.accept(stream);
    let mut muxer = Muxer::default();
    for item in show() {
        muxer.handle_item(&item);
        while let Some(tag) = muxer.poll_tag() {
            server.send(stream, &tag);
        }
    }
    assert!(server.request_reconnect("soon"));
    server.end(stream, "over");
    exchange(&mut client, &mut server);
    let mut events: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
    assert!(matches!(events.remove(0), ClientEvent::Ready { .. }));
    let sent: Vec<_> = show().into_iter().map(ClientEvent::Item).collect();
    assert_eq!(events[..4], sent);
    assert_eq!(events[4], ClientEvent::Reconnect { url: String::new() });
    assert_eq!(events[5], ClientEvent::Ended);
}

#[test]
fn no_is_said_in_words() {
    let mut client = ClientSession::new("live", "rtmp://host/live", "room", ClientRole::Publish);
    let mut server = ServerSession::default();
    exchange(&mut client, &mut server);
    while let Some(event) = server.poll_event() {
        if let ServerEvent::Publish { stream, .. } = event {
            server.refuse(stream, "no token");
        }
    }
    exchange(&mut client, &mut server);
    let code = "NetStream.Publish.Rejected".to_owned();
    let refused = ClientEvent::Refused {
        code,
        words: "no token".into(),
    };
    assert_eq!(client.poll_event(), Some(refused));
}

#[test]
fn http_is_no_rtmp() {
    let mut server = ServerSession::default();
    assert_eq!(
        server.handle_bytes(b"GET / HTTP/1.1\r\n"),
        Err(RtmpError::Version(b'G'))
    );
}

proptest! {
    #[test]
    fn messages_survive_any_cut(
        bodies in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..700), any::<u32>(), 0usize..3), 0..6),
        step in 1usize..400,
        enlarge in any::<bool>(),
    ) {
        let kinds = [kind::AUDIO, kind::VIDEO, kind::DATA_AMF0];
        let sent: Vec<Message> = bodies.iter().map(|(body, at, of)| message(kinds[*of], *at, body)).collect();
        let mut writer = ChunkWriter::default();
        if enlarge {
            writer.enlarge();
        }
        sent.iter().for_each(|message| writer.write(message));
        let bytes = bytes_of(&mut writer);
        let mut reader = ChunkReader::default();
        prop_assert_eq!(read_all(&mut reader, &bytes, step), Ok(sent));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        fuzz_rtmp(&bytes);
    }

    #[test]
    fn any_command_is_survived(kind in 0u8..24, body in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut writer = ChunkWriter::default();
        writer.write(&message(kind, 0, &body));
        fuzz_rtmp(&bytes_of(&mut writer));
    }
}
