//! Viewers: HLS has no connection that would tell how many there are, so each
//! gets a number with the multivariant playlist, and carries it along.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Query;
use super::reply::Problem;
use crate::broadcast::viewers::Viewer;
use crate::broadcast::{Broadcast, Protocol, Refusal};

/// A viewer that has asked for nothing for so long is gone: players that play
/// ask several times in each target duration.
const AWAY: Duration = Duration::from_secs(30);

/// Viewers of this server at most: more than its network could serve.
const MAX_SESSIONS: usize = 100_000;

/// Characters of a session's number, ours or one that a player brings from
/// before a restart.
const NUMBER: usize = 16;

#[derive(Default)]
pub(super) struct Sessions {
    table: Mutex<Table>,
    /// Makes numbers of addresses, which nobody else can make.
    secret: RandomState,
}

/// A viewer that was let in.
pub(super) struct Admitted {
    pub number: String,
    /// With this request.
    pub new: bool,
}

#[derive(Default)]
struct Table {
    by_number: HashMap<(String, String), Session>,
    swept: Option<Instant>,
}

struct Session {
    /// Counted for as long as this is here.
    _viewer: Viewer,
    seen: Instant,
}

impl Sessions {
    /// Lets a request in: with the number of a viewer that was let in before, or
    /// with a token. Who asks for more than the multivariant playlist and brings
    /// no number is known by his address.
    pub(super) async fn admit(
        &self,
        broadcast: &Broadcast,
        (room, begins): (&str, bool),
        query: &Query,
        from: SocketAddr,
    ) -> Result<Admitted, Problem> {
        let brought = query.session.as_deref().filter(|it| is_number(it));
        let number = match brought {
            Some(number) => number.to_owned(),
            None if begins => format!("{:016x}", random()),
            None => format!("{:016x}", self.secret.hash_one((from.ip(), &query.token))),
        };
        if self.touch(room, &number) {
            return Ok(Admitted { number, new: false });
        }
        let place = (Protocol::Hls, from);
        let viewer = broadcast
            .viewer(room, query.token.as_deref(), place)
            .await?;
        self.enter(room, &number, viewer)?;
        Ok(Admitted { number, new: true })
    }

    /// The viewer got nothing, and is none.
    pub(super) fn leave(&self, room: &str, number: &str) {
        let key = (room.to_owned(), number.to_owned());
        self.lock().by_number.remove(&key);
    }

    fn touch(&self, room: &str, number: &str) -> bool {
        let mut table = self.lock();
        table.sweep(Instant::now());
        let key = (room.to_owned(), number.to_owned());
        let Some(session) = table.by_number.get_mut(&key) else {
            return false;
        };
        session.seen = Instant::now();
        true
    }

    fn enter(&self, room: &str, number: &str, viewer: Viewer) -> Result<(), Problem> {
        let mut table = self.lock();
        table.sweep(Instant::now());
        if table.by_number.len() >= MAX_SESSIONS {
            let words = "this server has as many viewers as it may have";
            return Err(Problem::Refused(Refusal::Full(words)));
        }
        let session = Session {
            _viewer: viewer,
            seen: Instant::now(),
        };
        let key = (room.to_owned(), number.to_owned());
        table.by_number.insert(key, session);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Once a second, whoever is away is left out.
    fn sweep(&mut self, now: Instant) {
        let due = self
            .swept
            .is_none_or(|at| now - at > Duration::from_secs(1));
        if due {
            self.swept = Some(now);
            self.by_number
                .retain(|_, session| now - session.seen < AWAY);
        }
    }
}

fn is_number(text: &str) -> bool {
    text.len() == NUMBER && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Who guesses a viewer's number watches without a token.
fn random() -> u64 {
    let mut bytes = [0; 8];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => u64::from_ne_bytes(bytes),
        Err(_) => fastrand::u64(..),
    }
}
