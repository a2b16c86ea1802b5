//! Where a parcel goes.

use std::fmt;

use surecast_guarantee::incident::output::Via;

use super::parcel::Parcel;
use crate::config::Alerts;

/// One address. Its letters leave in order, one at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Receiver {
    /// A person's mailbox.
    Mail(String),
    /// A person's number, by way of the phone hook.
    Phone(String),
    /// A person's own webhook.
    Contact(String),
    /// One of `guarantee.alerts.webhooks`.
    Webhook(String),
    /// One of `guarantee.alerts.alertmanager`.
    Alertmanager(String),
    /// `guarantee.alerts.pagerduty_key`.
    PagerDuty,
}

impl Receiver {
    /// All that a parcel goes to.
    pub fn of(parcel: &Parcel, alerts: &Alerts) -> Vec<Self> {
        let Parcel::Notify(notify) = parcel else {
            let hooks = alerts.webhooks.iter().cloned().map(Self::Webhook);
            let managers = alerts.alertmanager.iter().cloned();
            let pager = (!alerts.pagerduty_key.is_empty()).then_some(Self::PagerDuty);
            return hooks
                .chain(managers.map(Self::Alertmanager))
                .chain(pager)
                .collect();
        };
        let to = notify.to.clone();
        vec![match notify.via {
            Via::Mail => Self::Mail(to),
            Via::Phone => Self::Phone(to),
            Via::Webhook => Self::Contact(to),
        }]
    }

    /// For the metric.
    pub const fn channel(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Phone(_) => "phone",
            Self::Contact(_) => "contact_webhook",
            Self::Webhook(_) => "webhook",
            Self::Alertmanager(_) => "alertmanager",
            Self::PagerDuty => "pagerduty",
        }
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PagerDuty => f.write_str("pagerduty"),
            Self::Mail(to)
            | Self::Phone(to)
            | Self::Contact(to)
            | Self::Webhook(to)
            | Self::Alertmanager(to) => write!(f, "{} {to}", self.channel()),
        }
    }
}
