//! The task that owns the engines of all contracts.
//!
//! After every round of inputs: what the engines want is put into the store, then
//! its leaves into the log, then the engines without it, and the letters, into the
//! store; then people are answered. A crash anywhere in between is made up for at
//! the next start: what is in the store is carried out again, and [`Logged`] knows
//! which leaves are there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use surecast_guarantee::clock::ClockKind;
use surecast_guarantee::evidence::{Kind, Leaf};
use surecast_guarantee::exclusion::{Exclusion, ExclusionClass};
use surecast_guarantee::incident::timer::Timer;
use surecast_guarantee::incident::{Actor, Author, Refused};
use surecast_guarantee::severity::Severity;
use tokio::sync::{mpsc, oneshot, watch};

use super::super::Shared;
use super::breach::Said;
use super::case::{Case, Filing};
use super::{DeskError, DeskView, Logged, Request, What};
use crate::metrics::Metrics;
use crate::store::Store;

/// Requests that are carried out together: they wait for one commit of the log, a
/// second, whatever their number.
pub(super) const BATCH: usize = 64;

/// A store or a log that cannot be written is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Longest sleep; any would do, because whatever happens ends it.
const IDLE: Duration = Duration::from_secs(3600);

/// Shortest sleep: an engine that always wants to be woken must not take a core.
const SHORTEST: Duration = Duration::from_millis(10);

/// What is answered once it is carried out.
enum Answer {
    Done(Result<u64, DeskError>),
    /// The leaf of a show.
    Event(
        String,
        surecast_guarantee::contract::policy::RegisteredEvent,
    ),
}

pub(super) struct Worker {
    pub cases: BTreeMap<String, Case>,
    pub views: BTreeMap<String, watch::Sender<Arc<DeskView>>>,
    pub shared: Arc<Shared>,
    pub store: Store,
    pub metrics: Arc<Metrics>,
    pub logged: Logged,
    pub wake: Box<dyn Fn() + Send>,
    /// Something could not be carried out.
    pub behind: bool,
}

impl Worker {
    /// Until it is told to stop, or nobody has a handle any more.
    pub async fn run(
        mut self,
        mut queue: mpsc::Receiver<Request>,
        mut stop: oneshot::Receiver<()>,
        now: fn() -> Timestamp,
    ) {
        let minutes = self.shared.book().waker();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            self.round(std::mem::take(&mut batch), now()).await;
            let pause = self.pause(now());
            tokio::select! {
                _ = &mut stop => return,
                count = queue.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        return;
                    }
                }
                () = minutes.notified(), if !self.behind => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn pause(&self, now: Timestamp) -> Duration {
        if self.behind {
            return AGAIN;
        }
        let due = self.cases.values().filter_map(Case::poll_timeout).min();
        let pause = due.map_or(IDLE, |due| {
            due.duration_since(now).try_into().unwrap_or_default()
        });
        pause.clamp(SHORTEST, IDLE)
    }

    /// Takes minutes that wait, lets time pass, and takes requests. Nothing new
    /// is taken before what was taken is carried out.
    pub async fn round(&mut self, requests: Vec<Request>, now: Timestamp) {
        let ready = match self.carry_out(now).await {
            Ok(()) => self.minutes(now).await,
            Err(why) => Err(why),
        };
        if let Err(why) = ready {
            for request in requests {
                answer(request.reply, Err(unavailable(&why, "nothing was done")));
            }
            return;
        }
        for case in self.cases.values_mut() {
            case.timeout(now);
        }
        let mut answers = Vec::with_capacity(requests.len());
        for Request {
            contract,
            what,
            reply,
        } in requests
        {
            answers.push((reply, self.handle(contract, what, now).await));
        }
        let done = self.carry_out(now).await;
        for (reply, said) in answers {
            let said = match (&done, said) {
                (Err(why), _) => Err(unavailable(why, "look before you try again")),
                (Ok(()), Answer::Done(said)) => said,
                (Ok(()), Answer::Event(contract, event)) => {
                    let case = self.cases.get_mut(&contract);
                    let leaf = case.and_then(|case| case.event_leaf(&event));
                    leaf.ok_or_else(|| unavailable("its leaf is not known", "look at the log"))
                }
            };
            answer(reply, said);
        }
    }

    /// Takes all minutes that the book has for the contracts.
    async fn minutes(&mut self, now: Timestamp) -> Result<(), String> {
        loop {
            let seen = {
                let mut book = self.shared.write();
                book.watch(&self.metrics);
                book.take_seen()
            };
            if seen.is_empty() {
                return Ok(());
            }
            for at in &seen {
                if let Some(case) = self.cases.get_mut(&at.contract) {
                    case.minute(at, now);
                }
            }
            self.carry_out(now).await?;
        }
    }

