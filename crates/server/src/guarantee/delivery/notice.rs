//! What a person is told, out of the facts and the contract.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use surecast_guarantee::calendar;
use surecast_guarantee::clock::ClockKind;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::support::{Contact, Role};
use surecast_guarantee::incident::Notify;
use surecast_guarantee::incident::output::{Audience, Facts, Reason};
use surecast_guarantee::severity::Severity;

use super::words::{CHINESE, ENGLISH, Words};

/// Longest subject, in characters; a module and a few regions are far shorter.
const MAX_SUBJECT: usize = 150;

/// One notice.
pub(super) struct Notice<'a> {
    pub notify: &'a Notify,
    /// Where more is to be found.
    pub url: String,
    contract: Option<&'a Contract>,
    zone: TimeZone,
    zone_name: &'a str,
}

/// A clock that is told of.
struct Running {
    kind: ClockKind,
    /// `None` while it is paused.
    due: Option<Timestamp>,
    /// Share that is used up, as far as it is known.
    used: Option<String>,
}

impl<'a> Notice<'a> {
    pub fn new(notify: &'a Notify, contract: Option<&'a Contract>, base_url: &str) -> Self {
        let facts = &notify.facts;
        let zone_name = contract.map_or("UTC", |c| zone_of(c, facts.severity));
        let (what, number) = thread(facts);
        Self {
            notify,
            url: format!(
                "{base_url}/guarantee/v1/contracts/{}/{what}s/{number}",
                facts.contract
            ),
            contract,
            zone: calendar::zone(zone_name).unwrap_or(TimeZone::UTC),
            zone_name,
        }
    }

    /// Ticket or incident, and its number.
    pub const fn thread(&self) -> (&'static str, u64) {
        thread(&self.notify.facts)
    }

    /// One line without control characters.
    pub fn subject(&self) -> String {
        let facts = &self.notify.facts;
        let head = match thread(facts) {
            ("ticket", number) => format!("[{} #{number}]", facts.contract),
            (what, number) => format!("[{} {what} {number}]", facts.contract),
        };
        let module = facts.module.map(|module| format!(" {module}"));
        let text = format!(
            "{head} {:?}{}: {} / {}",
            facts.severity,
            module.unwrap_or_default(),
            self.headline(&ENGLISH),
            self.headline(&CHINESE),
        );
        plain_line(&text).chars().take(MAX_SUBJECT).collect()
    }

    pub fn headline(&self, words: &Words) -> String {
        let facts = &self.notify.facts;
        let headline = words.headline(&facts.reason, facts.ticket.is_some());
        match &facts.reason {
            Reason::Escalated { clock, share, .. } => {
                let clock = words.clock(*clock);
                format!("{headline}{}{clock} {share} {}", words.colon, words.used)
            }
            _ => headline.to_owned(),
        }
    }

    /// Labels and values, in order. Values may hold what people wrote.
    pub fn rows(&self, words: &Words) -> Vec<(String, String)> {
        let facts = &self.notify.facts;
        let module = facts.module.map_or(words.anything, |m| words.module(m));
        let places: Vec<&str> = facts.regions.iter().map(|region| region.name()).collect();
        let places = match places.join(words.comma) {
            none if none.is_empty() => words.anything.to_owned(),
            places => places,
        };
        let mut rows = vec![
            (words.what, module.to_owned()),
            (words.place, places),
            (words.severity, words.severity(facts.severity).to_owned()),
            (words.state, words.state(&facts.state).to_owned()),
            (words.since, self.instant(facts.since)),
        ];
        for clock in self.clocks() {
            rows.push((words.clock(clock.kind), self.clock_text(&clock, words)));
        }
        let called = self.called(words);
        if !called.is_empty() {
            rows.push((words.called, called.join(words.comma)));
        }
        if let Reason::Updated { text } = &facts.reason {
            rows.push((words.said, text.clone()));
        }
        rows.push((words.page, self.url.clone()));
        let owned = rows
            .into_iter()
            .map(|(label, value)| (label.to_owned(), value));
        owned.collect()
    }

    /// One sentence to be spoken, in each language.
    pub fn say(&self) -> Value {
        let said = |words: &Words| {
            let facts = &self.notify.facts;
            let (what, number) = thread(facts);
            let what = if what == "ticket" {
                words.ticket
            } else {
                words.incident
            };
            let module = facts
                .module
                .map(|m| format!("{}{}", words.comma, words.module(m)));
            let clock = self.clocks().into_iter().next();
            let clock = clock.map(|clock| {
                let text = self.clock_text(&clock, words);
                format!("{}{} {text}", words.comma, words.clock(clock.kind))
            });
            format!(
                "{} {what} {number}{}{:?}{}{}{}{}",
                facts.contract,
                words.colon,
                facts.severity,
                module.unwrap_or_default(),
                words.comma,
                self.headline(words),
                clock.unwrap_or_default(),
            )
        };
        json!({"en": said(&ENGLISH), "zh": said(&CHINESE)})
    }

