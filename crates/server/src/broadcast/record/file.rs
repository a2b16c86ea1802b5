//! The files of one recording: each write is whole fragments.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use surecast_wire::cmaf::Written;
use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt as _;

use super::{FileInfo, RecordError};

pub(super) struct Files {
    folder: PathBuf,
    sync: Duration,
    synced: Instant,
    open: Option<File>,
    infos: Vec<FileInfo>,
}

impl Files {
    /// Written through to the disk so often; what the kernel has not written is
    /// lost with the machine, not with the process.
    pub fn new(folder: PathBuf, sync: Duration) -> Self {
        Self {
            folder,
            sync,
            synced: Instant::now(),
            open: None,
            infos: Vec::new(),
        }
    }

    pub async fn make_folder(&mut self) -> Result<(), RecordError> {
        let made = fs::create_dir_all(&self.folder).await;
        made.map_err(|error| failed(&self.folder, error))
    }

    pub async fn write(&mut self, written: Written) -> Result<(), RecordError> {
        let bytes = match written {
            Written::Begin(head) => {
                self.close().await?;
                let path = self.folder.join(format!("{}.mp4", self.infos.len() + 1));
                let made = File::create_new(&path).await;
                self.open = Some(made.map_err(|error| failed(&path, error))?);
                self.infos.push(FileInfo { path, bytes: 0 });
                head
            }
            Written::Fragment(bytes) => bytes,
        };
        let (Some(file), Some(info)) = (&mut self.open, self.infos.last_mut()) else {
            return Ok(());
        };
        let done = async {
            file.write_all(&bytes).await?;
            // To the kernel: what is only in this process dies with it.
            file.flush().await?;
            if self.synced.elapsed() >= self.sync {
                file.sync_data().await?;
                self.synced = Instant::now();
            }
            Ok(())
        };
        done.await.map_err(|error| failed(&info.path, error))?;
        info.bytes += bytes.len() as u64;
        Ok(())
    }

    pub async fn close(&mut self) -> Result<(), RecordError> {
        let (Some(file), Some(info)) = (self.open.take(), self.infos.last()) else {
            return Ok(());
        };
        let synced = file.sync_all().await;
        synced.map_err(|error| failed(&info.path, error))
    }

    pub async fn measure(&mut self, path: &Path) {
        let bytes = fs::metadata(path).await.map(|it| it.len());
        for info in self.infos.iter_mut().filter(|it| it.path == path) {
            info.bytes = *bytes.as_ref().unwrap_or(&info.bytes);
        }
    }

    pub fn infos(&self) -> Vec<FileInfo> {
        self.infos.clone()
    }
}

fn failed(path: &Path, error: std::io::Error) -> RecordError {
    let path = path.to_owned();
    RecordError::File { path, error }
}
