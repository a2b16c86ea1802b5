use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use surecast_guarantee::module::Region;
use surecast_guarantee::rollup::Source;

use crate::load::parse_duration;

/// See whether people get in and media flows, from where this runs.
///
/// A round is a publisher and a subscriber in a room of their own: they join,
/// audio and a small video go from the one to the other, and it is measured what
/// of it arrives when. Any LiveKit-compatible server can be probed. Exit code 0:
/// the round was good; 1: it was bad, or could not be measured; 2: the call was
/// wrong.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ProbeArgs {
    #[command(subcommand)]
    pub(super) command: Option<ProbeCommand>,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// Beside probing.
#[derive(Debug, Subcommand)]
pub(super) enum ProbeCommand {
    /// Make the key that a vantage signs its reports with, and print its public part.
    Key(KeyArgs),
}

/// Whose key.
#[derive(Debug, Args)]
pub(super) struct KeyArgs {
    /// The vantage's name: a-z, A-Z, 0-9, `.`, `_` and `-`.
    #[arg(long, value_name = "NAME")]
    pub(super) vantage: String,
    /// Where the key is, or shall be. Keep it to yourself.
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
}

/// How to probe what.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The server, ws://, wss://, http:// or https://.
    #[arg(long, default_value = "ws://127.0.0.1:7880")]
    pub(super) url: String,
    /// API key for the tokens.
    #[arg(long, env = "LIVEKIT_API_KEY", default_value = "devkey")]
    api_key: String,
    /// Its secret.
    #[arg(
        long,
        env = "LIVEKIT_API_SECRET",
        default_value = "secret",
        hide_env_values = true
    )]
    api_secret: String,
    /// A token that may publish, where there is no API key.
    #[arg(long, value_name = "TOKEN", requires = "token_sub")]
    token_pub: Option<String>,
    /// A token that may subscribe in the same room, of another identity.
    #[arg(long, value_name = "TOKEN", requires = "token_pub")]
    token_sub: Option<String>,
    /// Stay, and begin a round so often: 60s, 5m [default: one round].
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) every: Option<Duration>,
    /// How long media is looked at.
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    pub(super) duration: Duration,
    /// From where it is probed [default: the key's name, or the host's].
    #[arg(long, value_name = "NAME")]
    vantage: Option<String>,
    /// The region that is probed, as in contracts.
    #[arg(long, default_value = "local", value_name = "NAME")]
    pub(super) region: Region,
    /// The Surecast server whose log shall have the results, http:// or https://.
    #[arg(long, value_name = "URL", requires = "key")]
    pub(super) report: Option<String>,
    /// The vantage's key, see `surecast probe key`.
    #[arg(long, value_name = "FILE")]
    pub(super) key: Option<PathBuf>,
    /// Print each round as a line of JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// How a round gets in.
#[derive(Clone)]
pub(super) enum Credentials {
    Key {
        key: String,
        secret: String,
    },
    Tokens {
        publisher: String,
        subscriber: String,
    },
}

/// A round needs the time of joining and leaving too: with more than this a
/// minute would not hold one.
const MOST: Duration = Duration::from_secs(40);

impl RunArgs {
    /// What is wrong with the call as a whole.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(Duration::from_secs(1)..=MOST).contains(&self.duration) {
            return Err(format!("--duration must be between 1s and {MOST:?}"));
        }
        if let Some(every) = self.every
            && every < self.duration + Duration::from_secs(5)
        {
            return Err(
                "--every must be at least 5s more than --duration: a round also joins and leaves"
                    .into(),
            );
        }
        if let Some(url) = &self.report
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return Err(format!(
                "--report {url:?} must begin with http:// or https://"
            ));
        }
        crate::load::target::Address::parse(&self.url).map(drop)
    }

    pub(super) fn credentials(&self) -> Credentials {
        match (&self.token_pub, &self.token_sub) {
            (Some(publisher), Some(subscriber)) => Credentials::Tokens {
                publisher: publisher.clone(),
                subscriber: subscriber.clone(),
            },
            _ => Credentials::Key {
                key: self.api_key.clone(),
                secret: self.api_secret.clone(),
            },
        }
    }

    /// `signer` is the name of the key, where there is one.
    pub(super) fn vantage(&self, signer: Option<&str>) -> Result<String, String> {
        let name = match (&self.vantage, signer) {
            (Some(said), Some(signer)) if said != signer => {
                return Err(format!(
                    "--vantage {said}: the key is that of the vantage `{signer}`"
                ));
            }
            (Some(said), _) => said.clone(),
            (None, Some(signer)) => signer.to_owned(),
            (None, None) => host_name(),
        };
        check_vantage(&name)?;
        Ok(name)
    }
}

pub(super) fn check_vantage(name: &str) -> Result<(), String> {
    if Source::Probe(name.to_owned()).is_valid() {
        return Ok(());
    }
    Err(format!(
        "--vantage {name:?}: a vantage's name is 1 to 63 of a-z, A-Z, 0-9, `.`, `_` and `-`"
    ))
}

/// As far as it fits.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = name.trim().chars().filter(fits).take(63).collect();
    if name.is_empty() {
        "probe".to_owned()
    } else {
        name
    }
}
