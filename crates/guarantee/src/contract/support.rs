//! Who answers, when, how fast, and who is called when nobody does.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::calendar::{BusinessHours, Calendar, CalendarError};
use crate::clock::{Clock, ClockKind};
use crate::module::Module;
use crate::ratio::Percent;
use crate::severity::Severity;

/// Name of the calendar that needs no definition: always.
pub const ALWAYS: &str = "24x7";

/// The support plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupportPlan {
    /// Ways to open a ticket.
    pub channels: Vec<Channel>,
    /// Business calendars by name; `24x7` is there without being defined.
    #[serde(default)]
    pub calendars: BTreeMap<String, BusinessHours>,
    /// What is promised for each severity.
    pub targets: BTreeMap<Severity, Target>,
    /// Leads the shift.
    pub lead: Contact,
    /// Answers for this customer, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_manager: Option<Contact>,
    /// Know the thing itself.
    #[serde(default)]
    pub experts: Vec<Expert>,
    /// Who is called when how much of a target is used up.
    pub escalation: Vec<Escalation>,
}

/// A way to open a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Channel {
    Web,
    Mail,
    Api,
    Phone,
    Chat,
}

/// What is promised for one severity; minutes of the calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `24x7`, or the name of a business calendar of the plan.
    pub calendar: String,
    /// Until a human has answered.
    pub response_minutes: u32,
    /// Between two words to the customer.
    pub update_minutes: u32,
    /// Until the service is back; none = not promised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_minutes: Option<u32>,
}

/// A person, and how to reach them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Name.
    pub name: String,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Number with its country code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// URL to which a signed webhook goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

impl Contact {
    /// Whether there is any way to reach them.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        self.mail.is_some() || self.phone.is_some() || self.webhook.is_some()
    }
}

/// A person who knows some modules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expert {
    /// Who.
    pub contact: Contact,
    /// Of what; empty = of all.
    #[serde(default)]
    pub modules: Vec<Module>,
}

/// One step of escalation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// When this share of a clock's target is used up.
    pub at: Percent,
    /// Who is called.
    pub to: Role,
}

/// Who can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    Lead,
    AccountManager,
    Expert,
}

impl Role {
    /// The name in contracts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::AccountManager => "account_manager",
            Self::Expert => "expert",
        }
    }
}

impl Target {
    /// How long a clock of this kind may run; `None` if nothing is promised.
    #[must_use]
    pub fn duration(&self, kind: ClockKind) -> Option<SignedDuration> {
        let minutes = match kind {
            ClockKind::FirstResponse => Some(self.response_minutes),
            ClockKind::NextUpdate => Some(self.update_minutes),
            ClockKind::Restoration => self.restore_minutes,
        };
        minutes.map(|m| SignedDuration::from_mins(i64::from(m)))
    }
}

impl SupportPlan {
    /// A calendar of the plan, ready to compute; `None` if there is none of that
    /// name.
    ///
    /// # Errors
    /// If its hours make no sense.
    pub fn calendar(&self, name: &str) -> Option<Result<Calendar, CalendarError>> {
        if name == ALWAYS {
            return Some(Ok(Calendar::Always));
        }
        self.calendars.get(name).map(BusinessHours::compile)
    }

    /// The clock of this kind for an incident or ticket of this severity that
    /// began at `started`; `None` if nothing is promised, or the severity's
    /// calendar is not there.
    ///
    /// # Errors
    /// If the calendar's hours make no sense; those of a checked contract do.
    pub fn clock(
        &self,
        kind: ClockKind,
        severity: Severity,
        started: Timestamp,
    ) -> Option<Result<Clock, CalendarError>> {
        let target = self.targets.get(&severity)?;
        let duration = target.duration(kind)?;
        let calendar = self.calendar(&target.calendar)?;
        Some(calendar.map(|calendar| Clock::start(kind, calendar, duration, started)))
    }

    /// When who is called for a clock, in order; instants that an open pause
    /// makes unknown are left out.
    #[must_use]
    pub fn escalations(&self, clock: &Clock) -> Vec<(Timestamp, Role)> {
        let steps = self.escalation.iter();
        steps
            .filter_map(|step| Some((clock.at_share(step.at)?, step.to)))
            .collect()
    }

    /// Who to call in a role for a module. Of several experts those who name the
    /// module come first.
    #[must_use]
    pub fn contacts(&self, role: Role, module: Module) -> Vec<&Contact> {
        match role {
            Role::Lead => vec![&self.lead],
            Role::AccountManager => self.account_manager.iter().collect(),
            Role::Expert => {
                let named = |e: &&Expert| e.modules.contains(&module);
                let general = |e: &&Expert| e.modules.is_empty();
                let first = self.experts.iter().filter(named);
                let then = self.experts.iter().filter(general);
                first.chain(then).map(|e| &e.contact).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Contract;
    use crate::contract::plan::Plan;

    #[test]
    fn a_plan_starts_clocks_and_says_who_is_called_when() {
        let (contract, _) = Contract::from_yaml(Plan::Custom.yaml()).expect("a contract");
        let support = &contract.support;
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let clock = |kind, severity, started| {
            let clock = support.clock(kind, severity, at(started))?;
            Some(clock.expect("hours"))
        };
        let restoration = clock(ClockKind::Restoration, Severity::S1, "2027-05-01T20:00:00Z")
            .expect("restoration is promised");
        assert_eq!(
            support.escalations(&restoration),
            [
                (at("2027-05-01T22:00:00Z"), Role::Lead),
                (at("2027-05-01T23:00:00Z"), Role::AccountManager),
                (at("2027-05-02T00:00:00Z"), Role::Expert),
            ]
        );
        // Wednesday 17:00 in Berlin, one hour is left; Thursday is a holiday, and
        // on Friday three hours are enough.
        let response = clock(
            ClockKind::FirstResponse,
            Severity::S3,
            "2027-05-05T15:00:00Z",
        )
        .expect("a response is promised");
        assert_eq!(response.due(), Some(at("2027-05-07T10:00:00Z")));
        let never = clock(ClockKind::Restoration, Severity::S4, "2027-05-05T15:00:00Z");
        assert_eq!(never, None);
        let names: Vec<_> = support
            .contacts(Role::Expert, Module::Media)
            .iter()
            .map(|c| c.name.as_str())
            .collect();
        assert_eq!(names, ["Media expert"]);
    }
}
