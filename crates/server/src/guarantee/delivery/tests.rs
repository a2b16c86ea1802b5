//! Letters in a store, real receivers on loopback.

mod http;
mod smtp;

use std::path::Path;
use std::time::Instant;

use axum::http::StatusCode;
use livekit_api::access_token::TokenVerifier;
use mail_parser::{HeaderValue, MessageParser};
use surecast_guarantee::clock::ClockKind;
use surecast_guarantee::contract::plan::Plan;
use surecast_guarantee::contract::support::Role;
use surecast_guarantee::incident::output::{Audience, Facts, Reason, Via};
use surecast_guarantee::incident::{Incident, Notify as Word, State};
use surecast_guarantee::module::Module;
use surecast_guarantee::severity::Severity;

use super::*;
use crate::store::DeskState;
use http::Receiver as Hook;
use smtp::{Encrypted, MailServer};

/// Generous: two cores may be busy compiling something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fails fast, so that tests do not wait.
const FAST: Patience = Patience {
    pauses: Pauses {
        first_ms: 20,
        longest_ms: 100,
    },
    max_age: Duration::from_secs(3600),
    max_call_age: Duration::from_secs(3600),
    resend: Duration::from_millis(50),
    resend_first: Duration::from_millis(50),
};

fn contract() -> Arc<Contract> {
    Arc::new(Contract::from_yaml(Plan::Custom.yaml()).unwrap().0)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn settings() -> Settings {
    Settings {
        mail: Mail::default(),
        alerts: Alerts::default(),
        phone_hook: String::new(),
        api_key: "devkey".into(),
        base_url: "https://live.example".into(),
        patience: FAST,
    }
}

fn with_mail(server: &MailServer) -> Settings {
    let mut settings = settings();
    settings.mail.smtp = format!("smtp://{}", server.address);
    settings.mail.from = "Surecast <desk@provider.example>".into();
    settings
}

async fn open(dir: &Path) -> Store {
    Store::open(dir, "").await.unwrap()
}

async fn start(settings: Settings, store: &Store) -> Delivery {
    let keys = Keys::new([("devkey".to_owned(), "secret".to_owned())].into());
    let metrics = Arc::new(Metrics::new());
    Delivery::start(settings, keys, store.clone(), metrics, &[contract()])
        .await
        .unwrap()
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Puts letters into the store, as the desk does.
async fn post(store: &Store, parcels: &[Parcel]) {
    post_at(store, parcels, now_ms()).await;
}

async fn post_at(store: &Store, parcels: &[Parcel], saved_ms: i64) {
    let body = |parcel| (serde_json::to_string(parcel).unwrap(), saved_ms);
    let letters: Vec<_> = parcels.iter().map(body).collect();
    let state = DeskState {
        contract: "custom".into(),
        hash: String::new(),
        incidents: String::new(),
        tickets: String::new(),
        saved_ms,
    };
    store.desk_save(&state, &letters).await.unwrap();
}

fn word(via: Via, to: &str, reason: Reason) -> Parcel {
    Parcel::Notify(Box::new(Word {
        via,
        to: to.into(),
        name: "Shift lead".into(),
        audience: Audience::Escalation(Role::Lead),
        facts: Facts {
            contract: "custom".into(),
            incident: Some(3),
            ticket: None,
            at: at("2027-05-05T15:30:00Z"),
            module: Some(Module::Media),
            regions: vec!["eu".parse().unwrap()],
            severity: Severity::S3,
            state: "detected".into(),
            since: at("2027-05-05T15:00:00Z"),
            reason,
        },
    }))
}

fn updated(text: &str) -> Reason {
    Reason::Updated { text: text.into() }
}

fn incident(id: u64, state: State) -> Parcel {
    let resolved = (state == State::Resolved).then(|| at("2027-05-03T20:00:00Z"));
    let incident = Incident {
        id,
        module: Module::Media,
        lines: [].into(),
        state,
        severity: Severity::S1,
        first_bad: at("2027-05-03T18:00:00Z"),
        detected: at("2027-05-03T18:01:00Z"),
        resolved,
        timers: [].into(),
        refs: [].into(),
        refused: 0,
        words: Default::default(),
    };
    Parcel::Incident {
        contract: "custom".into(),
        incident: Box::new(incident),
        leaf: 40 + state as u64,
        at: at("2027-05-03T18:02:00Z"),
    }
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn none_waits(store: &Store) -> bool {
    store.letters_waiting().await.unwrap().0 == 0
}

#[tokio::test]
async fn a_mail_says_all_in_two_languages_and_threads() {
    let dir = tempfile::tempdir().unwrap();
    let (store, server) = (open(dir.path()).await, MailServer::start().await);
    let delivery = start(with_mail(&server), &store).await;
    let escalated = Reason::Escalated {
        clock: ClockKind::FirstResponse,
        share: "75%".parse().unwrap(),
        target_due: Some(at("2027-05-07T10:00:00Z")),
    };
    let text = "<script>alert(1)</script>\r\nBcc: eve@evil.example\nSeverity: S4";
    let to = "lead@provider.example";
    let words = [
        word(Via::Mail, to, escalated),
        word(Via::Mail, to, updated(text)),
    ];
    post(&store, &words).await;
    delivery.waker().wake();
    eventually("two mails", async || server.mails().len() == 2).await;
    eventually("none waits", async || none_waits(&store).await).await;

    let mails = server.mails();
    let first = MessageParser::default().parse(&mails[0]).unwrap();
    let subject = first.subject().unwrap();
    assert!(
        subject.starts_with("[custom incident 3] S3 media: A clock is running out"),
        "{subject}"
    );
    assert!(
        subject.contains("计时即将到期：首次响应 75% 已用"),
        "{subject}"
    );
    let body = first.body_text(0).unwrap();
    for said in [
        "Audio and video",
        "音视频",
        "Where: eu",
        "Since: 2027-05-05 17:00 Europe/Berlin (2027-05-05 15:00 UTC)",
        "First response: runs out 2027-05-07 12:00 Europe/Berlin (2027-05-07 10:00 UTC), 75% used up",
        "首次响应：到期 2027-05-07 12:00 Europe/Berlin",
        "Called: Account manager (account manager)",
        "https://live.example/guarantee/v1/contracts/custom/incidents/3",
    ] {
        assert!(body.contains(said), "{said} in\n{body}");
    }

    let second = MessageParser::default().parse(&mails[1]).unwrap();
    let root = "surecast.incident.3.0.custom@provider.example";
    for mail in [&first, &second] {
        let named = |value: &HeaderValue<'_>| value.as_text() == Some(root);
        assert!(named(mail.references()) && named(mail.in_reply_to()));
        let raw = |name: &str| mail.header_raw(name).unwrap_or_default().trim().to_owned();
        assert_eq!(raw("Auto-Submitted"), "auto-generated");
        assert!(raw("Reply-To").contains("desk@provider.example"));
        assert!(mail.bcc().is_none());
    }
    assert_ne!(first.message_id(), second.message_id());
    let html = second.body_html(0).unwrap();
    assert!(
        html.contains("&lt;script&gt;") && !html.contains("<script"),
        "{html}"
    );
    let plain = second.body_text(0).unwrap();
    assert!(
        plain.contains("\n    Severity: S4"),
        "no row of ours: {plain}"
    );
    delivery.stop(PATIENCE).await;
}

#[tokio::test]
async fn names_and_addresses_make_no_headers() {
    let dir = tempfile::tempdir().unwrap();
    let (store, server) = (open(dir.path()).await, MailServer::start().await);
    let delivery = start(with_mail(&server), &store).await;
    let mut good = word(Via::Mail, "a@customer.example", Reason::Resolved);
    let Parcel::Notify(notify) = &mut good else {
        unreachable!()
    };
    notify.name = "Ops\r\nBcc: eve@evil.example".into();
    notify.facts.contract = "x\r\nBcc: eve@evil.example\r\n\r\n".into();
    let bad = word(
        Via::Mail,
        "a@b.example\r\nRCPT TO:<eve@evil.example>",
        Reason::Resolved,
    );
    post(&store, &[bad, good]).await;
    delivery.waker().wake();
    eventually("both are gone", async || none_waits(&store).await).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "the bad address is given up at once");
    let mail = MessageParser::default().parse(&mails[0]).unwrap();
    assert!(mail.bcc().is_none());
    assert!(mail.body_text(0).unwrap().contains("It is over"));
    delivery.stop(PATIENCE).await;
}

#[tokio::test]
async fn a_mailbox_that_is_not_there_holds_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (store, server) = (open(dir.path()).await, MailServer::start().await);
    server.refuse("gone@");
    let delivery = start(with_mail(&server), &store).await;
    let gone = || word(Via::Mail, "gone@customer.example", Reason::Mitigated);
    let mut words: Vec<_> = (0..300).map(|_| gone()).collect();
    words.push(word(Via::Mail, "here@customer.example", Reason::Mitigated));
    post(&store, &words).await;
    delivery.waker().wake();
    eventually("the other one", async || server.mails().len() == 1).await;
    delivery.stop(PATIENCE).await;
    let (waiting, _) = store.letters_waiting().await.unwrap();
    assert_eq!(waiting, 300);
}

#[tokio::test]
async fn a_webhook_is_signed_and_has_an_id_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (store, hook) = (open(dir.path()).await, Hook::start(StatusCode::OK).await);
    let mut settings = settings();
    settings.alerts.webhooks = vec![hook.url()];
    settings.phone_hook = format!("{}/phone", hook.url());
    let delivery = start(settings, &store).await;
    let contact = format!("{}/contact", hook.url());
    let parcels = [
        incident(1, State::Detected),
        word(Via::Webhook, &contact, Reason::Mitigated),
        word(Via::Phone, "+4930", Reason::Opened),
    ];
    post(&store, &parcels).await;
    delivery.waker().wake();
    eventually("all three", async || hook.taken().len() == 3).await;
    let verifier = TokenVerifier::with_api_key("devkey", "secret");
    for request in hook.taken() {
        let claims = verifier.verify(&request.token).expect("a good signature");
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, request.body.as_bytes());
        use base64::Engine as _;
        let digest = base64::engine::general_purpose::STANDARD.encode(digest);
        assert_eq!(claims.sha256, digest);
        let body = request.json();
        assert!(!body["id"].as_str().unwrap().is_empty());
        match request.path.as_str() {
            "/phone" => {
                assert_eq!(body["to"], "+4930");
                let say = &body["say"];
                assert!(
                    say["en"].as_str().unwrap().contains("incident 3: S3"),
                    "{say}"
                );
                assert!(say["zh"].as_str().unwrap().contains("事件 3"), "{say}");
            }
            "/contact" => assert_eq!(body["facts"]["incident"], 3),
            _ => assert_eq!(body["incident"]["state"], "detected"),
        }
    }
    delivery.stop(PATIENCE).await;
}

