//! The log's private key: in the data directory, for its owner's eyes only.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use surecast_guarantee::evidence::files::CHECKPOINT;
use surecast_guarantee::evidence::{Algorithm, SigningKey};

use super::directory;

/// Longest file with a key: a name of 255 bytes, and 130 for the rest.
const MAX_KEY_FILE: u64 = 512;

/// Reads the key of the log, or makes one when there is neither key nor log.
pub(super) fn load(dir: &Path, log: &Path, origin: &str) -> anyhow::Result<SigningKey> {
    let path = dir.join("key");
    let key = match std::fs::File::open(&path) {
        Ok(file) => {
            read(file).with_context(|| format!("cannot read the key in {}", path.display()))?
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return make(&path, log, origin);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    if key.public().name() != origin {
        bail!(
            "the key in {} is that of the log `{}`, not of `{origin}`: a log keeps its name",
            path.display(),
            key.public().name()
        );
    }
    Ok(key)
}

/// Reads a private key that nobody else can read.
pub(crate) fn read(file: std::fs::File) -> anyhow::Result<SigningKey> {
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("others can read it: make another log, or `chmod 600` it if nobody has");
    }
    let mut text = String::new();
    file.take(MAX_KEY_FILE).read_to_string(&mut text)?;
    Ok(SigningKey::from_secret_text(text.trim_end())?)
}

fn make(path: &Path, log: &Path, origin: &str) -> anyhow::Result<SigningKey> {
    if log.join(CHECKPOINT).exists() {
        bail!(
            "there is a log in {}, and its key {} is missing: bring it back, or begin another log in an empty directory",
            log.display(),
            path.display()
        );
    }
    new(path, origin)
}

/// Makes a key and keeps it in a file.
pub(crate) fn new(path: &Path, name: &str) -> anyhow::Result<SigningKey> {
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed)
        .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    let key = SigningKey::from_seed(name, Algorithm::Ed25519, seed)?;
    let text = format!("{}\n", key.secret_text());
    directory::create(path, text.as_bytes(), 0o600)
        .with_context(|| format!("cannot write the key {}", path.display()))?;
    Ok(key)
}
