//! Carries letters to people and products: mail, phone hook, contacts' own
//! webhooks, and for every change of an incident our webhook, Alertmanager and
//! PagerDuty.
//!
//! ```text
//! Desk ─ letters ─► store ─► Courier ─ one lane per receiver ─► Outlet
//! ```
//!
//! A letter leaves the store when all of its receivers have it, or when it is
//! too old. It may arrive twice, with the same id, and never out of order at one
//! receiver.

mod courier;
mod lanes;
mod mail;
mod notice;
mod open;
mod outlet;
mod parcel;
mod progress;
mod receiver;
mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::support::Contact;
use surecast_guarantee::incident::Incidents;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::courier::Courier;
use self::lanes::Pauses;
use self::mail::Mailer;
use self::open::Open;
use self::outlet::Outlet;
use self::receiver::Receiver;
use crate::auth::Keys;
use crate::config::{Alerts, Config, Mail};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::webhook::post::Poster;

pub(crate) use mail::check_smtp;
pub use parcel::Parcel;

/// How long a receiver may take to answer.
const ANSWER: Duration = Duration::from_secs(15);

/// What it needs to know. There are secrets in it: it is not printed.
#[derive(Clone)]
pub struct Settings {
    /// Mail.
    pub mail: Mail,
    /// Alerts for other products.
    pub alerts: Alerts,
    /// Where calls are ordered; empty: nowhere.
    pub phone_hook: String,
    /// The API key that signs.
    pub api_key: String,
    /// The server's own address, without a slash at the end.
    pub base_url: String,
    /// How long it waits.
    pub patience: Patience,
}

/// How long it waits.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pauses: Pauses,
    /// What could not be delivered for so long is dropped: a long weekend.
    max_age: Duration,
    /// A call about a clock that ran out an hour ago only wakes somebody up.
    max_call_age: Duration,
    /// Open incidents are sent to Alertmanager this often; it takes those that
    /// are not for over after 5 minutes.
    resend: Duration,
    /// The same after the start.
    resend_first: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            pauses: Pauses {
                first_ms: 10_000,
                longest_ms: 300_000,
            },
            max_age: Duration::from_secs(3 * 24 * 3600),
            max_call_age: Duration::from_secs(3600),
            resend: Duration::from_secs(4 * 60),
            resend_first: Duration::from_secs(15),
        }
    }
}

impl Patience {
    const fn age_of(&self, receiver: &Receiver) -> Duration {
        match receiver {
            Receiver::Phone(_) => self.max_call_age,
            _ => self.max_age,
        }
    }
}

impl Settings {
    /// From the configuration.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let signing = config.default_key().map(|(key, _)| key.clone());
        let api_key = match config.webhook.api_key.as_str() {
            "" => signing.unwrap_or_default(),
            named => named.to_owned(),
        };
        let scheme = if config.tls.enabled() {
            "https"
        } else {
            "http"
        };
        let base_url = match config.guarantee.url.trim_end_matches('/') {
            "" => format!("{scheme}://{}", config.http.listen),
            url => url.to_owned(),
        };
        Self {
            mail: config.guarantee.mail.clone(),
            alerts: config.guarantee.alerts.clone(),
            phone_hook: config.guarantee.phone.hook.clone(),
            api_key,
            base_url,
            patience: Patience::default(),
        }
    }
}

/// Says that there are new letters. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// There may be letters.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

/// The running delivery.
pub struct Delivery {
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Delivery {
    /// Takes up what the last run left over, and carries.
    ///
    /// # Errors
    /// Settings that cannot be used, or a store that cannot be read.
    pub async fn start(
        settings: Settings,
        keys: Keys,
        store: Store,
        metrics: Arc<Metrics>,
        contracts: &[Arc<Contract>],
    ) -> anyhow::Result<Self> {
        warn_about_ways(&settings, contracts);
        let open = Open::default();
        for contract in contracts {
            seed(&open, &store, contract).await;
        }
        let poster = Poster::new("", settings.api_key, keys, ANSWER)?;
        let named = |contract: &Arc<Contract>| (contract.id.clone(), contract.clone());
        let outlet = Outlet {
            contracts: contracts.iter().map(named).collect::<HashMap<_, _>>(),
            alerts: settings.alerts,
            phone_hook: settings.phone_hook,
            base_url: settings.base_url,
            poster,
            mailer: Mailer::new(&settings.mail)?,
        };
        let wake = Arc::new(Notify::new());
        let (stop, stopped) = watch::channel(false);
        let courier = Courier::new(
            store,
            metrics,
            Arc::new(outlet),
            settings.patience,
            open,
            wake.clone(),
            stopped,
        );
        let task = tokio::spawn(courier.run());
        Ok(Self { wake, stop, task })
    }

    /// For whoever writes letters.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker(self.wake.clone())
    }

    /// Sends what can be sent at once, for at most `grace`, and ends. The rest
    /// stays in the store.
    pub async fn stop(self, grace: Duration) {
        self.wake.notify_one();
        self.stop.send_replace(true);
        let mut task = self.task;
        if tokio::time::timeout(grace, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// Incidents that were open when the server stopped.
async fn seed(open: &Open, store: &Store, contract: &Arc<Contract>) {
    let saved = match store.desk(&contract.id).await {
        Ok(Some(saved)) => saved,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(%error, contract = contract.id, "cannot read which incidents are open");
            return;
        }
    };
    let at = Timestamp::from_millisecond(saved.saved_ms).unwrap_or(Timestamp::MIN);
    match Incidents::restore(contract.clone(), &saved.incidents) {
        Ok(engine) => {
            for incident in engine.incidents() {
                open.seed(&contract.id, incident, at);
            }
        }
        // Of another version of the contract: its letters are still carried.
        Err(error) => {
            tracing::warn!(%error, contract = contract.id, "open incidents are not repeated")
        }
    }
}

/// A promise to call somebody who cannot be reached is worth a line.
fn warn_about_ways(settings: &Settings, contracts: &[Arc<Contract>]) {
    for contract in contracts {
        let people = people(contract);
        let id = &contract.id;
        let with = |way: fn(&Contact) -> bool| people.iter().filter(|c| way(c)).count();
        let mails = with(|contact| contact.mail.is_some());
        if mails > 0 && settings.mail.smtp.is_empty() {
            tracing::warn!(
                contract = id,
                mails,
                "contacts have mail addresses, but `guarantee.mail.smtp` is not set: \
                 their letters wait for 3 days and are dropped"
            );
        }
        let phones = with(|contact| contact.phone.is_some());
        if phones > 0 && settings.phone_hook.is_empty() {
            tracing::warn!(
                contract = id,
                phones,
                "contacts have phone numbers, but `guarantee.phone.hook` is not set: nobody is called"
            );
        }
        let hooks = with(|contact| contact.webhook.is_some());
        if hooks > 0 && settings.api_key.is_empty() {
            tracing::warn!(
                contract = id,
                hooks,
                "contacts have webhooks, but no key is named that signs: set `webhook.api_key`"
            );
        }
    }
}

fn people(contract: &Contract) -> Vec<&Contact> {
    let (parties, plan) = (&contract.parties, &contract.support);
    let mut people = vec![
        &parties.provider.contact,
        &parties.customer.contact,
        &plan.lead,
    ];
    people.extend(&plan.account_manager);
    people.extend(plan.experts.iter().map(|expert| &expert.contact));
    people
}

#[cfg(test)]
mod tests;
