//! Where things lie in the checkout.

use std::path::{Path, PathBuf};

/// The checkout's top folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies one below the top folder")
}

/// What the commands make for themselves; not in version control.
pub fn cache() -> PathBuf {
    root().join(".cache")
}

/// The web console's sources.
pub fn web() -> PathBuf {
    root().join("web")
}

/// The end-to-end tests.
pub fn e2e() -> PathBuf {
    root().join("tests/e2e")
}

/// The virtual environment with the PyPI clients.
pub fn venv() -> PathBuf {
    cache().join("venv")
}

/// Where Cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |dir| root().join(dir))
}
