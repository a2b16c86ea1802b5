//! What a statement stands on.

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use super::{ClockBreach, SettleError};
use crate::canonical;
use crate::contract::Contract;
use crate::coverage::Window;
use crate::exclusion::Exclusion;
use crate::interval::Interval;
use crate::rollup::{Minute, Rollup, RollupTable};
use crate::term::Period;

/// What a statement stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Inputs {
    /// The first leaves of a log.
    Log {
        /// How many.
        size: u64,
        /// The RFC 6962 root of their tree, in base64: the one in the log's
        /// checkpoint of that size.
        root: String,
    },
    /// Data that are in no log.
    Digest {
        /// See [`digest`], in hexadecimal.
        sha256: String,
    },
}

/// The SHA-256 of inputs that are in no log: of these lines, each ended by a
/// line feed: the contract in canonical JSON, the period's first and end
/// instants, each rollup of a covered module and region in the period as its
/// line, sorted by line of coverage, source and minute, then exclusions and
/// breaches in canonical JSON, sorted.
///
/// Experiences are not in it: a remedy by matrix on indicators needs a log.
///
/// # Errors
/// A number has no canonical form.
pub fn digest(
    contract: &Contract,
    period: &Period,
    table: &RollupTable,
    exclusions: &[Exclusion],
    breaches: &[ClockBreach],
) -> Result<Inputs, SettleError> {
    let mut context = Context::new(&SHA256);
    let mut line = |text: &str| {
        context.update(text.as_bytes());
        context.update(b"\n");
    };
    line(&contract.canonical_json().map_err(SettleError::Contract)?);
    let Interval { start, end } = period.interval;
    line(&format!("{start} {end}"));
    for coverage in &contract.coverage {
        // A window can reach back further than the period.
        let days = match coverage.window {
            Window::Period => 0,
            Window::RollingDays(days) => u32::from(days) + 1,
        };
        let (first, end) = Minute::within(period.interval);
        let first = first.0.saturating_sub(days * 1440);
        for (source, column) in table.columns(coverage.module, &coverage.region) {
            for minute in (first..end.0).map(Minute) {
                let Some(cell) = column.get(minute) else {
                    continue;
                };
                let rollup = Rollup {
                    minute,
                    module: coverage.module,
                    region: coverage.region.clone(),
                    source: source.clone(),
                    state: cell.state,
                    up_ms: cell.counts.up_ms,
                    down_ms: cell.counts.down_ms,
                    good: cell.counts.good,
                    bad: cell.counts.bad,
                };
                line(&rollup.to_string());
            }
        }
    }
    let exclusions = exclusions.iter().map(canonical::to_string);
    let breaches = breaches.iter().map(canonical::to_string);
    let mut rest = exclusions
        .chain(breaches)
        .collect::<Result<Vec<_>, _>>()
        .map_err(SettleError::Contract)?;
    rest.sort_unstable();
    rest.dedup();
    rest.iter().for_each(|text| line(text));
    let sha256 = context.finish();
    Ok(Inputs::Digest {
        sha256: hex(sha256.as_ref()),
    })
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
