//! Support: who answers, when, and who is called when nobody does.

use super::Check;
use crate::contract::problem::nearest;
use crate::contract::public::{MAX_SALT, MIN_SALT};
use crate::contract::support::{ALWAYS, Contact, Role, Target};
use crate::ratio::Percent;
use crate::severity::Severity;

const SEVERITIES: [(Severity, &str); 4] = [
    (Severity::S1, "S1"),
    (Severity::S2, "S2"),
    (Severity::S3, "S3"),
    (Severity::S4, "S4"),
];

impl Check<'_> {
    /// The salt of the contacts, and that nobody seals by hand.
    pub(super) fn seal(&mut self) {
        if let Some(salt) = &self.contract.contacts_salt
            && !(MIN_SALT..=MAX_SALT).contains(&salt.len())
        {
            let what = format!(
                "the salt has {} bytes: {MIN_SALT} to {MAX_SALT}",
                salt.len()
            );
            self.error("contacts_salt", what, "write random characters");
        }
        if self.contract.sealed_contacts.is_some() {
            let what = "this is made for the log, from the contacts";
            self.error("sealed_contacts", what, "take it out");
        }
    }

    pub(super) fn people(&mut self) {
        self.parties();
        if self.contract.support.channels.is_empty() {
            let hint = "add at least one of web, mail, api, phone, chat";
            self.error("support.channels", "no ticket can be opened", hint);
        }
        self.targets();
        self.escalation();
    }

    fn parties(&mut self) {
        let parties = &self.contract.parties;
        for (path, party) in [
            ("parties.provider", &parties.provider),
            ("parties.customer", &parties.customer),
        ] {
            if party.name.trim().is_empty() {
                self.error(&format!("{path}.name"), "a party needs a name", "");
            }
            self.contact(&format!("{path}.contact"), &party.contact);
        }
    }

    fn targets(&mut self) {
        let support = &self.contract.support;
        let mut before: Option<(&str, &Target)> = None;
        for (severity, name) in SEVERITIES {
            let Some(target) = support.targets.get(&severity) else {
                let what = format!("nothing is promised for {name}");
                let hint = format!("add `{name}:` with calendar, response and update");
                self.error("support.targets", what, hint);
                continue;
            };
            let path = format!("support.targets.{name}");
            self.target(&path, target);
            if let Some((other, earlier)) = before
                && earlier.calendar == target.calendar
                && target.response_minutes < earlier.response_minutes
            {
                let what = format!("{name} is answered faster than the more severe {other}");
                self.warn(&format!("{path}.response_minutes"), what, "");
            }
            before = Some((name, target));
        }
    }

    fn target(&mut self, path: &str, target: &Target) {
        let calendars = &self.contract.support.calendars;
        if target.calendar != ALWAYS && !calendars.contains_key(&target.calendar) {
            let known = calendars.keys().map(String::as_str).chain([ALWAYS]);
            let hint = match nearest(&target.calendar, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("use `{ALWAYS}`, or define it under support.calendars"),
            };
            let what = format!("there is no calendar `{}`", target.calendar);
            self.error(&format!("{path}.calendar"), what, hint);
        }
        for (key, minutes) in [
            ("response_minutes", Some(target.response_minutes)),
            ("update_minutes", Some(target.update_minutes)),
            ("restore_minutes", target.restore_minutes),
        ] {
            if minutes == Some(0) {
                let what = "0 minutes cannot be kept by anybody";
                self.error(&format!("{path}.{key}"), what, "");
            }
        }
        if let Some(restore) = target.restore_minutes
            && restore < target.response_minutes
        {
            let what = format!(
                "restored within {restore} minutes, but answered only within {}",
                target.response_minutes
            );
            let hint = "the answer comes first";
            self.error(&format!("{path}.restore_minutes"), what, hint);
        }
    }

    fn escalation(&mut self) {
        let support = &self.contract.support;
        if support.escalation.is_empty() {
            let what = "nobody is called when nobody answers";
            let hint = "add steps, as 50% lead, 75% account_manager, 100% expert";
            self.error("support.escalation", what, hint);
        }
        let mut before = Percent::ZERO;
        for (index, step) in support.escalation.iter().enumerate() {
            let path = format!("support.escalation[{index}]");
            if step.at <= before {
                let what = format!("{} does not come after {before}", step.at);
                self.error(
                    &format!("{path}.at"),
                    what,
                    "order the steps by their shares",
                );
            }
            before = step.at;
            let nobody = match step.to {
                Role::Lead => false,
                Role::AccountManager => support.account_manager.is_none(),
                Role::Expert => support.experts.is_empty(),
            };
            if nobody {
                let key = match step.to {
                    Role::Expert => "experts",
                    role => role.name(),
                };
                let what = format!("there is no {} to call", step.to.name());
                self.error(&format!("{path}.to"), what, format!("add support.{key}"));
            }
        }
        self.contact("support.lead", &support.lead);
        if let Some(manager) = &support.account_manager {
            self.contact("support.account_manager", manager);
        }
        for (index, expert) in support.experts.iter().enumerate() {
            let path = format!("support.experts[{index}].contact");
            self.contact(&path, &expert.contact);
        }
    }

    fn contact(&mut self, path: &str, contact: &Contact) {
        if !contact.is_reachable() {
            let what = format!("there is no way to reach `{}`", contact.name);
            self.error(path, what, "add mail, phone or webhook");
        }
        if let Some(mail) = &contact.mail
            && !is_mail(mail)
        {
            let what = format!("`{}` is not a mail address", mail.escape_debug());
            self.error(&format!("{path}.mail"), what, "");
        }
        if let Some(webhook) = &contact.webhook
            && !(webhook.starts_with("https://") || webhook.starts_with("http://"))
        {
            let what = "a webhook is a URL that begins with https:// or http://";
            self.error(&format!("{path}.webhook"), what, "");
        }
    }
}

/// One `@` with something plain on both sides: enough to catch typing errors and
/// whatever would break a header.
fn is_mail(text: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>,;\"".contains(c);
    let mut parts = text.split('@');
    let (Some(user), Some(host), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    // RFC 5321, section 4.5.3.1.3: a path has at most 254 octets of address.
    !user.is_empty() && !host.is_empty() && text.len() <= 254 && text.chars().all(plain)
}
