//! Receipts of minutes that are not in the log yet.
//!
//! ```text
//! DIR/receipts/29671200     one file a minute, a line a receipt: SIGNATURE STATEMENT
//! ```
//!
//! A countersignature is an acknowledgement: what it was given for is in the file
//! before, and survives that the process is killed. Once a second what was
//! written goes to the disk itself; a loss of power can take the last second. The
//! file is removed when the log has the minute. A process that dies in between
//! logs the minute twice, with the same numbers: nothing follows from that.
//!
//! Statements name nobody: they have the key that a session has made for itself.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use surecast_guarantee::report::receipt::MAX_BYTES;
use surecast_guarantee::rollup::Minute;

use super::PER_MINUTE;

/// Longest line: a statement, a signature in base64 (88 bytes) and two bytes
/// between.
const MAX_LINE: u64 = MAX_BYTES as u64 + 90;

/// Most of one file: as much as a minute takes.
const MAX_FILE: u64 = MAX_LINE * PER_MINUTE as u64;

/// The files.
pub(super) struct Journal {
    dir: PathBuf,
    files: BTreeMap<Minute, Written>,
}

struct Written {
    file: File,
    len: u64,
    /// Something of it may not be on the disk.
    dirty: bool,
}

impl Journal {
    /// In `dir`/receipts, which is made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let dir = dir.join("receipts");
        fs::create_dir_all(&dir)?;
        let files = BTreeMap::new();
        Ok(Self { dir, files })
    }

    /// The minutes of which there are files, in order.
    pub fn minutes(&self) -> io::Result<Vec<Minute>> {
        let mut minutes = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let minute = name.to_str().and_then(|name| name.parse().ok());
            minutes.extend(minute.map(Minute));
        }
        minutes.sort_unstable();
        Ok(minutes)
    }

    /// Statements and their signatures of a minute, in their order. A line that was not written whole was not
    /// acknowledged.
    pub fn read(&mut self, minute: Minute) -> io::Result<Vec<(String, String)>> {
        let file = File::open(self.path(minute))?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let pair = |line: &str| {
            let (signature, statement) = line.split_once(' ')?;
            Some((statement.to_owned(), signature.to_owned()))
        };
        let receipts = text[..whole].lines().filter_map(pair).collect();
        // What was torn off is a line of its own, and no receipt.
        let written = self.written(minute)?;
        written.file.write_all(b"\n")?;
        written.len += 1;
        Ok(receipts)
    }

    /// Writes a receipt down, before anybody is told that it was taken.
    pub fn keep(&mut self, minute: Minute, statement: &str, signature: &str) -> io::Result<()> {
        let line = format!("{signature} {statement}\n");
        let written = self.written(minute)?;
        if let Err(error) = written.file.write_all(line.as_bytes()) {
            // Half a line must not become the beginning of the next one.
            written.file.set_len(written.len)?;
            return Err(error);
        }
        written.len += line.len() as u64;
        written.dirty = true;
        Ok(())
    }

    /// The files that are to be brought to the disk.
    pub fn poll_dirty(&mut self) -> Vec<File> {
        let dirty = self.files.values_mut().filter(|written| written.dirty);
        let files = dirty.filter_map(|written| {
            written.dirty = false;
            written.file.try_clone().ok()
        });
        files.collect()
    }

    /// The log has the minute.
    pub fn forget(&mut self, minute: Minute) {
        self.files.remove(&minute);
        let path = self.path(minute);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "receipts that are in the log stay here, too");
        }
    }

    fn path(&self, minute: Minute) -> PathBuf {
        self.dir.join(minute.0.to_string())
    }

    fn written(&mut self, minute: Minute) -> io::Result<&mut Written> {
        use std::collections::btree_map::Entry;
        let path = self.path(minute);
        match self.files.entry(minute) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let mut options = OpenOptions::new();
                let file = options.append(true).create(true).mode(0o600).open(path)?;
                let len = file.metadata()?.len();
                Ok(entry.insert(Written {
                    file,
                    len,
                    dirty: true,
                }))
            }
        }
    }
}
