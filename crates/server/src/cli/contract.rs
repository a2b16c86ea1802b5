//! `surecast contract check|plans|new|openslo|settle|status`.

mod settle;
mod status;

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use surecast_guarantee::contract::plan::{self, Plan};
use surecast_guarantee::contract::problem::Problem;
use surecast_guarantee::contract::support::Contact;
use surecast_guarantee::contract::{Contract, Parties, Party, openslo, yaml};

use super::{Failure, print};

#[derive(Debug, Subcommand)]
pub(super) enum ContractCommand {
    /// Say what is wrong in contracts, by line; exit code 1 when something is.
    Check(CheckArgs),
    /// List the ready-made plans.
    Plans,
    /// Print a plan: with its comments, or filled in when the parties are given.
    New(Box<NewArgs>),
    /// Print a contract's coverage as OpenSLO documents, or the other way round.
    Openslo(OpensloArgs),
    /// Settle a period of a contract from a verified log: what was attained, what is credited.
    Settle(Box<settle::SettleArgs>),
    /// Say where a contract stands: state, term, period, next change, conditions.
    Status(Box<status::StatusArgs>),
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Contracts, usually `*.contract.yaml`.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// entry, professional, custom or radical.
    plan: Plan,
    /// Who promises; then --provider-mail, --customer, --customer-mail and --start are needed too.
    #[arg(long, value_name = "NAME", requires_all = ["provider_mail", "customer", "customer_mail", "start"])]
    provider: Option<String>,
    /// Where the provider is reached. Until people are named, in every role.
    #[arg(long, value_name = "ADDRESS", requires = "provider")]
    provider_mail: Option<String>,
    /// Who is promised.
    #[arg(long, value_name = "NAME", requires = "provider")]
    customer: Option<String>,
    /// Where the customer is reached.
    #[arg(long, value_name = "ADDRESS", requires = "provider")]
    customer_mail: Option<String>,
    /// First day of the term.
    #[arg(long, value_name = "YYYY-MM-DD", requires = "provider")]
    start: Option<Date>,
    /// Name of the agreement [default: the plan's].
    #[arg(long, requires = "provider")]
    id: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct OpensloArgs {
    /// A contract; with --import, OpenSLO documents.
    file: PathBuf,
    /// Print the coverage that OpenSLO documents describe.
    #[arg(long)]
    import: bool,
}

impl ContractCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(args) => check(&args.files),
            Self::Plans => print(&plans()),
            Self::New(args) => print(&new(&args)?),
            Self::Openslo(args) if args.import => import(&args.file),
            Self::Openslo(args) => export(&args.file),
            Self::Settle(args) => args.run(),
            Self::Status(args) => args.run(),
        }
    }
}

fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let mut out = String::new();
    let mut bad = 0_usize;
    for file in files {
        match Contract::from_yaml(&read(file)?) {
            Ok((contract, warnings)) => {
                list(&mut out, file, &warnings);
                let _ = writeln!(out, "{}: {}", file.display(), fine(&contract)?);
            }
            Err(problems) => {
                bad += 1;
                list(&mut out, file, &problems);
            }
        }
    }
    print(&out)?;
    if bad == 0 {
        return Ok(());
    }
    Err(Failure::Work(anyhow!(
        "{bad} of {} contracts cannot be used; correct the errors above",
        files.len()
    )))
}

fn fine(contract: &Contract) -> Result<String, Failure> {
    let end = contract.term.end_exclusive().map_err(work)?;
    let periods = contract.term.periods().map_err(work)?.len();
    let sealed = contract.clone().sealed().map_err(work)?;
    let hash = sealed.hash().map_err(work)?;
    Ok(format!(
        "fine: {} version {}, {} to {end}, {periods} periods, sha256 {hash}",
        contract.id, contract.version, contract.term.start
    ))
}

fn plans() -> String {
    Plan::ALL.iter().fold(String::new(), |mut out, plan| {
        let _ = writeln!(out, "{:<14}{}", plan.name(), plan.summary());
        out
    })
}

