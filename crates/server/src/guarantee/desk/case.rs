//! The engines of one contract, and what they have to say.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::{self, Record};
use surecast_guarantee::contract::policy::RegisteredEvent;
use surecast_guarantee::evidence::{Leaf, leaf::LeafError};
use surecast_guarantee::exclusion::Exclusion;
use surecast_guarantee::incident::{self, Actor, Change, Entry, Incidents, NotTaken, Refused};
use surecast_guarantee::interval::Interval;
use surecast_guarantee::rollup::Minute;
use surecast_guarantee::ticket::{self, Incoming, TicketChange, Tickets};

use super::super::book::SeenAt;
use super::super::delivery::Parcel;
use super::breach::{self, Said};
use super::turn::Turn;
use super::{DeskView, Logged};
use crate::store::{DeskState, Store};

/// One contract.
pub(super) struct Case {
    pub contract: Arc<Contract>,
    hash: String,
    /// The versions that come.
    turn: Turn,
    /// What decides when it holds: people write facts only while no server does.
    record: Arc<Record>,
    /// The period that was looked up last.
    period: Option<Interval>,
    incidents: Incidents,
    tickets: Tickets,
    /// Outputs of the incidents of which the tickets know.
    told: usize,
    /// Something has changed since it was saved.
    dirty: bool,
    /// Letters of which the store does not know.
    letters: Vec<(String, i64)>,
    /// Shows whose leaf is there, until somebody was told.
    registered: Vec<(RegisteredEvent, u64)>,
}

/// A leaf of an output.
pub(super) enum Filing {
    /// To be appended.
    New(Leaf),
    /// In the log already, there.
    There(u64),
    /// None is needed.
    None,
}

impl Case {
    /// Goes on from the store, or begins after the last minute that is known;
    /// `versions` are those of one contract, at least one.
    pub async fn open(
        versions: Vec<Arc<Contract>>,
        record: Arc<Record>,
        store: &Store,
        last: Option<Minute>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let id = versions.first().map(|contract| contract.id.clone());
        let id = id.context("a contract without versions")?;
        let saved = store.desk(&id).await.context("the store")?;
        let worked = |contract: &Contract| {
            let hash = contract.hash().ok();
            saved
                .as_ref()
                .is_some_and(|saved| Some(&saved.hash) == hash.as_ref())
        };
        let (contract, turn) =
            Turn::new(versions, &record, now, worked).context("a contract without versions")?;
        let hash = contract.hash().context("a contract's hash")?;
        let (mut incidents, tickets) = match saved {
            None => (
                Incidents::new(contract.clone())?,
                Tickets::new(contract.clone())?,
            ),
            Some(saved) => {
                restore(&contract, &hash, &saved).with_context(|| format!("what the store has of the incidents and tickets of contract `{}` cannot be used: restore the store from a copy", contract.id))?
            }
        };
        if let Some(last) = last {
            incidents.pass_over(last);
        }
        Ok(Self {
            contract,
            hash,
            turn,
            record,
            period: None,
            incidents,
            tickets,
            told: 0,
            dirty: true,
            letters: Vec::new(),
            registered: Vec::new(),
        })
    }

    /// Takes a minute in which the contract holds.
    pub fn minute(&mut self, at: &SeenAt, now: Timestamp) {
        let start = at.seen.minute.start();
        if self
            .turn
            .later(at.version)
            .is_some_and(|later| holds(later, &self.record, start))
        {
            self.go_over(at.version, now);
        }
        let own = at.contract == self.contract.id && at.version == self.contract.version;
        if !own || !self.holds(start) {
            return;
        }
        // Minutes that were taken before a restart come again.
        let last = self.incidents.last_seen(at.module, &at.region);
        if last.is_some_and(|last| at.seen.minute <= last) {
            return;
        }
        let taken = self
            .incidents
            .handle_burn(at.module, &at.region, &at.seen, now);
        if let Err(why) = taken {
            tracing::warn!(%why, "a minute concerns nobody");
        }
        // Quiet minutes may come again: nothing follows from them.
        self.dirty |= self.incidents.incidents().any(|i| i.state.is_open());
        self.follow(now);
    }

