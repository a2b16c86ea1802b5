//! A line every few seconds while the load runs.

use std::io::Write as _;
use std::time::{Duration, Instant};

use surecast_sim::client::Traffic;
use surecast_sim::report::Throughput;
use tokio::sync::watch;
use tokio::time::{sleep, sleep_until};

/// Workers tell how far they are so often.
pub(super) const INTERVAL: Duration = Duration::from_millis(250);

const LINE_INTERVAL: Duration = Duration::from_secs(2);

/// How far the clients are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) connected: u64,
    pub(super) failed: u64,
    /// Publishers that have nothing more to negotiate, or have failed.
    pub(super) publishers_settled: u64,
    pub(super) expected: u64,
    pub(super) received: u64,
    pub(super) traffic: Traffic,
}

impl Progress {
    pub(super) fn add(&mut self, other: &Self) {
        self.connected += other.connected;
        self.failed += other.failed;
        self.publishers_settled += other.publishers_settled;
        self.expected += other.expected;
        self.received += other.received;
        self.traffic.datagrams_in += other.traffic.datagrams_in;
        self.traffic.bytes_in += other.traffic.bytes_in;
        self.traffic.datagrams_out += other.traffic.datagrams_out;
        self.traffic.bytes_out += other.traffic.bytes_out;
    }
}

/// Waits, and prints lines to standard error meanwhile.
#[derive(Debug)]
pub(super) struct Watch {
    begin: Instant,
    clients: u64,
    workers: Vec<watch::Receiver<Progress>>,
    last: (Instant, Traffic),
}

impl Watch {
    pub(super) fn new(
        begin: Instant,
        clients: u64,
        workers: Vec<watch::Receiver<Progress>>,
    ) -> Self {
        Self {
            begin,
            clients,
            workers,
            last: (begin, Traffic::default()),
        }
    }

    /// As the workers have told last.
    pub(super) fn latest(&self) -> Progress {
        let mut sum = Progress::default();
        for worker in &self.workers {
            sum.add(&worker.borrow());
        }
        sum
    }

    pub(super) async fn run_for(&mut self, time: Duration) {
        self.run_until_instant(Instant::now() + time).await;
    }

    pub(super) async fn run_until_instant(&mut self, end: Instant) {
        loop {
            let line = self.last.0 + LINE_INTERVAL;
            sleep_until(end.min(line).into()).await;
            if line > end {
                return;
            }
            self.print();
        }
    }

    /// Until it is so, or for so long.
    pub(super) async fn run_until(&mut self, patience: Duration, so: impl Fn(&Progress) -> bool) {
        let waiting = async {
            while !so(&self.latest()) {
                sleep(INTERVAL / 5).await;
            }
        };
        // Long enough only when something is wrong; a line is not missed.
        let _ = tokio::time::timeout(patience, waiting).await;
    }

    fn print(&mut self) {
        let now = Instant::now();
        let progress = self.latest();
        let (since, before) = std::mem::replace(&mut self.last, (now, progress.traffic));
        let rate = Throughput::between(before, progress.traffic, now - since);
        let lost = progress.expected.saturating_sub(progress.received);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let loss = lost as f64 * 100.0 / progress.expected.max(1) as f64;
        // Without a standard error there is nobody to tell.
        let _ = writeln!(
            std::io::stderr(),
            "{:>6.1} s  connected {}/{}  failed {}  in {:.1} Mbps {:.0}/s  out {:.1} Mbps {:.0}/s  loss {loss:.3} %",
            self.begin.elapsed().as_secs_f64(),
            progress.connected,
            self.clients,
            progress.failed,
            rate.received_bps / 1e6,
            rate.received_pps,
            rate.sent_bps / 1e6,
            rate.sent_pps,
        );
    }
}