const LIFE: [State; 4] = [
    State::Detected,
    State::Acknowledged,
    State::Mitigated,
    State::Resolved,
];

#[tokio::test]
async fn a_receiver_that_was_down_gets_everything_in_order_and_the_others_no_copy() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let pager = Hook::start(StatusCode::OK).await;
    let down = Hook::start(StatusCode::SERVICE_UNAVAILABLE).await;
    let settings = || {
        let mut settings = settings();
        settings.alerts.pagerduty_key = "R0UT1NG".into();
        settings.alerts.pagerduty_url = pager.url();
        settings.alerts.webhooks = vec![down.url()];
        settings
    };
    let delivery = start(settings(), &store).await;
    post(&store, &LIFE.map(|state| incident(1, state))).await;
    delivery.waker().wake();
    eventually("paged", async || pager.taken().len() == 4).await;
    let actions: Vec<_> = pager
        .taken()
        .iter()
        .map(|r| r.json()["event_action"].clone())
        .collect();
    assert_eq!(
        actions,
        ["trigger", "acknowledge", "acknowledge", "resolve"]
    );
    let keys = pager.taken();
    assert!(
        keys.iter()
            .all(|r| r.json()["dedup_key"] == "surecast/custom/1")
    );
    eventually("tried", async || down.attempts() >= 3).await;
    // Killed: nothing is waited for.
    delivery.task.abort();
    drop(delivery);

    down.answers(StatusCode::OK);
    let delivery = start(settings(), &store).await;
    eventually("all at the other", async || down.taken().len() >= 4).await;
    eventually("none waits", async || none_waits(&store).await).await;
    let states: Vec<_> = down
        .taken()
        .iter()
        .map(|r| r.json()["incident"]["state"].clone())
        .collect();
    assert_eq!(
        states,
        ["detected", "acknowledged", "mitigated", "resolved"]
    );
    assert_eq!(pager.taken().len(), 4, "nobody is paged twice");
    delivery.stop(PATIENCE).await;
}

