//! Receipts that clients sign: what people saw of a minute.
//!
//! A receipt is taken with the room token of whoever saw it, countersigned, and
//! counted. Soon after the minute its hash stands in the log, so that a client
//! can show that it was heard, and what the minute came to as rollups. Whose it
//! was is forgotten: while a session lasts, it is known by a salted hash.
//!
//! A countersignature is an acknowledgement: the receipt is in the
//! [journal] before it is given, and a killed server goes on from there.

mod journal;
mod minute;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use surecast_guarantee::canonical;
use surecast_guarantee::evidence::{Leaf, Note, SigningKey, VerifyingKey};
use surecast_guarantee::module::Region;
use surecast_guarantee::report::ReportError;
use surecast_guarantee::report::receipt::{self, COUNTERSIGNED, Countersigned, Statement};
use surecast_guarantee::rollup::{MINUTE_MS, Minute, Rollup, Source};
use tokio::time::MissedTickBehavior;

use super::{Shared, timestamp};
use crate::evidence::AppendFailure;
use crate::metrics::Metrics;
use journal::Journal;
use minute::Open;

/// A minute is written this long after its end; receipts of it are taken until
/// then. A client sends within a few seconds.
const GRACE_MS: u64 = 20_000;

/// So far a client's clock may be ahead.
const AHEAD_MS: u64 = 5_000;

/// Receipts of one participant in a minute: one is usual; more come with a
/// shorter interval, or when a page is opened again.
const MOST: u8 = 12;

/// Participants whose last receipt is remembered: as many sessions as the meter
/// knows. Each takes some 200 bytes.
const PEOPLE: usize = 100_000;

/// Receipts of a minute, so that their hashes stay below 4 MB.
const PER_MINUTE: usize = 100_000;

/// Minutes that are open at once: the one that runs, the one before for its grace,
/// one of a clock that is ahead, and a few while the log cannot be written.
const MINUTES: usize = 8;

/// A participant that is silent for this long is forgotten.
const FORGOTTEN_MS: u64 = 10 * MINUTE_MS;

/// How often it is looked whether a minute can be written.
const LOOK: Duration = Duration::from_secs(1);

/// Why a receipt is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptRefusal {
    /// It is not right.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Its time has passed, or is to come.
    #[error("{0}")]
    Time(&'static str),
    /// It does not follow the one before.
    #[error("{0}")]
    Sequence(&'static str),
    /// Too many.
    #[error("more than {MOST} receipts of this participant in a minute")]
    Rate,
    /// No room for another.
    #[error("too many receipts of others wait: try again in the next minute")]
    Full,
    /// It cannot be kept, and so it cannot be acknowledged.
    #[error("the receipt cannot be written down: {0}: try again later")]
    Journal(String),
}

/// What a minute's receipts give the log.
pub(super) struct Closed {
    pub(super) minute: Minute,
    pub(super) leaves: Vec<Leaf>,
    pub(super) rollups: Vec<Rollup>,
}

/// All receipts that are under way.
pub struct Receipts {
    key: SigningKey,
    log: String,
    region: Region,
    source: Source,
    /// Makes the hashes of identities useless to whoever comes to see them.
    salt: [u8; 32],
    state: Mutex<State>,
    journal: Mutex<Journal>,
}

impl std::fmt::Debug for Receipts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipts").field("key", &self.key).finish()
    }
}

#[derive(Default)]
struct State {
    people: HashMap<[u8; 32], Person>,
    minutes: BTreeMap<Minute, Open>,
    /// The last of each session that a killed server heard, by the session's key.
    before: HashMap<String, Person>,
}

/// The last that was heard of a participant.
struct Person {
    key: String,
    seq: u32,
    end: u64,
    minute: Minute,
    count: u8,
    hash: [u8; 32],
    answer: String,
}

