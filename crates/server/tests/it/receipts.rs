//! Receipts that clients sign, from the door into the log.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::Request;
use surecast_guarantee::canonical;
use surecast_guarantee::evidence::{Kind, Note, VerifyingKey};
use surecast_guarantee::report::receipt::{
    Alg, Countersigned, FORMAT, Logged, Share, Statement, hash,
};

use crate::guarantee::leaves;
use crate::harness::{Answer, Server, joiner, now, surecast, token_for};

/// What was seen in the last second, or in as much of it as is in this minute.
fn signed(seq: u32, frozen: u64) -> (String, String) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[4; 32]).unwrap();
    let end = now().unix_ms;
    let start = (end - 1000).max(end / 60_000 * 60_000).min(end - 1);
    let end = if start / 60_000 == (end - 1) / 60_000 {
        end
    } else {
        start + 1
    };
    let all = end - start;
    let statement = Statement {
        format: FORMAT.into(),
        alg: Alg::Ed25519,
        key: STANDARD.encode(pair.public_key()),
        seq,
        start,
        end,
        join: None,
        audio: Share {
            all,
            good: all.saturating_sub(frozen),
        },
        video: Share::default(),
        delay: Share { all, good: all },
        concealed_ppm: None,
        freezes: None,
        rtt_ms: None,
    };
    let text = canonical::to_string(&statement).unwrap();
    let signature = STANDARD.encode(pair.sign(text.as_bytes()));
    (text, signature)
}

async fn post(server: &Server, token: Option<&str>, text: &str, signature: &str) -> Answer {
    let body = serde_json::json!({ "statement": text, "signature": signature }).to_string();
    let mut request = Request::post(server.url("/guarantee/v1/receipts"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    server.send(request.body(Full::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_receipt_is_countersigned_and_logged_and_a_forged_one_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let mut command = surecast();
    command
        .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
        .arg(data.path());
    let server = Server::start(command);
    let token = token_for(&joiner("room", "annemarie"));
    let (text, signature) = signed(1, 0);
    let answer = post(&server, Some(&token), &text, &signature).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    let answer = answer.json();
    let note = Note::parse(answer["countersignature"].as_str().unwrap().as_bytes()).unwrap();
    let key: VerifyingKey = answer["key"].as_str().unwrap().parse().unwrap();
    assert_eq!(note.verify(&key), Ok(None));
    let said: Countersigned = serde_json::from_str(note.text.trim()).unwrap();
    assert_eq!(said.receipt, STANDARD.encode(hash(&text)));

    let (worse, _) = signed(1, 1);
    let lister = crate::harness::admin("room");
    for (token, text, signature, status) in [
        (None, &text, &signature, 401),
        (Some("wrong"), &text, &signature, 401),
        (Some(lister.as_str()), &text, &signature, 403),
        // Somebody else's signature, or another text.
        (Some(token.as_str()), &worse, &signature, 400),
        (Some(token.as_str()), &text, &worse, 400),
    ] {
        let answer = post(&server, token, text, signature).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        assert!(!answer.json()["error"].as_str().unwrap().is_empty());
    }
    // What was counted once does not count again, whatever is said of it now.
    let (again, signature) = signed(1, 1);
    let answer = post(&server, Some(&token), &again, &signature).await;
    assert_eq!(answer.status.as_u16(), 409, "{}", answer.text());
    server.stop();

    let leaves = leaves(data.path());
    let logged: Vec<Logged> = leaves
        .iter()
        .filter(|leaf| *leaf.kind() == Kind::Receipt)
        .map(|leaf| leaf.decode().unwrap())
        .collect();
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0].hashes, [said.receipt]);
    assert_eq!(logged[0].key, key.to_string());
    let lines: Vec<&str> = leaves.iter().map(|leaf| leaf.payload()).collect();
    let any = |start: &str| {
        lines
            .iter()
            .any(|l| l.starts_with(start) && l.contains("receipts:"))
    };
    assert!(any("experience ") && any("rollup "), "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains("annemarie")));
}

/// A countersignature is an acknowledgement, whatever happens to the process.
#[tokio::test]
async fn what_a_killed_server_has_countersigned_is_logged_by_the_next() {
    let data = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = surecast();
        command
            .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
            .arg(data.path());
        Server::start(command)
    };
    let mut server = start();
    let token = token_for(&joiner("room", "annemarie"));
    let (text, signature) = signed(1, 0);
    let answer = post(&server, Some(&token), &text, &signature).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    server.signal("KILL");
    server.wait();
    start().stop();
    let mut logged = Vec::new();
    for leaf in leaves(data.path()) {
        if *leaf.kind() == Kind::Receipt {
            logged.extend(leaf.decode::<Logged>().unwrap().hashes);
        }
    }
    assert_eq!(logged, [STANDARD.encode(hash(&text))]);
    let left = std::fs::read_dir(data.path().join("evidence/receipts")).unwrap();
    assert_eq!(left.count(), 0, "the log has it");
}
