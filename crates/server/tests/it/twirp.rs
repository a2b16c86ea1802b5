//! The room service over HTTP.

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use livekit_protocol as proto;
use prost::Message as _;

use crate::harness::{Server, admin, joiner, token_for};

fn post(server: &Server, path: &str, kind: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    Request::post(server.url(path))
        .header("content-type", kind)
        .header("authorization", format!("Bearer {}", admin("r")))
        .body(Full::new(body.into()))
        .unwrap()
}

#[tokio::test]
async fn json_and_protobuf_say_the_same() {
    let server = Server::dev(&[]);
    let token = admin("r");
    let created = server
        .call(
            "CreateRoom",
            &token,
            r#"{"name":"r","emptyTimeout":60,"metadata":"m","unknown":1}"#,
        )
        .await;
    assert_eq!(created.status, 200, "{}", created.text());
    assert_eq!(created.header("content-type"), "application/json");
    let room = created.json();
    assert_eq!(
        (room["name"].as_str(), room["metadata"].as_str()),
        (Some("r"), Some("m"))
    );
    // Snake case is the other spelling that protobuf's JSON mapping allows.
    let listed = server.call("ListRooms", &token, "{}").await.json();
    assert_eq!(listed["rooms"][0]["sid"], room["sid"]);

    let request = proto::ListRoomsRequest {
        names: vec!["r".into()],
    }
    .encode_to_vec();
    let answer = server
        .send(post(
            &server,
            "/twirp/livekit.RoomService/ListRooms",
            "application/protobuf",
            request,
        ))
        .await;
    assert_eq!(answer.header("content-type"), "application/protobuf");
    let rooms = proto::ListRoomsResponse::decode(answer.body.as_slice())
        .unwrap()
        .rooms;
    assert_eq!(rooms[0].sid, room["sid"].as_str().unwrap());
    assert_eq!(rooms[0].empty_timeout, 60);

    assert_eq!(
        server
            .call("DeleteRoom", &token, r#"{"room":"r"}"#)
            .await
            .status,
        200
    );
    assert_eq!(
        server.call("ListRooms", &token, "{}").await.json()["rooms"]
            .as_array()
            .map_or(0, Vec::len),
        0
    );
}

#[tokio::test]
async fn errors_are_twirps() {
    let server = Server::dev(&[]);
    let path = "/twirp/livekit.RoomService/ListRooms";
    let big = format!(r#"{{"names":["{}"]}}"#, "x".repeat(2 << 20));
    for (name, request, status, code) in [
        (
            "not there",
            post(
                &server,
                "/twirp/livekit.RoomService/DeleteRoom",
                "application/json",
                r#"{"room":"r"}"#,
            ),
            404,
            "not_found",
        ),
        (
            "no method",
            post(
                &server,
                "/twirp/livekit.RoomService/Fly",
                "application/json",
                "{}",
            ),
            404,
            "bad_route",
        ),
        (
            "no service",
            post(
                &server,
                "/twirp/livekit.Flight/Fly",
                "application/json",
                "{}",
            ),
            404,
            "bad_route",
        ),
        (
            "not ours",
            post(
                &server,
                "/twirp/livekit.Egress/ListEgress",
                "application/json",
                "{}",
            ),
            501,
            "unimplemented",
        ),
        (
            "type",
            post(&server, path, "text/plain", "{}"),
            404,
            "bad_route",
        ),
        (
            "json",
            post(&server, path, "application/json; charset=utf-8", "{"),
            400,
            "malformed",
        ),
        (
            "protobuf",
            post(&server, path, "application/protobuf", vec![0xff; 9]),
            400,
            "malformed",
        ),
        (
            "size",
            post(&server, path, "application/json", big),
            429,
            "resource_exhausted",
        ),
        (
            "get",
            Request::get(server.url(path))
                .body(Full::default())
                .unwrap(),
            404,
            "bad_route",
        ),
    ] {
        let answer = server.send(request).await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json");
        let body = answer.json();
        assert_eq!(body["code"], code, "{name}");
        assert!(!body["msg"].as_str().unwrap().is_empty());
    }
    // It is the same server afterwards.
    assert_eq!(
        server.call("ListRooms", &admin("r"), "{}").await.status,
        200
    );
}

#[tokio::test]
async fn grants_decide() {
    let server = Server::dev(&[]);
    server
        .call("CreateRoom", &admin("r"), r#"{"name":"r"}"#)
        .await;
    let request = Request::post(server.url("/twirp/livekit.RoomService/ListRooms"))
        .header("content-type", "application/json")
        .body(Full::from("{}"))
        .unwrap();
    let answer = server.send(request).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["code"].as_str()),
        (401, Some("unauthenticated"))
    );
    let guest = token_for(&joiner("r", "anna"));
    let other = admin("other");
    for (method, token, body) in [
        ("ListRooms", &guest, "{}"),
        ("CreateRoom", &guest, r#"{"name":"x"}"#),
        ("ListParticipants", &guest, r#"{"room":"r"}"#),
        ("ListParticipants", &other, r#"{"room":"r"}"#),
    ] {
        let answer = server.call(method, token, body).await;
        assert!(
            matches!(answer.status.as_u16(), 401 | 403),
            "{method}: {}",
            answer.text()
        );
    }
}
