//! `surecast contract settle`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::evidence::Leaf;
use surecast_guarantee::evidence::appender::Settings;
use surecast_guarantee::settlement::{self, Proposal, ProposalError, Replayer, Settlement, Step};
use surecast_guarantee::term::Period;
use surecast_statement::Document;

use super::{all, read, work};
use crate::cli::evidence::{TrustArgs, read_all};
use crate::cli::offers::Language;
use crate::cli::{Failure, print, runtime};
use crate::evidence::EvidenceLog;

#[derive(Debug, Args)]
pub(in crate::cli) struct SettleArgs {
    /// The contract, as it stands in the log.
    file: PathBuf,
    #[command(flatten)]
    trust: TrustArgs,
    /// The period that begins in this month [default: the last one that is over].
    #[arg(long, value_name = "YYYY-MM", conflicts_with = "index")]
    period: Option<String>,
    /// The period with this number, from 0.
    #[arg(long, value_name = "N")]
    index: Option<u32>,
    /// Give the last entry another status instead of computing it.
    #[arg(long, value_enum)]
    step: Option<StepName>,
    /// Why it is disputed or computed again.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Append the statement to the log; --log is then its directory with the key.
    #[arg(long)]
    append: bool,
    /// Print the canonical JSON.
    #[arg(long)]
    json: bool,
    /// Write the statement as a page that can be printed.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the statement as a PDF, with its canonical JSON attached.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
    /// Language of the page, of the PDF and of what is printed.
    #[arg(long, value_name = "LANG", value_enum, default_value = "en")]
    lang: Language,
}

/// Steps that compute nothing.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum StepName {
    /// The time for objections is over.
    Finalise,
    /// The credit was given.
    Credit,
    /// Somebody objects.
    Dispute,
}

impl From<StepName> for Step {
    fn from(name: StepName) -> Self {
        match name {
            StepName::Finalise => Self::Finalise,
            StepName::Credit => Self::Credit,
            StepName::Dispute => Self::Dispute,
        }
    }
}