    /// `2027-05-03 20:00 Europe/Berlin (2027-05-03 18:00 UTC)`.
    fn instant(&self, at: Timestamp) -> String {
        let shown = |zone: &TimeZone| zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string();
        let utc = shown(&TimeZone::UTC);
        if self.zone_name == "UTC" {
            return format!("{utc} UTC");
        }
        let local = shown(&self.zone);
        format!("{local} {} ({utc} UTC)", self.zone_name)
    }

    fn clock_text(&self, clock: &Running, words: &Words) -> String {
        let used = clock.used.as_ref();
        let used = used.map(|share| format!("{}{share} {}", words.comma, words.used));
        let Some(due) = clock.due else {
            return format!("{}{}", words.waits, used.unwrap_or_default());
        };
        let over = due <= self.notify.facts.at;
        let verb = if over { words.ran_out } else { words.runs_out };
        format!("{verb} {}{}", self.instant(due), used.unwrap_or_default())
    }

    /// The clock that is called for; where it all begins or gets worse, those
    /// that the contract starts. Later their waits are on the page alone.
    fn clocks(&self) -> Vec<Running> {
        let facts = &self.notify.facts;
        match &facts.reason {
            Reason::Escalated {
                clock,
                share,
                target_due,
            } => vec![Running {
                kind: *clock,
                due: *target_due,
                used: Some(share.to_string()),
            }],
            Reason::Opened | Reason::SeverityRose => {
                let Some(contract) = self.contract else {
                    return Vec::new();
                };
                let plan = &contract.support;
                let kinds = [ClockKind::FirstResponse, ClockKind::Restoration];
                let clocks = kinds.into_iter().filter_map(|kind| {
                    let clock = plan.clock(kind, facts.severity, facts.since)?.ok()?;
                    Some(Running {
                        kind,
                        due: clock.due(),
                        used: None,
                    })
                });
                clocks.collect()
            }
            _ => Vec::new(),
        }
    }

    /// Others who were told: the desk and the customer at the beginning, with an
    /// escalation all that its plan has called up to this share.
    fn called(&self, words: &Words) -> Vec<String> {
        let (facts, Some(contract)) = (&self.notify.facts, self.contract) else {
            return Vec::new();
        };
        let mut people: Vec<(&Contact, Audience)> = Vec::new();
        let parties = &contract.parties;
        match &facts.reason {
            Reason::Escalated { share, .. } => {
                let steps = contract.support.escalation.iter();
                for step in steps.filter(|step| step.at <= *share) {
                    let found = called_in(contract, step.to, facts);
                    people.extend(
                        found
                            .into_iter()
                            .map(|c| (c, Audience::Escalation(step.to))),
                    );
                }
            }
            _ => {
                people.push((&parties.provider.contact, Audience::Desk));
                // A new ticket is the customer's own.
                if facts.ticket.is_none() {
                    people.push((&parties.customer.contact, Audience::Customer));
                }
            }
        }
        people.retain(|(contact, _)| contact.name != self.notify.name);
        let name = |(contact, part): (&Contact, Audience)| {
            format!("{} ({})", plain_line(&contact.name), words.audience(part))
        };
        let mut names: Vec<String> = people.into_iter().map(name).collect();
        names.dedup();
        names
    }
}

/// As the engines choose them: a role that nobody has falls to the lead.
fn called_in<'a>(contract: &'a Contract, role: Role, facts: &Facts) -> Vec<&'a Contact> {
    let plan = &contract.support;
    let found = match facts.module {
        Some(module) => plan.contacts(role, module),
        None if role == Role::Expert => plan.experts.iter().map(|e| &e.contact).collect(),
        None => plan.contacts(role, surecast_guarantee::module::Module::Media),
    };
    if found.is_empty() {
        return vec![&plan.lead];
    }
    found
}

const fn thread(facts: &Facts) -> (&'static str, u64) {
    match (facts.ticket, facts.incident) {
        (Some(ticket), _) => ("ticket", ticket),
        (None, Some(incident)) => ("incident", incident),
        (None, None) => ("incident", 0),
    }
}

/// The zone in which the clocks of this severity run; where they always run,
/// that of the term.
fn zone_of(contract: &Contract, severity: Severity) -> &str {
    let target = contract.target(severity);
    let calendar = target.and_then(|target| contract.support.calendars.get(&target.calendar));
    calendar.map_or(&contract.term.zone, |hours| &hours.zone)
}

/// One line: no control characters, and nothing that turns the reading
/// direction.
pub(super) fn plain_line(text: &str) -> String {
    let fits = |c: char| !c.is_control() && !is_invisible_order(c);
    text.chars()
        .map(|c| if fits(c) { c } else { ' ' })
        .collect()
}

/// Several lines, as [`plain_line`].
pub(super) fn plain_text(text: &str) -> String {
    let lines = text.lines().map(plain_line);
    lines.collect::<Vec<_>>().join("\n")
}

/// Marks that make text look like another one (Unicode's bidirectional controls,
/// and the two that break lines).
const fn is_invisible_order(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}
