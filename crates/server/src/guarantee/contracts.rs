//! Contracts that the server is told to keep.

use std::path::PathBuf;

use surecast_guarantee::contract::{Contract, yaml};

use crate::cli::Failure;

/// Reads and checks them; warnings go to the log.
pub(super) fn load(files: &[PathBuf]) -> Result<Vec<Contract>, Failure> {
    files.iter().map(one).collect()
}

fn one(file: &PathBuf) -> Result<Contract, Failure> {
    let shown = file.display();
    let wrong = |why: String| Failure::Call(format!("`guarantee.contracts`: {why}"));
    let size = std::fs::metadata(file).map_or(0, |found| found.len());
    if size > yaml::MAX_BYTES as u64 {
        let most = yaml::MAX_BYTES;
        return Err(wrong(format!("{shown} has more than {most} bytes")));
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| wrong(format!("cannot read {shown}: {error}")))?;
    let name = file.display().to_string();
    match Contract::from_yaml(&text) {
        Ok((contract, warnings)) => {
            for warning in warnings {
                tracing::warn!("{}", warning.in_file(&name));
            }
            Ok(contract)
        }
        Err(problems) => {
            let lines = problems.iter().map(|problem| problem.in_file(&name));
            Err(wrong(format!(
                "{shown} cannot be used\n{}",
                lines.collect::<Vec<_>>().join("\n")
            )))
        }
    }
}