    async fn handle(&mut self, contract: String, what: What, now: Timestamp) -> Answer {
        let Some(case) = self.cases.get_mut(&contract) else {
            return Answer::Done(Err(DeskError::UnknownContract(contract)));
        };
        Answer::Done(match what {
            What::Incident { actor, id, action } => case
                .act(&actor, id, &action, now)
                .map(|()| id)
                .map_err(DeskError::from),
            What::Write(incoming) => case.write(incoming, now).map_err(DeskError::from),
            What::Ticket { actor, id, action } => case
                .ticket(&actor, id, &action, now)
                .map(|()| id)
                .map_err(DeskError::from),
            What::Event { by, event } => {
                if by.kind == Author::System {
                    return Answer::Done(Err(not_yours(&by, "a person registers a show")));
                }
                match case.event(&by, event.clone(), now) {
                    Ok(()) => return Answer::Event(contract, event),
                    Err(why) => Err(DeskError::Invalid(why)),
                }
            }
            What::Declare { by, exclusion } => self.declare(&contract, &by, exclusion, now).await,
        })
    }

    /// Maintenance is about the service, so it concerns every contract whose
    /// policy allows it, as in the settlement, unless it names some.
    async fn declare(
        &mut self,
        contract: &str,
        by: &Actor,
        mut exclusion: Exclusion,
        now: Timestamp,
    ) -> Result<u64, DeskError> {
        if !matches!(by.kind, Author::Lead | Author::Manager | Author::Expert) {
            return Err(not_yours(by, "the lead, the manager or an expert does"));
        }
        if exclusion.class != ExclusionClass::Maintenance {
            let why = "only maintenance is declared here";
            return Err(DeskError::Invalid(why.to_owned()));
        }
        self.check_contracts(contract, &mut exclusion)?;
        exclusion.declared_at = now;
        // The leaf is public: it has the role.
        exclusion.approved_by = by.kind.name().to_owned();
        exclusion.log_index = Some(0);
        if let Some(case) = self.cases.get(contract) {
            let checked = case.check_maintenance(exclusion.clone());
            checked.map_err(DeskError::Maintenance)?;
        }
        exclusion.log_index = None;
        let leaf = Leaf::json(Kind::Exclusion, now, &exclusion);
        let leaf = leaf.map_err(|why| DeskError::Invalid(why.to_string()))?;
        let appended = self.shared.log.append(vec![leaf.clone()]).await;
        let indexes = appended.map_err(|why| {
            let why = why.to_string();
            unavailable(&why, "nothing was declared")
        })?;
        self.shared.write().handle_said(&leaf, indexes.start);
        exclusion.log_index = Some(indexes.start);
        exclusion.approved_by.clone_from(&by.name);
        self.maintain(&exclusion, now);
        Ok(indexes.start)
    }

    /// Whoever declares something under a contract does not take time from others
    /// alone; a name that nobody knows would take it from nobody.
    fn check_contracts(&self, own: &str, exclusion: &mut Exclusion) -> Result<(), DeskError> {
        exclusion.contracts.sort_unstable();
        exclusion.contracts.dedup();
        if let Some(name) = exclusion
            .contracts
            .iter()
            .find(|id| !self.cases.contains_key(*id))
        {
            return Err(DeskError::UnknownContract(name.clone()));
        }
        if !exclusion.concerns(own) {
            let why = format!("`contracts` must have `{own}` in it, or be left out for all");
            return Err(DeskError::Invalid(why));
        }
        Ok(())
    }

    /// Takes maintenance that is in the log.
    pub fn maintain(&mut self, exclusion: &Exclusion, now: Timestamp) {
        let cases = self.cases.iter_mut();
        for (contract, case) in cases.filter(|(id, _)| exclusion.concerns(id)) {
            if let Err(why) = case.maintenance(exclusion, now) {
                tracing::info!(contract, %why, "maintenance does not count for a contract");
            }
        }
    }

    /// Carries out what the engines want, until they want nothing.
    pub async fn carry_out(&mut self, now: Timestamp) -> Result<(), String> {
        let done = self.try_carry_out(now).await;
        if let Err(why) = &done
            && !self.behind
        {
            tracing::error!("incidents and tickets wait: {why}");
        }
        self.behind = done.is_err();
        done
    }

    async fn try_carry_out(&mut self, now: Timestamp) -> Result<(), String> {
        let mut changed = false;
        loop {
            changed |= self.save(now).await?;
            if !self.cases.values().any(Case::has_outputs) {
                break;
            }
            let leaves = self.append(now).await?;
            self.carried_out(&leaves, now);
        }
        self.logged.settled();
        if changed {
            self.show();
        }
        Ok(())
    }

