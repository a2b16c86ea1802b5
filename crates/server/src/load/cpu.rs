//! What this process costs.

/// Linux counts CPU time in hundredths of a second on every architecture
/// (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds since the start.
#[derive(Debug)]
pub(crate) struct Meter {
    start: Option<f64>,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self { start: read() }
    }

    /// User and system time of all threads; `None` where the system does not
    /// tell.
    pub(crate) fn seconds(&self) -> Option<f64> {
        Some(read()? - self.start?)
    }
}

fn read() -> Option<f64> {
    parse(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Fields 14 and 15. The second field, the program's name, is in parentheses
/// and may contain anything.
fn parse(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn user_and_system_time() {
        let stat = "42 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 150 0 0 20 0 4 0 1";
        assert_eq!(parse(stat), Some(4.0));
        assert_eq!(parse("42 (x) S 1"), None);
    }
}
