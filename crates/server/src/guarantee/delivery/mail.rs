//! A notice as a mail.
//!
//! Mails about one ticket or incident name the same first message, so that they
//! and their answers stand in one thread; an answer is recognised by the number
//! in its subject or by the messages that it refers to.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use lettre::message::header::{ContentTransferEncoding, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use surecast_guarantee::html::escape;
use surecast_guarantee::inbound;

use super::notice::{Notice, plain_line, plain_text};
use super::outlet::{Failure, Key};
use super::words::{CHINESE, ENGLISH, Words};
use crate::config;
use crate::webhook::post::chain;

/// How long a mail server may take for one command.
const COMMAND: Duration = Duration::from_secs(10);

/// How long it may take for a mail.
const MAIL: Duration = Duration::from_secs(30);

/// Connections to it at once: relays often refuse more than some.
const CONNECTIONS: u32 = 4;

/// Sends mails. Cheap to clone.
#[derive(Clone)]
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    reply_to: Mailbox,
}

impl Mailer {
    /// `None` without a mail server.
    pub fn new(settings: &config::Mail) -> anyhow::Result<Option<Self>> {
        if settings.smtp.is_empty() {
            return Ok(None);
        }
        let from: Mailbox = settings.from.parse().context("guarantee.mail.from")?;
        let reply_to = match settings.reply_to.as_str() {
            "" => from.clone(),
            other => other.parse().context("guarantee.mail.reply_to")?,
        };
        let pool = PoolConfig::new()
            .max_size(CONNECTIONS)
            .idle_timeout(Duration::from_secs(30));
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp)
            .context("guarantee.mail.smtp")?;
        if !settings.ca.is_empty() {
            let ca = std::fs::read(&settings.ca);
            let ca = ca.with_context(|| format!("guarantee.mail.ca: {}", settings.ca))?;
            let tls = trusting(&settings.smtp, &ca).context("guarantee.mail.ca")?;
            transport = transport.tls(tls);
        }
        let transport = transport.timeout(Some(COMMAND)).pool_config(pool).build();
        Ok(Some(Self {
            transport,
            from,
            reply_to,
        }))
    }

    pub async fn send(&self, notice: &Notice<'_>, key: &Key) -> Result<(), Failure> {
        let message = self.message(notice, key);
        let message = message.map_err(|error| Failure::refused(format!("{error:#}")))?;
        match tokio::time::timeout(MAIL, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Failure::again(in_words(chain(&error)))),
            Err(_) => Err(Failure::again("the mail server took too long")),
        }
    }

    pub fn message(&self, notice: &Notice<'_>, key: &Key) -> anyhow::Result<Message> {
        let to: Address = notice.notify.to.parse().context("the address")?;
        let name = plain_line(&notice.notify.name);
        let (what, number) = notice.thread();
        let host = self.from.email.domain();
        let contract = &notice.notify.facts.contract;
        let id = |key| inbound::message_id(what, number, key, contract, host);
        let (first, this) = (id("0"), id(key.as_str()));
        let message = Message::builder()
            .from(self.from.clone())
            .reply_to(self.reply_to.clone())
            .to(Mailbox::new(Some(name), to))
            .subject(notice.subject())
            .message_id(Some(this))
            .in_reply_to(first.clone())
            .references(first)
            .header(Automatic)
            .header(NoAnswers);
        Ok(message.multipart(body(notice))?)
    }
}

/// How the URL wants to be encrypted, with these authorities beside those of the
/// machine.
fn trusting(url: &str, ca: &[u8]) -> anyhow::Result<Tls> {
    let uri: hyper::Uri = url.parse()?;
    let host = uri.host().context("the mail server has no host")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut trusted = TlsParameters::builder(host.to_owned());
    let mut any = false;
    for part in CertificateDer::pem_slice_iter(ca) {
        let part = part.context("not a certificate in PEM")?;
        trusted = trusted.add_root_certificate(Certificate::from_der(part.to_vec())?);
        any = true;
    }
    anyhow::ensure!(any, "there is no certificate in the file: it must be PEM");
    let trusted = trusted.build()?;
    let asked = uri.query().unwrap_or_default();
    Ok(match uri.scheme_str() {
        Some("smtps") => Tls::Wrapper(trusted),
        _ if asked.contains("tls=required") => Tls::Required(trusted),
        _ if asked.contains("tls=") => Tls::Opportunistic(trusted),
        _ => Tls::None,
    })
}

