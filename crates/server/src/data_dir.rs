//! The data directory: made when missing, locked while in use.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// A directory that this process alone uses.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    temporary: bool,
    _lock: File,
}

impl DataDir {
    /// Opens `path`; the empty path stands for a temporary directory that is
    /// removed when this is dropped.
    ///
    /// # Errors
    /// It cannot be made or written, or another server uses it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let temporary = path.as_os_str().is_empty();
        let path = if temporary {
            temporary_path()
        } else {
            path.to_owned()
        };
        fs::create_dir_all(&path)
            .with_context(|| format!("cannot make the data directory {}", path.display()))?;
        let lock_path = path.join("lock");
        let lock = File::create(&lock_path)
            .with_context(|| format!("cannot write into the data directory {}", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path,
                temporary,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => bail!(
                "the data directory {} is in use by another surecast: stop that one, or give this one its own \
                 with --data-dir",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", lock_path.display()))
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::debug!(path = %self.path.display(), %error, "temporary data directory not removed");
        }
    }
}

fn temporary_path() -> PathBuf {
    std::env::temp_dir().join(format!(
        "surecast-dev-{}-{:08x}",
        std::process::id(),
        fastrand::u32(..)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_user() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let first = DataDir::open(&path).unwrap();
        let error = DataDir::open(&path).unwrap_err().to_string();
        assert!(error.contains("in use by another surecast"), "{error}");
        drop(first);
        DataDir::open(&path).unwrap();
        assert!(path.exists());
    }

    #[test]
    fn a_temporary_one_goes_away() {
        let dir = DataDir::open(Path::new("")).unwrap();
        let path = dir.path().to_owned();
        assert!(path.exists());
        drop(dir);
        assert!(!path.exists());
    }
}
