//! Terms, zones, calendars, events: whatever has a date.

use jiff::tz::TimeZoneDatabase;

use super::Check;
use crate::calendar::{self, BusinessHours, CalendarError};
use crate::contract::problem::{child, nearest};
use crate::contract::support::ALWAYS;
use crate::ratio::Percent;
use crate::severity::Severity;
use crate::severity::SeverityRule;
use crate::term::TermError;

impl Check<'_> {
    pub(super) fn time(&mut self) {
        self.term();
        self.zone("term.zone", &self.contract.term.zone);
        for (name, hours) in &self.contract.support.calendars {
            self.calendar(&child("support.calendars", name), name, hours);
        }
        self.events();
        self.rules();
        self.experience();
        self.renewal();
    }

    fn term(&mut self) {
        let term = &self.contract.term;
        match term.end_exclusive() {
            Ok(_) => {}
            Err(error) => {
                let path = match &error {
                    TermError::NoEnd => "term",
                    TermError::LeapDay { .. } => "term.start",
                    _ => "term.end",
                };
                let hint = match &error {
                    TermError::OtherEnd { expected, .. } => {
                        format!("leave `end` out, or write `end: {expected}`")
                    }
                    TermError::Empty { .. } => "the end is the first day after the term".into(),
                    _ => String::new(),
                };
                self.error(path, error.to_string(), hint);
                return;
            }
        }
        match term.unsettled_days() {
            Ok(days) if days > 0 => {
                let what = format!(
                    "with `next_month` the first {days} days from {} are not settled",
                    term.start
                );
                let hint = "start on the first of a month, or align with `calendar`";
                self.warn("term.alignment", what, hint);
            }
            _ => {}
        }
    }

    fn zone(&mut self, path: &str, name: &str) {
        if let Err(error) = calendar::zone(name) {
            self.error(path, error.to_string(), zone_hint(name));
        }
    }

    fn calendar(&mut self, path: &str, name: &str, hours: &BusinessHours) {
        if name == ALWAYS {
            let what = "`24x7` means always and needs no hours";
            self.error(path, what, "give this calendar another name");
        }
        for problem in hours.problems() {
            let (key, hint) = match &problem {
                CalendarError::UnknownZone(zone) => ("zone", zone_hint(zone)),
                CalendarError::NoHours => ("hours", "add days and spans".to_owned()),
                CalendarError::EmptySpan(_) => (
                    "hours",
                    "for hours over midnight write two spans, as 22:00-24:00 and 00:00-06:00"
                        .to_owned(),
                ),
                CalendarError::Overlap(..) => ("hours", "join them".to_owned()),
                CalendarError::OutOfRange(_) | CalendarError::TooLarge => ("hours", String::new()),
            };
            self.error(&format!("{path}.{key}"), problem.to_string(), hint);
        }
        let Ok(end) = self.contract.term.end_exclusive() else {
            return;
        };
        let start = self.contract.term.start;
        for (index, holiday) in hours.holidays.iter().enumerate() {
            if *holiday < start || *holiday >= end {
                let path = format!("{path}.holidays[{index}]");
                let what = format!("{holiday} is outside the term, {start} to {end}");
                self.warn(&path, what, "take it out, or correct the year");
            }
        }
    }

    fn events(&mut self) {
        let term = self.contract.term.interval().ok();
        for (index, event) in self.contract.severity.events.iter().enumerate() {
            let path = format!("severity.events[{index}]");
            if event.end <= event.start {
                let what = format!("`{}` is empty: its end is not after its start", event.name);
                self.error(&format!("{path}.end"), what, "");
            } else if term.is_some_and(|t| event.end <= t.start || event.start >= t.end) {
                let what = format!("`{}` is outside the term", event.name);
                self.warn(&path, what, "");
            }
        }
    }

    fn rules(&mut self) {
        let rules = &self.contract.severity.rules;
        for (index, rule) in rules.iter().enumerate() {
            let path = format!("severity.rules[{index}]");
            let severe = matches!(rule.severity, Severity::S1 | Severity::S2);
            if severe && !rule.critical {
                let what = "S1 and S2 are for critical lines alone";
                self.error(&path, what, "add `critical: true`");
            }
            if rule.min_minutes == 0 && rule.bad_from == Percent::ZERO {
                self.error(&path, "this fits every minute, bad or not", "");
            }
            if let Some(other) = hidden_by(rules, index) {
                let what = format!("severity.rules[{other}] fits whenever this one does");
                self.warn(&path, what, "take it out, or make it more severe");
            }
        }
    }

    fn experience(&mut self) {
        let e = self.contract.experience;
        for (key, value) in [
            ("join_within_ms", e.join_within_ms),
            ("audio_freeze_ms", e.audio_freeze_ms),
            ("video_freeze_ms", e.video_freeze_ms),
            ("delay_ms", e.delay_ms),
        ] {
            if value == 0 {
                let what = "0 ms cannot be kept by anybody";
                self.error(&format!("experience.{key}"), what, "");
            }
        }
    }

    fn renewal(&mut self) {
        let term = &self.contract.term;
        let Ok(end) = term.end_exclusive() else {
            return;
        };
        let days = i64::from((end - term.start).get_days());
        if i64::from(self.contract.renewal.notice_days) >= days {
            let what = format!("the notice would have to come before the term of {days} days");
            self.error("renewal.notice_days", what, "agree on fewer days");
        }
        for (index, condition) in self.contract.conditions.iter().enumerate() {
            if i64::from(condition.cure_days) >= days {
                let what = format!("the cure is as long as the term of {days} days");
                let path = format!("conditions[{index}].cure_days");
                self.warn(&path, what, "the condition would have no effect");
            }
        }
    }
}

/// A rule that fits whenever this one does and is at least as severe; of two equal
/// ones the first.
fn hidden_by(rules: &[SeverityRule], index: usize) -> Option<usize> {
    let rule = rules[index];
    rules.iter().enumerate().position(|(n, other)| {
        n != index
            && (n < index || *other != rule)
            && other.severity <= rule.severity
            && (rule.critical || !other.critical)
            && (rule.registered_event || !other.registered_event)
            && rule.min_minutes >= other.min_minutes
            && rule.bad_from >= other.bad_from
    })
}

fn zone_hint(name: &str) -> String {
    let known: Vec<String> = TimeZoneDatabase::bundled()
        .available()
        .map(|n| n.to_string())
        .collect();
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write an IANA name, as `Europe/Berlin` or `UTC`".to_owned(),
    }
}
