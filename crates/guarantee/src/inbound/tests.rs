//! Mails as they come, and as nobody should send them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::contract::Contract;
use crate::contract::plan::Plan;
use crate::contract::support::Channel;
use crate::incident::{Actor, Author};
use crate::ticket::bounds::{MAX_BODY, MAX_SUBJECT};

fn contract() -> Contract {
    Contract::from_yaml(Plan::Custom.yaml()).expect("a plan").0
}

/// A mail of the customer's contact with these header lines and this body.
fn taken(head: &str, body: &str) -> Result<Incoming, InboundError> {
    from("Operations <ops@customer.example>", head, body)
}

fn from(from: &str, head: &str, body: &str) -> Result<Incoming, InboundError> {
    let text = format!("From: {from}\n{head}\n\n{body}").replace('\n', "\r\n");
    mail(text.as_bytes(), &contract())
}

fn subject(text: &str) -> String {
    format!("Subject: {text}")
}

#[test]
fn a_mail_of_the_customer_opens_a_ticket() {
    let incoming = taken(
        "Subject: No sound\nDate: Mon, 1 Feb 2027 10:00:00 +0000",
        "In all rooms.\n",
    );
    let expected = Incoming {
        ticket: None,
        channel: Channel::Mail,
        author: Actor::new(Author::Customer, "Operations"),
        automatic: false,
        subject: "No sound".into(),
        body: "In all rooms.".into(),
        about: crate::ticket::About::default(),
    };
    assert_eq!(incoming, Ok(expected));
}

#[test]
fn an_answer_finds_its_ticket() {
    let ticket = |head: &str| taken(head, "x").map(|incoming| incoming.ticket);
    assert_eq!(ticket("Subject: Re: [custom #12] S1 media"), Ok(Some(12)));
    assert_eq!(
        ticket("Subject: AW: Re: [other #1] [custom #7]"),
        Ok(Some(7))
    );
    let id = message_id("ticket", 31, "1700-4", "custom", "provider.example");
    assert_eq!(id, "<surecast.ticket.31.1700-4.custom@provider.example>");
    let referred = format!("Subject: Re: sound\nIn-Reply-To: {id}");
    assert_eq!(ticket(&referred), Ok(Some(31)));
    let root = message_id("ticket", 31, "0", "custom", "provider.example");
    let referred = format!("Subject: Re: x\nReferences: {root}\n <other@mail.example>");
    assert_eq!(ticket(&referred), Ok(Some(31)));
    for other in [
        "Subject: Re: [custom incident 3] S1",
        "Subject: [other #12]",
        "Subject: [custom #x] [custom #",
        "Subject: Re: x\nIn-Reply-To: <surecast.incident.3.0.custom@h>",
        "Subject: Re: x\nIn-Reply-To: <surecast.ticket.3.0.other@h>",
    ] {
        assert_eq!(ticket(other), Ok(None), "{other}");
    }
}

#[test]
fn the_contract_is_found_where_the_mail_names_it() {
    let named = |head: &str| contract_of(format!("{head}\r\n\r\nx").as_bytes());
    assert_eq!(
        named("Subject: Re: [a.b-c #12] x").as_deref(),
        Some("a.b-c")
    );
    assert_eq!(named("Subject: [a incident 2]").as_deref(), Some("a"));
    let id = message_id("incident", 3, "0", "a.b", "h");
    assert_eq!(named(&format!("In-Reply-To: {id}")).as_deref(), Some("a.b"));
    assert_eq!(named("Subject: hello"), None);
}

#[test]
fn everybody_writes_in_their_part_and_strangers_do_not() {
    let answer = subject("Re: [custom #1]");
    let author = |who: &str| from(who, &answer, "x").map(|incoming| incoming.author.kind);
    assert_eq!(author("ops@customer.example"), Ok(Author::Customer));
    assert_eq!(author("Ops <OPS@Customer.Example>"), Ok(Author::Customer));
    assert_eq!(author("Bo <bo@customer.example>"), Ok(Author::Customer));
    assert_eq!(author("lead@provider.example"), Ok(Author::Lead));
    assert_eq!(author("account@provider.example"), Ok(Author::Manager));
    assert_eq!(author("media@provider.example"), Ok(Author::Expert));
    assert_eq!(author("desk@provider.example"), Ok(Author::Agent));
    for stranger in [
        "eve@evil.example",
        "other@provider.example",
        "ops@customer.example.evil.example",
        "\"ops@customer.example\" <eve@evil.example>",
    ] {
        assert!(
            matches!(author(stranger), Err(InboundError::Stranger(_))),
            "{stranger}"
        );
    }
    for none in ["", "ops@customer.example, eve@evil.example", "nobody"] {
        assert!(from(none, &answer, "x").is_err(), "{none}");
    }
    let twice = format!("From: eve@evil.example\n{answer}");
    assert!(matches!(
        taken(&twice, "x"),
        Err(InboundError::Malformed(_))
    ));
    let name = from("Bo <bo@customer.example>", &answer, "x").map(|i| i.author.name);
    assert_eq!(name.as_deref(), Ok("Bo <bo@customer.example>"));
}

