//! The threads that carry media.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use mio::{Events, Interest, Poll, Token, Waker};
use surecast_sim::client::{Fault, Faults};
use surecast_sim::report::Summary;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::progress::{self, Progress};
use super::signal::{self, Event, Inbox};
use super::slot::{Batch, OUTGOING, Slot, Start};
use super::target::Target;
use crate::clock;

const WAKE: Token = Token(usize::MAX);

/// Signals and joins that may wait for a worker: a burst of a few for each of
/// a thousand clients.
const INPUTS: usize = 8192;

/// A worker that is behind is asked again after so long.
const RETRY: Duration = Duration::from_millis(5);

/// What a worker is told.
#[derive(Debug)]
pub(super) enum Input {
    /// A client shall join.
    Join(Box<Start>),
    /// Something happened on a client's WebSocket.
    Signal(usize, Event),
    /// All leave; the worker ends.
    Stop,
}

/// From a client's WebSocket to its worker.
#[derive(Debug)]
struct ToWorker {
    sender: SyncSender<Input>,
    waker: Arc<Waker>,
    client: usize,
}

impl Inbox for ToWorker {
    async fn put(&self, event: Event) {
        let mut input = Input::Signal(self.client, event);
        loop {
            match self.sender.try_send(input) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) => input = back,
                Err(TrySendError::Disconnected(_)) => return,
            }
            tokio::time::sleep(RETRY).await;
        }
        // A waker that fails belongs to a worker that is gone.
        let _ = self.waker.wake();
    }
}

/// All workers.
#[derive(Debug)]
pub(super) struct Pool {
    workers: Vec<Handles>,
    next: usize,
}

#[derive(Debug)]
struct Handles {
    sender: SyncSender<Input>,
    waker: Arc<Waker>,
    progress: watch::Receiver<Progress>,
    thread: JoinHandle<(Summary, JoinSet<()>)>,
}

#[derive(Debug)]
struct Worker {
    poll: Poll,
    waker: Arc<Waker>,
    inputs: Receiver<Input>,
    sender: SyncSender<Input>,
    runtime: Handle,
    target: Target,
    slots: Vec<Slot>,
    /// When which client wants to be called. A client may stand here more than
    /// once; only the entry that [`Worker::armed`] names counts.
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    armed: Vec<Option<Instant>>,
    batch: Batch,
    /// The WebSockets' tasks.
    sockets: JoinSet<()>,
    progress: watch::Sender<Progress>,
    /// Clients that could not even begin.
    stillborn: Faults,
}

impl Pool {
    /// Starts so many threads.
    pub(super) fn start(count: usize, target: &Target) -> anyhow::Result<Self> {
        let workers = (0..count)
            .map(|index| Handles::start(index, target.clone()))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { workers, next: 0 })
    }

    pub(super) fn progress(&self) -> Vec<watch::Receiver<Progress>> {
        self.workers.iter().map(|w| w.progress.clone()).collect()
    }

    /// Lets a client join, on the next thread in turn.
    pub(super) fn join(&mut self, start: Start) {
        let index = self.next % self.workers.len();
        self.workers[index].tell(Input::Join(Box::new(start)));
        self.next += 1;
    }

    /// All clients leave. The sums, and what finishes when the farewells are
    /// on their way.
    pub(super) fn stop(self) -> anyhow::Result<(Summary, impl Future<Output = ()>)> {
        for worker in &self.workers {
            worker.tell(Input::Stop);
        }
        let mut summary = Summary::default();
        let mut farewells = Vec::new();
        for worker in self.workers {
            let ended = worker.thread.join();
            let (part, sockets) = ended.ok().context("a worker thread panicked")?;
            summary.merge(&part);
            farewells.push(sockets);
        }
        Ok((summary, async move {
            for sockets in farewells {
                sockets.join_all().await;
            }
        }))
    }
}

impl Handles {
    fn start(index: usize, target: Target) -> anyhow::Result<Self> {
        let poll = Poll::new().context("no epoll instance")?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (sender, inputs) = sync_channel(INPUTS);
        let (progress, watcher) = watch::channel(Progress::default());
        let worker = Worker {
            poll,
            waker: Arc::clone(&waker),
            inputs,
            sender: sender.clone(),
            runtime: Handle::current(),
            target,
            slots: Vec::new(),
            timers: BinaryHeap::new(),
            armed: Vec::new(),
            batch: Batch::new(),
            sockets: JoinSet::new(),
            progress,
            stillborn: Faults::default(),
        };
        let thread = std::thread::Builder::new()
            .name(format!("load-{index}"))
            .spawn(move || worker.run())?;
        Ok(Self {
            sender,
            waker,
            progress: watcher,
            thread,
        })
    }

