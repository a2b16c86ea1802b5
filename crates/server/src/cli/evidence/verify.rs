//! `surecast evidence verify`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};
use surecast_guarantee::evidence::audit::Witnessed;
use surecast_guarantee::evidence::files::CHECKPOINT;
use surecast_guarantee::evidence::key::Algorithm;
use surecast_guarantee::evidence::note::MAX_NOTE;
use surecast_guarantee::evidence::replay::Census;
use surecast_guarantee::evidence::{
    Audit, Checkpoint, Fault, Files as _, Note, Replay, VerifyingKey,
};
use surecast_guarantee::report::audit::ReceiptAudit;
use surecast_guarantee::settlement::Replayer;

use super::source::Source;
use super::{TrustArgs, work};
use crate::cli::{Failure, print};
use crate::evidence::walk;

/// A line on standard error so often, while the log is read.
const PROGRESS: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// A checkpoint of this log that was kept earlier, as a file: the log must continue it.
    #[arg(long, value_name = "CHECKPOINT")]
    from: Option<PathBuf>,
    /// The public key of a witness that must have signed; may be repeated.
    #[arg(long, value_name = "VKEY")]
    witness: Vec<VerifyingKey>,
    /// Keep the checkpoint that was verified in this file, for the next --from.
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

/// What was found to be true.
struct Found {
    key: VerifyingKey,
    head: Checkpoint,
    from: Option<u64>,
    witnessed: Vec<Witnessed>,
    census: Census,
    receipts: ReceiptAudit,
    /// What the settlements and the receipts came to.
    replayed: Vec<String>,
    settlements: u64,
}

/// Counts the leaves, settles again what was settled, and checks receipts.
#[derive(Default)]
struct Reading {
    census: Census,
    receipts: ReceiptAudit,
    replayer: Replayer,
}

impl Replay for Reading {
    fn handle_leaf(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        self.census.handle_leaf(index, entry)?;
        self.receipts.handle_leaf(index, entry)?;
        self.replayer.handle_leaf(index, entry)
    }

    fn finish(&mut self) -> Result<Vec<String>, String> {
        let mut said = self.replayer.finish()?;
        said.extend(self.receipts.finish()?);
        Ok(said)
    }
}

