//! Recording of what rooms broadcast, into files.
//!
//! A file grows by fragments, each of which plays as soon as it is written:
//! whatever happens to the server, what was written before plays. When the
//! recording ends, its files are rewritten so that players find their index at
//! the front, if `record.faststart` says so.

mod file;
mod finish;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use surecast_media::control::Kind;
use surecast_media::frame::Item;
use surecast_wire::cmaf::Recording;
use tokio::sync::watch;

use super::{Audio, Broadcast, Played, Player, Refusal, encoder};
use crate::config;
use file::Files;

/// Recordings at once. Each takes a file, and a second of its stream.
const MAX_ACTIVE: usize = 200;

/// Recordings that are over and still told of.
const MAX_REMEMBERED: usize = 1000;

/// What of a room's program is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// Pictures and sound.
    #[default]
    Program,
    /// Sound alone.
    Audio,
    /// Pictures alone.
    Video,
}

/// Why there is no recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Nothing to record.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Too many.
    #[error("{MAX_ACTIVE} recordings are under way already: end some")]
    TooMany,
    /// A file cannot be made.
    #[error("cannot write {path}: {error}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// A recording as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct Info {
    /// Its name.
    pub id: String,
    /// The room.
    pub room: String,
    /// What of it.
    pub what: What,
    /// Where it stands.
    pub status: Status,
    /// When it began, in milliseconds since 1970.
    pub started_at: i64,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// Its files; more than one where the stream's format changed.
    pub files: Vec<FileInfo>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct FileInfo {
    /// Where it is on the server.
    pub path: PathBuf,
    /// Bytes so far.
    pub bytes: u64,
}

/// Where a recording stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It goes on.
    Recording,
    /// Its files are being rewritten.
    Finishing,
    /// It is over.
    Complete,
    /// It ended because something went wrong; what is there plays.
    Failed,
}

/// All recordings. Cheap to clone.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    broadcast: Broadcast,
    config: config::Record,
    ffmpeg: PathBuf,
    folder: PathBuf,
    /// By id, which begins with the time: the oldest comes first.
    all: Mutex<BTreeMap<String, Arc<Handle>>>,
}

/// One recording.
pub struct Handle {
    info: Mutex<Info>,
    stop: watch::Sender<bool>,
}

impl Handle {
    /// How it is now.
    pub fn info(&self) -> Info {
        self.lock().clone()
    }

    /// It shall end; its files are complete when its status says so.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until it is over.
    pub async fn over(&self) {
        // The task that records holds the receiver's end open until then.
        self.stop.closed().await;
    }

    fn is_over(&self) -> bool {
        matches!(self.lock().status, Status::Complete | Status::Failed)
    }

