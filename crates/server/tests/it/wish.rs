//! WHIP and WHEP as HTTP: statuses, headers, words. Media is the browsers'
//! matter (`tests/e2e/broadcast-whip.test.js`).

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request};
use surecast_room::Grants;
use surecast_room::token::VideoGrant;

use crate::harness::{Answer, Server, joiner, surecast, token_for};

/// An encoder's offer, as FFmpeg writes it, without names for its tracks.
const OFFER: &str = "v=0\r\no=FFmpeg 1 2 IN IP4 127.0.0.1\r\ns=FFmpegPublishSession\r\nt=0 0\r\n\
    a=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:6d15aa78\r\na=ice-pwd:b1904f3cde7367518e7af54a08a169d9\r\n\
    a=fingerprint:sha-256 4D:13:1B:23:8A:58:0B:BF:7B:09:F0:1C:DA:4D:8C:75:3A:64:5A:CE:12:BE:DA:50:C5:16:42:2D:3F:A0:74:EC\r\n\
    a=setup:passive\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
    a=ssrc:3672348644 cname:FFmpeg\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 106 105\r\nc=IN IP4 0.0.0.0\r\n\
    a=ice-ufrag:6d15aa78\r\na=ice-pwd:b1904f3cde7367518e7af54a08a169d9\r\n\
    a=fingerprint:sha-256 4D:13:1B:23:8A:58:0B:BF:7B:09:F0:1C:DA:4D:8C:75:3A:64:5A:CE:12:BE:DA:50:C5:16:42:2D:3F:A0:74:EC\r\n\
    a=setup:passive\r\na=mid:1\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:106 H264/90000\r\n\
    a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001e\r\n\
    a=rtpmap:105 rtx/90000\r\na=fmtp:105 apt=106\r\na=ssrc:3672348645 cname:FFmpeg\r\n";

fn viewers_offer() -> String {
    let offer = OFFER.replace("a=sendonly", "a=recvonly");
    offer.replace("a=setup:passive", "a=setup:actpass")
}

struct Ask<'a> {
    method: &'a str,
    path: &'a str,
    kind: &'a str,
    token: Option<&'a str>,
    body: &'a str,
}

fn offer<'a>(path: &'a str, body: &'a str, token: Option<&'a str>) -> Ask<'a> {
    Ask {
        method: "POST",
        path,
        kind: "application/sdp",
        token,
        body,
    }
}

async fn send(server: &Server, ask: Ask<'_>, headers: &[(&str, &str)]) -> Answer {
    let method = Method::from_bytes(ask.method.as_bytes()).unwrap();
    let mut request = Request::builder().method(method).uri(server.url(ask.path));
    if !ask.kind.is_empty() {
        request = request.header("content-type", ask.kind);
    }
    if let Some(token) = ask.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Full::new(Bytes::from(ask.body.to_owned()));
    server.send(request.body(body).unwrap()).await
}

fn detail(answer: &Answer) -> String {
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let json = answer.json();
    assert_eq!(json["status"], answer.status.as_u16());
    json["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_encoder_is_answered_and_can_leave() {
    let server = Server::dev(&[]);
    let answer = send(&server, offer("/whip/show", OFFER, None), &[]).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/sdp");
    assert!(answer.header("etag").starts_with('"'));
    let sdp = answer.text();
    assert!(
        sdp.contains("a=ice-lite") && sdp.contains("a=candidate:"),
        "{sdp}"
    );
    assert_eq!(sdp.matches("a=recvonly").count(), 2, "{sdp}");
    let location = answer.header("location").to_owned();
    assert!(location.starts_with("/whip/session/"), "{location}");
    assert_eq!(
        server
            .metric("surecast_stream_sessions{door=\"whip\"}")
            .await,
        Some(1.0)
    );

    let ask = |method: &'static str, path| Ask {
        method,
        path,
        kind: "",
        token: None,
        body: "",
    };
    let other_door = location.replace("whip", "whep");
    assert_eq!(
        send(&server, ask("DELETE", &other_door), &[]).await.status,
        404
    );
    assert_eq!(send(&server, ask("GET", &location), &[]).await.status, 405);
    assert_eq!(
        send(&server, ask("DELETE", &location), &[]).await.status,
        200
    );
    let gone = send(&server, ask("DELETE", &location), &[]).await;
    assert_eq!(gone.status, 404);
    assert!(detail(&gone).contains("no such session"));
    assert_eq!(
        server
            .metric("surecast_stream_sessions{door=\"whip\"}")
            .await,
        Some(0.0)
    );
    assert_eq!(server.metric("surecast_participants").await, Some(0.0));
    server.stop();
}

