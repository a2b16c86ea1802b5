use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use surecast_guarantee::evidence::appender::Settings;
use surecast_guarantee::evidence::{Algorithm, Kind, Leaf, SigningKey};
use tower::ServiceExt as _;

use super::*;

async fn ask(router: &Router, method: Method, path: &str, body: &str) -> (u16, HeaderMap, Vec<u8>) {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap();
    (status, headers, body.to_bytes().to_vec())
}

fn log(dir: &std::path::Path, witness: &SigningKey) -> EvidenceLog {
    let known = vec![witness.public().clone()];
    EvidenceLog::open(dir, "example.com/log", known, Settings::default()).unwrap()
}

#[tokio::test]
async fn what_is_published_is_served_and_nothing_else() {
    let temp = tempfile::tempdir().unwrap();
    let witness = SigningKey::from_seed("w", Algorithm::Cosignature, [1; 32]).unwrap();
    let log = log(temp.path(), &witness);
    let at = "2026-09-01T00:00:00Z".parse().unwrap();
    let leaf = Leaf::text(Kind::Note, at, "words").unwrap();
    log.append(vec![leaf; 300]).await.unwrap();
    std::fs::write(temp.path().join("log/tile/0/001.p/45"), "not published").unwrap();
    let router = routes(log);
    for (path, status, kind, cache) in [
        ("/log/checkpoint", 200, TEXT, NOT_AT_ALL),
        ("/log/vkey", 200, TEXT, NOT_AT_ALL),
        ("/log/tile/0/000", 200, "application/octet-stream", FOR_GOOD),
        (
            "/log/tile/0/001.p/44",
            200,
            "application/octet-stream",
            FOR_GOOD,
        ),
        (
            "/log/tile/1/000.p/1",
            200,
            "application/octet-stream",
            FOR_GOOD,
        ),
        (
            "/log/tile/entries/001.p/44",
            200,
            "application/octet-stream",
            FOR_GOOD,
        ),
        ("/log/tile/0/000.p/7", 404, TEXT, "no-store"),
        ("/log/tile/0/001.p/45", 404, TEXT, "no-store"),
        ("/log/tile/0/001", 404, TEXT, "no-store"),
        (
            "/log/tile/0/%2e%2e/%2e%2e/%2e%2e/key",
            404,
            TEXT,
            "no-store",
        ),
        ("/log/checkpoint.witnessed", 404, TEXT, "no-store"),
    ] {
        let (found, headers, body) = ask(&router, Method::GET, path, "").await;
        assert_eq!(found, status, "{path}");
        assert_eq!(headers[header::CONTENT_TYPE], kind, "{path}");
        assert_eq!(headers[header::CACHE_CONTROL], cache, "{path}");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*", "{path}");
        assert!(!body.is_empty());
    }
}

#[tokio::test]
async fn signatures_of_known_witnesses_are_taken() {
    let temp = tempfile::tempdir().unwrap();
    let key = |name| SigningKey::from_seed(name, Algorithm::Cosignature, [1; 32]).unwrap();
    let router = routes(log(temp.path(), &key("w")));
    let (_, _, checkpoint) = ask(&router, Method::GET, "/log/checkpoint", "").await;
    let signed = |by: &SigningKey| {
        let mut note = Note::parse(&checkpoint).unwrap();
        note.cosign(by, 1_800_000_000);
        note.to_string()
    };
    for (body, status) in [
        (String::new(), 400),
        ("a\n0\n\n— a AAAAAAA=\n".into(), 400),
        (signed(&key("x")), 403),
        (signed(&key("w")), 200),
        (signed(&key("w")), 200),
        ("x".repeat(200_000), 413),
    ] {
        let (found, _, answer) = ask(&router, Method::POST, "/log/add-cosignature", &body).await;
        assert_eq!(found, status, "{}", String::from_utf8_lossy(&answer));
    }
    // The signature is seen once it is durable, and the next call waits for that.
    ask(
        &router,
        Method::POST,
        "/log/add-cosignature",
        &signed(&key("w")),
    )
    .await;
    let (status, _, kept) = ask(&router, Method::GET, "/log/checkpoint.witnessed", "").await;
    assert_eq!((status, kept), (200, signed(&key("w")).into_bytes()));
}
