//! `surecast evidence fact`.

use std::path::Path;

use clap::Args;
use jiff::Timestamp;
use surecast_guarantee::contract::life::Fact;
use surecast_guarantee::evidence::appender::Settings;

use super::{TrustArgs, work};
use crate::cli::{Failure, print, runtime};
use crate::evidence::EvidenceLog;

#[derive(Debug, Args)]
pub(in crate::cli) struct FactArgs {
    #[command(flatten)]
    trust: TrustArgs,
    /// The fact in JSON, such as {"fact":"source_retired","source":"server:a"}.
    #[arg(value_name = "JSON")]
    fact: String,
}

impl FactArgs {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let fact: Fact = serde_json::from_str(&self.fact).map_err(|error| {
            Failure::Call(format!(
                "this is no fact: {error}; docs/evidence.md lists those that there are"
            ))
        })?;
        let leaf = fact.leaf(Timestamp::now());
        let leaf = leaf.map_err(|error| Failure::Call(error.to_string()))?;
        let given = Path::new(self.trust.log());
        if !given.join("key").is_file() {
            return Err(Failure::Call(format!(
                "{} is not the directory of a log with its private key",
                given.display()
            )));
        }
        let key = self.trust.key()?;
        let settings = Settings {
            interval: std::time::Duration::ZERO,
            ..Settings::default()
        };
        let log = EvidenceLog::open(given, key.name(), Vec::new(), settings)?;
        let runtime = runtime()?;
        let appended = runtime.block_on(async {
            let appended = log.append(vec![leaf]).await;
            log.close().await;
            appended
        });
        let index = appended.map_err(work)?.start;
        print(&format!("appended as leaf {index}\n"))
    }
}
