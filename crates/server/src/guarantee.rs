//! The guarantee in the running server: measuring taps, a meter, the evidence
//! log, and what everybody may see of it.
//!
//! ```text
//! control actor ─ Tap ─► queue ─► Meter ─► rollups ─► log ─► Book ─► /status
//!                                                            └─► Desk ─► letters
//!                                                      └──► Settler ─► statements ─► log
//! ```
//!
//! What is shown comes from rollups that the log has acknowledged, or that were
//! read back from it when the server started; nothing is shown that an outsider
//! could not verify.

mod book;
mod contracts;
pub mod delivery;
pub mod desk;
mod facts;
mod look;
mod pulse;
mod receipts;
mod reports;
mod role;
mod run;
mod settler;
mod tap;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::evidence::appender;
use surecast_guarantee::evidence::tile::WIDTH;
use surecast_guarantee::evidence::{Audit, Kind, Leaf, VerifyingKey};
use surecast_guarantee::meter::{Levels, Meter, Settings};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::{MAX_SOURCE, Minute, Source};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinHandle;

use crate::auth::Keys;
use crate::cli::Failure;
use crate::clock;
use crate::config::Config;
use crate::control::Control;
use crate::evidence::{EvidenceLog, Reader, key_file};
use crate::media_plane::MediaPlane;
use crate::metrics::Metrics;
use crate::store::Store;

pub use book::{
    Book, ContractLine, LineStatus, Lines, MinuteStatus, OpenIncident, Planned, Shown, Status,
};
pub(crate) use delivery::check_smtp;
pub use delivery::{Delivery, Parcel, Waker};
pub use desk::{Desk, DeskError, DeskView};
pub use receipts::{ReceiptRefusal, Receipts};
pub use reports::{Receipt, Refusal, Reports};
pub use role::Role;
pub use settler::{Settler, SettlerError};
pub use tap::{Message, Tap};

/// Minutes without data that are written after a stop: 31 days, the longest
/// month. Longer, and whoever settles takes the missing minutes for the same;
/// the log need not say it a million times.
const MOST_MISSING: u32 = 31 * 1440;

/// What is left of the 5 s of a stop. A commit may wait for a second after the
/// one before it; what is not written is a minute without data at the next start.
const STOP: Duration = Duration::from_millis(1400);

/// What the doors see.
#[derive(Debug)]
pub struct Shared {
    /// The log; its tiles are served as they are.
    pub log: EvidenceLog,
    book: RwLock<Book>,
    /// What probes report.
    reports: Reports,
    /// What clients sign.
    pub receipts: Receipts,
}

impl Shared {
    /// What is known.
    pub fn book(&self) -> RwLockReadGuard<'_, Book> {
        // A book that a panic left half written is still one of single minutes.
        self.book
            .read()
            .unwrap_or_else(|broken| broken.into_inner())
    }

    /// Leaves of the log by their indexes, in order, read from the disk and
    /// verified; leaves of later versions are left out. Blocks.
    ///
    /// # Errors
    /// The log cannot be read, or does not verify.
    pub fn leaves(&self, indexes: &[u64]) -> Result<Vec<(u64, Leaf)>, String> {
        let mut reader = Reader::new(self.log.root());
        let audit = Audit::open(&mut reader, self.log.key());
        let mut audit = audit.map_err(|fault| fault.to_string())?;
        let wanted: BTreeSet<u64> = indexes.iter().copied().collect();
        let bundles: BTreeSet<u64> = indexes.iter().map(|i| i / u64::from(WIDTH)).collect();
        let mut leaves = Vec::with_capacity(wanted.len());
        for bundle in bundles {
            let taken = audit.handle_bundle(&mut reader, bundle, |index, entry| {
                if wanted.contains(&index) {
                    leaves.extend(Leaf::parse(entry).map(|leaf| (index, leaf)));
                }
                Ok(())
            });
            taken.map_err(|fault| fault.to_string())?;
        }
        Ok(leaves)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Book> {
        self.book
            .write()
            .unwrap_or_else(|broken| broken.into_inner())
    }
}

/// The running guarantee.
pub struct Guarantee {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    desk: desk::Running,
    queue: mpsc::WeakSender<Message>,
    metrics: Arc<Metrics>,
    region: Region,
    delivery: Delivery,
    settler: Settler,
    settling: settler::Running,
}

