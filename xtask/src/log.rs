//! What the log of a step says: its last lines, and how many tests there were.

use std::fs;
use std::path::Path;

use crate::step::Outcome;

/// The whole log; a test may print anything, so bytes that are not text are replaced.
pub fn text(path: &Path) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// The last lines, indented.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = text(path);
    let all: Vec<&str> = text.lines().collect();
    let last = &all[all.len().saturating_sub(lines)..];
    last.iter().map(|line| format!("    | {line}\n")).collect()
}

/// The last line that says something, cut to the width of a terminal.
pub fn last_line(path: &Path) -> String {
    let text = text(path);
    let line = text
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("no output yet");
    line.chars().take(100).collect()
}

/// Tests that passed and failed, from the summaries of Cargo, Node and Vitest.
/// A step without any counts as one.
pub fn count(log: &str, succeeded: bool) -> Outcome {
    let mut outcome = Outcome::default();
    for line in log.lines().map(str::trim) {
        let (passed, failed) = cargo(line)
            .or_else(|| node(line))
            .or_else(|| vitest(line))
            .unwrap_or((0, 0));
        outcome.passed += passed;
        outcome.failed += failed;
    }
    match (succeeded, outcome) {
        (true, Outcome { passed: 0, .. }) => Outcome {
            passed: 1,
            failed: 0,
        },
        (true, Outcome { passed, .. }) => Outcome { passed, failed: 0 },
        (false, Outcome { passed, failed }) => Outcome {
            passed,
            failed: failed.max(1),
        },
    }
}

/// `test result: ok. 12 passed; 1 failed; 0 ignored; …`
fn cargo(line: &str) -> Option<(u32, u32)> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    Some((before(counts, " passed")?, before(counts, " failed")?))
}

/// `ℹ pass 12`, `ℹ fail 1`, each on a line
fn node(line: &str) -> Option<(u32, u32)> {
    let line = line.strip_prefix("ℹ ")?;
    match line.split_once(' ')? {
        ("pass", count) => Some((count.parse().ok()?, 0)),
        ("fail" | "cancelled", count) => Some((0, count.parse().ok()?)),
        _ => None,
    }
}

/// `Tests  1 failed | 12 passed (13)`
fn vitest(line: &str) -> Option<(u32, u32)> {
    let counts = line.strip_prefix("Tests  ")?;
    Some((
        before(counts, " passed").unwrap_or(0),
        before(counts, " failed").unwrap_or(0),
    ))
}

/// The number that stands before `word`.
fn before(text: &str, word: &str) -> Option<u32> {
    let (head, _) = text.split_once(word)?;
    head.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(log: &str, succeeded: bool, passed: u32, failed: u32) {
        assert_eq!(count(log, succeeded), Outcome { passed, failed });
    }

    #[test]
    fn summaries_are_added_up() {
        check(
            "test result: ok. 12 passed; 0 failed; 0 ignored\ntest result: ok. 3 passed; 0 failed;",
            true,
            15,
            0,
        );
        check(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured",
            false,
            1,
            2,
        );
        check("ℹ tests 5\nℹ pass 4\nℹ fail 1\nℹ cancelled 0", false, 4, 1);
        check(
            " Test Files  2 passed (2)\n      Tests  20 passed (20)",
            true,
            20,
            0,
        );
        check("      Tests  1 failed | 19 passed (20)", false, 19, 1);
    }

    #[test]
    fn a_step_without_tests_counts_as_one() {
        check("Finished", true, 1, 0);
        check("error: could not compile", false, 0, 1);
        check("test result: ok. 0 passed; 0 failed; 0 ignored", true, 1, 0);
    }

    #[test]
    fn a_failure_is_counted_even_if_every_test_passed() {
        check(
            "test result: ok. 4 passed; 0 failed; 0 ignored\nerror: doctest failed to build",
            false,
            4,
            1,
        );
    }
}
