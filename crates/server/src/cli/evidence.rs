//! `surecast evidence verify|show|export|key|fact`.

mod fact;
mod source;
mod verify;

use std::io::Write as _;

use clap::{Args, Subcommand};
use surecast_guarantee::evidence::leaf::Kind;
use surecast_guarantee::evidence::{Audit, Checkpoint, Fault, Hash, Leaf, Replay, VerifyingKey};

use super::{Failure, print};
use crate::evidence::walk;
use source::Source;

#[derive(Debug, Subcommand)]
pub(super) enum EvidenceCommand {
    /// Check signatures, every tile, every leaf, and every settlement, which is computed again.
    Verify(verify::VerifyArgs),
    /// Print one leaf and the proof that it is in the log.
    Show(ShowArgs),
    /// Print the leaves, one a line, each after its index; the log is checked on the way.
    Export(ExportArgs),
    /// Print the log's public key, as it says itself.
    Key(LogArgs),
    /// Append a fact of a contract's or a source's life, while no server writes the log.
    Fact(fact::FactArgs),
}

/// Which log.
#[derive(Debug, Clone, Args)]
pub(super) struct LogArgs {
    /// Where the log is: the URL or the directory that has its `checkpoint`.
    #[arg(long, value_name = "URL|DIR")]
    log: String,
}

/// Which log, and whose it must be.
#[derive(Debug, Clone, Args)]
pub(super) struct TrustArgs {
    #[command(flatten)]
    log: LogArgs,
    /// The log's public key [default: the one that the log says it has].
    #[arg(long, value_name = "VKEY")]
    key: Option<VerifyingKey>,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// Which leaf, from 0.
    #[arg(value_name = "INDEX")]
    index: u64,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// Only leaves of this kind, such as `settlement`; may be repeated.
    #[arg(long, value_name = "KIND")]
    kind: Vec<Kind>,
}

impl EvidenceCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Verify(args) => args.run(),
            Self::Show(args) => args.run(),
            Self::Export(args) => args.run(),
            Self::Fact(args) => args.run(),
            Self::Key(args) => {
                let mut source = Source::open(&args.log)?;
                print(&format!("{}\n", source.key()?))
            }
        }
    }
}

impl TrustArgs {
    /// For commands that can do without a log.
    pub(super) fn new(log: &str, key: Option<VerifyingKey>) -> Self {
        let log = log.to_owned();
        Self {
            log: LogArgs { log },
            key,
        }
    }

    /// Where the log is, as it was given.
    pub(super) fn log(&self) -> &str {
        &self.log.log
    }

    /// The key that the log is checked with.
    pub(super) fn key(&self) -> Result<VerifyingKey, Failure> {
        Ok(self.open()?.1)
    }

    /// The log, and the key that it is checked with.
    fn open(&self) -> Result<(Source, VerifyingKey), Failure> {
        let mut source = Source::open(&self.log.log)?;
        let key = match &self.key {
            Some(key) => key.clone(),
            None => source.key()?,
        };
        Ok((source, key))
    }
}

/// Verifies the whole log and gives its leaves to `replay`; what it says of
/// itself comes back.
pub(super) fn read_all(trust: &TrustArgs, replay: &mut impl Replay) -> Result<Checkpoint, Failure> {
    let (mut source, key) = trust.open()?;
    let audit = Audit::open(&mut source, &key).map_err(work)?;
    let (readers, _runtime) = source.readers(&audit);
    walk(&audit, readers, replay, |_| {}).map_err(work)?;
    Ok(audit.head().clone())
}

impl ShowArgs {
    fn run(&self) -> Result<(), Failure> {
        let (mut source, key) = self.trust.open()?;
        let mut audit = Audit::open(&mut source, &key).map_err(work)?;
        let shown = audit.leaf(&mut source, self.index);
        let (leaf, proof) = match shown {
            Err(fault @ Fault::NoLeaf { .. }) => return Err(Failure::Call(fault.to_string())),
            other => other.map_err(work)?,
        };
        let head = audit.head();
        let mut text = format!(
            "{}\n\nleaf {} of {} in {}\nhash {}\nroot {}\n",
            readable(&leaf),
            self.index,
            head.size,
            head.origin,
            Hash::leaf(&leaf),
            head.root
        );
        for hash in proof {
            text.push_str(&format!("path {hash}\n"));
        }
        print(&text)
    }
}

impl ExportArgs {
    fn run(&self) -> Result<(), Failure> {
        let (mut source, key) = self.trust.open()?;
        let audit = Audit::open(&mut source, &key).map_err(work)?;
        let mut printer = Printer {
            kinds: &self.kind,
            out: std::io::BufWriter::new(std::io::stdout().lock()),
        };
        let (readers, _runtime) = source.readers(&audit);
        walk(&audit, readers, &mut printer, |_| {}).map_err(work)?;
        printer
            .finish()
            .map(drop)
            .map_err(|why| Failure::Work(anyhow::anyhow!(why)))
    }
}

/// Prints leaves as they come.
struct Printer<'a> {
    kinds: &'a [Kind],
    out: std::io::BufWriter<std::io::StdoutLock<'static>>,
}

impl Replay for Printer<'_> {
    fn handle_leaf(&mut self, index: u64, entry: &[u8]) -> Result<(), String> {
        let wanted = self.kinds.is_empty()
            || Leaf::parse(entry).is_ok_and(|leaf| self.kinds.contains(leaf.kind()));
        if wanted {
            writeln!(self.out, "{index} {}", readable(entry))
                .map_err(|error| format!("cannot write to standard output: {error}"))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<String>, String> {
        self.out.flush().map_err(|error| error.to_string())?;
        Ok(Vec::new())
    }
}

/// A leaf for a terminal: logs of others can have anything in them.
fn readable(entry: &[u8]) -> String {
    let text = String::from_utf8_lossy(entry);
    let plain = |c: char| {
        if c.is_control() {
            c.escape_default().collect()
        } else {
            String::from(c)
        }
    };
    text.chars().map(plain).collect()
}

fn work(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Work(anyhow::Error::new(error))
}