impl Guarantee {
    /// Opens the log in `data_dir`, reads back what is in it, and begins to
    /// measure, to keep incidents and tickets in `store`, and to carry letters. The
    /// tap goes to the control actor; when it is dropped, the measuring ends. `None`
    /// where it is turned off.
    ///
    /// # Errors
    /// `Call` for contracts or settings that cannot be used, `Work` for a log
    /// that cannot be opened.
    pub async fn start(
        config: &Config,
        data_dir: &Path,
        metrics: &Arc<Metrics>,
        keys: &Keys,
        store: Store,
    ) -> Result<Option<(Self, Tap)>, Failure> {
        if !config.guarantee.enabled {
            return Ok(None);
        }
        let contracts = contracts::load(&config.guarantee.contracts)?;
        let log = open(config, data_dir)?;
        shift_clock(&log, config.dev_time).await;
        let region = parse::<Region>("guarantee.region", &config.guarantee.region)?;
        let lines = lines(config, &region)?;
        let source = Source::Server(node_name(&log));
        let mut book = read_back(&log, Book::new(lines.clone(), source.clone())).await?;
        let contracts = sealed(&book, contracts)?;
        let delivery = deliver(config, metrics, keys, &store, &contracts).await?;
        append_contracts(&log, &mut book, &contracts).await?;
        // The log expects minutes from the same instant on from which they are
        // measured.
        let now = timestamp();
        let last = missing_since(&book, now);
        facts::append(&log, &mut book, config, (&source, &lines), now).await?;
        let levels = strictest(&contracts);
        book.begin(contracts.clone());
        let names = contracts.iter().map(|contract| contract.id.clone());
        let names = names.collect();
        let settings = meter_settings(source, lines, levels);
        let meter = Meter::new(settings, last, now).context("the meter")?;
        metrics.guarantee_log(log.published().borrow().size, now.as_second());
        let reports = Reports::new(probes(config)?, book.regions(), book.take_reports());
        let receipts = receipts(&log, &data_dir.join("evidence"), region.clone())?;
        let shared = Arc::new(Shared {
            log,
            book: RwLock::new(book),
            reports,
            receipts,
        });
        tokio::spawn(listen(shared.log.people(), Arc::downgrade(&shared)));
        let waker = delivery.waker();
        let wake = Box::new(move || waker.wake());
        let desk = Desk::start(
            &contracts,
            &shared,
            store.clone(),
            metrics.clone(),
            wake,
            timestamp,
        )
        .await?;
        let (sender, receiver) = mpsc::channel(tap::QUEUE);
        let queue = sender.downgrade();
        let tap = Tap::new(sender, region.clone(), metrics.clone());
        let runner = run::Runner::new(meter, shared.clone(), metrics.clone(), timestamp);
        let task = tokio::spawn(runner.run(receiver));
        tokio::spawn(shared.clone().write_receipts(metrics.clone()));
        let metrics = metrics.clone();
        let rules = settler::Rules::new(&config.guarantee);
        let (settler, settling) = Settler::start(&shared, store.clone(), names, rules);
        let guarantee = Self {
            shared,
            task,
            desk,
            queue,
            metrics,
            region,
            delivery,
            settler,
            settling,
        };
        Ok(Some((guarantee, tap)))
    }

    /// Begins to look whether signalling answers and media shards turn.
    pub fn look_at(&self, control: Control, media: Weak<MediaPlane>) {
        let pulse = pulse::Pulse {
            media,
            queue: self.queue.clone(),
            metrics: self.metrics.clone(),
        };
        tokio::spawn(pulse.run());
        let look = look::Look {
            control,
            queue: self.queue.clone(),
            metrics: self.metrics.clone(),
            region: self.region.clone(),
        };
        tokio::spawn(look.run());
    }

    /// For the doors.
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Incidents and tickets.
    pub const fn desk(&self) -> &Desk {
        &self.desk.desk
    }

    /// Settlements, and the steps that people take.
    pub const fn settler(&self) -> &Settler {
        &self.settler
    }

    /// After the control actor has ended: closes the open minute and the log.
    pub async fn stop(self) {
        let closed = async {
            self.settling.stop().await;
            // Together, so that one commit holds all of them.
            let receipts = self.shared.close_receipts(0, true);
            let ((), metered, _) = tokio::join!(self.desk.stop(), self.task, receipts);
            if let Err(error) = metered {
                tracing::error!(%error, "the meter ended badly");
            }
            self.shared.log.clone().close().await;
        };
        // What does not go out at once is in the store.
        let (closed, ()) =
            tokio::join!(tokio::time::timeout(STOP, closed), self.delivery.stop(STOP));
        if closed.is_err() {
            tracing::warn!("the evidence log could not be closed in time");
        }
    }
}

