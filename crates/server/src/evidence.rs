//! The evidence log in a directory: one thread writes, everybody reads.
//!
//! ```text
//! DIR/key       the private key, mode 0600
//! DIR/lock      held while a server writes
//! DIR/log/      what others may see; any web server can serve it
//! DIR/log/vkey  the public key
//! ```
//!
//! Leaves are committed together, once a second by default; `append` resolves
//! when theirs are durable and covered by a checkpoint that others can see.

mod directory;
pub(crate) mod key_file;
mod remote;
mod walk;
mod writer;

use std::fs::{self, File, TryLockError};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use anyhow::{Context as _, bail};
use surecast_guarantee::evidence::appender::{AppendError, Settings, WitnessError};
use surecast_guarantee::evidence::{Appender, Leaf, Note, VerifyingKey};
use tokio::sync::{oneshot, watch};

pub use directory::Reader;
pub use remote::Remote;
pub use walk::walk;

use directory::Directory;
use writer::{Request, Writer};

/// Calls that wait for the writing thread. It looks at them between any two
/// files, so that many come together only while the disk hangs; each then holds
/// its leaves, and a server makes about 25 calls a minute.
const QUEUE: usize = 4096;

/// The file with the public key.
pub const VKEY: &str = "vkey";

/// Leaves that are not in the log.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendFailure {
    /// They do not fit, or too many wait.
    #[error(transparent)]
    Refused(#[from] AppendError),
    /// They could not be written. They are not kept and may be given again.
    #[error("the log cannot be written: {0}")]
    Disk(String),
    /// The writing thread does not keep up.
    #[error("{QUEUE} calls wait for the log's disk: try again later")]
    Busy,
    /// The server stops.
    #[error("the log is closed")]
    Closed,
}

/// A witness's signature that is not kept.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WitnessFailure {
    /// It is not right.
    #[error(transparent)]
    Refused(#[from] WitnessError),
    /// The writing thread does not keep up, or the server stops.
    #[error("the log is busy: try again later")]
    Busy,
}

/// What others can see.
#[derive(Clone, Debug)]
pub struct Published {
    /// Leaves in the tree.
    pub size: u64,
    /// The checkpoint; signed by witnesses too, where they have signed this one.
    pub checkpoint: Arc<str>,
    /// The last checkpoint that a witness signed.
    pub witnessed: Option<Arc<str>>,
}

/// A handle to the log; cheap to clone. The log is closed when the last one is
/// gone, or by [`EvidenceLog::close`].
#[derive(Clone, Debug)]
pub struct EvidenceLog {
    queue: SyncSender<Request>,
    published: watch::Receiver<Published>,
    root: Arc<Path>,
    key: VerifyingKey,
}

impl EvidenceLog {
    /// Opens the log in `dir`, or begins one named `origin` (a URL without
    /// scheme, such as `live.example.com/log`). Blocks until what a killed
    /// server left is in order.
    ///
    /// `witnesses` are those whose signatures are kept.
    ///
    /// # Errors
    /// Another process uses it, its key or files are lost or damaged, or it
    /// cannot be written.
    pub fn open(
        dir: &Path,
        origin: &str,
        witnesses: Vec<VerifyingKey>,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        let shown = dir.display();
        let root = dir.join("log");
        fs::create_dir_all(&root)
            .with_context(|| format!("cannot make the directory of the log {shown}"))?;
        let lock = lock(dir)?;
        let key = key_file::load(dir, &root, origin)?;
        let vkey = key.public().clone();
        publish_key(&root, &vkey)?;
        let directory = Directory::open(&root)
            .with_context(|| format!("cannot open the directory of the log {shown}"))?;
        let log = Appender::open(key, settings, &mut directory.reader())
            .with_context(|| format!("cannot go on with the log in {shown}"))?;
        let (queue, requests) = sync_channel(QUEUE);
        let (writer, published) = Writer::new(log, directory, witnesses, lock)
            .with_context(|| format!("cannot go on with the log in {shown}"))?;
        std::thread::Builder::new()
            .name("evidence".into())
            .spawn(move || writer.run(&requests))
            .context("cannot start the log's thread")?;
        Ok(Self {
            queue,
            published,
            root: root.into(),
            key: vkey,
        })
    }

    /// Appends leaves, all or none. Resolves with their indexes once they are
    /// durable and can be proven. Nothing is taken back when the future is
    /// dropped.
    ///
    /// # Errors
    /// See [`AppendFailure`].
    pub async fn append(&self, leaves: Vec<Leaf>) -> Result<Range<u64>, AppendFailure> {
        let leaves = leaves.iter().map(Leaf::to_bytes).collect();
        let (reply, answer) = oneshot::channel();
        match self.queue.try_send(Request::Append { leaves, reply }) {
            Ok(()) => answer.await.unwrap_or(Err(AppendFailure::Closed)),
            Err(TrySendError::Full(_)) => Err(AppendFailure::Busy),
            Err(TrySendError::Disconnected(_)) => Err(AppendFailure::Closed),
        }
    }

    /// Keeps the signatures that known witnesses made under one of this log's
    /// checkpoints; gives its size.
    ///
    /// # Errors
    /// See [`WitnessFailure`].
    pub async fn witness(&self, note: Note) -> Result<u64, WitnessFailure> {
        let (reply, answer) = oneshot::channel();
        let sent = self.queue.try_send(Request::Witness { note, reply });
        sent.map_err(|_| WitnessFailure::Busy)?;
        answer.await.unwrap_or(Err(WitnessFailure::Busy))
    }

    /// What others can see, now and as it changes.
    #[must_use]
    pub const fn published(&self) -> &watch::Receiver<Published> {
        &self.published
    }

    /// Where the public files are.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What checks the log's signatures.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Writes what waits and ends. What cannot be written is refused.
    pub async fn close(self) {
        let (reply, answer) = oneshot::channel();
        // A full queue: the thread ends by itself when the last handle is gone.
        if self.queue.try_send(Request::Close { reply }).is_ok() {
            let _ = answer.await;
        }
    }
}

fn lock(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join("lock");
    let lock = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => bail!(
            "the log in {} is in use by another surecast: one at a time can write it",
            dir.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// For whoever is given the public files alone.
fn publish_key(root: &Path, key: &VerifyingKey) -> anyhow::Result<()> {
    let path: PathBuf = root.join(VKEY);
    let text = format!("{key}\n");
    if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
        return Ok(());
    }
    directory::create(&path, text.as_bytes(), 0o644)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
