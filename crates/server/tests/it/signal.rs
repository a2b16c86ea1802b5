//! `/rtc`, `/rtc/v1` and their `/validate`.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::Full;
use hyper::{Request, StatusCode};
use livekit_protocol as proto;
use prost::Message as _;
use proto::signal_request::Message as Ask;
use proto::signal_response::Message as Say;
use surecast_room::token;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::harness::{PATIENCE, Server, admin, eventually, file, joiner, now, surecast, token_for};

type Socket = WebSocketStream<TcpStream>;

async fn open(server: &Server, path: &str) -> Result<Socket, (StatusCode, String)> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let url = format!("ws://{}{path}", server.address);
    match tokio_tungstenite::client_async(url, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => {
            let body = answer.body().clone().unwrap_or_default();
            Err((answer.status(), String::from_utf8_lossy(&body).into_owned()))
        }
        Err(error) => panic!("{error}"),
    }
}

async fn next(socket: &mut Socket) -> Message {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next())
            .await
            .expect("no message in time");
        match message.expect("closed").expect("broken") {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}

async fn receive(socket: &mut Socket) -> Say {
    let Message::Binary(bytes) = next(socket).await else {
        panic!("not binary")
    };
    proto::SignalResponse::decode(bytes)
        .unwrap()
        .message
        .unwrap()
}

async fn send(socket: &mut Socket, ask: Ask) {
    let bytes = proto::SignalRequest { message: Some(ask) }.encode_to_vec();
    socket.send(Message::Binary(bytes.into())).await.unwrap();
}

/// The code with which the server closes, whatever it says before.
async fn close_code(socket: &mut Socket) -> CloseCode {
    loop {
        if let Message::Close(frame) = next(socket).await {
            return frame.expect("a code").code;
        }
    }
}

async fn join_v0(server: &Server, room: &str, identity: &str) -> (Socket, proto::JoinResponse) {
    let token = token_for(&joiner(room, identity));
    let mut socket = open(
        server,
        &format!("/rtc?access_token={token}&protocol=16&auto_subscribe=1&sdk=js"),
    )
    .await
    .unwrap();
    let Say::Join(join) = receive(&mut socket).await else {
        panic!("no join")
    };
    (socket, join)
}

fn v1_request() -> proto::JoinRequest {
    let client = proto::ClientInfo {
        protocol: 17,
        ..Default::default()
    };
    proto::JoinRequest {
        client_info: Some(client),
        ..Default::default()
    }
}

fn packed(request: &proto::JoinRequest) -> String {
    let wrapped = proto::WrappedJoinRequest {
        compression: 0,
        join_request: request.encode_to_vec(),
    };
    URL_SAFE_NO_PAD.encode(wrapped.encode_to_vec())
}

#[tokio::test]
async fn both_versions_join_and_the_first_frame_says_so() {
    let server = Server::dev(&[]);
    let (mut anna, join) = join_v0(&server, "r", "anna").await;
    let room = join.room.unwrap();
    assert!(room.sid.starts_with("RM_") && room.name == "r");
    assert_eq!(join.participant.unwrap().identity, "anna");

    let token = token_for(&joiner("r", "bert"));
    let request = packed(&v1_request());
    // Double slash: the client was given a URL that ends in one.
    let path = format!("//rtc/v1?access_token={token}&join_request={request}");
    let mut bert = open(&server, &path).await.unwrap();
    let Say::Join(join) = receive(&mut bert).await else {
        panic!("no join")
    };
    assert_eq!(join.other_participants.len(), 1);

    send(
        &mut anna,
        Ask::PingReq(proto::Ping {
            timestamp: 7,
            rtt: 0,
        }),
    )
    .await;
    loop {
        if let Say::PongResp(pong) = receive(&mut anna).await {
            assert_eq!(pong.last_ping_timestamp, 7);
            break;
        }
    }
    assert_eq!(
        server.metric("surecast_signal_connections").await,
        Some(2.0)
    );
    drop((anna, bert));
    eventually("connections are counted down", async || {
        server.metric("surecast_signal_connections").await == Some(0.0)
    })
    .await;
}