    fn tell(&self, input: Input) {
        // Only a worker that has panicked does not listen; stopping tells.
        if self.sender.send(input).is_ok() {
            let _ = self.waker.wake();
        }
    }
}

impl Worker {
    fn run(mut self) -> (Summary, JoinSet<()>) {
        let mut events = Events::with_capacity(1024);
        let mut next_progress = Instant::now();
        loop {
            let wait = self.wait(next_progress);
            if let Err(error) = self.poll.poll(&mut events, Some(wait)) {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.stillborn.add(Fault::LocalSocket, &error.to_string());
                    break;
                }
                continue;
            }
            for event in events.iter().filter(|event| event.token() != WAKE) {
                self.receive(event.token().0);
            }
            if self.take_inputs() {
                break;
            }
            self.fire_timers();
            if Instant::now() >= next_progress {
                next_progress = Instant::now() + progress::INTERVAL;
                self.tell_progress();
            }
        }
        self.finish()
    }

    fn wait(&self, next_progress: Instant) -> Duration {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let next = timer.map_or(next_progress, |at| at.min(next_progress));
        next.saturating_duration_since(Instant::now())
    }

    fn receive(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        if let Err(error) = slot.receive(&mut self.batch) {
            let detail = error.to_string();
            slot.client
                .handle_signal_closed(Fault::LocalSocket, &detail);
        }
        self.settle(index);
    }

    /// `true` when it is time to stop.
    fn take_inputs(&mut self) -> bool {
        while let Ok(input) = self.inputs.try_recv() {
            match input {
                Input::Join(start) => self.join(*start),
                Input::Signal(index, event) => {
                    if let Some(slot) = self.slots.get_mut(index) {
                        slot.handle_signal(event);
                        self.settle(index);
                    }
                }
                Input::Stop => return true,
            }
        }
        false
    }

    fn join(&mut self, start: Start) {
        let (outgoing, messages) = mpsc::channel(OUTGOING);
        let token = start.token.clone();
        let local = SocketAddr::new(self.target.local, 0);
        let index = self.slots.len();
        let slot = Slot::new(start, local, outgoing).and_then(|mut slot| {
            let registry = self.poll.registry();
            registry.register(&mut slot.socket, Token(index), Interest::READABLE)?;
            Ok(slot)
        });
        let slot = match slot {
            Ok(slot) => slot,
            Err(error) => {
                let hint = "with many clients, raise the limit of open files (ulimit -n)";
                self.stillborn
                    .add(Fault::LocalSocket, &format!("{error:#}; {hint}"));
                return;
            }
        };
        let inbox = ToWorker {
            sender: self.sender.clone(),
            waker: Arc::clone(&self.waker),
            client: index,
        };
        let join_request = slot.client.join_request().to_owned();
        let socket = signal::run(self.target.clone(), token, join_request, messages, inbox);
        self.sockets.spawn_on(socket, &self.runtime);
        self.slots.push(slot);
        self.armed.push(None);
        self.settle(index);
    }

    fn fire_timers(&mut self) {
        let now = clock::now();
        while let Some(&Reverse((at, index))) = self.timers.peek() {
            if at > now.at {
                return;
            }
            self.timers.pop();
            if self.armed[index] != Some(at) {
                continue;
            }
            self.armed[index] = None;
            self.slots[index].client.handle_timeout(now);
            self.settle(index);
        }
    }

    /// Sends what the client has to send and notes when it wants to be called.
    fn settle(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if !slot.flush() {
            // Closed with the worker; an error now changes nothing.
            let _ = self.poll.registry().deregister(&mut slot.socket);
        }
        let Some(at) = slot.client.poll_timeout() else {
            self.armed[index] = None;
            return;
        };
        // An earlier call is harmless: the client is asked again after it. So
        // the heap does not grow with each packet.
        if self.armed[index].is_none_or(|armed| at < armed) {
            self.armed[index] = Some(at);
            self.timers.push(Reverse((at, index)));
        }
    }

    fn tell_progress(&self) {
        let mut progress = Progress::default();
        for slot in &self.slots {
            slot.add_to(&mut progress);
        }
        self.progress.send_replace(progress);
    }

    fn finish(mut self) -> (Summary, JoinSet<()>) {
        let mut summary = Summary::default();
        for slot in &mut self.slots {
            slot.leave();
            summary.add(&slot.client, slot.failed, slot.streams_expected);
        }
        let stillborn: u64 = self.stillborn.iter().map(|(_, count, _)| count).sum();
        summary.clients.started += stillborn;
        summary.clients.failed += stillborn;
        summary.faults_mut().merge(&self.stillborn);
        (summary, self.sockets)
    }
}
