//! The page at `/` and what belongs to it.

use http_body_util::Full;
use hyper::Request;

use crate::harness::{Server, surecast};

#[tokio::test]
async fn the_front_page_is_always_there() {
    let server = Server::dev(&[]);
    let page = server.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(page.header("cache-control"), "no-cache");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );

    let browse = |path: &str| {
        Request::get(server.url(path))
            .header("accept", "text/html,*/*")
            .body(Full::default())
            .unwrap()
    };
    let deep = server.send(browse("/rooms/abc?x=1")).await;
    assert_eq!((deep.status.as_u16(), &deep.body), (200, &page.body));
    assert_eq!(server.get("/assets/missing.js").await.status, 404);
    let post = Request::post(server.url("/"))
        .body(Full::default())
        .unwrap();
    assert_eq!(server.send(post).await.status, 404);
}

#[tokio::test]
async fn the_development_key_is_told_in_development_only() {
    let server = Server::dev(&[]);
    let config = server.get("//console/config.json").await.json();
    assert_eq!(config["dev"], true);
    assert_eq!(
        (config["apiKey"].as_str(), config["apiSecret"].as_str()),
        (Some("devkey"), Some("secret"))
    );

    let dir = tempfile::tempdir().unwrap();
    let mut command = surecast();
    command
        .args(["serve", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path());
    command
        .env("SURECAST_KEYS__devkey", "short")
        .env("SURECAST_RTC__LISTEN", "127.0.0.1");
    let server = Server::start(command);
    let config = server.get("/console/config.json").await;
    assert_eq!(config.json()["dev"], false);
    assert!(
        !config.text().contains("devkey") && !config.text().contains("short"),
        "{}",
        config.text()
    );
    server
        .log_line(&["fewer than 32 characters", "devkey"])
        .await;
    assert!(!server.log().contains("short"), "{}", server.log());
}

#[tokio::test]
async fn cross_origin_requests_are_allowed() {
    let server = Server::dev(&[]);
    let preflight = Request::options(server.url("/twirp/livekit.RoomService/ListRooms"))
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        )
        .body(Full::default())
        .unwrap();
    let answer = server.send(preflight).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization,content-type"
    );
    assert_eq!(
        server
            .get("/rtc/validate")
            .await
            .header("access-control-allow-origin"),
        "*"
    );
}
