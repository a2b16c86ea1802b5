//! A log at a URL or in a directory.

use std::path::Path;

use anyhow::anyhow;
use surecast_guarantee::evidence::files::CHECKPOINT;
use surecast_guarantee::evidence::{Audit, Files, Tile, VerifyingKey};
use tokio::runtime::Runtime;

use crate::cli::{Failure, runtime};
use crate::evidence::{Reader, Remote, VKEY};

/// Threads that verify a log in a directory: the work is mostly hashing, and
/// who reads the leaves needs a thread too.
const MOST_THREADS: usize = 8;

/// Where files come from. A remote one needs its runtime.
pub(super) struct Source {
    name: String,
    place: Place,
    runtime: Option<Runtime>,
}

pub(super) enum Place {
    Directory(Reader),
    Remote(Box<Remote>),
}

impl Source {
    pub(super) fn open(log: &str) -> Result<Self, Failure> {
        if log.starts_with("http://") || log.starts_with("https://") {
            return Self::remote(log);
        }
        if log.contains("://") {
            return Err(Failure::Call(format!(
                "--log {log}: only http:// and https:// are known, and directories"
            )));
        }
        let given = Path::new(log);
        // A copy of the public files, or the server's own directory of evidence.
        let found = [given.to_owned(), given.join("log")]
            .into_iter()
            .find(|path| path.join(CHECKPOINT).is_file());
        let path = found.ok_or_else(|| {
            Failure::Call(format!(
                "--log {log}: there is no file `{CHECKPOINT}` in it"
            ))
        })?;
        Ok(Self {
            name: log.to_owned(),
            place: Place::Directory(Reader::new(&path)),
            runtime: None,
        })
    }

    fn remote(url: &str) -> Result<Self, Failure> {
        url.parse::<axum::http::Uri>()
            .map_err(|error| Failure::Call(format!("--log {url}: {error}")))?;
        let runtime = runtime()?;
        let remote = Remote::new(url, runtime.handle().clone())?;
        Ok(Self {
            name: url.to_owned(),
            place: Place::Remote(Box::new(remote)),
            runtime: Some(runtime),
        })
    }

    /// The key that the log says it has.
    pub(super) fn key(&mut self) -> Result<VerifyingKey, Failure> {
        let read = self
            .read(VKEY)
            .map_err(|why| anyhow!("{}: {why}", self.name))?;
        let Some(bytes) = read else {
            return Err(Failure::Call(format!(
                "the log {} does not say its key: give it with --key",
                self.name
            )));
        };
        let text = String::from_utf8_lossy(&bytes);
        let key = text.trim_end().parse::<VerifyingKey>();
        Ok(key.map_err(|error| anyhow!("{} of {}: {error}", VKEY, self.name))?)
    }

    /// One for each thread that is to verify the whole log.
    /// The runtime is to be kept as long as they are used.
    pub(super) fn readers(self, audit: &Audit) -> (Vec<Place>, Option<Runtime>) {
        match self.place {
            Place::Directory(reader) => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                let threads = cores.min(MOST_THREADS);
                let place = || Place::Directory(reader.clone());
                (std::iter::repeat_with(place).take(threads).collect(), None)
            }
            Place::Remote(mut remote) => {
                let size = audit.head().size;
                let paths = (0..audit.bundles()).flat_map(move |index| {
                    [Tile::entries(index, size), Tile::hashes(0, index, size)]
                });
                remote.expect(paths.flatten().map(|tile| tile.to_string()));
                (vec![Place::Remote(remote)], self.runtime)
            }
        }
    }
}

impl Files for Source {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        self.place.read(path)
    }
}

impl Files for Place {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        match self {
            Self::Directory(reader) => reader.read(path),
            Self::Remote(remote) => remote.read(path),
        }
    }
}
