//! A vantage's key: a file that only its owner can read.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use surecast_guarantee::evidence::SigningKey;

use super::args::{KeyArgs, check_vantage};
use crate::cli::{self, Failure};
use crate::evidence::key_file;

/// Prints the public key; makes the key first where there is none.
pub(super) fn run(args: &KeyArgs) -> Result<(), Failure> {
    check_vantage(&args.vantage).map_err(Failure::Call)?;
    let key = match load(&args.key)? {
        Some(key) => key,
        None => key_file::new(&args.key, &args.vantage)?,
    };
    if key.public().name() != args.vantage {
        return Err(Failure::Call(format!(
            "the key in {} is that of the vantage `{}`: choose another file",
            args.key.display(),
            key.public().name()
        )));
    }
    cli::print(&format!("{}\n", key.public()))
}

/// `None` when there is no such file.
pub(super) fn load(path: &Path) -> anyhow::Result<Option<SigningKey>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let key = key_file::read(file);
    key.map(Some)
        .with_context(|| format!("cannot read the key in {}", path.display()))
}
