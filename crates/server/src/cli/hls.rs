//! `surecast hls`.

use clap::{Args, Subcommand};

use super::{Failure, print, runtime};
use crate::hls_check;

/// HLS.
#[derive(Debug, Subcommand)]
pub enum HlsCommand {
    /// Play a low-latency HLS stream, ours or somebody else's, and tell what is
    /// wrong with it.
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The multivariant playlist.
    url: String,
    /// How long to play.
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds: u64,
}

impl HlsCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// The stream has faults, or cannot be played.
    pub fn run(self) -> Result<(), Failure> {
        let Self::Check(args) = self;
        let report = runtime()?.block_on(hls_check::run(&args.url, args.seconds))?;
        print(&report.text)?;
        match report.faults {
            0 => Ok(()),
            count => Err(Failure::Work(anyhow::anyhow!("{count} faults"))),
        }
    }
}