impl VerifyArgs {
    pub(super) fn run(&self) -> Result<(), Failure> {
        self.check()?;
        let (source, key) = self.trust.open()?;
        let earlier = self.from.as_deref().map(|path| read_earlier(path, &key));
        match self.verify(source, &key, earlier.transpose()?)? {
            Ok(found) => print(&self.show(&found)),
            Err(fault) => {
                if self.json {
                    let fault = fault.to_string();
                    print(&format!("{}\n", json!({"ok": false, "fault": fault})))?;
                }
                Err(work(fault))
            }
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let wrong = |key: &&VerifyingKey| key.algorithm() != Algorithm::Cosignature;
        if let Some(key) = self.witness.iter().find(wrong) {
            return Err(Failure::Call(format!(
                "--witness {key}: this is a log's key, not a witness's"
            )));
        }
        if let Some(key) = &self.trust.key
            && key.algorithm() != Algorithm::Ed25519
        {
            return Err(Failure::Call(format!(
                "--key {key}: this is a witness's key, not a log's"
            )));
        }
        Ok(())
    }

    /// The outer error is about this machine, the inner one about the log.
    fn verify(
        &self,
        mut source: Source,
        key: &VerifyingKey,
        earlier: Option<Checkpoint>,
    ) -> Result<Result<Found, Fault>, Failure> {
        // The log may grow meanwhile: what is kept is what was verified.
        let note = source.read(CHECKPOINT).ok().flatten();
        let mut open = || {
            let mut audit = Audit::open(&mut source, key)?;
            if let Some(earlier) = &earlier {
                audit.continues(&mut source, earlier)?;
            }
            let seen = |witness| audit.witnessed(&mut source, key, witness);
            let witnessed = self
                .witness
                .iter()
                .map(seen)
                .collect::<Result<Vec<_>, _>>()?;
            Ok((audit, witnessed))
        };
        let (audit, witnessed) = match open() {
            Ok(opened) => opened,
            Err(fault) => return Ok(Err(fault)),
        };
        let head = audit.head().clone();
        let mut reading = Reading::default();
        let (readers, _runtime) = source.readers(&audit);
        let mut progress = Progress::new(head.size);
        if let Err(fault) = walk(&audit, readers, &mut reading, |leaves| progress.at(leaves)) {
            return Ok(Err(fault));
        }
        if let (Some(path), Some(note)) = (&self.keep, note) {
            keep(path, &note, &head, key)?;
        }
        Ok(Ok(Found {
            key: key.clone(),
            head,
            from: earlier.map(|earlier| earlier.size),
            witnessed,
            replayed: reading.finish().map_err(|why| anyhow::anyhow!(why))?,
            settlements: reading.replayer.computed(),
            receipts: reading.receipts,
            census: reading.census,
        }))
    }

    fn show(&self, found: &Found) -> String {
        if self.json {
            return format!("{}\n", found.json());
        }
        let mut text = format!(
            "{}: {} leaves are as they were signed for\nroot {}\n",
            found.head.origin, found.head.size, found.head.root
        );
        let mut line = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        if self.trust.key.is_none() {
            line(format!(
                "the key is the one that the log says it has: compare it, or give it with --key\nkey {}",
                found.key
            ));
        }
        if let Some(size) = found.from {
            line(format!(
                "it continues the earlier checkpoint of {size} leaves"
            ));
        }
        for seen in &found.witnessed {
            let time = seen
                .time
                .map_or_else(String::new, |time| format!(", at {}", utc(time)));
            line(format!(
                "{} has signed {} leaves{time}",
                seen.witness, seen.size
            ));
        }
        for said in &found.replayed {
            line(said.clone());
        }
        // The census itself finds nothing wrong.
        for kind in found.census.clone().finish().unwrap_or_default() {
            line(format!("  {kind}"));
        }
        text
    }
}

impl Found {
    fn json(&self) -> Value {
        let witnessed = self.witnessed.iter();
        let witnessed: Vec<Value> = witnessed
            .map(|seen| json!({"witness": seen.witness, "size": seen.size, "time": seen.time}))
            .collect();
        json!({
            "ok": true,
            "origin": self.head.origin,
            "key": self.key.to_string(),
            "size": self.head.size,
            "root": self.head.root.to_string(),
            "from": self.from,
            "witnessed": witnessed,
            "kinds": self.census.kinds,
            "unreadable": self.census.unreadable,
            "settlements_computed": self.settlements,
            "receipts_of_probes": self.receipts.probes,
            "receipts_of_clients": self.receipts.clients,
        })
    }
}

fn read_earlier(path: &Path, key: &VerifyingKey) -> Result<Checkpoint, Failure> {
    let wrong = |why: String| Failure::Call(format!("--from {}: {why}", path.display()));
    let bytes = std::fs::metadata(path)
        .and_then(|about| {
            // What is longer is refused below, without reading all of it.
            let fits = about.len() <= MAX_NOTE as u64;
            if fits {
                std::fs::read(path)
            } else {
                Ok(vec![b'-'; MAX_NOTE + 1])
            }
        })
        .map_err(|error| wrong(error.to_string()))?;
    let note = Note::parse(&bytes).map_err(|error| wrong(error.to_string()))?;
    Checkpoint::open(&note, key).map_err(|error| wrong(error.to_string()))
}

/// Seconds since 1970 as people write them.
fn utc(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|s| jiff::Timestamp::from_second(s).ok());
    time.map_or_else(
        || format!("{seconds} s after 1970"),
        |time| time.to_string(),
    )
}

/// Only what was verified is kept; a log that has grown since then is read
/// again next time.
fn keep(path: &Path, note: &[u8], head: &Checkpoint, key: &VerifyingKey) -> Result<(), Failure> {
    let same = Note::parse(note)
        .ok()
        .and_then(|note| Checkpoint::open(&note, key).ok())
        .is_some_and(|checkpoint| checkpoint == *head);
    if !same {
        return Err(Failure::Work(anyhow::anyhow!(
            "the log has grown while it was opened: run this again to keep its checkpoint"
        )));
    }
    let written = std::fs::write(path, note);
    Ok(written.with_context(|| format!("cannot write {}", path.display()))?)
}

/// Says on standard error how far it is.
struct Progress {
    size: u64,
    next: Instant,
}

impl Progress {
    fn new(size: u64) -> Self {
        let next = Instant::now() + PROGRESS;
        Self { size, next }
    }

    fn at(&mut self, leaves: u64) {
        // The clock costs as much as a leaf.
        if leaves.is_multiple_of(4096) && Instant::now() >= self.next {
            self.next = Instant::now() + PROGRESS;
            // Without a standard error there is nobody to tell.
            let _ = writeln!(
                std::io::stderr(),
                "verified {leaves} of {} leaves",
                self.size
            );
        }
    }
}
