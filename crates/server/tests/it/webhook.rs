//! Webhooks: order, retry, restart, age, and receivers that are slow.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::StatusCode;

use crate::harness::{Server, admin, eventually, surecast};
use crate::sink::Sink;

fn server(data_dir: &Path, urls: &str, env: &[(&str, &str)]) -> Server {
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data_dir);
    command
        .env("SURECAST_WEBHOOK__URLS", urls)
        .envs(env.iter().copied());
    Server::start(command)
}

async fn room_comes_and_goes(server: &Server, room: &str) {
    let body = format!(r#"{{"name":"{room}","room":"{room}"}}"#);
    assert_eq!(
        server.call("CreateRoom", &admin(room), &body).await.status,
        200
    );
    assert_eq!(
        server.call("DeleteRoom", &admin(room), &body).await.status,
        200
    );
}

fn of<'a>(events: &'a [String], room: &str) -> Vec<&'a str> {
    events
        .iter()
        .filter_map(|event| event.strip_prefix(room)?.strip_prefix(' '))
        .collect()
}

const BOTH: [&str; 2] = ["room_started", "room_finished"];

#[tokio::test]
async fn events_arrive_signed_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Sink::good().await;
    let server = server(dir.path(), &sink.url(), &[]);
    for room in ["a", "b", "c"] {
        room_comes_and_goes(&server, room).await;
    }
    eventually("six events", async || sink.taken().len() == 6).await;
    for room in ["a", "b", "c"] {
        assert_eq!(of(&sink.taken(), room), BOTH);
    }
    assert_eq!(
        server
            .metric("surecast_webhooks_total{result=\"queued\"}")
            .await,
        Some(6.0)
    );
    eventually("nothing waits", async || {
        server.metric("surecast_webhooks_waiting").await == Some(0.0)
    })
    .await;
    assert_eq!(
        server
            .metric("surecast_webhooks_total{result=\"delivered\"}")
            .await,
        Some(6.0)
    );
    server.stop();
}

#[tokio::test]
async fn a_failing_room_is_retried_in_order_and_holds_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let failures = AtomicUsize::new(0);
    let sink = Sink::start("127.0.0.1:0".parse().unwrap(), move |event| {
        let bad = event.room.as_ref().unwrap().name == "bad";
        let fail = bad && failures.fetch_add(1, Ordering::Relaxed) < 2;
        (
            if fail {
                StatusCode::INTERNAL_SERVER_ERROR
            } else {
                StatusCode::OK
            },
            Duration::ZERO,
        )
    })
    .await;
    let server = server(dir.path(), &sink.url(), &[]);
    room_comes_and_goes(&server, "bad").await;
    room_comes_and_goes(&server, "good").await;
    eventually("all events", async || sink.taken().len() == 4).await;
    assert_eq!(sink.refused(), ["bad room_started", "bad room_started"]);
    assert_eq!(of(&sink.taken(), "bad"), BOTH);
    assert_eq!(
        of(&sink.taken()[..2], "good"),
        BOTH,
        "the good room went first: {:?}",
        sink.taken()
    );
    server
        .log_line(&["webhook not delivered", "room=\"bad\"", "500"])
        .await;
    server.stop();
}

#[tokio::test]
async fn events_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    // An address where nobody listens yet.
    let address = Sink::good().await.address;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = nobody.local_addr().unwrap();
    assert_ne!(address, free);
    drop(nobody);
    let url = format!("http://{free}/hook");
    let first = server(dir.path(), &url, &[]);
    room_comes_and_goes(&first, "r").await;
    eventually("tried", async || {
        first
            .metric("surecast_webhooks_total{result=\"failed\"}")
            .await
            >= Some(1.0)
    })
    .await;
    drop(first); // killed, not stopped

    let forgetful = server(dir.path(), "", &[]);
    forgetful
        .log_line(&["not in `webhook.urls`", "kept=2"])
        .await;
    forgetful.stop();

    let sink = Sink::start(free, |_| (StatusCode::OK, Duration::ZERO)).await;
    let second = server(dir.path(), &url, &[]);
    eventually("both events", async || sink.taken().len() == 2).await;
    assert_eq!(of(&sink.taken(), "r"), BOTH);
    second.stop();

    let third = server(dir.path(), &url, &[]);
    room_comes_and_goes(&third, "s").await;
    eventually("two more", async || sink.taken().len() == 4).await;
    assert_eq!(of(&sink.taken(), "r"), BOTH, "not again");
    third.stop();
}

// Two threads: stopping blocks the one it is called on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_stopping_server_go_out() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Sink::good().await;
    let server = server(dir.path(), &sink.url(), &[]);
    assert_eq!(
        server
            .call("CreateRoom", &admin("r"), r#"{"name":"r"}"#)
            .await
            .status,
        200
    );
    server.stop();
    assert_eq!(of(&sink.taken(), "r"), BOTH);
}

#[tokio::test]
async fn old_events_are_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Sink::start("127.0.0.1:0".parse().unwrap(), |_| {
        (StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO)
    })
    .await;
    let server = server(
        dir.path(),
        &sink.url(),
        &[("SURECAST_WEBHOOK__MAX_AGE", "1s")],
    );
    room_comes_and_goes(&server, "r").await;
    eventually("given up", async || {
        server
            .metric("surecast_webhooks_total{result=\"expired\"}")
            .await
            == Some(2.0)
    })
    .await;
    assert_eq!(server.metric("surecast_webhooks_waiting").await, Some(0.0));
    server
        .log_line(&["webhook given up", "room=\"r\"", "room_"])
        .await;
    server.stop();
}

#[tokio::test]
async fn a_slow_receiver_stalls_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let slow = Sink::start("127.0.0.1:0".parse().unwrap(), |_| {
        (StatusCode::OK, Duration::from_secs(3600))
    })
    .await;
    let fast = Sink::good().await;
    let mut server = server(dir.path(), &format!("{},{}", slow.url(), fast.url()), &[]);
    for index in 0..20 {
        room_comes_and_goes(&server, &format!("r{index}")).await;
    }
    eventually("all at the fast one", async || fast.taken().len() == 40).await;
    assert_eq!(slow.taken().len(), 0);
    assert_eq!(server.metric("surecast_webhooks_waiting").await, Some(40.0));
    server.signal("TERM");
    let (code, took) = server.wait();
    assert_eq!(code, Some(0), "{}", server.log());
    assert!(took < Duration::from_secs(5), "{took:?}");
}