/// Random characters, so that nobody finds the contacts behind their seal by
/// guessing.
fn salt() -> anyhow::Result<String> {
    let mut bytes = [0_u8; 18];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| anyhow!("the system gives no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn new(args: &NewArgs) -> Result<String, Failure> {
    let (Some(provider), Some(provider_mail)) = (&args.provider, &args.provider_mail) else {
        return Ok(args.plan.yaml().to_owned());
    };
    let (Some(customer), Some(customer_mail)) = (&args.customer, &args.customer_mail) else {
        return Ok(args.plan.yaml().to_owned());
    };
    let Some(start) = args.start else {
        return Ok(args.plan.yaml().to_owned());
    };
    let party = |name: &str, mail: &str| Party {
        name: name.to_owned(),
        contact: Contact {
            name: name.to_owned(),
            mail: Some(mail.to_owned()),
            phone: None,
            webhook: None,
        },
    };
    let parties = Parties {
        provider: party(provider, provider_mail),
        customer: party(customer, customer_mail),
    };
    let made = plan::plan(args.plan, parties, start);
    let mut contract = made.map_err(|problems| {
        let texts: Vec<_> = problems
            .iter()
            .map(|p| format!("{}: {}", p.path, p.what))
            .collect();
        Failure::Call(texts.join("\n"))
    })?;
    if let Some(id) = &args.id {
        contract.id.clone_from(id);
    }
    contract.contacts_salt = Some(salt().map_err(Failure::Work)?);
    let text = contract.to_yaml().map_err(|e| Failure::Work(anyhow!(e)))?;
    match Contract::from_yaml(&text) {
        Ok(_) => Ok(text),
        Err(problems) => {
            let texts: Vec<_> = problems.iter().map(|p| p.what.clone()).collect();
            Err(Failure::Call(texts.join("\n")))
        }
    }
}

fn export(file: &Path) -> Result<(), Failure> {
    let contract = match Contract::from_yaml(&read(file)?) {
        Ok((contract, _)) => contract,
        Err(problems) => return Err(all(file, &problems)),
    };
    print(&openslo::export(&contract).map_err(work)?)
}

fn import(file: &Path) -> Result<(), Failure> {
    let imported = openslo::import(&read(file)?).map_err(|problems| all(file, &problems))?;
    let mut out = String::new();
    for warning in &imported.warnings {
        let _ = writeln!(out, "# {}", warning.in_file(&file.display().to_string()));
    }
    out.push_str(&yaml::coverage(&imported.coverage).map_err(|e| Failure::Work(anyhow!(e)))?);
    print(&out)
}

/// The file as text, one byte more than may be at most, so that a device or a
/// wrong file does not fill the memory and the check names the size.
fn read(file: &Path) -> Result<String, Failure> {
    let wrong =
        |e: &dyn std::fmt::Display| Failure::Call(format!("cannot read {}: {e}", file.display()));
    let opened = std::fs::File::open(file).map_err(|e| wrong(&e))?;
    let mut bytes = Vec::new();
    let most = yaml::MAX_BYTES as u64 + 1;
    opened
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|e| wrong(&e))?;
    if bytes.len() > yaml::MAX_BYTES {
        return Err(wrong(&format_args!(
            "it has more than {} bytes",
            yaml::MAX_BYTES
        )));
    }
    String::from_utf8(bytes).map_err(|e| wrong(&format_args!("it is not UTF-8 text ({e})")))
}

fn list(out: &mut String, file: &Path, problems: &[Problem]) {
    for problem in problems {
        let _ = writeln!(out, "{}", problem.in_file(&file.display().to_string()));
    }
}

fn all(file: &Path, problems: &[Problem]) -> Failure {
    let mut text = String::new();
    list(&mut text, file, problems);
    Failure::Work(anyhow!("{}", text.trim_end().to_owned()))
}

fn work<E: std::error::Error + Send + Sync + 'static>(error: E) -> Failure {
    Failure::Work(anyhow::Error::new(error))
}
