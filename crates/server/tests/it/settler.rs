//! A server that settles by itself.

use std::path::{Path, PathBuf};

use surecast_guarantee::contract::Contract;
use surecast_guarantee::evidence::{Audit, Kind, Leaf, VerifyingKey};
use surecast_guarantee::module::Module;
use surecast_guarantee::rollup::{Counts, Minute, Rollup, Source};
use surecast_guarantee::settlement::{Settlement, Status, Step};
use surecast_server::evidence::Reader;
use surecast_server::store::Store;

use crate::harness::{Server, eventually, run, surecast};
use crate::settle::{START, append, leaves, yaml};

/// A data directory with a log of June's first three days, and their contract.
struct World {
    dir: tempfile::TempDir,
    file: PathBuf,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.contract.yaml");
        std::fs::write(&file, yaml()).unwrap();
        std::fs::create_dir_all(dir.path().join("data/evidence")).unwrap();
        let world = Self { dir, file };
        append(&world.evidence(), leaves());
        world
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn evidence(&self) -> PathBuf {
        self.data().join("evidence")
    }

    fn start(&self, settings: &[(&str, &str)]) -> Server {
        let mut command = surecast();
        command
            .args(["serve", "--dev", "--http", "127.0.0.1:0", "--data-dir"])
            .arg(self.data())
            .env("SURECAST_GUARANTEE__ORIGIN", "live.example.com/log")
            .env("SURECAST_GUARANTEE__CONTRACTS", &self.file)
            .env("SURECAST_GUARANTEE__SETTLE_AFTER", "0s");
        for (name, value) in settings {
            command.env(name, value);
        }
        Server::start(command)
    }

    /// What the log has settled, as a checkpoint covers it now.
    fn settled(&self) -> Vec<(u64, Settlement)> {
        settled(&self.evidence().join("log")).unwrap_or_default()
    }

    /// Waits until so many entries are there; then they are verified by the
    /// program.
    async fn wait_for(&self, count: usize) -> Vec<Settlement> {
        let what = format!("{count} entries are in the log");
        eventually(&what, async || self.settled().len() >= count).await;
        let log = self.evidence().join("log");
        let verified = run(&["evidence", "verify", "--log", log.to_str().unwrap()]);
        let error = String::from_utf8_lossy(&verified.stderr);
        assert_eq!(verified.status.code(), Some(0), "{error}");
        let settled = self.settled();
        assert_eq!(settled.len(), count);
        settled
            .into_iter()
            .map(|(_, settlement)| settlement)
            .collect()
    }

    /// What the store has of the contract: leaf and status.
    async fn stored(&self) -> Vec<(i64, String)> {
        let store = Store::open(&self.data(), "").await.unwrap();
        let rows = store.settlements("entry").await.unwrap();
        let contracts = store.contracts().await.unwrap();
        store.close().await;
        assert_eq!(contracts.len(), 1);
        assert_eq!(contracts[0].leaf, Some(0));
        rows.into_iter().map(|row| (row.leaf, row.status)).collect()
    }

    fn in_log(&self) -> Vec<(i64, String)> {
        let settled = self.settled().into_iter();
        settled
            .map(|(leaf, s)| (i64::try_from(leaf).unwrap(), s.status.name().to_owned()))
            .collect()
    }
}

fn settled(log: &Path) -> Option<Vec<(u64, Settlement)>> {
    let key: VerifyingKey = std::fs::read_to_string(log.join("vkey"))
        .ok()?
        .trim()
        .parse()
        .ok()?;
    let mut reader = Reader::new(log);
    let mut audit = Audit::open(&mut reader, &key).ok()?;
    let mut found = Vec::new();
    for bundle in 0..audit.bundles() {
        let take = |index, entry: &[u8]| {
            let leaf = Leaf::parse(entry).unwrap();
            if matches!(leaf.kind(), Kind::Settlement | Kind::Correction) {
                found.push((index, leaf.decode().unwrap()));
            }
            Ok(())
        };
        // The edge of a log that grows is replaced: the next look sees it.
        audit.handle_bundle(&mut reader, bundle, take).ok()?;
    }
    Some(found)
}

#[tokio::test]
async fn a_period_that_ended_while_the_server_was_off_is_settled_once() {
    let world = World::new();
    let mut server = world.start(&[]);
    let settled = world.wait_for(1).await;
    assert_eq!(
        (settled[0].step, settled[0].status),
        (Step::Settle, Status::Provisional)
    );
    assert_eq!(settled[0].credit.to_string(), "5");
    // Killed: the store may have the row or not, the log has it.
    server.signal("KILL");
    server.wait();
    for file in ["surecast.db", "surecast.db-wal", "surecast.db-shm"] {
        let _ = std::fs::remove_file(world.data().join(file));
    }
    // It is computed again and stands, and nobody objects.
    let server = world.start(&[("SURECAST_GUARANTEE__FINAL_AFTER", "0s")]);
    let settled = world.wait_for(2).await;
    assert_eq!(
        (settled[1].step, settled[1].status),
        (Step::Finalise, Status::Final)
    );
    server.stop();
    assert_eq!(world.stored().await, world.in_log());
}

#[tokio::test]
async fn late_leaves_lead_to_a_correction() {
    let world = World::new();
    let server = world.start(&[]);
    world.wait_for(1).await;
    server.stop();
    // Another server of the region comes with its minutes: an hour down.
    let late = (600..660).map(|minute| {
        let counts = Counts {
            up_ms: 0,
            down_ms: 6_000_000,
            good: 0,
            bad: 100,
        };
        let minute = Minute(START + minute);
        let region = "eu-west".parse().unwrap();
        let source = Source::Server("b".to_owned());
        let rollup = Rollup::new(minute, Module::Media, region, source, counts).unwrap();
        let at = "2026-06-05T00:00:00Z".parse().unwrap();
        Leaf::text(Kind::Rollup, at, &rollup.to_string()).unwrap()
    });
    append(&world.evidence(), late.collect());
    let server = world.start(&[]);
    let settled = world.wait_for(2).await;
    assert_eq!(
        (settled[1].step, settled[1].status),
        (Step::Correct, Status::Provisional)
    );
    assert!(settled[1].credit > settled[0].credit);
    server.stop();
    assert_eq!(world.stored().await, world.in_log());
}

#[tokio::test]
async fn a_period_before_the_contract_was_logged_is_left_to_people() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.contract.yaml");
    std::fs::write(&file, yaml()).unwrap();
    let world = World { dir, file };
    let server = world.start(&[]);
    let (contract, _) = Contract::from_yaml(&yaml()).unwrap();
    assert!(contract.term.periods().unwrap()[0].interval.end < jiff::Timestamp::now());
    eventually("the store has the contract", async || {
        let store = Store::open(&world.data(), "").await.unwrap();
        !store.contracts().await.unwrap().is_empty()
    })
    .await;
    server.stop();
    assert_eq!(world.settled(), []);
}