#[tokio::test]
async fn candidates_and_ice_restarts() {
    let server = Server::dev(&[]);
    let answer = send(&server, offer("/whip/show", OFFER, None), &[]).await;
    let (location, etag) = (
        answer.header("location").to_owned(),
        answer.header("etag").to_owned(),
    );
    let patch = |body: &'static str| Ask {
        method: "PATCH",
        path: &location,
        kind: "application/trickle-ice-sdpfrag",
        token: None,
        body,
    };
    const CANDIDATE: &str = "a=ice-ufrag:6d15aa78\r\na=ice-pwd:b1904f3cde7367518e7af54a08a169d9\r\n\
        m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 2122260223 127.0.0.1 61764 typ host\r\n";
    const RESTART: &str = "a=ice-ufrag:ysXw\r\na=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n";

    let without = send(&server, patch(CANDIDATE), &[]).await;
    assert_eq!(without.status, 428);
    assert!(detail(&without).contains("If-Match"));
    let stale = send(&server, patch(CANDIDATE), &[("if-match", "\"0\"")]).await;
    assert_eq!(stale.status, 412);
    let current = [("if-match", etag.as_str())];
    assert_eq!(send(&server, patch(CANDIDATE), &current).await.status, 204);
    assert_eq!(send(&server, patch(RESTART), &current).await.status, 412);
    assert_eq!(
        send(&server, patch("a=nothing"), &current).await.status,
        400
    );
    let wrong = Ask {
        kind: "application/sdp",
        ..patch(CANDIDATE)
    };
    let wrong = send(&server, wrong, &current).await;
    assert_eq!(wrong.status, 415);
    assert_eq!(
        wrong.header("accept-patch"),
        "application/trickle-ice-sdpfrag"
    );

    let restarted = send(&server, patch(RESTART), &[("if-match", "*")]).await;
    assert_eq!(restarted.status, 200, "{}", restarted.text());
    assert_ne!(restarted.header("etag"), etag);
    let fragment = restarted.text();
    assert!(
        fragment.contains("a=ice-ufrag:") && fragment.contains("a=candidate:"),
        "{fragment}"
    );
    let sdp = answer.text();
    let ufrag = sdp.lines().find(|l| l.starts_with("a=ice-ufrag:")).unwrap();
    assert!(!fragment.contains(ufrag), "fresh credentials");
    assert_eq!(send(&server, patch(RESTART), &current).await.status, 412);
    server.stop();
}

#[tokio::test]
async fn refusals_are_in_words() {
    let server = Server::dev(&[]);
    let mut speaker = joiner("show", "ann");
    speaker.video.as_mut().unwrap().can_publish = Some(false);
    let mute = token_for(&speaker);
    let good = token_for(&joiner("show", "ann"));
    let expected: &[(Ask, u16, &str)] = &[
        (
            offer("/whip/show", OFFER, Some("nonsense")),
            401,
            "malformed token",
        ),
        (offer("/whip/v1", OFFER, None), 401, "no token"),
        (
            offer("/whip/show?token=x.y.z", OFFER, None),
            401,
            "invalid authorization token",
        ),
        (
            offer("/whip/other", OFFER, Some(&good)),
            403,
            "for the room \"show\"",
        ),
        (offer("/whip/show", OFFER, Some(&mute)), 403, "canPublish"),
        (
            offer("/whip/show", "hello", None),
            400,
            "not a session description",
        ),
        (offer("/whip/show", "v=0\r\n", None), 400, "sends nothing"),
        (offer("/whep/show", OFFER, None), 400, "receives nothing"),
    ];
    for (ask, status, words) in expected {
        let ask = Ask { ..*ask };
        let path = ask.path;
        let answer = send(&server, ask, &[]).await;
        assert_eq!(answer.status, *status, "{path}: {}", answer.text());
        assert!(
            detail(&answer).contains(words),
            "{path}: {}",
            detail(&answer)
        );
    }
    let unauthorized = send(&server, offer("/whip/v1", OFFER, None), &[]).await;
    assert_eq!(unauthorized.header("www-authenticate"), "Bearer");

    let hevc = OFFER.replace("H264", "H265");
    let answer = send(&server, offer("/whip/show", &hevc, None), &[]).await;
    assert_eq!(answer.status, 406);
    let broken = OFFER.replace("a=ice-pwd", "a=ice-nothing");
    let answer = send(&server, offer("/whip/show", &broken, None), &[]).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(
        detail(&answer).contains("the offer cannot be used"),
        "{}",
        answer.text()
    );
    let large = "v=0\r\n".repeat(20_000);
    let answer = send(&server, offer("/whip/show", &large, None), &[]).await;
    assert_eq!(answer.status, 413);
    let text = Ask {
        kind: "text/plain",
        ..offer("/whip/show", OFFER, None)
    };
    let answer = send(&server, text, &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("accept-post")),
        (415, "application/sdp")
    );
    let get = Ask {
        method: "GET",
        ..offer("/whip/show", "", None)
    };
    let answer = send(&server, get, &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (405, "POST, OPTIONS")
    );
    let options = Ask {
        method: "OPTIONS",
        ..offer("/whep/show", "", None)
    };
    let answer = send(&server, options, &[]).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("accept-post")),
        (204, "application/sdp")
    );
    server.stop();
}

