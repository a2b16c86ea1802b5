//! Developer commands, `cargo xtask …`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to its terminal"
)]

mod bench;
mod install;
mod log;
mod paths;
mod prerequisites;
mod run;
mod screenshots;
mod step;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Developer commands of Surecast.

    cargo xtask run [-- ARGUMENTS]    build in release mode, start the development
                                      server; ARGUMENTS go to `surecast serve --dev`
    cargo xtask test [OPTIONS]        everything that must pass
        --only PART                   only the steps whose name begins with PART, and
                                      what they need; may be given several times
        --list                        name the steps and do nothing
    cargo xtask bench [fanout] [join] figures: CPU per forwarded packet, loss, join times
    cargo xtask screenshots           write the console's pictures into docs/screenshots
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["run", rest @ ..] => run::run(rest.strip_prefix(&["--"]).unwrap_or(rest)),
        ["test", rest @ ..] => match test::Options::parse(rest) {
            Ok(options) => test::test(&options),
            Err(complaint) => return wrong_call(&complaint),
        },
        ["bench", which @ ..] => bench::bench(which),
        ["screenshots"] => screenshots::screenshots(),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [] => return wrong_call("name a command"),
        [other, ..] => return wrong_call(&format!("`{other}` is not a command")),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Exit code 2 is for a call that cannot be understood.
fn wrong_call(complaint: &str) -> ExitCode {
    eprintln!("error: {complaint}\n\n{USAGE}");
    ExitCode::from(2)
}
