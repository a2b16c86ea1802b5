//! Asking somebody else whether an encoder or a viewer may come in.

use std::net::SocketAddr;
use std::time::Duration;

use hyper::StatusCode;
use serde::Serialize;

use super::{Protocol, Refusal};
use crate::auth::Keys;
use crate::clock;
use crate::config::Config;
use crate::webhook::post::Poster;

/// People wait in front of the door for the answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Of the answer's words so many characters are passed on.
const MAX_WORDS: usize = 200;

/// The addresses that are asked; signed as webhooks are.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    publish: Option<Poster>,
    play: Option<Poster>,
}

/// What is asked.
#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub event: What,
    pub room: &'a str,
    /// Of an encoder; empty for viewers.
    pub identity: &'a str,
    pub protocol: Protocol,
    /// Without its port.
    pub address: String,
    /// Unix time in seconds.
    pub created_at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    Publish,
    Play,
}

impl Hooks {
    pub(super) fn new(config: &Config, keys: &Keys) -> anyhow::Result<Self> {
        let poster = |url: &str| {
            if url.is_empty() {
                return Ok(None);
            }
            let api_key = match config.default_key() {
                Some((key, _)) if config.webhook.api_key.is_empty() => key.clone(),
                _ => config.webhook.api_key.clone(),
            };
            Poster::new(url, api_key, keys.clone(), TIMEOUT).map(Some)
        };
        Ok(Self {
            publish: poster(&config.broadcast.on_publish)?,
            play: poster(&config.broadcast.on_play)?,
        })
    }

    /// Lets in what every 2xx answer lets in. No answer is a refusal: whoever
    /// asks wants to know.
    pub(super) async fn ask(
        &self,
        event: What,
        room: &str,
        identity: &str,
        (protocol, from): (Protocol, SocketAddr),
    ) -> Result<(), Refusal> {
        let (poster, name) = match event {
            What::Publish => (&self.publish, "broadcast.on_publish"),
            What::Play => (&self.play, "broadcast.on_play"),
        };
        let Some(poster) = poster else {
            return Ok(());
        };
        let question = Question {
            event,
            room,
            identity,
            protocol,
            address: from.ip().to_string(),
            created_at: clock::now().unix_secs(),
        };
        // Strings and numbers: this cannot fail.
        let body = serde_json::to_string(&question).unwrap_or_default();
        // The request is large, and rarely made.
        match Box::pin(poster.ask(body)).await {
            Ok((status, _)) if status.is_success() => Ok(()),
            Ok((status, words)) => Err(Refusal::Hook(refused(status, &words))),
            Err(why) => {
                tracing::warn!(room, setting = name, why, "no answer: refused");
                Err(Refusal::Hook(format!("{name} did not answer")))
            }
        }
    }
}

fn refused(status: StatusCode, words: &str) -> String {
    let words: String = words
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_WORDS)
        .collect();
    if words.is_empty() {
        return format!("the operator's rules say no ({status})");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_refusal_are_bounded_and_plain() {
        assert_eq!(refused(StatusCode::FORBIDDEN, " banned\r\n"), "banned");
        assert_eq!(
            refused(StatusCode::FORBIDDEN, &"x".repeat(5000)).len(),
            MAX_WORDS
        );
        assert!(refused(StatusCode::FORBIDDEN, "\n").contains("403"));
    }
}