impl Receipts {
    /// `key` countersigns; `node` is the server's name in rollups; what was
    /// acknowledged is kept in `dir`, and what a killed server left there is taken
    /// again.
    pub(super) fn new(
        key: SigningKey,
        log: &str,
        region: Region,
        node: &str,
        dir: &Path,
    ) -> anyhow::Result<Self> {
        let journal = Journal::open(dir).context("the journal of receipts")?;
        let mut salt = [0; 32];
        aws_lc_rs::rand::fill(&mut salt)
            .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
        let receipts = Self {
            key,
            log: log.to_owned(),
            region,
            source: Source::Receipts(node.to_owned()),
            salt,
            state: Mutex::default(),
            journal: Mutex::new(journal),
        };
        receipts.go_on().context("the journal of receipts")?;
        Ok(receipts)
    }

    /// Takes again what was acknowledged and is not in the log.
    fn go_on(&self) -> anyhow::Result<()> {
        let mut journal = self.journal();
        let mut state = self.state();
        for minute in journal.minutes()? {
            let left = journal.read(minute)?;
            let open = state.minutes.entry(minute).or_default();
            let mut known = HashSet::new();
            let mut last = Vec::new();
            for (text, signature) in &left {
                let Ok(statement) = Statement::read(text, signature) else {
                    continue;
                };
                let hash = receipt::hash(text);
                if open.len() < PER_MINUTE && known.insert(hash) {
                    open.add(hash, &statement);
                    last.push((hash, statement));
                }
            }
            tracing::info!(%minute, receipts = last.len(), "receipts of a server that was killed");
            for (hash, statement) in last {
                let answer = self.countersign(hash, statement.end)?;
                let key = statement.key.clone();
                let count = state.before.get(&key).map_or(0, |p| p.count) + 1;
                let person = Person::new(statement, count, hash, answer);
                state.before.insert(key, person);
            }
        }
        Ok(())
    }