impl SettleArgs {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let contract = match Contract::from_yaml(&read(&self.file)?) {
            Ok((contract, _)) => contract,
            Err(problems) => return Err(all(&self.file, &problems)),
        };
        let now = Timestamp::now();
        // Held from here on, so that nobody appends in between.
        let log = self.append.then(|| self.open_log()).transpose()?;
        let mut replayer = Replayer::new();
        let head = read_all(&self.trust, &mut replayer)?;
        let contract = as_logged(contract, &replayer)?;
        let period = self.pick(&contract, &mut replayer, now)?;
        let proposal = self.proposal(&contract, &period, &mut replayer)?;
        if let Some(file) = &self.html {
            let days = replayer.days(&contract, &period);
            let page = settlement::page(&proposal.settlement, &days, self.lang.into());
            write(file, page.as_bytes())?;
        }
        let known = replayer.has_contract(&proposal.settlement.contract.hash);
        let appended = match (log, proposal.stands) {
            (Some(_), _) if !known => {
                return Err(Failure::Work(anyhow!(
                    "the contract is not in the log: a settlement of it could not be verified; \
                     the server logs its contracts when it starts"
                )));
            }
            (Some(log), None) => Some(append(log, &proposal.settlement, now)?),
            _ => None,
        };
        if let Some(file) = &self.pdf {
            let bytes = surecast_statement::pdf(&Document {
                contract: &contract,
                settlement: &proposal.settlement,
                leaf: proposal.stands.or(appended),
                // Of the entries before, a verified log gives only the last.
                history: &[],
                origin: &head.origin,
                lang: self.lang.into(),
            });
            write(file, &bytes.map_err(work)?)?;
        }
        self.show(&proposal, appended, known)
    }

    fn pick(
        &self,
        contract: &Contract,
        replayer: &mut Replayer,
        now: Timestamp,
    ) -> Result<Period, Failure> {
        // Those of the first term, and what follows it as far as it has come.
        let end = contract.term.interval().map_err(work)?.end;
        let periods = replayer.periods(contract, now.max(end));
        let periods = periods.map_err(|why| Failure::Work(anyhow!(why)))?;
        let found = match (&self.period, self.index) {
            (Some(month), _) => {
                let begins = |p: &&Period| p.start.strftime("%Y-%m").to_string() == *month;
                periods.iter().find(begins)
            }
            (None, Some(index)) => periods.iter().find(|p| p.index == index),
            (None, None) => periods.iter().rfind(|p| p.interval.end <= now),
        };
        let Some(period) = found else {
            return Err(self.no_period(contract, &periods));
        };
        let (start, end) = (period.interval.start, period.interval.end);
        if end > now {
            return Err(Failure::Call(format!(
                "the period from {start} is not over before {end}: until then, the minutes to \
                 come would count as down"
            )));
        }
        Ok(*period)
    }

    fn no_period(&self, contract: &Contract, periods: &[Period]) -> Failure {
        let asked = match (&self.period, self.index) {
            (Some(month), _) => format!("no period begins in {month}"),
            (None, Some(index)) => format!("there is no period {index}"),
            (None, None) => "no period is over yet".to_owned(),
        };
        let first = periods.first().map_or(contract.term.start, |p| p.start);
        let end = periods.last().map_or(contract.term.start, |p| p.end);
        Failure::Call(format!(
            "{asked}: the contract has {} periods, from {first} to {end}",
            periods.len()
        ))
    }

    fn open_log(&self) -> Result<EvidenceLog, Failure> {
        let given = Path::new(self.trust.log());
        if !given.join("key").is_file() {
            return Err(Failure::Call(format!(
                "--append: {} is not the directory of a log with its private key",
                given.display()
            )));
        }
        let key = self.trust.key()?;
        let settings = Settings {
            interval: std::time::Duration::ZERO,
            ..Settings::default()
        };
        Ok(EvidenceLog::open(given, key.name(), Vec::new(), settings)?)
    }

    /// What is to be said of the period now.
    fn proposal(
        &self,
        contract: &Contract,
        period: &Period,
        replayer: &mut Replayer,
    ) -> Result<Proposal, Failure> {
        let reason = self.reason.as_deref();
        let proposal = match self.step {
            None => replayer.propose(contract, period, reason),
            Some(step) => {
                let before = replayer.settled(contract, period.index);
                Proposal::carry(before, step.into(), reason)
            }
        };
        proposal.map_err(|error| match error {
            ProposalError::Compute(why) => Failure::Work(anyhow!(why)),
            call => Failure::Call(call.to_string()),
        })
    }

    fn show(&self, proposal: &Proposal, appended: Option<u64>, known: bool) -> Result<(), Failure> {
        if self.json {
            let text = proposal.settlement.to_canonical().map_err(work)?;
            return print(&format!("{text}\n"));
        }
        let mut text = settlement::text(&proposal.settlement, self.lang.into());
        let place = match (proposal.stands, appended) {
            (Some(leaf), _) => format!("the log has it as leaf {leaf}; nothing has changed since"),
            (None, Some(leaf)) => format!("appended as leaf {leaf}"),
            (None, None) if known => "not in the log yet: --append puts it there".to_owned(),
            (None, None) => {
                "not in the log, and its contract neither: nobody can verify it yet".to_owned()
            }
        };
        text.push_str(&place);
        text.push('\n');
        print(&text)
    }
}

/// As the log has it: without the people in it, unless it was logged before there
/// was such a form.
fn as_logged(contract: Contract, replayer: &Replayer) -> Result<Contract, Failure> {
    if replayer.has_contract(&contract.hash().map_err(work)?) {
        return Ok(contract);
    }
    contract.sealed().map_err(work)
}

fn append(log: EvidenceLog, settlement: &Settlement, now: Timestamp) -> Result<u64, Failure> {
    let leaf = Leaf::json(settlement.step.kind(), now, settlement).map_err(work)?;
    let runtime = runtime()?;
    let indexes = runtime.block_on(async {
        let appended = log.append(vec![leaf]).await;
        log.close().await;
        appended
    });
    Ok(indexes.map_err(work)?.start)
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = std::fs::write(file, bytes);
    Ok(written.with_context(|| format!("cannot write {}", file.display()))?)
}