#[tokio::test]
async fn text_frames_are_answered_in_text() {
    let server = Server::dev(&[]);
    let (mut socket, _) = join_v0(&server, "r", "anna").await;
    socket
        .send(Message::Text(r#"{"pingReq":{"timestamp":"9"}}"#.into()))
        .await
        .unwrap();
    loop {
        let Message::Text(text) = next(&mut socket).await else {
            continue;
        };
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        if answer.get("pongResp").is_some() {
            assert_eq!(answer["pongResp"]["lastPingTimestamp"], "9");
            break;
        }
    }
}

#[tokio::test]
async fn tokens_decide() {
    let server = Server::dev(&[]);
    let grants = joiner("r", "anna");
    let expired = {
        let then = surecast_media::time::Now {
            unix_ms: now().unix_ms - 3_600_000,
            ..now()
        };
        token::sign("devkey", "secret", &grants, Duration::from_secs(60), then)
    };
    let forged = token::sign("devkey", "other", &grants, Duration::from_secs(60), now());
    let unknown = token::sign("nokey", "secret", &grants, Duration::from_secs(60), now());
    let none = {
        let claims = token_for(&grants).split('.').nth(1).unwrap().to_owned();
        format!(
            "{}.{claims}.",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#)
        )
    };
    let powerless = token_for(&surecast_room::Grants {
        video: Some(Default::default()),
        ..grants.clone()
    });
    let nobody = token_for(&joiner("r", ""));
    for (name, token, status, says) in [
        ("good", token_for(&grants), 200, "success"),
        ("expired", expired, 401, "expired"),
        ("forged", forged, 401, "signature"),
        ("unknown key", unknown, 401, "nokey"),
        ("none", none, 401, "HS256"),
        ("empty", String::new(), 401, "no token"),
        ("nonsense", "a.b.c".into(), 401, "token"),
        ("no grant", powerless, 401, "permission"),
        ("no identity", nobody, 400, "identity"),
    ] {
        for path in ["/rtc/validate?", "/rtc/v1/validate?join_request=CAAK&"] {
            let path = path.replace("CAAK", &packed(&v1_request()));
            let answer = server.get(&format!("{path}access_token={token}")).await;
            assert_eq!(answer.status, status, "{name} {path} {}", answer.text());
            assert!(answer.text().contains(says), "{name}: {}", answer.text());
        }
        let opened = open(&server, &format!("/rtc?access_token={token}")).await;
        assert_eq!(
            opened.map_or_else(|(status, _)| status.as_u16(), |_| 200),
            status,
            "{name}"
        );
        assert!(
            token.is_empty() || !server.log().contains(&token),
            "a token in the log"
        );
    }
    let bearer = Request::get(server.url("/rtc/validate"))
        .header("authorization", format!("Bearer {}", token_for(&grants)))
        .body(Full::default())
        .unwrap();
    assert_eq!(server.send(bearer).await.status, 200);
    eventually("refusals are counted", async || {
        server
            .metric("surecast_joins_total{outcome=\"unauthorized\",signalling=\"v0\"}")
            .await
            >= Some(6.0)
    })
    .await;
}

#[tokio::test]
async fn the_token_names_the_room() {
    let server = Server::dev(&[]);
    let token = token_for(&joiner("mine", "anna"));
    let mut socket = open(&server, &format!("/rtc?access_token={token}&room=other"))
        .await
        .unwrap();
    let Say::Join(join) = receive(&mut socket).await else {
        panic!("no join")
    };
    assert_eq!(join.room.unwrap().name, "mine");
}

#[tokio::test]
async fn rooms_are_not_created_where_that_is_off() {
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0"])
        .env("SURECAST_ROOM__AUTO_CREATE", "false");
    let server = Server::start(command);
    let token = token_for(&joiner("r", "anna"));
    let refused = open(&server, &format!("/rtc?access_token={token}"))
        .await
        .unwrap_err();
    assert_eq!(
        refused,
        (
            StatusCode::NOT_FOUND,
            "requested room does not exist".into()
        )
    );
    let answer = server
        .get(&format!("/rtc/validate?access_token={token}"))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.text().as_str()),
        (404, "requested room does not exist")
    );
    assert_eq!(
        server
            .call("CreateRoom", &admin(""), r#"{"name":"r"}"#)
            .await
            .status,
        200
    );
    open(&server, &format!("/rtc?access_token={token}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn requests_that_are_no_joins() {
    let server = Server::dev(&[]);
    let token = token_for(&joiner("r", "anna"));
    assert_eq!(
        server
            .get(&format!("/rtc?access_token={token}"))
            .await
            .status,
        404
    );
    assert_eq!(
        server
            .get(&format!("/rtc/v1?access_token={token}"))
            .await
            .status,
        404
    );
    let (status, body) = open(&server, &format!("/rtc/v1?access_token={token}"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.as_u16(), body.as_str()),
        (400, "join_request is required")
    );
    for bad in [
        "%25%25%25",
        &STANDARD.encode("no protobuf"),
        &URL_SAFE_NO_PAD.encode([8, 1, 18, 2, 1, 2]),
    ] {
        let (status, body) = open(
            &server,
            &format!("/rtc/v1?access_token={token}&join_request={bad}"),
        )
        .await
        .unwrap_err();
        assert_eq!(status, 400, "{body}");
        assert!(!body.is_empty());
    }
    let attributes = server
        .get(&format!(
            "/rtc/validate?access_token={token}&attributes=%25"
        ))
        .await;
    assert_eq!(attributes.status, 400);
}

#[tokio::test]
async fn malformed_frames_close_only_their_connection() {
    let server = Server::dev(&[]);
    let (mut bystander, _) = join_v0(&server, "r", "bystander").await;
    let big = vec![0; (2 << 20) + 1];
    for (name, frame, code) in [
        (
            "protobuf",
            Message::Binary(vec![0xff; 40].into()),
            CloseCode::Invalid,
        ),
        ("json", Message::Text("{".into()), CloseCode::Invalid),
        ("size", Message::Binary(big.into()), CloseCode::Size),
    ] {
        let (mut socket, _) = join_v0(&server, "r", name).await;
        let _ = socket.send(frame).await; // the server may hang up in the middle
        assert_eq!(close_code(&mut socket).await, code, "{name}");
    }
    send(
        &mut bystander,
        Ask::PingReq(proto::Ping {
            timestamp: 1,
            rtt: 0,
        }),
    )
    .await;
    while !matches!(receive(&mut bystander).await, Say::PongResp(_)) {}
    server
        .log_line(&[
            "malformed signalling message",
            "participant=\"protobuf\"",
            "room=\"r\"",
        ])
        .await;
    server
        .log_line(&["oversized signalling message", "participant=\"size\""])
        .await;
}

#[tokio::test]
async fn frames_against_the_protocol_are_answered_with_a_code() {
    use tokio::io::AsyncWriteExt as _;
    let server = Server::dev(&[]);
    let (mut socket, _) = join_v0(&server, "r", "anna").await;
    // An unmasked binary frame: RFC 6455 section 5.1 forbids it to clients.
    socket
        .get_mut()
        .write_all(&[0x82, 0x01, 0x00])
        .await
        .unwrap();
    assert_eq!(close_code(&mut socket).await, CloseCode::Protocol);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed_alone() {
    let (_dir, config) = file("surecast.toml", "[limits]\noutbox_messages = 16\n");
    let server = Server::dev(&["--config", config.to_str().unwrap()]);
    let (mut lazy, _) = join_v0(&server, "r", "lazy").await;
    let (mut eager, _) = join_v0(&server, "r", "eager").await;
    let reader = tokio::spawn(async move { while receive_any(&mut eager).await {} });
    let token = admin("r");
    let metadata = "m".repeat(50_000);
    for round in 0..2000 {
        let body = serde_json::json!({ "room": "r", "metadata": format!("{round}{metadata}") })
            .to_string();
        assert_eq!(
            server
                .call("UpdateRoomMetadata", &token, &body)
                .await
                .status,
            200
        );
        if server.log().contains("does not read") {
            break;
        }
    }
    server
        .log_line(&["does not read", "room=\"r\"", "participant=\"lazy\""])
        .await;
    assert!(!reader.is_finished(), "the other client was closed too");
    assert_eq!(
        server.metric("surecast_slow_clients_total").await,
        Some(1.0)
    );
    eventually("the connection is gone", async || {
        server.metric("surecast_signal_connections").await == Some(1.0)
    })
    .await;
    while receive_any(&mut lazy).await {}
    reader.abort();
}

async fn receive_any(socket: &mut Socket) -> bool {
    matches!(socket.next().await, Some(Ok(message)) if !message.is_close())
}

#[tokio::test]
async fn clients_get_a_leave_when_the_server_stops() {
    let mut server = Server::dev(&[]);
    let (mut anna, _) = join_v0(&server, "r", "anna").await;
    // One that never answers our close must not hold the server.
    let (_silent, _) = join_v0(&server, "r", "silent").await;
    server.signal("TERM");
    loop {
        if let Say::Leave(leave) = receive(&mut anna).await {
            assert_eq!(leave.reason(), proto::DisconnectReason::ServerShutdown);
            break;
        }
    }
    while receive_any(&mut anna).await {}
    let (code, took) = server.wait();
    assert_eq!(code, Some(0), "{}", server.log());
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    // A client and a webhook receiver that do not answer make the stop last.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0"])
        .env(
            "SURECAST_WEBHOOK__URLS",
            format!("http://{}/", mute.local_addr().unwrap()),
        );
    let mut server = Server::start(command);
    let (_silent, _) = join_v0(&server, "r", "silent").await;
    server.signal("TERM");
    server.log_line(&["stopping"]).await;
    server.signal("TERM");
    let (code, _) = server.wait();
    assert_eq!(code, Some(1), "{}", server.log());
}
