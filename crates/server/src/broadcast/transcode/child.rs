//! An `ffmpeg` beside the server.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use super::Error;

/// Lines of its standard error that are kept: the reason stands in the last
/// ones, and a program may write for days.
const LAST_WORDS: usize = 8;

/// Bytes of a line that are kept.
const LINE: usize = 300;

/// What waits for it at most, in bytes: two seconds of raw stereo at 48 kHz, or
/// of video at 3 Mbps. A child that far behind does not keep up.
pub const MAX_WAITING: usize = 768 << 10;

/// One read from it.
const CHUNK: usize = 32 << 10;

/// It may take nothing for this long: encoders start within two seconds, on a
/// busy machine.
const STALL: Duration = Duration::from_secs(10);

/// How long it may take to end after its input did.
const LEAVE: Duration = Duration::from_millis(500);

/// A running child. It is killed when this is dropped, and ends by itself, for
/// lack of input, when the server is killed.
pub struct Child {
    process: tokio::process::Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    waiting: VecDeque<u8>,
    /// Its input ends when nothing waits any more.
    last_input: bool,
    /// Since when it takes nothing, while something waits.
    stalled: Option<Instant>,
    last_words: Arc<Mutex<VecDeque<String>>>,
}

/// What a child did.
#[derive(Debug)]
pub enum Event {
    /// It wrote this.
    Output(Vec<u8>),
    /// It ended, or it takes nothing any more; why, as far as it said so.
    Ended(String),
}

impl Child {
    /// Starts `ffmpeg` with these arguments, in its own process group: who stops
    /// the server by Ctrl-C stops the server, which then ends its children.
    ///
    /// # Errors
    /// In words that say which program and which setting.
    pub fn start(ffmpeg: &Path, arguments: &[String]) -> Result<Self, Error> {
        let mut command = Command::new(ffmpeg);
        command
            .args(["-hide_banner", "-loglevel", "error"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let name = ffmpeg.display().to_string();
        let mut process = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::NotFound(name.clone()),
            _ => Error::Start(name.clone(), error.to_string()),
        })?;
        let no_pipe = || Error::Start(name.clone(), "it has no pipes".into());
        let stdin = process.stdin.take().ok_or_else(no_pipe)?;
        let stdout = process.stdout.take().ok_or_else(no_pipe)?;
        let stderr = process.stderr.take().ok_or_else(no_pipe)?;
        let last_words = Arc::default();
        tokio::spawn(listen(stderr, Arc::clone(&last_words)));
        tracing::debug!(ffmpeg = name, ?arguments, "child started");
        let waiting = VecDeque::new();
        Ok(Self {
            process,
            stdin: Some(stdin),
            stdout,
            waiting,
            last_input: false,
            stalled: None,
            last_words,
        })
    }

    /// Gives it bytes, which [`next`](Self::next) writes. False: it is too far
    /// behind, and they are left out whole.
    pub fn give(&mut self, bytes: &[u8]) -> bool {
        let fits = self.waiting.len() + bytes.len() <= MAX_WAITING;
        if fits {
            self.waiting.extend(bytes);
        }
        fits
    }

    /// Gives it all that it will get, however much that is.
    pub fn write_and_close(&mut self, bytes: Vec<u8>) {
        self.waiting.extend(bytes);
        self.last_input = true;
    }

    /// Writes what waits and waits for what the child does. May be dropped while
    /// it waits: nothing is lost.
    pub async fn next(&mut self) -> Event {
        let mut chunk = vec![0; CHUNK];
        loop {
            let now = crate::clock::now().at;
            if self.waiting.is_empty() {
                self.stalled = None;
                if self.last_input {
                    self.stdin = None;
                }
            }
            let since = *self.stalled.get_or_insert(now);
            let left = STALL.saturating_sub(now.saturating_duration_since(since));
            let waits = !self.waiting.is_empty();
            tokio::select! {
                read = self.stdout.read(&mut chunk) => match read {
                    Ok(count) if count > 0 => {
                        chunk.truncate(count);
                        return Event::Output(chunk);
                    }
                    _ => return Event::Ended(self.last_words().await),
                },
                written = write(&mut self.stdin, &self.waiting), if waits => match written {
                    Some(count) => {
                        self.waiting.drain(..count);
                        self.stalled = None;
                    }
                    // Its standard output ends too, if it has not yet.
                    None => {
                        self.stdin = None;
                        self.waiting.clear();
                    }
                },
                () = tokio::time::sleep(left), if waits => {
                    let words = format!("it took no input for {} s", STALL.as_secs());
                    return Event::Ended(words);
                }
            }
        }
    }