async fn deliver(
    config: &Config,
    metrics: &Arc<Metrics>,
    keys: &Keys,
    store: &Store,
    contracts: &[Contract],
) -> anyhow::Result<Delivery> {
    let contracts: Vec<_> = contracts.iter().cloned().map(Arc::new).collect();
    let settings = delivery::Settings::of(config);
    let (keys, store, metrics) = (keys.clone(), store.clone(), metrics.clone());
    Delivery::start(settings, keys, store, metrics, &contracts).await
}

/// This moment on the guarantee's clock.
pub(crate) fn timestamp() -> Timestamp {
    tap::instant(clock::now())
}

/// Words for whoever reads the log. Without them the log is as good.
pub(crate) async fn note(log: &EvidenceLog, text: &str) {
    let leaf = Leaf::text(Kind::Note, timestamp(), text);
    let appended = match leaf {
        Ok(leaf) => log.append(vec![leaf]).await.map_err(anyhow::Error::from),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = appended {
        tracing::warn!(%error, text, "cannot be noted in the log");
    }
}

/// With `--dev-time` the guarantee's clock starts there, and the log says so.
async fn shift_clock(log: &EvidenceLog, start: Option<Timestamp>) {
    let Some(start) = start else {
        return;
    };
    let real = clock::now();
    let ms = start.as_millisecond() - i64::try_from(real.unix_ms).unwrap_or(i64::MAX);
    clock::shift_guarantee(ms);
    tracing::warn!(%start, "the guarantee's clock is shifted: the log is for trying things out");
    let text = format!(
        "from here on this log was made with a shifted clock (--dev-time): {} ms from the real one",
        clock::guarantee_shift()
    );
    note(log, &text).await;
}

/// What people write into the log while the server runs, for the page.
async fn listen(mut people: broadcast::Receiver<(u64, Leaf)>, shared: Weak<Shared>) {
    loop {
        match people.recv().await {
            Ok((index, leaf)) => {
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                shared.write().handle_leaf(index, &leaf);
            }
            Err(broadcast::error::RecvError::Lagged(count)) => {
                tracing::warn!(count, "leaves are shown after the next start only");
            }
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// Of several contracts the strictest level each: one server has one minute of
/// experience, and nothing in it may be good that any contract calls bad.
fn strictest(contracts: &[Contract]) -> Levels {
    let levels = contracts.iter().map(|contract| {
        let e = contract.experience;
        Levels {
            join_ms: e.join_within_ms,
            audio_freeze_ms: e.audio_freeze_ms,
            video_freeze_ms: e.video_freeze_ms,
            delay_ms: e.delay_ms,
        }
    });
    let strictest = levels.reduce(|a, b| Levels {
        join_ms: a.join_ms.min(b.join_ms),
        audio_freeze_ms: a.audio_freeze_ms.min(b.audio_freeze_ms),
        video_freeze_ms: a.video_freeze_ms.min(b.video_freeze_ms),
        delay_ms: a.delay_ms.min(b.delay_ms),
    });
    strictest.unwrap_or_default()
}

/// A server that did not run for three seconds cannot say what its users saw.
fn meter_settings(source: Source, lines: Vec<(Module, Region)>, levels: Levels) -> Settings {
    let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    Settings {
        levels,
        heartbeat: ms(pulse::BEAT),
        silence: ms(pulse::STILL),
        ..Settings::new(source, lines)
    }
}

fn parse<T: std::str::FromStr<Err = String>>(key: &str, text: &str) -> Result<T, Failure> {
    text.parse()
        .map_err(|why| Failure::Call(format!("`{key}`: {why}")))
}

fn lines(config: &Config, region: &Region) -> Result<Vec<(Module, Region)>, Failure> {
    let modules = config.guarantee.modules.iter();
    modules
        .map(|name| Ok((parse("guarantee.modules", name)?, region.clone())))
        .collect()
}

fn open(config: &Config, data_dir: &Path) -> Result<EvidenceLog, Failure> {
    let dir = data_dir.join("evidence");
    let witnesses = config.guarantee.witnesses.iter().map(|text| {
        text.parse::<VerifyingKey>()
            .map_err(|why| Failure::Call(format!("`guarantee.witnesses`: `{text}`: {why}")))
    });
    let witnesses = witnesses.collect::<Result<Vec<_>, _>>()?;
    let origin = match config.guarantee.origin.as_str() {
        "" => known_origin(&dir).unwrap_or_else(|| format!("{}/log", host_name())),
        origin => origin.to_owned(),
    };
    let settings = appender::Settings::default();
    Ok(EvidenceLog::open(&dir, &origin, witnesses, settings)?)
}

/// The key that countersigns is beside the log's.
fn receipts(log: &EvidenceLog, dir: &Path, region: Region) -> anyhow::Result<Receipts> {
    let path = dir.join("receipts-key");
    let name = format!("{}/receipts", log.key().name());
    let key = match std::fs::File::open(&path) {
        Ok(file) => key_file::read(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => key_file::new(&path, &name),
        Err(error) => Err(error.into()),
    };
    let key = key.with_context(|| format!("cannot use the key {}", path.display()))?;
    Receipts::new(key, log.key().name(), region, &node_name(log), dir)
}

fn probes(config: &Config) -> Result<Vec<VerifyingKey>, Failure> {
    let probes = config.guarantee.probes.iter().map(|text| {
        text.parse::<VerifyingKey>()
            .map_err(|why| Failure::Call(format!("`guarantee.probes`: `{text}`: {why}")))
    });
    probes.collect()
}

/// A log keeps its name when the machine gets another one, as containers do at
/// every start.
fn known_origin(dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(dir.join("log").join(crate::evidence::VKEY)).ok()?;
    let key: VerifyingKey = text.trim().parse().ok()?;
    Some(key.name().to_owned())
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.to_owned(),
    }
}

/// The log's name is the server's in its rollups, as far as it fits.
fn node_name(log: &EvidenceLog) -> String {
    let host = log.key().name().split('/').next().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = host.chars().map(|c| if fits(c) { c } else { '-' });
    let name: String = name.take(MAX_SOURCE).collect();
    if name.is_empty() {
        "server".to_owned()
    } else {
        name
    }
}

/// All leaves of the log, verified on the way: a year of three lines is 1.6
/// million, which takes a few seconds.
async fn read_back(log: &EvidenceLog, book: Book) -> anyhow::Result<Book> {
    let (root, key) = (log.root().to_owned(), log.key().clone());
    let read = move || book::read_back(&root, &key, book);
    tokio::task::spawn_blocking(read).await?
}

/// The last minute before those that the meter has to say are without data; none
/// for a server that has never measured.
fn missing_since(book: &Book, now: Timestamp) -> Option<Minute> {
    let this = Minute::of(now)?;
    let earliest = Minute(this.0.saturating_sub(MOST_MISSING));
    let last = book.accounted()?;
    // Started twice within its first minute.
    let is_new = book.last().is_none() && last >= this;
    (!is_new).then_some(last.max(earliest))
}

/// The log has contracts without the people in them, except for those that it had
/// whole before.
fn sealed(book: &Book, contracts: Vec<Contract>) -> anyhow::Result<Vec<Contract>> {
    let one = |contract: Contract| {
        let whole = contract.hash().context("a contract's hash")?;
        if !book.is_new_contract(&whole) {
            return Ok(contract);
        }
        contract.sealed().context("a contract's contacts")
    };
    contracts.into_iter().map(one).collect()
}

async fn append_contracts(
    log: &EvidenceLog,
    book: &mut Book,
    contracts: &[Contract],
) -> anyhow::Result<()> {
    let now = timestamp();
    let (mut leaves, mut new, mut hashes) = (Vec::new(), Vec::new(), BTreeSet::new());
    // A version that is logged after a later one would never hold.
    let mut contracts: Vec<&Contract> = contracts.iter().collect();
    contracts.sort_by_key(|contract| (&contract.id, contract.version));
    for contract in contracts {
        let hash = contract.hash().context("a contract's hash")?;
        if book.is_new_contract(&hash) && hashes.insert(hash) {
            leaves.push(Leaf::json(Kind::Contract, now, &contract.public())?);
            new.push(contract);
        }
    }
    if leaves.is_empty() {
        return Ok(());
    }
    let appended = log.append(leaves).await;
    let indexes = appended.context("cannot log the contracts")?;
    for (contract, index) in new.into_iter().zip(indexes) {
        book.handle_contract(contract, index, now);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
