//! How many leaves a second become durable: calls of a thousand rollups each,
//! several under way at once, into a log on disk with its usual checkpoint every
//! second; every call waits until its leaves are synced and can be proven. Then
//! the whole log is verified from its files.
//!
//! `cargo run --release -p surecast-server --example evidence_rate [DIR] [SECONDS]`

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use surecast_guarantee::evidence::appender::Settings;
use surecast_guarantee::evidence::replay::Census;
use surecast_guarantee::evidence::{Audit, Kind, Leaf, Replay as _};
use surecast_guarantee::module::Module;
use surecast_guarantee::rollup::{Minute, Rollup, RollupState, Source};
use surecast_server::evidence::{EvidenceLog, Reader, walk};

/// Leaves of one call.
const CALL: u32 = 1_000;

/// Calls under way: two seconds at the rate that is to be reached.
const UNDER_WAY: usize = 100;

fn call(first: u32) -> anyhow::Result<Vec<Leaf>> {
    let leaf = |minute: u32| {
        let rollup = Rollup {
            minute: Minute(29_804_160 + minute),
            module: Module::Media,
            region: "eu-west".parse().map_err(anyhow::Error::msg)?,
            source: Source::Server("node-1".into()),
            state: RollupState::Measured,
            up_ms: 6_000_000,
            down_ms: u64::from(minute % 7),
            good: 100,
            bad: 0,
        };
        let at = jiff::Timestamp::from_second(i64::from(29_804_161 + minute) * 60)?;
        Ok(Leaf::text(Kind::Rollup, at, &rollup.to_string())?)
    };
    (first..first + CALL).map(leaf).collect()
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "that is what it is for")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let kept = arguments.next().map(PathBuf::from);
    let temporary = tempfile::tempdir()?;
    let dir = kept.unwrap_or_else(|| temporary.path().to_owned());
    let seconds = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let log = EvidenceLog::open(&dir, "bench.example/log", Vec::new(), Settings::default())?;
    let (begin, length) = (Instant::now(), Duration::from_secs(seconds));
    let mut first = 0;
    let mut under_way = FuturesUnordered::new();
    let mut slowest = Duration::ZERO;
    loop {
        while under_way.len() < UNDER_WAY && begin.elapsed() < length {
            let (log, leaves) = (log.clone(), call(first)?);
            first += CALL;
            under_way.push(async move {
                let asked = Instant::now();
                log.append(leaves).await.map(|_| asked.elapsed())
            });
        }
        match under_way.next().await {
            Some(took) => slowest = slowest.max(took.context("an append")?),
            None => break,
        }
    }
    let took = begin.elapsed().as_secs_f64();
    println!(
        "{first} leaves durable in {took:.1} s: {:.0} a second; slowest call {:.2} s",
        f64::from(first) / took,
        slowest.as_secs_f64()
    );
    verify(&log)?;
    log.close().await;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "that is what it is for")]
fn verify(log: &EvidenceLog) -> anyhow::Result<()> {
    let begin = Instant::now();
    let mut reader = Reader::new(log.root());
    let audit = Audit::open(&mut reader, log.key())?;
    let mut census = Census::default();
    walk(&audit, vec![reader.clone(), reader], &mut census, |_| {})?;
    census.finish().map_err(anyhow::Error::msg)?;
    println!(
        "verified from disk in {:.2} s",
        begin.elapsed().as_secs_f64()
    );
    Ok(())
}