    /// What it said last, and how it ended.
    async fn last_words(&mut self) -> String {
        self.stdin = None;
        let status = match tokio::time::timeout(LEAVE, self.process.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            _ => "it closed its output".into(),
        };
        let words = self
            .last_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if words.is_empty() {
            status
        } else {
            format!("{status}: {}", words.join(" | "))
        }
    }
}

/// `None` when nothing can be written any more.
async fn write(stdin: &mut Option<ChildStdin>, waiting: &VecDeque<u8>) -> Option<usize> {
    let (front, _) = waiting.as_slices();
    match stdin {
        Some(stdin) => stdin.write(front).await.ok().filter(|count| *count > 0),
        None => None,
    }
}

async fn listen(stderr: ChildStderr, last_words: Arc<Mutex<VecDeque<String>>>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line without an end is cut: what follows is another line.
        let mut limited = (&mut stderr).take(4 << 10);
        match limited.read_until(b'\n', &mut line).await {
            Ok(count) if count > 0 => {}
            _ => return,
        }
        let text = String::from_utf8_lossy(&line);
        let text: String = text.trim().chars().take(LINE).collect();
        if text.is_empty() {
            continue;
        }
        tracing::debug!(text, "child says");
        let mut words = last_words.lock().unwrap_or_else(PoisonError::into_inner);
        if words.len() == LAST_WORDS {
            words.pop_front();
        }
        words.push_back(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    async fn drain(child: &mut Child) -> (usize, String) {
        let mut bytes = 0;
        loop {
            match child.next().await {
                Event::Output(output) => bytes += output.len(),
                Event::Ended(words) => return (bytes, words),
            }
        }
    }

    #[tokio::test]
    async fn a_missing_program_names_the_setting() {
        let error = Child::start(Path::new("/nowhere/ffmpeg"), &[])
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "/nowhere/ffmpeg was not found: install ffmpeg, or set its path in `broadcast.ffmpeg`"
        );
    }

    #[tokio::test]
    async fn its_last_words_are_kept() {
        let arguments = arguments("-f lavfi -i nosuchsource -f null -");
        let mut child = Child::start(Path::new("ffmpeg"), &arguments).unwrap();
        let (bytes, words) = drain(&mut child).await;
        assert_eq!(bytes, 0);
        assert!(
            words.contains("exit status: 1") && words.contains("nosuchsource"),
            "{words}"
        );
    }

    #[tokio::test]
    async fn what_goes_in_comes_out() {
        let arguments = arguments(
            "-probesize 32 -analyzeduration 0 -f s16le -ar 8000 -ac 1 -i pipe:0 -flush_packets 1 -f s16le pipe:1",
        );
        let mut child = Child::start(Path::new("ffmpeg"), &arguments).unwrap();
        assert!(child.give(&[7; 16_000]));
        assert!(!child.give(&vec![0; MAX_WAITING]));
        let mut got = 0;
        while got < 8_000 {
            let next = tokio::time::timeout(Duration::from_secs(30), child.next());
            let Event::Output(output) = next.await.unwrap() else {
                panic!("it ended")
            };
            assert!(output.iter().all(|byte| *byte == 7));
            got += output.len();
        }
        let id = child.process.id().unwrap();
        drop(child);
        // Killed and gone, or not yet waited for.
        let gone = || {
            let status = std::fs::read_to_string(format!("/proc/{id}/status"));
            status.map_or(true, |status| status.contains("State:\tZ"))
        };
        for _ in 0..500 {
            if gone() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the child lives on");
    }
}
