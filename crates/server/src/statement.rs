//! Statements as PDF, from what the store has of the log.

use anyhow::Context as _;
use jiff::Timestamp;
use surecast_guarantee::contract::Contract;
use surecast_guarantee::offer::Lang;
use surecast_guarantee::settlement::Settlement;
use surecast_statement::{Document, Past};

use crate::store::{ContractRow, SettlementRow};

/// Entries of a period that are printed, the last ones: a page of them. Each has
/// its number, so that it is seen where earlier ones are left out.
const HISTORY: usize = 30;

/// The statement of `row`. Those of the same period before it, wherever they
/// are in `rows`, are printed as its history. Takes a core for up to a second:
/// not for an async task.
///
/// # Errors
/// Something in the store cannot be read, or does not belong together.
pub fn pdf(
    contract: &ContractRow,
    row: &SettlementRow,
    rows: &[SettlementRow],
    origin: &str,
    lang: Lang,
) -> anyhow::Result<Vec<u8>> {
    let mut entries: Vec<&SettlementRow> = rows
        .iter()
        .filter(|other| (&other.hash, other.period) == (&row.hash, row.period))
        .filter(|other| other.entry <= row.entry)
        .collect();
    entries.sort_by_key(|row| row.entry);
    let from = entries.len().saturating_sub(HISTORY);
    let history = entries[from..].iter().map(|row| past(row));
    let history = history.collect::<anyhow::Result<Vec<_>>>()?;
    let said = past(row)?;
    let id = &contract.id;
    let agreed: Contract = serde_json::from_str(&contract.canonical)
        .with_context(|| format!("the contract `{id}` in the store cannot be read"))?;
    let bytes = surecast_statement::pdf(&Document {
        contract: &agreed,
        settlement: &said.settlement,
        leaf: Some(said.leaf),
        history: &history,
        origin,
        lang,
    })?;
    Ok(bytes)
}

fn past(row: &SettlementRow) -> anyhow::Result<Past> {
    let leaf = row.leaf;
    let settlement: Settlement = serde_json::from_str(&row.canonical)
        .with_context(|| format!("the statement of leaf {leaf} in the store cannot be read"))?;
    Ok(Past {
        leaf: u64::try_from(leaf).context("a statement in the store has no leaf")?,
        at: Timestamp::from_millisecond(row.at_ms)?,
        settlement,
    })
}