#[test]
fn an_address_that_everybody_can_have_stands_for_one_person() {
    let mut contract = contract();
    contract.parties.customer.contact.mail = Some("shop@qq.com".into());
    let of = |who: &str| mail(format!("From: {who}\r\n\r\nx").as_bytes(), &contract);
    assert!(of("shop@qq.com").is_ok());
    assert!(matches!(of("eve@qq.com"), Err(InboundError::Stranger(_))));
}

#[test]
fn the_provider_answers_but_opens_nothing_by_mail() {
    let opened = from("lead@provider.example", "Subject: hello", "x");
    assert_eq!(opened, Err(InboundError::NoTicket("custom".into())));
}

#[test]
fn a_forged_sender_is_refused() {
    let head =
        "Authentication-Results: mx.provider.example; spf=pass; dmarc=fail (p=none)\nSubject: x";
    assert_eq!(taken(head, "x"), Err(InboundError::Forged));
    let passed = head.replace("dmarc=fail", "dmarc=pass");
    assert!(taken(&passed, "x").is_ok());
}

#[test]
fn programs_open_no_ticket_and_are_known_in_one() {
    for line in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner=x",
        "Precedence: auto_reply",
        "Precedence: bulk",
        "X-Autoreply: yes",
        "Return-Path: <>",
        "Content-Type: multipart/report; boundary=x",
    ] {
        assert_eq!(
            taken(&format!("{line}\nSubject: Out of office"), "I am away"),
            Err(InboundError::Automatic),
            "{line}"
        );
    }
    let in_one = taken("X-Autoreply: yes\nSubject: Re: [custom #4]", "away");
    assert_eq!(in_one.map(|i| (i.ticket, i.automatic)), Ok((Some(4), true)));
    let human = taken("Auto-Submitted: no\nSubject: Re: [custom #4]", "here");
    assert_eq!(human.map(|i| i.automatic), Ok(false));
    let bounce = from(
        "MAILER-DAEMON@customer.example",
        "Subject: Undelivered",
        "x",
    );
    assert_eq!(bounce, Err(InboundError::Automatic));
}

#[test]
fn words_of_half_the_world_are_read() {
    let body = |head: &str, body: &[u8]| {
        let mut raw = format!("From: ops@customer.example\r\n{head}\r\n\r\n").into_bytes();
        raw.extend_from_slice(body);
        mail(&raw, &contract()).map(|incoming| (incoming.subject, incoming.body))
    };
    let utf8 = STANDARD.encode("直播间没有声音");
    let head = format!(
        "Subject: =?UTF-8?B?{}?=\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64",
        STANDARD.encode("没有声音")
    );
    let read = body(&head, utf8.as_bytes());
    assert_eq!(read, Ok(("没有声音".into(), "直播间没有声音".into())));
    // 声音 in GB 18030.
    let head = "Subject: =?GB18030?B?yfnS9A==?=\r\nContent-Type: text/plain; charset=gb18030";
    let read = body(head, b"\xc9\xf9\xd2\xf4");
    assert_eq!(read, Ok(("声音".into(), "声音".into())));
    let head = "Subject: =?iso-8859-1?Q?kein_T=F6n?=\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
                Content-Transfer-Encoding: quoted-printable";
    assert_eq!(body(head, b"T=F6n"), Ok(("kein Tön".into(), "Tön".into())));
}

