//! `surecast config check|print`.

use clap::{Args, Subcommand};

use super::{ConfigArgs, Failure, Overrides, print};
use crate::config;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Say whether the settings are right; exit code 2 when they are not.
    Check(SourceArgs),
    /// Print the settings in force, with comments, as a file that can be used.
    Print(PrintArgs),
}

#[derive(Debug, Args)]
pub(super) struct SourceArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    overrides: Overrides,
}

#[derive(Debug, Args)]
pub(super) struct PrintArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Print the secrets of the API keys too.
    #[arg(long)]
    show_secrets: bool,
}

impl ConfigCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Check(args) => {
                args.config.load(&args.overrides)?;
                print("the configuration is fine\n")
            }
            Self::Print(args) => {
                let config = args.source.config.load(&args.source.overrides)?;
                print(&config::print(&config, args.show_secrets))
            }
        }
    }
}
