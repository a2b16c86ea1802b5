//! One step of a longer command: it says that it begins, where it is while it
//! takes long, and how it ended.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::log;
use crate::paths;

/// How often a long step says where it is.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How often the end of a command is looked for.
const POLL: Duration = Duration::from_millis(50);

/// Lines of the log shown when a step fails: a failed test with its context.
const TAIL: usize = 80;

/// A command under a name.
pub struct Step {
    /// Short, without spaces: `clippy`, `e2e-call`.
    pub name: String,
    /// What it does, for `--list`.
    pub about: String,
    /// Names of the steps that must have passed before.
    pub needs: Vec<&'static str>,
    /// What is run, one after the other.
    pub commands: Vec<Command>,
}

impl Step {
    /// A step of one command in the checkout's top folder.
    pub fn new(
        name: impl Into<String>,
        about: impl Into<String>,
        program: &str,
        arguments: &[&str],
    ) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(paths::root());
        Self {
            name: name.into(),
            about: about.into(),
            needs: Vec::new(),
            commands: vec![command],
        }
    }

    /// The same in another folder.
    pub fn inside(mut self, folder: &Path) -> Self {
        for command in &mut self.commands {
            command.current_dir(folder);
        }
        self
    }

    /// The same, once these have passed.
    pub fn after(mut self, needs: &[&'static str]) -> Self {
        self.needs.extend_from_slice(needs);
        self
    }
}

/// How a step ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Tests that passed, or 1 where the step is one check as a whole.
    pub passed: u32,
    /// Tests that failed; not 0 whenever the step failed.
    pub failed: u32,
}

/// Runs steps and numbers them.
pub struct Runner {
    total: usize,
    at: usize,
    logs: PathBuf,
}

impl Runner {
    /// For `total` steps whose logs go into `.cache/logs/{folder}`.
    pub fn new(total: usize, folder: &str) -> Result<Self> {
        let logs = paths::cache().join("logs").join(folder);
        fs::create_dir_all(&logs)
            .with_context(|| format!("cannot make the folder {}", logs.display()))?;
        Ok(Self { total, at: 0, logs })
    }

    /// Says that a step is left out because one that it needs failed.
    pub fn skip(&mut self, step: &Step, missing: &str) -> Outcome {
        self.at += 1;
        println!(
            "{} not run: it needs {missing}, which failed",
            self.title(&step.name)
        );
        Outcome {
            passed: 0,
            failed: 1,
        }
    }

    /// Runs a step to its end.
    pub fn run(&mut self, step: &mut Step) -> Result<Outcome> {
        self.at += 1;
        let title = self.title(&step.name);
        println!("{title} {}", step.about);
        let path = self.logs.join(format!("{}.log", step.name));
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let begin = Instant::now();
        let mut failed = None;
        for command in &mut step.commands {
            let status = watch(command, &file, &path, &title)?;
            if !status.success() {
                failed = Some((shown(command), status));
                break;
            }
        }
        let outcome = log::count(&log::text(&path), failed.is_none());
        let took = duration(begin.elapsed());
        match failed {
            None => println!("{title} passed in {took}{}", tests(outcome)),
            Some((command, status)) => {
                println!("{title} FAILED after {took} ({status})");
                println!(
                    "    command: {command}\n    log: {}\n{}",
                    path.display(),
                    log::tail(&path, TAIL)
                );
            }
        }
        Ok(outcome)
    }

    fn title(&self, name: &str) -> String {
        format!("[{:>2}/{}] {name}:", self.at, self.total)
    }
}

/// Runs one command with its output in the log, and says where it is.
fn watch(command: &mut Command, log: &File, path: &Path, title: &str) -> Result<ExitStatus> {
    writeln!(&*log, "$ {}", shown(command))?;
    // What colours the output would have to be taken out of it again.
    command
        .env("NO_COLOR", "1")
        .env("CARGO_TERM_COLOR", "never")
        .env_remove("FORCE_COLOR");
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?);
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{program}`"))?;
    let begin = Instant::now();
    let mut said = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let elapsed = begin.elapsed();
        if elapsed >= said + HEARTBEAT {
            said = elapsed;
            println!("{title} … {}: {}", duration(elapsed), log::last_line(path));
        }
        std::thread::sleep(POLL);
    }
}

/// The command as it could be typed.
pub fn shown(command: &Command) -> String {
    let folder = command
        .get_current_dir()
        .and_then(|dir| dir.strip_prefix(paths::root()).ok());
    let prefix = folder
        .filter(|dir| !dir.as_os_str().is_empty())
        .map(|dir| format!("cd {} && ", dir.display()));
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    prefix.unwrap_or_default() + &words.join(" ")
}

fn tests(outcome: Outcome) -> String {
    match outcome.passed {
        0 | 1 => String::new(),
        several => format!(", {several} tests"),
    }
}

fn duration(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        short @ 0..60 => format!("{short}.{} s", elapsed.subsec_millis() / 100),
        long => format!("{} min {:02} s", long / 60, long % 60),
    }
}
