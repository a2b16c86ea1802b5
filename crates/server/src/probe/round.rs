//! One round: a publisher and a subscriber in a room of their own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use str0m::config::{CryptoProvider, DtlsVersion};
use surecast_media::control::Kind;
use surecast_room::Grants;
use surecast_room::token::{self, VideoGrant};
use surecast_sim::client::{Config, Publish};
use surecast_sim::source::Encoding;
use tokio::time::sleep_until;

use super::args::Credentials;
use super::outcome::Outcome;
use super::peer::Peer;
use super::verdict::{self, Judged};
use crate::clock;
use crate::load::cpu;
use crate::load::target::{Target, TargetError};

/// Until media has come, or the round is over: twice the level of a join, so
/// that what is late can be told from what does not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// The token needs to hold for one round only.
const TOKEN_TTL: Duration = Duration::from_secs(600);

/// Small, because what is asked is whether media flows, not how much.
const VIDEO: Encoding = Encoding {
    rid: None,
    width: 320,
    height: 180,
    bitrate: 150_000,
};

/// What all rounds have in common.
pub(super) struct Plan {
    pub(super) url: String,
    pub(super) credentials: Credentials,
    pub(super) vantage: String,
    pub(super) region: String,
    pub(super) duration: Duration,
    pub(super) crypto: Arc<CryptoProvider>,
}

/// Both clients, and when the media was looked at.
pub(super) struct Seen {
    pub(super) publisher: Peer,
    pub(super) subscriber: Peer,
    /// From the first media of both kinds to the end; `None` if it did not come.
    pub(super) window: Option<Duration>,
    pub(super) ended: Instant,
}

impl Plan {
    /// One round. Whatever happens is part of the outcome.
    pub(super) async fn round(&self) -> Outcome {
        let (cpu, begin, at) = (cpu::Meter::start(), clock::now(), Timestamp::now());
        let room = format!("surecast-probe-{}-{:08x}", self.vantage, fastrand::u32(..));
        let mut outcome = Outcome::new(self, at, &room);
        match self.go(&room).await {
            Ok(seen) => {
                outcome.measure(&seen);
                outcome.judge(verdict::judge(&seen));
            }
            Err(judged) => outcome.judge(judged),
        }
        if let Some(why) = verdict::clock_trouble(begin, clock::now()) {
            outcome.judge(Judged::own(why));
        }
        outcome.cost.cpu_s = cpu.seconds();
        outcome
    }

    async fn go(&self, room: &str) -> Result<Seen, Judged> {
        let target = Target::resolve(&self.url)
            .await
            .map_err(|error| match error {
                TargetError::Server(why) => Judged::unreachable(why),
                TargetError::Own(_) | TargetError::Call(_) => Judged::own(error.to_string()),
            })?;
        let own = |error: anyhow::Error| Judged::own(format!("{error:#}"));
        let [publisher, subscriber] = self.tokens(room);
        let epoch = Instant::now();
        let publishes = vec![Publish::Audio, Publish::Video(vec![VIDEO])];
        let publisher = Peer::start(&target, publisher, self.config(publishes, epoch));
        let publisher = publisher.await.map_err(own)?;
        let subscriber = Peer::start(&target, subscriber, self.config(Vec::new(), epoch));
        let subscriber = subscriber.await.map_err(own)?;
        Ok(self.watch(publisher, subscriber).await)
    }

    async fn watch(&self, mut publisher: Peer, mut subscriber: Peer) -> Seen {
        let mut deadline = Instant::now() + PATIENCE;
        let mut first = None;
        loop {
            tokio::select! {
                () = publisher.turn() => {}
                () = subscriber.turn() => {}
                () = sleep_until(deadline.into()) => break,
            }
            if publisher.client.is_finished() || subscriber.client.is_finished() {
                break;
            }
            if first.is_none() && media_came(&subscriber) {
                let now = Instant::now();
                first = Some(now);
                deadline = now + self.duration;
            }
        }
        let ended = Instant::now();
        let (publisher, subscriber) = tokio::join!(publisher.leave(), subscriber.leave());
        Seen {
            publisher,
            subscriber,
            window: first.map(|first| ended.saturating_duration_since(first)),
            ended,
        }
    }

    fn config(&self, publish: Vec<Publish>, epoch: Instant) -> Config {
        Config {
            subscribe: publish.is_empty(),
            publish,
            seed: fastrand::u64(..),
            first_source: 1,
            epoch,
            crypto: Arc::clone(&self.crypto),
            dtls: DtlsVersion::Auto,
        }
    }

    /// Of the publisher and of the subscriber.
    fn tokens(&self, room: &str) -> [String; 2] {
        let (key, secret) = match &self.credentials {
            Credentials::Tokens {
                publisher,
                subscriber,
            } => {
                return [publisher.clone(), subscriber.clone()];
            }
            Credentials::Key { key, secret } => (key, secret),
        };
        [("pub", true), ("sub", false)].map(|(identity, publishes)| {
            let grants = Grants {
                identity: format!("{identity}-{}", self.vantage),
                video: Some(VideoGrant {
                    room_join: true,
                    room: room.to_owned(),
                    can_publish: Some(publishes),
                    can_subscribe: Some(true),
                    ..VideoGrant::default()
                }),
                ..Grants::default()
            };
            token::sign(key, secret, &grants, TOKEN_TTL, clock::now())
        })
    }
}

fn media_came(subscriber: &Peer) -> bool {
    let came = |kind| {
        subscriber
            .client
            .flow(kind)
            .is_some_and(|f| f.first().is_some())
    };
    came(Kind::Audio) && came(Kind::Video)
}
