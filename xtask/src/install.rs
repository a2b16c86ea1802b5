//! Steps that bring what npm and PyPI have, and the fake camera's files. Each
//! leaves out what is done already.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::paths;
use crate::prerequisites::python;
use crate::step::Step;

/// `npm ci`, unless the folder holds exactly what its lock file says.
pub fn npm(name: &'static str, folder: &Path) -> Step {
    let shown = folder
        .strip_prefix(paths::root())
        .unwrap_or(folder)
        .display()
        .to_string();
    let mut step = Step::new(
        name,
        format!("npm packages of {shown}"),
        "npm",
        &["ci", "--no-audit", "--no-fund"],
    );
    if newer(
        &folder.join("node_modules/.package-lock.json"),
        &folder.join("package-lock.json"),
    ) {
        step.commands.clear();
    }
    step.inside(folder)
}

/// The virtual environment `.cache/venv` with the pinned PyPI packages.
pub fn virtual_environment(name: &'static str) -> Step {
    let venv = paths::venv();
    let venv = venv.to_string_lossy();
    let pip = format!("{venv}/bin/python");
    let stamp = format!("{venv}/installed.txt");
    let mut step = Step::new(
        name,
        "PyPI packages in a virtual environment",
        python().unwrap_or("python3"),
        &["-m", "venv", "--clear", &venv],
    );
    let mut run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(paths::root());
        step.commands.push(command);
    };
    run(
        &pip,
        &[
            "-m",
            "pip",
            "install",
            "--disable-pip-version-check",
            "-r",
            "tests/requirements.txt",
        ],
    );
    // Written last: half an installation is none.
    run("cp", &["tests/requirements.txt", &stamp]);
    let wanted = fs::read(paths::root().join("tests/requirements.txt")).ok();
    if wanted.is_some() && wanted == fs::read(stamp).ok() {
        step.commands.clear();
    }
    step
}

/// The fake camera and microphone; the script itself leaves out what is there.
pub fn media(name: &'static str, gallery: bool) -> Step {
    let python = paths::venv().join("bin/python");
    let folder = paths::cache().join("media");
    let mut arguments = vec![
        "tests/media/make.py".to_owned(),
        folder.to_string_lossy().into_owned(),
    ];
    if gallery {
        arguments.push("--gallery".to_owned());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Step::new(
        name,
        "a fake camera and microphone",
        &python.to_string_lossy(),
        &arguments,
    )
    .after(&["python"])
}

/// Whether `one` was written after `other`; no when either is missing.
fn newer(one: &Path, other: &Path) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    written(one)
        .zip(written(other))
        .is_some_and(|(one, other)| one >= other)
}
