//! `surecast load`: real WebRTC clients against any LiveKit-compatible server.
//!
//! The clients are [`surecast_sim::client`]; this is what moves their bytes. A
//! client has a WebSocket, which lives on tokio ([`signal`]), and a UDP socket,
//! which belongs to a worker thread ([`worker`]): a server tells its peers
//! apart by address, so each needs its own. Nothing here knows anything of our
//! server: there is a URL, a key, and the protocol.

mod args;
pub(crate) mod cpu;
mod plan;
mod progress;
pub(crate) mod signal;
mod slot;
pub(crate) mod target;
mod worker;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use surecast_sim::report::{Cpu, Report, Summary, Throughput};
use tokio::time::timeout;

use crate::cli::Failure;

pub use args::LoadArgs;
pub(crate) use args::parse_duration;
use plan::Schedule;
use progress::{Progress, Watch};
use target::{Target, TargetError};
use worker::Pool;

/// How long publishers may take before subscribers are sent in regardless.
const PUBLISHERS_PATIENCE: Duration = Duration::from_secs(15);

/// How long the farewells may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Runs the load and prints what was measured.
///
/// # Errors
/// The call makes no sense, the server cannot be reached, or not every client
/// could do its work; then the report is printed nevertheless.
pub async fn run(args: LoadArgs) -> Result<(), Failure> {
    args.check().map_err(Failure::Call)?;
    let target = Target::resolve(&args.url).await.map_err(failure)?;
    let (report, whole) = measure(&args, &target).await?;
    print(&report, args.json).context("the report could not be printed")?;
    if whole {
        return Ok(());
    }
    Err(Failure::Work(anyhow::anyhow!(
        "not every client did its work: {} of {} connected, {} ended early",
        report.clients.connected,
        report.clients.started,
        report.clients.failed,
    )))
}

fn failure(error: TargetError) -> Failure {
    match error {
        TargetError::Call(why) => Failure::Call(why),
        TargetError::Own(_) | TargetError::Server(_) => Failure::Work(error.into()),
    }
}

/// The report, and whether all clients did their work.
async fn measure(args: &LoadArgs, target: &Target) -> anyhow::Result<(Report, bool)> {
    let begin = Instant::now();
    let cpu = cpu::Meter::start();
    let schedule = Schedule::new(args, begin);
    let mut pool = Pool::start(args.workers(), target)?;
    let mut watch = Watch::new(begin, schedule.clients(), pool.progress());
    let interrupted = tokio::select! {
        () = join_all(&mut pool, &schedule, &mut watch) => false,
        () = interrupt() => true,
    };
    let window = Reading::take(&cpu, &watch);
    let interrupted = interrupted
        || tokio::select! {
            () = watch.run_for(args.duration) => false,
            () = interrupt() => true,
        };
    let cpu_at_end = cpu.seconds();
    let window_s = window.at.elapsed();
    let (summary, farewells) = pool.stop()?;
    // Whoever does not get its farewell across is timed out by the server.
    let _ = timeout(FAREWELL, farewells).await;

    let mut report = summary.report(args.url.clone(), args.plan());
    report.interrupted = interrupted;
    report.elapsed_s = begin.elapsed().as_secs_f64();
    report.window_s = window_s.as_secs_f64();
    report.throughput = Throughput::between(window.progress.traffic, summary.traffic, window_s);
    report.load_cpu = Cpu {
        seconds: cpu_at_end,
        cores: cpu_at_end
            .zip(window.cpu)
            .map(|(end, start)| (end - start) / window_s.as_secs_f64().max(0.001)),
    };
    let whole = is_whole(&summary);
    Ok((report, whole))
}

/// What was read when the last client had been sent in.
struct Reading {
    at: Instant,
    cpu: Option<f64>,
    progress: Progress,
}

impl Reading {
    fn take(cpu: &cpu::Meter, watch: &Watch) -> Self {
        Self {
            at: Instant::now(),
            cpu: cpu.seconds(),
            progress: watch.latest(),
        }
    }
}

/// Sends the clients in: publishers first, so that subscribers find something.
async fn join_all(pool: &mut Pool, schedule: &Schedule<'_>, watch: &mut Watch) {
    pace(pool, schedule.publishers(), schedule, watch).await;
    let ready = |p: &Progress| p.publishers_settled >= schedule.publisher_count();
    watch.run_until(PUBLISHERS_PATIENCE, ready).await;
    pace(pool, schedule.subscribers(), schedule, watch).await;
    // The first reading shall contain them.
    watch.run_for(progress::INTERVAL).await;
}

async fn pace(
    pool: &mut Pool,
    joins: impl Iterator<Item = slot::Start>,
    schedule: &Schedule<'_>,
    watch: &mut Watch,
) {
    let begin = Instant::now();
    for (index, start) in (0u32..).zip(joins) {
        watch
            .run_until_instant(begin + schedule.spacing() * index)
            .await;
        pool.join(start);
    }
}

async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Without a handler the signal ends the process, as ever.
        std::future::pending::<()>().await;
    }
}

fn is_whole(summary: &Summary) -> bool {
    let clients = &summary.clients;
    clients.started > 0 && clients.connected == clients.started && clients.failed == 0
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer_pretty(&mut out, report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    out.flush()?;
    Ok(())
}
