//! The command line.

mod config;
mod contract;
mod evidence;
mod hls;
mod offers;
mod token;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, ConfigError, Sources, load as load_config};
use crate::{app, load, logging, probe};

/// A live-streaming network in one program, LiveKit-compatible.
#[derive(Debug, Parser)]
#[command(name = "surecast", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C.
    Serve(ServeArgs),
    /// Make access tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Check or show the configuration.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Check contracts, make new ones, exchange them with OpenSLO tools.
    #[command(subcommand)]
    Contract(contract::ContractCommand),
    /// Compare what vendors promise with what a buyer needs.
    #[command(subcommand)]
    Offers(offers::OffersCommand),
    /// Check and read evidence logs, ours and those of others.
    #[command(subcommand)]
    Evidence(evidence::EvidenceCommand),
    /// Check low-latency HLS, ours and that of others.
    #[command(subcommand)]
    Hls(hls::HlsCommand),
    /// Put load on a LiveKit-compatible server with real WebRTC clients.
    Load(load::LoadArgs),
    /// See from outside whether people get in and media flows, and report it to a log.
    Probe(Box<probe::ProbeArgs>),
}

/// Where settings come from; the same for every command that needs them.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Settings for trying things out: key `devkey`, secret `secret`, loopback only.
    #[arg(long)]
    dev: bool,
    /// TOML file with settings. `surecast config print` shows all there are.
    #[arg(long, value_name = "FILE", env = "SURECAST_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
struct ServeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    overrides: Overrides,
    /// With --dev: the guarantee's clock starts at this instant, like
    /// 2026-09-30T23:48:00Z; everything else keeps the real time.
    #[arg(long, value_name = "INSTANT", requires = "dev")]
    dev_time: Option<jiff::Timestamp>,
}

/// Settings that are often given on the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct Overrides {
    /// Directory of the store [default: surecast-data; with --dev: a temporary one].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where to listen for HTTP and WebSocket; port 0 is any free one
    /// [default: 0.0.0.0:7880; with --dev: 127.0.0.1:7880].
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<SocketAddr>,
    /// Add N to every port, to run several servers on one machine.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port_offset: u16,
}

/// Why the program ends with an error.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The call was wrong: exit code 2.
    #[error("{0}")]
    Call(String),
    /// The work failed: exit code 1.
    #[error("{0:#}")]
    Work(anyhow::Error),
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Call(error.0)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Work(error)
    }
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    /// See [`Failure`].
    pub fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Serve(args) => serve(&args),
            Command::Token(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Contract(command) => command.run(),
            Command::Offers(command) => command.run(),
            Command::Evidence(command) => command.run(),
            Command::Hls(command) => command.run(),
            Command::Load(args) => Ok(runtime()?.block_on(load::run(args))?),
            Command::Probe(args) => runtime()?.block_on(probe::run(*args)),
        }
    }
}

/// Says what went wrong, on standard error, and gives the exit code.
pub fn report(failure: &Failure) -> ExitCode {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "surecast: {failure}");
    match failure {
        Failure::Call(_) => ExitCode::from(2),
        Failure::Work(_) => ExitCode::from(1),
    }
}

fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let mut config = args.config.load(&args.overrides)?;
    config.dev_time = args.dev_time;
    logging::start(&config.log);
    let runtime = runtime()?;
    let result = runtime.block_on(app::serve(config));
    // A connection that is stuck must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    result
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.map_err(|error| {
        Failure::Work(anyhow::Error::new(error).context("cannot start the runtime"))
    })
}

impl ConfigArgs {
    fn load(&self, overrides: &Overrides) -> Result<Config, ConfigError> {
        load_config(&Sources {
            dev: self.dev,
            file: self.config.clone(),
            env: environment(),
            http: overrides.http,
            data_dir: overrides.data_dir.clone(),
            port_offset: overrides.port_offset,
        })
    }
}

/// Variables that are no text cannot be ours.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Prints to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| {
        Failure::Work(anyhow::Error::new(error).context("cannot write to standard output"))
    })
}
