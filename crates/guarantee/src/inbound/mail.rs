//! A mail (RFC 5322) as a text of a ticket.

use mail_parser::{Message, MessageParser, PartType};

use super::InboundError;
use super::sender::by_mail;
use super::text::{from_html, line, lines};
use super::thread::ticket_of;
use crate::contract::Contract;
use crate::contract::support::Channel;
use crate::ticket::bounds::{MAX_BODY, MAX_SUBJECT};
use crate::ticket::{About, Incoming};

/// Largest mail, in bytes: a text with some screenshots. Attachments are not
/// kept.
pub const MAX_MAIL: usize = 10 << 20;

/// Most bytes of the head. Mails that passed many lists have some 20,000.
pub const MAX_HEADER_BYTES: usize = 128 * 1024;

/// Most lines of the head, continued ones among them.
pub const MAX_HEADERS: usize = 1_000;

/// Most parts, nested ones among them: an answer to an answer has a few, and one
/// with many pictures some dozens.
pub const MAX_PARTS: usize = 200;

/// Largest HTML that is turned into text, in bytes: what is beyond the longest
/// text is cut anyway, and markup takes ten times as much.
const MAX_HTML: usize = 16 * MAX_BODY;

/// A mail as a text of a ticket of this contract.
///
/// # Errors
/// It is too large, cannot be read, or its sender may not write it.
pub fn mail(raw: &[u8], contract: &Contract) -> Result<Incoming, InboundError> {
    check_size(raw)?;
    let message = MessageParser::default().parse(raw).ok_or_else(unreadable)?;
    if message.parts.len() > MAX_PARTS {
        return Err(too_large("number of parts", MAX_PARTS));
    }
    if is_forged(&message) {
        return Err(InboundError::Forged);
    }
    let (address, shown) = sender(&message)?;
    let automatic = is_automatic(&message, &address);
    let author = by_mail(contract, &address, &shown)?;
    let ticket = ticket_of(&message, &contract.id);
    if ticket.is_none() {
        if automatic {
            return Err(InboundError::Automatic);
        }
        if author.kind.responds() {
            return Err(InboundError::NoTicket(contract.id.clone()));
        }
    }
    let subject = line(message.subject().unwrap_or_default(), MAX_SUBJECT);
    let body = lines(&body(&message), MAX_BODY);
    if body.is_empty() && (ticket.is_some() || subject.is_empty()) {
        let why = "the mail has no text; attachments alone are not kept";
        return Err(InboundError::Malformed(why.to_owned()));
    }
    Ok(Incoming {
        ticket,
        channel: Channel::Mail,
        author,
        automatic,
        subject,
        body,
        about: About::default(),
    })
}

/// Before anything is taken apart.
fn check_size(raw: &[u8]) -> Result<(), InboundError> {
    if raw.len() > MAX_MAIL {
        return Err(too_large("mail", MAX_MAIL));
    }
    let mut head = 0;
    let mut headers = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if line == b"\n" || line == b"\r\n" {
            break;
        }
        head += line.len();
        headers += 1;
        if head > MAX_HEADER_BYTES {
            return Err(too_large("mail's head", MAX_HEADER_BYTES));
        }
        if headers > MAX_HEADERS {
            return Err(too_large("number of header lines", MAX_HEADERS));
        }
    }
    // Every part has such a line; a text that quotes some is no bomb.
    let parts = raw.split(|byte| *byte == b'\n');
    let parts = parts.filter(|line| {
        line.get(..13)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"content-type:"))
    });
    if parts.count() > MAX_PARTS {
        return Err(too_large("number of parts", MAX_PARTS));
    }
    Ok(())
}

/// The one address in `From`, and the name beside it.
fn sender(message: &Message<'_>) -> Result<(String, String), InboundError> {
    let mut froms = message.header_values("From");
    let (first, second) = (froms.next(), froms.next());
    let from = first.and_then(|value| value.as_address());
    let addresses: Vec<_> = from.iter().flat_map(|from| from.iter()).take(2).collect();
    let [one] = addresses[..] else {
        return Err(InboundError::Malformed(
            "`From` must name one address".into(),
        ));
    };
    // Two of them, and every reader takes another one.
    if second.is_some() {
        return Err(InboundError::Malformed("there are two `From`".into()));
    }
    let address = one.address().unwrap_or_default().trim().to_owned();
    if address.is_empty() {
        return Err(InboundError::Malformed(
            "`From` must name one address".into(),
        ));
    }
    Ok((address, one.name().unwrap_or_default().to_owned()))
}

/// Whether the server that took the mail found its sender forged.
fn is_forged(message: &Message<'_>) -> bool {
    raw_values(message, "Authentication-Results").any(|value| {
        let value = value.to_ascii_lowercase();
        value
            .split(';')
            .any(|result| result.trim_start().starts_with("dmarc=fail"))
    })
}

/// Whether a program wrote it (RFC 3834, and what is in use beside it).
fn is_automatic(message: &Message<'_>, address: &str) -> bool {
    let first = |name| raw_values(message, name).next().unwrap_or_default();
    let submitted = first("Auto-Submitted").to_ascii_lowercase();
    let submitted = submitted.split(';').next().unwrap_or_default().trim();
    let precedence = first("Precedence").to_ascii_lowercase();
    let user = address.split('@').next().unwrap_or_default();
    let report = first("Content-Type").to_ascii_lowercase();
    !matches!(submitted, "" | "no")
        || matches!(precedence.as_str(), "auto_reply" | "bulk" | "junk" | "list")
        || !first("X-Autoreply").is_empty()
        || !first("X-Autorespond").is_empty()
        || first("Return-Path") == "<>"
        || user.eq_ignore_ascii_case("mailer-daemon")
        || user.eq_ignore_ascii_case("postmaster")
        || report.starts_with("multipart/report")
}

fn raw_values<'a>(message: &'a Message<'_>, name: &'a str) -> impl Iterator<Item = &'a str> {
    message
        .headers_raw()
        .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// The first text that is one; HTML only where there is nothing else.
fn body(message: &Message<'_>) -> String {
    let plain = message.text_bodies().find_map(|part| match &part.body {
        PartType::Text(text) if !text.trim().is_empty() => Some(text.to_string()),
        _ => None,
    });
    let html = || {
        message.html_bodies().find_map(|part| match &part.body {
            PartType::Html(html) => {
                let mut end = html.len().min(MAX_HTML);
                while !html.is_char_boundary(end) {
                    end -= 1;
                }
                Some(from_html(&html[..end]))
            }
            _ => None,
        })
    };
    plain.or_else(html).unwrap_or_default()
}

fn unreadable() -> InboundError {
    InboundError::Malformed("this is no mail (RFC 5322)".to_owned())
}

const fn too_large(what: &'static str, most: usize) -> InboundError {
    InboundError::TooLarge { what, most }
}
