//! Which clients join, in which order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::CryptoProvider;
use surecast_room::Grants;
use surecast_room::token::{self, VideoGrant};
use surecast_sim::client::{Config, Publish};

use super::args::LoadArgs;
use super::slot::{Role, Start};
use crate::clock;

/// Tokens are made when the client joins; the server must take them on a
/// reconnect at the end of a long run too.
const TOKEN_TTL: Duration = Duration::from_secs(24 * 3600);

/// All joins of a run.
#[derive(Debug)]
pub(super) struct Schedule<'a> {
    args: &'a LoadArgs,
    prefix: String,
    publish: Vec<Publish>,
    epoch: Instant,
    crypto: Arc<CryptoProvider>,
}

impl<'a> Schedule<'a> {
    pub(super) fn new(args: &'a LoadArgs, epoch: Instant) -> Self {
        let name = || format!("load-{:06x}", fastrand::u32(..0x0100_0000));
        Self {
            args,
            prefix: args.room_prefix.clone().unwrap_or_else(name),
            publish: args.publish(),
            epoch,
            crypto: Arc::new(str0m::crypto::from_feature_flags()),
        }
    }

    /// Time between two joins.
    pub(super) fn spacing(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.args.join_rate)
    }

    pub(super) const fn publisher_count(&self) -> u64 {
        (self.args.rooms * self.args.publishers) as u64
    }

    pub(super) const fn clients(&self) -> u64 {
        (self.args.rooms * (self.args.publishers + self.args.subscribers)) as u64
    }

    pub(super) fn publishers(&self) -> impl Iterator<Item = Start> {
        self.joins(self.args.publishers)
            .map(|(room, index)| self.publisher(room, index))
    }

    pub(super) fn subscribers(&self) -> impl Iterator<Item = Start> {
        self.joins(self.args.subscribers)
            .map(|(room, index)| self.subscriber(room, index))
    }

    /// Room after room gets its next client, so that all fill evenly.
    fn joins(&self, each: usize) -> impl Iterator<Item = (usize, usize)> {
        let rooms = self.args.rooms;
        (0..each).flat_map(move |index| (0..rooms).map(move |room| (room, index)))
    }

    fn publisher(&self, room: usize, index: usize) -> Start {
        let number = room * self.args.publishers + index;
        let encodings: usize = self.publish.iter().map(Publish::encodings).sum();
        let first = u32::try_from(number * encodings).unwrap_or(u32::MAX);
        Start {
            role: Role::Publisher,
            token: self.token(room, &format!("pub-{room}-{index}"), true),
            config: Config {
                publish: self.publish.clone(),
                subscribe: false,
                seed: self.args.seed.wrapping_add(number as u64),
                first_source: first,
                epoch: self.epoch,
                crypto: Arc::clone(&self.crypto),
                dtls: self.args.dtls.version(),
            },
            streams_expected: 0,
        }
    }

    fn subscriber(&self, room: usize, index: usize) -> Start {
        Start {
            role: Role::Subscriber,
            token: self.token(room, &format!("sub-{room}-{index}"), false),
            config: Config {
                publish: Vec::new(),
                subscribe: true,
                seed: self.args.seed,
                first_source: 0,
                epoch: self.epoch,
                crypto: Arc::clone(&self.crypto),
                dtls: self.args.dtls.version(),
            },
            streams_expected: (self.args.publishers * self.publish.len()) as u64,
        }
    }

    fn token(&self, room: usize, identity: &str, publishes: bool) -> String {
        let grants = Grants {
            identity: identity.to_owned(),
            video: Some(VideoGrant {
                room_join: true,
                room: format!("{}-{}", self.prefix, room + 1),
                can_publish: Some(publishes),
                can_subscribe: Some(true),
                ..VideoGrant::default()
            }),
            ..Grants::default()
        };
        let (key, secret) = (&self.args.api_key, &self.args.api_secret);
        token::sign(key, secret, &grants, TOKEN_TTL, clock::now())
    }
}
