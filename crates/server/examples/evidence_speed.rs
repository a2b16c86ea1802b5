//! How fast the evidence log is on this disk: leaves appended with durable
//! checkpoints, and a month verified.
//!
//! `cargo run --release -p surecast-server --example evidence_speed -- DIR`

use std::path::Path;
use std::time::{Duration, Instant};

use surecast_guarantee::evidence::appender::Settings;
use surecast_guarantee::evidence::replay::Census;
use surecast_guarantee::evidence::{Audit, Kind, Leaf};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::{Minute, Rollup, RollupState, Source};
use surecast_server::evidence::{EvidenceLog, Reader, walk};

/// Minutes of 30 days, 5 modules in 5 regions.
const MONTH: u32 = 43_200;
const LINES: u32 = 25;

/// Minutes in one call: about 2,500 leaves.
const BATCH: u32 = 100;

/// Calls that wait at the same time; together 100,000 leaves, two seconds' worth
/// of the rate to be reached.
const CALLS: usize = 40;

fn leaves(minutes: std::ops::Range<u32>) -> Vec<Leaf> {
    let regions: Vec<Region> = ["ap-south", "ap-east", "eu-west", "us-east", "us-west"]
        .iter()
        .filter_map(|name| name.parse().ok())
        .collect();
    let mut leaves = Vec::new();
    for minute in minutes {
        let at = jiff::Timestamp::from_second(i64::from(minute + 1) * 60).unwrap_or_default();
        for (module, region) in Module::ALL
            .iter()
            .take(5)
            .flat_map(|m| regions.iter().map(move |r| (m, r)))
        {
            let rollup = Rollup {
                minute: Minute(minute),
                module: *module,
                region: region.clone(),
                source: Source::Server("node-1".into()),
                state: RollupState::Measured,
                up_ms: 6_000_000,
                down_ms: u64::from(minute % 7),
                good: 100,
                bad: 0,
            };
            leaves.extend(Leaf::json(Kind::Rollup, at, &rollup));
        }
    }
    leaves
}

#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn main() -> anyhow::Result<()> {
    let dir = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "evidence-speed".into());
    let dir = Path::new(&dir);
    let start = Instant::now();
    let batches: Vec<Vec<Leaf>> = (0..MONTH / BATCH)
        .map(|n| leaves(29_804_160 + n * BATCH..29_804_160 + (n + 1) * BATCH))
        .collect();
    let bytes: usize = batches
        .iter()
        .flatten()
        .map(|leaf| leaf.to_bytes().len())
        .sum();
    let total = (MONTH * LINES) as usize;
    println!(
        "{total} leaves of {} bytes made in {:?}",
        bytes / total,
        start.elapsed()
    );

    let log = EvidenceLog::open(
        dir,
        "speed.example.com/log",
        Vec::new(),
        Settings::default(),
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let start = Instant::now();
    let slowest = runtime.block_on(append(&log, batches));
    let took = start.elapsed();
    let rate = total as f64 / took.as_secs_f64();
    println!(
        "appended in {took:?}: {rate:.0} leaves per second, each durable after at most {slowest:?}"
    );

    for threads in [
        1,
        std::thread::available_parallelism().map_or(1, usize::from),
    ] {
        let start = Instant::now();
        let mut reader = Reader::new(log.root());
        let audit = Audit::open(&mut reader, log.key())?;
        walk(
            &audit,
            vec![reader; threads],
            &mut Census::default(),
            |_| {},
        )?;
        println!(
            "{} leaves verified and read with {threads} threads in {:?}",
            audit.head().size,
            start.elapsed()
        );
    }
    Ok(())
}

/// Gives the longest wait of a call.
async fn append(log: &EvidenceLog, batches: Vec<Vec<Leaf>>) -> Duration {
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(CALLS));
    let mut calls = Vec::new();
    for batch in batches {
        let place = places.clone().acquire_owned().await;
        let log = log.clone();
        calls.push(tokio::spawn(async move {
            let start = Instant::now();
            let appended = log.append(batch).await;
            drop(place);
            appended.map(|_| start.elapsed())
        }));
    }
    let mut slowest = Duration::ZERO;
    for call in calls {
        if let Ok(Ok(took)) = call.await {
            slowest = slowest.max(took);
        }
    }
    slowest
}
