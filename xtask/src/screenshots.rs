//! `cargo xtask screenshots`: the console's pages as pictures, for the documentation.

use anyhow::Result;

use crate::install;
use crate::paths;
use crate::prerequisites::{
    self, C_COMPILER, CHINESE_FONT, CHROMIUM, EMOJI_FONT, ESPEAK, FFMPEG, LATIN_FONT, PYTHON, cargo,
};
use crate::step::{Runner, Step};

/// Writes `docs/screenshots/*.png`; whether all could be taken.
pub fn screenshots() -> Result<bool> {
    prerequisites::ensure(&[
        C_COMPILER,
        CHROMIUM,
        FFMPEG,
        ESPEAK,
        PYTHON,
        LATIN_FONT,
        CHINESE_FONT,
        EMOJI_FONT,
    ])?;
    let (web, e2e) = (paths::web(), paths::e2e());
    let build = ["build", "--locked", "--package", "surecast-server"];
    let mut steps = [
        install::npm("web-install", &web),
        Step::new("web-build", "the console's files", "npm", &["run", "build"]).inside(&web),
        Step::new("server", "the binary", &cargo(), &build),
        install::npm("e2e-install", &e2e),
        install::virtual_environment("python"),
        install::media("media", true),
        Step::new(
            "pictures",
            "docs/screenshots/*.png",
            "node",
            &["screenshots.js"],
        )
        .inside(&e2e),
    ];
    let mut runner = Runner::new(steps.len(), "screenshots")?;
    for step in &mut steps {
        if runner.run(step)?.failed > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}