#[tokio::test]
async fn a_viewer_waits_for_a_show_and_is_nobody() {
    let server = Server::dev(&[]);
    let viewer = viewers_offer();
    let early = send(&server, offer("/whep/show", &viewer, None), &[]).await;
    assert_eq!(
        (early.status.as_u16(), early.header("retry-after")),
        (404, "2")
    );
    assert_eq!(
        server.metric("surecast_rooms").await,
        Some(0.0),
        "asking makes no room"
    );

    let encoder = send(&server, offer("/whip/show", OFFER, None), &[]).await;
    assert_eq!(encoder.status, 201);
    let answer = send(&server, offer("/whep/show", &viewer, None), &[]).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let sdp = answer.text();
    assert_eq!(sdp.matches("a=sendonly").count(), 2, "{sdp}");
    assert_eq!(sdp.matches("a=msid:program ").count(), 2, "{sdp}");
    let links: Vec<_> = answer.headers.get_all("link").iter().collect();
    let links = format!("{links:?}");
    assert!(
        links.contains("whep:ext:core:server-sent-events") && links.contains("whep:ext:core:layer")
    );

    let vp8 = viewer.replace("H264", "VP8");
    let answer = send(&server, offer("/whep/show", &vp8, None), &[]).await;
    assert_eq!(answer.status, 406);
    assert!(
        detail(&answer).contains("H264 is live"),
        "{}",
        answer.text()
    );

    let token = crate::harness::admin("show");
    let list = server.call("ListParticipants", &token, r#"{"room":"show"}"#);
    let list = list.await.json();
    let people = list["participants"].as_array().unwrap();
    let visible: Vec<_> = people
        .iter()
        .filter(|p| p["permission"]["hidden"] != true)
        .collect();
    assert_eq!(visible.len(), 1, "{list}");
    assert_eq!(visible[0]["kind"], "INGRESS");
    server.stop();
}

#[tokio::test]
async fn a_second_encoder_takes_over_or_is_refused() {
    for (takeover, status) in [("true", 201), ("false", 409)] {
        let mut command = surecast();
        command.args(["serve", "--dev", "--http", "127.0.0.1:0"]);
        command.env("SURECAST_BROADCAST__TAKEOVER", takeover);
        let server = Server::start(command);
        let first = send(&server, offer("/whip/show", OFFER, None), &[]).await;
        assert_eq!(first.status, 201);
        let second = send(&server, offer("/whip/show", OFFER, None), &[]).await;
        assert_eq!(second.status, status, "{}", second.text());
        if status == 409 {
            assert!(
                detail(&second).contains("broadcast.takeover"),
                "{}",
                second.text()
            );
        }
        assert_eq!(server.metric("surecast_participants").await, Some(1.0));
        server.stop();
    }
}

#[tokio::test]
async fn viewers_need_a_token_unless_rooms_are_open() {
    let keys = ("devkey", "secret");
    for (open, status) in [("false", 401), ("true", 404)] {
        let (_guard, config) = crate::harness::file(
            "surecast.toml",
            &format!(
                "[keys]\n{} = \"{}\"\n[broadcast]\nopen_play = {open}\n",
                keys.0, keys.1
            ),
        );
        let data = tempfile::tempdir().unwrap();
        let mut command = surecast();
        command
            .args(["serve", "--http", "127.0.0.1:0", "--config"])
            .arg(config);
        command.arg("--data-dir").arg(data.path());
        let server = Server::start(command);
        let answer = send(&server, offer("/whep/show", &viewers_offer(), None), &[]).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        let answer = send(&server, offer("/whip/show", OFFER, None), &[]).await;
        assert_eq!(answer.status, 401, "publishing is never open");
        let mut deaf = joiner("show", "eve");
        deaf.video.as_mut().unwrap().can_subscribe = Some(false);
        let token = token_for(&deaf);
        let answer = send(
            &server,
            offer("/whep/show", &viewers_offer(), Some(&token)),
            &[],
        )
        .await;
        assert_eq!(answer.status, 403);
        let nowhere = token_for(&Grants {
            identity: "eve".into(),
            video: Some(VideoGrant::default()),
            ..Grants::default()
        });
        let answer = send(
            &server,
            offer("/whep/show", &viewers_offer(), Some(&nowhere)),
            &[],
        )
        .await;
        assert_eq!(answer.status, 403, "{}", answer.text());
        server.stop();
    }
}