#[tokio::test]
async fn alertmanager_hears_of_an_open_incident_again_until_it_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let (store, manager) = (open(dir.path()).await, Hook::start(StatusCode::OK).await);
    let mut settings = settings();
    settings.alerts.alertmanager = vec![manager.url()];
    let delivery = start(settings, &store).await;
    post(&store, &[incident(1, State::Detected)]).await;
    delivery.waker().wake();
    eventually("repeated", async || manager.taken().len() >= 3).await;
    post(&store, &[incident(1, State::Resolved)]).await;
    delivery.waker().wake();
    let over = |request: &http::Request| request.json()[0]["endsAt"].is_string();
    eventually("resolved", async || manager.taken().iter().any(over)).await;
    eventually("none waits", async || none_waits(&store).await).await;
    delivery.stop(PATIENCE).await;
    let taken = manager.taken();
    assert!(taken.iter().all(|request| request.path == "/api/v2/alerts"));
    let last = taken.iter().position(over).unwrap();
    assert_eq!(last + 1, taken.len(), "nothing after its end");
}

#[tokio::test]
async fn what_is_too_old_or_not_acceptable_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    let pager = Hook::start(StatusCode::BAD_REQUEST).await;
    let mut settings = settings();
    settings.alerts.pagerduty_key = "R0UT1NG".into();
    settings.alerts.pagerduty_url = pager.url();
    let delivery = start(settings, &store).await;
    let mail = word(Via::Mail, "lead@provider.example", Reason::Opened);
    let two_hours_ago = now_ms() - 2 * 3_600_000;
    post_at(
        &store,
        &[mail.clone(), incident(1, State::Detected)],
        two_hours_ago,
    )
    .await;
    post(&store, &[incident(2, State::Detected), mail]).await;
    delivery.waker().wake();
    eventually("one waits", async || {
        store.letters_waiting().await.unwrap().0 == 1
    })
    .await;
    assert_eq!(pager.attempts(), 1, "the old one was not even tried");
    // The young mail has no way out; it waits, and says why.
    let why = async || {
        store.letters_due(i64::MAX, 10).await.unwrap()[0]
            .error
            .clone()
    };
    eventually("it says why", async || {
        why().await.contains("guarantee.mail.smtp")
    })
    .await;
    delivery.stop(PATIENCE).await;
}