    fn holds(&mut self, at: Timestamp) -> bool {
        if self.period.is_none_or(|period| !period.contains(at)) {
            let period = life::period_at(&self.contract, &self.record, at);
            self.period = period.ok().flatten().map(|period| period.interval);
        }
        self.period.is_some()
    }

    /// From here on a later version is in force: what is open goes on under it.
    fn go_over(&mut self, version: u32, now: Timestamp) {
        let Some(contract) = self.turn.to(version) else {
            return;
        };
        match self.adopted(&contract) {
            Ok((hash, incidents, tickets)) => {
                tell_of(&contract);
                (self.contract, self.hash) = (contract, hash);
                (self.incidents, self.tickets) = (incidents, tickets);
                self.period = None;
                self.dirty = true;
                self.follow(now);
            }
            Err(error) => {
                let (id, version) = (&contract.id, contract.version);
                tracing::error!(contract = id, version, %error, "a version cannot be gone over to: the one before is worked under");
            }
        }
    }

    fn adopted(&self, to: &Arc<Contract>) -> anyhow::Result<(String, Incidents, Tickets)> {
        let incidents = Incidents::adopt(to.clone(), &self.incidents.snapshot()?)?;
        let tickets = Tickets::adopt(to.clone(), &self.tickets.snapshot()?)?;
        Ok((to.hash()?, incidents, tickets))
    }

