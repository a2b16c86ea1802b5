//! One send, whatever it goes to.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use surecast_guarantee::contract::Contract;
use surecast_guarantee::incident::payload::{self, Context};
use surecast_guarantee::incident::{Incident, Notify};

use super::mail::Mailer;
use super::notice::Notice;
use super::parcel::Parcel;
use super::receiver::Receiver;
use crate::config::Alerts;
use crate::metrics::LetterResult;
use crate::store::Letter;
use crate::webhook::post::{Body, Poster, Unposted};

/// Alerts of one request to an Alertmanager: far below its bound of 10 MB.
const ALERTS: usize = 200;

/// What tells copies of a letter apart: the same whenever it is sent again.
/// Numbers of a store that was empty may come again, instants do not.
pub(super) struct Key(String);

impl Key {
    pub fn of(letter: &Letter) -> Self {
        Self(format!("{}-{}", letter.created_ms, letter.id))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why it did not arrive.
#[derive(Debug)]
pub(super) struct Failure {
    pub why: String,
    /// Trying again is of no use.
    pub is_final: bool,
    /// What that counts as, when it is final.
    pub result: LetterResult,
}

impl Failure {
    pub fn again(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_final: false,
            result: LetterResult::Failed,
        }
    }

    pub fn refused(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            is_final: true,
            result: LetterResult::Refused,
        }
    }

    pub fn too_old() -> Self {
        Self {
            why: "it could not be delivered for too long".into(),
            is_final: true,
            result: LetterResult::Expired,
        }
    }
}

/// The ways out.
pub(super) struct Outlet {
    pub contracts: HashMap<String, Arc<Contract>>,
    pub alerts: Alerts,
    pub phone_hook: String,
    /// The server's own address, without a slash at the end.
    pub base_url: String,
    pub poster: Poster,
    pub mailer: Option<Mailer>,
}

impl Outlet {
    /// All that a parcel goes to.
    pub fn receivers(&self, parcel: &Parcel) -> Vec<Receiver> {
        Receiver::of(parcel, &self.alerts)
    }

    /// Those to which open incidents are repeated.
    pub fn alertmanagers(&self) -> impl Iterator<Item = Receiver> {
        let urls = self.alerts.alertmanager.iter().cloned();
        urls.map(Receiver::Alertmanager)
    }

    pub async fn send(&self, to: &Receiver, key: &Key, parcel: &Parcel) -> Result<(), Failure> {
        match parcel {
            Parcel::Notify(notify) => self.tell(to, key, notify).await,
            Parcel::Incident {
                contract,
                incident,
                leaf,
                at,
            } => {
                let context = self.context(contract);
                let (url, body) = match to {
                    Receiver::Alertmanager(url) => {
                        let alert = payload::alertmanager(incident, context);
                        (alerts_url(url), Body::Plain(alert.to_string()))
                    }
                    Receiver::PagerDuty => {
                        let key = &self.alerts.pagerduty_key;
                        let event = payload::pagerduty(incident, context, key);
                        let url = self.alerts.pagerduty_url.clone();
                        (url, Body::Plain(event.to_string()))
                    }
                    Receiver::Webhook(url) => {
                        let id = leaf.to_string();
                        let event = payload::webhook(incident, context, &id, *at);
                        (url.clone(), Body::Signed(event.to_string()))
                    }
                    Receiver::Mail(_) | Receiver::Phone(_) | Receiver::Contact(_) => {
                        return Err(Failure::refused("a change of an incident is for products"));
                    }
                };
                self.post(&url, body).await
            }
        }
    }

    /// Open incidents once more.
    pub async fn repeat(&self, to: &Receiver, open: &[(String, Incident)]) -> Result<(), Failure> {
        let Receiver::Alertmanager(url) = to else {
            return Ok(());
        };
        for some in open.chunks(ALERTS) {
            let alerts = some.iter().flat_map(|(contract, incident)| {
                match payload::alertmanager(incident, self.context(contract)) {
                    Value::Array(alerts) => alerts,
                    _ => Vec::new(),
                }
            });
            let body = Value::Array(alerts.collect()).to_string();
            self.post(&alerts_url(url), Body::Plain(body)).await?;
        }
        Ok(())
    }

    async fn tell(&self, to: &Receiver, key: &Key, notify: &Notify) -> Result<(), Failure> {
        let contract = self.contracts.get(&notify.facts.contract);
        let notice = Notice::new(notify, contract.map(Arc::as_ref), &self.base_url);
        match to {
            Receiver::Mail(_) => match &self.mailer {
                Some(mailer) => mailer.send(&notice, key).await,
                None => Err(Failure::again("`guarantee.mail.smtp` is not set")),
            },
            Receiver::Phone(_) if self.phone_hook.is_empty() => {
                Err(Failure::again("`guarantee.phone.hook` is not set"))
            }
            Receiver::Phone(_) => {
                let body = json!({
                    "event": "call",
                    "id": key.as_str(),
                    "to": notify.to,
                    "name": notify.name,
                    "say": notice.say(),
                    "facts": notify.facts,
                    "url": notice.url,
                });
                self.post(&self.phone_hook, Body::Signed(body.to_string()))
                    .await
            }
            Receiver::Contact(url) => {
                let body = json!({
                    "event": "notice",
                    "id": key.as_str(),
                    "at": notify.facts.at,
                    "contract": notify.facts.contract,
                    "url": notice.url,
                    "name": notify.name,
                    "audience": notify.audience,
                    "text": notice.say(),
                    "facts": notify.facts,
                });
                self.post(url, Body::Signed(body.to_string())).await
            }
            Receiver::Webhook(_) | Receiver::Alertmanager(_) | Receiver::PagerDuty => {
                Err(Failure::refused("a word to a person is not for products"))
            }
        }
    }

    /// Another product that finds a document malformed will always do so. Who
    /// takes our own documents may be repaired.
    async fn post(&self, url: &str, body: Body) -> Result<(), Failure> {
        let own = matches!(body, Body::Signed(_));
        match self.poster.to(url).send(body).await {
            Ok(()) => Ok(()),
            Err(Unposted::Unacceptable(why)) if !own => Err(Failure::refused(why)),
            Err(Unposted::Unacceptable(why) | Unposted::Failed(why)) => Err(Failure::again(why)),
        }
    }

    fn context<'a>(&'a self, contract: &'a str) -> Context<'a> {
        Context {
            contract,
            base_url: &self.base_url,
        }
    }
}

/// An Alertmanager is named by its address alone, or by that of its API.
fn alerts_url(url: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with("/api/v2/alerts") {
        url.to_owned()
    } else {
        format!("{url}/api/v2/alerts")
    }
}