/// What to do about a certificate, where that is what is wrong.
fn in_words(why: String) -> String {
    let lower = why.to_ascii_lowercase();
    if !lower.contains("certificate") {
        return why;
    }
    format!(
        "the mail server's certificate is not trusted: it must be valid now, for the host in \
         guarantee.mail.smtp, and come from an authority that this machine trusts or that is in \
         guarantee.mail.ca ({why})"
    )
}

/// Whether a URL of a mail server can be used. The URL is not repeated: there is
/// a password in it.
pub(crate) fn check_smtp(url: &str) -> Result<(), String> {
    let uri: hyper::Uri = url.parse().map_err(|_| {
        "is not smtp://USER:PASSWORD@HOST:PORT or smtps://… (special characters of a password as %XX)"
            .to_owned()
    })?;
    let authority = uri.authority().map_or("", |a| a.as_str());
    let loopback = matches!(uri.host(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let plain = uri.scheme_str() == Some("smtp") && !uri.query().unwrap_or("").contains("tls=");
    if plain && authority.contains('@') && !loopback {
        let why = "would send its password unencrypted: add ?tls=required, or use smtps://";
        return Err(why.into());
    }
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map(drop)
        .map_err(|error| format!("cannot be used: {}", chain(&error)))
}

/// Text and the same in HTML: English first, then Chinese.
fn body(notice: &Notice<'_>) -> MultiPart {
    let text = format!("{}\n\n{}", text(notice, &ENGLISH), text(notice, &CHINESE));
    let html = format!(
        "<!doctype html><html><body style=\"font-family:sans-serif\">{}<hr>{}</body></html>",
        html(notice, &ENGLISH),
        html(notice, &CHINESE)
    );
    // Base64 on the way: no line of it is too long for any server.
    let part =
        |part: lettre::message::SinglePartBuilder| part.header(ContentTransferEncoding::Base64);
    let plain =
        part(SinglePart::builder()).header(lettre::message::header::ContentType::TEXT_PLAIN);
    let rich = part(SinglePart::builder()).header(lettre::message::header::ContentType::TEXT_HTML);
    MultiPart::alternative()
        .singlepart(plain.body(text))
        .singlepart(rich.body(html))
}

fn text(notice: &Notice<'_>, words: &Words) -> String {
    let mut out = format!("{}\n\n", notice.headline(words));
    for (label, value) in notice.rows(words) {
        // What people wrote stands by itself, so that it cannot look like a row.
        let value = plain_text(&value).replace('\n', "\n    ");
        let _ = writeln!(out, "{label}{}{value}", words.colon);
    }
    if notice.thread().0 == "ticket" {
        let _ = writeln!(out, "\n{}", words.reply);
    }
    out
}

fn html(notice: &Notice<'_>, words: &Words) -> String {
    let headline = escape(&notice.headline(words));
    let mut out = format!("<div lang=\"{}\"><h3>{headline}</h3><table>", words.tag);
    for (label, value) in notice.rows(words) {
        let value = if label == words.page {
            let url = escape(&value);
            format!("<a href=\"{url}\">{url}</a>")
        } else {
            escape(&plain_text(&value)).replace('\n', "<br>")
        };
        let _ = write!(
            out,
            "<tr><td style=\"padding-right:1em;vertical-align:top\">{label}</td><td>{value}</td></tr>"
        );
    }
    out.push_str("</table>");
    if notice.thread().0 == "ticket" {
        let _ = write!(out, "<p>{}</p>", words.reply);
    }
    out.push_str("</div>");
    out
}

/// `Auto-Submitted` (RFC 3834): no vacation note comes back.
#[derive(Clone)]
struct Automatic;

impl Header for Automatic {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The same in the words of Exchange.
#[derive(Clone)]
struct NoAnswers;

impl Header for NoAnswers {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Auto-Response-Suppress")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "All".to_owned())
    }
}