    /// First step, and the last one of the round before: into the store. Says
    /// whether there was anything to save.
    pub async fn save(&mut self, now: Timestamp) -> Result<bool, String> {
        let mut letters = 0;
        let mut changed = false;
        for case in self.cases.values_mut() {
            if case.is_dirty() || case.has_outputs() {
                letters += case.save(&self.store, now).await?;
                changed = true;
            }
        }
        if letters > 0 {
            (self.wake)();
        }
        Ok(changed)
    }

    /// Second step: into the log. Gives where each output's leaf is.
    pub async fn append(
        &mut self,
        now: Timestamp,
    ) -> Result<BTreeMap<String, Vec<Option<u64>>>, String> {
        let mut new: Vec<Leaf> = Vec::new();
        let mut said: Vec<Said> = Vec::new();
        let mut all = Vec::new();
        for (contract, case) in &self.cases {
            let filed = case.file(&self.logged, now).map_err(|e| e.to_string())?;
            said.extend(filed.1);
            all.push((contract.clone(), filed.0));
        }
        for filing in all.iter_mut().flat_map(|(_, filings)| filings) {
            if let Filing::New(leaf) = filing {
                new.push(leaf.clone());
            }
        }
        let mut indexes = 0..0;
        if !new.is_empty() {
            let appended = self.shared.log.append(new.clone()).await;
            indexes = appended.map_err(|why| why.to_string())?;
            let mut book = self.shared.write();
            for (leaf, index) in new.iter().zip(indexes.clone()) {
                book.handle_said(leaf, index);
            }
        }
        for breach in said {
            self.logged.breach(breach);
        }
        let place = |filing: Filing| match filing {
            Filing::New(_) => indexes.next(),
            Filing::There(index) => Some(index),
            Filing::None => None,
        };
        let mut place = place;
        let placed = all.into_iter().map(|(contract, filings)| {
            let leaves: Vec<_> = filings.into_iter().map(&mut place).collect();
            (contract, leaves)
        });
        Ok(placed.collect())
    }

    /// Third step: the outputs are done. What follows is saved in the next round.
    pub fn carried_out(&mut self, leaves: &BTreeMap<String, Vec<Option<u64>>>, now: Timestamp) {
        for (contract, case) in &mut self.cases {
            if let Some(leaves) = leaves.get(contract)
                && !leaves.is_empty()
            {
                case.carried_out(leaves, now);
            }
        }
    }

    /// Shows what is in the store.
    fn show(&self) {
        for (contract, case) in &self.cases {
            let view = Arc::new(case.view());
            self.count(&view);
            if let Some(sender) = self.views.get(contract) {
                sender.send_replace(view);
            }
        }
    }

    fn count(&self, view: &DeskView) {
        let contract = &view.contract.id;
        let open = || view.incidents.iter().filter(|i| i.state.is_open());
        let tickets = || view.tickets.iter().filter(|t| t.state.is_open());
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (severity, name) in [
            (Severity::S1, "S1"),
            (Severity::S2, "S2"),
            (Severity::S3, "S3"),
            (Severity::S4, "S4"),
        ] {
            let count = open().filter(|i| i.severity == severity).count();
            self.metrics
                .guarantee_incidents(contract, name, number(count));
        }
        self.metrics
            .guarantee_tickets(contract, number(tickets().count()));
        let incidents = open().flat_map(|i| i.timers.values());
        let timers = incidents.chain(tickets().flat_map(|t| t.timers.values()));
        let runs = |t: &&Timer| t.stopped.is_none() && promised(view, t);
        let (missed, running): (Vec<_>, Vec<_>) = timers.filter(runs).partition(|t| t.missed);
        let (running, missed) = (number(running.len()), number(missed.len()));
        self.metrics.guarantee_clocks(contract, running, missed);
    }
}

/// Where nothing is promised, no clock runs.
fn promised(view: &DeskView, timer: &Timer) -> bool {
    let target = view.contract.target(timer.severity);
    target.is_some_and(|t| timer.kind != ClockKind::Restoration || t.restore_minutes.is_some())
}

fn not_yours(actor: &Actor, instead: &str) -> DeskError {
    DeskError::Refused(Refused::NotYours {
        who: actor.kind.name().to_owned(),
        instead: instead.to_owned(),
    })
}

fn unavailable(why: &str, what: &str) -> DeskError {
    DeskError::Unavailable(format!("{why}: {what}"))
}

fn answer(reply: oneshot::Sender<Result<u64, DeskError>>, said: Result<u64, DeskError>) {
    // Whoever has asked may be gone.
    let _ = reply.send(said);
}
