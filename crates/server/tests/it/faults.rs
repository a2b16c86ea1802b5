//! Faults on purpose and a shifted clock, with `--dev` only.

use http_body_util::Full;
use hyper::Request;
use surecast_guarantee::evidence::Kind;

use crate::guarantee::leaves;
use crate::harness::{Answer, Server, admin, eventually, joiner, run, surecast, token_for};

async fn fault(server: &Server, token: &str, body: &str) -> Answer {
    let request = Request::post(server.url("/guarantee/v1/faults"))
        .header("authorization", format!("Bearer {token}"))
        .body(Full::from(body.to_owned()))
        .unwrap();
    server.send(request).await
}

#[tokio::test]
async fn faults_are_made_by_administrators_and_end() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::dev(&["--data-dir", data.path().to_str().unwrap()]);
    let body = r#"{"kind": "refuse_joins", "seconds": 600}"#;
    let token = token_for(&joiner("r", "anna"));
    assert_eq!(fault(&server, &token, body).await.status, 403);
    assert_eq!(fault(&server, "wrong", body).await.status, 401);
    let admin = admin("r");
    for (wrong, why) in [
        (r#"{"kind": "fire", "seconds": 1}"#, "stall_media"),
        (r#"{"kind": "drop_udp", "seconds": 3601}"#, "3600"),
        ("", "seconds"),
    ] {
        let answer = fault(&server, &admin, wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(why), "{error}");
    }
    let path = format!("/rtc/validate?access_token={token}");
    assert_eq!(server.get(&path).await.status, 200);
    let answer = fault(&server, &admin, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["kind"], "refuse_joins");
    assert_eq!(server.get(&path).await.status, 503);
    let end = r#"{"kind": "refuse_joins", "seconds": 0}"#;
    assert_eq!(fault(&server, &admin, end).await.status, 200);
    assert_eq!(server.get(&path).await.status, 200);
    server.stop();
    let notes = leaves(data.path());
    let notes = notes.iter().filter(|leaf| *leaf.kind() == Kind::Note);
    let told = notes.filter(|leaf| leaf.payload().contains("refuse_joins"));
    assert_eq!(told.count(), 2);
}

#[tokio::test]
async fn a_server_for_users_has_no_faults() {
    let data = tempfile::tempdir().unwrap();
    let mut command = surecast();
    command
        .args(["serve", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data.path())
        .env("SURECAST_KEYS__devkey", "secret");
    let server = Server::start(command);
    let body = r#"{"kind": "drop_udp", "seconds": 1}"#;
    assert_eq!(fault(&server, &admin("r"), body).await.status, 404);
    server.stop();
    let output = run(&["serve", "--dev-time", "2026-09-30T23:48:00Z"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("--dev"), "{error}");
}

#[tokio::test]
async fn the_guarantees_clock_can_start_elsewhere() {
    let data = tempfile::tempdir().unwrap();
    let time = "2026-09-30T23:48:50Z";
    let path = data.path().to_str().unwrap();
    let server = Server::dev(&["--data-dir", path, "--dev-time", time]);
    eventually("a shifted minute is shown", async || {
        let shown = server.get("/guarantee/v1/status").await.json();
        let now = shown["status"]["now"].as_str().unwrap().to_owned();
        now.starts_with("2026-09-30T23:4") && shown["log"]["size"].as_u64() > Some(0)
    })
    .await;
    // Pages that count down go by the date of an answer.
    let answer = server.get("/guarantee/v1/openapi.json").await;
    let date = answer.header("date");
    assert!(date.starts_with("Wed, 30 Sep 2026 23:4"), "{date}");
    server.stop();
    let leaves = leaves(data.path());
    assert_eq!(*leaves[0].kind(), Kind::Note);
    assert!(leaves[0].payload().contains("shifted clock"));
    assert!(leaves[1].payload().contains("source_started"));
    assert!(leaves[1].at().to_string().starts_with("2026-09-30T23:4"));
}
