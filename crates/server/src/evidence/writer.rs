//! The thread that writes the log.

use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use surecast_guarantee::evidence::appender::{Event, Step, WitnessError};
use surecast_guarantee::evidence::{Appender, Note, VerifyingKey};
use tokio::sync::{oneshot, watch};

use super::directory::Directory;
use super::{AppendFailure, Published, WitnessFailure};

/// Witnesses' signatures that wait for a commit to end: one for each witness
/// that a log can have, see `note::MAX_SIGNATURES`.
const WITNESSES_WAITING: usize = 16;

/// How long to wait for a call when there is nothing else to do. Any length
/// would do: a call ends it.
const IDLE: Duration = Duration::from_secs(3600);

type AppendReply = oneshot::Sender<Result<Range<u64>, AppendFailure>>;
type WitnessReply = oneshot::Sender<Result<u64, WitnessFailure>>;

pub(super) enum Request {
    Append {
        leaves: Vec<Vec<u8>>,
        reply: AppendReply,
    },
    Witness {
        note: Note,
        reply: WitnessReply,
    },
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// A call whose leaves are not durable yet.
struct Waiting {
    indexes: Range<u64>,
    reply: AppendReply,
}

pub(super) struct Writer {
    log: Appender,
    directory: Directory,
    known: Vec<VerifyingKey>,
    published: watch::Sender<Published>,
    started: Instant,
    /// In the order of their indexes.
    waiting: VecDeque<Waiting>,
    witnesses: VecDeque<(Note, WitnessReply)>,
    closing: Vec<oneshot::Sender<()>>,
    ending: bool,
    /// What the disk said last, for those who are refused.
    trouble: Option<String>,
    _lock: File,
}

impl Writer {
    /// Brings the directory in order first.
    pub(super) fn new(
        log: Appender,
        directory: Directory,
        known: Vec<VerifyingKey>,
        lock: File,
    ) -> anyhow::Result<(Self, watch::Receiver<Published>)> {
        let (published, receiver) = watch::channel(view(&log));
        let mut writer = Self {
            log,
            directory,
            known,
            published,
            started: Instant::now(),
            waiting: VecDeque::new(),
            witnesses: VecDeque::new(),
            closing: Vec::new(),
            ending: false,
            trouble: None,
            _lock: lock,
        };
        while writer.step() {}
        match writer.trouble.take() {
            None => Ok((writer, receiver)),
            Some(trouble) => Err(anyhow::anyhow!(trouble)),
        }
    }

    /// Until there are no more callers, or one says so.
    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        while !self.ending || !self.is_done() {
            self.take(requests);
            if !self.step() && !self.ending {
                self.wait(requests);
            }
        }
        let closing = std::mem::take(&mut self.closing);
        // Gives up the lock first: the log can be opened again.
        drop(self);
        for reply in closing {
            // Whoever has asked may be gone.
            let _ = reply.send(());
        }
    }

    /// Nothing is left, or what is left cannot be written.
    fn is_done(&self) -> bool {
        self.log.poll_timeout().is_none() || self.trouble.is_some()
    }

    /// Takes all calls that are there.
    fn take(&mut self, requests: &Receiver<Request>) {
        loop {
            match requests.try_recv() {
                Ok(request) => self.handle(request),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => return self.end(),
            }
        }
    }

    fn wait(&mut self, requests: &Receiver<Request>) {
        let due = self.log.poll_timeout();
        let pause = due.map_or(IDLE, |due| due.saturating_sub(self.started.elapsed()));
        match requests.recv_timeout(pause) {
            Ok(request) => self.handle(request),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => self.end(),
        }
    }

    fn end(&mut self) {
        self.ending = true;
        self.log.handle_end();
    }

    fn handle(&mut self, request: Request) {
        match request {
            Request::Append { leaves, reply } => match self.log.handle_leaves(leaves) {
                Ok(indexes) if indexes.is_empty() => {
                    let _ = reply.send(Ok(indexes));
                }
                Ok(indexes) => self.waiting.push_back(Waiting { indexes, reply }),
                Err(error) => {
                    let _ = reply.send(Err(error.into()));
                }
            },
            Request::Witness { note, reply } if self.witnesses.len() < WITNESSES_WAITING => {
                self.witnesses.push_back((note, reply));
            }
            Request::Witness { reply, .. } => {
                let _ = reply.send(Err(WitnessFailure::Busy));
            }
            Request::Close { reply } => {
                self.closing.push(reply);
                self.end();
            }
        }
    }

    /// Does one step, if there is one.
    fn step(&mut self) -> bool {
        self.take_witness();
        let Some(step) = self.log.poll_step(self.started.elapsed()) else {
            return false;
        };
        match self.directory.perform(&step) {
            Ok(()) => self.log.handle_done(),
            Err(trouble) if matches!(step, Step::Remove { .. }) => {
                tracing::debug!("the evidence log: {trouble}");
                self.log.handle_failed(self.started.elapsed());
            }
            Err(trouble) => {
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::error!("the evidence log: {trouble}");
                }
                self.trouble = Some(trouble);
                self.log.handle_failed(self.started.elapsed());
            }
        }
        while let Some(event) = self.log.poll_event() {
            self.tell(&event);
        }
        true
    }

    fn take_witness(&mut self) {
        if self.log.is_idle()
            && let Some((note, reply)) = self.witnesses.pop_front()
        {
            let result = self.log.handle_witness(&note, &self.known);
            debug_assert_ne!(result, Err(WitnessError::Busy), "it is idle");
            let _ = reply.send(result.map_err(WitnessFailure::from));
        }
    }

    fn tell(&mut self, event: &Event) {
        match event {
            Event::Published { size, .. } => {
                let size = *size;
                if self.trouble.take().is_some() {
                    tracing::info!("the evidence log can be written again");
                }
                self.published.send_replace(view(&self.log));
                while self.waiting.front().is_some_and(|w| w.indexes.end <= size) {
                    if let Some(Waiting { indexes, reply }) = self.waiting.pop_front() {
                        // Whoever has asked may be gone.
                        let _ = reply.send(Ok(indexes));
                    }
                }
            }
            Event::Witnessed { .. } => {
                self.published.send_replace(view(&self.log));
            }
            Event::Refused => {
                let trouble = self.trouble.clone().unwrap_or_default();
                for waiting in self.waiting.drain(..) {
                    let _ = waiting
                        .reply
                        .send(Err(AppendFailure::Disk(trouble.clone())));
                }
            }
        }
    }
}

/// What others can see of it.
fn view(log: &Appender) -> Published {
    let witnessed = log.witnessed();
    let same = witnessed.filter(|note| note.text == log.published().text);
    let text = |note: &Note| -> Arc<str> { note.to_string().into() };
    Published {
        size: log.size(),
        checkpoint: text(same.unwrap_or_else(|| log.published())),
        witnessed: witnessed.map(text),
    }
}
