//! The program `surecast`. Wiring only.

use std::process::ExitCode;

use clap::Parser as _;
use surecast_server::cli::{Cli, report};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}
