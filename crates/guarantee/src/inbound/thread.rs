//! Which contract and ticket a mail belongs to: by the mark in its subject, or
//! by the messages that it refers to.

use mail_parser::{HeaderValue, Message, MessageParser};

/// What our message ids begin with.
const OURS: &str = "surecast";

/// Ids in `References` that are looked at, from the last: a thread of a year.
const MAX_REFERENCES: usize = 200;

/// The id of a mail about a ticket or an incident, in angle brackets. `key`
/// names the mail; `0` is the one that all others of the thread refer to,
/// whether it was sent or not.
#[must_use]
pub fn message_id(what: &str, number: u64, key: &str, contract: &str, host: &str) -> String {
    let id = format!("{OURS}.{what}.{number}.{key}.{contract}");
    format!("<{}@{}>", atoms(&id), atoms(host))
}

/// Nothing that would end a header, or the id.
fn atoms(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let plain = text.chars().map(|c| if fits(c) { c } else { '-' });
    plain.collect()
}

/// The contract that a mail names in its subject or in what it refers to, when
/// it came without one.
#[must_use]
pub fn contract_of(raw: &[u8]) -> Option<String> {
    if raw.len() > super::MAX_MAIL {
        return None;
    }
    let message = MessageParser::default().parse_headers(raw)?;
    let subject = message.subject().unwrap_or_default();
    let marked = marks(subject).next().map(|(contract, _)| contract);
    let referred = || references(&message).find_map(|id| parse_id(id).map(|id| id.contract));
    marked.or_else(referred).map(str::to_owned)
}

/// The ticket of this contract that a mail answers.
pub(super) fn ticket_of(message: &Message<'_>, contract: &str) -> Option<u64> {
    let subject = message.subject().unwrap_or_default();
    let marked = marks(subject)
        .filter(|(named, _)| *named == contract)
        .find_map(|(_, ticket)| ticket);
    let referred = || {
        references(message).find_map(|id| {
            let id = parse_id(id)?;
            (id.contract == contract && id.what == "ticket").then_some(id.number)
        })
    };
    marked.or_else(referred)
}

/// `[contract #12]` and `[contract incident 3]` in a subject: the contract, and
/// the ticket if it is one.
fn marks(subject: &str) -> impl Iterator<Item = (&str, Option<u64>)> {
    subject.split('[').skip(1).filter_map(|rest| {
        let (mark, _) = rest.split_once(']')?;
        let (contract, what) = mark.trim().split_once(' ')?;
        let what = what.trim();
        if let Some(number) = what.strip_prefix('#') {
            return Some((contract, Some(number.parse().ok()?)));
        }
        let number = what.strip_prefix("incident ")?;
        number.parse::<u64>().ok().map(|_| (contract, None))
    })
}

struct Id<'a> {
    what: &'a str,
    number: u64,
    contract: &'a str,
}

fn parse_id(id: &str) -> Option<Id<'_>> {
    let (local, _) = id.trim().trim_matches(['<', '>']).split_once('@')?;
    let mut parts = local.splitn(5, '.');
    if parts.next()? != OURS {
        return None;
    }
    let (what, number) = (parts.next()?, parts.next()?.parse().ok()?);
    parts.next()?;
    let contract = parts.next()?;
    Some(Id {
        what,
        number,
        contract,
    })
}

/// What a mail refers to, the nearest first.
fn references<'a>(message: &'a Message<'_>) -> impl Iterator<Item = &'a str> {
    let answered = ids(message.in_reply_to());
    let before = ids(message.references());
    answered.chain(before).take(MAX_REFERENCES)
}

fn ids<'a>(value: &'a HeaderValue<'_>) -> impl Iterator<Item = &'a str> {
    let (one, list) = match value {
        HeaderValue::Text(one) => (Some(one.as_ref()), &[][..]),
        HeaderValue::TextList(list) => (None, list.as_slice()),
        _ => (None, &[][..]),
    };
    one.into_iter().chain(list.iter().rev().map(AsRef::as_ref))
}
