//! Section `guarantee`, its part about who is told: `mail`, `alerts`, `phone`.

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

use super::Config;
use super::load::is_http_url;

/// The public address of PagerDuty's Events API v2.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";

/// Section `guarantee.mail`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// The mail server as a URL; empty: none.
    pub smtp: String,
    /// Sender.
    pub from: String,
    /// Where answers go; empty: the sender.
    pub reply_to: String,
    /// File with certificates of authorities that the mail server may have its
    /// own from, in PEM, beside those of this machine; empty: none.
    pub ca: String,
}

/// Section `guarantee.alerts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Receivers of our own document.
    pub webhooks: Vec<String>,
    /// Alertmanagers.
    pub alertmanager: Vec<String>,
    /// Routing key; empty: none.
    pub pagerduty_key: String,
    /// Where PagerDuty's events go.
    pub pagerduty_url: String,
}

/// Section `guarantee.phone`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Phone {
    /// Where calls are ordered; empty: nowhere.
    pub hook: String,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            webhooks: Vec::new(),
            alertmanager: Vec::new(),
            pagerduty_key: String::new(),
            pagerduty_url: PAGERDUTY.into(),
        }
    }
}

/// What types cannot say. `Err(key, problem)`.
pub(super) fn check(config: &Config) -> Result<(), (&'static str, String)> {
    let guarantee = &config.guarantee;
    check_urls(config)?;
    check_mail(&guarantee.mail)?;
    let signs = !guarantee.alerts.webhooks.is_empty() || !guarantee.phone.hook.is_empty();
    if signs && config.webhook.api_key.is_empty() && config.default_key().is_none() {
        let key = if guarantee.phone.hook.is_empty() {
            "guarantee.alerts.webhooks"
        } else {
            "guarantee.phone.hook"
        };
        let why = "set `webhook.api_key`: there are several keys that could sign";
        return Err((key, why.into()));
    }
    Ok(())
}

fn check_urls(config: &Config) -> Result<(), (&'static str, String)> {
    let (alerts, phone) = (&config.guarantee.alerts, &config.guarantee.phone);
    let one = std::slice::from_ref::<String>;
    for (key, urls, may_be_empty) in [
        ("guarantee.url", one(&config.guarantee.url), true),
        ("guarantee.alerts.webhooks", &alerts.webhooks[..], false),
        (
            "guarantee.alerts.alertmanager",
            &alerts.alertmanager[..],
            false,
        ),
        (
            "guarantee.alerts.pagerduty_url",
            one(&alerts.pagerduty_url),
            false,
        ),
        ("guarantee.phone.hook", one(&phone.hook), true),
    ] {
        for (at, url) in urls.iter().enumerate() {
            if !(is_http_url(url) || may_be_empty && url.is_empty()) {
                return Err((key, format!("`{url}` is not an http:// or https:// URL")));
            }
            if urls[..at].contains(url) {
                return Err((key, format!("`{url}` is listed twice")));
            }
        }
    }
    Ok(())
}

/// The URL itself is not repeated: there is a password in it.
fn check_mail(mail: &Mail) -> Result<(), (&'static str, String)> {
    for (key, text) in [
        ("guarantee.mail.from", &mail.from),
        ("guarantee.mail.reply_to", &mail.reply_to),
    ] {
        if !text.is_empty() && text.parse::<Mailbox>().is_err() {
            return Err((
                key,
                format!("`{text}` is not `address` or `Name <address>`"),
            ));
        }
    }
    if mail.smtp.is_empty() {
        return Ok(());
    }
    if mail.from.is_empty() {
        let why = "must name the sender when `guarantee.mail.smtp` is set";
        return Err(("guarantee.mail.from", why.into()));
    }
    crate::guarantee::check_smtp(&mail.smtp).map_err(|why| ("guarantee.mail.smtp", why))
}
