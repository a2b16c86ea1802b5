//! A log's files in a directory.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use surecast_guarantee::evidence::Files;
use surecast_guarantee::evidence::appender::Step;
use surecast_guarantee::evidence::files::MAX_FILE;

/// Up to so many files are made durable one by one, above it the whole file
/// system at once: each sync of a new file costs a commit of the file system's
/// journal, and a thousand leaves are eight files.
const ONE_BY_ONE: usize = 16;

/// Reads a log's directory.
#[derive(Clone, Debug)]
pub struct Reader {
    root: PathBuf,
}

impl Reader {
    /// Of the log in that directory.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }
}

impl Files for Reader {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        read(&self.root.join(path)).map_err(|error| error.to_string())
    }
}

/// `None` when there is no such file; an error when it is larger than a log's
/// file can be.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let len = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(len.min(MAX_FILE));
    let limit = MAX_FILE as u64 + 1;
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE {
        let text = format!("larger than {MAX_FILE} bytes, which no file of a log is");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(Some(bytes))
}

/// Does the steps of a log that grows.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    /// Open from the beginning, so that no error of writing back is missed.
    handle: File,
    /// Files that were written and not synced; no more than [`ONE_BY_ONE`].
    files: Vec<File>,
    /// There were more than that.
    many: bool,
    /// Directories with entries that were not synced.
    entries: BTreeSet<PathBuf>,
}

impl Directory {
    /// Makes the directory when it is missing.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        Ok(Self {
            root: root.to_owned(),
            handle: File::open(root)?,
            files: Vec::new(),
            many: false,
            entries: BTreeSet::from([parent(root)]),
        })
    }

    pub(super) fn reader(&self) -> Reader {
        Reader::new(&self.root)
    }

    /// The error says what was done to which file.
    pub(super) fn perform(&mut self, step: &Step) -> Result<(), String> {
        let (verb, path, result) = match step {
            Step::Write { path, bytes } => ("write", path.as_str(), self.write(path, bytes)),
            Step::Sync => ("sync", "", self.sync()),
            Step::Rename { from, to } => ("rename", *from, self.rename(from, to)),
            Step::Remove { path } => ("remove", path.as_str(), self.remove(path)),
        };
        result.map_err(|error| format!("cannot {verb} {}: {error}", self.root.join(path).display()))
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.root.join(path);
        let directory = parent(&path);
        self.make(&directory)?;
        let mut file = File::create(&path)?;
        file.write_all(bytes)?;
        self.entries.insert(directory);
        if self.files.len() < ONE_BY_ONE {
            self.files.push(file);
        } else {
            self.many = true;
        }
        Ok(())
    }

    /// Makes a directory and those above it, each of which is a new entry.
    fn make(&mut self, directory: &Path) -> io::Result<()> {
        if directory.is_dir() {
            return Ok(());
        }
        let above = parent(directory);
        self.make(&above)?;
        match fs::create_dir(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        self.entries.insert(above);
        Ok(())
    }

    /// What could not be synced is tried again with the next sync.
    fn sync(&mut self) -> io::Result<()> {
        if self.many {
            rustix::fs::syncfs(&self.handle)?;
        } else {
            for file in &self.files {
                file.sync_data()?;
            }
            for directory in &self.entries {
                File::open(directory)?.sync_all()?;
            }
        }
        self.many = false;
        self.files.clear();
        self.entries.clear();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.root.join(from), self.root.join(to))?;
        self.entries.insert(self.root.clone());
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.root.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Makes a small file that was not there, all of it or nothing.
pub(super) fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let new = path.with_extension("new");
    // What a killed server left behind.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = File::options();
    let mut file = options.write(true).create_new(true).mode(mode).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(parent(path))?.sync_all()
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(above) if above.as_os_str().is_empty() => PathBuf::from("."),
        Some(above) => above.to_owned(),
        None => PathBuf::from("/"),
    }
}