#[tokio::test]
async fn a_letter_that_cannot_be_read_harms_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (store, server) = (open(dir.path()).await, MailServer::start().await);
    let delivery = start(with_mail(&server), &store).await;
    let state = DeskState {
        contract: "custom".into(),
        hash: String::new(),
        incidents: String::new(),
        tickets: String::new(),
        saved_ms: now_ms(),
    };
    let strange = [("{\"pigeon\": {}}".to_owned(), 0)];
    store.desk_save(&state, &strange).await.unwrap();
    post(
        &store,
        &[word(Via::Mail, "a@customer.example", Reason::Opened)],
    )
    .await;
    delivery.waker().wake();
    eventually("the other one", async || server.mails().len() == 1).await;
    delivery.stop(PATIENCE).await;
    assert_eq!(store.letters_waiting().await.unwrap().0, 1, "it stays");
}

#[tokio::test]
async fn mails_are_encrypted_and_a_wrong_certificate_is_told_in_words() {
    for (encrypted, url) in [
        (Encrypted::StartTls, "smtp://localhost:PORT?tls=required"),
        (Encrypted::AtOnce, "smtps://localhost:PORT"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (server, certificate) = MailServer::start_tls(encrypted, "localhost").await;
        let (_, other) = MailServer::start_tls(encrypted, "localhost").await;
        let file = dir.path().join("ca.pem");
        let url = url.replace("PORT", &server.address.port().to_string());
        let settings = |ca: &str| {
            std::fs::write(&file, ca).unwrap();
            let mut settings = with_mail(&server);
            settings.mail.smtp = url.clone();
            settings.mail.ca = file.display().to_string();
            settings
        };
        let store = open(dir.path()).await;
        // That of another authority first.
        let delivery = start(settings(&other), &store).await;
        let mail = word(Via::Mail, "lead@provider.example", Reason::Opened);
        post(&store, &[mail]).await;
        delivery.waker().wake();
        eventually("it says what is wrong with the certificate", async || {
            let letters = store.letters_due(i64::MAX, 10).await.unwrap();
            let why = &letters[0].error;
            why.contains("certificate is not trusted") && why.contains("guarantee.mail.ca")
        })
        .await;
        assert!(
            server.mails().is_empty(),
            "nothing is said to whoever that is"
        );
        delivery.stop(PATIENCE).await;
        let delivery = start(settings(&certificate), &store).await;
        delivery.waker().wake();
        eventually("the mail", async || server.mails().len() == 1).await;
        delivery.stop(PATIENCE).await;
        store.close().await;
    }
    let mut none = settings();
    none.mail.smtp = "smtps://localhost".into();
    none.mail.from = "desk@provider.example".into();
    none.mail.ca = "/nowhere.pem".into();
    let store = open(tempfile::tempdir().unwrap().path()).await;
    let keys = Keys::new([("devkey".to_owned(), "secret".to_owned())].into());
    let started = Delivery::start(none, keys, store, Arc::new(Metrics::new()), &[]).await;
    let error = format!("{:#}", started.err().unwrap());
    assert!(error.contains("guarantee.mail.ca: /nowhere.pem"), "{error}");
}

#[test]
fn a_password_goes_over_no_open_line() {
    assert!(check_smtp("smtp://u:p@mail.example").is_err());
    assert!(check_smtp("http://mail.example").is_err());
    assert!(check_smtp("mail.example").is_err());
    for fine in [
        "smtp://u:p@mail.example:587?tls=required",
        "smtps://u:p%40ss@mail.example",
        "smtp://mail.example:25",
        "smtp://u:p@127.0.0.1:2525",
    ] {
        assert_eq!(check_smtp(fine), Ok(()), "{fine}");
    }
}
