//! Start, stop, ports.

use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use crate::harness::{Server, run, surecast};

#[test]
fn the_ready_line_names_the_real_port() {
    let server = Server::dev(&[]);
    assert_eq!(
        server.ready,
        format!(
            "surecast ready on http://127.0.0.1:{}",
            server.address.port()
        )
    );
    assert_ne!(server.address.port(), 0);
    server.stop();
}

#[test]
fn a_busy_port_ends_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["serve", "--dev", "--http", &address]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains(&format!("cannot listen on {address} (http.listen)")),
        "{error}"
    );
    assert!(
        error.contains("--port-offset") && error.contains("in use"),
        "{error}"
    );
    assert!(output.stdout.is_empty());

    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = surecast()
        .args(["serve", "--dev", "--http", "127.0.0.1:0"])
        .env("SURECAST_RTC__UDP_PORT", &port)
        .env("SURECAST_RTC__TCP_PORT", "0")
        .env("SURECAST_RTC__SHARDS", "1")
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains(&port) && error.contains("rtc.udp_port"),
        "{error}"
    );
}

#[test]
fn an_unusable_data_directory_ends_with_1() {
    let (_dir, path) = crate::harness::file("plain", "no directory");
    let output = run(&[
        "serve",
        "--dev",
        "--http",
        "127.0.0.1:0",
        "--data-dir",
        path.to_str().unwrap(),
    ]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_data_directory_serves_one_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let server = Server::dev(&["--data-dir", path]);
    let output = run(&[
        "serve",
        "--dev",
        "--http",
        "127.0.0.1:0",
        "--data-dir",
        path,
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("in use by another surecast"));
    server.stop();
    Server::dev(&["--data-dir", path]).stop();
}

#[test]
fn signals_stop_it_quickly() {
    for name in ["TERM", "INT"] {
        let mut server = Server::dev(&[]);
        server.signal(name);
        let (code, took) = server.wait();
        assert_eq!(code, Some(0), "{}", server.log());
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}

#[tokio::test]
async fn health_and_metrics() {
    let server = Server::dev(&[]);
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.status, 200);
    let metrics = server.get("/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let text = metrics.text();
    for name in [
        "surecast_rooms 0",
        "surecast_participants 0",
        "surecast_build_info{version=",
        "surecast_packets_total{direction=\"in\"}",
    ] {
        assert!(text.contains(name), "{name}\n{text}");
    }
    server.stop();
}