#[test]
fn the_text_is_taken_where_there_is_one_and_html_becomes_text() {
    let both = "--b\nContent-Type: text/plain\n\nplain\n--b\nContent-Type: text/html\n\n<b>rich</b>\n--b--\n";
    let head = "Subject: x\nContent-Type: multipart/alternative; boundary=b";
    assert_eq!(taken(head, both).map(|i| i.body).as_deref(), Ok("plain"));
    let html = "<html><head><style>p{x}</style></head><body><div>one</div><DIV>two &amp; &lt;b&gt;</DIV>\
                <script>steal()</script><!-- hidden --><img src=x onerror=steal()></body></html>";
    let read = taken("Subject: x\nContent-Type: text/html; charset=utf-8", html);
    assert_eq!(read.map(|i| i.body).as_deref(), Ok("one\ntwo & <b>"));
    let empty = taken("Subject: Re: [custom #1]\nContent-Type: image/png", "x");
    assert!(
        matches!(empty, Err(InboundError::Malformed(_))),
        "{empty:?}"
    );
}

#[test]
fn what_is_too_large_is_cut_or_refused() {
    let long = taken(&subject(&"s".repeat(1000)), &"ä".repeat(MAX_BODY)).expect("cut");
    assert!(long.subject.len() == MAX_SUBJECT && long.body.len() <= MAX_BODY);
    assert!(long.body.ends_with("[…]"));
    let refused = |raw: String| {
        matches!(
            mail(raw.as_bytes(), &contract()),
            Err(InboundError::TooLarge { .. })
        )
    };
    let head = "From: ops@customer.example\r\n";
    assert!(refused(format!("{head}\r\n{}", "x".repeat(MAX_MAIL))));
    assert!(refused(format!(
        "{head}X: {}\r\n\r\nx",
        "x".repeat(MAX_HEADER_BYTES)
    )));
    assert!(refused(format!(
        "{head}{}\r\nx",
        "X: y\r\n".repeat(MAX_HEADERS)
    )));
    let mut bomb = String::from(head);
    for depth in 0..MAX_PARTS + 1 {
        bomb.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\n"
        ));
    }
    assert!(refused(bomb));
}

#[test]
fn nothing_invisible_is_kept() {
    let incoming =
        taken("Subject: a\u{202e}b\tc", "one\u{7}\u{2066}two\nthree\u{0}").expect("a mail");
    assert_eq!(incoming.subject, "a b c");
    assert_eq!(incoming.body, "one  two\nthree");
}

#[test]
fn a_note_of_a_call_is_a_text_of_a_ticket() {
    let note = |json: &str| phone(json.as_bytes(), &contract());
    let new =
        note(r#"{"contract": "custom", "caller": "+49 170 1", "note": "No sound.\nSince ten."}"#);
    let new = new.expect("a note");
    assert_eq!(new.channel, Channel::Phone);
    assert_eq!(new.author, Actor::new(Author::Customer, "+49 170 1"));
    assert_eq!(new.subject, "+49 170 1: No sound.");
    assert_eq!(new.body, "No sound.\nSince ten.");
    let desk =
        note(r#"{"contract": "custom", "caller": "0049-30-1234567", "note": "x", "ticket": 3}"#);
    let desk = desk.expect("a note");
    assert_eq!((desk.author.kind, desk.ticket), (Author::Agent, Some(3)));
    for wrong in [
        "",
        "[]",
        r#"{"contract": "other", "caller": "a", "note": "b"}"#,
        r#"{"contract": "custom", "caller": "", "note": "b"}"#,
        r#"{"contract": "custom", "caller": "a", "note": " "}"#,
        r#"{"contract": "custom", "caller": "a", "note": "b", "role": "expert"}"#,
    ] {
        assert!(
            matches!(note(wrong), Err(InboundError::Malformed(_))),
            "{wrong}"
        );
    }
    assert!(matches!(
        phone(&vec![b' '; MAX_NOTE + 1], &contract()),
        Err(InboundError::TooLarge { .. })
    ));
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        fuzz_mail(&bytes, &contract());
    }

    #[test]
    fn anything_that_looks_like_a_mail_is_within_bounds(
        subject in "\\PC{0,400}",
        kind in "(text/plain|text/html|multipart/mixed; boundary=b|message/rfc822|\\PC{0,40})",
        coding in "(base64|quoted-printable|7bit|\\PC{0,20})",
        charset in "(utf-8|utf-7|gb18030|iso-2022-jp|\\PC{0,20})",
        body in "(--b|--b--|\\r\\n|Content-Type: text/html\\r\\n|<[a-z!/-]{0,9}>|&[a-z#0-9]{0,9};|\\PC){0,200}",
    ) {
        let raw = format!(
            "From: ops@customer.example\r\nSubject: {subject}\r\nContent-Type: {kind}; charset={charset}\r\n\
             Content-Transfer-Encoding: {coding}\r\n\r\n{body}"
        );
        fuzz_mail(raw.as_bytes(), &contract());
    }
}
