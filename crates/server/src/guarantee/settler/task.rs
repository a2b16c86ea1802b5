//! The task that settles.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use surecast_guarantee::evidence::Leaf;
use surecast_guarantee::settlement::{
    Entry, MAX_REASON, Proposal, ProposalError, Settlement, Step,
};
use tokio::sync::{mpsc, oneshot, watch};

use super::SettlerError;
use super::known::{Key, Known};
use super::plan::{Due, Reach, Rules};
use super::read::{News, Place};
use crate::guarantee::Shared;
use crate::store::{ContractRow, SettlementRow, Store};

/// A look at the clock when nothing happens in the log; its minutes come more
/// often than this.
const LOOK: Duration = Duration::from_secs(60);

/// A log that cannot be read is tried again after this: files at its edge are
/// replaced as it grows.
const PAUSE: Duration = Duration::from_millis(300);

/// How often, before whoever asked is told.
const TRIES: usize = 3;

/// A period that could not be settled is tried again after this: a reading of a
/// whole log takes seconds, and what is wrong with it will not heal by itself.
const REPAIR: Duration = Duration::from_secs(900);

/// Statements of one reading of the log: a megabyte at most. The next ones come
/// right after.
const BATCH: usize = 16;

/// A step that somebody asks for.
pub struct Request {
    pub contract: String,
    pub period: u32,
    pub step: Step,
    pub reason: Option<String>,
    pub reply: oneshot::Sender<Result<SettlementRow, SettlerError>>,
}

/// Owns what is known, and is the only one that appends statements.
pub struct Task {
    pub shared: Arc<Shared>,
    pub store: Store,
    pub place: Place,
    pub rules: Rules,
    pub kept: BTreeSet<String>,
    pub known: Known,
    pub begun: Timestamp,
    pub now: fn() -> Timestamp,
    /// Rows that the store does not have yet. The log has them, so that a stop
    /// loses nothing.
    pub contracts: VecDeque<ContractRow>,
    pub rows: VecDeque<SettlementRow>,
}

