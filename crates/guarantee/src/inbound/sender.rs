//! In which part somebody writes.

use super::InboundError;
use super::text::line;
use crate::contract::Contract;
use crate::contract::support::Contact;
use crate::incident::actor::{Actor, Author, MAX_NAME};

/// Domains in which everybody can have an address: there only the contact's own
/// counts.
const PUBLIC: [&str; 24] = [
    "126.com",
    "139.com",
    "163.com",
    "aliyun.com",
    "aol.com",
    "foxmail.com",
    "gmail.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.com",
    "icloud.com",
    "live.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "outlook.com",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "sina.com",
    "web.de",
    "yahoo.com",
    "yeah.net",
];

/// Who writes from a mail address; `shown` is the name beside it.
pub(super) fn by_mail(
    contract: &Contract,
    address: &str,
    shown: &str,
) -> Result<Actor, InboundError> {
    let same = |contact: &Contact| {
        let mail = contact.mail.as_deref();
        mail.is_some_and(|mail| mail.eq_ignore_ascii_case(address))
    };
    if let Some(found) = contact(contract, same) {
        return Ok(found);
    }
    let customer = contract.parties.customer.contact.mail.as_deref();
    let is_public = |domain: &&str| {
        PUBLIC
            .iter()
            .any(|known| known.eq_ignore_ascii_case(domain))
    };
    let domain = customer
        .and_then(domain)
        .filter(|domain| !is_public(domain));
    let theirs = self::domain(address);
    if domain.is_some_and(|domain| theirs.is_some_and(|d| d.eq_ignore_ascii_case(domain))) {
        let name = format!("{} <{address}>", line(shown, MAX_NAME / 2));
        return Ok(Actor::new(Author::Customer, &line(&name, MAX_NAME)));
    }
    Err(InboundError::Stranger(line(address, 254)))
}

/// Who calls. The desk that takes calls knows whom it talks to: whoever is no
/// contact of the provider speaks for the customer.
pub(super) fn by_phone(contract: &Contract, caller: &str) -> Actor {
    let digits = digits(caller);
    let same = |contact: &Contact| {
        let phone = contact.phone.as_deref().map(self::digits);
        contact.name == caller || phone.is_some_and(|d| d.len() >= 6 && d == digits)
    };
    contact(contract, same).unwrap_or_else(|| {
        let name = line(caller, MAX_NAME);
        Actor::new(Author::Customer, &name)
    })
}

/// The first contact that fits, in its part. The customer comes first: a person
/// of both sides must not answer in the provider's name by accident.
fn contact(contract: &Contract, fits: impl Fn(&Contact) -> bool) -> Option<Actor> {
    let (parties, plan) = (&contract.parties, &contract.support);
    let mut people = vec![
        (Author::Customer, &parties.customer.contact),
        (Author::Lead, &plan.lead),
    ];
    people.extend(plan.account_manager.iter().map(|c| (Author::Manager, c)));
    people.extend(plan.experts.iter().map(|e| (Author::Expert, &e.contact)));
    people.push((Author::Agent, &parties.provider.contact));
    let found = people.into_iter().find(|(_, contact)| fits(contact));
    found.map(|(part, contact)| Actor::new(part, &line(&contact.name, MAX_NAME)))
}

fn domain(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, domain)| domain)
}

fn digits(number: &str) -> String {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    // `00` is how many write the plus.
    digits.strip_prefix("00").unwrap_or(&digits).to_owned()
}