    /// Lets time pass.
    pub fn timeout(&mut self, now: Timestamp) {
        if let Some(version) = self.turn.poll(now) {
            self.go_over(version, now);
        }
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.incidents.handle_timeout(now);
            self.tickets.handle_timeout(now);
            self.dirty = true;
            self.follow(now);
        }
    }

    /// When [`Case::timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let due = [
            self.incidents.poll_timeout(),
            self.tickets.poll_timeout(),
            self.turn.due(),
        ];
        due.into_iter().flatten().min()
    }

    /// Somebody does something about an incident.
    pub fn act(
        &mut self,
        actor: &Actor,
        id: u64,
        action: &incident::Action,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.dirty = true;
        let done = self.incidents.handle_action(actor, id, action, now);
        self.follow(now);
        done
    }

    /// Somebody writes.
    pub fn write(&mut self, incoming: Incoming, now: Timestamp) -> Result<u64, Refused> {
        self.dirty = true;
        self.tickets.handle_message(incoming, now)
    }

    /// Somebody does something about a ticket.
    pub fn ticket(
        &mut self,
        actor: &Actor,
        id: u64,
        action: &ticket::Action,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.dirty = true;
        self.tickets.handle_action(actor, id, action, now)
    }

    /// Somebody registers a show.
    pub fn event(
        &mut self,
        by: &Actor,
        event: RegisteredEvent,
        now: Timestamp,
    ) -> Result<(), String> {
        self.dirty = true;
        self.incidents.handle_event(by, event, now)
    }

    /// The leaf of a show that was registered.
    pub fn event_leaf(&mut self, event: &RegisteredEvent) -> Option<u64> {
        let at = self.registered.iter().position(|(e, _)| e == event)?;
        Some(self.registered.swap_remove(at).1)
    }

    /// Whether maintenance would count.
    pub fn check_maintenance(&self, declared: Exclusion) -> Result<(), NotTaken> {
        self.incidents.check_maintenance(declared).map(drop)
    }

    /// Takes maintenance that is in the log, once.
    pub fn maintenance(&mut self, declared: &Exclusion, now: Timestamp) -> Result<(), NotTaken> {
        let index = declared.log_index;
        let known = self.incidents.maintenance().iter();
        if now >= declared.interval.end || known.map(|m| m.log_index).any(|i| i == index) {
            return Ok(());
        }
        self.dirty = true;
        self.incidents.handle_maintenance(declared.clone(), now)
    }

    /// Tells the tickets of incidents that have changed.
    fn follow(&mut self, now: Timestamp) {
        let new = self.incidents.outputs().skip(self.told);
        let changed = new.filter_map(|output| match output {
            incident::Output::Leaf(entry) => Some(entry.incident),
            _ => None,
        });
        let changed: BTreeSet<u64> = changed.collect();
        self.told = self.incidents.outputs().len();
        self.dirty |= !changed.is_empty();
        for id in changed {
            if let Some(incident) = self.incidents.incident(id) {
                self.tickets.handle_incident(incident, now);
            }
        }
    }

    /// Whether there is something to carry out.
    pub fn has_outputs(&self) -> bool {
        self.incidents.outputs().len() + self.tickets.outputs().len() > 0
    }

    /// Whether the store does not have all of it.
    pub const fn is_dirty(&self) -> bool {
        self.dirty || !self.letters.is_empty()
    }

    /// Puts all of it into the store, letters with it. Gives their number.
    pub async fn save(&mut self, store: &Store, now: Timestamp) -> Result<usize, String> {
        let state = DeskState {
            contract: self.contract.id.clone(),
            hash: self.hash.clone(),
            incidents: self.incidents.snapshot().map_err(|e| e.to_string())?,
            tickets: self.tickets.snapshot().map_err(|e| e.to_string())?,
            saved_ms: now.as_millisecond(),
        };
        let saved = store.desk_save(&state, &self.letters).await;
        saved.map_err(|error| format!("the store cannot be written: {error}"))?;
        let letters = self.letters.len();
        self.letters.clear();
        self.dirty = false;
        Ok(letters)
    }

    /// The leaf of every output, in the order of [`Case::carried_out`], and the
    /// breaches among them.
    pub fn file(
        &self,
        logged: &Logged,
        now: Timestamp,
    ) -> Result<(Vec<Filing>, Vec<Said>), LeafError> {
        let mut filings = Vec::new();
        let mut said: Vec<Said> = Vec::new();
        let there = |leaf: Leaf| match logged.find(&leaf) {
            Some(index) => Filing::There(index),
            None => Filing::New(leaf),
        };
        let linked = |ticket| self.tickets.ticket(ticket).and_then(|t| t.incident);
        let tickets: Vec<_> = self.tickets.tickets().map(|t| (t.id, t.incident)).collect();
        let mut count = |line| -> Result<Filing, LeafError> {
            let files = breach::Files {
                contract: &self.contract,
                logged,
                record: &self.record,
                tickets: &tickets,
            };
            let Some(new) = files.count(line, linked, &said) else {
                return Ok(Filing::None);
            };
            let leaf = breach::leaf(&new, now)?;
            said.push(new);
            Ok(Filing::New(leaf))
        };
        for output in self.incidents.outputs() {
            filings.push(match output {
                incident::Output::Leaf(entry) => there(entry.leaf()?),
                incident::Output::Registered(entry) => there(entry.leaf()?),
                incident::Output::Breach(line) => count(line)?,
                incident::Output::Notify(_) => Filing::None,
            });
        }
        for output in self.tickets.outputs() {
            filings.push(match output {
                ticket::Output::Leaf(entry) => there(entry.leaf()?),
                ticket::Output::Breach(line) => count(line)?,
                ticket::Output::Notify(_) => Filing::None,
            });
        }
        Ok((filings, said))
    }

    /// The leaves of all outputs are in the log, there. What is to be told
    /// becomes letters; what follows from the log goes back into the engines.
    pub fn carried_out(&mut self, leaves: &[Option<u64>], now: Timestamp) {
        let mut leaves = leaves.iter().copied();
        while let Some(output) = self.incidents.poll_output() {
            let leaf = leaves.next().flatten();
            match output {
                incident::Output::Leaf(entry) => self.announce(&entry, leaf),
                incident::Output::Notify(notify) => {
                    let due = notify.facts.at;
                    self.post(&Parcel::Notify(notify), due);
                }
                incident::Output::Registered(entry) => {
                    self.registered.extend(leaf.map(|leaf| (entry.event, leaf)));
                }
                incident::Output::Breach(_) => {}
            }
        }
        self.told = 0;
        let mut asked = Vec::new();
        while let Some(output) = self.tickets.poll_output() {
            let leaf = leaves.next().flatten();
            match output {
                ticket::Output::Leaf(entry) => {
                    if let (TicketChange::Asked { .. }, Some(leaf)) = (&entry.change, leaf) {
                        asked.push((entry.ticket, leaf));
                    }
                }
                ticket::Output::Notify(notify) => {
                    let due = notify.facts.at;
                    self.post(&Parcel::Notify(notify), due);
                }
                ticket::Output::Breach(_) => {}
            }
        }
        for (ticket, leaf) in asked {
            // The customer may have answered in between: then nobody waits.
            let _ = self.tickets.handle_logged(ticket, leaf, now);
        }
        self.dirty = true;
    }

    /// A change of state or severity goes to other products, too.
    fn announce(&mut self, entry: &Entry, leaf: Option<u64>) {
        let changes = matches!(
            entry.change,
            Change::Detected { .. }
                | Change::SeverityRose { .. }
                | Change::SeverityFell { .. }
                | Change::Acknowledged { .. }
                | Change::Mitigated { .. }
                | Change::Recurred { .. }
                | Change::Resolved { .. }
                | Change::Reviewed { .. }
        );
        let incident = self.incidents.incident(entry.incident);
        let (true, Some(leaf), Some(incident)) = (changes, leaf, incident) else {
            return;
        };
        if self.incidents.is_in_maintenance(entry.incident) {
            return;
        }
        let mut incident = Box::new(incident.clone());
        // As it was then; later changes have letters of their own.
        incident.state = entry.state;
        incident.severity = entry.severity;
        incident.words = incident::Words::default();
        let parcel = Parcel::Incident {
            contract: entry.contract.clone(),
            incident,
            leaf,
            at: entry.at,
        };
        self.post(&parcel, entry.at);
    }

    fn post(&mut self, parcel: &Parcel, due: Timestamp) {
        match serde_json::to_string(parcel) {
            Ok(body) => self.letters.push((body, due.as_millisecond())),
            Err(error) => tracing::error!(%error, "a letter cannot be written"),
        }
    }

    /// What may be seen.
    pub fn view(&self) -> DeskView {
        DeskView {
            contract: self.contract.clone(),
            incidents: self.incidents.incidents().cloned().collect(),
            tickets: self.tickets.tickets().cloned().collect(),
            maintenance: self.incidents.maintenance().to_vec(),
            events: self.incidents.events().to_vec(),
        }
    }
}

/// Another version of the contract supersedes the one before: what is open goes
/// on under it.
fn restore(
    contract: &Arc<Contract>,
    hash: &str,
    saved: &DeskState,
) -> anyhow::Result<(Incidents, Tickets)> {
    if saved.hash == hash {
        return Ok((
            Incidents::restore(contract.clone(), &saved.incidents)?,
            Tickets::restore(contract.clone(), &saved.tickets)?,
        ));
    }
    tell_of(contract);
    Ok((
        Incidents::adopt(contract.clone(), &saved.incidents)?,
        Tickets::adopt(contract.clone(), &saved.tickets)?,
    ))
}

fn tell_of(contract: &Contract) {
    tracing::warn!(
        contract = contract.id,
        version = contract.version,
        "another version of the contract is in force: open incidents and tickets go on under it"
    );
}

/// Whether a version holds at an instant.
fn holds(contract: &Contract, record: &Record, at: Timestamp) -> bool {
    life::period_at(contract, record, at).is_ok_and(|period| period.is_some())
}