    fn change(&self, change: impl FnOnce(&mut Info)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Info> {
        self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    /// Files go to `record.dir`, or into this folder where that is empty.
    pub fn new(
        broadcast: Broadcast,
        (config, ffmpeg): (&config::Record, &Path),
        folder: PathBuf,
    ) -> Self {
        let folder = match config.dir.as_os_str().is_empty() {
            true => folder,
            false => config.dir.clone(),
        };
        Self(Arc::new(Inner {
            broadcast,
            config: config.clone(),
            ffmpeg: ffmpeg.to_owned(),
            folder,
            all: Mutex::default(),
        }))
    }

    /// Records what the room broadcasts, until it ends or is told to.
    ///
    /// # Errors
    /// Nothing is live, there are too many, or the folder cannot be made.
    pub async fn start(&self, room: &str, what: What) -> Result<Arc<Handle>, RecordError> {
        let all_tracks = what == What::Program;
        let feed = self.0.broadcast.feed(room, Audio::AsIs, all_tracks);
        let player = feed.await?;
        let now = encoder::unix_micros() / 1000;
        let id = format!("{now:013}-{:06x}", fastrand::u32(..0x100_0000));
        let path = self.0.folder.join(folder_name(room)).join(&id);
        let mut files = Files::new(path, self.0.config.sync.0);
        files.make_folder().await?;
        let (stop, stopped) = watch::channel(false);
        let info = Info {
            id: id.clone(),
            room: room.to_owned(),
            what,
            status: Status::Recording,
            started_at: now,
            ended_at: None,
            files: Vec::new(),
            error: None,
        };
        let handle = Arc::new(Handle {
            info: Mutex::new(info),
            stop,
        });
        self.enter(id, handle.clone())?;
        let task = Task {
            recorder: self.clone(),
            handle: handle.clone(),
            files,
            what,
        };
        tracing::info!(room, "recording begins");
        tokio::spawn(task.run(player, stopped));
        Ok(handle)
    }

    /// All that are known, the oldest first.
    pub fn all(&self) -> Vec<Info> {
        self.lock().values().map(|it| it.info()).collect()
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<Arc<Handle>> {
        self.lock().get(id).cloned()
    }

    fn enter(&self, id: String, handle: Arc<Handle>) -> Result<(), RecordError> {
        let mut all = self.lock();
        if all.values().filter(|it| !it.is_over()).count() >= MAX_ACTIVE {
            return Err(RecordError::TooMany);
        }
        if all.len() >= MAX_REMEMBERED {
            let over = all.iter().find(|(_, it)| it.is_over());
            if let Some(oldest) = over.map(|(id, _)| id.clone()) {
                all.remove(&oldest);
            }
        }
        all.insert(id, handle);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Handle>>> {
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room's name as that of a folder: what file systems may not like becomes
/// an underscore.
fn folder_name(room: &str) -> String {
    let fine = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let name: String = room.chars().take(60).collect();
    match name.replace(|c| !fine(c), "_") {
        name if name.is_empty() => "_".into(),
        name => name,
    }
}

struct Task {
    recorder: Recorder,
    handle: Arc<Handle>,
    files: Files,
    what: What,
}

impl Task {
    async fn run(mut self, mut player: Player, mut stopped: watch::Receiver<bool>) {
        let fragment = self.recorder.0.config.fragment.0.as_micros();
        let mut recording = Recording::new(i64::try_from(fragment).unwrap_or(1_000_000));
        let mut result = Ok(());
        while result.is_ok() {
            let played = tokio::select! {
                played = player.next() => played,
                _ = stopped.wait_for(|stop| *stop) => break,
            };
            match played {
                Some(Played::Item(item)) if self.takes(&item) => {
                    result = self.write(recording.handle_item(&item)).await;
                }
                Some(Played::Item(_)) => {}
                // The recording sees the hole.
                Some(Played::Lagged) => tracing::warn!("a recording fell behind its stream"),
                None => break,
            }
        }
        drop(player);
        if result.is_ok() {
            result = self.write(recording.end()).await;
        }
        let closed = self.files.close().await;
        self.end(result.and(closed)).await;
        drop(stopped);
    }

    fn takes(&self, item: &Item) -> bool {
        let wanted = match self.what {
            What::Program => return true,
            What::Audio => Kind::Audio,
            What::Video => Kind::Video,
        };
        // Frames of a track that was never announced are left out later.
        !matches!(item, Item::Format { format, .. } if format.codec.kind() != wanted)
    }

    async fn write(
        &mut self,
        written: Vec<surecast_wire::cmaf::Written>,
    ) -> Result<(), RecordError> {
        for each in written {
            self.files.write(each).await?;
            let files = self.files.infos();
            self.handle.change(|info| info.files = files);
        }
        Ok(())
    }

    async fn end(&mut self, result: Result<(), RecordError>) {
        let now = encoder::unix_micros() / 1000;
        self.handle.change(|info| {
            info.ended_at = Some(now);
            info.status = Status::Finishing;
        });
        let mut problem = result.err().map(|error| error.to_string());
        if self.recorder.0.config.faststart {
            for path in self.files.infos().into_iter().map(|it| it.path) {
                match finish::faststart(&self.recorder.0.ffmpeg, &path).await {
                    Ok(()) => self.files.measure(&path).await,
                    // It plays as it is.
                    Err(words) => {
                        tracing::warn!(path = %path.display(), words, "not rewritten");
                        problem = problem.or(Some(words));
                    }
                }
            }
        }
        let files = self.files.infos();
        let info = self.handle.info();
        tracing::info!(
            room = info.room,
            id = info.id,
            files = files.len(),
            "recording is over"
        );
        self.handle.change(|info| {
            info.files = files;
            info.status = match problem {
                None => Status::Complete,
                Some(_) => Status::Failed,
            };
            info.error = problem;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn rooms_stay_within_their_folder() {
        assert_eq!(folder_name("Abend-Show 1"), "Abend-Show_1");
        assert_eq!(folder_name("../../etc"), "______etc");
        assert_eq!(folder_name(&"直".repeat(100)).chars().count(), 60);
    }
}
