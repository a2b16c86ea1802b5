//! Reads the log: what it says of contracts and statements, and what follows
//! from all of it. Everything here blocks.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::Fact;
use surecast_guarantee::evidence::{Audit, Kind, Leaf, Replay, VerifyingKey};
use surecast_guarantee::interval::Interval;
use surecast_guarantee::settlement::replay::tells_about;
use surecast_guarantee::settlement::{Entry, Proposal, ProposalError, Replayer, Settlement};
use surecast_guarantee::term::Period;
use tokio::sync::watch;

use crate::evidence::{Reader, walk};

/// Leaves of a bundle, as the log has them.
const BUNDLE: u64 = 256;

/// Why nothing is read any more.
const STOPPED: &str = "the server stops";

/// Where the log is, and whether to go on reading it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its public files.
    pub root: PathBuf,
    /// Its key.
    pub key: VerifyingKey,
    /// True once the server stops; a reading of seconds must not hold it up.
    pub stop: watch::Receiver<bool>,
}

/// A version of a contract in the log.
#[derive(Clone, Debug)]
pub struct Logged {
    /// Its leaf.
    pub leaf: u64,
    /// The log's time there: the latest of any leaf up to it.
    pub at: Timestamp,
    /// What it says.
    pub contract: Contract,
}

/// What the log has said from some leaf on.
#[derive(Debug)]
pub struct News {
    /// Leaves of the log.
    pub size: u64,
    /// The log's time.
    pub latest: Option<Timestamp>,
    /// Contracts.
    pub contracts: Vec<Logged>,
    /// What happened to them: each with its leaf and the log's time there.
    pub facts: Vec<(Fact, u64, Timestamp)>,
    /// Entries of periods, each with the time of its leaf.
    pub entries: Vec<(Entry, Timestamp)>,
}

/// A period that late leaves may be about.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    /// Its time.
    pub period: Interval,
    /// Leaves that its statement stands on.
    pub size: u64,
}

impl Place {
    /// What the log has said of contracts and statements from leaf `from` on;
    /// `latest` is its time before that.
    pub fn news(&self, from: u64, latest: Option<Timestamp>) -> anyhow::Result<News> {
        let mut news = News {
            size: from,
            latest,
            facts: Vec::new(),
            contracts: Vec::new(),
            entries: Vec::new(),
        };
        news.size = self.leaves(from, |index, leaf| {
            let now = news
                .latest
                .map_or(leaf.at(), |latest| latest.max(leaf.at()));
            news.latest = Some(now);
            match leaf.kind() {
                Kind::Contract => {
                    // One that cannot be read here cannot be settled either.
                    let contract = leaf.decode::<Contract>().ok();
                    let logged = |contract| Logged {
                        leaf: index,
                        at: now,
                        contract,
                    };
                    news.contracts.extend(contract.map(logged));
                }
                Kind::Note => {
                    let fact = Fact::of(leaf).ok().flatten();
                    news.facts.extend(fact.map(|fact| (fact, index, now)));
                }
                Kind::Settlement | Kind::Correction => {
                    let settlement: Settlement = leaf.decode().map_err(|why| why.to_string())?;
                    let entry = Entry {
                        leaf: index,
                        settlement,
                    };
                    news.entries.push((entry, leaf.at()));
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(news)
    }

    /// Which of these periods leaves from `from` on are about that their
    /// statements do not stand on.
    pub fn late(&self, from: u64, open: &[Open]) -> anyhow::Result<BTreeSet<usize>> {
        let mut late = BTreeSet::new();
        if open.is_empty() {
            return Ok(late);
        }
        self.leaves(from, |index, leaf| {
            if let Some(instant) = tells_about(leaf) {
                let about = |o: &Open| index >= o.size && o.period.contains(instant);
                let found = (0..).zip(open).filter(|(_, o)| about(o));
                late.extend(found.map(|(at, _)| at));
            }
            Ok(())
        })?;
        Ok(late)
    }

    /// What is to be said of these periods, from the whole log: every settlement
    /// in it is computed again on the way, as whoever verifies does.
    pub fn propose(
        &self,
        periods: &[(Contract, Period)],
        reason: Option<&str>,
    ) -> anyhow::Result<Vec<Result<Proposal, ProposalError>>> {
        let mut reader = Reader::new(&self.root);
        let audit = Audit::open(&mut reader, &self.key)?;
        let mut replayer = Stoppable {
            replay: Replayer::new(),
            stop: &self.stop,
        };
        walk(&audit, vec![reader.clone(), reader], &mut replayer, |_| {})?;
        let mut replayer = replayer.replay;
        let said = periods
            .iter()
            .map(|(contract, period)| replayer.propose(contract, period, reason));
        Ok(said.collect())
    }

    /// Gives the leaves from `from` on, verified; and the size of the log.
    fn leaves(
        &self,
        from: u64,
        mut take: impl FnMut(u64, &Leaf) -> Result<(), String>,
    ) -> anyhow::Result<u64> {
        let mut reader = Reader::new(&self.root);
        let mut audit = Audit::open(&mut reader, &self.key).context("the log does not verify")?;
        for bundle in from / BUNDLE..audit.bundles() {
            anyhow::ensure!(!*self.stop.borrow(), STOPPED);
            audit.handle_bundle(&mut reader, bundle, |index, entry| {
                // Leaves of other programs are not ours to judge.
                match Leaf::parse(entry) {
                    Ok(leaf) if index >= from => take(index, &leaf),
                    _ => Ok(()),
                }
            })?;
        }
        Ok(audit.head().size)
    }
}

/// Reads until the server stops.
struct Stoppable<'a> {
    replay: Replayer,
    stop: &'a watch::Receiver<bool>,
}

impl Replay for Stoppable<'_> {
    fn handle_leaf(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        if index.is_multiple_of(BUNDLE) && *self.stop.borrow() {
            return Err(STOPPED.to_owned());
        }
        self.replay.handle_leaf(index, entry)
    }

    fn finish(&mut self) -> Result<Vec<String>, String> {
        self.replay.finish()
    }
}
