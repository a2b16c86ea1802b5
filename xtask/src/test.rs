//! `cargo xtask test`: everything that must pass.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::install;
use crate::paths;
use crate::prerequisites::{self, cargo};
use crate::step::{Runner, Step};

/// What was asked for on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Only steps whose name begins with one of these; all when empty.
    only: Vec<String>,
    /// Name the steps and do nothing.
    list: bool,
}

impl Options {
    /// Reads the arguments after `test`; what is wrong with them otherwise.
    pub fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match *argument {
                "--list" => options.list = true,
                "--only" => {
                    let part = rest
                        .next()
                        .ok_or("`--only` needs the beginning of a step's name")?;
                    options.only.push((*part).to_owned());
                }
                other => return Err(format!("`{other}` is not an option of `test`")),
            }
        }
        Ok(options)
    }
}

/// Runs the steps; whether all passed.
pub fn test(options: &Options) -> Result<bool> {
    let mut steps = choose(all_steps()?, &options.only)?;
    if options.list {
        for step in &steps {
            println!("{:<16} {}", step.name, step.about);
        }
        return Ok(true);
    }
    let begin = Instant::now();
    ensure(&steps)?;
    let mut runner = Runner::new(steps.len(), "test")?;
    let (mut passed, mut failed) = (0, 0);
    let mut broken: Vec<String> = Vec::new();
    for step in &mut steps {
        let missing = step
            .needs
            .iter()
            .find(|need| broken.iter().any(|name| name == *need));
        let outcome = match missing {
            Some(missing) => runner.skip(step, missing),
            None => runner.run(step)?,
        };
        passed += outcome.passed;
        failed += outcome.failed;
        if outcome.failed > 0 {
            broken.push(step.name.clone());
        }
    }
    println!(
        "in {} min {:02} s",
        begin.elapsed().as_secs() / 60,
        begin.elapsed().as_secs() % 60
    );
    if !broken.is_empty() {
        println!("failed: {}", broken.join(", "));
    }
    println!("{passed} passed, {failed} failed");
    Ok(failed == 0)
}

/// Every step, in an order in which each comes after what it needs.
fn all_steps() -> Result<Vec<Step>> {
    let mut steps = console_steps();
    steps.extend(rust_steps());
    steps.extend(end_to_end_steps()?);
    Ok(steps)
}

/// The console comes first: the server takes its built files into the binary.
fn console_steps() -> Vec<Step> {
    let web = paths::web();
    vec![
        install::npm("web-install", &web),
        Step::new(
            "web-check",
            "types and tests of the console",
            "npm",
            &["run", "check"],
        )
        .inside(&web)
        .after(&["web-install"]),
        Step::new("web-build", "the console's files", "npm", &["run", "build"])
            .inside(&web)
            .after(&["web-install"]),
    ]
}

fn rust_steps() -> Vec<Step> {
    let cargo = cargo();
    let clippy = [
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    let mut steps = vec![
        Step::new(
            "format",
            "rustfmt has nothing to change",
            &cargo,
            &["fmt", "--all", "--check"],
        ),
        Step::new("clippy", "no warnings", &cargo, &clippy),
        // FFmpeg 9 is in it.
        install::virtual_environment("python"),
        Step::new(
            "unit",
            "tests of the crates, fuzz corpora among them",
            &cargo,
            &["test", "--locked", "--workspace"],
        )
        .after(&["python"]),
    ];
    // Not installed here: it takes minutes to build, and changes nothing that users see.
    if std::process::Command::new(&cargo)
        .args(["deny", "--version"])
        .output()
        .is_ok_and(|it| it.status.success())
    {
        let check = [
            "deny",
            "--all-features",
            "check",
            "bans",
            "licenses",
            "sources",
        ];
        steps.push(Step::new(
            "deny",
            "licences and sources of dependencies",
            &cargo,
            &check,
        ));
    }
    steps
}

/// One step for each `tests/e2e/*.test.js`, after what they all need.
fn end_to_end_steps() -> Result<Vec<Step>> {
    let e2e = paths::e2e();
    let build = ["build", "--locked", "--package", "surecast-server"];
    let mut steps = vec![
        Step::new("server", "the binary under test", &cargo(), &build).after(&["web-build"]),
        install::npm("e2e-install", &e2e),
        install::media("media", false),
    ];
    steps.push(story());
    let mut files = Vec::new();
    for entry in fs::read_dir(&e2e).with_context(|| format!("cannot read {}", e2e.display()))? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        files.extend(file.ends_with(".test.js").then_some(file));
    }
    files.sort();
    for file in files {
        let name = format!("e2e-{}", file.trim_end_matches(".test.js"));
        let about = format!("tests/e2e/{file}, real browsers and SDKs");
        let node = ["--test", "--test-reporter=spec", "--test-force-exit", &file];
        let needs = ["server", "e2e-install", "python", "media"];
        steps.push(
            Step::new(name, about, "node", &node)
                .inside(&e2e)
                .after(&needs),
        );
    }
    Ok(steps)
}

