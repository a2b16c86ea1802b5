//! `/guarantee/v1/status` for programs and `/status` for people: what the log
//! says of the last hour, the day and the contracts.

pub mod api;
mod people;
pub(super) mod probes;
pub(super) mod receipts;
mod words;

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;
use surecast_guarantee::html::escape;
use surecast_guarantee::ratio::Ratio;

use super::Doors;
use crate::guarantee::{LineStatus, Shared, Shown, Status, timestamp};
use words::{Language, Words};

/// Said where nothing is measured.
const OFF: &str = "the guarantee is turned off (`guarantee.enabled`)\n";

pub(super) async fn status(State(doors): State<Arc<Doors>>) -> Response {
    let Some(shared) = &doors.guarantee else {
        return (StatusCode::NOT_FOUND, OFF).into_response();
    };
    let status = shared.book().status(timestamp());
    let published = shared.log.published().borrow().clone();
    let log = json!({
        "origin": shared.log.key().name(),
        "vkey": shared.log.key().to_string(),
        "size": published.size,
        "checkpoint": &*published.checkpoint,
    });
    let mut response = Json(json!({ "log": log, "status": status })).into_response();
    fresh(&mut response);
    response
}

pub(super) async fn page(
    State(doors): State<Arc<Doors>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(shared) = &doors.guarantee else {
        return (StatusCode::NOT_FOUND, OFF).into_response();
    };
    let accepted = headers.get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    let language = Language::choose(query.as_deref(), accepted);
    let status = shared.book().status(timestamp());
    let mut response = Html(render(&status, shared, language)).into_response();
    fresh(&mut response);
    let vary = HeaderValue::from_static("Accept-Language");
    response.headers_mut().insert(header::VARY, vary);
    response
}

fn fresh(response: &mut Response) {
    let value = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
}

fn render(status: &Status, shared: &Shared, language: Language) -> String {
    let words = language.words();
    let mut lines = String::new();
    for line in &status.lines {
        render_line(&mut lines, line, words);
    }
    let key = shared.log.key().to_string();
    let size = shared.log.published().borrow().size;
    let values = [
        ("{lang}", words.tag.to_owned()),
        ("{title}", words.title.to_owned()),
        ("{overall}", overall(status, words)),
        ("{now}", minute(status.now)),
        ("{people}", people::render(status, words)),
        ("{lines}", lines),
        ("{legend}", legend(words)),
        ("{verify_title}", words.verify_title.to_owned()),
        ("{verify}", words.verify.to_owned()),
        ("{size_label}", words.size.to_owned()),
        ("{size}", size.to_string()),
        ("{key_label}", words.key.to_owned()),
        ("{key}", escape(&key)),
        ("{measured}", words.measured.to_owned()),
        ("{other}", words.other.to_owned()),
    ];
    // One pass over the template, so that no value is looked at for names.
    let mut page = String::new();
    let mut rest = TEMPLATE;
    while let Some(found) = values
        .iter()
        .filter_map(|(name, value)| Some((rest.find(name)?, name, value)))
        .min_by_key(|(at, ..)| *at)
    {
        let (at, name, value) = found;
        page.push_str(&rest[..at]);
        page.push_str(value);
        rest = &rest[at + name.len()..];
    }
    page.push_str(rest);
    page
}

const TEMPLATE: &str = include_str!("guarantee/status.html");