impl Task {
    /// Until the server stops.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut stop = self.place.stop.clone();
        let mut published = self.shared.log.published().clone();
        loop {
            let wait = match self.round().await {
                // What was done may make something else due.
                Ok(true) => continue,
                Ok(false) => LOOK,
                Err(error) => {
                    tracing::error!(%error, "periods cannot be settled yet");
                    REPAIR
                }
            };
            let again = wait == LOOK;
            tokio::select! {
                () = stopped(&mut stop) => return,
                request = queue.recv() => match request {
                    Some(request) => self.answer(request).await,
                    None => return,
                },
                changed = published.changed(), if again => if changed.is_err() {
                    return;
                },
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn answer(&mut self, request: Request) {
        let answer = self.step(&request).await;
        // Whoever asked may have gone; what was done stays done.
        let _ = request.reply.send(answer);
    }

    /// Reads what is new, and does what is due, if anything.
    async fn round(&mut self) -> Result<bool, SettlerError> {
        self.absorb().await?;
        let reach = Reach {
            last: self.shared.book().last(),
            begun: self.begun,
        };
        let due = self.known.due(&self.rules, reach, (self.now)());
        if due.is_empty() || *self.place.stop.borrow() {
            return Ok(false);
        }
        let (compute, finalise): (Vec<_>, Vec<_>) =
            due.into_iter().partition(|(_, due)| *due == Due::Compute);
        let finalised = finalise.into_iter().take(BATCH).map(|(key, _)| {
            let proposal = Proposal::carry(self.known.entry(key), Step::Finalise, None);
            (key, proposal)
        });
        let finalised = finalised.collect();
        let keys = compute.into_iter().take(BATCH).map(|(key, _)| key);
        let computed = self.propose(keys.collect(), None).await?;
        // Right after its reading: what comes in between would be overlooked.
        let first = self.say_all(computed).await;
        self.say_all(finalised).await.and(first)?;
        Ok(true)
    }

    /// Says what can be said; gives the first of what cannot.
    async fn say_all(
        &mut self,
        proposals: Vec<(Key, Result<Proposal, ProposalError>)>,
    ) -> Result<(), SettlerError> {
        let mut failed = Ok(());
        let mut said = Vec::with_capacity(proposals.len());
        for (key, proposal) in proposals {
            match proposal {
                Ok(proposal) => said.push((key, proposal)),
                Err(error) => failed = failed.and(Err(refused(error))),
            }
        }
        self.say(said).await?;
        failed
    }

    async fn step(&mut self, request: &Request) -> Result<SettlementRow, SettlerError> {
        let reason = request.reason.as_deref();
        if reason.is_some_and(|why| why.len() > MAX_REASON || why.chars().any(char::is_control)) {
            let why = format!("the reason must be one line of at most {MAX_REASON} bytes");
            return Err(SettlerError::Refused(why));
        }
        self.absorb().await?;
        let (contract, period) = (&request.contract, request.period);
        if !self.kept.contains(contract) {
            return Err(SettlerError::UnknownContract(contract.clone()));
        }
        let key = self.known.key(contract, period).ok_or_else(|| {
            let periods = self.known.periods(contract, (self.now)());
            let contract = contract.clone();
            SettlerError::UnknownPeriod {
                contract,
                period,
                periods,
            }
        })?;
        let subject = self.known.subject(key);
        let end = subject.map(|(_, period)| period.interval.end);
        if let Some(end) = end.filter(|end| *end > (self.now)()) {
            return Err(SettlerError::NotOver { period, end });
        }
        let proposal = if request.step.computes() {
            let said = self.propose(vec![key], request.reason.clone()).await?;
            let said = said.into_iter().next().map(|(_, proposal)| proposal);
            said.ok_or_else(|| SettlerError::Unavailable("nothing was computed".to_owned()))?
        } else {
            Proposal::carry(self.known.entry(key), request.step, reason)
        };
        let said = self.say(vec![(key, proposal.map_err(refused)?)]).await?;
        let row = said.into_iter().next();
        row.ok_or_else(|| SettlerError::Unavailable("nothing was said".to_owned()))
    }

    /// Computes these periods from the whole log, on a thread of its own.
    async fn propose(
        &self,
        keys: Vec<Key>,
        reason: Option<String>,
    ) -> Result<Vec<(Key, Result<Proposal, ProposalError>)>, SettlerError> {
        let subjects = keys.into_iter().filter_map(|key| {
            let subject = self.known.subject(key)?;
            Some((key, subject))
        });
        let (keys, periods): (Vec<Key>, Vec<_>) = subjects.unzip();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let read = move |place: &Place| place.propose(&periods, reason.as_deref());
        let proposals = self.blocking(read).await?;
        Ok(keys.into_iter().zip(proposals).collect())
    }

    /// Appends statements unless the log has them; then they are read back, so
    /// that nothing is known that is not there. All at once: what comes in
    /// between would be overlooked otherwise.
    async fn say(
        &mut self,
        proposals: Vec<(Key, Proposal)>,
    ) -> Result<Vec<SettlementRow>, SettlerError> {
        let now = (self.now)();
        let mut rows = Vec::with_capacity(proposals.len());
        let (mut leaves, mut new) = (Vec::new(), Vec::new());
        for (key, Proposal { settlement, stands }) in proposals {
            let Some(leaf) = stands else {
                let kind = settlement.step.kind();
                leaves.push(Leaf::json(kind, now, &settlement).map_err(unavailable)?);
                new.push(settlement);
                continue;
            };
            self.known.stands(key);
            let at = self.known.logged_at(key).unwrap_or(now);
            rows.push(row(&Entry { leaf, settlement }, at)?);
        }
        if leaves.is_empty() {
            return Ok(rows);
        }
        let appended = self.shared.log.append(leaves).await;
        for (leaf, settlement) in appended.map_err(unavailable)?.zip(new) {
            tell(&settlement, leaf);
            rows.push(row(&Entry { leaf, settlement }, now)?);
        }
        self.absorb().await?;
        Ok(rows)
    }

    /// Reads what the log has had to say since it was last read.
    async fn absorb(&mut self) -> Result<(), SettlerError> {
        let (from, first) = (self.known.seen, self.known.seen == 0);
        if self.shared.log.published().borrow().size > from {
            let latest = self.known.latest;
            let news = self.blocking(move |place| place.news(from, latest)).await?;
            self.known.handle(&news, &self.kept);
            self.remember(&news)?;
            self.look_for_late(from, first).await?;
            self.known.seen = news.size;
        }
        self.contracts.extend(self.known.changed((self.now)()));
        self.save().await;
        Ok(())
    }

    /// Marks statements that do not stand on all that the log says of their
    /// period. At the start nobody knows: all that are open are computed again.
    async fn look_for_late(&mut self, from: u64, first: bool) -> Result<(), SettlerError> {
        let (keys, open): (Vec<Key>, Vec<_>) = self.known.open().into_iter().unzip();
        let late = if first {
            (0..keys.len()).collect()
        } else {
            self.blocking(move |place| place.late(from, &open)).await?
        };
        let now = (self.now)();
        for at in late {
            self.known.is_late(keys[at], now);
        }
        Ok(())
    }

    fn remember(&mut self, news: &News) -> Result<(), SettlerError> {
        for (entry, at) in &news.entries {
            self.rows.push_back(row(entry, *at)?);
        }
        Ok(())
    }

    /// Brings the store up to the log.
    async fn save(&mut self) {
        if let Err(error) = self.try_save().await {
            tracing::error!(%error, "statements are in the log, but not in the store yet");
        }
    }

    async fn try_save(&mut self) -> sqlx::Result<()> {
        if !self.contracts.is_empty() {
            let there = self.store.contracts().await?;
            while let Some(row) = self.contracts.front() {
                let same = |r: &ContractRow| (&r.hash, r.leaf) == (&row.hash, row.leaf);
                let known = there.iter().find(|r| same(r));
                if known.is_none_or(|known| known.state != row.state) {
                    self.store.contract_save(row).await?;
                }
                self.contracts.pop_front();
            }
        }
        while let Some(row) = self.rows.front() {
            let there = self.store.settlements(&row.contract).await?;
            let mut same = BTreeSet::new();
            same.extend(there.iter().map(|row| (row.leaf, row.canonical.as_str())));
            let contract = row.contract.clone();
            let (mine, rest): (Vec<_>, Vec<_>) =
                self.rows.iter().partition(|row| row.contract == contract);
            for row in mine {
                if !same.contains(&(row.leaf, row.canonical.as_str())) {
                    self.store.settlement_save(row).await?;
                }
            }
            self.rows = rest.into_iter().cloned().collect();
        }
        Ok(())
    }

    async fn blocking<T: Send + 'static>(
        &self,
        read: impl Fn(&Place) -> anyhow::Result<T> + Send + Clone + 'static,
    ) -> Result<T, SettlerError> {
        let mut tries = 1;
        loop {
            let (place, read) = (self.place.clone(), read.clone());
            let done = tokio::task::spawn_blocking(move || read(&place)).await;
            match done.map_err(unavailable)? {
                Ok(found) => return Ok(found),
                Err(error) if tries == TRIES || *self.place.stop.borrow() => {
                    return Err(SettlerError::Unavailable(format!("{error:#}")));
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
            tries += 1;
        }
    }
}

/// Resolves when the server stops.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever would have said so may be gone: that is the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn tell(said: &Settlement, leaf: u64) {
    let (title, step, status) = (said.title(), said.step, said.status);
    let credit = format!("{} {}", said.credit, said.currency);
    tracing::info!(settlement = title, %step, %status, credit, leaf, "settled");
}

fn row(entry: &Entry, at: Timestamp) -> Result<SettlementRow, SettlerError> {
    let said: &Settlement = &entry.settlement;
    Ok(SettlementRow {
        contract: said.contract.id.clone(),
        hash: said.contract.hash.clone(),
        period: said.period.index.into(),
        entry: said.entry.into(),
        leaf: i64::try_from(entry.leaf).map_err(unavailable)?,
        status: said.status.name().to_owned(),
        canonical: said.to_canonical().map_err(unavailable)?,
        at_ms: at.as_millisecond(),
    })
}

fn refused(error: ProposalError) -> SettlerError {
    match error {
        ProposalError::Compute(why) => SettlerError::Unavailable(why),
        ProposalError::NotSettled | ProposalError::Step(_) => {
            SettlerError::Refused(error.to_string())
        }
    }
}

fn unavailable(error: impl std::fmt::Display) -> SettlerError {
    SettlerError::Unavailable(error.to_string())
}
