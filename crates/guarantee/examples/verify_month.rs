//! A month of rollups, 5 modules in 5 regions, in memory: how long it takes to
//! make its tree and tiles, and to verify it, on one thread and without a disk.
//!
//! `cargo run --release -p surecast-guarantee --example verify_month`

use std::collections::HashMap;
use std::time::{Duration, Instant};

use surecast_guarantee::evidence::appender::{Settings, Step};
use surecast_guarantee::evidence::replay::Census;
use surecast_guarantee::evidence::{
    Algorithm, Appender, Audit, Files, Kind, Leaf, Replay as _, SigningKey,
};
use surecast_guarantee::module::{Module, Region};
use surecast_guarantee::rollup::{Minute, Rollup, RollupState, Source};

const MINUTES: u32 = 43_200;
const REGIONS: [&str; 5] = ["ap-south", "ap-east", "eu-west", "us-east", "us-west"];

/// Leaves of one commit, as of one second at the rate that is to be reached.
const COMMIT: usize = 50_000;

#[derive(Clone, Default)]
struct Memory(HashMap<String, Vec<u8>>);

impl Files for Memory {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.0.get(path).cloned())
    }
}

fn leaves() -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let mut leaves = Vec::new();
    for minute in 29_804_160..29_804_160 + MINUTES {
        let at = jiff::Timestamp::from_second(i64::from(minute + 1) * 60)?;
        for (module, region) in Module::ALL
            .iter()
            .take(5)
            .flat_map(|m| REGIONS.map(|r| (m, r)))
        {
            let region: Region = region.parse()?;
            let rollup = Rollup {
                minute: Minute(minute),
                module: *module,
                region,
                source: Source::Server("node-1".into()),
                state: RollupState::Measured,
                up_ms: 6_000_000,
                down_ms: u64::from(minute % 7),
                good: 100,
                bad: 0,
            };
            leaves.push(Leaf::json(Kind::Rollup, at, &rollup)?.to_bytes());
        }
    }
    Ok(leaves)
}

/// Writes what waits, and whatever is left of the commit before.
fn commit(log: &mut Appender, files: &mut Memory, now: Duration) {
    while let Some(step) = log.poll_step(now) {
        match step {
            Step::Write { path, bytes } => {
                files.0.insert(path, bytes);
            }
            Step::Rename { from, to } => {
                if let Some(bytes) = files.0.remove(from) {
                    files.0.insert(to.into(), bytes);
                }
            }
            Step::Remove { path } => files.0.retain(|file, _| !file.starts_with(&path)),
            Step::Sync => {}
        }
        log.handle_done();
    }
}

#[allow(clippy::print_stdout, reason = "that is what it is for")]
#[allow(clippy::disallowed_methods, reason = "a program that measures")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let start = Instant::now();
    let leaves = leaves()?;
    let total = leaves.len();
    println!("{total} leaves made in {:?}", start.elapsed());

    let key = SigningKey::from_seed("speed.example.com/log", Algorithm::Ed25519, [1; 32])?;
    let public = key.public().clone();
    let mut files = Memory::default();
    let mut log = Appender::open(key, Settings::default(), &mut files)?;
    commit(&mut log, &mut files, Duration::ZERO);
    let start = Instant::now();
    for (second, part) in (1..).zip(leaves.chunks(COMMIT)) {
        log.handle_leaves(part.to_vec())?;
        commit(&mut log, &mut files, Duration::from_secs(second));
    }
    println!("{} leaves committed in {:?}", log.size(), start.elapsed());

    let start = Instant::now();
    let mut audit = Audit::open(&mut files, &public)?;
    for index in 0..audit.bundles() {
        audit.handle_bundle(&mut files, index, |_, _| Ok(()))?;
    }
    println!("verified in {:?}", start.elapsed());

    let start = Instant::now();
    let mut census = Census::default();
    for (index, leaf) in (0..).zip(&leaves) {
        census.handle_leaf(index, leaf)?;
    }
    println!("{:?} read in {:?}", census.finish()?, start.elapsed());
    Ok(())
}