    /// What checks countersignatures.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        self.key.public()
    }

    /// Takes a receipt of `identity` in `room`; gives the countersignature, a
    /// signed note. The same again gives the same.
    ///
    /// # Errors
    /// Says why it is not taken.
    pub fn take(
        &self,
        (room, identity): (&str, &str),
        (text, signature): (&str, &str),
        now: Timestamp,
    ) -> Result<String, ReceiptRefusal> {
        let statement = Statement::read(text, signature)?;
        let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
        check_time(&statement, now)?;
        let who = self.who(room, identity);
        let hash = receipt::hash(text);
        let mut journal = self.journal();
        let mut state = self.state();
        let last = state.people.get(&who);
        let count = match last.or_else(|| state.before.get(&statement.key)) {
            Some(known) if known.hash == hash => return Ok(known.answer.clone()),
            Some(known) => known.follows(&statement)?,
            None if state.people.len() >= PEOPLE => return Err(ReceiptRefusal::Full),
            None => 1,
        };
        let minute = statement.minute();
        if state.minutes.len() >= MINUTES && !state.minutes.contains_key(&minute) {
            return Err(ReceiptRefusal::Full);
        }
        let open = state.minutes.entry(minute).or_default();
        if open.len() >= PER_MINUTE {
            return Err(ReceiptRefusal::Full);
        }
        let answer = self.countersign(hash, now)?;
        let kept = journal.keep(minute, text, signature);
        kept.map_err(|error| ReceiptRefusal::Journal(error.to_string()))?;
        open.add(hash, &statement);
        state.before.remove(&statement.key);
        let person = Person::new(statement, count, hash, answer.clone());
        state.people.insert(who, person);
        Ok(answer)
    }

    /// What is to be written of minutes that nobody can add to any more; of all
    /// at the end. `connected` participants are there.
    pub(super) fn close(&self, connected: u64, now: Timestamp, all: bool) -> Vec<Closed> {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let mut state = self.state();
        let recent = |person: &Person| person.end + FORGOTTEN_MS > millis;
        state.people.retain(|_, person| recent(person));
        state.before.retain(|_, person| recent(person));
        let mut closed = Vec::new();
        while let Some(entry) = state.minutes.first_entry() {
            let end = (u64::from(entry.key().0) + 1) * MINUTE_MS;
            if !all && millis < end + GRACE_MS {
                break;
            }
            let (minute, open) = entry.remove_entry();
            if open.len() == 0 {
                continue;
            }
            let about = minute::About {
                minute,
                region: &self.region,
                source: &self.source,
                key: self.key.public(),
                connected,
            };
            closed.push(open.close(&about, now));
        }
        closed
    }

    fn who(&self, room: &str, identity: &str) -> [u8; 32] {
        let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        context.update(&self.salt);
        // Lengths, so that no two pairs give the same bytes.
        context.update(&(room.len() as u64).to_be_bytes());
        context.update(room.as_bytes());
        context.update(identity.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }

    fn countersign(&self, hash: [u8; 32], at: u64) -> Result<String, ReportError> {
        let said = Countersigned {
            format: COUNTERSIGNED.to_owned(),
            receipt: STANDARD.encode(hash),
            at,
            log: self.log.clone(),
        };
        let text = canonical::to_string(&said)?;
        Ok(Note::sign(format!("{text}\n"), &self.key).to_string())
    }

    /// The log has a minute.
    fn logged(&self, minute: Minute) {
        self.journal().forget(minute);
    }

    /// Brings what was written to the disk. Blocks.
    fn sync(&self) {
        let files = self.journal().poll_dirty();
        for file in files {
            if let Err(error) = file.sync_data() {
                tracing::error!(%error, "receipts may not be on the disk");
            }
        }
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        // A line that was left half written is cut off or passed over.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in it is half done when a panic lets go of it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Writes minute after minute, until the log is closed.
    pub(super) async fn write_receipts(self: Arc<Self>, metrics: Arc<Metrics>) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let shared = self.clone();
            // A panic in it is in the log of the server already.
            let _ = tokio::task::spawn_blocking(move || shared.receipts.sync()).await;
            if !self.close_receipts(metrics.connections(), false).await {
                return;
            }
        }
    }

    /// `false` when the log is closed.
    pub(super) async fn close_receipts(&self, connected: u64, all: bool) -> bool {
        for closed in self.receipts.close(connected, timestamp(), all) {
            let behind = closed.leaves.len() - closed.rollups.len();
            loop {
                match self.log.append(closed.leaves.clone()).await {
                    Ok(indexes) => {
                        let first = indexes.start + behind as u64;
                        let mut book = self.write();
                        for (rollup, index) in closed.rollups.iter().zip(first..) {
                            book.handle_rollup(rollup, index);
                        }
                        drop(book);
                        self.receipts.logged(closed.minute);
                        break;
                    }
                    Err(AppendFailure::Closed) => return false,
                    Err(error) => tracing::error!(%error, "receipts cannot be logged yet"),
                }
                tokio::time::sleep(LOOK).await;
            }
        }
        true
    }
}

impl Person {
    fn new(statement: Statement, count: u8, hash: [u8; 32], answer: String) -> Self {
        Self {
            minute: statement.minute(),
            key: statement.key,
            seq: statement.seq,
            end: statement.end,
            count,
            hash,
            answer,
        }
    }

    /// How many it has sent in the minute, with this one.
    fn follows(&self, statement: &Statement) -> Result<u8, ReceiptRefusal> {
        // Whoever claims two times at once would count twice.
        if statement.start < self.end {
            let why = "`start` lies before the end of the participant's last receipt";
            return Err(ReceiptRefusal::Sequence(why));
        }
        if statement.key == self.key && statement.seq <= self.seq {
            let why = "`seq` does not follow the last receipt of this session";
            return Err(ReceiptRefusal::Sequence(why));
        }
        if statement.minute() != self.minute {
            return Ok(1);
        }
        if self.count >= MOST {
            return Err(ReceiptRefusal::Rate);
        }
        Ok(self.count + 1)
    }
}

fn check_time(statement: &Statement, now: u64) -> Result<(), ReceiptRefusal> {
    if statement.end > now + AHEAD_MS {
        return Err(ReceiptRefusal::Time(
            "`end` is still to come: check the clock",
        ));
    }
    let closes = (statement.start / MINUTE_MS + 1) * MINUTE_MS + GRACE_MS;
    if now >= closes {
        return Err(ReceiptRefusal::Time(
            "the minute is closed: a receipt must come within 20 s after it",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
