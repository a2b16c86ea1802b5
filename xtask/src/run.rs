//! `cargo xtask run`: build everything in release mode and start the
//! development server.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context, Result};

use crate::install;
use crate::paths;
use crate::prerequisites::{self, cargo};
use crate::step::{Runner, Step};

/// Port of HTTP at offset 0.
const HTTP_PORT: u32 = 7880;

/// Builds, then becomes the server; returns only when something failed.
pub fn run(arguments: &[&str]) -> Result<bool> {
    prerequisites::ensure(&[prerequisites::C_COMPILER])?;
    let web = paths::web();
    let build = [
        "build",
        "--locked",
        "--release",
        "--package",
        "surecast-server",
    ];
    let mut steps = [
        install::npm("web-install", &web),
        Step::new("web-build", "the console's files", "npm", &["run", "build"]).inside(&web),
        Step::new(
            "server",
            "the server in release mode; the first time takes minutes",
            &cargo(),
            &build,
        ),
    ];
    let mut runner = Runner::new(steps.len(), "run")?;
    for step in &mut steps {
        if runner.run(step)?.failed > 0 {
            return Ok(false);
        }
    }
    let binary = paths::target().join("release/surecast");
    let shown = binary
        .strip_prefix(paths::root())
        .unwrap_or(&binary)
        .display();
    let url = address(arguments);
    println!(
        "\nConsole:    {url}\nSDKs:       {}   key devkey, secret secret\nA token:    {shown} token create --dev --identity ann --room demo\nStop:       Ctrl-C\n",
        url.replacen("http", "ws", 1),
    );
    // Becoming the server leaves it the terminal, its signals and its exit code.
    let failure = Command::new(&binary)
        .args(["serve", "--dev"])
        .args(arguments)
        .current_dir(paths::root())
        .exec();
    Err(failure).with_context(|| format!("cannot start {}", binary.display()))
}

/// Where the server will listen, as far as its arguments say.
fn address(arguments: &[&str]) -> String {
    let value = |name: &str| {
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if *argument == name {
                return rest.next().map(|value| (*value).to_owned());
            }
            if let Some(value) = argument
                .strip_prefix(name)
                .and_then(|tail| tail.strip_prefix('='))
            {
                return Some(value.to_owned());
            }
        }
        None
    };
    let offset = value("--port-offset")
        .and_then(|offset| offset.parse().ok())
        .unwrap_or(0);
    let http = value("--http").unwrap_or_else(|| format!("127.0.0.1:{HTTP_PORT}"));
    match http
        .rsplit_once(':')
        .map(|(host, port)| (host, port.parse::<u32>()))
    {
        Some((host, Ok(port))) if port > 0 => format!("http://{host}:{}", port + offset),
        _ => "http://… in the ready line below".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_follows_the_arguments() {
        assert_eq!(address(&[]), "http://127.0.0.1:7880");
        assert_eq!(address(&["--port-offset", "100"]), "http://127.0.0.1:7980");
        assert_eq!(address(&["--http=0.0.0.0:80"]), "http://0.0.0.0:80");
        assert_eq!(
            address(&["--http", "127.0.0.1:0"]),
            "http://… in the ready line below"
        );
    }
}
