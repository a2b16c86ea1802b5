//! `surecast contract status`.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::contract::life::{self, ConditionState, Life, Record};
use surecast_guarantee::contract::policy::Effect;
use surecast_guarantee::evidence::VerifyingKey;

use super::{all, read, work};
use crate::cli::evidence::{TrustArgs, read_all};
use crate::cli::{Failure, print};

#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArgs {
    /// The contract.
    file: PathBuf,
    /// Where the log is: the URL or the directory that has its `checkpoint`. Without it the
    /// contract is taken as signed, and nothing else is known of it.
    #[arg(long, value_name = "URL|DIR")]
    log: Option<String>,
    /// The log's public key [default: the one that the log says it has].
    #[arg(long, value_name = "VKEY", requires = "log")]
    key: Option<VerifyingKey>,
    /// The state at this instant, by what the log had said until then [default: now].
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl StatusArgs {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let contract = match Contract::from_yaml(&read(&self.file)?) {
            Ok((contract, _)) => contract,
            Err(problems) => return Err(all(&self.file, &problems)),
        };
        let mut record = Record::default();
        if let Some(log) = &self.log {
            read_all(&TrustArgs::new(log, self.key.clone()), &mut record)?;
        } else {
            let taken = record.handle_contract(&contract, 0, Timestamp::MIN);
            taken.map_err(work)?;
        }
        let now = self.at.unwrap_or_else(Timestamp::now);
        let life = life::life(&contract, &record, now).map_err(work)?;
        if self.json {
            let text = serde_json::to_string_pretty(&life).map_err(work)?;
            return print(&format!("{text}\n"));
        }
        print(&text(&contract, &life))
    }
}

fn text(contract: &Contract, life: &Life) -> String {
    let mut out = String::new();
    // Writing into a text does not fail.
    let _ = write!(
        out,
        "{} version {}: {}",
        contract.id,
        contract.version,
        life.state.name()
    );
    if let Some(since) = life.since {
        let _ = write!(out, " since {since}");
    }
    if let (Some(until), Some(next)) = (life.until, life.next) {
        let _ = write!(out, ", from {until} on {}", next.name());
    }
    out.push('\n');
    if let Some(stretch) = life.stretch {
        let _ = writeln!(
            out,
            "term {} to {}, renewed {} times",
            stretch.start, stretch.end, life.renewals
        );
    }
    if let Some(period) = life.period {
        let (index, start, end) = (period.index, period.start, period.end);
        let _ = writeln!(out, "period {index}: {start} to {end} (exclusive)");
    }
    if let Some(version) = life.superseded_by {
        let _ = writeln!(out, "version {version} takes its place");
    }
    if let Some(at) = life.unsupported_from {
        let _ = writeln!(out, "no generation of it is supported from {at} on");
    }
    for (index, condition) in life.conditions.iter().enumerate() {
        let state = match condition.state {
            ConditionState::Kept => "kept",
            ConditionState::Cure => "to be put right",
            ConditionState::Lapsed => "not kept",
            ConditionState::Unproven => "not shown by the log to be broken",
        };
        let effect = match condition.effect {
            Effect::Notify => "notify",
            Effect::Exclude => "exclude",
            Effect::SuspendCredits => "suspend credits",
        };
        let _ = write!(
            out,
            "condition {index}, {} ({effect}): {state}",
            condition.requires
        );
        if let (Some(notice), Some(until)) = (condition.notice, condition.cure_until) {
            let _ = write!(out, ", notice {notice}, cure until {until}");
        }
        out.push('\n');
    }
    out
}
