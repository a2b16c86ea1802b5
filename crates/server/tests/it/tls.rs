//! HTTPS and the certificate's reload.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::{Server, eventually, surecast};

fn write_certificate(dir: &Path) -> Vec<u8> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    // The certificate first: the server sees it for a moment with the old key.
    std::fs::write(dir.join("cert.pem"), cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().to_vec()
}

/// `GET /healthz` with only `certificate` trusted.
async fn healthy(server: &Server, certificate: &[u8]) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.to_vec().into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_root_certificates(roots)
    .with_no_client_auth();
    let stream = TcpStream::connect(server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let Ok(mut stream) = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
    else {
        return false;
    };
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer.starts_with("HTTP/1.1 200")
}

fn serve(dir: &Path) -> std::process::Command {
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0"])
        .env("SURECAST_TLS__CERT", dir.join("cert.pem"))
        .env("SURECAST_TLS__KEY", dir.join("key.pem"));
    command
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_and_a_bad_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let first = write_certificate(dir.path());
    let server = Server::start(serve(dir.path()));
    assert!(
        server
            .ready
            .starts_with("surecast ready on https://127.0.0.1:"),
        "{}",
        server.ready
    );
    assert!(healthy(&server, &first).await);

    let second = write_certificate(dir.path());
    eventually("the new certificate", async || {
        healthy(&server, &second).await
    })
    .await;
    assert!(!healthy(&server, &first).await);

    std::fs::write(dir.path().join("cert.pem"), "no certificate").unwrap();
    eventually("a complaint", async || {
        server.log().contains("the old certificate stays in use")
    })
    .await;
    assert!(healthy(&server, &second).await);
    server.stop();
}

#[test]
fn a_certificate_that_cannot_be_used_is_a_wrong_call() {
    let dir = tempfile::tempdir().unwrap();
    let output = serve(dir.path()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(
        error.contains("tls.cert") && error.contains("cert.pem"),
        "{error}"
    );

    write_certificate(dir.path());
    let other = tempfile::tempdir().unwrap();
    write_certificate(other.path());
    std::fs::copy(other.path().join("key.pem"), dir.path().join("key.pem")).unwrap();
    let output = serve(dir.path()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("does not fit"), "{error}");
}