/// The worst of the last minute of each line.
fn overall(status: &Status, words: &Words) -> String {
    let last = status.lines.iter().filter_map(|line| line.minutes.last());
    let worst = last
        .map(|minute| minute.state)
        .max_by_key(|state| state.badness());
    let state = worst.unwrap_or(Shown::Unknown);
    let (class, word) = (class(state), words.overall(state));
    format!(r#"<p class="overall {class}"><b>{word}</b></p>"#)
}

fn render_line(out: &mut String, line: &LineStatus, words: &Words) {
    let module = words.module(line.module);
    let region = escape(line.region.name());
    let day = percent(line.day).unwrap_or_else(|| words.nothing.to_owned());
    // Writing into a string cannot fail.
    let _ = write!(
        out,
        r#"<section><h2>{module} <small>{region}</small></h2>{}<dl><div><dt>{}</dt><dd>{day}</dd></div>"#,
        strip(line, words),
        words.day,
    );
    for promise in &line.contracts {
        let attained = percent(promise.attained).unwrap_or_else(|| words.nothing.to_owned());
        let mark = if promise.met { "good" } else { "bad" };
        let burning = if promise.burn.is_some() {
            words.burning
        } else {
            ""
        };
        let _ = write!(
            out,
            r#"<div><dt>{} {} ({} {})</dt><dd class="text-{mark}">{attained}{burning}</dd></div>"#,
            words.contract,
            escape(&promise.contract),
            words.target,
            promise.target,
        );
    }
    out.push_str("</dl></section>");
}

/// One bar a minute, told in words for who cannot see it.
fn strip(line: &LineStatus, words: &Words) -> String {
    let count = |state| line.minutes.iter().filter(|m| m.state == state).count();
    let told: Vec<String> = SHOWN
        .iter()
        .filter(|state| count(**state) > 0)
        .map(|state| format!("{} {}", count(*state), words.state(*state)))
        .collect();
    let mut bars = String::new();
    for (at, minute_status) in line.minutes.iter().enumerate() {
        let state = minute_status.state;
        let (class, word) = (class(state), words.state(state));
        let when = minute(minute_status.minute);
        let x = at * 10;
        let _ = write!(
            bars,
            r#"<rect x="{x}" width="8" height="34" rx="2" class="{class}"><title>{when} {word}</title></rect>"#
        );
    }
    let first = line.minutes.first().map(|m| clock(m.minute));
    let last = line.minutes.last().map(|m| clock(m.minute));
    format!(
        r#"<svg viewBox="0 0 598 34" preserveAspectRatio="none" role="img" aria-label="{}">{bars}</svg><p class="axis"><span>{}</span><span>{} UTC</span></p>"#,
        told.join(", "),
        first.unwrap_or_default(),
        last.unwrap_or_default(),
    )
}

const SHOWN: [Shown; 6] = [
    Shown::Good,
    Shown::Bad,
    Shown::NoData,
    Shown::Maintenance,
    Shown::Idle,
    Shown::Unknown,
];

fn legend(words: &Words) -> String {
    let item = |state: &Shown| {
        let (class, word) = (class(*state), words.state(*state));
        format!(r#"<li><i class="{class}"></i>{word}</li>"#)
    };
    SHOWN.iter().map(item).collect()
}

const fn class(state: Shown) -> &'static str {
    match state {
        Shown::Good => "good",
        Shown::Bad => "bad",
        Shown::Idle => "idle",
        Shown::NoData => "nodata",
        Shown::Maintenance => "maintenance",
        Shown::Unknown => "unknown",
    }
}

/// Rounded down, so that 100 % is only what is whole.
fn percent(ratio: Ratio) -> Option<String> {
    let ratio = ratio.known()?;
    let parts = u128::from(ratio.num) * 100_000 / u128::from(ratio.den);
    Some(format!("{}.{:03} %", parts / 1000, parts % 1000))
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_up() {
        for (num, den, text) in [
            (1, 1, "100.000 %"),
            (999_999, 1_000_000, "99.999 %"),
            (9_999_999, 10_000_000, "99.999 %"),
            (0, 3, "0.000 %"),
        ] {
            let ratio = Ratio::from_wide(num, den);
            assert_eq!(percent(ratio).as_deref(), Some(text));
        }
        assert_eq!(percent(Ratio::from_wide(0, 0)), None);
    }

    #[test]
    fn names_are_no_markup() {
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
