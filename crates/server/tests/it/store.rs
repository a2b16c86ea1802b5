//! The whole server on PostgreSQL.

use hyper::StatusCode;

use crate::harness::{Server, admin, eventually, run, surecast};
use crate::postgres;
use crate::sink::Sink;

fn server(url: &str, sink: &str) -> Server {
    let mut command = surecast();
    command.args(["serve", "--dev", "--http", "127.0.0.1:0"]);
    command
        .env("SURECAST_STORE__URL", url)
        .env("SURECAST_WEBHOOK__URLS", sink);
    Server::start(command)
}

#[tokio::test]
async fn events_wait_in_postgres_for_the_next_run() {
    let Some(url) = postgres::database() else {
        return;
    };
    let nobody = "http://127.0.0.1:9/";
    let first = server(&url, nobody);
    let body = r#"{"name":"kept"}"#;
    let made = first.call("CreateRoom", &admin("kept"), body).await;
    assert_eq!(made.status, StatusCode::OK);
    eventually("an event waits", async || {
        first.metric("surecast_webhooks_waiting").await == Some(1.0)
    })
    .await;
    first.stop();
    let second = server(&url, nobody);
    eventually("the event waits again", async || {
        second.metric("surecast_webhooks_waiting").await >= Some(1.0)
    })
    .await;
    second.stop();
    let sink = Sink::good().await;
    let third = server(&url, &sink.url());
    let line = third.log_line(&["outbox has events"]).await;
    assert!(line.contains("kept="), "{line}");
    third.stop();
}

#[test]
fn a_url_is_printed_without_its_password() {
    let output = surecast()
        .args(["config", "print", "--dev"])
        .env("SURECAST_STORE__URL", "postgres://me:hidden@h/db")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("[store]") && !text.contains("hidden@"),
        "{text}"
    );
    let shown = run(&["config", "print", "--help"]);
    assert!(shown.status.success());
}