/// The example that newcomers run, on the binary under test. It lives through
/// nine minutes of a contract in real time.
fn story() -> Step {
    let script = paths::root().join("examples/guarantee/story.py");
    let binary = paths::target().join("debug/surecast");
    let folder = paths::cache().join("story");
    let [script, binary, folder] =
        [script, binary, folder].map(|path| path.to_string_lossy().into_owned());
    let arguments = [
        &script,
        "--surecast",
        &binary,
        "--directory",
        &folder,
        "--replace",
    ];
    let python = prerequisites::python().unwrap_or("python3");
    let about = "a show, an outage and its settlement, from examples/guarantee";
    Step::new("story", about, python, &arguments).after(&["server"])
}

/// The steps asked for and, before them, what they need.
fn choose(steps: Vec<Step>, only: &[String]) -> Result<Vec<Step>> {
    if only.is_empty() {
        return Ok(steps);
    }
    for part in only {
        if !steps.iter().any(|step| step.name.starts_with(part)) {
            bail!("no step begins with `{part}`; `cargo xtask test --list` names them");
        }
    }
    let mut wanted: Vec<bool> = steps
        .iter()
        .map(|step| only.iter().any(|part| step.name.starts_with(part)))
        .collect();
    // What a step needs stands before it, so one pass from the end finds all.
    for at in (0..steps.len()).rev() {
        for before in 0..at {
            wanted[before] |= wanted[at] && steps[at].needs.contains(&steps[before].name.as_str());
        }
    }
    Ok(steps
        .into_iter()
        .zip(wanted)
        .filter_map(|(step, wanted)| wanted.then_some(step))
        .collect())
}

/// Looks for what the chosen steps need from the machine.
fn ensure(steps: &[Step]) -> Result<()> {
    let has = |name: &str| steps.iter().any(|step| step.name == name);
    let mut needed = vec![prerequisites::C_COMPILER];
    if has("unit") {
        needed.extend([prerequisites::POSTGRES, prerequisites::FFMPEG]);
    }
    if has("unit") || has("media") {
        needed.extend(prerequisites::GSTREAMER);
    }
    if has("python") || has("story") {
        needed.push(prerequisites::PYTHON);
    }
    if has("media") {
        needed.extend([
            prerequisites::CHROMIUM,
            prerequisites::FFMPEG,
            prerequisites::ESPEAK,
            prerequisites::RTMPDUMP,
            prerequisites::SRT_TOOLS,
        ]);
    }
    prerequisites::ensure(&needed)?;
    if has("format") || has("clippy") {
        prerequisites::ensure_rust_components()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str]) -> Vec<String> {
        let only: Vec<String> = only.iter().map(|part| (*part).to_owned()).collect();
        let chosen = choose(all_steps().unwrap(), &only).unwrap();
        chosen.into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_chosen_step_brings_what_it_needs() {
        assert_eq!(names(&["format"]), ["format"]);
        let call = [
            "web-install",
            "web-build",
            "python",
            "server",
            "e2e-install",
            "media",
            "e2e-call",
        ];
        assert_eq!(names(&["e2e-call"]), call);
    }

    #[test]
    fn every_need_is_a_step_that_comes_before() {
        let steps = all_steps().unwrap();
        for (at, step) in steps.iter().enumerate() {
            for need in &step.needs {
                assert!(
                    steps[..at].iter().any(|before| before.name == *need),
                    "{} needs {need}",
                    step.name
                );
            }
        }
    }

    #[test]
    fn wrong_options_are_named() {
        assert!(Options::parse(&["--only"]).is_err());
        assert_eq!(
            Options::parse(&["--fast"]),
            Err("`--fast` is not an option of `test`".to_owned())
        );
        assert!(choose(all_steps().unwrap(), &["nonsense".to_owned()]).is_err());
    }
}
